"""Spans by hand: the decorator, the context manager, the current span, sessions, propagation."""

import functools
import inspect
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any, ParamSpec, TypeVar, cast, overload

from opentelemetry import context as otel_context
from opentelemetry import trace as otel
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import default_getter, default_setter
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from tracekit import config, context, guard, provider, semconv

P = ParamSpec("P")
R = TypeVar("R")

MAX_ITEMS = 1_000
"""Items of a traced generator that are kept as its output."""

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

    __slots__ = ("_began", "_ended", "_inner", "_operation", "_start_ns")

    def __init__(self, inner: otel.Span, operation: str | None, start_ns: int, began: int) -> None:
        self._inner = inner
        self._operation = operation
        self._start_ns = start_ns
        self._began = began
        self._ended = False

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
                self._inner.set_attributes({str(k): _value(v) for k, v in attributes.items()})
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
            plain = {str(k): _value(v) for k, v in (attributes or {}).items()}
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
        facts: dict[str, Any] = {
            "exception.type": error_type(exception),
            "exception.message": message_of(exception),
            "exception.stacktrace": stack_of(exception),
            "exception.escaped": str(escaped),
        }
        self.add_event("exception", {**facts, **(attributes or {})}, timestamp)

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Say that the work failed (`StatusCode.ERROR`) or went well."""
        try:
            self._inner.set_status(status, description)
        except Exception:
            guard.failed("Span.set_status")

    def fail(self, error: BaseException) -> None:
        """Record that the work ended with this error."""
        try:
            if not self._inner.is_recording():
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
        """End the span, once; its length is by the monotonic clock."""
        if self._ended:
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


def _value(value: Any) -> AttributeValue:
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, list | tuple) and len({type(v) for v in cast("list[Any]", value)}) <= 1:
        items = cast("list[Any]", value)
        if not items or isinstance(items[0], _PLAIN):
            return cast("AttributeValue", items)
    return provider.capture.to_json(value)


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
    if not config.settings().enabled:
        return _NO_SPAN
    try:
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


class active:  # noqa: N801  used like a function, as contextlib's are
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
        context.current_span.reset(self._token)
        if self._otel is not None:
            otel_context.detach(self._otel)


@contextmanager
def start_span(
    name: str,
    span_type: str | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> Iterator[Span]:
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
    span = _begin_typed(name, span_type, attributes)
    try:
        with active(span):
            yield span
    except BaseException as error:
        span.fail(error)
        raise
    finally:
        span.end()


def _begin_typed(name: str, span_type: str | None, attributes: Mapping[str, Any] | None) -> Span:
    facts = {key: _value(value) for key, value in (attributes or {}).items()}
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


@overload
def trace(function: Callable[P, R], /) -> Callable[P, R]: ...


@overload
def trace(
    *,
    name: str | None = None,
    span_type: str | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...


def trace(
    function: Any = None,
    /,
    *,
    name: str | None = None,
    span_type: str | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> Any:
    """A function that records each of its calls as a span: arguments, result, error, time.

    Works on functions and methods, plain and async, and on generators and async generators
    (their span lasts from the first item asked for to the last, and what runs between two items
    does not become part of it). Put it below `staticmethod` and `classmethod`.

    Args:
        function: What to trace.
        name: None: the function's own.
        span_type: See `start_span`.
        attributes: Facts to record with each call.

    Example:
        >>> import tracekit
        >>> @tracekit.trace
        ... def double(number: int) -> int:
        ...     return 2 * number
        >>> double(4)
        8
    """
    if function is None:
        return functools.partial(_traced, name=name, span_type=span_type, attributes=attributes)
    return _traced(function, name=name, span_type=span_type, attributes=attributes)


def _traced(
    function: Any, *, name: str | None, span_type: str | None, attributes: Mapping[str, Any] | None
) -> Any:
    if isinstance(function, staticmethod | classmethod):
        raise TypeError("put @tracekit.trace below @staticmethod or @classmethod, not above")
    signature = _signature(function)
    label = name or getattr(function, "__name__", type(function).__name__)

    def start(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Span:
        span = _begin_typed(label, span_type, attributes)
        if span.is_recording():
            span.set_inputs(_arguments(signature, args, kwargs))
        return span

    if inspect.isasyncgenfunction(function):
        return _wrap_async_generator(function, start)
    if inspect.isgeneratorfunction(function):
        return _wrap_generator(function, start)
    if inspect.iscoroutinefunction(function):
        return _wrap_coroutine(function, start)
    return _wrap_function(function, start)


_Start = Callable[[tuple[Any, ...], dict[str, Any]], Span]


def _signature(function: Any) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        return None


def _arguments(
    signature: inspect.Signature | None, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any]:
    """The arguments by name, without `self` and `cls`."""
    try:
        if signature is None:
            raise TypeError
        bound = dict(signature.bind(*args, **kwargs).arguments)
    except TypeError:
        return {"args": list(args), **kwargs}
    first = next(iter(bound), None)
    if first in {"self", "cls"}:
        del bound[first]
    return bound


def _wrap_function(function: Any, start: _Start) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        span = start(args, kwargs)
        try:
            with active(span):
                result = function(*args, **kwargs)
        except BaseException as error:
            span.fail(error)
            span.end()
            raise
        span.set_outputs(result)
        span.end()
        return result

    return wrapper


def _wrap_coroutine(function: Any, start: _Start) -> Any:
    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        span = start(args, kwargs)
        try:
            with active(span):
                result = await function(*args, **kwargs)
        except BaseException as error:
            span.fail(error)
            span.end()
            raise
        span.set_outputs(result)
        span.end()
        return result

    return wrapper


class _Items:
    """What a traced generator gave, so far, and its end."""

    __slots__ = ("count", "items", "span")

    def __init__(self, span: Span) -> None:
        self.span = span
        self.items: list[Any] = []
        self.count = 0

    def add(self, item: Any) -> None:
        self.count += 1
        if len(self.items) < MAX_ITEMS:
            self.items.append(item)

    def end(self, error: BaseException | None = None) -> None:
        if self.count > MAX_ITEMS:
            self.items.append(f"<{self.count} items in all>")
        self.span.set_outputs(self.items)
        if isinstance(error, GeneratorExit):
            self.span.set_attribute(semconv.INCOMPLETE, value=True)
        elif error is not None:
            self.span.fail(error)
        self.span.end()


def _wrap_generator(function: Any, start: _Start) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        span = start(args, kwargs)
        items = _Items(span)
        try:
            with active(span):
                generator = function(*args, **kwargs)
                item = next(generator)
            while True:
                items.add(item)
                try:
                    sent = yield item  # the span is not current here
                except GeneratorExit:
                    with active(span):
                        generator.close()
                    raise
                except BaseException as thrown:  # noqa: BLE001  passed into the generator
                    with active(span):
                        item = generator.throw(thrown)
                else:
                    with active(span):
                        item = next(generator) if sent is None else generator.send(sent)
        except StopIteration as stop:
            items.end()
            return stop.value
        except BaseException as error:
            items.end(error)
            raise

    return wrapper


def _wrap_async_generator(function: Any, start: _Start) -> Any:
    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        span = start(args, kwargs)
        items = _Items(span)
        try:
            with active(span):
                generator = function(*args, **kwargs)
                item = await anext(generator)
            while True:
                items.add(item)
                try:
                    sent = yield item  # the span is not current here
                except GeneratorExit:
                    with active(span):
                        await generator.aclose()
                    raise
                except BaseException as thrown:  # noqa: BLE001  passed into the generator
                    with active(span):
                        item = await generator.athrow(thrown)
                else:
                    with active(span):
                        item = await generator.asend(sent)
        except StopAsyncIteration:
            items.end()
        except BaseException as error:
            items.end(error)
            raise

    return wrapper


def get_current_span() -> Span | None:
    """The innermost open span of this thread or task; None outside any trace.

    Example:
        >>> import tracekit
        >>> with tracekit.start_span("answer"):
        ...     tracekit.get_current_span().set_attribute("cache", "hit")
    """
    span = context.innermost_span()
    return span if span is None or isinstance(span, Span) else Span(span, None, 0, 0)


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
        belonging = span and provider.processor.belonging(span.get_span_context().span_id)
        if span is None or belonging is None:
            guard.warn("update_current_trace was called outside any recorded trace")
            return
        if session_id is not None:
            belonging.session_id = str(session_id)
        if user_id is not None:
            belonging.user_id = str(user_id)
        for key, value in (metadata or {}).items():
            belonging.root.set_attribute(semconv.METADATA_PREFIX + str(key), _value(value))
        if tags:
            _write_tags(f"{span.get_span_context().trace_id:032x}", tags)
    except Exception:
        guard.failed("update_current_trace")


def _write_tags(trace_id: str, tags: Mapping[str, Any]) -> None:
    spool = provider.spool_of(config.get_tracking_uri())
    for key, value in tags.items():
        spool.append(
            {
                "kind": "tag",
                "subject": "trace",
                "subject_id": trace_id,
                "key": str(key),
                "value": value if isinstance(value, str) else provider.capture.to_json(value),
                "at_ns": time.time_ns(),
            }
        )


@contextmanager
def session(session_id: str, *, user_id: str | None = None) -> Iterator[None]:
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
def extract(headers: Mapping[str, str]) -> Iterator[None]:
    """Spans begun in this `with` block continue the trace that a request's headers name.

    Args:
        headers: Of the incoming request, keys in lower case; without a valid `traceparent`
            nothing changes. They can name a trace, and nothing else.
    """
    token = None
    try:
        remote = otel.get_current_span(_propagator.extract(headers, _EMPTY, default_getter))
        if remote.get_span_context().is_valid:
            token = context.current_span.set(Span(remote, None, 0, 0))
    except Exception:
        guard.failed("extract")
    try:
        yield
    finally:
        if token is not None:
            context.current_span.reset(token)


def error_type(error: BaseException) -> str:
    """The exception's class, with its module unless it is a builtin.

    >>> error_type(ValueError())
    'ValueError'
    """
    kind = type(error)
    if kind.__module__ in {"builtins", "__main__"}:
        return kind.__qualname__
    module = kind.__module__.partition(".")[0] if "._" in kind.__module__ else kind.__module__
    return f"{module}.{kind.__qualname__}"


def message_of(error: BaseException) -> str:
    """The exception's text; its class where its `__str__` fails."""
    try:
        return str(error)[:10_000]
    except Exception:  # noqa: BLE001  the program's own __str__
        return f"<{type(error).__qualname__} without a text>"


def stack_of(error: BaseException) -> str:
    """Where the exception came from: files, lines, functions; no values, no source of causes."""
    frames: list[str] = []
    step = error.__traceback__
    while step is not None and len(frames) < 200:  # noqa: PLR2004  bounded
        code = step.tb_frame.f_code
        frames.append(f'  File "{code.co_filename}", line {step.tb_lineno}, in {code.co_qualname}')
        step = step.tb_next
    if len(frames) > 60:  # noqa: PLR2004  the ends tell where and why
        frames[30:-30] = [f"  … {len(frames) - 60} frames …"]
    text = "\n".join(["Traceback (most recent call last):", *frames])
    return f"{text}\n{error_type(error)}: {message_of(error)}"


def sdk_span(span: otel.Span) -> SdkSpan | None:
    """The SDK's span behind one of ours, if it records."""
    inner = span._inner if isinstance(span, Span) else span  # noqa: SLF001  our own class
    return inner if isinstance(inner, SdkSpan) else None
