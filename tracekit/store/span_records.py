"""From the records of spans to rows: the path that every span takes, so kept short."""

from collections.abc import Iterable, Mapping
from typing import Any

from tracekit import semconv
from tracekit.convert import Columns, span_columns
from tracekit.pricing import Prices, Usage, price
from tracekit.store.fields import (
    Record,
    SpanKey,
    json_text,
    optional_texts,
    parent_id,
    required_text,
    span_key,
    time_ns,
)
from tracekit.store.spool_files import SpoolFile

Row = tuple[Any, ...]

SPAN_COLUMNS = {
    **dict.fromkeys(
        (
            *("trace_id", "span_id", "parent_span_id", "name", "kind", "operation", "span_type"),
            *("status", "status_message", "error_type", "provider", "request_model"),
            *("response_model", "response_id", "cost_source", "tool_name", "agent_name"),
            *("prompt_name", "prompt_version", "session_id", "user_id", "run_id", "experiment"),
            *("scope", "service", "host", "input", "output", "input_messages"),
            *("output_messages", "system_instructions", "tool_definitions"),
        ),
        "VARCHAR",
    ),
    **dict.fromkeys(
        (
            *("start_time", "end_time", "duration_ns", "time_to_first_token_ns", "pid"),
            *("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"),
            "reasoning_tokens",
        ),
        "BIGINT",
    ),
    "cost_usd": "DOUBLE",
    "incomplete": "BOOLEAN",
    "finish_reasons": "VARCHAR[]",
    "attributes": "JSON",
    "resource": "JSON",
}
"""Columns of `store.span` that a row can have, and their types in JSON: times are nanoseconds."""

OPEN_COLUMNS = (
    *("trace_id", "span_id", "parent_span_id", "start_time", "name", "kind", "operation"),
    *("session_id", "user_id", "run_id", "experiment", "service", "host", "pid", "file"),
    "process_gone",
)
"""Columns of `store.span_open` in the order of a row."""

START_AT = OPEN_COLUMNS.index("start_time")
"""Where a row of `store.span_open` has the start, in nanoseconds."""

_SPAN_TEXTS = (
    *("span_kind", "status_message", "run_id", "experiment", "scope", "session_id", "user_id"),
)
_START_TEXTS = ("span_kind", "operation", "session_id", "user_id", "run_id", "experiment")
_STATUSES = frozenset({"UNSET", "OK", "ERROR"})
_TOKEN_COLUMNS = (
    *("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"),
    "reasoning_tokens",
)
_MEDIA_TOKENS = (
    *(semconv.AUDIO_INPUT_TOKENS, semconv.AUDIO_OUTPUT_TOKENS, semconv.AUDIO_CACHE_READ_TOKENS),
    *(semconv.IMAGE_INPUT_TOKENS, semconv.IMAGE_OUTPUT_TOKENS),
)


def start_row(record: Record, file: SpoolFile) -> Row:
    """The row of a span that has started."""
    process = file.process
    return (
        *span_key(record),
        parent_id(record),
        time_ns(record["start_ns"]),
        required_text(record, "name"),
        *optional_texts(record, _START_TEXTS),
        *(file.service, process.host, process.pid, file.name, file.state == "gone"),
    )


def span_row(key: SpanKey, record: Record, file: SpoolFile, prices: Prices) -> dict[str, Any]:
    """The row of a span that has ended: a value for each column that is known."""
    start, end = time_ns(record["start_ns"]), time_ns(record["end_ns"])
    kind, status_message, run_id, experiment, scope, session_id, user_id = optional_texts(
        record, _SPAN_TEXTS
    )
    events, status, resource = record.get("events"), record.get("status"), record.get("resource")
    columns, rest = span_columns(
        record.get("attributes") or {}, scope=scope, events=events or (), start_ns=start
    )
    if session_id is not None:
        _take_owner("session_id", session_id, columns, rest)
    if user_id is not None:
        _take_owner("user_id", user_id, columns, rest)
    if "cost_usd" in columns:
        columns["cost_source"] = "provider"
    elif columns.get("operation") in semconv.MODEL_CALLS:
        _add_cost(prices, columns, rest)
    if status == "ERROR" and events and "error_type" not in columns:
        columns["error_type"] = _exception_type(events)
    return {
        "trace_id": key[0],
        "span_id": key[1],
        "parent_span_id": parent_id(record),
        "start_time": start,
        "end_time": end,
        "duration_ns": end - start if end > start else 0,
        "name": required_text(record, "name"),
        "kind": kind,
        "status": status if status in _STATUSES else "UNSET",
        "status_message": status_message,
        "run_id": run_id,
        "experiment": experiment,
        "scope": scope,
        "service": _service(resource) if resource else file.service,
        "host": file.process.host,
        "pid": file.process.pid,
        "incomplete": False,
        "attributes": rest or None,
        "resource": resource or None,
        **columns,
    }


def event_rows(key: SpanKey, events: Iterable[Record]) -> list[Row]:
    """The rows of what happened within a span."""
    return [
        (
            *key,
            ordinal,
            required_text(event, "name"),
            time_ns(event["at_ns"]),
            json_text(event.get("attributes")),
        )
        for ordinal, event in enumerate(events)
    ]


def link_rows(key: SpanKey, links: Iterable[Record]) -> list[Row]:
    """The rows of what a span refers to."""
    return [
        (*key, ordinal, *span_key(link), json_text(link.get("attributes")))
        for ordinal, link in enumerate(links)
    ]


def _take_owner(name: str, value: str, columns: Columns, rest: dict[str, Any]) -> None:
    """What the record says goes before the attribute, which is kept where it says otherwise."""
    attribute = columns.get(name, value)
    if attribute != value:
        rest[name.replace("_", ".")] = attribute
    columns[name] = value


def _service(resource: Mapping[str, Any]) -> str | None:
    service = resource.get("service.name")
    return service if type(service) is str else None


def _exception_type(events: Iterable[Record]) -> str | None:
    for event in events:
        if event["name"] == "exception":
            attributes: Record = event.get("attributes") or {}
            found = attributes.get("exception.type")
            return found if type(found) is str else None
    return None


def _add_cost(prices: Prices, columns: Columns, rest: Mapping[str, Any]) -> None:
    usage = Usage(*map(columns.get, _TOKEN_COLUMNS), *map(_tokens, map(rest.get, _MEDIA_TOKENS)))
    tier = rest.get(semconv.OPENAI_RESPONSE_SERVICE_TIER)
    cost = price(
        columns.get("provider"),
        columns.get("response_model") or columns.get("request_model"),
        usage,
        service_tier=tier if type(tier) is str else None,
        prices=prices,
    )
    if cost is not None:
        columns["cost_usd"], columns["cost_source"] = cost.usd, cost.source


def _tokens(value: Any) -> int | None:
    return value if type(value) is int else None
