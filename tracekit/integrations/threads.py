"""Threads that continue the trace of the code that started them: opt-in, undone on request.

Only tracekit's own context variables go along; an application's own stay as they are.
"""

import functools
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any

from tracekit import config, context, guard
from tracekit.integrations._patch import Patches

_CARRIED: tuple[ContextVar[Any], ...] = (
    context.current_span,
    context.active_runs,
    context.session_id,
    context.user_id,
)
_patches = Patches()


def autolog(*, disable: bool = False) -> None:
    """Let new threads and `ThreadPoolExecutor` tasks continue the current trace and run.

    Args:
        disable: Undo.
    """
    if disable:
        _patches.restore()
    elif config.settings().enabled:
        _patches.replace(ThreadPoolExecutor, "submit", _submit)
        _patches.replace(threading.Thread, "start", _start)
        _patches.on = True


def _submit(original: Any) -> Any:
    @functools.wraps(original)
    def submit(self: Any, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        carrying = _carrying(fn)
        _here.submitting = True  # a worker that starts now serves later tasks too
        try:
            return original(self, carrying, *args, **kwargs)
        finally:
            _here.submitting = False

    return submit


def _start(original: Any) -> Any:
    @functools.wraps(original)
    def start(self: Any) -> Any:
        carrying = self.run if getattr(_here, "submitting", False) else _carrying(self.run)
        if isinstance(carrying, _Carried):
            carrying.thread = self
            self.run = carrying
        return original(self)

    return start


_here = threading.local()


class _Carried:
    """A function together with the values of context variables that it is to run with."""

    def __init__(self, function: Any, known: list[tuple[ContextVar[Any], Any]]) -> None:
        self.function = function
        self.known = known
        self.thread: threading.Thread | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.thread is not None:
            vars(self.thread).pop("run", None)
            self.thread = None
        tokens = [(variable, variable.set(value)) for variable, value in self.known]
        try:
            return self.function(*args, **kwargs)
        finally:
            for variable, token in reversed(tokens):
                variable.reset(token)


def _carrying(function: Any) -> Any:
    """`function`, to be run with what tracekit knows here; itself if that is nothing."""
    if not _patches.on:
        return function
    try:
        known = [(variable, variable.get()) for variable in _CARRIED if variable.get()]
        return _Carried(function, known) if known else function
    except Exception:
        guard.failed("autolog(threads=True)")
        return function
