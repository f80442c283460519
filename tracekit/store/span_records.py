"""From the records of spans to rows: the path that every span takes, so kept short."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from tracekit import semconv
from tracekit.convert import COLUMN_NAMES, Columns, span_columns
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

SPAN_COLUMNS = (
    *("trace_id", "span_id", "parent_span_id", "start_time", "end_time", "duration_ns", "name"),
    *("kind", "status_message", "run_id", "experiment", "scope", "status", "service", "host"),
    *("pid", "attributes", "resource", *COLUMN_NAMES),
)
"""Columns of `store.span` in the order of a row."""

OPEN_COLUMNS = (
    *("trace_id", "span_id", "parent_span_id", "start_time", "name", "kind", "operation"),
    *("session_id", "user_id", "run_id", "experiment", "service", "host", "pid", "file"),
    "process_gone",
)
"""Columns of `store.span_open` in the order of a row."""

START_AT = SPAN_COLUMNS.index("start_time")
"""Where both kinds of rows have the start, in nanoseconds."""

_SPAN_TEXTS = (
    *("span_kind", "status_message", "run_id", "experiment", "scope", "session_id", "user_id"),
)
_START_TEXTS = ("span_kind", "operation", "session_id", "user_id", "run_id", "experiment")
_STATUSES = frozenset({"UNSET", "OK", "ERROR"})
_USAGE_ATTRIBUTES = (
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


def span_row(key: SpanKey, record: Record, file: SpoolFile, prices: Prices) -> Row:
    """The row of a span that has ended."""
    start, end = time_ns(record["start_ns"]), time_ns(record["end_ns"])
    *texts, session_id, user_id = optional_texts(record, _SPAN_TEXTS)
    columns, rest = span_columns(
        record.get("attributes") or {},
        scope=texts[-1],
        events=record.get("events") or (),
        start_ns=start,
    )
    status = record.get("status")
    if status == "ERROR" and columns["error_type"] is None:
        columns["error_type"] = _exception_type(record.get("events") or ())
    if session_id is not None:
        _take_owner("session_id", session_id, columns, rest)
    if user_id is not None:
        _take_owner("user_id", user_id, columns, rest)
    if columns["cost_usd"] is not None:
        columns["cost_source"] = "provider"
    elif columns["operation"] in semconv.MODEL_CALLS:
        _add_cost(prices, columns, rest)
    if columns["incomplete"] is None:
        columns["incomplete"] = False
    resource = record.get("resource")
    process = file.process
    return (
        *key,
        parent_id(record),
        start,
        end,
        end - start if end > start else 0,
        required_text(record, "name"),
        *texts,
        status if status in _STATUSES else "UNSET",
        _service(resource) if resource else file.service,
        process.host,
        process.pid,
        orjson.dumps(rest).decode() if rest else None,
        json_text(resource),
        *columns.values(),
    )


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
    attribute = columns[name]
    if attribute is not None and attribute != value:
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
    usage = Usage(
        columns["input_tokens"],
        columns["output_tokens"],
        columns["cache_read_tokens"],
        columns["cache_write_tokens"],
        columns["reasoning_tokens"],
        *[_tokens(rest.get(key)) for key in _USAGE_ATTRIBUTES],
    )
    tier = rest.get(semconv.OPENAI_RESPONSE_SERVICE_TIER)
    cost = price(
        columns["provider"],
        columns["response_model"] or columns["request_model"],
        usage,
        service_tier=tier if type(tier) is str else None,
        prices=prices,
    )
    if cost is not None:
        columns["cost_usd"], columns["cost_source"] = cost.usd, cost.source


def _tokens(value: Any) -> int | None:
    return value if type(value) is int else None
