"""Autologging: one call that makes the calls of other libraries spans.

Each library has a module of its own here with `autolog(disable=False)`.
"""

import importlib
from typing import TYPE_CHECKING, Any

from tracekit import config, recording
from tracekit.integrations import _imports

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

_LIBRARIES = {"openai": "openai", "langchain": "langchain_core"}
"""Integration -> what must be installed for it."""


def autolog(
    *,
    openai: bool = True,
    langchain: bool = True,
    threads: bool = False,
    tracer_provider: "TracerProvider | None" = None,
    disable: bool = False,
) -> None:
    """Record every call of the OpenAI client and of LangChain as a span, from now on.

    Covers what is installed, also what the program imports later; imports nothing itself.
    Calling it again changes nothing. With `TRACEKIT_DISABLED=1` it does nothing at all.

    Args:
        openai: The `openai` client: sync and async, streams, Azure, any compatible service.
        langchain: LangChain and LangGraph.
        threads: Also let new threads and `ThreadPoolExecutor` tasks continue the trace of the
            code that starts them (asyncio tasks always do). See `tracekit.carry_context`.
        tracer_provider: An OpenTelemetry SDK provider of the application, whose exporters are
            to receive the spans as well. None: a provider of tracekit's own.
        disable: Undo: every function that was replaced is put back.

    Example:
        >>> import tracekit
        >>> tracekit.autolog()
        >>> tracekit.autolog(disable=True)
    """
    if disable:
        for name in (*_LIBRARIES, "threads"):
            _integration(name).autolog(disable=True)
        recording.leave()
        return
    if not config.settings().enabled:
        return
    if tracer_provider is not None:
        importlib.import_module("tracekit.provider").join(tracer_provider)  # loads the SDK
    for name, wanted in (("openai", openai), ("langchain", langchain)):
        if wanted and _imports.is_installed(_LIBRARIES[name]):
            _integration(name).autolog()
    if threads:
        _integration("threads").autolog()


def _integration(name: str) -> Any:
    return importlib.import_module(f"tracekit.integrations.{name}")
