"""What the pages show, as plain frozen data, and the way there from what is stored.

The list of traces is columnar (`trace_columns`); what one trace shows is a `TraceView`, its
content apart from its facts, so that a page draws the tree of a large trace at once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tracekit import semconv
from tracekit.model import Artifact, Assessment, Metric, Run, Span, Trace, TraceSummary
from tracekit.ui.content import parsed, plain, preview, without_base64

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFacts:
    """What the report says of itself."""

    title: str
    version: str
    """Of tracekit."""
    created_ms: int
    traces_stored: int
    """All that the filter admits; the file may hold only the newest of them."""
    filter: str | None = None
    source: str = ""
    """Where it was read from."""
    notes: tuple[str, ...] = ()
    """What a reader must know: records that could not be read, texts left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceRow:
    """One row of the list of traces."""

    id: str
    name: str
    status: str
    input: str
    start_ms: int
    duration_us: int | None
    model: str | None
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    span_count: int
    error_count: int
    error_type: str | None
    session: str | None
    user: str | None
    run: str | None
    experiment: str | None
    tags: tuple[tuple[str, str], ...]
    score: float | None
    """The lowest score that anyone gave."""
    gone: bool
    """Unfinished, and its process no longer runs."""
    chunk: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceView:
    """One trace: facts of each span, and in the same order what was written in it."""

    head: Json
    contents: tuple[Json, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One row of the table of runs."""

    id: str
    name: str
    experiment: str
    status: str
    start_ms: int
    end_ms: int | None
    parent: str | None
    user: str | None
    params: Mapping[str, str]
    metrics: Mapping[str, Any]
    tags: Mapping[str, str]
    chunk: int


def trace_row(summary: TraceSummary, trace: Trace | None, chunk: int) -> TraceRow:
    """The row of a trace; `chunk` is the number of the block that holds the whole of it."""
    scores = [a.score for a in trace.assessments if a.score is not None] if trace else []
    return TraceRow(
        id=summary.trace_id,
        name=summary.name,
        status=summary.status,
        input=preview(summary.input),
        start_ms=summary.start_ns // 1_000_000,
        duration_us=None if summary.duration_ns is None else max(1, summary.duration_ns // 1000),
        model=_main_model(trace) or summary.model,
        input_tokens=summary.input_tokens,
        output_tokens=summary.output_tokens,
        cost_usd=summary.cost_usd,
        span_count=summary.span_count,
        error_count=summary.error_count,
        error_type=summary.error_type,
        session=summary.session_id,
        user=summary.user_id,
        run=summary.run_id,
        experiment=summary.experiment,
        tags=tuple(sorted(summary.tags.items())),
        score=min(scores, default=None),
        gone=any(span.process_gone for span in trace.spans) if trace else False,
        chunk=chunk,
    )


def _main_model(trace: Trace | None) -> str | None:
    """Of the first call that answers; a trace often begins with an embedding."""
    spans = trace.spans if trace else ()
    return next((s.request_model for s in spans if s.request_model and kind_of(s) == "model"), None)


_TEXTS = ("name", "status", "model", "error_type", "session", "user", "run", "experiment")
_NUMBERS = ("input_tokens", "output_tokens", "span_count", "error_count", "score", "chunk")


def trace_columns(rows: Sequence[TraceRow]) -> Json:
    """The list of traces by column, as small as it gets before compression.

    Texts that repeat are `{"dict": [None, …], "ids": […]}`, times are differences to the row
    before, in milliseconds.
    """
    columns: Json = {"count": len(rows), "id": [r.id for r in rows]}
    columns["input"] = [row.input for row in rows]
    columns["start_ms"] = _differences([row.start_ms for row in rows])
    columns["duration_us"] = [row.duration_us for row in rows]
    columns["cost_usd"] = [row.cost_usd and float(f"{row.cost_usd:.6g}") for row in rows]
    columns["gone"] = [int(row.gone) for row in rows]
    for name in _NUMBERS:
        columns[name] = [getattr(row, name) for row in rows]
    for name in _TEXTS:
        columns[name] = _coded([[getattr(row, name)] for row in rows])
        columns[name]["ids"] = [ids[0] for ids in columns[name]["ids"]]
    columns["tags"] = _coded([row.tags for row in rows])
    return columns


def _differences(values: Sequence[int]) -> list[int]:
    return [value - before for before, value in zip((0, *values), values, strict=False)]


def _coded(values: Sequence[Sequence[Any]]) -> Json:
    known: dict[Any, int] = {None: 0}
    ids = [[known.setdefault(item, len(known)) for item in items] for items in values]
    return {"dict": list(known), "ids": ids}


_KINDS = {
    "chat": "model",
    "text_completion": "model",
    "generate_content": "model",
    "fetch_response": "model",
    "llm": "model",
    "chat_model": "model",
    "embeddings": "embedding",
    "embedding": "embedding",
    "retrieval": "retrieval",
    "retriever": "retrieval",
    "reranker": "retrieval",
    "search_memory": "retrieval",
    "execute_tool": "tool",
    "tool": "tool",
    "invoke_agent": "agent",
    "create_agent": "agent",
    "agent": "agent",
    "guardrail": "guardrail",
    "evaluator": "guardrail",
}


def kind_of(span: Span) -> str:
    """Which of the page's shapes a span has: model, tool … or `step`, the program's own code."""
    words = ((span.operation or "").lower(), (span.span_type or "").lower())
    return next((_KINDS[word] for word in words if word in _KINDS), "step")


_Fact = Callable[[Span], Any]
_FACTS: dict[str, _Fact] = {
    "parent": lambda s: s.parent_span_id,
    "operation": lambda s: s.operation,
    "type": lambda s: s.span_type,
    "message": lambda s: s.status_message,
    "error": lambda s: s.error_type,
    "billed": lambda s: s.operation in semconv.MODEL_CALLS or None,
    "gone": lambda s: s.process_gone or None,
    "incomplete": lambda s: s.incomplete or None,
    "provider": lambda s: s.provider,
    "model": lambda s: s.request_model,
    "response_model": lambda s: s.response_model,
    "response_id": lambda s: s.response_id,
    "finish": lambda s: s.finish_reasons,
    "input_tokens": lambda s: s.input_tokens,
    "output_tokens": lambda s: s.output_tokens,
    "cache_read_tokens": lambda s: s.cache_read_tokens,
    "cache_write_tokens": lambda s: s.cache_write_tokens,
    "reasoning_tokens": lambda s: s.reasoning_tokens,
    "cost_usd": lambda s: s.cost_usd,
    "cost_source": lambda s: s.cost_source,
    "first_token_ns": lambda s: s.time_to_first_token_ns,
    "tool": lambda s: s.tool_name,
    "agent": lambda s: s.agent_name,
    "prompt": lambda s: s.prompt_name,
    "prompt_version": lambda s: s.prompt_version,
    "call": lambda s: s.attributes.get("gen_ai.tool.call.id"),
    "retries": lambda s: s.attributes.get("tracekit.retry.count") or None,
    "scope": lambda s: s.scope,
    "service": lambda s: s.service,
    "host": lambda s: s.host,
    "pid": lambda s: s.pid,
}
_CONTENT = ("input", "output", "input_messages", "output_messages")


def trace_view(trace: Trace) -> TraceView:
    """Everything that the page of one trace shows. Times are nanoseconds since its start."""
    start_ns = min(span.start_ns for span in trace.spans)
    head = {
        "id": trace.trace_id,
        "status": trace.status,
        "start_ms": start_ns / 1e6,
        "tags": dict(trace.tags),
        "metadata": dict(trace.metadata),
        "assessments": [_assessment(assessment) for assessment in trace.assessments],
        "spans": [_span_facts(span, start_ns) for span in trace.spans],
    }
    return TraceView(head=head, contents=tuple(_content(s, start_ns) for s in trace.spans))


def _span_facts(span: Span, start_ns: int) -> Json:
    facts: Json = {
        "id": span.span_id,
        "name": span.name,
        "kind": kind_of(span),
        "status": span.status,
        "at_ns": span.start_ns - start_ns,
        "duration_ns": _duration_ns(span),
    }
    for name, read in _FACTS.items():
        value = read(span)
        if value is not None:
            facts[name] = without_base64(value) if isinstance(value, str) else value
    return facts


def _duration_ns(span: Span) -> int | None:
    if span.duration_ns is not None or span.end_ns is None:
        return span.duration_ns
    return max(0, span.end_ns - span.start_ns)


def _content(span: Span, start_ns: int) -> Json:
    content: Json = {name: parsed(getattr(span, name)) for name in _CONTENT}
    content["system"] = parsed(span.system_instructions)
    content["tools"] = parsed(span.tool_definitions)
    content["attributes"] = plain(span.attributes) if span.attributes else None
    content["events"] = [
        {"name": e.name, "at_ns": e.at_ns - start_ns, "attributes": plain(e.attributes)}
        for e in span.events
    ]
    content["links"] = [asdict(link) for link in span.links]
    return {name: value for name, value in content.items() if value not in (None, [], {})}


def _assessment(assessment: Assessment) -> Json:
    return {
        "name": assessment.name,
        "kind": assessment.kind,
        "value": plain(assessment.value),
        "score": assessment.score,
        "label": assessment.label,
        "rationale": assessment.rationale,
        "error": assessment.error,
        "source": assessment.source_type,
        "source_id": assessment.source_id,
        "span": assessment.span_id,
        "at_ms": assessment.at_ns // 1_000_000,
    }


def run_row(run: Run, chunk: int) -> RunRow:
    """The row of a run; `chunk` is the number of the block that holds its curves and files."""
    return RunRow(
        id=run.info.run_id,
        name=run.info.run_name,
        experiment=run.info.experiment,
        status=run.info.status,
        start_ms=run.info.start_time,
        end_ms=run.info.end_time,
        parent=run.info.parent_run_id,
        user=run.info.user_id,
        params=dict(run.data.params),
        metrics={key: _number(value) for key, value in run.data.metrics.items()},
        tags=dict(run.data.tags),
        chunk=chunk,
    )


def run_view(
    run: Run, histories: Mapping[str, Sequence[Metric]], artifacts: Sequence[Artifact]
) -> Json:
    """What the page of one run shows beyond its row: curves, files, where it came from.

    Args:
        run: The run.
        histories: All values of each of its metrics, by step.
        artifacts: Its files.
    """
    return {
        "id": run.info.run_id,
        "source": plain(dict(run.info.source)),
        "artifact_uri": run.info.artifact_uri,
        "curves": {key: _curve(points) for key, points in sorted(histories.items())},
        "artifacts": [
            {"path": a.path, "is_dir": a.is_dir, "bytes": a.file_size, "type": a.media_type}
            for a in artifacts
        ],
    }


_MOST_POINTS = 2000


def _curve(points: Sequence[Metric]) -> Json:
    """Steps and values; of a long curve the least and the most of each stretch."""
    kept = points if len(points) <= _MOST_POINTS else _extremes(points)
    return {
        "points": len(points),
        "steps": [point.step for point in kept],
        "values": [_number(point.value) for point in kept],
        "ms": [point.timestamp for point in kept],
    }


def _extremes(points: Sequence[Metric]) -> list[Metric]:
    kept: list[Metric] = []
    stretches = _MOST_POINTS // 2
    for i in range(stretches):
        stretch = points[i * len(points) // stretches : (i + 1) * len(points) // stretches]
        ends = {min(stretch, key=lambda p: p.value), max(stretch, key=lambda p: p.value)}
        kept.extend(sorted(ends, key=lambda p: (p.step, p.timestamp)))
    return kept


def _number(value: float) -> Any:
    """JSON has no word for NaN and infinity: JavaScript's names, as text.

    >>> _number(float("inf"))
    'Infinity'
    """
    if value != value:  # noqa: PLR0124  NaN
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return value
