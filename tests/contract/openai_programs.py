"""What applications do with the OpenAI client."""

import asyncio
import contextvars
import copy
import gc
import inspect
import pickle
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType
from typing import Any

import cloudpickle
import openai
import pydantic
from http_library import httpx
from llm_service import Answer, Handler, answer, chunks, completion, events
from observing import Kit, Table
from openai._base_client import AsyncAPIClient, SyncAPIClient

OPENAI = Table()
program = OPENAI.program

MESSAGES: Any = [{"role": "user", "content": "Hi"}]
ASK: Any = {"model": "m", "messages": MESSAGES}
STREAM: Any = {**ASK, "stream": True}


# Types, signatures, copies


CALLABLES: tuple[Callable[[Any], Any], ...] = (
    *(lambda c: c.chat.completions.create, lambda c: c.completions.create),
    *(lambda c: c.embeddings.create, lambda c: c.responses.create, lambda c: c.post),
    *(lambda c: c.request, lambda c: c.get_api_list, lambda c: c._process_response),
    *(lambda c: c.chat.completions.with_raw_response.create, lambda c: c.files.content),
    *(lambda c: c.chat.completions.with_streaming_response.create, lambda c: c._request_api_list),
)


@program(bugs=(6, 10))
async def signatures_and_kinds(kit: Kit) -> Any:
    client = kit.client()
    found = [find(client) for find in CALLABLES]
    return [
        (
            str(inspect.signature(function)),
            inspect.iscoroutinefunction(function),
            function.__name__,
            function.__qualname__,
            function.__doc__,
            function.__module__,
            type(function),
        )
        for function in found
    ]


@program(bugs=(6,))
async def names_that_a_client_has(kit: Kit) -> Any:
    client = kit.client()
    things = (client, client.chat.completions, client.responses, client.embeddings)
    classes = (SyncAPIClient, AsyncAPIClient, openai.OpenAI, openai.AsyncOpenAI)
    return [[*dir(thing)] for thing in (*things, *classes)], [type(thing) for thing in things]


@program(bugs=(23,))
async def copies_of_a_client(kit: Kit) -> Any:
    client = kit.client()
    copied = copy.copy(client), client.copy(), client.with_options(timeout=3)
    return [type(each) for each in copied], [attempt(lambda: copy.deepcopy(client))]


def attempt(make: Callable[[], Any]) -> Any:
    """What it makes, or the type and text of what it raises."""
    try:
        return type(make())
    except Exception as error:
        return type(error), str(error)


@program("chat m", bugs=(23, 29))
async def pickles(kit: Kit) -> Any:
    kit.service.will(answer(completion()))
    client = kit.client()
    result = await kit.ask(client.chat.completions.create, **ASK)
    ways: Any = (pickle, cloudpickle)
    here = [result, SyncAPIClient, AsyncAPIClient, type(client).request, client, client.post]
    told = [attempt(lambda v=v, w=w: w.loads(w.dumps(v))) for v in here for w in ways]
    by_value = cloudpickle.dumps(lambda: (SyncAPIClient, openai.OpenAI))
    return (
        told,
        pickle.loads(pickle.dumps(result)) == result,
        copy.deepcopy(result) == result,
        (pickle.loads(by_value)()),
    )


# Plain calls


@program("chat m")
async def a_chat_completion(kit: Kit) -> Any:
    kit.service.will(answer(completion(), headers={"x-request-id": "req_1"}))
    result = await kit.ask(kit.create, **ASK, temperature=0, seed=7)
    return result, type(result), result._request_id, result.model_dump(), vars(result).keys()


@program("chat m", bugs=(14, 24))
async def inputs_of_every_kind(kit: Kit) -> Any:
    kit.service.will(answer(completion()))
    extra = {"top_k": 3, "nested": {"a": [1, 2]}}
    headers = MappingProxyType({"x-mine": "1"})
    before = copy.deepcopy(extra)
    result = await kit.ask(
        kit.create,
        model="m",
        messages=(message for message in MESSAGES),
        stop=("a", "b"),
        tools=iter([{"type": "function", "function": {"name": "f", "parameters": {}}}]),
        extra_body=extra,
        extra_headers=headers,
        extra_query=MappingProxyType({"q": "x y"}),
        timeout=7,
    )
    assert extra == before
    return result


@program("chat m", "chat m")
async def a_message_of_the_model_sent_back(kit: Kit) -> Any:
    kit.service.will(answer(completion()))
    create = kit.create
    first = await kit.ask(create, **ASK)
    said = first.choices[0].message
    before = said.model_dump()
    again = await kit.ask(create, model="m", messages=[*MESSAGES, said])
    return said is first.choices[0].message, before == said.model_dump(), again


@program("chat m")
async def messages_in_a_tuple_of_proxies(kit: Kit) -> Any:
    kit.service.will(answer(completion()))
    return await kit.ask(kit.create, model="m", messages=tuple(map(MappingProxyType, MESSAGES)))


class Odd:
    """Counts how often anything of it is looked at."""

    looked = 0

    def __iter__(self) -> Any:
        Odd.looked += 1
        return iter(MESSAGES)

    def __len__(self) -> int:
        Odd.looked += 1
        return len(MESSAGES)

    def __getitem__(self, at: int) -> Any:
        Odd.looked += 1
        return MESSAGES[at]

    def __bool__(self) -> bool:
        Odd.looked += 1
        return True

    def json(self) -> Any:
        raise AssertionError("nobody has asked for it")


@program(any_spans=True, bugs=(21, 22))
async def an_object_that_counts_how_often_it_is_looked_at(kit: Kit) -> Any:
    kit.service.will(answer(completion()))
    Odd.looked = 0
    try:
        result = await kit.ask(kit.create, model="m", messages=Odd())
    finally:
        assert Odd.looked < 8
    return result, Odd.looked


@program("text_completion m")
async def a_text_completion(kit: Kit) -> Any:
    choice = {"index": 0, "text": "Hello", "finish_reason": "stop", "logprobs": None}
    kit.service.will(answer(completion(choices=[choice], object="text_completion")))
    return await kit.ask(kit.client().completions.create, model="m", prompt=["a", "b"])


EMBEDDING = {
    "object": "list",
    "model": "e",
    "data": [{"object": "embedding", "index": 0, "embedding": "AACAPwAAAEA="}],
    "usage": {"prompt_tokens": 1, "total_tokens": 1},
}


@program("embeddings e", "embeddings e")
async def embeddings_and_raw_embeddings(kit: Kit) -> Any:
    kit.service.will(answer(EMBEDDING))
    resource = kit.client().embeddings
    result = await kit.ask(resource.create, model="e", input=iter(["a", "b"]))
    raw = await kit.ask(resource.with_raw_response.create, model="e", input="a")
    return result, type(raw), raw.headers["content-type"], raw.content, raw.parse()


PART = {"type": "output_text", "text": "hi", "annotations": []}
ITEM = {
    "type": "message",
    "id": "m1",
    "status": "completed",
    "role": "assistant",
    "content": [PART],
}
RESPONSE: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "status": "completed",
    "model": "m-2026",
    "output": [ITEM],
    "usage": {
        "input_tokens": 7,
        "output_tokens": 3,
        "total_tokens": 10,
        "input_tokens_details": {"cached_tokens": 4},
        "output_tokens_details": {"reasoning_tokens": 1},
    },
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
}
_AT = {"item_id": "m1", "output_index": 0, "content_index": 0}
_BEGUN = {**RESPONSE, "status": "in_progress", "output": [], "usage": None}
RESPONSE_EVENTS: list[dict[str, Any]] = [
    {"type": "response.created", "response": _BEGUN},
    {
        "type": "response.output_item.added",
        "output_index": 0,
        "item": {**ITEM, "status": "in_progress", "content": []},
    },
    {"type": "response.content_part.added", **_AT, "part": {**PART, "text": ""}},
    {"type": "response.output_text.delta", **_AT, "delta": "hi", "logprobs": []},
    {"type": "response.output_text.done", **_AT, "text": "hi", "logprobs": []},
    {"type": "response.completed", "response": RESPONSE},
]


def response_events() -> Answer:
    numbered = ({**event, "sequence_number": at} for at, event in enumerate(RESPONSE_EVENTS))
    return events(list(numbered))


@program("chat m", "fetch_response", "chat m")
async def responses(kit: Kit) -> Any:
    kit.service.will(answer(RESPONSE))
    resource = kit.client().responses
    made = await kit.ask(resource.create, model="m", input="Hi")
    got = await kit.ask(resource.retrieve, "resp_1")
    raw = await kit.ask(resource.with_raw_response.create, model="m", input="Hi")
    return made, made.output_text, got, type(raw), raw.parse()


@program("chat m")
async def a_stream_of_a_response(kit: Kit) -> Any:
    kit.service.will(response_events())
    create = kit.client().responses.create
    stream = await kit.ask(create, model="m", input="Hi", stream=True)
    return type(stream), await kit.all(stream)


@program(any_spans=True)
async def the_stream_helper_of_responses(kit: Kit) -> Any:
    kit.service.will(response_events())
    resource = kit.client().responses
    if not hasattr(resource, "stream"):  # before 1.66.5
        return "none"
    async with kit.entered(resource.stream(model="m", input="Hi")) as stream:
        seen = [event async for event in kit.items(stream)]
        return seen, await kit.ask(stream.get_final_response)


@program("chat m: openai.InternalServerError", "chat m")
async def a_call_after_one_that_failed(kit: Kit) -> Any:
    kit.service.will(answer({"error": {"message": "no"}}, 500), answer(completion()))
    create = kit.create
    return type(await refused(kit, create)), await kit.ask(create, **ASK)


async def refused(kit: Kit, function: Any) -> BaseException:
    try:
        await kit.ask(function, **ASK)
    except openai.APIError as error:
        return error
    raise AssertionError("nothing was raised")


@program("chat m")
async def retries(kit: Kit) -> Any:
    busy = answer({"error": {"message": "busy"}}, 429, {"retry-after-ms": "1"})
    kit.service.will(busy, answer(b"", 503, {"retry-after-ms": "1"}), answer(completion()))
    return await kit.ask(kit.client(max_retries=2).chat.completions.create, **ASK)


@program("GET /models", bugs=(12,))
async def pages(kit: Kit) -> Any:
    model = {"id": "m", "object": "model", "created": 1, "owned_by": "me"}
    kit.service.will(answer({"object": "list", "data": [model, model]}))
    listed = kit.client().models.list()
    return type(listed), await kit.all(listed)


@program("POST /files", "GET /files/{id}/content", bugs=(14,))
async def files_up_and_down(kit: Kit) -> Any:
    kit.service.will(answer({"id": "file-1", "object": "file"}), answer(b"abc", kind="text/plain"))
    client = kit.client()
    sent = await kit.ask(client.files.create, file=("a.jsonl", b'{"x": 1}'), purpose="batch")
    got = await kit.ask(client.files.content, "file-1")
    return sent, type(got), got.read(), got.text


@program("POST /somewhere", "GET /elsewhere")
async def calls_below_the_resources(kit: Kit) -> Any:
    kit.service.will(answer({"a": [1]}))
    client = kit.client()
    posted = await kit.ask(client.post, "/somewhere", body={"b": 2}, cast_to=object)
    return posted, await kit.ask(client.get, "/elsewhere", cast_to=httpx.Response)


@program("chat m", bugs=(3, 4))
async def a_client_of_a_subclass(kit: Kit) -> Any:
    kit.service.will(answer(completion()))
    seen: list[Any] = []
    client = kit.client()

    class Mine(type(client)):  # type: ignore[misc]
        def request(self, *args: Any, **kwargs: Any) -> Any:
            seen.append([type(each) for each in args])
            return super().request(*args, **kwargs)

    mine = Mine(api_key="k", base_url=kit.service.url, http_client=client._client)
    return await kit.ask(mine.chat.completions.create, **ASK), seen


@program("chat m")
async def hooks_of_the_http_client(kit: Kit) -> Any:
    kit.service.will(answer(completion()))
    seen: list[Any] = []

    async def hear(message: Any) -> None:
        seen.append((type(message), message.headers.get("content-type")))

    def hear_at_once(message: Any) -> None:
        seen.append((type(message), message.headers.get("content-type")))

    http = kit.http_client()
    hook: Any = hear if kit.is_async else hear_at_once
    http.event_hooks = {"request": [hook], "response": [hook]}
    return await kit.ask(kit.client(http_client=http).chat.completions.create, **ASK), seen


class HookError(Exception):
    pass


@program(any_spans=True)
async def a_hook_that_raises(kit: Kit) -> Any:
    kit.service.will(answer(completion()))

    def broken(_: Any) -> Any:
        raise HookError("mine")

    http = kit.http_client()
    http.event_hooks = {"response": [broken]}
    return await kit.ask(kit.client(http_client=http).chat.completions.create, **ASK)


# Raw and streaming responses, helpers


@program("chat m", bugs=(1, 2, 3, 4, 5))
async def a_raw_response(kit: Kit) -> Any:
    kit.service.will(answer(completion(), headers={"x-request-id": "req_1"}))
    create = kit.client().chat.completions.with_raw_response.create
    raw = await kit.ask(create, **ASK)
    facts = raw.status_code, raw.request_id, raw.http_version, raw.url, raw.method, raw.is_closed
    same = raw.parse() is raw.parse(), raw.elapsed.total_seconds() > 0
    return type(raw), dir(raw), facts, same, raw.content, raw.parse(), raw.parse(to=dict)


@program("chat m", bugs=(3,))
async def a_raw_response_of_a_stream(kit: Kit) -> Any:
    kit.service.will(events(chunks("Good ", "day")))
    raw = await kit.ask(kit.client().chat.completions.with_raw_response.create, **STREAM)
    stream = raw.parse()
    return type(raw), raw.headers["content-type"], type(stream), await kit.all(stream)


async def streaming(kit: Kit, read: str, body: Any = None) -> Any:
    kit.service.will(answer(completion() if body is None else body))
    create = kit.client().chat.completions.with_streaming_response.create
    async with kit.entered(create(**ASK)) as response:
        got = await READINGS[read](kit, response)
        facts = type(response), dir(response), response.status_code, response.is_closed
    return facts, got, response.is_closed


READINGS: dict[str, Callable[[Kit, Any], Any]] = {
    "read": lambda kit, response: kit.ask(response.read),
    "json": lambda kit, response: kit.ask(response.json),
    "parse": lambda kit, response: kit.ask(response.parse),
    "text": lambda kit, response: kit.ask(response.text),
    "bytes": lambda kit, response: kit.all(response.iter_bytes()),
    "lines": lambda kit, response: kit.all(response.iter_lines()),
    "one byte": lambda kit, response: kit.next(response.iter_bytes(1)),
}


@program("chat m", "chat m", "chat m", "chat m", "chat m", "chat m")
async def streaming_responses_read_in_every_way(kit: Kit) -> Any:
    return [await streaming(kit, read) for read in READINGS if read != "one byte"]


@program("chat m: incomplete", bugs=(12,))
async def a_streaming_response_left_after_one_byte(kit: Kit) -> Any:
    return await streaming(kit, "one byte", completion("long " * 100_000))


@program("chat m")
async def a_stream_in_a_streaming_response(kit: Kit) -> Any:
    kit.service.will(events(chunks("a", "b")))
    create = kit.client().chat.completions.with_streaming_response.create
    async with kit.entered(create(**STREAM)) as response:
        stream = await kit.ask(response.parse)
        return type(stream), await kit.all(stream)


class Place(pydantic.BaseModel):
    city: str


def chat_of(client: Any) -> Any:
    """Early versions have `parse` and `stream` below `beta`."""
    return client.chat if hasattr(client.chat.completions, "parse") else client.beta.chat


@program("chat m")
async def parsing(kit: Kit) -> Any:
    kit.service.will(answer(completion('{"city": "Paris"}')))
    parse = chat_of(kit.client()).completions.parse
    result = await kit.ask(parse, **ASK, response_format=Place)
    return result, type(result), type(result.choices[0].message.parsed)


@program("chat m: openai.LengthFinishReasonError")
async def parsing_an_answer_that_was_cut(kit: Kit) -> Any:
    cut = completion('{"city": "Par')
    cut["choices"][0]["finish_reason"] = "length"
    kit.service.will(answer(cut))
    parse = chat_of(kit.client()).completions.parse
    return await kit.ask(parse, **ASK, response_format=Place)


@program("chat m", bugs=(6, 8, 10, 11, 12))
async def the_stream_helper(kit: Kit) -> Any:
    kit.service.will(events(chunks("Good ", "day")))
    manager = chat_of(kit.client()).completions.stream(**ASK)
    async with kit.entered(manager) as stream:
        seen = [event async for event in kit.items(stream)]
        final = await kit.ask(stream.get_final_completion)
    return type(manager), type(stream), dir(stream), seen, final


@program("chat m: incomplete", bugs=(8, 11))
async def the_stream_helper_broken_off(kit: Kit) -> Any:
    kit.service.will(events(chunks("Good ", "day")[:2], wait=threading.Event()))
    async with kit.entered(chat_of(kit.client()).completions.stream(**ASK)) as stream:
        first = await kit.next(stream)
    return first


# Exceptions


def fails(given: Answer, ending: str | None, name: str) -> None:
    """A program that asks and gets this answer."""

    async def body(kit: Kit) -> Any:
        kit.service.will(given)
        return await kit.ask(kit.create, **ASK)

    body.__name__ = name
    program(*filter(None, [ending]), any_spans=ending is None, bugs=(27, 41))(body)


ERRORS = {
    400: "BadRequestError",
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    409: "ConflictError",
    422: "UnprocessableEntityError",
    429: "RateLimitError",
    500: "InternalServerError",
    503: "InternalServerError",
    418: "APIStatusError",
}
REFUSAL = {"error": {"message": "no", "type": "t", "code": "c", "param": "p"}}

for _status, _error in ERRORS.items():
    _headers = {"x-request-id": "req_9"}
    fails(answer(REFUSAL, _status, _headers), f"chat m: openai.{_error}", f"status_{_status}")

for _name, _body, _kind, _ending in (
    ("status_500_of_html", b"<html>no</html>", "text/html", "chat m: openai.InternalServerError"),
    ("status_500_of_nothing", b"", "", "chat m: openai.InternalServerError"),
    ("status_500_of_no_json", b"{no", "application/json", "chat m: openai.InternalServerError"),
):
    fails(answer(_body, 500, kind=_kind), _ending, _name)

for _name, _body, _kind in (
    ("an_answer_of_html", b"<html>no</html>", "text/html"),
    ("an_answer_of_nothing", b"", "application/json"),
    ("an_answer_of_no_type", b"", ""),
    ("an_answer_of_null", b"null", "application/json"),
    ("an_answer_of_a_list", b"[]", "application/json"),
    ("an_answer_of_an_empty_object", b"{}", "application/json"),
    ("an_answer_of_text", b'"hi"', "application/json"),
    ("an_answer_with_strange_parts", b'{"choices": [null, 5, {"message": 3}]}', ""),
):
    fails(answer(_body, kind=_kind), None, _name)


@program("chat m: json.decoder.JSONDecodeError")
async def an_answer_of_broken_json(kit: Kit) -> Any:
    kit.service.will(answer(b'{"id": "chatcmpl-1", "choi'))
    return await kit.ask(kit.create, **ASK)


def short(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("content-type", "application/json")
    handler.send_header("content-length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"id": 1')
    handler.close_connection = True


fails(short, "chat m: openai.APIConnectionError", "an_answer_that_is_cut_short")


_packed = answer(b"this is no gzip", headers={"content-encoding": "gzip"})
fails(_packed, "chat m: openai.APIConnectionError", "an_answer_of_a_broken_encoding")


_deaf = socket.socket()
_deaf.bind(("127.0.0.1", 0))  # and nobody listens


@program("chat m: openai.APIConnectionError")
async def a_refused_connection(kit: Kit) -> Any:
    client = kit.client(base_url=f"http://127.0.0.1:{_deaf.getsockname()[1]}/v1")
    return await kit.ask(client.chat.completions.create, **ASK)


def hang(handler: Handler) -> None:
    handler.connection.settimeout(5)
    handler.connection.recv(1)  # until the client goes away


@program("chat m: openai.APITimeoutError")
async def a_timeout(kit: Kit) -> Any:
    kit.service.will(hang)
    return await kit.ask(kit.create, **ASK, timeout=httpx.Timeout(9, read=0.05))


@program(bugs=(27,))
async def a_mistake_of_the_program(kit: Kit) -> Any:
    return await kit.ask(kit.create, model="m")


@program(any_spans=True)
async def a_body_that_is_no_json(kit: Kit) -> Any:
    return await kit.ask(kit.create, model="m", messages=[{"role": "user", "content": object()}])


# Streams, and how they end


async def begun(kit: Kit, *texts: str, **more: Any) -> Any:
    """A stream, of which the given texts come."""
    kit.service.will(events(chunks(*texts)[: len(texts) + 1] if more else chunks(*texts), **more))
    return await kit.ask(kit.create, **STREAM)


async def place_of_the_connection(kit: Kit, client: Any) -> Any:
    """One more call; its connection on the wire tells whether the last one was given back."""
    kit.service.will(answer(completion()))
    return await kit.ask(client.chat.completions.create, **ASK)


@program("chat m", "chat m", bugs=(6, 7, 25, 55))
async def a_stream_that_is_read(kit: Kit) -> Any:
    kit.service.will(events(chunks("Good ", "morning")))
    client = kit.client()
    stream = await kit.ask(client.chat.completions.create, **STREAM)
    facts = type(stream), dir(stream), isinstance(stream, openai.Stream | openai.AsyncStream)
    read = await kit.all(stream)
    closed = stream.response.is_closed
    return facts, read, closed, await place_of_the_connection(kit, client)


@program("chat m", bugs=(25,))
async def a_stream_with_usage_asked_for(kit: Kit) -> Any:
    kit.service.will(events(chunks("a")))
    options = {"include_usage": True}
    return await kit.all(await kit.ask(kit.create, **STREAM, stream_options=options))


@program("chat m", bugs=(40,))
async def a_stream_asked_for_more_than_it_has(kit: Kit) -> Any:
    stream = await begun(kit, "a")
    read = await kit.all(stream)
    try:
        await kit.next(stream)
    except (StopIteration, StopAsyncIteration) as error:
        return read, type(error), await kit.all(stream)


@program("chat m: incomplete", bugs=(15, 18))
async def a_stream_broken_off_and_forgotten(kit: Kit) -> Any:
    stream = await begun(kit, "a", "b", wait=threading.Event())
    first = await kit.next(stream)
    del stream
    await collect(kit)
    return first


async def collect(kit: Kit) -> None:
    """Generators that are forgotten under a loop are closed by it, a little later."""
    gc.collect()
    if kit.is_async:
        await asyncio.sleep(0)
        gc.collect()
        await asyncio.sleep(0)


@program("chat m: incomplete", bugs=(15,))
async def a_stream_never_read_and_forgotten(kit: Kit) -> Any:
    stream = await begun(kit, "a")
    kind = type(stream)
    del stream
    await collect(kit)
    return kind


@program("chat m: incomplete", "chat m", bugs=(6,))
async def a_stream_closed(kit: Kit) -> Any:
    client = kit.client()
    kit.service.will(events(chunks("a", "b")[:2], wait=threading.Event()))
    stream = await kit.ask(client.chat.completions.create, **STREAM)
    first = await kit.next(stream)
    await kit.close(stream)
    await kit.close(stream)
    closed = stream.response.is_closed
    return first, closed, await place_of_the_connection(kit, client)


@program("chat m: incomplete", "chat m")
async def a_stream_closed_before_it_is_read(kit: Kit) -> Any:
    client = kit.client()
    kit.service.will(events(chunks("a")))
    stream = await kit.ask(client.chat.completions.create, **STREAM)
    await kit.close(stream)
    return stream.response.is_closed, await place_of_the_connection(kit, client)


@program("chat m: incomplete", "chat m", bugs=(6, 8, 11, 12))
async def a_with_block_around_a_stream_left_early(kit: Kit) -> Any:
    client = kit.client()
    kit.service.will(events(chunks("a", "b")[:2], wait=threading.Event()))
    stream = await kit.ask(client.chat.completions.create, **STREAM)
    async with kit.entered(stream) as entered:
        same = entered is stream
        async for first in kit.items(entered):
            break
    return same, first, await place_of_the_connection(kit, client)


class MineError(Exception):
    pass


@program("chat m: incomplete")
async def an_error_of_the_program_while_reading(kit: Kit) -> Any:
    stream = await begun(kit, "a", "b", wait=threading.Event())
    async with kit.entered(stream):
        await kit.next(stream)
        raise MineError("mine")


@program(any_spans=True, bugs=(27,))
async def a_stream_reset_by_the_service(kit: Kit) -> Any:
    return await kit.all(await begun(kit, "a", reset=True))


@program(any_spans=True, bugs=(27,))
async def a_stream_reset_after_its_last_piece(kit: Kit) -> Any:
    kit.service.will(events(chunks("a"), reset=True))
    return await kit.all(await kit.ask(kit.create, **STREAM))


@program("chat m: incomplete, c", bugs=(27,))
async def an_error_event_in_a_stream(kit: Kit) -> Any:
    kit.service.will(events([*chunks("a")[:2], REFUSAL], done=False))
    stream = await kit.ask(kit.create, **STREAM)
    try:
        return await kit.all(stream)
    finally:
        await kit.close(stream)


@program("chat m: incomplete")
async def a_stream_that_just_stops(kit: Kit) -> Any:
    return await kit.all(await begun(kit, "a", done=False))


@program("chat m: incomplete")
async def a_stream_of_nothing(kit: Kit) -> Any:
    kit.service.will(events([], done=False))
    return await kit.all(await kit.ask(kit.create, **STREAM))


@program("chat m: incomplete", bugs=(27,))
async def a_stream_with_a_broken_event(kit: Kit) -> Any:
    kit.service.will(events([*chunks("a")[:2], b'data: {"id": \n\n'], wait=threading.Event()))
    stream = await kit.ask(kit.create, **STREAM)
    try:
        return await kit.all(stream)
    finally:
        await kit.close(stream)


@program("chat m: openai.RateLimitError")
async def a_stream_that_is_refused(kit: Kit) -> Any:
    kit.service.will(answer(REFUSAL, 429))
    return await kit.ask(kit.create, **STREAM)


@program("chat m", kinds=("sync",), bugs=(18, 52))
async def a_stream_read_in_another_thread(kit: Kit) -> Any:
    stream = await begun(kit, "a", "b")
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(list, stream).result()


@program("chat m", kinds=("async",), bugs=(17, 18, 52))
async def a_stream_read_in_another_task(kit: Kit) -> Any:
    stream = await begun(kit, "a", "b")
    return await asyncio.create_task(kit.all(stream))


@program("chat m", kinds=("async",), bugs=(17, 18))
async def a_stream_read_a_task_per_piece(kit: Kit) -> Any:
    stream = await begun(kit, "a", "b")
    read: list[Any] = []
    while True:
        try:
            read.append(await asyncio.create_task(stream.__anext__()))
        except StopAsyncIteration:
            return read


@program("chat m", "chat m", bugs=(18, 52))
async def two_streams_read_by_turns(kit: Kit) -> Any:
    create = kit.create
    kit.service.will(events(chunks("a", "b")))
    one, two = await kit.ask(create, **STREAM), await kit.ask(create, **STREAM)
    return [(await kit.next(one), await kit.next(two)) for _ in range(4)], (
        await kit.all(one),
        await kit.all(two),
    )


# What only asyncio can do to a call


@program("chat m: cancelled", kinds=("async",), bugs=(26, 41))
async def a_call_that_takes_too_long_for_wait_for(kit: Kit) -> Any:
    kit.service.will(hang)
    return await asyncio.wait_for(kit.create(**ASK), 0.25)


@program("chat m: cancelled", kinds=("async",), bugs=(26, 41))
async def a_call_in_a_timeout_block(kit: Kit) -> Any:
    kit.service.will(hang)
    async with asyncio.timeout(0.25):
        await kit.create(**ASK)


@program("chat m: incomplete, cancelled", kinds=("async",), bugs=(26,))
async def a_stream_cancelled_while_it_waits(kit: Kit) -> Any:
    stream = await begun(kit, "a", wait=threading.Event())
    await kit.next(stream), await kit.next(stream)
    task = asyncio.create_task(kit.next(stream))
    await asyncio.sleep(0.02)
    task.cancel("enough")
    await asyncio.wait([task])
    return task.cancelled(), task.cancelling(), await attempt_to(task)


async def attempt_to(work: Any) -> Any:
    try:
        return await work
    except asyncio.CancelledError as error:
        return type(error), error.args


@program(any_spans=True, kinds=("async",), bugs=(26, 41))
async def a_task_group_that_fails(kit: Kit) -> Any:
    kit.service.will(hang, answer(REFUSAL, 400))
    create = kit.create

    async def late() -> None:
        while not kit.service.wire:
            await asyncio.sleep(0.005)
        await create(**ASK)

    async with asyncio.TaskGroup() as group:
        group.create_task(create(**ASK))
        group.create_task(late())


@program("chat m", kinds=("sync",), bugs=(13, 47))
async def a_sync_client_in_a_running_loop(kit: Kit) -> Any:
    kit.service.will(answer(completion()))
    create = kit.create

    async def inside() -> Any:
        return create(**ASK), asyncio.get_running_loop().is_running()

    return asyncio.run(inside())


@program("chat m", kinds=("async",), bugs=(13,))
async def a_loop_in_a_thread_beside_a_running_one(kit: Kit) -> Any:
    kit.service.will(answer(completion()))

    async def inside() -> Any:
        async with openai.AsyncOpenAI(
            api_key="test-key", base_url=kit.service.url, http_client=kit.http_client()
        ) as client:
            return await client.chat.completions.create(**ASK)

    return await asyncio.to_thread(asyncio.run, inside())


@program(kinds=("async",))
async def a_call_that_is_never_awaited(kit: Kit) -> Any:
    call = kit.create(**ASK)
    kind = type(call), inspect.iscoroutine(call), call.__qualname__
    call.close()
    return kind


mine: contextvars.ContextVar[int] = contextvars.ContextVar("mine", default=0)


@program("chat m", bugs=(53,))
async def context_variables_of_the_program(kit: Kit) -> Any:
    kit.service.will(events(chunks("a", "b")))
    seen: list[int] = []
    http = kit.http_client()

    async def hear(_: Any) -> None:
        seen.append(mine.get())

    def hear_at_once(_: Any) -> None:
        seen.append(mine.get())

    http.event_hooks = {"request": [hear if kit.is_async else hear_at_once]}
    token = mine.set(7)
    stream = await kit.ask(kit.client(http_client=http).chat.completions.create, **STREAM)
    async for _ in kit.items(stream):
        seen.append(mine.get())
        mine.set(mine.get() + 1)
    mine.reset(token)
    return seen
