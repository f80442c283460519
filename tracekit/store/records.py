"""From lines of the spool to rows of tables, one function a kind of record."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from tracekit.pricing import Prices
from tracekit.store.connection import ROW_GROUP_ROWS
from tracekit.store.evaluation_records import Evaluations
from tracekit.store.fields import (
    BadRecordError,
    Record,
    SpanKey,
    as_number,
    as_record,
    integer,
    is_number,
    is_object,
    is_text,
    is_time,
    named_fields,
    optional_text,
    required_text,
    span_key,
    time_ns,
)
from tracekit.store.span_records import (
    Row,
    event_rows,
    link_rows,
    span_row,
    start_row,
)
from tracekit.store.spool_files import Line, Part
from tracekit.store.stage import Stage

_HEAD_LENGTH = 500
_NUMBERS = frozenset({float, int})


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

    seen_ns: int
    prices: Prices
    stage: Stage
    parts: list[Part] = field(default_factory=list[Part])
    """What the rows were read from."""
    spans: dict[SpanKey, int] = field(default_factory=dict[SpanKey, int])
    """The start of each span that is staged."""
    metrics: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    """File and number of each record of metrics that is staged."""
    open_spans: list[Row] = field(default_factory=_rows)
    starts: dict[SpanKey, tuple[Record, Line]] = field(
        default_factory=dict[SpanKey, tuple[Record, Line]]
    )
    events: dict[SpanKey, list[Row]] = field(default_factory=dict[SpanKey, list[Row]])
    links: dict[SpanKey, list[Row]] = field(default_factory=dict[SpanKey, list[Row]])
    experiments: list[Change] = field(default_factory=list[Change])
    runs: list[Change] = field(default_factory=list[Change])
    params: list[Change] = field(default_factory=list[Change])
    tags: list[Change] = field(default_factory=list[Change])
    assessments: list[Change] = field(default_factory=list[Change])
    artifacts: list[Change] = field(default_factory=list[Change])
    evaluations: Evaluations = field(default_factory=Evaluations)
    lost: dict[str, int] = field(default_factory=dict[str, int])
    bad: list[BadRecord] = field(default_factory=list[BadRecord])

    def reject(self, line: Line, reason: str) -> None:
        """Keep a line out of the tables, and remember why."""
        self.bad.append(BadRecord(line=line, reason=reason))


def parse(lines: Iterable[Line], batch: Batch) -> None:
    """Add rows of those lines, no more spans than a row group takes.

    A line that can't be read does no harm to the others.
    """
    part: Part | None = None
    for line in lines:
        if part is None or line.file is not part.file:
            part = Part(line.file, line.offset, line.offset)
            batch.parts.append(part)
        part.end = line.offset + len(line.data)
        part.records += 1
        if not line.data.endswith(b"\n"):
            batch.reject(line, "torn: its process ended while writing it")
        elif line.data != b"\n":
            _attempt(batch, line, _read)
        if len(batch.spans) == ROW_GROUP_ROWS:
            break
    for record, line in batch.starts.values():
        _attempt(batch, line, _open_span, record)


def _attempt(batch: Batch, line: Line, step: Callable[..., None], *values: Any) -> None:
    try:
        step(batch, line, *values)
    except BadRecordError as error:
        batch.reject(line, str(error))
    except orjson.JSONDecodeError as error:
        batch.reject(line, f"not JSON: {error}")
    except (KeyError, TypeError, ValueError, AttributeError):
        batch.reject(line, _complaint(line.data))


def _read(batch: Batch, line: Line) -> None:
    record = orjson.loads(line.data)
    _READERS[record["kind"]](batch, record, line)


def _open_span(batch: Batch, line: Line, record: Record) -> None:
    batch.open_spans.append(start_row(record, line.file))


def _complaint(data: bytes) -> str:
    record = as_record(orjson.loads(data))
    kind = None if record is None else record.get("kind")
    if type(kind) is not str:
        return "no record: an object with `kind` was expected"
    return (
        f"a field of this {kind!r} is missing or of the wrong type"
        if kind in _READERS
        else (f"unknown kind {kind!r}")
    )


def _process(batch: Batch, record: Record, line: Line) -> None:
    """Read when the file was found: see spool_files."""


def _start(batch: Batch, record: Record, line: Line) -> None:
    """Most spans end in the same batch: the row is made only for those that don't."""
    batch.starts[record["trace_id"], record["span_id"]] = (record, line)


def _span(batch: Batch, record: Record, line: Line) -> None:
    key = span_key(record)
    if key in batch.spans:
        return  # written twice: the first one stays, as it does between batches
    row = span_row(key, record, line.file, batch.prices)
    if record.get("events") or record.get("links"):
        _add_parts(batch, key, record)
    batch.stage.spans.add(row)
    batch.spans[key] = row["start_time"]
    batch.starts.pop(key, None)


def _add_parts(batch: Batch, key: SpanKey, record: Record) -> None:
    events = event_rows(key, record.get("events") or ())
    links = link_rows(key, record.get("links") or ())
    batch.events[key], batch.links[key] = events, links


def _experiment(batch: Batch, record: Record, line: Line) -> None:
    fields = named_fields(record, {"name": is_text, "deleted_ns": is_time})
    batch.experiments.append(_change(record, "experiment_id", fields, line))


def _run(batch: Batch, record: Record, line: Line) -> None:
    fields = named_fields(record, _RUN_FIELDS)
    if "run_kind" in fields:
        fields["kind"] = fields.pop("run_kind")
    batch.runs.append(_change(record, "run_id", fields, line))


def _param(batch: Batch, record: Record, line: Line) -> None:
    fields = {"key": required_text(record, "key"), "value": required_text(record, "value")}
    batch.params.append(_change(record, "run_id", fields, line))


def _metrics(batch: Batch, record: Record, line: Line) -> None:
    values = record["values"]
    if not _NUMBERS.issuperset(map(type, values.values())):
        values = {key: as_number(value) for key, value in values.items()}
    file, seq = line.file.name, integer(record.get("seq", line.offset))
    row = {
        "run_id": required_text(record, "run_id"),
        "values": values,
        "step": integer(record.get("step") or 0),
        "at_ns": time_ns(record["at_ns"]),
        "file": file,
        "seq": seq,
    }
    batch.stage.metrics.add(row)
    batch.metrics.append((file, seq))


def _tag(batch: Batch, record: Record, line: Line) -> None:
    fields = {
        "subject": required_text(record, "subject"),
        "key": required_text(record, "key"),
        "value": optional_text(record, "value"),
    }
    batch.tags.append(_change(record, "subject_id", fields, line))


def _assessment(batch: Batch, record: Record, line: Line) -> None:
    fields = named_fields(record, _ASSESSMENT_FIELDS)
    if "assessment_kind" in fields:
        fields["kind"] = fields.pop("assessment_kind")
    if "value" in record:
        fields["value"] = orjson.dumps(record["value"]).decode()
    batch.assessments.append(_change(record, "assessment_id", fields, line))


def _artifact(batch: Batch, record: Record, line: Line) -> None:
    fields = named_fields(record, _ARTIFACT_FIELDS)
    owner = "trace_id" if fields.get("run_id") is None else "run_id"
    if fields.get(owner) is None:
        raise BadRecordError("an artifact of no run and no trace")
    fields["path"] = required_text(record, "path")
    batch.artifacts.append(_change(record, owner, fields, line))


def _evaluation_row(batch: Batch, record: Record, line: Line) -> None:
    batch.evaluations.add_row(record)


def _dataset(batch: Batch, record: Record, line: Line) -> None:
    batch.evaluations.add_dataset(record)


def _dataset_row(batch: Batch, record: Record, line: Line) -> None:
    batch.evaluations.add_dataset_row(record)


def _lost(batch: Batch, record: Record, line: Line) -> None:
    name = line.file.name
    batch.lost[name] = max(batch.lost.get(name, 0), integer(record["records"]))


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
    "evaluation_row": _evaluation_row,
    "dataset": _dataset,
    "dataset_row": _dataset_row,
    "lost": _lost,
}


_RUN_FIELDS = {
    **dict.fromkeys(("experiment_id", "experiment", "name", "parent_run_id"), is_text),
    **dict.fromkeys(("run_kind", "status", "user_name"), is_text),
    **dict.fromkeys(("start_ns", "end_ns", "deleted_ns"), is_time),
    "source": is_object,
}
_ASSESSMENT_FIELDS = {
    **dict.fromkeys(("trace_id", "span_id", "run_id", "evaluation_row_id"), is_text),
    **dict.fromkeys(("assessment_kind", "name", "label", "rationale"), is_text),
    **dict.fromkeys(("source_type", "source_id", "error", "judge_trace_id"), is_text),
    **dict.fromkeys(("score", "cost_usd"), is_number),
    "replaces_id": is_text,
    "deleted_ns": is_time,
    "metadata": is_object,
}
_ARTIFACT_FIELDS = {
    **dict.fromkeys(("run_id", "trace_id", "sha256", "media_type"), is_text),
    "bytes": is_time,
    "deleted_ns": is_time,
}


def _change(record: Record, id_field: str, fields: Mapping[str, Any], line: Line) -> Change:
    return Change(
        id=required_text(record, id_field), at_ns=time_ns(record["at_ns"]), fields=fields, line=line
    )
