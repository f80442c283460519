"""Autologging of LangChain and LangGraph: each run is a span.

Nothing is patched. LangChain asks a list of hooks for callback handlers whenever it configures a
run; ours is one of them.
"""

import importlib
import sys
from typing import Any

from tracekit import config, guard
from tracekit.errors import MissingExtraError
from tracekit.integrations import _imports

_HOOKS = "langchain_core.tracers.context"
_HANDLER = "tracekit.integrations._langchain_handler"
_RUNS = "tracekit.integrations._langchain_runs"


class _Variable:
    """What LangChain takes for a context variable: it asks for the value, and nothing else.

    So the handler, and what it imports of LangChain, is loaded by its name with the first run,
    not while LangChain itself is being imported.
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
            self._handler = importlib.import_module(_HANDLER).handler
            _switch(on=bool(_installed))
        except Exception:
            self._is_broken = True
            guard.failed("loading the LangChain integration")


_variable = _Variable()
_installed: list[tuple[list[Any], Any]] = []
"""LangChain's hooks and our entry among them, while it is there."""


def autolog(*, disable: bool = False) -> None:
    """Record the runs of LangChain and LangGraph as spans: chains, models, tools, retrievers.

    Takes effect for runs that begin from now on, also if LangChain is imported later; calling it
    again changes nothing. A model call that the OpenAI client makes counts once when
    `tracekit.openai.autolog()` is on as well: the client's span has the tokens then.

    Args:
        disable: Undo.

    Raises:
        MissingExtraError: LangChain is not installed.

    Example:
        >>> import tracekit
        >>> tracekit.langchain.autolog()
        >>> tracekit.langchain.autolog(disable=True)
    """
    if disable:
        _imports.forget(_HOOKS)
        _remove()
    elif config.settings().enabled and not _installed:
        if not _imports.is_installed("langchain_core"):
            raise MissingExtraError("autolog('langchain')", "langchain")
        _imports.when_imported(_HOOKS, _add)


def _add() -> None:
    module: Any = sys.modules[_HOOKS]
    module.register_configure_hook(_variable, True)  # positional before 1.0
    hooks = module._configure_hooks
    _installed.append((hooks, hooks[-1]))  # there is no way to unregister
    _switch(on=True)


def _remove() -> None:
    if not _installed:
        return
    hooks, entry = _installed.pop()
    hooks[:] = [hook for hook in hooks if hook is not entry]
    _switch(on=False)


def _switch(*, on: bool) -> None:
    """Tell it to the runs; before the first there is nothing to tell."""
    runs: Any = sys.modules.get(_RUNS)
    if runs is not None:
        runs.switch(on=on)
