"""The open span, and the ways to begin one."""

import os
import time
from collections.abc import Mapping
from contextlib import ContextDecorator
from typing import Any, cast

from opentelemetry import context as otel_context
from opentelemetry import trace as otel
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState
from opentelemetry.util.types import AttributeValue

from tracekit import capture, config, context, guard, recording, semconv
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

MAX_EVENTS = 1000
"""Of one span; the newest are kept."""


class Span(otel.Span):
    """An open span. Every method is safe to call at any time and never raises.

    Given by `tracekit.start_span` and `tracekit.get_current_span`; an `opentelemetry.trace.Span`
    as well, so that OpenTelemetry's own functions take it.
    """

    trace_id = f"{0:032x}"
    """32 lower-case hexadecimal digits."""
    span_id = f"{0:016x}"
    """16 lower-case hexadecimal digits."""
    parent_id: str | None = None
    status = "UNSET"
    status_message: str | None = None
    is_open = False
    """Whether it records: it is sampled, and has not ended."""
    _is_sampled = False
    _context: SpanContext | None = None
    _trace_state: TraceState | None = None

    def __init__(self, name: str, kind: str, attributes: dict[str, Any]) -> None:
        self.name = str(name)
        self.kind = kind
        self.attributes = attributes
        self.events: list[dict[str, Any]] = []
        self.start_ns, self._began = time.time_ns(), time.perf_counter_ns()
        self._pid = os.getpid()

    @classmethod
    def remote(cls, context: SpanContext) -> "Span":
        """A span of another process, for spans to be begun below it."""
        span = cls("", "INTERNAL", {})
        span.trace_id, span.span_id = f"{context.trace_id:032x}", f"{context.span_id:016x}"
        span._context, span._trace_state = context, context.trace_state
        span._is_sampled = context.trace_flags.sampled
        return span

    def set_inputs(self, inputs: Any) -> None:
        """Record what the work was given; any value, kept as JSON text."""
        self._set_content(_INPUT_KEYS, semconv.INPUT, inputs)

    def set_outputs(self, outputs: Any) -> None:
        """Record what the work gave back; any value, kept as JSON text."""
        self._set_content(_OUTPUT_KEYS, semconv.OUTPUT, outputs)

    def set_attribute(self, key: str, value: Any) -> None:
        """Record one fact. What OpenTelemetry has no type for is kept as JSON text."""
        self.set_attributes({key: value})

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Record several facts."""
        try:
            if self.is_open:
                self.attributes.update(plain_attributes(attributes))
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
            if self.is_open:
                plain = plain_attributes(attributes or {})
                at_ns = time.time_ns() if timestamp is None else timestamp
                self.events.append({"name": name, "at_ns": at_ns, "attributes": plain})
                del self.events[:-MAX_EVENTS]
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
            text = recording.message(message_of(exception))
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
        """Say that the work failed (`StatusCode.ERROR`) or went well; that it did is final."""
        try:
            if isinstance(status, Status):
                self.set_status(status.status_code, status.description)
            elif self.is_open and self.status != "OK" and status is not StatusCode.UNSET:
                self.status, self.status_message = status.name, None
                if description is not None and status is StatusCode.ERROR:
                    self.status_message = recording.message(description)
        except Exception:
            guard.failed("Span.set_status")

    def fail(self, error: BaseException) -> None:
        """Record that the work ended with this error. To leave by `sys.exit(0)` is none."""
        try:
            if not self.is_open or self._pid != os.getpid():
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
        if self.is_open:
            self.name = name

    def is_recording(self) -> bool:
        """False once ended, or if this trace is not sampled."""
        return self.is_open

    def get_span_context(self) -> SpanContext:
        """OpenTelemetry's ids of this span."""
        if self._context is None:
            flags = TraceFlags.SAMPLED if self._is_sampled else TraceFlags.DEFAULT
            ids = int(self.trace_id, 16), int(self.span_id, 16)
            self._context = SpanContext(*ids, False, TraceFlags(flags), self._trace_state)
        return self._context

    def end(self, end_time: int | None = None) -> None:
        """End the span, once; its length is by the monotonic clock.

        In a forked child, the spans that its parent had open are the parent's to end.
        """
        if not self.is_open or self._pid != os.getpid():
            return
        self.is_open = False
        try:
            if end_time is None:
                end_time = self.start_ns + time.perf_counter_ns() - self._began
            self._finish(end_time)
        except Exception:
            guard.failed("Span.end")

    def begin(self, above: "Span") -> None:
        """Take ids below `above`, and write that the span has begun."""
        if above is NO_SPAN:
            number = recording.new_trace_id(self.start_ns)
            self.trace_id = f"{number:032x}"
            ratio = config.settings().sampling_ratio
            self._is_sampled = ratio is None or _is_within(ratio, number)
        else:
            self.trace_id, self.parent_id = above.trace_id, above.span_id
            self._is_sampled, self._trace_state = above._is_sampled, above._trace_state
        self.span_id = f"{recording.random.getrandbits(64) or 1:016x}"
        self.is_open = self._is_sampled
        if self.is_open:
            recording.recorder.opened(self, self).write_start(self)

    def _finish(self, end_ns: int) -> None:
        record: dict[str, Any] = {
            "name": self.name,
            "end_ns": end_ns,
            "status": self.status,
            "status_message": self.status_message,
            "scope": recording.SCOPE,
            "attributes": self.attributes,
        }
        if self.events:
            record["events"] = self.events
        recording.recorder.closed(self, self).write_end(self, record)

    def _set_content(self, keys: Mapping[str, str], other: str, value: Any) -> None:
        try:
            if self.is_open:
                key = keys.get(str(self.attributes.get(semconv.OPERATION)), other)
                recording.put_content(self.attributes, key, value)
        except Exception:
            guard.failed("Span.set_inputs")


def _is_within(ratio: float, trace_id: int) -> bool:
    """As OpenTelemetry's `TraceIdRatioBased` decides, so that services agree."""
    return trace_id & (1 << 64) - 1 < round(ratio * (1 << 64))


NO_SPAN = Span("", "INTERNAL", {})
"""In place of a span where none is recorded; as a parent: none at all."""


class _JoinedSpan(Span):
    """A span that is one of an application's tracer provider as well.

    It is handed over as a whole when it ends; until then the provider's span is only begun.
    """

    inner: otel.Span

    def begin(self, above: Span) -> None:
        parent = None if above is NO_SPAN else otel.set_span_in_context(above)
        kind, start_ns = SpanKind[self.kind], self.start_ns
        self.inner = recording.joined.start_span(
            self.name, parent, kind, self.attributes, start_time=start_ns
        )
        self._context = self.inner.get_span_context()
        self.trace_id = f"{self._context.trace_id:032x}"
        self.span_id = f"{self._context.span_id:016x}"
        self._is_sampled = self._context.trace_flags.sampled
        self._trace_state = self._context.trace_state
        self.is_open = self.inner.is_recording()

    def _finish(self, end_ns: int) -> None:
        try:
            self.inner.update_name(self.name)
            self.inner.set_attributes(self.attributes)
            for event in self.events:
                self.inner.add_event(event["name"], event["attributes"], event["at_ns"])
            self.inner.set_status(Status(StatusCode[self.status], self.status_message))
        finally:
            self.inner.end(end_ns)


_SCALARS: frozenset[type[Any]] = frozenset({bool, int, float})


def plain_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes of types that OpenTelemetry has; texts are cut where they are too long."""
    limit = config.settings().max_text_length
    plain: dict[str, Any] = {}
    for key, value in attributes.items():
        kind = cast("type[Any]", type(value))
        is_plain = kind in _SCALARS or (kind is str and len(value) <= limit)
        plain[str(key)] = value if is_plain else attribute_value(value)
    return plain


def attribute_value(value: Any) -> AttributeValue:
    """`value` if OpenTelemetry has a type for it, else as JSON text; cut where it is too long."""
    limit = config.settings().max_text_length
    kind = cast("type[Any]", type(value))
    if (kind is list or kind is tuple) and len(value) <= capture.MAX_NODES:
        items = list(cast("list[Any]", value))
        kinds: set[type[Any]] = set(map(type, items))
        if kinds == {str}:
            return [capture.cut(item, limit) for item in items]
        if not kinds or (len(kinds) == 1 and kinds < _SCALARS):
            return cast("AttributeValue", items)
    if issubclass(kind, str | int | float):
        return cast("AttributeValue", capture.plain(value, limit))
    return capture.to_json(value, limit)


def begin(
    name: str,
    *,
    operation: str | None = None,
    kind: str = "INTERNAL",
    attributes: Mapping[str, Any] | None = None,
    parent: Span | None = None,
) -> Span:
    """A span that is open but nobody's current one; the caller ends it. Never raises.

    For integrations, whose calls start and end in different places.

    Args:
        name: As the GenAI conventions say, `{operation} {model}`.
        operation: `gen_ai.operation.name`.
        kind: OpenTelemetry's `SpanKind`, by its name.
        attributes: As OpenTelemetry takes them.
        parent: None: the innermost open span of this context. `NO_SPAN`: none.
    """
    try:
        if not config.settings().enabled:
            return NO_SPAN
        above = parent or context.innermost_span() or NO_SPAN
        facts = {semconv.OPERATION: operation} if operation else {}
        facts.update(attributes or {})
        make = Span if recording.joined is None else _JoinedSpan
        span = make(name, kind, facts)
        span.begin(above)
    except Exception:
        guard.failed("begin")
        return NO_SPAN
    return span


class active:
    """Make `span` the current one for a `with` block. Not to be held across a `yield`."""

    __slots__ = ("_otel", "_span", "_token")

    def __init__(self, span: Span) -> None:
        self._span = span

    def __enter__(self) -> None:
        self._token = context.current_span.set(self._span)
        self._otel = (
            None
            if recording.joined is None
            else otel_context.attach(otel.set_span_in_context(self._span))
        )

    def __exit__(self, *_: object) -> None:
        try:
            context.current_span.reset(self._token)
        except ValueError:  # a coroutine that was driven from several contexts
            context.current_span.set(None)
        if self._otel is not None:
            otel_context.detach(self._otel)


class start_span(ContextDecorator):
    """A span around a `with` block, child of the current one.

    Entering gives the open span. An exception that leaves the block is recorded and passes on.

    Args:
        name: What the work is called.
        span_type: What kind of work: `tool`, `agent`, `retriever`, `chat`, `embedding`,
            `workflow`, or any word of yours (`chain`, `guardrail`).
        attributes: Facts to record.

    Example:
        >>> import tracekit
        >>> with tracekit.start_span("rerank", span_type="reranker") as span:
        ...     span.set_inputs({"documents": 20})
        ...     span.set_outputs({"kept": 5})
    """

    def __init__(
        self,
        name: str,
        span_type: str | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> None:
        self._arguments = name, span_type, attributes

    def __enter__(self) -> Span:
        self._span = begin_typed(*self._arguments)
        self._active = active(self._span)
        self._active.__enter__()
        return self._span

    def __exit__(self, _kind: object, error: BaseException | None, _stack: object) -> None:
        self._active.__exit__()
        if error is not None:
            self._span.fail(error)
        self._span.end()

    def _recreate_cm(self) -> "start_span":  # as a decorator, each call has a span of its own
        return start_span(*self._arguments)


def begin_typed(name: str, span_type: str | None, attributes: Mapping[str, Any] | None) -> Span:
    """`begin` with the kind of work in one word, as `start_span` takes it."""
    try:
        facts = plain_attributes(attributes) if attributes else {}
        operation = None if span_type is None else _mark_type(facts, span_type.lower(), name)
    except Exception:
        guard.failed("start_span")
        return NO_SPAN
    return begin(name, operation=operation, attributes=facts)


def _mark_type(facts: dict[str, Any], word: str, name: str) -> str | None:
    """Note the kind of work in `facts`. Its `gen_ai.operation.name`, if it has one."""
    operation = _OPERATIONS.get(word, word if word in _KNOWN_OPERATIONS else None)
    facts[semconv.SPAN_TYPE] = word
    if operation == "execute_tool":
        facts.setdefault(semconv.TOOL_NAME, name)
    elif operation == "invoke_agent":
        facts.setdefault(semconv.AGENT_NAME, name)
    return operation


def get_current_span() -> Span | None:
    """The innermost open span of this thread or task; None outside any trace.

    Example:
        >>> import tracekit
        >>> with tracekit.start_span("answer"):
        ...     tracekit.get_current_span().set_attribute("cache", "hit")
    """
    return context.innermost_span()
