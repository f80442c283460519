"""A stream ends its span exactly once, however it ends, and stays what it is."""

import asyncio
import gc
import gzip
import json
import subprocess
import sys
import textwrap
import threading
from typing import Any

import openai
import pytest
from http_library import httpx
from llm_service import Service, answer, chunks, completion, events, running_service
from spool_reading import records

import tracekit
from tracekit import context, semconv
from tracekit.store.store import Store

MESSAGES: Any = [{"role": "user", "content": "Hi"}]
ASK: Any = {"model": "m", "messages": MESSAGES, "stream": True}


def the_span(store: Store) -> dict[str, Any]:
    (span,) = records(store, "span")
    return span


def words(span: dict[str, Any]) -> str:
    messages = json.loads(span["attributes"][semconv.OUTPUT_MESSAGES])
    return "".join(part["content"] for part in messages[0]["parts"])


def is_incomplete(span: dict[str, Any]) -> bool:
    return bool(span["attributes"].get(semconv.INCOMPLETE, False))


@pytest.mark.usefixtures("autologged")
def test_a_stream_that_is_read_to_its_end(
    store: Store, service: Service, client: openai.OpenAI
) -> None:
    service.will(events(chunks("Good ", "morning")))
    stream = client.chat.completions.create(**ASK)
    assert isinstance(stream, openai.Stream)
    assert records(store, "span") == []
    assert len(list(stream)) == 5
    span = the_span(store)
    facts = span["attributes"]
    assert (words(span), span["status"], is_incomplete(span)) == ("Good morning", "UNSET", False)
    assert facts[semconv.REQUEST_STREAM] is True
    assert facts[semconv.RESPONSE_FINISH_REASONS] == ["stop"]
    assert (facts[semconv.INPUT_TOKENS], facts[semconv.OUTPUT_TOKENS]) == (5, 2)
    assert 0 < facts[semconv.RESPONSE_TIME_TO_FIRST_CHUNK] < 10


@pytest.mark.usefixtures("autologged")
async def test_an_async_stream_too(
    store: Store, service: Service, async_client: openai.AsyncOpenAI
) -> None:
    service.will(events(chunks("Good ", "morning")))
    stream = await async_client.chat.completions.create(**ASK)
    assert isinstance(stream, openai.AsyncStream)
    assert len([chunk async for chunk in stream]) == 5
    span = the_span(store)
    assert (words(span), span["status"], is_incomplete(span)) == ("Good morning", "UNSET", False)
    assert semconv.CANCELLED not in span["attributes"]


@pytest.mark.usefixtures("autologged")
def test_without_usage_tokens_stay_unset(
    store: Store, service: Service, client: openai.OpenAI
) -> None:
    service.will(events(chunks("Hi", usage=None)))
    list(client.chat.completions.create(**ASK))
    assert not [key for key in the_span(store)["attributes"] if "usage" in key]
    assert b"stream_options" not in service.requests[0][2]


@pytest.mark.usefixtures("autologged")
def test_usage_in_every_chunk_is_not_added_up(
    store: Store, service: Service, client: openai.OpenAI
) -> None:
    growing = [
        {**chunk, "usage": {"prompt_tokens": 5, "completion_tokens": count}}
        for count, chunk in enumerate(chunks("a", "b", usage=None))
    ]
    service.will(events(growing))
    list(client.chat.completions.create(**ASK))
    facts = the_span(store)["attributes"]
    assert (facts[semconv.INPUT_TOKENS], facts[semconv.OUTPUT_TOKENS]) == (5, 3)


@pytest.mark.usefixtures("autologged")
def test_a_stream_broken_off_and_forgotten_is_incomplete(
    store: Store, service: Service, client: openai.OpenAI
) -> None:
    hold = threading.Event()
    service.will(events(chunks("Good ", "morning")[:2], wait=hold))
    stream = client.chat.completions.create(**ASK)
    for chunk in stream:
        if chunk.choices[0].delta.content:
            break
    assert records(store, "span") == []
    del stream, chunk
    gc.collect()
    hold.set()
    span = the_span(store)
    assert (words(span), span["status"], is_incomplete(span)) == ("Good ", "UNSET", True)


@pytest.mark.usefixtures("autologged")
def test_a_stream_never_read_and_forgotten_is_incomplete(
    store: Store, service: Service, client: openai.OpenAI
) -> None:
    service.will(events(chunks("Hi")))
    stream = client.chat.completions.create(**ASK)
    stream.response.stream.source  # noqa: B018  the connection's own source is behind ours
    del stream
    gc.collect()
    span = the_span(store)
    assert is_incomplete(span)
    assert semconv.RESPONSE_TIME_TO_FIRST_CHUNK not in span["attributes"]


@pytest.mark.usefixtures("autologged")
def test_a_closed_stream_ends_at_once_and_only_once(
    store: Store, service: Service, client: openai.OpenAI
) -> None:
    hold = threading.Event()
    service.will(events(chunks("a", "b")[:2], wait=hold))
    stream = client.chat.completions.create(**ASK)
    next(stream)
    stream.close()
    hold.set()
    assert is_incomplete(the_span(store))
    stream.close()
    del stream
    gc.collect()
    assert len(records(store, "span")) == 1


@pytest.mark.usefixtures("autologged")
def test_leaving_a_with_block_ends_it(
    store: Store, service: Service, client: openai.OpenAI
) -> None:
    hold = threading.Event()
    service.will(events(chunks("a")[:2], wait=hold))
    with client.chat.completions.create(**ASK) as stream:
        next(stream)
    hold.set()
    assert is_incomplete(the_span(store))


@pytest.mark.usefixtures("autologged")
async def test_leaving_an_async_with_block_ends_it(
    store: Store, service: Service, async_client: openai.AsyncOpenAI
) -> None:
    hold = threading.Event()
    service.will(events(chunks("a")[:2], wait=hold))
    async with await async_client.chat.completions.create(**ASK) as stream:
        async for _ in stream:
            break
    hold.set()
    assert is_incomplete(the_span(store))


@pytest.mark.usefixtures("autologged")
def test_an_error_of_the_program_while_reading_is_not_the_model_s(
    store: Store, service: Service, client: openai.OpenAI
) -> None:
    hold = threading.Event()
    service.will(events(chunks("a")[:2], wait=hold))
    error = KeyError("mine")

    def read() -> None:
        with client.chat.completions.create(**ASK) as stream:
            for _ in stream:
                raise error

    with pytest.raises(KeyError) as caught:
        read()
    hold.set()
    assert caught.value is error
    span = the_span(store)
    assert (span["status"], is_incomplete(span)) == ("UNSET", True)


@pytest.mark.usefixtures("autologged")
def test_a_connection_reset_is_an_error(
    store: Store, service: Service, client: openai.OpenAI
) -> None:
    service.will(events(chunks("Good ", "morning")[:2], reset=True))
    stream = client.chat.completions.create(**ASK)
    with pytest.raises((openai.APIConnectionError, httpx.TransportError)):
        list(stream)
    span = the_span(store)
    assert (words(span), span["status"], is_incomplete(span)) == ("Good ", "ERROR", True)
    assert span["attributes"][semconv.ERROR_TYPE].startswith("httpx")


@pytest.mark.usefixtures("autologged")
def test_a_reset_after_the_last_piece_is_what_the_program_saw(
    store: Store, service: Service, client: openai.OpenAI
) -> None:
    service.will(events(chunks("Good ", "morning"), reset=True))
    with pytest.raises((openai.APIConnectionError, httpx.TransportError)):
        list(client.chat.completions.create(**ASK))
    span = the_span(store)
    assert (words(span), span["status"], is_incomplete(span)) == ("Good morning", "ERROR", False)


@pytest.mark.usefixtures("autologged")
async def test_a_cancelled_reader_is_marked(
    store: Store, service: Service, async_client: openai.AsyncOpenAI
) -> None:
    hold = threading.Event()
    service.will(events(chunks("a")[:2], wait=hold))
    seen = asyncio.Event()

    async def read() -> None:
        async for _ in await async_client.chat.completions.create(**ASK):
            seen.set()

    task = asyncio.ensure_future(read())
    await seen.wait()
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    hold.set()
    facts = the_span(store)["attributes"]
    assert (facts[semconv.INCOMPLETE], facts[semconv.CANCELLED]) == (True, True)


@pytest.mark.usefixtures("autologged")
async def test_a_reader_cancelled_between_two_chunks_is_marked(
    store: Store, service: Service, async_client: openai.AsyncOpenAI
) -> None:
    hold = threading.Event()
    service.will(events(chunks("a", "b")[:2], wait=hold))
    seen = asyncio.Event()

    async def read() -> None:
        async with await async_client.chat.completions.create(**ASK) as stream:
            async for _ in stream:
                seen.set()
                await asyncio.sleep(20)

    task = asyncio.ensure_future(read())
    await seen.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    hold.set()
    facts = the_span(store)["attributes"]
    assert (facts[semconv.INCOMPLETE], facts[semconv.CANCELLED]) == (True, True)


@pytest.mark.usefixtures("autologged")
def test_an_error_event_is_an_error(store: Store, service: Service, client: openai.OpenAI) -> None:
    error = {"error": {"message": "overloaded", "type": "server_error", "code": "503"}}
    service.will(events([*chunks("Good ", "day")[:2], error], done=False))
    stream = client.chat.completions.create(**ASK)
    with pytest.raises(openai.APIError, match="overloaded"):
        list(stream)
    del stream  # old clients leave the response open
    gc.collect()
    span = the_span(store)
    assert (words(span), span["status"]) == ("Good ", "ERROR")
    assert span["status_message"] == "overloaded"
    assert span["attributes"][semconv.ERROR_TYPE] == "503"


@pytest.mark.usefixtures("autologged")
def test_a_stream_that_just_stops_is_incomplete(
    store: Store, service: Service, client: openai.OpenAI
) -> None:
    service.will(events(chunks("Good ", "morning")[:2], done=False))
    assert len(list(client.chat.completions.create(**ASK))) == 2
    span = the_span(store)
    assert (span["status"], is_incomplete(span)) == ("UNSET", True)
    assert span["attributes"][semconv.RESPONSE_FINISH_REASONS] == ["error"]


@pytest.mark.usefixtures("autologged")
def test_an_empty_stream_is_incomplete(
    store: Store, service: Service, client: openai.OpenAI
) -> None:
    service.will(events([], done=False))
    assert list(client.chat.completions.create(**ASK)) == []
    assert is_incomplete(the_span(store))


@pytest.mark.usefixtures("autologged")
def test_comments_are_no_first_chunk(store: Store, service: Service, client: openai.OpenAI) -> None:
    hold = threading.Event()
    service.will(events([b": keep alive\n\n"], wait=hold, done=False), answer(completion()))
    stream = client.chat.completions.create(**ASK)
    threading.Timer(0.1, hold.set).start()
    assert list(stream) == []
    assert semconv.RESPONSE_TIME_TO_FIRST_CHUNK not in the_span(store)["attributes"]


@pytest.mark.usefixtures("autologged")
def test_a_compressed_stream_is_read(store: Store, service: Service, client: openai.OpenAI) -> None:
    whole = b"".join(b"data: %s\n\n" % json.dumps(c).encode() for c in chunks("Good ", "day"))
    packed = gzip.compress(whole + b"data: [DONE]\n\n")
    service.will(events([packed], done=False, headers={"content-encoding": "gzip"}))
    assert len(list(client.chat.completions.create(**ASK))) == 5
    assert words(the_span(store)) == "Good day"


@pytest.mark.usefixtures("autologged")
def test_a_mocked_stream_is_read_at_once(store: Store) -> None:
    body = b"".join(b"data: %s\n\n" % json.dumps(c).encode() for c in chunks("Good ", "day"))
    headers = {"content-type": "text/event-stream"}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, headers=headers, content=body))
    with httpx.Client(transport=transport) as http:
        stream = openai.OpenAI(api_key="k", http_client=http).chat.completions.create(**ASK)
        assert words(the_span(store)) == "Good day"
        assert len(list(stream)) == 5


@pytest.mark.usefixtures("autologged")
def test_a_raw_streamed_response_stays_native(
    store: Store, service: Service, client: openai.OpenAI
) -> None:
    service.will(events(chunks("Hi")))
    raw = client.chat.completions.with_raw_response.create(**ASK)
    assert raw.status_code == 200
    assert "".join(c.choices[0].delta.content or "" for c in raw.parse() if c.choices) == "Hi"
    assert words(the_span(store)) == "Hi"


@pytest.mark.usefixtures("autologged")
def test_the_stream_helper_gives_its_events(
    store: Store, service: Service, client: openai.OpenAI
) -> None:
    service.will(events(chunks("Good ", "day")))
    chat: Any = client.chat if hasattr(client.chat.completions, "stream") else client.beta.chat
    with chat.completions.stream(model="m", messages=MESSAGES) as stream:
        kinds = [event.type for event in stream]
        assert stream.get_final_completion().choices[0].message.content == "Good day"
    assert "content.done" in kinds
    assert words(the_span(store)) == "Good day"


@pytest.mark.usefixtures("autologged")
async def test_the_async_stream_helper_too(
    store: Store, service: Service, async_client: openai.AsyncOpenAI
) -> None:
    service.will(events(chunks("Good ", "day")))
    has_stream = hasattr(async_client.chat.completions, "stream")
    chat: Any = async_client.chat if has_stream else async_client.beta.chat
    async with chat.completions.stream(model="m", messages=MESSAGES) as stream:
        async for _ in stream:
            pass
    assert words(the_span(store)) == "Good day"


@pytest.mark.usefixtures("autologged")
def test_what_a_reader_does_between_chunks_is_no_child_of_the_stream(
    store: Store, service: Service, client: openai.OpenAI
) -> None:
    service.will(events(chunks("a", "b")))
    with tracekit.start_span("outer") as outer:
        for number, _ in enumerate(client.chat.completions.create(**ASK)):
            with tracekit.start_span(f"step {number}"):
                pass
        assert context.current_span.get() is outer
    found = {span["name"]: span for span in records(store, "span")}
    assert found["step 0"]["parent_span_id"] == outer.span_id
    assert found["chat m"]["parent_span_id"] == outer.span_id


@pytest.mark.usefixtures("autologged")
def test_two_streams_read_by_turns_stay_apart(
    store: Store, service: Service, client: openai.OpenAI
) -> None:
    service.will(events(chunks("a", "a")), events(chunks("b", "b")))
    first = client.chat.completions.create(**ASK)
    second = client.chat.completions.create(**ASK)
    list(zip(first, second, strict=True))
    assert next(first, None) is None
    assert next(second, None) is None
    assert sorted(words(span) for span in records(store, "span")) == ["aa", "bb"]


@pytest.mark.usefixtures("autologged")
def test_a_very_long_stream_is_counted_and_its_beginning_kept(
    store: Store, service: Service, client: openai.OpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracekit.integrations._http_stream.MAX_BYTES", 2_000)
    service.will(events(chunks(*["word "] * 100)))
    assert len(list(client.chat.completions.create(**ASK))) == 103
    facts = the_span(store)["attributes"]
    assert facts[semconv.STREAM_CUT] is True
    assert facts[semconv.STREAM_BYTES] > 10_000
    assert semconv.INCOMPLETE not in facts


def test_a_stream_left_open_when_the_program_ends_is_recorded(store: Store) -> None:
    program = textwrap.dedent(
        """
        import sys, openai, tracekit
        tracekit.set_tracking_uri(sys.argv[2])
        tracekit.openai.autolog()
        client = openai.OpenAI(api_key="k", base_url=sys.argv[1])
        stream = client.chat.completions.create(model="m", messages=[], stream=True)
        next(stream)
        """
    )
    hold = threading.Event()
    with running_service() as service:
        service.will(events(chunks("Hi")[:2], wait=hold))
        arguments = [sys.executable, "-c", program, service.url, str(store.folder)]
        run = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
        hold.set()
    assert (run.returncode, run.stderr) == (0, "")
    assert is_incomplete(the_span(store))
