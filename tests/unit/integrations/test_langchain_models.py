"""Calls of models through LangChain: recorded whole, and counted once."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import openai
import pytest
import pytest_asyncio
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.language_models import BaseChatModel, FakeListLLM, GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAI, OpenAIEmbeddings
from llm_service import Service, answer, chunks, completion, events
from span_trees import calls, outline, path_to
from spool_reading import records, spans

import tracekit
from tracekit import config, semconv
from tracekit.integrations import _langchain_runs as runs
from tracekit.store.store import Store

Model = Callable[..., ChatOpenAI]


@pytest_asyncio.fixture
async def clients() -> AsyncIterator[dict[str, Any]]:
    """HTTP clients that are closed; those that LangChain makes itself never are."""
    with openai.DefaultHttpxClient() as http_client:
        async with openai.DefaultAsyncHttpxClient() as http_async_client:
            yield {"http_client": http_client, "http_async_client": http_async_client}


@pytest.fixture
def model(service: Service, clients: dict[str, Any]) -> Model:
    known: Any = {"model": "gpt-test", "api_key": "test-key", "max_retries": 0, **clients}
    return lambda **more: ChatOpenAI(base_url=service.url, **known, **more)


@pytest.fixture
def both(langchain_logged: None, autologged: None) -> None:
    """Both libraries record."""


def usage_of(span: dict[str, Any]) -> tuple[Any, Any]:
    facts = span["attributes"]
    return facts.get(semconv.INPUT_TOKENS), facts.get(semconv.OUTPUT_TOKENS)


@pytest.mark.usefixtures("both")
def test_a_call_is_counted_once(store: Store, service: Service, model: Model) -> None:
    service.will(answer(completion()))
    assert model().invoke("Hi").content == "Hello!"
    assert outline(store) == ["ChatOpenAI", "  chat gpt-test"]
    (call,) = calls(store)
    assert (call["name"], usage_of(call)) == ("chat gpt-test", (5, 2))
    wrapper = spans(store)["ChatOpenAI"]["attributes"]
    assert wrapper["tracekit.span_type"] == "chat_model"
    assert not [key for key in wrapper if "usage" in key or key == semconv.OPERATION]
    assert json.loads(wrapper[semconv.OUTPUT_MESSAGES])[0]["parts"][0]["content"] == "Hello!"


async def ask(chat: ChatOpenAI, way: str) -> None:
    if way == "ainvoke":
        await chat.ainvoke("Hi")
    elif way == "stream":
        assert "".join(str(c.content) for c in chat.stream("Hi", stream_usage=True)) == "ab"
    elif way == "astream":
        parts = [c async for c in chat.astream("Hi", stream_usage=True)]
        assert "".join(str(c.content) for c in parts) == "ab"
    elif way == "batch":
        await asyncio.to_thread(chat.batch, ["Hi", "Ho", "Hu"])
    elif way == "abatch":
        await chat.abatch(["Hi", "Ho", "Hu"])
    elif way == "generate":
        chat.generate([[HumanMessage("Hi")], [HumanMessage("Ho")], [HumanMessage("Hu")]])
    else:
        await chat.agenerate([[HumanMessage("Hi")], [HumanMessage("Ho")], [HumanMessage("Hu")]])


WAYS = ("ainvoke", "stream", "astream", "batch", "abatch", "generate", "agenerate")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.usefixtures("both")
async def test_every_way_of_asking_counts_once_below_its_run(
    way: str, store: Store, service: Service, model: Model
) -> None:
    service.will(events(chunks("a", "b")) if "stream" in way else answer(completion()))
    with tracekit.start_span("request"):
        await ask(model(), way)
    number = 3 if way in {"batch", "abatch", "generate", "agenerate"} else 1
    assert outline(store) == ["request", *["  ChatOpenAI", "    chat gpt-test"] * number]
    assert [usage_of(call) for call in calls(store)] == [(5, 2)] * number


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.usefixtures("langchain_logged")
async def test_alone_langchain_counts_every_way_of_asking(
    way: str, store: Store, service: Service, model: Model
) -> None:
    service.will(events(chunks("a", "b")) if "stream" in way else answer(completion()))
    await ask(model(), way)
    number = 3 if way in {"batch", "abatch", "generate", "agenerate"} else 1
    assert outline(store) == ["chat gpt-test"] * number
    assert [usage_of(call) for call in calls(store)] == [(5, 2)] * number


@pytest.mark.usefixtures("langchain_logged")
def test_alone_langchain_records_the_whole_call(
    store: Store, service: Service, model: Model
) -> None:
    details = {"cached_tokens": 3, "audio_tokens": 0}
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 4,
        "total_tokens": 13,
        "prompt_tokens_details": details,
        "completion_tokens_details": {"reasoning_tokens": 2},
    }
    service.will(answer(completion(usage=usage, system_fingerprint="fp_1")))
    asked: Any = model(temperature=0.5, max_tokens=30, seed=7, stop=["END"])
    asked.invoke([("system", "Be brief"), ("user", "Hi")])
    span = spans(store)["chat gpt-test"]
    facts = span["attributes"]
    assert span["span_kind"] == "CLIENT"
    assert {key: facts.get(key) for key in EXPECTED} == EXPECTED
    assert [m["role"] for m in json.loads(facts[semconv.INPUT_MESSAGES])] == ["system", "user"]
    assert json.loads(facts[semconv.OUTPUT_MESSAGES]) == [
        {"role": "assistant", "parts": [{"type": "text", "content": "Hello!"}]}
    ]
    assert json.loads(facts[semconv.USAGE_RAW])["total_tokens"] == 13
    assert "test-key" not in json.dumps(span)


EXPECTED = {
    semconv.OPERATION: "chat",
    semconv.SPAN_TYPE: "chat_model",
    semconv.PROVIDER: "openai",
    semconv.SERVER_ADDRESS: "127.0.0.1",
    semconv.REQUEST_MODEL: "gpt-test",
    semconv.REQUEST_TEMPERATURE: 0.5,
    semconv.REQUEST_MAX_TOKENS: 30,
    semconv.REQUEST_SEED: 7,
    semconv.REQUEST_STOP_SEQUENCES: ["END"],
    semconv.RESPONSE_ID: "chatcmpl-1",
    semconv.RESPONSE_MODEL: "gpt-test-2026",
    semconv.RESPONSE_FINISH_REASONS: ["stop"],
    semconv.OPENAI_SYSTEM_FINGERPRINT: "fp_1",
    semconv.INPUT_TOKENS: 9,
    semconv.OUTPUT_TOKENS: 4,
    semconv.CACHE_READ_TOKENS: 3,
    semconv.REASONING_TOKENS: 2,
}


@pytest.mark.usefixtures("langchain_logged")
def test_a_stream_tells_its_time_to_the_first_part(
    store: Store, service: Service, model: Model
) -> None:
    service.will(events(chunks("a", "b")))
    assert len(list(model().stream("Hi", stream_usage=True))) > 2
    facts = spans(store)["chat gpt-test"]["attributes"]
    assert 0 < facts[semconv.RESPONSE_TIME_TO_FIRST_CHUNK] < 20
    assert facts[semconv.REQUEST_STREAM] is True
    assert json.loads(facts[semconv.OUTPUT_MESSAGES])[0]["parts"][0]["content"] == "ab"


@pytest.mark.usefixtures("both")
def test_a_call_made_while_a_stream_is_read_is_not_inside_it(
    store: Store, service: Service, model: Model, client: openai.OpenAI
) -> None:
    service.will(events(chunks("a", "b")), answer(completion()))
    for number, _ in enumerate(model().stream("Hi")):
        if number == 1:
            client.chat.completions.create(model="other", messages=[])
    assert path_to(store, "chat other") == ["chat other"]
    assert path_to(store, "chat gpt-test") == ["ChatOpenAI", "chat gpt-test"]


@pytest.mark.usefixtures("both")
async def test_a_call_made_while_an_async_stream_is_read_is_not_inside_it(
    store: Store, service: Service, model: Model, async_client: openai.AsyncOpenAI
) -> None:
    service.will(events(chunks("a", "b")), answer(completion()))
    stream = model().astream("Hi")
    await anext(stream)
    await async_client.chat.completions.create(model="other", messages=[])
    await stream.aclose()  # type: ignore[attr-defined]
    assert path_to(store, "chat other") == ["chat other"]
    assert spans(store)["ChatOpenAI"]["attributes"]["tracekit.incomplete"] is True
    assert spans(store)["ChatOpenAI"]["status"] == "UNSET"


@pytest.mark.usefixtures("both")
def test_calls_after_a_model_are_not_inside_it(
    store: Store, service: Service, model: Model, client: openai.OpenAI
) -> None:
    service.will(answer(completion()))
    model().invoke("Hi")
    client.chat.completions.create(model="other", messages=[])
    assert outline(store) == ["ChatOpenAI", "  chat gpt-test", "chat other"]


@pytest.mark.usefixtures("both")
def test_a_direct_call_inside_a_tool_is_below_the_tool(
    store: Store, service: Service, model: Model, client: openai.OpenAI
) -> None:
    @tool
    def translate(text: str) -> str:
        """Translate."""
        done = client.chat.completions.create(model="other", messages=[])
        return str(done.choices[0].message.content)

    service.will(answer(completion()))
    chain = model() | (lambda m: {"text": m.content}) | translate
    assert chain.invoke("Hi") == "Hello!"
    assert path_to(store, "chat other")[-2:] == ["execute_tool translate", "chat other"]
    assert len(calls(store)) == 2


@pytest.mark.usefixtures("both")
def test_a_traced_function_inside_a_model_does_not_make_it_count_twice(
    store: Store, client: openai.OpenAI, service: Service
) -> None:
    class Mine(BaseChatModel):
        @property
        def _llm_type(self) -> str:
            return "mine"

        def _generate(self, messages: Any, *_: Any, **__: Any) -> ChatResult:
            done = send()
            text = str(done.choices[0].message.content)
            return ChatResult(generations=[ChatGeneration(message=AIMessage(text))])

    @tracekit.trace
    def send() -> Any:
        client.chat.completions.create(model="other", messages=[])
        return client.chat.completions.create(model="other", messages=[])

    service.will(answer(completion()))
    Mine().invoke("Hi")
    assert outline(store) == ["Mine", "  send", "    chat other", "    chat other"]
    assert len(calls(store)) == 2


@pytest.mark.usefixtures("both")
def test_an_error_of_the_client_is_on_both_spans(
    store: Store, service: Service, model: Model
) -> None:
    service.will(answer({"error": {"message": "slow down", "code": "x"}}, status=429))
    with pytest.raises(openai.RateLimitError):
        model().invoke("Hi")
    for span in records(store, "span"):
        assert span["status"] == "ERROR"
        assert span["attributes"]["error.type"].endswith("RateLimitError")
        assert span["attributes"]["http.response.status_code"] == 429


@pytest.mark.usefixtures("langchain_logged")
def test_a_stream_that_breaks_keeps_what_had_come(
    store: Store, service: Service, model: Model
) -> None:
    service.will(events(chunks("a", "b")[:2], reset=True))
    with pytest.raises(Exception, match=r"."):
        list(model().stream("Hi"))
    span = spans(store)["chat gpt-test"]
    assert span["status"] == "ERROR"
    assert '"content":"a"' in span["attributes"][semconv.OUTPUT_MESSAGES]


@pytest.mark.usefixtures("langchain_logged")
def test_an_answer_from_the_cache_costs_nothing(
    store: Store, service: Service, model: Model
) -> None:
    service.will(answer(completion()))
    chat = model(cache=InMemoryCache())
    chat.invoke("Hi")
    chat.invoke("Hi")
    assert len(service.requests) == 1
    assert len(calls(store)) == 1
    (cached,) = [s for s in records(store, "span") if s["attributes"].get(semconv.CACHED)]
    assert usage_of(cached) == (None, None)


@pytest.mark.usefixtures("both")
async def test_text_models_count_once_beside_handlers_of_the_program(
    store: Store, service: Service, clients: dict[str, Any]
) -> None:
    class Listener(AsyncCallbackHandler):
        async def on_llm_start(self, *_: Any, **__: Any) -> None:
            heard.append(1)

    heard: list[int] = []
    text = {"text": "b", "index": 0, "finish_reason": "stop", "logprobs": None}
    body = completion(object="text_completion", choices=[text])
    service.will(answer(body))
    known: Any = {"model": "gpt-text", "api_key": "k", "base_url": service.url, **clients}
    await OpenAI(**known).ainvoke("a", {"callbacks": [Listener()]})
    assert heard == [1]
    assert outline(store) == ["OpenAI", "  text_completion gpt-text"]
    assert len(calls(store)) == 1


@pytest.mark.usefixtures("langchain_logged")
def test_a_text_model_alone_is_a_completion(store: Store) -> None:
    FakeListLLM(responses=["b"]).invoke("a")
    facts = spans(store)["FakeListLLM"]["attributes"]
    assert facts[semconv.OPERATION] == "text_completion"
    assert json.loads(facts[semconv.INPUT_MESSAGES])[0]["parts"][0]["content"] == "a"
    assert json.loads(facts[semconv.OUTPUT_MESSAGES])[0]["parts"][0]["content"] == "b"


@pytest.mark.usefixtures("both")
def test_embeddings_inside_a_chain_hang_on_it(
    store: Store, service: Service, clients: dict[str, Any]
) -> None:
    vector = {"object": "embedding", "index": 0, "embedding": [0.5]}
    usage = {"prompt_tokens": 1, "total_tokens": 1}
    service.will(answer({"object": "list", "data": [vector], "model": "e-1", "usage": usage}))
    known: Any = {"model": "e", "api_key": "k", "base_url": service.url, **clients}
    embed = OpenAIEmbeddings(**known, check_embedding_ctx_length=False).embed_query
    RunnableLambda(embed).with_config(run_name="embed").invoke("x")
    assert outline(store) == ["embed", "  embeddings e"]


@pytest.mark.usefixtures("both")
def test_a_model_that_embeds_before_it_answers_counts_itself(
    store: Store, service: Service, client: openai.OpenAI
) -> None:
    class Cached(GenericFakeChatModel):
        def _generate(self, messages: Any, *args: Any, **kwargs: Any) -> ChatResult:
            client.embeddings.create(model="e", input="x")
            return super()._generate(messages, *args, **kwargs)

    vector = {"object": "embedding", "index": 0, "embedding": [0.5]}
    service.will(answer({"object": "list", "data": [vector], "model": "e-1"}))
    Cached(messages=iter(["a"])).invoke("Hi")
    assert outline(store) == ["Cached", "  embeddings e"]
    assert [call["name"] for call in calls(store)] == ["embeddings e", "Cached"]


@pytest.mark.usefixtures("langchain_logged")
def test_tools_and_parameters_without_a_name_are_recorded(
    store: Store, service: Service, model: Model
) -> None:
    @tool
    def weather(city: str) -> str:
        """Weather in a city."""
        return city

    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    service.will(answer(completion(choices=[choice])))
    model().bind_tools([weather], tool_choice="weather").invoke("Hi")
    facts = spans(store)["chat gpt-test"]["attributes"]
    (defined,) = json.loads(facts[semconv.TOOL_DEFINITIONS])
    assert (defined["type"], defined["name"]) == ("function", "weather")
    assert "tool_choice" in json.loads(facts[semconv.REQUEST_PARAMETERS])
    assert facts[semconv.RESPONSE_FINISH_REASONS] == ["tool_call"]
    assert json.loads(facts[semconv.OUTPUT_MESSAGES])[0]["parts"] == [
        {"type": "tool_call", "id": "c1", "name": "weather", "arguments": {}}
    ]


@pytest.mark.usefixtures("langchain_logged")
def test_without_content_only_facts_are_recorded(
    store: Store, service: Service, model: Model
) -> None:
    config.configure(capture_content=False)
    service.will(answer(completion()))
    (model() | RunnableLambda(lambda m: m.content)).invoke("a secret wish")
    assert "a secret wish" not in str(records(store))
    assert "Hello!" not in str(records(store))
    assert usage_of(spans(store)["chat gpt-test"]) == (5, 2)


@pytest.mark.usefixtures("both")
def test_the_request_is_the_same_byte_for_byte(
    store: Store, service: Service, model: Model
) -> None:
    service.will(answer(completion()))
    model().invoke("Hi")
    tracekit.langchain.autolog(disable=True)
    tracekit.openai.autolog(disable=True)
    model().invoke("Hi")
    assert service.requests[0][2] == service.requests[1][2]
    assert len(calls(store)) == 1


@pytest.mark.usefixtures("langchain_logged")
def test_streams_of_many_models_do_not_hold_on_to_each_other(store: Store) -> None:
    def parts() -> Iterator[str]:
        yield from ("a b", "c d")

    streams = [GenericFakeChatModel(messages=parts()).stream("q") for _ in range(5)]
    for stream in streams:
        next(stream)
    leaves = runs._leaves.get()
    assert leaves is not None
    assert len(leaves.runs) == 1
    for stream in streams:
        list(stream)
    assert len(calls(store)) == 5
