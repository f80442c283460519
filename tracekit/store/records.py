"""From lines of the spool to rows of tables, one function a kind of record.

Everything is checked here, before the database sees it: one value that it refuses would fail
a whole batch.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import orjson

from tracekit import semconv
from tracekit.convert import Columns, span_columns
from tracekit.pricing import Prices, Usage, price
from tracekit.store.spool_files import Line

Record = dict[str, Any]
Row = tuple[Any, ...]
SpanKey = tuple[str, str]

SPAN_COLUMNS = (
    *("trace_id", "span_id", "parent_span_id", "start_time", "end_time", "duration_ns"),
    *("name", "kind", "status", "status_message", "run_id", "experiment", "scope"),
    *("service", "host", "pid", "attributes", "resource", "ingest_id"),
)
"""Columns of `store.span` that come from the record itself, in the order of a row."""

ATTRIBUTE_COLUMNS = (
    *("operation", "span_type", "error_type", "provider", "request_model", "response_model"),
    *("response_id", "finish_reasons", "input_tokens", "output_tokens", "cache_read_tokens"),
    *("cache_write_tokens", "reasoning_tokens", "cost_usd", "cost_source"),
    *("time_to_first_token_ns", "tool_name", "agent_name", "prompt_name", "prompt_version"),
    *("session_id", "user_id", "incomplete", "input", "output", "input_messages"),
    *("output_messages", "system_instructions", "tool_definitions"),
)
"""Columns of `store.span` that come from attributes, in the order of a row."""

_TRACE_ID = re.compile(r"[0-9a-f]{32}").fullmatch
_SPAN_ID = re.compile(r"[0-9a-f]{16}").fullmatch
_STATUSES = frozenset({"UNSET", "OK", "ERROR"})
_NOT_FINITE = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
_LATEST_NS = 2**63 - 2  # the last value of TIMESTAMP_NS means infinity
_HEAD_LENGTH = 500


class BadRecordError(Exception):
    """A record that has no place in the tables; the message says why."""


@dataclass(slots=True, kw_only=True)
class BadRecord:
    """A line that was kept out of the tables."""

    line: Line
    reason: str

    @property
    def head(self) -> str:
        """Its beginning, for people."""
        return self.line.data[:_HEAD_LENGTH].decode("utf-8", "replace").rstrip("\n")


@dataclass(slots=True, kw_only=True)
class Change:
    """Fields of something in a small table, as one record names them."""

    id: str
    at_ns: int
    fields: Mapping[str, Any]
    line: Line


def _rows() -> list[Row]:
    return []


@dataclass(slots=True)
class Batch:
    """Rows and changes out of many lines, in the order of the lines."""

    lines: list[Line]
    ingest_id: int
    seen_ns: int
    prices: Prices
    spans: dict[SpanKey, Row] = field(default_factory=dict[SpanKey, Row])
    open_spans: dict[SpanKey, Row] = field(default_factory=dict[SpanKey, Row])
    events: dict[SpanKey, list[Row]] = field(default_factory=dict[SpanKey, list[Row]])
    links: dict[SpanKey, list[Row]] = field(default_factory=dict[SpanKey, list[Row]])
    experiments: list[Change] = field(default_factory=list[Change])
    runs: list[Change] = field(default_factory=list[Change])
    params: list[Change] = field(default_factory=list[Change])
    metrics: list[Row] = field(default_factory=_rows)
    tags: list[Change] = field(default_factory=list[Change])
    assessments: list[Change] = field(default_factory=list[Change])
    artifacts: list[Change] = field(default_factory=list[Change])
    lost: dict[str, int] = field(default_factory=dict[str, int])
    bad: list[BadRecord] = field(default_factory=list[BadRecord])

    def reject(self, line: Line, reason: str) -> None:
        """Keep a line out of the tables, and remember why."""
        self.bad.append(BadRecord(line=line, reason=reason))


def parse(lines: list[Line], ingest_id: int, seen_ns: int, prices: Prices) -> Batch:
    """The rows of those lines; a line that can't be read does no harm to the others."""
    batch = Batch(lines, ingest_id, seen_ns, prices)
    loads = orjson.loads
    for line in lines:
        data = line.data
        if not data.endswith(b"\n"):
            batch.reject(line, "torn: its process ended while writing it")
            continue
        if data == b"\n":
            continue
        try:
            record = loads(data)
            _READERS[record["kind"]](batch, record, line)
        except BadRecordError as error:
            batch.reject(line, str(error))
        except orjson.JSONDecodeError as error:
            batch.reject(line, f"not JSON: {error}")
        except (KeyError, TypeError, ValueError, AttributeError):
            batch.reject(line, _complaint(data))
    return batch


def _complaint(data: bytes) -> str:
    record = orjson.loads(data)
    if not isinstance(record, dict) or not isinstance(record.get("kind"), str):
        return "no record: an object with `kind` was expected"
    kind = record["kind"]
    return (
        f"a field of this {kind!r} is missing or of the wrong type"
        if kind in _READERS
        else (f"unknown kind {kind!r}")
    )


def _process(batch: Batch, record: Record, line: Line) -> None:
    """Read when the file was found: see spool_files."""


def _start(batch: Batch, record: Record, line: Line) -> None:
    key = _span_key(record)
    file = line.file
    batch.open_spans[key] = (
        *key,
        _parent(record),
        _time(record["start_ns"]),
        _required_text(record, "name"),
        _text(record, "span_kind"),
        _text(record, "operation"),
        _text(record, "session_id"),
        _text(record, "user_id"),
        _text(record, "run_id"),
        _text(record, "experiment"),
        file.service,
        file.process.host,
        file.process.pid,
        file.name,
        file.state == "gone",
    )


def _span(batch: Batch, record: Record, line: Line) -> None:
    key = _span_key(record)
    columns, rest = span_columns(record.get("attributes") or {}, scope=record.get("scope"))
    events = record.get("events")
    if events:
        batch.events[key] = _event_rows(key, events)
    links = record.get("links")
    if links:
        batch.links[key] = _link_rows(key, links)
    status = record.get("status")
    if status == "ERROR" and "error_type" not in columns and events:
        columns["error_type"] = _exception_type(events)
    _prefer(record, "session_id", columns, rest, semconv.SESSION_ID)
    _prefer(record, "user_id", columns, rest, semconv.USER_ID)
    _add_cost(batch.prices, columns, rest)
    columns.setdefault("incomplete", False)
    start, end = _time(record["start_ns"]), _time(record["end_ns"])
    resource = record.get("resource")
    process = line.file.process
    column = columns.get
    batch.open_spans.pop(key, None)
    batch.spans[key] = (
        *key,
        _parent(record),
        start,
        end,
        max(0, end - start),
        _required_text(record, "name"),
        _text(record, "span_kind"),
        status if status in _STATUSES else "UNSET",
        _text(record, "status_message"),
        _text(record, "run_id"),
        _text(record, "experiment"),
        _text(record, "scope"),
        _service(resource) or line.file.service,
        process.host,
        process.pid,
        orjson.dumps(rest).decode() if rest else None,
        orjson.dumps(resource).decode() if resource else None,
        batch.ingest_id,
        *[column(name) for name in ATTRIBUTE_COLUMNS],
    )


def _experiment(batch: Batch, record: Record, line: Line) -> None:
    fields = _fields(record, {"name": _is_text, "deleted_ns": _is_time})
    batch.experiments.append(_change(record, "experiment_id", fields, line))


def _run(batch: Batch, record: Record, line: Line) -> None:
    fields = _fields(record, _RUN_FIELDS)
    if "run_kind" in fields:
        fields["kind"] = fields.pop("run_kind")
    batch.runs.append(_change(record, "run_id", fields, line))


def _param(batch: Batch, record: Record, line: Line) -> None:
    fields = {"key": _required_text(record, "key"), "value": _required_text(record, "value")}
    batch.params.append(_change(record, "run_id", fields, line))


def _metrics(batch: Batch, record: Record, line: Line) -> None:
    run_id, at_ns = _required_text(record, "run_id"), _time(record["at_ns"])
    step, seq = _integer(record.get("step") or 0), _integer(record.get("seq", line.offset))
    file = line.file.name
    rows = [
        (run_id, key, step, at_ns, _number(value), file, seq)
        for key, value in record["values"].items()
    ]
    batch.metrics += rows


def _tag(batch: Batch, record: Record, line: Line) -> None:
    fields = {
        "subject": _required_text(record, "subject"),
        "key": _required_text(record, "key"),
        "value": _text(record, "value"),
    }
    batch.tags.append(_change(record, "subject_id", fields, line))


def _assessment(batch: Batch, record: Record, line: Line) -> None:
    fields = _fields(record, _ASSESSMENT_FIELDS)
    if "assessment_kind" in fields:
        fields["kind"] = fields.pop("assessment_kind")
    if "value" in record:
        fields["value"] = orjson.dumps(record["value"]).decode()
    batch.assessments.append(_change(record, "assessment_id", fields, line))


def _artifact(batch: Batch, record: Record, line: Line) -> None:
    fields = _fields(record, _ARTIFACT_FIELDS)
    owner = "trace_id" if fields.get("run_id") is None else "run_id"
    if fields.get(owner) is None:
        raise BadRecordError("an artifact of no run and no trace")
    fields["path"] = _required_text(record, "path")
    batch.artifacts.append(_change(record, owner, fields, line))


def _lost(batch: Batch, record: Record, line: Line) -> None:
    name = line.file.name
    batch.lost[name] = max(batch.lost.get(name, 0), _integer(record["records"]))


_READERS: dict[str, Callable[[Batch, Record, Line], None]] = {
    "process": _process,
    "start": _start,
    "span": _span,
    "experiment": _experiment,
    "run": _run,
    "param": _param,
    "metrics": _metrics,
    "tag": _tag,
    "assessment": _assessment,
    "artifact": _artifact,
    "lost": _lost,
}


def _is_text(value: Any) -> bool:
    return type(value) is str


def _is_time(value: Any) -> bool:
    return type(value) is int and 0 <= value <= _LATEST_NS


def _is_number(value: Any) -> bool:
    return type(value) in {int, float}


def _is_object(value: Any) -> bool:
    return type(value) is dict


_RUN_FIELDS = {
    **dict.fromkeys(("experiment_id", "experiment", "name", "parent_run_id"), _is_text),
    **dict.fromkeys(("run_kind", "status", "user_name"), _is_text),
    **dict.fromkeys(("start_ns", "end_ns", "deleted_ns"), _is_time),
    "source": _is_object,
}
_ASSESSMENT_FIELDS = {
    **dict.fromkeys(("trace_id", "span_id", "run_id", "evaluation_row_id"), _is_text),
    **dict.fromkeys(("assessment_kind", "name", "label", "rationale"), _is_text),
    **dict.fromkeys(("source_type", "source_id", "error", "judge_trace_id"), _is_text),
    **dict.fromkeys(("score", "cost_usd"), _is_number),
    "replaces_id": _is_text,
    "deleted_ns": _is_time,
    "metadata": _is_object,
}
_ARTIFACT_FIELDS = {
    **dict.fromkeys(("run_id", "trace_id", "sha256", "media_type"), _is_text),
    "bytes": _is_time,
    "deleted_ns": _is_time,
}


def _fields(record: Record, kinds: Mapping[str, Callable[[Any], bool]]) -> dict[str, Any]:
    """Those of the fields that the record names; objects as JSON text."""
    fields: dict[str, Any] = {}
    for name, fits in kinds.items():
        if name not in record:
            continue
        value = record[name]
        if value is not None and not fits(value):
            raise BadRecordError(f"`{name}` is of the wrong type")
        fields[name] = orjson.dumps(value).decode() if fits is _is_object and value else value
    return fields


def _change(record: Record, id_field: str, fields: Mapping[str, Any], line: Line) -> Change:
    return Change(
        id=_required_text(record, id_field), at_ns=_time(record["at_ns"]), fields=fields, line=line
    )


def _required_text(record: Record, name: str) -> str:
    value = record[name]
    if type(value) is not str:
        raise BadRecordError(f"`{name}` is no text")
    return value


def _text(record: Record, name: str) -> str | None:
    value = record.get(name)
    if value is None or type(value) is str:
        return value
    raise BadRecordError(f"`{name}` is no text")


def _time(value: Any) -> int:
    if type(value) is int and 0 <= value <= _LATEST_NS:
        return value
    raise BadRecordError(f"{value!r} is no time in nanoseconds")


def _integer(value: Any) -> int:
    if type(value) is int and -(2**63) <= value < 2**63:
        return value
    raise BadRecordError(f"{value!r} is no integer of 64 bits")


def _number(value: Any) -> float:
    if type(value) is str:
        return _NOT_FINITE[value]
    return float(value)


def _span_key(record: Record) -> SpanKey:
    trace_id, span_id = record["trace_id"], record["span_id"]
    if not _TRACE_ID(trace_id) or not _SPAN_ID(span_id):
        raise BadRecordError("`trace_id` or `span_id` is not lower-case hexadecimal of its length")
    return trace_id, span_id


def _parent(record: Record) -> str | None:
    parent = record.get("parent_span_id")
    if parent is None or _SPAN_ID(parent):
        return cast("str | None", parent)
    raise BadRecordError("`parent_span_id` is not lower-case hexadecimal of its length")


def _service(resource: Any) -> str | None:
    service = resource.get("service.name") if resource else None
    return service if type(service) is str else None


def _event_rows(key: SpanKey, events: Iterable[Record]) -> list[Row]:
    return [
        (*key, ordinal, event["name"], _time(event["at_ns"]), _json(event.get("attributes")))
        for ordinal, event in enumerate(events)
        if type(event["name"]) is str
    ]


def _link_rows(key: SpanKey, links: Iterable[Record]) -> list[Row]:
    return [
        (*key, ordinal, *_span_key(link), _json(link.get("attributes")))
        for ordinal, link in enumerate(links)
    ]


def _json(value: Any) -> str | None:
    return orjson.dumps(value).decode() if value else None


def _exception_type(events: Iterable[Record]) -> str | None:
    for event in events:
        if event["name"] == "exception":
            found = (event.get("attributes") or {}).get("exception.type")
            return found if type(found) is str else None
    return None


def _prefer(
    record: Record, name: str, columns: Columns, rest: dict[str, Any], attribute: str
) -> None:
    """What the record says goes before the attribute, which is kept where it says otherwise."""
    value = _text(record, name)
    if value is None:
        return
    other = columns.get(name, value)
    if other != value:
        rest[attribute] = other
    columns[name] = value


def _add_cost(prices: Prices, columns: Columns, rest: Mapping[str, Any]) -> None:
    if "cost_usd" in columns:
        columns["cost_source"] = "provider"
        return
    if columns.get("operation") not in semconv.MODEL_CALLS or "input_tokens" not in columns:
        return
    column = columns.get
    usage = Usage(
        input_tokens=column("input_tokens"),
        output_tokens=column("output_tokens"),
        cache_read_tokens=column("cache_read_tokens"),
        cache_write_tokens=column("cache_write_tokens"),
        reasoning_tokens=column("reasoning_tokens"),
        **{name: _tokens(rest, key) for name, key in _USAGE_ATTRIBUTES if key in rest},
    )
    model = column("response_model") or column("request_model")
    tier = rest.get(semconv.OPENAI_RESPONSE_SERVICE_TIER)
    cost = price(
        column("provider"),
        model,
        usage,
        service_tier=tier if type(tier) is str else None,
        prices=prices,
    )
    if cost is not None:
        columns["cost_usd"], columns["cost_source"] = cost.usd, cost.source


_USAGE_ATTRIBUTES = (
    ("audio_input_tokens", semconv.AUDIO_INPUT_TOKENS),
    ("audio_output_tokens", semconv.AUDIO_OUTPUT_TOKENS),
    ("audio_cache_read_tokens", semconv.AUDIO_CACHE_READ_TOKENS),
    ("image_input_tokens", semconv.IMAGE_INPUT_TOKENS),
    ("image_output_tokens", semconv.IMAGE_OUTPUT_TOKENS),
)


def _tokens(rest: Mapping[str, Any], key: str) -> int | None:
    value = rest[key]
    return value if type(value) is int else None
