"""The open span, and the ways to begin one."""

import os
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from opentelemetry import context as otel_context
from opentelemetry import trace as otel
from opentelemetry.context import Context
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from tracekit import capture, config, context, guard, provider, semconv
from tracekit.tracing.errors import error_type, message_of, stack_of

_OPERATIONS = {
    "tool": "execute_tool",
    "agent": "invoke_agent",
    "workflow": "invoke_workflow",
    "retriever": "retrieval",
    "llm": "chat",
    "chat_model": "chat",
    "embedding": "embeddings",
}
"""What MLflow and others call a kind of work -> `gen_ai.operation.name`."""

_KNOWN_OPERATIONS = frozenset({*_OPERATIONS.values(), "text_completion", "generate_content"})
_INPUT_KEYS = {
    "execute_tool": semconv.TOOL_CALL_ARGUMENTS,
    "retrieval": semconv.RETRIEVAL_QUERY,
}
_OUTPUT_KEYS = {
    "execute_tool": semconv.TOOL_CALL_RESULT,
    "retrieval": semconv.RETRIEVAL_DOCUMENTS,
}


class Span(otel.Span):
    """An open span. Every method is safe to call at any time and never raises.

    Given by `tracekit.start_span` and `tracekit.get_current_span`; an `opentelemetry.trace.Span`
    as well, so that OpenTelemetry's own functions take it.
    """

    __slots__ = ("_began", "_ended", "_inner", "_operation", "_pid", "_start_ns")

    def __init__(self, inner: otel.Span, operation: str | None, start_ns: int, began: int) -> None:
        self._inner = inner
        self._operation = operation
        self._start_ns = start_ns
        self._began = began
        self._ended = False
        self._pid = os.getpid()

    @property
    def inner(self) -> otel.Span:
        """The span of the tracer provider behind this one."""
        return self._inner

    @property
    def trace_id(self) -> str:
        """32 lower-case hexadecimal digits."""
        return f"{self._inner.get_span_context().trace_id:032x}"

    @property
    def span_id(self) -> str:
        """16 lower-case hexadecimal digits."""
        return f"{self._inner.get_span_context().span_id:016x}"

    def set_inputs(self, inputs: Any) -> None:
        """Record what the work was given; any value, kept as JSON text."""
        self._set_content(_INPUT_KEYS.get(self._operation or "", semconv.INPUT), inputs)

    def set_outputs(self, outputs: Any) -> None:
        """Record what the work gave back; any value, kept as JSON text."""
        self._set_content(_OUTPUT_KEYS.get(self._operation or "", semconv.OUTPUT), outputs)

    def set_attribute(self, key: str, value: Any) -> None:
        """Record one fact. What OpenTelemetry has no type for is kept as JSON text."""
        self.set_attributes({key: value})

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Record several facts."""
        try:
            if self._inner.is_recording():
                self._inner.set_attributes(
                    {str(k): attribute_value(v) for k, v in attributes.items()}
                )
        except Exception:
            guard.failed("Span.set_attributes")

    def add_event(
        self,
        name: str,
        attributes: Mapping[str, Any] | None = None,
        timestamp: int | None = None,
    ) -> None:
        """Record that something happened now, or at `timestamp` (nanoseconds since the epoch)."""
        try:
            plain = {str(k): attribute_value(v) for k, v in (attributes or {}).items()}
            self._inner.add_event(name, plain, timestamp)
        except Exception:
            guard.failed("Span.add_event")

    def record_exception(
        self,
        exception: BaseException,
        attributes: Mapping[str, Any] | None = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        """Record an exception as an event, with its stack."""
        try:
            text = provider.message(message_of(exception))
            facts: dict[str, Any] = {
                "exception.type": error_type(exception),
                **({} if text is None else {"exception.message": text}),
                "exception.stacktrace": stack_of(exception, text),
                "exception.escaped": str(escaped),
            }
            self.add_event("exception", {**facts, **(attributes or {})}, timestamp)
        except Exception:
            guard.failed("Span.record_exception")

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Say that the work failed (`StatusCode.ERROR`) or went well."""
        try:
            if description is not None:
                description = provider.message(description)
            self._inner.set_status(status, description)
        except Exception:
            guard.failed("Span.set_status")

    def fail(self, error: BaseException) -> None:
        """Record that the work ended with this error. To leave by `sys.exit(0)` is none."""
        try:
            if not self._inner.is_recording() or self._pid != os.getpid():
                return
            if isinstance(error, SystemExit) and error.code in {None, 0}:
                return
            self.set_attribute(semconv.ERROR_TYPE, error_type(error))
            if not isinstance(error, Exception):
                self.set_attribute(semconv.CANCELLED, value=True)
            self.record_exception(error, escaped=True)
            self.set_status(StatusCode.ERROR, message_of(error))
        except Exception:
            guard.failed("Span.fail")

    def update_name(self, name: str) -> None:
        """Give the span another name."""
        self._inner.update_name(name)

    def is_recording(self) -> bool:
        """False once ended, or if this trace is not sampled."""
        return self._inner.is_recording()

    def get_span_context(self) -> SpanContext:
        """OpenTelemetry's ids of this span."""
        return self._inner.get_span_context()

    def end(self, end_time: int | None = None) -> None:
        """End the span, once; its length is by the monotonic clock.

        In a forked child, the spans that its parent had open are the parent's to end.
        """
        if self._ended or self._pid != os.getpid():
            return
        self._ended = True
        try:
            if end_time is None:
                end_time = self._start_ns + time.perf_counter_ns() - self._began
            self._inner.end(end_time)
        except Exception:
            guard.failed("Span.end")

    def _set_content(self, key: str, value: Any) -> None:
        try:
            if self._inner.is_recording():
                self._inner.set_attributes(provider.content(key, value))
        except Exception:
            guard.failed("Span.set_inputs")


_NO_SPAN = Span(NonRecordingSpan(otel.INVALID_SPAN_CONTEXT), None, 0, 0)
_PLAIN = (str, bool, int, float)
_PLAIN_KINDS: frozenset[type[Any]] = frozenset(_PLAIN)


def attribute_value(value: Any) -> AttributeValue:
    """`value` if OpenTelemetry has a type for it, else as JSON text; cut where it is too long."""
    if isinstance(value, str):
        return capture.cut(value, config.settings().max_text_length)
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, list | tuple):
        items: list[Any] = list(cast("list[Any]", value))
        kinds: set[type[Any]] = {type(item) for item in items}
        if kinds == {str}:
            return [capture.cut(item, config.settings().max_text_length) for item in items]
        if not kinds or (len(kinds) == 1 and kinds < _PLAIN_KINDS):
            return cast("AttributeValue", items)
    return capture.to_json(value)


def begin(
    name: str,
    *,
    operation: str | None = None,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Mapping[str, Any] | None = None,
    parent: otel.Span | None = None,
) -> Span:
    """A span that is open but nobody's current one; the caller ends it. Never raises.

    For integrations, whose calls start and end in different places.

    Args:
        name: As the GenAI conventions say, `{operation} {model}`.
        operation: `gen_ai.operation.name`.
        kind: OpenTelemetry's.
        attributes: As OpenTelemetry takes them.
        parent: None: the innermost open span of this context.
    """
    try:
        if not config.settings().enabled:
            return _NO_SPAN
        outer = context.innermost_span() if parent is None else parent
        start_ns, began = time.time_ns(), time.perf_counter_ns()
        inner = provider.tracer().start_span(
            name,
            _parent_context(outer),
            kind,
            {semconv.OPERATION: operation, **(attributes or {})} if operation else attributes,
            start_time=start_ns,
        )
        return Span(inner, operation, start_ns, began)
    except Exception:
        guard.failed("begin")
        return _NO_SPAN


def _parent_context(outer: otel.Span | None) -> Context | None:
    if outer is not None:
        return otel.set_span_in_context(outer, None if provider.joined else _EMPTY)
    return None if provider.joined else _EMPTY


_EMPTY = Context()


class active:
    """Make `span` the current one for a `with` block. Not to be held across a `yield`."""

    __slots__ = ("_otel", "_span", "_token")

    def __init__(self, span: Span) -> None:
        self._span = span

    def __enter__(self) -> None:
        self._token = context.current_span.set(self._span)
        self._otel = (
            otel_context.attach(otel.set_span_in_context(self._span)) if provider.joined else None
        )

    def __exit__(self, *_: object) -> None:
        try:
            context.current_span.reset(self._token)
        except ValueError:  # a coroutine that was driven from several contexts
            context.current_span.set(None)
        if self._otel is not None:
            otel_context.detach(self._otel)


@contextmanager
def start_span(
    name: str,
    span_type: str | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> Generator[Span]:
    """A span around a `with` block, child of the current one.

    Args:
        name: What the work is called.
        span_type: What kind of work: `tool`, `agent`, `retriever`, `chat`, `embedding`,
            `workflow`, or any word of yours (`chain`, `guardrail`).
        attributes: Facts to record.

    Yields:
        The open span. An exception that leaves the block is recorded and passes on.

    Example:
        >>> import tracekit
        >>> with tracekit.start_span("rerank", span_type="reranker") as span:
        ...     span.set_inputs({"documents": 20})
        ...     span.set_outputs({"kept": 5})
    """
    span = begin_typed(name, span_type, attributes)
    try:
        with active(span):
            yield span
    except BaseException as error:
        span.fail(error)
        raise
    finally:
        span.end()


def begin_typed(name: str, span_type: str | None, attributes: Mapping[str, Any] | None) -> Span:
    """`begin` with the kind of work in one word, as `start_span` takes it."""
    facts = {key: attribute_value(value) for key, value in (attributes or {}).items()}
    operation = None
    if span_type is not None:
        word = span_type.lower()
        operation = _OPERATIONS.get(word, word if word in _KNOWN_OPERATIONS else None)
        facts[semconv.SPAN_TYPE] = word
        if operation == "execute_tool":
            facts.setdefault(semconv.TOOL_NAME, name)
        elif operation == "invoke_agent":
            facts.setdefault(semconv.AGENT_NAME, name)
    return begin(name, operation=operation, attributes=facts)


def get_current_span() -> Span | None:
    """The innermost open span of this thread or task; None outside any trace.

    Example:
        >>> import tracekit
        >>> with tracekit.start_span("answer"):
        ...     tracekit.get_current_span().set_attribute("cache", "hit")
    """
    span = context.innermost_span()
    return span if span is None or isinstance(span, Span) else Span(span, None, 0, 0)


def sdk_span(span: otel.Span) -> SdkSpan | None:
    """The SDK's span behind one of ours, if it records."""
    inner = span.inner if isinstance(span, Span) else span
    return inner if isinstance(inner, SdkSpan) else None
