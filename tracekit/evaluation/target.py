"""What is evaluated: a function, a LangChain runnable, a prompt; asked once for each row."""

import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any, cast

from tracekit.errors import EvaluationError
from tracekit.evaluation.rows import Row, digest_of
from tracekit.evaluation.threads import in_thread


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a target gave for one row."""

    outputs: Any
    first_ms: float | None = None
    """Milliseconds until the first piece of a stream."""


Ask = Callable[[Row, Executor], Awaitable[Answer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Something that can be asked for the output of a row."""

    name: str
    ask: Ask
    check: Callable[[Row], None] = lambda row: None
    """Raises EvaluationError if rows like this one can't be given to it."""
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What the run records of it: model, prompt, settings."""
    digest: str | None = None
    """Changes with its code and settings. None: it can't be told, so no result is reused."""


def as_target(thing: Any) -> Target:
    """The target that a function, a LangChain runnable or a `Target` is.

    A function is called with the row's inputs by name, as MLflow's `predict_fn`; one whose only
    parameter has another name gets the whole of them, or the one value where there is only one.
    It may be async, and may give its answer in pieces, as a generator.

    Raises:
        EvaluationError: It is nothing that can be asked.
    """
    if isinstance(thing, Target):
        return thing
    if hasattr(thing, "ainvoke") and hasattr(thing, "invoke"):
        return _runnable(thing)
    if callable(thing):
        return _function(thing)
    raise EvaluationError(
        f"`predict_fn` is a {type(thing).__name__}, which can't be called: give a function, a "
        "LangChain runnable or a tracekit.Prompt"
    )


def _runnable(runnable: Any) -> Target:
    async def ask(row: Row, executor: Executor) -> Answer:
        del executor  # LangChain has its own
        return Answer(outputs=_said(await runnable.ainvoke(_only_value(row.inputs))))

    name = getattr(runnable, "name", None) or type(runnable).__name__
    return Target(name=str(name), ask=ask, params={"target": str(name)})


def _said(message: Any) -> Any:
    """The text of a chat message; anything else as it is."""
    is_message = hasattr(message, "content") and hasattr(message, "response_metadata")
    return message.content if is_message else message


def _only_value(inputs: Mapping[str, Any]) -> Any:
    """The value itself where the data had one that was no object."""
    return inputs["input"] if list(inputs) == ["input"] else dict(inputs)


def _function(function: Callable[..., Any]) -> Target:
    name = getattr(function, "__name__", type(function).__name__)
    give = _Giving(name, function)

    async def ask(row: Row, executor: Executor) -> Answer:
        args, named = give.arguments(row.inputs)
        began = time.perf_counter()
        if _is_async(function):
            return await _finish(function(*args, **named), began, executor)
        returned = await in_thread(executor, _call_sync, function, args, named, began)
        return (
            returned if isinstance(returned, Answer) else await _finish(returned, began, executor)
        )

    return Target(
        name=name,
        ask=ask,
        check=give.check,
        params={"target": name},
        digest=source_digest(function),
    )


def source_digest(function: Callable[..., Any]) -> str | None:
    """Of a function's source and the plain values it closes over; None if that is not all of it."""
    plain = inspect.unwrap(function)
    try:
        source = inspect.getsource(plain)
        closed = inspect.getclosurevars(plain).nonlocals
        return digest_of([source, closed]).hex()
    except (OSError, TypeError, ValueError):
        return None


def _is_async(function: Callable[..., Any]) -> bool:
    called = function if inspect.isroutine(function) else type(function).__call__
    return inspect.iscoroutinefunction(called) or inspect.isasyncgenfunction(called)


def _call_sync(
    function: Callable[..., Any], args: tuple[Any, ...], named: dict[str, Any], began: float
) -> Any:
    returned = function(*args, **named)
    if inspect.isgenerator(returned):
        return _joined(*_timed(cast("Iterator[Any]", returned), began))
    return returned if inspect.isawaitable(returned) else Answer(outputs=_said(returned))


async def _finish(returned: Any, began: float, executor: Executor) -> Answer:
    if isinstance(returned, AsyncIterator):
        pieces: list[Any] = []
        first: float | None = None
        async for piece in cast("AsyncIterator[Any]", returned):
            first = first or _since(began)
            pieces.append(piece)
        return _joined(pieces, first)
    if inspect.isawaitable(returned):
        return await _finish(await returned, began, executor)
    if inspect.isgenerator(returned):
        return _joined(*await in_thread(executor, _timed, returned, began))
    return Answer(outputs=_said(returned))


def _timed(pieces: Iterator[Any], began: float) -> tuple[list[Any], float | None]:
    found: list[Any] = []
    first: float | None = None
    for piece in pieces:
        first = first or _since(began)
        found.append(piece)
    return found, first


def _joined(pieces: list[Any], first_ms: float | None) -> Answer:
    """Pieces of text are one text; other pieces stay a list."""
    said = [_said(piece) for piece in pieces]
    whole = "".join(said) if said and all(isinstance(piece, str) for piece in said) else said
    return Answer(outputs=whole, first_ms=first_ms)


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1000


class _Giving:
    """How a function is given the inputs of a row."""

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self._name = name
        try:
            parameters = list(inspect.signature(function).parameters.values())
        except (TypeError, ValueError):  # a builtin that tells nothing
            parameters = [inspect.Parameter("input", inspect.Parameter.POSITIONAL_ONLY)]
        named = [p for p in parameters if p.kind in {p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY}]
        self._names = {p.name for p in named}
        self._required = {p.name for p in named if p.default is p.empty}
        self._takes_all = any(p.kind is p.VAR_KEYWORD for p in parameters)
        places = [p for p in parameters if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}]
        required_places = [p for p in places if p.default is p.empty]
        self._takes_one = len(required_places or places) == 1

    def arguments(self, inputs: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        if self._required <= inputs.keys() and (self._takes_all or inputs.keys() <= self._names):
            return (), dict(inputs)
        if self._takes_one:
            return (next(iter(inputs.values())) if len(inputs) == 1 else dict(inputs),), {}
        return (), dict(inputs)

    def check(self, row: Row) -> None:
        args, named = self.arguments(row.inputs)
        fits = self._required <= named.keys() and (self._takes_all or named.keys() <= self._names)
        if not args and not fits:
            takes, has = ", ".join(sorted(self._names)), ", ".join(row.inputs)
            raise EvaluationError(
                f"{self._name}({takes}) can't be called with the inputs of the rows, which are "
                f"{has or 'none'}: give it parameters of these names, or one for all of them"
            )
