"""What is stored, as the data classes of `tracekit.model`. The connection comes from a `Store`."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

import orjson

from tracekit import semconv
from tracekit.errors import NotFoundError
from tracekit.model import (
    Artifact,
    Assessment,
    Experiment,
    Metric,
    Run,
    RunData,
    RunInfo,
    Span,
    SpanEvent,
    SpanLink,
    Trace,
    TraceStatus,
    TraceSummary,
)

if TYPE_CHECKING:
    from tracekit.store.connection import Connection

Row = Mapping[str, Any]
T = TypeVar("T")

SHORTEST_PREFIX = 4
"""Digits of an id that are enough to name a trace, if no other begins with them."""

_PLAIN_SPAN = (
    *("trace_id", "span_id", "parent_span_id", "name", "kind", "operation", "span_type", "status"),
    *("status_message", "error_type", "process_gone", "incomplete", "provider", "request_model"),
    *("response_model", "response_id", "input_tokens", "output_tokens", "cache_read_tokens"),
    *("cache_write_tokens", "reasoning_tokens", "cost_usd", "cost_source", "tool_name"),
    *("agent_name", "prompt_name", "prompt_version", "session_id", "user_id", "run_id"),
    *("experiment", "scope", "service", "host", "pid", "input", "output", "input_messages"),
    *("output_messages", "system_instructions", "tool_definitions"),
)
_SPANS = f"""
SELECT {", ".join(_PLAIN_SPAN)}, finish_reasons, attributes::JSON AS attributes,
  epoch_ns(start_time) AS start_ns, epoch_ns(end_time) AS end_ns,
  round(duration_ms * 1e6)::BIGINT AS duration_ns,
  round(time_to_first_token_ms * 1e6)::BIGINT AS time_to_first_token_ns
FROM spans WHERE trace_id IN (SELECT unnest(?::VARCHAR[]))
  AND start_time BETWEEN make_timestamp_ns(?) AND make_timestamp_ns(?)
ORDER BY start_time, parent_span_id IS NOT NULL, span_id
"""
_SUMMARIES = """
SELECT trace_id, name, status, span_count, error_count, epoch_ns(start_time) AS start_ns,
  round(duration_ms * 1e6)::BIGINT AS duration_ns, input, output, model, input_tokens,
  output_tokens, cost_usd, session_id, user_id, run_id, experiment, error_type
FROM store.traces_between(make_timestamp_ns($2), make_timestamp_ns($3))
WHERE trace_id IN (SELECT unnest($1::VARCHAR[]))
"""


def find_trace_id(connection: "Connection", id_or_prefix: str) -> str | None:
    """The id of the only trace that begins with those hexadecimal digits, or None.

    Raises:
        NotFoundError: Several traces do.
    """
    prefix = id_or_prefix.strip().lower()
    if len(prefix) < SHORTEST_PREFIX:
        return None
    rows = connection.execute(
        "SELECT DISTINCT trace_id FROM spans WHERE starts_with(trace_id, ?) ORDER BY 1 LIMIT 2",
        [prefix],
    ).fetchall()
    if len(rows) > 1:
        raise NotFoundError(f"several traces begin with {prefix!r}: give more digits of the id")
    return rows[0][0] if rows else None


def read_trace(connection: "Connection", trace_id: str) -> Trace | None:
    """The trace of that id, or the only one whose id begins so; None if there is none.

    Raises:
        NotFoundError: Several traces begin so.
    """
    found = find_trace_id(connection, trace_id)
    return read_traces(connection, [found])[0] if found else None


def read_traces(connection: "Connection", trace_ids: Sequence[str]) -> list[Trace]:
    """The traces of those ids, whole, in their order; unknown ids are left out.

    All are in memory at once: ask for some hundred at a time.
    """
    ids = list(dict.fromkeys(trace_ids))
    events = _grouped(connection, _EVENTS, ids, _event)
    links = _grouped(connection, _LINKS, ids, _link)
    spans: defaultdict[str, list[Span]] = defaultdict(list)
    for row in _rows(connection, _SPANS, ids, *_time_bounds(connection, ids)):
        key = (row["trace_id"], row["span_id"])
        spans[row["trace_id"]].append(_span(row, events.get(key, ()), links.get(key, ())))
    tags = _tags(connection, "trace", ids)
    assessments: defaultdict[str | None, list[Assessment]] = defaultdict(list)
    for assessment in read_assessments(connection, trace_ids=ids):
        assessments[assessment.trace_id].append(assessment)
    return [
        Trace(
            trace_id=trace_id,
            status=_trace_status(spans[trace_id]),
            spans=tuple(spans[trace_id]),
            tags=tags.get(trace_id, {}),
            metadata=_metadata(spans[trace_id]),
            assessments=tuple(assessments[trace_id]),
        )
        for trace_id in ids
        if trace_id in spans
    ]


def read_trace_summaries(
    connection: "Connection", trace_ids: Sequence[str] | None = None, *, limit: int | None = None
) -> list[TraceSummary]:
    """What a list shows of traces: those of the ids, in their order, or else the newest first."""
    ids = newest_trace_ids(connection, limit) if trace_ids is None else list(trace_ids)[:limit]
    tags = _tags(connection, "trace", ids)
    found = {
        row["trace_id"]: TraceSummary(**row, tags=tags.get(row["trace_id"], {}))
        for row in _rows(connection, _SUMMARIES, ids, *_time_bounds(connection, ids))
    }
    return [found[trace_id] for trace_id in ids if trace_id in found]


def newest_trace_ids(connection: "Connection", limit: int | None = None) -> list[str]:
    """Ids of the traces that started last, newest first.

    To group all spans costs 50 ms a million. So first, from the two tables themselves, the
    start of the last root that can count; then only what started since is grouped.
    """
    since = None if limit is None else _start_of_newest_root(connection, limit)
    rows: list[tuple[str, int, bool]] = connection.execute(
        "SELECT trace_id, epoch_ns(min(start_time)), bool_or(parent_span_id IS NULL) FROM spans "
        "WHERE start_time >= make_timestamp_ns(?) GROUP BY 1",
        [since or 0],
    ).fetchall()
    if since is not None:
        rows = _without_older_starts(connection, rows, since)
    rows.sort(key=lambda row: (-row[1], row[0]))
    return [trace_id for trace_id, _, _ in rows[:limit]]


def count_traces(connection: "Connection") -> int:
    """How many traces are stored, unfinished ones too."""
    row = connection.execute("SELECT count(DISTINCT trace_id) FROM spans").fetchone()
    return cast("int", row[0]) if row else 0


def _start_of_newest_root(connection: "Connection", number: int) -> int | None:
    newest = (
        "(SELECT start_time FROM store.{} WHERE parent_span_id IS NULL "
        "ORDER BY start_time DESC LIMIT $number)"
    )
    row = connection.execute(
        f"SELECT epoch_ns(start_time) FROM ({newest.format('span')} UNION ALL "
        f"{newest.format('span_open')}) ORDER BY start_time DESC LIMIT 1 OFFSET $number - 1",
        {"number": max(1, number)},
    ).fetchone()
    return cast("int", row[0]) if row else None


def _without_older_starts(
    connection: "Connection", rows: list[tuple[str, int, bool]], since: int
) -> list[tuple[str, int, bool]]:
    """Without the traces of which only later spans started since then."""
    doubtful = [trace_id for trace_id, _, has_root in rows if not has_root]
    if not doubtful:
        return rows
    older = connection.execute(
        "SELECT DISTINCT trace_id FROM spans WHERE trace_id IN (SELECT unnest(?::VARCHAR[])) "
        "AND start_time < make_timestamp_ns(?)",
        [doubtful, since],
    ).fetchall()
    left_out = {trace_id for (trace_id,) in older}
    return [row for row in rows if row[0] not in left_out]


def read_assessments(
    connection: "Connection",
    *,
    trace_ids: Sequence[str] | None = None,
    run_ids: Sequence[str] | None = None,
) -> list[Assessment]:
    """Assessments in force, oldest first: of those traces, those runs, or all."""
    scope, values = "true", []
    if trace_ids is not None:
        scope, values = "trace_id IN (SELECT unnest(?::VARCHAR[]))", [list(trace_ids)]
    elif run_ids is not None:
        scope, values = "run_id IN (SELECT unnest(?::VARCHAR[]))", [list(run_ids)]
    rows = _named(
        connection.execute(
            "SELECT assessment_id, kind, name, value, score, label, rationale, source_type, "
            "source_id, trace_id, span_id, run_id, error, epoch_ns(time) AS at_ns, metadata "
            f"FROM assessments WHERE {scope} ORDER BY time, assessment_id",
            values,
        )
    )
    for row in rows:
        row["value"] = _parsed(row["value"])
        row["metadata"] = _parsed(row["metadata"]) or {}
        row["source_type"] = row["source_type"] or "HUMAN"
    return [Assessment(**row) for row in rows]


def has_experiment(connection: "Connection", name: str) -> bool:
    """Whether an experiment of that name was made, or a span recorded in it."""
    found = connection.execute(
        "SELECT 1 FROM experiments WHERE name = $name "
        "UNION ALL SELECT 1 FROM spans WHERE experiment = $name LIMIT 1",
        {"name": name},
    ).fetchone()
    return found is not None


def read_experiments(connection: "Connection") -> list[Experiment]:
    """All experiments, deleted ones too, in the order in which they were made."""
    rows = connection.execute(
        "SELECT experiment_id, name, created_ns, deleted_ns FROM store.experiment "
        "ORDER BY created_ns, experiment_id"
    ).fetchall()
    tags = _tags(connection, "experiment", [row[0] for row in rows])
    return [
        Experiment(
            experiment_id=experiment_id,
            name=name,
            created_ns=created_ns,
            tags=tags.get(experiment_id, {}),
            lifecycle_stage="active" if deleted_ns is None else "deleted",
        )
        for experiment_id, name, created_ns, deleted_ns in rows
    ]


def read_runs(connection: "Connection", run_ids: Sequence[str] | None = None) -> list[Run]:
    """The runs of those ids in their order, deleted ones too; or all that are not, newest first."""
    scope = "deleted_ns IS NULL" if run_ids is None else "run_id IN (SELECT unnest(?::VARCHAR[]))"
    rows = _named(
        connection.execute(
            f"SELECT r.*, e.name AS now_named FROM store.run r "
            f"LEFT JOIN (SELECT experiment_id, name FROM store.experiment) e USING (experiment_id) "
            f"WHERE {scope} ORDER BY coalesce(start_ns, first_ns) DESC, run_id",
            [] if run_ids is None else [list(run_ids)],
        )
    )
    infos = {row["run_id"]: _run_info(row) for row in rows}
    ids = (
        list(infos) if run_ids is None else [run for run in dict.fromkeys(run_ids) if run in infos]
    )
    params = _by_owner(connection, "SELECT run_id, key, value FROM params", "run_id", ids)
    metrics = _by_owner(connection, "SELECT run_id, key, value FROM metrics_last", "run_id", ids)
    tags = _tags(connection, "run", ids)
    return [
        Run(
            info=infos[run_id],
            data=RunData(
                params=params.get(run_id, {}),
                metrics=metrics.get(run_id, {}),
                tags=tags.get(run_id, {}),
            ),
        )
        for run_id in ids
    ]


def read_metric_history(connection: "Connection", run_id: str, key: str) -> list[Metric]:
    """All values of one metric, by step, then time, then as they were logged."""
    rows = connection.execute(
        "SELECT key, value, step, at_ns // 1000000 FROM store.metric WHERE run_id = ? AND key = ? "
        "ORDER BY step, at_ns, seq",
        [run_id, key],
    ).fetchall()
    return [_metric(*row) for row in rows]


def read_metric_histories(
    connection: "Connection", run_ids: Sequence[str]
) -> dict[str, dict[str, list[Metric]]]:
    """All values of all metrics: by run, then by key, each as `read_metric_history` gives them."""
    rows = connection.execute(
        "SELECT run_id, key, value, step, at_ns // 1000000 FROM store.metric "
        "WHERE run_id IN (SELECT unnest(?::VARCHAR[])) ORDER BY run_id, key, step, at_ns, seq",
        [list(run_ids)],
    ).fetchall()
    histories: dict[str, dict[str, list[Metric]]] = {}
    for run_id, *row in rows:
        histories.setdefault(run_id, {}).setdefault(row[0], []).append(_metric(*row))
    return histories


def read_artifacts(connection: "Connection", run_id: str) -> list[Artifact]:
    """The files of a run, by path."""
    rows = connection.execute(
        "SELECT path, bytes, media_type, sha256 FROM artifacts WHERE run_id = ? ORDER BY path",
        [run_id],
    ).fetchall()
    return [
        Artifact(path=path, is_dir=False, file_size=size, media_type=media_type, sha256=sha256)
        for path, size, media_type, sha256 in rows
    ]


_EVENTS = """
SELECT trace_id, span_id, name, epoch_ns(time) AS at_ns, attributes FROM span_events
WHERE trace_id IN (SELECT unnest(?::VARCHAR[])) ORDER BY trace_id, span_id, ordinal
"""
_LINKS = """
SELECT trace_id, span_id, linked_trace_id, linked_span_id, attributes FROM span_links
WHERE trace_id IN (SELECT unnest(?::VARCHAR[])) ORDER BY trace_id, span_id, ordinal
"""


def _named(result: "Connection") -> list[dict[str, Any]]:
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _rows(
    connection: "Connection", query: str, ids: Sequence[str], *values: int
) -> list[dict[str, Any]]:
    return _named(connection.execute(query, [list(ids), *values])) if ids else []


def _time_bounds(connection: "Connection", trace_ids: Sequence[str]) -> tuple[int, int]:
    """When the first and the last span of those traces started.

    Texts are only read of the spans between; by ids alone, they would be read of all.
    """
    row = connection.execute(
        "SELECT epoch_ns(min(start_time)), epoch_ns(max(start_time)) FROM spans "
        "WHERE trace_id IN (SELECT unnest(?::VARCHAR[]))",
        [list(trace_ids)],
    ).fetchone()
    first, last = row or (None, None)
    return first or 0, last or 0


def _grouped(
    connection: "Connection", query: str, ids: Sequence[str], make: Callable[[Row], T]
) -> dict[tuple[str, str], tuple[T, ...]]:
    groups: defaultdict[tuple[str, str], list[T]] = defaultdict(list)
    for row in _rows(connection, query, ids):
        groups[row["trace_id"], row["span_id"]].append(make(row))
    return {key: tuple(things) for key, things in groups.items()}


def _event(row: Row) -> SpanEvent:
    return SpanEvent(
        name=row["name"], at_ns=row["at_ns"], attributes=_parsed(row["attributes"]) or {}
    )


def _link(row: Row) -> SpanLink:
    return SpanLink(
        trace_id=row["linked_trace_id"],
        span_id=row["linked_span_id"],
        attributes=_parsed(row["attributes"]) or {},
    )


def _span(row: dict[str, Any], events: tuple[SpanEvent, ...], links: tuple[SpanLink, ...]) -> Span:
    reasons = row.pop("finish_reasons")
    attributes = row.pop("attributes")
    return Span(
        **row,
        finish_reasons=None if reasons is None else tuple(reasons),
        attributes=_parsed(attributes) or {},
        events=events,
        links=links,
    )


def _trace_status(spans: Sequence[Span]) -> TraceStatus:
    if any(span.status == "UNFINISHED" for span in spans):
        return "UNFINISHED"
    head = next((span for span in spans if span.parent_span_id is None), spans[0])
    return "ERROR" if head.status == "ERROR" else "OK"


def _metadata(spans: Iterable[Span]) -> dict[str, str]:
    """Of all spans, the first one's where several name the same."""
    metadata: dict[str, str] = {}
    for span in spans:
        for key, value in span.attributes.items():
            if key.startswith(semconv.METADATA_PREFIX):
                name = key.removeprefix(semconv.METADATA_PREFIX)
                metadata.setdefault(name, value if isinstance(value, str) else _json(value))
    return metadata


def _run_info(row: Row) -> RunInfo:
    return RunInfo(
        run_id=row["run_id"],
        run_name=row["name"] or row["run_id"],
        experiment_id=row["experiment_id"] or "",
        experiment=row["now_named"] or row["experiment"] or "",
        status=row["status"] or "RUNNING",
        start_time=(row["start_ns"] or row["first_ns"]) // 1_000_000,
        end_time=None if row["end_ns"] is None else row["end_ns"] // 1_000_000,
        parent_run_id=row["parent_run_id"],
        user_id=row["user_name"],
        artifact_uri=f"runs:/{row['run_id']}",
        lifecycle_stage="active" if row["deleted_ns"] is None else "deleted",
        kind=row["kind"] or "user",
        source=_parsed(row["source"]) or {},
    )


def _metric(key: str, value: float, step: int, timestamp: int) -> Metric:
    return Metric(key=key, value=value, step=step, timestamp=timestamp)


def _tags(connection: "Connection", subject: str, ids: Sequence[str]) -> dict[str, dict[str, str]]:
    query = f"SELECT subject_id, key, value FROM tags WHERE subject = '{subject}'"
    return _by_owner(connection, query, "subject_id", ids)


def _by_owner(
    connection: "Connection", query: str, id_column: str, ids: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """From rows of id, key and value: by id, then by key."""
    word = "AND" if " WHERE " in query else "WHERE"
    rows = connection.execute(
        f"{query} {word} {id_column} IN (SELECT unnest(?::VARCHAR[])) ORDER BY 1, 2", [list(ids)]
    ).fetchall()
    found: dict[str, dict[str, Any]] = {}
    for owner, key, value in rows:
        found.setdefault(owner, {})[key] = value
    return found


def _parsed(text: str | None) -> Any:
    return None if text is None else orjson.loads(text)


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
