"""Calls of the client with and without tracekit: the same, and recorded."""

import asyncio
import copy
import inspect
import json
import pickle
from typing import Any

import openai
import pydantic
import pytest
from http_library import httpx
from llm_service import Service, answer, chunks, completion, events
from openai._base_client import AsyncAPIClient, SyncAPIClient
from spool_reading import records, spans

import tracekit
from tracekit import guard, semconv
from tracekit.store.store import Store

MESSAGES: Any = [{"role": "user", "content": "Hi"}]


def the_span(store: Store) -> dict[str, Any]:
    (span,) = records(store, "span")
    return span


@pytest.mark.usefixtures("autologged")
def test_a_call_becomes_one_client_span(
    store: Store, service: Service, client: openai.OpenAI
) -> None:
    service.will(answer(completion(), headers={"x-request-id": "req_7"}))
    result = client.chat.completions.create(model="gpt-test", messages=MESSAGES, temperature=0)
    assert result.choices[0].message.content == "Hello!"
    span = the_span(store)
    facts = span["attributes"]
    assert (span["name"], span["span_kind"], span["status"]) == ("chat gpt-test", "CLIENT", "UNSET")
    assert facts[semconv.PROVIDER] == "openai"
    assert facts[semconv.SERVER_ADDRESS] == "127.0.0.1"
    assert facts[semconv.REQUEST_TEMPERATURE] == 0.0
    assert facts[semconv.RESPONSE_ID] == "chatcmpl-1"
    assert facts[semconv.RESPONSE_MODEL] == "gpt-test-2026"
    assert facts[semconv.RESPONSE_FINISH_REASONS] == ["stop"]
    assert (facts[semconv.INPUT_TOKENS], facts[semconv.OUTPUT_TOKENS]) == (5, 2)
    assert facts[semconv.HTTP_REQUEST_ID] == ["req_7"]
    assert json.loads(facts[semconv.INPUT_MESSAGES]) == [
        {"role": "user", "parts": [{"type": "text", "content": "Hi"}]}
    ]
    assert json.loads(facts[semconv.OUTPUT_MESSAGES])[0]["parts"] == [
        {"type": "text", "content": "Hello!"}
    ]


@pytest.mark.usefixtures("autologged")
async def test_an_async_call_becomes_one_span_below_the_current_one(
    store: Store, service: Service, async_client: openai.AsyncOpenAI
) -> None:
    service.will(answer(completion()))
    with tracekit.start_span("ask both"):
        await asyncio.gather(
            async_client.chat.completions.create(model="a", messages=MESSAGES),
            async_client.chat.completions.create(model="b", messages=MESSAGES),
        )
    found = spans(store)
    outer = found["ask both"]["span_id"]
    assert [found[name]["parent_span_id"] for name in ("chat a", "chat b")] == [outer, outer]


@pytest.mark.usefixtures("store")
def test_the_request_on_the_wire_is_the_same(service: Service, client: openai.OpenAI) -> None:
    service.will(answer(completion()))

    def ask() -> tuple[str, bytes]:
        extra = {"top_k": 3, "nested": {"a": [1, 2]}}
        client.chat.completions.create(
            model="m",
            messages=(message for message in MESSAGES),
            extra_body=extra,
            extra_headers={"x-mine": "1"},
        )
        assert extra == {"top_k": 3, "nested": {"a": [1, 2]}}
        path, headers, body = service.requests[-1]
        kept = {k: v for k, v in headers.items() if k != "x-stainless-read-timeout"}
        return path + json.dumps(kept), body

    bare = ask()
    tracekit.openai.autolog()
    logged = ask()
    tracekit.openai.autolog(disable=True)
    assert logged == bare
    assert json.loads(logged[1])["messages"] == MESSAGES


def test_uninstalling_puts_the_very_same_functions_back() -> None:
    names = ("request", "_process_response", "_sleep_for_retry")  # old clients lack the last
    before = [vars(cls).get(name) for cls in (SyncAPIClient, AsyncAPIClient) for name in names]
    for _ in range(3):
        tracekit.openai.autolog()
        tracekit.openai.autolog()
        assert vars(SyncAPIClient)["request"] is not before[0]
        tracekit.openai.autolog(disable=True)
    after = [vars(cls).get(name) for cls in (SyncAPIClient, AsyncAPIClient) for name in names]
    assert all(one is other for one, other in zip(before, after, strict=True))


@pytest.mark.usefixtures("autologged")
def test_autologging_twice_records_once(
    store: Store, service: Service, client: openai.OpenAI
) -> None:
    tracekit.openai.autolog()
    service.will(answer(completion()))
    client.chat.completions.create(model="m", messages=MESSAGES)
    assert len(records(store, "span")) == 1


def test_another_wrapper_around_ours_stays_and_ours_goes_silent(
    store: Store, service: Service, client: openai.OpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.will(answer(completion()))
    tracekit.openai.autolog()
    ours = SyncAPIClient.request

    def theirs(self: Any, *args: Any, **kwargs: Any) -> Any:
        return ours(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(SyncAPIClient, "request", theirs)
        tracekit.openai.autolog(disable=True)
        assert SyncAPIClient.request is theirs
        client.chat.completions.create(model="m", messages=MESSAGES)
        assert records(store, "span") == []
        tracekit.openai.autolog()
        client.chat.completions.create(model="m", messages=MESSAGES)
        assert len(records(store, "span")) == 1
    tracekit.openai.autolog(disable=True)
    assert "tracekit" not in SyncAPIClient.request.__code__.co_filename


@pytest.mark.parametrize("cls", [SyncAPIClient, AsyncAPIClient])
def test_signatures_and_kinds_of_functions_stay(cls: Any) -> None:
    before = inspect.signature(cls.request), inspect.iscoroutinefunction(cls.request)
    tracekit.openai.autolog()
    try:
        assert (inspect.signature(cls.request), inspect.iscoroutinefunction(cls.request)) == before
        assert cls.request.__name__ == "request"
    finally:
        tracekit.openai.autolog(disable=True)


@pytest.mark.usefixtures("autologged")
def test_clients_made_before_and_copied_are_recorded(
    store: Store, service: Service, client: openai.OpenAI
) -> None:
    service.will(answer(completion()))
    copied = copy.copy(client.with_options(timeout=9))
    copied.chat.completions.create(model="m", messages=MESSAGES)
    assert the_span(store)["name"] == "chat m"
    result = client.chat.completions.create(model="m", messages=MESSAGES)
    assert pickle.loads(pickle.dumps(result)) == result


@pytest.mark.usefixtures("autologged")
def test_a_raw_response_is_the_client_s_own_and_recorded(
    store: Store, service: Service, client: openai.OpenAI
) -> None:
    service.will(answer(completion(), headers={"x-mine": "7"}))
    raw = client.chat.completions.with_raw_response.create(model="m", messages=MESSAGES)
    assert type(raw).__name__ == "LegacyAPIResponse"
    assert raw.headers["x-mine"] == "7"
    assert raw.parse().choices[0].message.content == "Hello!"
    assert the_span(store)["attributes"][semconv.RESPONSE_ID] == "chatcmpl-1"


@pytest.mark.usefixtures("autologged")
async def test_a_raw_response_of_the_async_client_too(
    store: Store, service: Service, async_client: openai.AsyncOpenAI
) -> None:
    service.will(answer(completion()))
    raw = await async_client.chat.completions.with_raw_response.create(model="m", messages=MESSAGES)
    assert raw.parse().id == "chatcmpl-1"
    assert the_span(store)["attributes"][semconv.RESPONSE_ID] == "chatcmpl-1"


@pytest.mark.usefixtures("autologged")
def test_a_streaming_response_is_recorded_when_it_has_been_read(
    store: Store, service: Service, client: openai.OpenAI
) -> None:
    service.will(answer(completion()))
    create = client.chat.completions.with_streaming_response.create
    with create(model="m", messages=MESSAGES) as response:
        assert records(store, "span") == []
        assert response.parse().id == "chatcmpl-1"
        assert response.elapsed.total_seconds() > 0
    facts = the_span(store)["attributes"]
    assert facts[semconv.RESPONSE_ID] == "chatcmpl-1"
    assert semconv.INCOMPLETE not in facts


@pytest.mark.usefixtures("autologged")
def test_a_streaming_response_left_unread_is_incomplete(
    store: Store, service: Service, client: openai.OpenAI
) -> None:
    service.will(answer(completion("long " * 100_000)))
    create = client.chat.completions.with_streaming_response.create
    with create(model="m", messages=MESSAGES) as response:
        assert response.status_code == 200
    assert the_span(store)["attributes"][semconv.INCOMPLETE] is True


def chat_of(client: openai.OpenAI) -> Any:
    """Early versions have `parse` below `beta`."""
    chat: Any = client.chat if hasattr(client.chat.completions, "parse") else client.beta.chat
    return chat.completions


class Place(pydantic.BaseModel):
    city: str


@pytest.mark.usefixtures("autologged")
def test_parse_gives_the_object_and_the_span(
    store: Store, service: Service, client: openai.OpenAI
) -> None:
    service.will(answer(completion('{"city": "Paris"}')))
    result = chat_of(client).parse(model="m", messages=MESSAGES, response_format=Place)
    assert result.choices[0].message.parsed == Place(city="Paris")
    assert the_span(store)["attributes"][semconv.OUTPUT_TYPE] == "json"


@pytest.mark.usefixtures("autologged")
def test_an_answer_that_the_client_refuses_is_recorded_with_the_error(
    store: Store, service: Service, client: openai.OpenAI
) -> None:
    cut = completion('{"city": "Par')
    cut["choices"][0]["finish_reason"] = "length"
    service.will(answer(cut))
    with pytest.raises(openai.LengthFinishReasonError):
        chat_of(client).parse(model="m", messages=MESSAGES, response_format=Place)
    span = the_span(store)
    assert span["status"] == "ERROR"
    assert span["attributes"][semconv.ERROR_TYPE] == "openai.LengthFinishReasonError"
    assert span["attributes"][semconv.OUTPUT_TOKENS] == 2


ERROR = {"error": {"message": "Slow down", "type": "requests", "code": "rate_limit_exceeded"}}


@pytest.mark.usefixtures("autologged")
def test_an_error_is_recorded_and_passes_unchanged(
    store: Store, service: Service, client: openai.OpenAI
) -> None:
    service.will(answer(ERROR, 429, {"x-request-id": "req_9"}))
    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model="m", messages=MESSAGES)
    assert caught.value.code == "rate_limit_exceeded"
    span = the_span(store)
    facts = span["attributes"]
    assert (span["status"], facts[semconv.ERROR_TYPE]) == ("ERROR", "openai.RateLimitError")
    assert facts[semconv.HTTP_STATUS_CODE] == 429
    assert facts[semconv.ERROR_CODE] == "rate_limit_exceeded"
    assert facts[semconv.HTTP_REQUEST_ID] == ["req_9"]
    assert "Slow down" in span["status_message"]
    assert semconv.INPUT_TOKENS not in facts


@pytest.mark.usefixtures("autologged")
def test_retries_are_counted_and_told(
    store: Store, service: Service, client: openai.OpenAI
) -> None:
    refused = answer(ERROR, 429, {"retry-after-ms": "1"})
    service.will(refused, refused, answer(completion()))
    client.with_options(max_retries=3).chat.completions.create(model="m", messages=MESSAGES)
    span = the_span(store)
    assert span["attributes"][semconv.RETRY_COUNT] == 2
    told = [event["attributes"] for event in span.get("events", [])]
    if hasattr(SyncAPIClient, "_sleep_for_retry"):
        assert [(event["attempt"], event["status"]) for event in told] == [(1, 429), (2, 429)]


@pytest.mark.usefixtures("autologged")
def test_a_service_that_is_down_is_an_error(store: Store) -> None:
    client = openai.OpenAI(api_key="k", base_url="http://127.0.0.1:9/v1", max_retries=1)
    with client, pytest.raises(openai.APIConnectionError):
        client.embeddings.create(model="m", input="x")
    span = the_span(store)
    assert span["attributes"][semconv.ERROR_TYPE] == "openai.APIConnectionError"
    assert span["attributes"][semconv.RETRY_COUNT] == 1


@pytest.mark.usefixtures("autologged")
async def test_a_cancelled_call_is_marked_and_the_cancellation_passes(
    store: Store, service: Service, async_client: openai.AsyncOpenAI
) -> None:
    service.will(lambda handler: asyncio.run(asyncio.sleep(0.5)))
    task = asyncio.ensure_future(async_client.chat.completions.create(model="m", messages=MESSAGES))
    while not service.requests:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    span = the_span(store)
    assert (span["status"], span["attributes"][semconv.CANCELLED]) == ("ERROR", True)


@pytest.mark.usefixtures("autologged")
def test_nothing_that_identifies_the_caller_s_account_is_recorded(
    store: Store, service: Service
) -> None:
    service.will(answer(completion()))
    url = service.url.replace("http://", "http://user:url-password@")
    with openai.OpenAI(api_key="key-1234567", base_url=f"{url}?sig=query-secret") as client:
        client.chat.completions.create(
            model="m", messages=MESSAGES, extra_headers={"x-token": "header-secret"}
        )
    text = json.dumps(records(store))
    for secret in ("key-1234567", "url-password", "query-secret", "header-secret"):
        assert secret not in text


@pytest.mark.usefixtures("autologged")
def test_without_content_only_facts_are_recorded(
    store: Store, service: Service, client: openai.OpenAI
) -> None:
    tracekit.configure(capture_content=False)
    service.will(answer(completion("an answer")))
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    client.chat.completions.create(model="m", messages=[{"role": "user", "content": [image]}])
    facts = the_span(store)["attributes"]
    assert facts[semconv.OUTPUT_TOKENS] == 2
    assert not facts.keys() & semconv.CONTENT
    assert not store.artifacts.exists()


@pytest.mark.usefixtures("autologged")
def test_disabled_calls_are_not_recorded(
    store: Store, service: Service, client: openai.OpenAI
) -> None:
    tracekit.configure(enabled=False)
    service.will(answer(completion()))
    client.chat.completions.create(model="m", messages=MESSAGES)
    assert not store.exists


@pytest.mark.usefixtures("autologged")
def test_azure_is_told_by_the_client_and_the_deployment_is_the_model(
    store: Store, service: Service
) -> None:
    service.will(answer(completion(prompt_filter_results=[{"prompt_index": 0}])))
    root = service.url.removesuffix("/v1")
    with openai.AzureOpenAI(api_key="k", azure_endpoint=root, api_version="2026-01-01") as client:
        client.chat.completions.create(model="my-deployment", messages=MESSAGES)
    facts = the_span(store)["attributes"]
    assert facts[semconv.PROVIDER] == "azure.ai.openai"
    assert facts[semconv.REQUEST_MODEL] == "my-deployment"
    assert "prompt_filter_results" in json.loads(facts[semconv.RESPONSE_EXTRA])


@pytest.mark.usefixtures("autologged")
def test_the_provider_is_known_by_its_host(store: Store) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=completion()))
    with httpx.Client(transport=transport) as http:
        for base in ("https://api.groq.com/openai/v1", "https://openrouter.ai/api/v1"):
            client = openai.OpenAI(api_key="k", base_url=base, http_client=http)
            client.chat.completions.create(model=base, messages=MESSAGES)
    found = [record["attributes"][semconv.PROVIDER] for record in records(store, "span")]
    assert found == ["groq", "openrouter"]


@pytest.mark.usefixtures("autologged")
def test_a_body_that_says_error_with_status_200_is_an_error(
    store: Store, service: Service, client: openai.OpenAI
) -> None:
    service.will(answer({"error": {"message": "no such provider", "code": 502}}))
    client.chat.completions.create(model="m", messages=MESSAGES)
    span = the_span(store)
    assert (span["status"], span["status_message"]) == ("ERROR", "no such provider")
    assert span["attributes"][semconv.ERROR_TYPE] == "502"


@pytest.mark.parametrize("body", [b"<html>", b"null", b"[]", b"{}", b"", b'{"choices": 5}'])
@pytest.mark.usefixtures("autologged")
def test_an_answer_that_is_no_completion_does_no_harm(
    store: Store, service: Service, client: openai.OpenAI, body: bytes
) -> None:
    service.will(answer(body, kind="text/html" if body == b"<html>" else None))
    raw = client.chat.completions.with_raw_response.create(model="m", messages=MESSAGES)
    assert raw.content == body
    assert the_span(store)["status"] == "UNSET"


@pytest.mark.usefixtures("autologged")
def test_a_download_is_kept_as_an_artifact(
    store: Store, service: Service, client: openai.OpenAI
) -> None:
    sound = b"ID3" + bytes(range(256)) * 40
    service.will(answer(sound, kind="audio/mpeg"))
    result = client.audio.speech.create(model="tts", voice="alloy", input="Hi")
    assert result.read() == sound
    facts = the_span(store)["attributes"]
    (part,) = json.loads(facts[semconv.OUTPUT_MESSAGES])[0]["parts"]
    assert (part["type"], part["mime_type"], part["bytes"]) == ("blob", "audio/mpeg", len(sound))
    kept = store.artifacts / "sha256" / part["sha256"][:2] / part["sha256"]
    assert kept.read_bytes() == sound


@pytest.mark.usefixtures("autologged")
def test_an_upload_is_described_and_not_consumed(
    store: Store, service: Service, client: openai.OpenAI, tmp_path: Any
) -> None:
    path = tmp_path / "talk.wav"
    path.write_bytes(b"RIFF....WAVEfmt ")
    service.will(answer({"text": "Hello"}))
    with path.open("rb") as file:
        client.audio.transcriptions.create(model="whisper-1", file=file)
    assert path.read_bytes() in service.requests[-1][2]
    facts = the_span(store)["attributes"]
    (part,) = json.loads(facts[semconv.INPUT_MESSAGES])[0]["parts"]
    assert (part["type"], part["filename"]) == ("file", "talk.wav")
    assert json.loads(facts[semconv.OUTPUT_MESSAGES])[0]["parts"][0]["content"] == "Hello"


@pytest.mark.usefixtures("autologged")
def test_secrets_that_an_endpoint_gives_are_hidden(
    store: Store, service: Service, client: openai.OpenAI
) -> None:
    service.will(answer({"value": "ephemeral-1", "expires_at": 1, "session": {"model": "m"}}))
    session = {"session": {"type": "realtime", "model": "m"}}
    client.post("/realtime/client_secrets", body=session, cast_to=object)
    span = the_span(store)
    assert span["name"] == "POST /realtime/client_secrets"
    assert "ephemeral-1" not in json.dumps(span)
    assert json.loads(span["attributes"][semconv.OUTPUT])["session"] == {"model": "m"}


@pytest.mark.usefixtures("autologged")
def test_a_fetched_response_counts_no_tokens(
    store: Store, service: Service, client: openai.OpenAI
) -> None:
    usage = {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}
    body = {"id": "resp_1", "object": "response", "status": "completed", "output": []}
    service.will(answer({**body, "model": "m", "usage": usage}))
    client.responses.retrieve("resp_1")
    span = the_span(store)
    facts = span["attributes"]
    assert (span["name"], facts[semconv.RESPONSE_STATUS]) == ("fetch_response", "completed")
    assert semconv.INPUT_TOKENS not in facts
    assert json.loads(facts[semconv.USAGE_RAW]) == usage


@pytest.mark.usefixtures("autologged")
def test_the_outer_span_is_told_that_a_model_call_began(
    service: Service, client: openai.OpenAI, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    monkeypatch.setattr("tracekit.context.model_calls_seen", [told.append])
    service.will(answer(completion()))
    with tracekit.start_span("outer") as outer:
        client.chat.completions.create(model="m", messages=MESSAGES)
    assert told == [outer]
    assert len(records(store, "span")) == 2


OUR_OWN = (
    *("openai.Call", "_openai_call._cursor", "_openai_call._server_facts"),
    *("_openai_call.find_endpoint", "_openai_call.request_facts", "_openai_call.request_contents"),
    *("_openai_call.begin", "_openai_call.put_contents", "_openai_call.follow"),
    *("_openai_call.fold", "_openai_call.read_answer", "_openai_call._http_facts"),
    "_openai_call._is_events",
)


@pytest.mark.parametrize("error", [RuntimeError, RecursionError, MemoryError])
@pytest.mark.parametrize("broken", OUR_OWN)
@pytest.mark.usefixtures("autologged", "store")
def test_a_failure_of_ours_never_reaches_the_program(
    service: Service,
    client: openai.OpenAI,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    broken: str,
    error: type[Exception],
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise error("ours")

    monkeypatch.setattr(guard, "strict", False)
    monkeypatch.setattr(f"tracekit.integrations.{broken}", fail)
    service.will(answer(completion()), events(chunks("Hi")), answer(ERROR, 429))
    create: Any = client.chat.completions.create
    assert create(model="m", messages=MESSAGES).id == "chatcmpl-1"
    assert len(list(create(model="m", messages=MESSAGES, stream=True))) == 4
    with pytest.raises(openai.RateLimitError):
        create(model="m", messages=MESSAGES)
    caplog.clear()


@pytest.mark.usefixtures("autologged")
def test_an_uploaded_file_is_kept_with_its_form(
    store: Store, service: Service, client: openai.OpenAI
) -> None:
    service.will(answer({"id": "file-1", "object": "file"}))
    client.files.create(file=("a.jsonl", b'{"x": 1}'), purpose="batch")
    facts = the_span(store)["attributes"]
    sent = json.loads(facts[semconv.INPUT])
    assert (sent["purpose"], sent["files"][0]["filename"]) == ("batch", "a.jsonl")
    assert json.loads(facts[semconv.OUTPUT])["id"] == "file-1"
