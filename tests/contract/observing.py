"""Small programs, each run bare and with autologging on, and what either run looks like from
outside: result, types, exception, requests on the wire.

A new check is one function with `@program(...)` in one of the tables (`openai_programs.py`,
`langchain_programs.py`).
"""

import asyncio
import contextlib
import difflib
import inspect
import json
import os
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import openai
import pydantic
from http_library import httpx
from llm_service import Service
from openai._base_client import get_platform
from spool_reading import records

import tracekit
from tracekit import semconv
from tracekit.store.store import Store

OURS = os.path.dirname(os.path.abspath(tracekit.__file__))
_TLS = ssl.create_default_context()  # making one takes longer than a whole program


get_platform()  # what the first async call would ask in a thread, and keep


class Kit:
    """What a program works with. The same program serves the sync and the async client."""

    def __init__(self, service: Service, *, is_async: bool) -> None:
        self.service = service
        self.is_async = is_async
        self._open = contextlib.AsyncExitStack()

    def client(self, **options: Any) -> Any:
        """A client of the service, closed when the program ends."""
        known: Any = {"api_key": "test-key", "base_url": self.service.url, "max_retries": 0}
        known["http_client"] = self.http_client()
        made = (openai.AsyncOpenAI if self.is_async else openai.OpenAI)(**{**known, **options})
        self._open.push_async_callback(self.close, made)
        return made

    def http_client(self) -> Any:
        kind = openai.DefaultAsyncHttpxClient if self.is_async else openai.DefaultHttpxClient
        return kind(verify=_TLS)

    @property
    def create(self) -> Any:
        """`chat.completions.create` of a client of its own."""
        return self.client().chat.completions.create

    async def settle(self, value: Any) -> Any:
        """The result of a call, of either client."""
        return await value if inspect.isawaitable(value) else value

    async def ask(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        return await self.settle(function(*args, **kwargs))

    async def items(self, stream: Any) -> AsyncIterator[Any]:
        if self.is_async:
            async for item in stream:
                yield item
        else:
            for item in stream:
                yield item

    async def all(self, stream: Any) -> list[Any]:
        return [item async for item in self.items(stream)]

    async def next(self, stream: Any) -> Any:
        return await stream.__anext__() if self.is_async else next(stream)

    async def close(self, thing: Any) -> None:
        close = getattr(thing, "aclose" if hasattr(thing, "aclose") else "close")
        await self.settle(close())

    @contextlib.asynccontextmanager
    async def entered(self, manager: Any) -> AsyncIterator[Any]:
        if hasattr(manager, "__aenter__"):
            async with manager as value:
                yield value
        else:
            with manager as value:
                yield value

    async def run(self, function: "Body") -> Any:
        async with self._open:
            return await function(self)


Body = Callable[[Kit], Awaitable[Any]]
BOTH = ("sync", "async")


@dataclass(frozen=True, slots=True)
class Program:
    """One check: the function, and how the spans of its calls end."""

    body: Body
    kind: str
    endings: tuple[str, ...] | None
    """`"chat m"`, `"chat m: incomplete"`, `"chat m: openai.RateLimitError"` … None: any."""
    bugs: tuple[int, ...]
    """Mistakes other tools have made, which this would have caught; see docs/reliability.md."""
    unfinished: int
    """Spans of which nobody tells us that their work has ended."""

    def __str__(self) -> str:
        return f"{self.body.__name__}-{self.kind}"


class Table(list[Program]):
    """Programs, registered by their decorator."""

    def program(
        self,
        *endings: str,
        kinds: tuple[str, ...] = BOTH,
        bugs: tuple[int, ...] = (),
        any_spans: bool = False,
        unfinished: int = 0,
    ) -> Callable[[Body], Body]:
        def register(body: Body) -> Body:
            told = None if any_spans else endings
            self.extend(Program(body, kind, told, bugs, unfinished) for kind in kinds)
            return body

        return register


def observe(program: Program, service: Service) -> dict[str, Any]:
    """One run of a program: what it gave or raised, and what it sent."""
    service.wire.clear()
    service.will()
    kit = Kit(service, is_async=program.kind == "async")
    sight = Sight()
    outcome: dict[str, Any]
    try:
        work = kit.run(program.body)
        result = asyncio.run(work) if kit.is_async else run_without_loop(work)
        outcome = {"gave": sight.of(result)}
    except BaseException as error:
        outcome = {"raised": sight.of(error)}
        clear_frames(error)
    first = service.wire[0][0] if service.wire else 0
    wire = [
        (number - first, line, [pair for pair in headers], body)
        for number, line, headers, body in service.wire
    ]
    return {**outcome, "wire": json.loads(_same_marks(json.dumps(sight.of(wire))))}


def difference(one: Any, other: Any) -> str:
    """The lines in which two observations differ; nothing if they are the same."""
    lines = [json.dumps(each, indent=1, sort_keys=True).splitlines() for each in (one, other)]
    return "\n".join(difflib.unified_diff(*lines, "bare", "autologged", n=2, lineterm=""))


def run_without_loop(work: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine that never waits: the sync client in an async function."""
    try:
        work.send(None)
    except StopIteration as stop:
        return stop.value
    work.close()
    raise AssertionError("a sync program waited")


def clear_frames(error: BaseException | None) -> None:
    """So that nothing lives longer than the program because its exception was looked at."""
    while error is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__


def endings(store: Store) -> list[str]:
    """The spans that ended, in order of their start, and how each did."""
    spans = sorted(records(store, "span"), key=lambda span: span["start_ns"])
    return [_ending(span) for span in spans]


def _ending(span: Mapping[str, Any]) -> str:
    facts = span["attributes"]
    words = [word for word, key in _WORDS if facts.get(key)]
    if span["status"] == "ERROR" and not facts.get(semconv.CANCELLED):
        words.append(facts.get(semconv.ERROR_TYPE, "ERROR"))
    return f"{span['name']}: {', '.join(words)}" if words else span["name"]


_WORDS = (("incomplete", semconv.INCOMPLETE), ("cancelled", semconv.CANCELLED))

_MARKS = re.compile(
    r"0x[0-9a-f]{6,}|(?<=cancel scope )[0-9a-f]{6,}"
    r"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|(?<=boundary=)[0-9a-f]{32}|(?<=--)[0-9a-f]{32}"
)


def _same_marks(text: str) -> str:
    """Addresses, random ids and boundaries as `#1`, `#2` … in order of appearance."""
    known: dict[str, str] = {}
    return _MARKS.sub(lambda found: known.setdefault(found[0], f"#{len(known) + 1}"), text)


@dataclass
class Sight:
    """A value as plain data: its types, and all that can be seen of it."""

    depth: int = 0
    path: set[int] = field(default_factory=set[int])

    def of(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float) or type(value) is bytes:
            return repr(value)
        if type(value) is str:
            return _same_marks(value)
        if id(value) in self.path or self.depth > 12:
            return f"<seen {name_of(type(value))}>"
        self.path.add(id(value))
        self.depth += 1
        try:
            return self.inside(value)
        finally:
            self.depth -= 1
            self.path.discard(id(value))

    def inside(self, value: Any) -> Any:
        if isinstance(value, BaseException):
            return self.error(value)
        if isinstance(value, type):
            return f"<class {name_of(value)}>"
        kind = name_of(type(value))
        if isinstance(value, pydantic.BaseModel):
            fields = {**vars(value), **(value.__pydantic_extra__ or {})}
            return {"type": kind, **{key: self.of(item) for key, item in fields.items()}}
        if isinstance(value, Mapping):
            return {"type": kind, "items": [[self.of(k), self.of(v)] for k, v in value.items()]}
        if isinstance(value, list | tuple):
            return [kind, *map(self.of, value)]
        if isinstance(value, set | frozenset):
            return [kind, *sorted(map(str, map(self.of, value)))]
        if isinstance(value, httpx.Response):
            return {"type": kind, "status": value.status_code, "headers": _headers(value)}
        if isinstance(value, httpx.Request):
            return {"type": kind, "line": f"{value.method} {value.url}", "headers": _headers(value)}
        return {"type": kind}

    def error(self, error: BaseException) -> Any:
        return {
            "type": name_of(type(error)),
            "text": _same_marks(str(error)),
            "args": self.of(error.args),
            "attributes": {k: self.of(v) for k, v in vars(error).items() if k != "__notes__"},
            "notes": self.of(getattr(error, "__notes__", [])),
            "cause": self.of(error.__cause__),
            "context": self.of(error.__context__),
            "cause is context": error.__cause__ is error.__context__,
            "suppresses": error.__suppress_context__,
            "traceback": list(_frames(error)),
            "group": self.of(list(getattr(error, "exceptions", []))),
        }


def _headers(message: Any) -> list[str]:
    return [f"{k}: {v}" for k, v in message.headers.items() if k != "date"]


def name_of(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _frames(error: BaseException) -> Iterator[str]:
    """Where it came from, without the frames of our own wrappers."""
    step = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        if not code.co_filename.startswith(OURS):
            yield f"{os.path.basename(code.co_filename)}:{step.tb_lineno} {code.co_qualname}"
        step = step.tb_next
