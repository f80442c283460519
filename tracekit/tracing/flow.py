"""What goes along with a trace: session, user, tags; and how it crosses threads and services."""

import functools
from collections.abc import Callable, Generator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any, ParamSpec, TypeVar

from opentelemetry import trace as otel
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import default_getter, default_setter
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from tracekit import capture, context, guard, recording, semconv
from tracekit.store.moments import moment_ns
from tracekit.store.spool import Spool
from tracekit.tracing.span import Span, attribute_value, plain_attributes

P = ParamSpec("P")
R = TypeVar("R")

_EMPTY = Context()


def update_current_trace(
    *,
    tags: Mapping[str, Any] | None = None,
    session_id: str | None = None,
    user_id: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Say more about the trace that is running: tags, whose it is, facts about it.

    Args:
        tags: Kept beside the trace, changeable later, searchable as `tags.<key>`.
        session_id: The conversation that this trace is one turn of.
        user_id: Who asked.
        metadata: Facts kept with the root span, searchable as `metadata.<key>`.

    Example:
        >>> import tracekit
        >>> with tracekit.start_span("answer"):
        ...     tracekit.update_current_trace(session_id="s-1", tags={"channel": "mail"})
    """
    try:
        span = context.innermost_span()
        if span is None:
            guard.warn("update_current_trace was called outside any trace")
            return
        belonging = recording.recorder.belonging(span.span_id)
        if belonging is None:
            guard.warn("update_current_trace was called outside any recorded trace")
            return
        if session_id is not None:
            belonging.session_id = str(session_id)
        if user_id is not None:
            belonging.user_id = str(user_id)
        if metadata:
            facts = {semconv.METADATA_PREFIX + str(key): value for key, value in metadata.items()}
            root = belonging.root
            root.set_attributes(facts if isinstance(root, Span) else plain_attributes(facts))
        if tags:
            _write_tags(belonging.spool, span.trace_id, tags)
    except Exception:
        guard.failed("update_current_trace")


def _write_tags(spool: Spool, trace_id: str, tags: Mapping[str, Any]) -> None:
    for key, value in tags.items():
        spool.append(
            {
                "kind": "tag",
                "subject": "trace",
                "subject_id": trace_id,
                "key": str(key),
                "value": attribute_value(
                    value if issubclass(type(value), str) else capture.to_json(value)
                ),
                "at_ns": moment_ns(),
            }
        )


@contextmanager
def session(session_id: str, *, user_id: str | None = None) -> Generator[None]:
    """All traces begun in this `with` block belong to that session, and user if given.

    Args:
        session_id: The conversation; each trace is one turn of it.
        user_id: Who asks.

    Example:
        >>> import tracekit
        >>> with tracekit.session("chat-42", user_id="u-7"):
        ...     with tracekit.start_span("turn"):
        ...         pass
    """
    session_token = context.session_id.set(session_id)
    user_token = None if user_id is None else context.user_id.set(user_id)
    try:
        yield
    finally:
        context.session_id.reset(session_token)
        if user_token is not None:
            context.user_id.reset(user_token)


def carry_context(function: Callable[P, R]) -> Callable[P, R]:
    """`function` as it would run here, wherever it is run: current span, run and session go along.

    For threads, executors and callbacks, which do not inherit them (asyncio tasks and
    `asyncio.to_thread` do). `tracekit.autolog(threads=True)` does it for all new threads.

    Example:
        >>> import tracekit
        >>> from concurrent.futures import ThreadPoolExecutor
        >>> with tracekit.start_span("fan out"), ThreadPoolExecutor() as pool:
        ...     pool.submit(tracekit.carry_context(len), "abc").result()
        3
    """
    here = copy_context()

    @functools.wraps(function)
    def carried(*args: P.args, **kwargs: P.kwargs) -> R:
        return here.copy().run(function, *args, **kwargs)

    return carried


_propagator = TraceContextTextMapPropagator()


def inject(headers: MutableMapping[str, str]) -> None:
    """Add the current span to the headers of an outgoing request (W3C `traceparent`).

    Args:
        headers: Changed in place; left alone outside any trace.

    Example:
        >>> import tracekit
        >>> headers = {}
        >>> with tracekit.start_span("call the other service"):
        ...     tracekit.inject(headers)
        >>> sorted(headers)
        ['traceparent']
    """
    try:
        span = context.innermost_span()
        if span is not None:
            _propagator.inject(headers, otel.set_span_in_context(span, _EMPTY), default_setter)
    except Exception:
        guard.failed("inject")


@contextmanager
def extract(headers: Mapping[str, str]) -> Generator[None]:
    """Spans begun in this `with` block continue the trace that a request's headers name.

    Args:
        headers: Of the incoming request, keys in lower case; without a valid `traceparent`
            nothing changes. They can name a trace, and nothing else.
    """
    token = None
    try:
        caller = otel.get_current_span(_propagator.extract(headers, _EMPTY, default_getter))
        if caller.get_span_context().is_valid:
            token = context.current_span.set(Span.remote(caller.get_span_context()))
    except Exception:
        guard.failed("extract")
    try:
        yield
    finally:
        if token is not None:
            context.current_span.reset(token)
