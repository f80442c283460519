"""LangChain's open runs, and which of them the code that is running now belongs to.

Nothing is attached between two callbacks: parents are found by LangChain's own run ids, and for
code that LangChain calls (a tool, a graph's node, a model's client) through the configuration
that LangChain itself keeps in a context variable.
"""

import asyncio
import itertools
import time
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from langchain_core.runnables.config import var_child_runnable_config

from tracekit import context, semconv
from tracekit.tracing import Span

MAX_OPEN = 10_000
"""Runs that may be open at once; the oldest is given up then, for it will hardly end."""


@dataclass(slots=True, eq=False, kw_only=True)
class Run:
    """One run of LangChain's that has begun."""

    id: UUID
    span: Span
    """Its own span, or its parent's where it is not worth one."""
    parent: "Run | None" = None
    is_shown: bool = True
    """It has a span of its own."""
    is_model: bool = False
    operation: str = ""
    """Of a model: `gen_ai.operation.name`, if this span is the one that counts."""
    model: str | None = None
    name: str = ""
    tags: Sequence[str] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])
    agent: str | None = None
    """Name of the agent that it is part of."""
    is_graph: bool = False
    """It has nodes of a graph as children."""
    enclosing: Span | None = None
    """The current span of tracekit's own when it began."""
    above: Span | None = None
    """The span above it, if it began apart from the code that it runs."""
    number: int = 0
    began: int = 0
    first_token: int = 0
    """Nanoseconds of the monotonic clock; 0: none yet."""
    is_counted_inside: bool = False
    """A span of the model's client carries the tokens."""
    is_open: bool = True

    @property
    def is_running(self) -> bool:
        """Nothing but its own code runs in its context: a stream has not given control back."""
        return self.is_open and not self.first_token


_open: dict[UUID, Run] = {}
_numbers = itertools.count(1)


def opened(run: Run) -> None:
    """Remember a run that has begun."""
    if len(_open) >= MAX_OPEN:
        _give_up(next(iter(_open)))
    run.enclosing = context.current_span.get()
    run.number = next(_numbers)
    run.began = time.perf_counter_ns()
    _open[run.id] = run


def find(run_id: UUID | None) -> Run | None:
    """An open run."""
    return None if run_id is None else _open.get(run_id)


def closed(run_id: UUID) -> Run | None:
    """Forget a run, which has ended; None if it was not known."""
    run = _open.pop(run_id, None)
    if run is not None:
        run.is_open = False
        _apart.pop(run, None)
    return run


def give_up_below(run: Run) -> None:
    """End what runs below a run that was cancelled: LangChain does not tell of all of it."""
    for run_id, other in list(_open.items()):
        above = other.parent
        while above is not None and above is not run:
            above = above.parent
        if above is run:
            _give_up(run_id)


def _give_up(run_id: UUID) -> None:
    run = closed(run_id)
    if run is not None and run.is_shown:
        run.span.set_attribute(semconv.INCOMPLETE, value=True)
        run.span.end()


class Place(NamedTuple):
    """Where a run that begins belongs."""

    run: Run | None
    """The run above it."""
    span: Span | None
    """The span above it: of that run, or one that the program has opened since."""


def place(parent_run_id: UUID | None) -> Place:
    """Where a run belongs that begins now, here."""
    current = context.current_span.get()
    run = find(parent_run_id) or _running_here()
    if run is None or _is_inside(current, run):
        return Place(run, current)
    return Place(run, run.span)


def find_span(current: Span | None) -> Span | None:
    """For `context.span_finders`: the span of the run that this code is part of."""
    run = _running_here()
    inner = current if run is None or _is_inside(current, run) else run.span
    apart = _begun_apart(inner) if _apart else None
    return inner if apart is None else apart.span


def _is_inside(current: Span | None, run: Run) -> bool:
    """Whether the program has opened a span of its own since the run began."""
    if current is None or current is run.enclosing:
        return False
    return current.trace_id == run.span.trace_id


def _running_here() -> Run | None:
    leaf, run = _leaf(), _run_of_config()
    if leaf is None or (run is not None and run.number > leaf.number):
        return run
    return leaf


def _run_of_config() -> Run | None:
    config = var_child_runnable_config.get()
    manager = config.get("callbacks") if config else None
    return find(getattr(manager, "parent_run_id", None))


@dataclass(slots=True)
class _Leaves:
    runs: list[Run]
    """Those that may be running, outermost first."""
    awaited: int = 0
    """Runs that begin next, together with the last: prompts of one call."""
    above: Place | None = None
    """Where all of these belong, once the first has begun."""


_leaves: ContextVar[_Leaves | None] = ContextVar("tracekit_langchain_leaves", default=None)
"""Runs of models and retrievers begun in this context: LangChain keeps no configuration for them.

Never reset, since a stream may go on in another context; a run that is not running any more is
passed over.
"""


def place_of_model(parent_run_id: UUID | None, together: int) -> Place:
    """`place` of one of `together` runs of a model, which all begin before the first is called."""
    leaves = _leaves.get()
    if together > 1 and leaves is not None and leaves.awaited and leaves.above is not None:
        return leaves.above
    return place(parent_run_id)


def enter(run: Run, above: Place, together: int = 1) -> None:
    """Let what the run's own code does from here on belong to it."""
    leaves = _leaves.get()
    if leaves is not None and leaves.awaited:
        leaves.awaited -= 1
        leaves.above = above
        leaves.runs.append(run)
    else:
        _leaves.set(_Leaves([*_running(leaves), run], awaited=together - 1, above=above))


def _running(leaves: _Leaves | None) -> list[Run]:
    return [run for run in leaves.runs if run.is_running] if leaves is not None else []


def _leaf() -> Run | None:
    """The innermost of them. Of models asked together, the first that was not called yet."""
    running = _running(_leaves.get())
    if not running or not running[-1].is_model:
        return running[-1] if running else None
    last = running[-1]
    together = (run for run in running if run.is_model and run.parent is last.parent)
    return next((run for run in together if not run.is_counted_inside), last)


_apart: dict[Run, asyncio.AbstractEventLoop] = {}
"""Runs of models that complete texts, begun in tasks of their own."""


def enter_apart(run: Run, above: Place) -> None:
    """`enter`, for a run whose callback does not see the context in which the model is called.

    `BaseLLM.agenerate` gathers its `on_llm_start`. So the call is found by what is around it: the
    same event loop, and the same span above.
    """
    try:
        _apart[run] = asyncio.get_running_loop()
        run.above = above.span
    except RuntimeError:
        enter(run, above)


def _begun_apart(inner: Span | None) -> Run | None:
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return None
    for run, its_loop in list(_apart.items()):
        if its_loop is loop and run.above is inner and run.is_running:
            return run
    return None


def model_call_seen(parent: Span) -> None:
    """For `context.model_calls_seen`: the call that LangChain's model makes has its own span."""
    run = _leaf() or next((run for run in _apart if run.span is parent), None)
    if run is not None and run.is_model:
        run.is_counted_inside = True
        _apart.pop(run, None)


def is_on() -> bool:
    """Whether runs that begin now are recorded."""
    return find_span in context.span_finders


def switch(*, on: bool) -> None:
    """Record runs that begin from now on, and let the rest of tracekit ask which it is in."""
    if on and not is_on():
        context.span_finders.append(find_span)
        context.model_calls_seen.append(model_call_seen)
    elif not on and is_on():
        context.span_finders.remove(find_span)
        context.model_calls_seen.remove(model_call_seen)
