"""Autologging of LangChain and LangGraph: each run is a span.

Nothing is patched. LangChain asks a list of hooks for callback handlers whenever it configures a
run; ours is one of them.
"""

import importlib
import sys
from typing import Any

from tracekit import config, context, guard
from tracekit.integrations import _imports

_HOOKS = "langchain_core.tracers.context"


class _Variable:
    """What LangChain takes for a context variable: it asks for the value, and nothing else.

    So the handler, and what it imports of LangChain, is loaded with the first run, not while
    LangChain itself is being imported.
    """

    def __init__(self) -> None:
        self._handler: Any = None
        self._is_broken = False

    def get(self) -> Any:
        """The handler; None where it can't be loaded."""
        if self._handler is None and not self._is_broken:
            self._load()
        return self._handler

    def _load(self) -> None:
        try:
            module = importlib.import_module("tracekit.integrations._langchain_handler")
            self._handler = module.handler
            _connect()
        except Exception:
            self._is_broken = True
            guard.failed("loading the LangChain integration")


_variable = _Variable()
_installed: list[Any] = []
"""Our entry among LangChain's hooks, while it is there."""


def autolog(*, disable: bool = False) -> None:
    """Record the runs of LangChain and LangGraph as spans: chains, models, tools, retrievers.

    Takes effect for runs that begin from now on, also if LangChain is imported later; calling it
    again changes nothing. A model call that the OpenAI client makes counts once when
    `tracekit.openai.autolog()` is on as well: the client's span has the tokens then.

    Args:
        disable: Undo.

    Example:
        >>> import tracekit
        >>> tracekit.langchain.autolog()
        >>> tracekit.langchain.autolog(disable=True)
    """
    if disable:
        _imports.forget(_HOOKS)
        _remove()
    elif config.settings().enabled and not _installed:
        _imports.when_imported(_HOOKS, _add)


def _add() -> None:
    hooks = importlib.import_module(_HOOKS)
    hooks.register_configure_hook(_variable, True)  # positional before 1.0
    _installed.append(hooks._configure_hooks[-1])  # there is no way to unregister
    if "tracekit.integrations._langchain_handler" in sys.modules:
        _connect()


def _remove() -> None:
    if not _installed:
        return
    hooks = importlib.import_module(_HOOKS)._configure_hooks
    entry = _installed.pop()
    hooks[:] = [hook for hook in hooks if hook is not entry]
    _disconnect()


def _connect() -> None:
    """Let the rest of tracekit ask which run it is in."""
    _disconnect()
    runs = importlib.import_module("tracekit.integrations._langchain_runs")
    context.span_finders.append(runs.find_span)
    context.model_calls_seen.append(runs.model_call_seen)


def _disconnect() -> None:
    runs = sys.modules.get("tracekit.integrations._langchain_runs")
    if runs is not None and runs.find_span in context.span_finders:
        context.span_finders.remove(runs.find_span)
        context.model_calls_seen.remove(runs.model_call_seen)


def is_on() -> bool:
    """Whether runs that begin now are recorded."""
    return bool(_installed)
