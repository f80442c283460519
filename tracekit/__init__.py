"""Trace LLM applications, and log experiments beside them.

    import tracekit

    tracekit.autolog()              # every OpenAI and LangChain call becomes a span
    ...                             # the application, unchanged
    tracekit.report()               # one HTML file

Names are resolved on first use, so that importing tracekit costs next to nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

from tracekit._version import __version__ as __version__

if TYPE_CHECKING:
    from tracekit import statistics as statistics
    from tracekit.config import configure as configure
    from tracekit.config import get_tracking_uri as get_tracking_uri
    from tracekit.config import set_tracking_uri as set_tracking_uri
    from tracekit.errors import TracekitError as TracekitError
    from tracekit.evaluation.budget import Budget as Budget
    from tracekit.evaluation.result import EvaluationResult as EvaluationResult
    from tracekit.evaluation.run import evaluate as evaluate
    from tracekit.evaluators.evaluator import Feedback as Feedback
    from tracekit.evaluators.evaluator import evaluator as evaluator
    from tracekit.integrations import autolog as autolog
    from tracekit.integrations import langchain as langchain
    from tracekit.integrations import openai as openai
    from tracekit.provider import SpanProcessor as SpanProcessor
    from tracekit.recording import flush as flush
    from tracekit.recording import shutdown as shutdown
    from tracekit.reporting import report as report
    from tracekit.store.prune import prune as prune
    from tracekit.tracing import carry_context as carry_context
    from tracekit.tracing import extract as extract
    from tracekit.tracing import get_current_span as get_current_span
    from tracekit.tracing import inject as inject
    from tracekit.tracing import session as session
    from tracekit.tracing import start_span as start_span
    from tracekit.tracing import trace as trace
    from tracekit.tracing import update_current_trace as update_current_trace
    from tracekit.tracking.active import active_run as active_run
    from tracekit.tracking.active import end_run as end_run
    from tracekit.tracking.active import last_active_run as last_active_run
    from tracekit.tracking.active import set_experiment as set_experiment
    from tracekit.tracking.active import start_run as start_run
    from tracekit.tracking.client import TracekitClient as TracekitClient
    from tracekit.tracking.fluent import create_experiment as create_experiment
    from tracekit.tracking.fluent import delete_experiment as delete_experiment
    from tracekit.tracking.fluent import delete_run as delete_run
    from tracekit.tracking.fluent import delete_tag as delete_tag
    from tracekit.tracking.fluent import delete_trace_tag as delete_trace_tag
    from tracekit.tracking.fluent import get_artifact_uri as get_artifact_uri
    from tracekit.tracking.fluent import log_artifact as log_artifact
    from tracekit.tracking.fluent import log_artifacts as log_artifacts
    from tracekit.tracking.fluent import log_dict as log_dict
    from tracekit.tracking.fluent import log_expectation as log_expectation
    from tracekit.tracking.fluent import log_feedback as log_feedback
    from tracekit.tracking.fluent import log_figure as log_figure
    from tracekit.tracking.fluent import log_image as log_image
    from tracekit.tracking.fluent import log_metric as log_metric
    from tracekit.tracking.fluent import log_metrics as log_metrics
    from tracekit.tracking.fluent import log_param as log_param
    from tracekit.tracking.fluent import log_params as log_params
    from tracekit.tracking.fluent import log_table as log_table
    from tracekit.tracking.fluent import log_text as log_text
    from tracekit.tracking.fluent import restore_run as restore_run
    from tracekit.tracking.fluent import set_tag as set_tag
    from tracekit.tracking.fluent import set_tags as set_tags
    from tracekit.tracking.fluent import set_trace_tag as set_trace_tag
    from tracekit.tracking.search import get_experiment as get_experiment
    from tracekit.tracking.search import get_experiment_by_name as get_experiment_by_name
    from tracekit.tracking.search import get_run as get_run
    from tracekit.tracking.search import get_trace as get_trace
    from tracekit.tracking.search import search_experiments as search_experiments
    from tracekit.tracking.search import search_runs as search_runs
    from tracekit.tracking.search import search_traces as search_traces
    from tracekit.tracking.search import sql as sql

_HOME = {
    "tracekit.config": ("configure", "get_tracking_uri", "set_tracking_uri"),
    "tracekit.errors": ("TracekitError",),
    "tracekit.evaluation.budget": ("Budget",),
    "tracekit.evaluation.result": ("EvaluationResult",),
    "tracekit.evaluation.run": ("evaluate",),
    "tracekit.evaluators.evaluator": ("Feedback", "evaluator"),
    "tracekit.integrations": ("autolog",),
    "tracekit.provider": ("SpanProcessor",),
    "tracekit.recording": ("flush", "shutdown"),
    "tracekit.reporting": ("report",),
    "tracekit.store.prune": ("prune",),
    "tracekit.tracing": (
        "carry_context",
        "extract",
        "get_current_span",
        "inject",
        "session",
        "start_span",
        "trace",
        "update_current_trace",
    ),
    "tracekit.tracking.active": (
        "active_run",
        "end_run",
        "last_active_run",
        "set_experiment",
        "start_run",
    ),
    "tracekit.tracking.search": (
        "get_experiment",
        "get_experiment_by_name",
        "get_run",
        "get_trace",
        "search_experiments",
        "search_runs",
        "search_traces",
        "sql",
    ),
    "tracekit.tracking.client": ("TracekitClient",),
    "tracekit.tracking.fluent": (
        "create_experiment",
        "delete_experiment",
        "delete_run",
        "delete_tag",
        "delete_trace_tag",
        "get_artifact_uri",
        "log_artifact",
        "log_artifacts",
        "log_dict",
        "log_expectation",
        "log_feedback",
        "log_figure",
        "log_image",
        "log_metric",
        "log_metrics",
        "log_param",
        "log_params",
        "log_table",
        "log_text",
        "set_tag",
        "set_tags",
        "set_trace_tag",
        "restore_run",
    ),
}
_MODULES = {
    "openai": "tracekit.integrations.openai",
    "langchain": "tracekit.integrations.langchain",
    "statistics": "tracekit.statistics",
}
_WHERE = {name: module for module, names in _HOME.items() for name in names}

__all__ = ["__version__", *sorted([*_WHERE, *_MODULES])]  # noqa: PLE0604  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        value: Any = importlib.import_module(_MODULES[name])
    elif name in _WHERE:
        value = getattr(importlib.import_module(_WHERE[name]), name)
    else:
        raise AttributeError(f"module 'tracekit' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
