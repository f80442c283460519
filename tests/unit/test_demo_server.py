"""The demo's server, asked by the real OpenAI client over HTTP."""

import json
from collections.abc import Iterator
from typing import Any, Literal

import openai
import pydantic
import pytest

from tracekit.demo.server import DemoServer, serve


@pytest.fixture(scope="module")
def server() -> Iterator[DemoServer]:
    with serve() as running:
        yield running


@pytest.fixture
def client(server: DemoServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.base_url, api_key="none") as opened:
        yield opened


CONTEXT = "Context:\nUnused items can be returned within 60 days. A zip costs 35 EUR."


def ask(question: str, system: str = CONTEXT) -> Any:
    return [{"role": "system", "content": system}, {"role": "user", "content": question}]


def test_a_question_is_answered_from_the_context(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="demo-mini", messages=ask("Can I return a tent? How many days?")
    )
    assert answer.choices[0].message.content == "Unused items can be returned within 60 days."
    assert answer.choices[0].finish_reason == "stop"
    assert answer.model == "demo-mini"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_what_is_not_known_is_not_invented(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="demo-mini", messages=ask("Who won the cup?"))
    assert "not sure" in str(answer.choices[0].message.content)


def test_a_stream_says_the_same_as_the_whole(client: openai.OpenAI) -> None:
    messages = ask("What does a zip cost?")
    whole = client.chat.completions.create(model="demo-mini", messages=messages)
    chunks = list(
        client.chat.completions.create(
            model="demo-mini",
            messages=messages,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert whole.usage is not None
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens
    assert len({chunk.id for chunk in chunks}) == 1


def test_a_stream_reports_usage_only_when_asked(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(model="demo-mini", messages=ask("zip?"), stream=True)
    assert all(chunk.usage is None and chunk.choices for chunk in stream)


def function(name: str, *parameters: str) -> Any:
    schema = {"type": "object", "properties": {p: {"type": "string"} for p in parameters}}
    return {
        "type": "function",
        "function": {"name": name, "parameters": {**schema, "required": list(parameters)}},
    }


TOOLS = [function("get_order", "order_id"), function("start_return", "order_id", "reason")]


def test_tools_are_called_side_by_side_and_their_results_told(client: openai.OpenAI) -> None:
    messages: Any = [{"role": "user", "content": "My order A1042 arrived damaged."}]
    asked = client.chat.completions.create(model="demo-mini", messages=messages, tools=TOOLS)
    calls: Any = asked.choices[0].message.tool_calls
    assert asked.choices[0].finish_reason == "tool_calls"
    assert [(call.function.name, json.loads(call.function.arguments)) for call in calls] == [
        ("get_order", {"order_id": "A1042"}),
        ("start_return", {"order_id": "A1042", "reason": "damaged"}),
    ]
    messages.append(asked.choices[0].message.to_dict())
    for call, result in zip(
        calls,
        [
            {"order_id": "A1042", "item": "tent", "status": "delivered", "date": "2026-11-12"},
            {"return_id": "R-1", "order_id": "A1042"},
        ],
        strict=True,
    ):
        messages.append({"role": "tool", "tool_call_id": call.id, "content": json.dumps(result)})
    told = client.chat.completions.create(model="demo-mini", messages=messages, tools=TOOLS)
    assert told.choices[0].message.content == (
        "Order A1042 (tent) is delivered, 2026-11-12. "
        "Return R-1 for order A1042 is open; the label is in your mailbox."
    )


def test_streamed_tool_calls_come_together_again(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="demo-mini",
        messages=[{"role": "user", "content": "Where is order A1077? It was the wrong item."}],
        tools=TOOLS,
        stream=True,
    )
    calls: dict[int, list[str]] = {}
    for chunk in stream:
        for call in chunk.choices[0].delta.tool_calls or ():
            name_and_arguments = calls.setdefault(call.index, ["", ""])
            assert call.function is not None
            name_and_arguments[0] += call.function.name or ""
            name_and_arguments[1] += call.function.arguments or ""
    assert [name for name, _ in calls.values()] == ["get_order", "start_return"]
    assert json.loads(calls[1][1])["reason"] == "wrong item"


class Ticket(pydantic.BaseModel):
    category: Literal["return", "delivery", "product", "other"]
    urgency: Literal["high", "normal"]
    order_id: str | None
    summary: str


def test_structured_output_follows_the_schema(client: openai.OpenAI) -> None:
    text = "Where is order A1077? I need it tomorrow."
    ticket = client.responses.parse(model="demo-mini", input=text, text_format=Ticket).output_parsed
    assert ticket is not None
    assert (ticket.category, ticket.urgency, ticket.order_id) == ("delivery", "high", "A1077")
    schema: Any = {"name": "Ticket", "schema": Ticket.model_json_schema()}
    by_chat = client.chat.completions.create(
        model="demo-mini",
        messages=[{"role": "user", "content": text}],
        response_format={"type": "json_schema", "json_schema": schema},
    )
    assert Ticket.model_validate_json(by_chat.choices[0].message.content or "") == ticket


def test_reasoning_is_told_and_counted(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="demo-large", messages=ask("Can I return a tent?"), reasoning_effort="low"
    )
    assert answer.choices[0].message.to_dict()["reasoning_content"]
    assert answer.usage is not None
    assert answer.usage.completion_tokens_details is not None
    reasoning = answer.usage.completion_tokens_details.reasoning_tokens
    assert reasoning is not None
    assert 0 < reasoning < answer.usage.completion_tokens


def test_a_response_goes_on_from_the_one_before(client: openai.OpenAI) -> None:
    tools: Any = [{**tool["function"], "type": "function"} for tool in TOOLS[:1]]
    first = client.responses.create(model="demo-mini", input="Where is order A1093?", tools=tools)
    call: Any = first.output[0]
    assert (call.type, call.name) == ("function_call", "get_order")
    second = client.responses.create(
        model="demo-mini",
        previous_response_id=first.id,
        tools=tools,
        input=[
            {"type": "function_call_output", "call_id": call.call_id, "output": '{"error": "gone"}'}
        ],
    )
    assert second.output_text == "I could not look that up: gone."
    assert client.responses.retrieve(second.id).output_text == second.output_text


def test_a_streamed_response_says_the_same_as_the_whole(client: openai.OpenAI) -> None:
    request: Any = {
        "model": "demo-large",
        "instructions": CONTEXT,
        "input": "What does a zip cost?",
        "reasoning": {"effort": "low", "summary": "auto"},
    }
    with client.responses.stream(**request) as stream:
        events = list(stream)
        final = stream.get_final_response()
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(deltas) == client.responses.create(**request).output_text == final.output_text
    assert events[0].type == "response.created"
    assert events[-1].type == "response.completed"
    assert final.output[0].type == "reasoning"


def test_a_conversation_seen_before_is_cached_and_costs_less(client: openai.OpenAI) -> None:
    messages = ask("Is a return free?", system="Context:\n" + "Postage is free. " * 50)
    first = client.chat.completions.create(model="demo-large", messages=messages).usage
    second = client.chat.completions.create(model="demo-large", messages=messages).usage
    assert first is not None
    assert second is not None
    assert first.prompt_tokens_details is not None
    assert second.prompt_tokens_details is not None
    assert first.prompt_tokens_details.cached_tokens == 0
    assert second.prompt_tokens_details.cached_tokens == second.prompt_tokens
    assert second.to_dict()["cost"] < first.to_dict()["cost"]  # type: ignore[operator]


def test_like_texts_have_near_vectors(client: openai.OpenAI) -> None:
    texts = ["Returning a tent", "Tents are returned within 60 days", "Washing rain jackets"]
    data = client.embeddings.create(model="demo-embed", input=texts).data
    query, near, far = (item.embedding for item in data)
    assert len(query) == 256
    assert dot(query, query) == pytest.approx(1, abs=1e-5)
    assert dot(query, near) > dot(query, far) + 0.2
    plain = client.embeddings.create(model="demo-embed", input=texts[0], encoding_format="float")
    assert plain.data[0].embedding == pytest.approx(query, abs=1e-6)


def dot(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def test_models_are_listed(client: openai.OpenAI) -> None:
    assert {model.id for model in client.models.list()} >= {"demo-mini", "demo-large"}


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        ({"model": "no-such-model", "messages": ask("hi")}, openai.NotFoundError),
        ({"model": "demo-mini", "messages": []}, openai.BadRequestError),
        (
            {
                "model": "demo-mini",
                "messages": ask("hi"),
                "extra_headers": {"x-demo-fault": "500"},
            },
            openai.InternalServerError,
        ),
        (
            {
                "model": "demo-mini",
                "messages": ask("hi"),
                "extra_headers": {"x-demo-fault": "429-always"},
            },
            openai.RateLimitError,
        ),
    ],
    ids=["model", "messages", "500", "429"],
)
def test_errors_are_those_of_the_api(client: openai.OpenAI, request_: Any, error: Any) -> None:
    with pytest.raises(error) as caught:
        client.with_options(max_retries=0).chat.completions.create(**request_)
    assert caught.value.type in {"invalid_request_error", "server_error", "requests"}


def test_a_rate_limit_is_over_at_the_second_try(client: openai.OpenAI, server: DemoServer) -> None:
    before = len(server.requests)
    answer = client.chat.completions.create(
        model="demo-mini", messages=ask("zip?"), extra_headers={"x-demo-fault": "429"}
    )
    assert answer.choices[0].message.content
    assert len(server.requests) == before + 2


def test_a_cut_stream_breaks_off(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="demo-mini",
        messages=ask("What does a zip cost?"),
        stream=True,
        extra_headers={"x-demo-fault": "cut"},
    )
    with pytest.raises(Exception, match="Connection error|incomplete chunked read"):
        list(stream)
