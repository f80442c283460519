"""The fields of runs and traces that a filter may name, with their types and MLflow's aliases."""

from collections.abc import Mapping
from dataclasses import dataclass

from tracekit.filters.tree import Scope, Type


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """The fields that there are."""

    subject: str
    attributes: Mapping[str, Type]
    aliases: Mapping[str, str]
    """Other names of attributes, MLflow's among them."""
    scopes: Mapping[str, Scope]
    """What may stand before the first dot."""
    span_fields: Mapping[str, Type]
    span_aliases: Mapping[str, str]
    """Fields of a trace that are those of any of its spans."""


_ATTRIBUTE_SCOPES = dict.fromkeys(("attributes", "attribute", "attr"), Scope.ATTRIBUTE)
_TAG_SCOPES = dict.fromkeys(("tags", "tag"), Scope.TAG)

RUNS = Vocabulary(
    subject="run",
    attributes={
        "run_id": Type.TEXT,
        "run_name": Type.TEXT,
        "status": Type.TEXT,
        "start_time": Type.TIME,
        "end_time": Type.TIME,
        "duration_ms": Type.NUMBER,
        "experiment": Type.TEXT,
        "experiment_id": Type.TEXT,
        "parent_run_id": Type.TEXT,
        "user_id": Type.TEXT,
        "kind": Type.TEXT,
    },
    aliases={
        "name": "run_name",
        "run name": "run_name",
        "created": "start_time",
        "experiment_name": "experiment",
        "user": "user_id",
        "user_name": "user_id",
    },
    scopes={
        **_ATTRIBUTE_SCOPES,
        "run": Scope.ATTRIBUTE,
        **_TAG_SCOPES,
        **dict.fromkeys(("metrics", "metric"), Scope.METRIC),
        **dict.fromkeys(("params", "param", "parameters", "parameter"), Scope.PARAM),
    },
    span_fields={},
    span_aliases={},
)
"""Fields of `search_runs`."""

TRACES = Vocabulary(
    subject="trace",
    attributes={
        "trace_id": Type.TEXT,
        "name": Type.TEXT,
        "status": Type.TEXT,
        "start_time": Type.TIME,
        "end_time": Type.TIME,
        "duration_ms": Type.NUMBER,
        "input": Type.TEXT,
        "output": Type.TEXT,
        "model": Type.TEXT,
        "input_tokens": Type.NUMBER,
        "output_tokens": Type.NUMBER,
        "total_tokens": Type.NUMBER,
        "cost_usd": Type.NUMBER,
        "span_count": Type.NUMBER,
        "error_count": Type.NUMBER,
        "error_type": Type.TEXT,
        "session_id": Type.TEXT,
        "user_id": Type.TEXT,
        "run_id": Type.TEXT,
        "experiment": Type.TEXT,
    },
    aliases={
        "request_id": "trace_id",
        "trace_name": "name",
        "state": "status",
        "timestamp": "start_time",
        "timestamp_ms": "start_time",
        "end_time_ms": "end_time",
        "execution_time": "duration_ms",
        "execution_time_ms": "duration_ms",
        "execution_duration": "duration_ms",
        "request": "input",
        "inputs": "input",
        "response": "output",
        "outputs": "output",
        "cost": "cost_usd",
        "session": "session_id",
        "user": "user_id",
        "experiment_name": "experiment",
    },
    scopes={
        **_ATTRIBUTE_SCOPES,
        "trace": Scope.ATTRIBUTE,
        **_TAG_SCOPES,
        **dict.fromkeys(("metadata", "request_metadata", "trace_metadata"), Scope.METADATA),
        "feedback": Scope.FEEDBACK,
        "expectation": Scope.EXPECTATION,
        "span": Scope.SPAN,
    },
    span_fields={
        "name": Type.TEXT,
        "type": Type.TEXT,
        "status": Type.TEXT,
        "operation": Type.TEXT,
        "model": Type.TEXT,
        "provider": Type.TEXT,
        "tool_name": Type.TEXT,
        "error_type": Type.TEXT,
        "content": Type.TEXT,
        "duration_ms": Type.NUMBER,
        "input_tokens": Type.NUMBER,
        "output_tokens": Type.NUMBER,
        "cost_usd": Type.NUMBER,
    },
    span_aliases={"text": "content"},
)
"""Fields of `search_traces`. A comparison of `span.…` is true if it is for one span or more."""
