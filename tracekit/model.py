"""What is stored, as plain frozen data: spans, traces, runs, metrics, assessments.

Field names are those of the SQL views; times are integers, nanoseconds since the Unix epoch.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Literal

SpanStatus = Literal["UNSET", "OK", "ERROR", "UNFINISHED"]
TraceStatus = Literal["OK", "ERROR", "UNFINISHED"]
RunStatus = Literal["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"]
AssessmentKind = Literal["feedback", "expectation"]
SourceType = Literal["HUMAN", "LLM_JUDGE", "CODE"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanEvent:
    """Something that happened at one moment within a span: an exception, a retry."""

    name: str
    at_ns: int
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanLink:
    """A span that this one refers to, in the same or another trace."""

    trace_id: str
    span_id: str
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One piece of work: a model call, a tool, a retrieval, a function."""

    trace_id: str
    """32 lower-case hexadecimal digits."""
    span_id: str
    """16 lower-case hexadecimal digits."""
    parent_span_id: str | None
    name: str
    kind: str | None = None
    """OpenTelemetry's: INTERNAL, CLIENT, SERVER, PRODUCER, CONSUMER."""
    operation: str | None = None
    """`gen_ai.operation.name`: chat, embeddings, execute_tool, retrieval, invoke_agent …"""
    span_type: str | None = None
    """What the user or library calls it, where `operation` has no word: chain, guardrail …"""
    status: SpanStatus
    """UNFINISHED: no end was recorded, since it is still running or its process is gone."""
    status_message: str | None = None
    error_type: str | None = None
    start_ns: int
    end_ns: int | None
    duration_ns: int | None
    """By the monotonic clock. None while unfinished."""
    process_gone: bool = False
    """True for an unfinished span whose process no longer runs."""
    incomplete: bool = False
    """True for a stream that was broken off or never read."""

    provider: str | None = None
    request_model: str | None = None
    response_model: str | None = None
    response_id: str | None = None
    finish_reasons: tuple[str, ...] | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_usd: float | None = None
    """None: the price is unknown."""
    cost_source: str | None = None
    time_to_first_token_ns: int | None = None
    tool_name: str | None = None
    agent_name: str | None = None
    prompt_name: str | None = None
    prompt_version: str | None = None

    session_id: str | None = None
    user_id: str | None = None
    run_id: str | None = None
    experiment: str | None = None
    scope: str | None = None
    """The instrumentation that made it: `tracekit.openai`, `tracekit.langchain`, another's name."""
    service: str | None = None
    host: str | None = None
    pid: int | None = None

    input: str | None = None
    """JSON text: arguments of a tool or function, query of a retrieval, body of a request."""
    output: str | None = None
    """JSON text: result of a tool or function, documents of a retrieval, body of an answer."""
    input_messages: str | None = None
    """JSON text, `[{"role", "parts": [...]}]` (GenAI conventions)."""
    output_messages: str | None = None
    """JSON text, one message per choice."""
    system_instructions: str | None = None
    tool_definitions: str | None = None

    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """All attributes as recorded that have no field above."""
    events: tuple[SpanEvent, ...] = ()
    links: tuple[SpanLink, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """All fields as plain data, message texts parsed."""
        plain = asdict(self)
        for name in _JSON_FIELDS:
            plain[name] = _parsed(plain[name])
        return plain


_JSON_FIELDS = (
    "input",
    "output",
    "input_messages",
    "output_messages",
    "system_instructions",
    "tool_definitions",
)


def _parsed(text: str | None) -> Any:
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What a person, a judge or code said of a trace, a span or an evaluation row."""

    assessment_id: str
    kind: AssessmentKind
    name: str
    value: Any
    """Any JSON value."""
    score: float | None = None
    """The value as a number where it is one (true is 1)."""
    label: str | None = None
    rationale: str | None = None
    source_type: SourceType = "HUMAN"
    source_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    run_id: str | None = None
    error: str | None = None
    at_ns: int
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, kw_only=True)
class Trace:
    """Everything recorded of one trace."""

    trace_id: str
    status: TraceStatus
    spans: tuple[Span, ...]
    """In order of their start."""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    assessments: tuple[Assessment, ...] = ()

    @cached_property
    def root(self) -> Span:
        """The span without a parent, or else the earliest."""
        return next((s for s in self.spans if s.parent_span_id is None), self.spans[0])

    def search_spans(self, name: str | None = None, span_type: str | None = None) -> list[Span]:
        """Spans of that name and that type (an operation such as `chat`, or a span type)."""
        return [
            span
            for span in self.spans
            if (name is None or span.name == name)
            and (span_type is None or span_type in {span.operation, span.span_type})
        ]

    def to_dict(self) -> dict[str, Any]:
        """The whole trace as plain data."""
        return {
            "trace_id": self.trace_id,
            "status": self.status,
            "tags": dict(self.tags),
            "metadata": dict(self.metadata),
            "spans": [span.to_dict() for span in self.spans],
            "assessments": [asdict(assessment) for assessment in self.assessments],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceSummary:
    """One row of the view `traces`: what a list shows."""

    trace_id: str
    name: str
    status: TraceStatus
    span_count: int
    error_count: int
    start_ns: int
    duration_ns: int | None
    input: str | None
    output: str | None
    model: str | None
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    session_id: str | None
    user_id: str | None
    run_id: str | None
    experiment: str | None
    error_type: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """A named group of runs and traces."""

    experiment_id: str
    name: str
    created_ns: int
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    lifecycle_stage: Literal["active", "deleted"] = "active"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One logged value of a metric."""

    key: str
    value: float
    """NaN and infinities are kept."""
    step: int
    timestamp: int
    """Milliseconds since the Unix epoch, as in MLflow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """What a run is, apart from what was logged (MLflow's fields)."""

    run_id: str
    run_name: str
    experiment_id: str
    experiment: str
    status: RunStatus
    start_time: int
    """Milliseconds since the Unix epoch, as in MLflow."""
    end_time: int | None
    parent_run_id: str | None = None
    user_id: str | None = None
    artifact_uri: str | None = None
    lifecycle_stage: Literal["active", "deleted"] = "active"
    kind: str = "user"
    source: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Entry point, git commit, versions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunData:
    """What was logged to a run: params, the last value of each metric, tags."""

    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run as stored."""

    info: RunInfo
    data: RunData

    def to_dict(self) -> dict[str, Any]:
        """The run as plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A file or folder of a run (MLflow's FileInfo)."""

    path: str
    """Relative, with forward slashes."""
    is_dir: bool
    file_size: int | None
    media_type: str | None = None
    sha256: str | None = None
