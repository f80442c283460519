"""`@tracekit.trace`: functions, coroutines, generators, async generators."""

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from typing import Any, ParamSpec, TypeVar, overload

from tracekit import guard, semconv
from tracekit.tracing.span import Span, active, begin_typed

P = ParamSpec("P")
R = TypeVar("R")

MAX_ITEMS = 1_000
"""Items of a traced generator that are kept as its output."""


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
    names = _plain_names(signature)
    label: str = name or getattr(function, "__name__", "") or type(function).__name__

    def start(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Span:
        span = begin_typed(label, span_type, attributes)
        try:
            if span.is_open:
                given = _by_name(names, args, kwargs) or _arguments(signature, args, kwargs)
                span.set_inputs(given)
        except Exception:
            guard.failed("the arguments of a traced function")
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


def _plain_names(signature: inspect.Signature | None) -> tuple[str, ...]:
    """Names of the parameters where each may be given by its place; none where it is not so."""
    parameters = [] if signature is None else list(signature.parameters.values())
    is_plain = all(each.kind is each.POSITIONAL_OR_KEYWORD for each in parameters)
    names = tuple(each.name for each in parameters) if is_plain else ()
    return () if names[:1] in {("self",), ("cls",)} else names


def _by_name(
    names: tuple[str, ...], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any] | None:
    """`_arguments` of the plain case, several times faster. None: it is not that."""
    if len(args) > len(names) or not kwargs.keys() <= set(names[len(args) :]):
        return None
    given = dict(zip(names, args, strict=False))
    if kwargs:
        given.update((name, kwargs[name]) for name in names if name in kwargs)
    return given


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
        try:
            self.count += 1
            if len(self.items) < MAX_ITEMS:
                self.items.append(item)
        except Exception:
            guard.failed("an item of a traced generator")

    def end(self, error: BaseException | None = None) -> None:
        try:
            if self.count > MAX_ITEMS:
                self.items.append(f"<{self.count} items in all>")
            self.span.set_outputs(self.items)
            if isinstance(error, GeneratorExit):
                self.span.set_attribute(semconv.INCOMPLETE, value=True)
            elif error is not None:
                self.span.fail(error)
        except Exception:
            guard.failed("the end of a traced generator")
        finally:
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
                except BaseException as thrown:
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
    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        span = start(args, kwargs)
        items = _Items(span)
        try:
            with active(span):
                generator = function(*args, **kwargs)
                item = await anext(generator)
            while True:
                items.add(item)
                try:
                    sent: Any = yield item  # the span is not current here
                except GeneratorExit:
                    with active(span):
                        await generator.aclose()
                    raise
                except BaseException as thrown:
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
