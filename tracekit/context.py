"""What belongs to the code that is running now: span, run, session, user.

Context variables, so that each thread and each asyncio task sees its own. Nothing here is
ever left set across a `yield` into code of the user.
"""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracekit.tracing.span import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """The active run, as far as a span needs to know it."""

    run_id: str
    experiment: str


current_span: ContextVar["Span | None"] = ContextVar("tracekit_current_span", default=None)
"""The innermost open span of tracekit, in this thread or task."""

active_runs: ContextVar[tuple[RunContext, ...]] = ContextVar("tracekit_active_runs", default=())
"""The runs open in this context, outermost first."""

session_id: ContextVar[str | None] = ContextVar("tracekit_session_id", default=None)
user_id: ContextVar[str | None] = ContextVar("tracekit_user_id", default=None)

span_finders: list[Callable[["Span | None"], "Span | None"]] = []
"""Libraries that keep their own idea of the current span (LangChain).

Each is given the current span and answers with a span further in, or None.
"""

model_calls_seen: list[Callable[["Span"], None]] = []
"""Who wants to know that a model call began, and under which span (LangChain: the client's span
carries the tokens then, and LangChain's own span does not).
"""


def innermost_span() -> "Span | None":
    """The span that new work belongs under, or None outside any trace."""
    span = current_span.get()
    for find in span_finders:
        inner = find(span)
        if inner is not None:
            span = inner
    return span
