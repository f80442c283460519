"""Trace and evaluate LLM applications.

    import tracekit

    tracekit.autolog()              # every OpenAI and LangChain call becomes a span
    ...                             # the application, unchanged
    tracekit.report()               # one HTML file

Names are resolved on first use, so that importing tracekit costs next to nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from tracekit.config import configure as configure
    from tracekit.config import get_tracking_uri as get_tracking_uri
    from tracekit.config import set_tracking_uri as set_tracking_uri
    from tracekit.errors import TracekitError as TracekitError
    from tracekit.integrations import autolog as autolog
    from tracekit.integrations import langchain as langchain
    from tracekit.integrations import openai as openai
    from tracekit.provider import SpanProcessor as SpanProcessor
    from tracekit.provider import flush as flush
    from tracekit.provider import shutdown as shutdown
    from tracekit.tracing import carry_context as carry_context
    from tracekit.tracing import extract as extract
    from tracekit.tracing import get_current_span as get_current_span
    from tracekit.tracing import inject as inject
    from tracekit.tracing import session as session
    from tracekit.tracing import start_span as start_span
    from tracekit.tracing import trace as trace
    from tracekit.tracing import update_current_trace as update_current_trace

_HOME = {
    "tracekit.config": ("configure", "get_tracking_uri", "set_tracking_uri"),
    "tracekit.errors": ("TracekitError",),
    "tracekit.integrations": ("autolog",),
    "tracekit.provider": ("SpanProcessor", "flush", "shutdown"),
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
}
_MODULES = {
    "openai": "tracekit.integrations.openai",
    "langchain": "tracekit.integrations.langchain",
}
_WHERE = {name: module for module, names in _HOME.items() for name in names}

__all__ = ["__version__", *sorted([*_WHERE, *_MODULES])]  # pyright: ignore[reportUnsupportedDunderAll]


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
