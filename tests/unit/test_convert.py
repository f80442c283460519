"""Attributes become columns, in whatever dialect they come, and hostile ones do no harm."""

import time
from typing import Any

import orjson
import pytest

from tracekit.convert import span_columns
from tracekit.convert.flat import tree_of


def known(attributes: dict[str, Any], **facts: Any) -> dict[str, Any]:
    """The columns that are filled."""
    columns, _ = span_columns(attributes, **facts)
    return columns


def parsed(text: str) -> Any:
    return orjson.loads(text)


def test_what_has_no_column_stays_an_attribute() -> None:
    _, rest = span_columns({"app.route": "/ask", "gen_ai.request.model": "m", "retries": 2})
    assert rest == {"app.route": "/ask", "retries": 2}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("gen_ai.request.model", 7),
        ("gen_ai.usage.input_tokens", "12"),
        ("gen_ai.usage.input_tokens", True),
        ("gen_ai.usage.input_tokens", -1),
        ("gen_ai.usage.input_tokens", 2**63),
        ("gen_ai.response.time_to_first_chunk", -0.5),
        ("gen_ai.response.finish_reasons", [1]),
        ("operation.cost", "free"),
    ],
)
def test_a_value_of_the_wrong_kind_stays_an_attribute(name: str, value: Any) -> None:
    columns, rest = span_columns({name: value}, scope="tracekit.openai")
    assert columns == {}
    assert rest == {name: value}


def test_arguments_query_and_input_are_one_column() -> None:
    assert known({"gen_ai.tool.call.arguments": '{"a":1}'}) == {"input": '{"a":1}'}
    assert known({"gen_ai.retrieval.query.text": "who?"}) == {"input": '"who?"'}
    assert known({"tracekit.output": "[1]"}) == {"output": "[1]"}


def test_a_second_value_for_one_column_is_not_lost() -> None:
    columns, rest = span_columns({"tracekit.input": "1", "gen_ai.tool.call.arguments": "2"})
    assert (columns["input"], rest) == ("1", {"gen_ai.tool.call.arguments": "2"})


def test_a_conversation_is_a_session_unless_one_is_named() -> None:
    assert known({"gen_ai.conversation.id": "c"}) == {"session_id": "c"}
    both = {"gen_ai.conversation.id": "c", "session.id": "s"}
    columns, rest = span_columns(both)
    assert (columns["session_id"], rest) == ("s", {"gen_ai.conversation.id": "c"})


def test_openinference_is_read() -> None:
    attributes = {
        "openinference.span.kind": "LLM",
        "llm.system": "openai",
        "llm.model_name": "gpt-4o-2024-08-06",
        "llm.invocation_parameters": '{"model":"gpt-4o","temperature":0.5,"n":1}',
        "llm.input_messages.0.message.role": "user",
        "llm.input_messages.0.message.contents.0.message_content.type": "text",
        "llm.input_messages.0.message.contents.0.message_content.text": "Look",
        "llm.input_messages.0.message.contents.1.message_content.type": "image",
        "llm.input_messages.0.message.contents.1.message_content.image.image.url": "https://x/i",
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.tool_calls.0.tool_call.id": "c1",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "f",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": '{"a":1}',
        "llm.token_count.prompt": 5,
        "llm.finish_reason": "tool_calls",
    }
    first = {"name": "First Token Stream Event", "at_ns": 1_500}
    columns, rest = span_columns(attributes, events=[first], start_ns=1_000)
    assert (columns["operation"], columns["provider"]) == ("chat", "openai")
    assert (columns["request_model"], columns["response_model"]) == ("gpt-4o", "gpt-4o-2024-08-06")
    assert (columns["input_tokens"], columns["finish_reasons"]) == (5, ["tool_call"])
    assert columns["time_to_first_token_ns"] == 500
    (sent,) = parsed(columns["input_messages"])
    assert [part["type"] for part in sent["parts"]] == ["text", "uri"]
    (made,) = parsed(columns["output_messages"])
    call = {"type": "tool_call", "id": "c1", "name": "f", "arguments": {"a": 1}}
    assert made == {"role": "assistant", "parts": [call]}
    assert attributes.items() <= rest.items()
    assert rest["gen_ai.request.temperature"] == 0.5


def test_a_retrieval_of_openinference_keeps_its_documents() -> None:
    columns = known(
        {
            "openinference.span.kind": "RETRIEVER",
            "input.value": "who?",
            "retrieval.documents.0.document.content": "Ada",
            "retrieval.documents.0.document.score": 0.5,
        }
    )
    assert (columns["operation"], columns["input"]) == ("retrieval", '"who?"')
    assert parsed(columns["output"]) == [{"content": "Ada", "score": 0.5}]


def test_genai_attributes_of_before_2025_are_read() -> None:
    columns = known(
        {
            "gen_ai.system": "az.ai.openai",
            "llm.request.type": "chat",
            "gen_ai.request.model": "gpt-4",
            "gen_ai.prompt.0.role": "user",
            "gen_ai.prompt.0.content": "Hi",
            "gen_ai.completion.0.role": "assistant",
            "gen_ai.completion.0.content": "Ho",
            "gen_ai.completion.0.finish_reason": "stop",
            "gen_ai.usage.prompt_tokens": 3,
            "gen_ai.usage.completion_tokens": 4,
        }
    )
    assert (columns["provider"], columns["operation"]) == ("azure.ai.openai", "chat")
    assert (columns["input_tokens"], columns["output_tokens"]) == (3, 4)
    assert parsed(columns["input_messages"])[0]["parts"][0]["content"] == "Hi"
    assert parsed(columns["output_messages"])[0]["parts"][0]["content"] == "Ho"
    assert columns["finish_reasons"] == ["stop"]


def test_traceloop_entities_are_work_with_input_and_output() -> None:
    columns = known(
        {
            "traceloop.span.kind": "tool",
            "traceloop.entity.name": "search",
            "traceloop.entity.input": '{"q":1}',
            "traceloop.association.properties.session_id": "s",
        }
    )
    assert columns == {
        "operation": "execute_tool",
        "tool_name": "search",
        "input": '{"q":1}',
        "session_id": "s",
    }


def test_langfuse_counts_cached_tokens_apart() -> None:
    columns = known(
        {
            "langfuse.observation.type": "generation",
            "langfuse.observation.model.name": "gpt-4o",
            "langfuse.observation.input": '[{"role":"user","content":"Hi"}]',
            "langfuse.observation.output": '{"role":"assistant","content":"Ho"}',
            "langfuse.observation.usage_details": '{"input":10,"input_cached_tokens":4,"output":2}',
            "langfuse.observation.completion_start_time": '"2026-01-01T00:00:01Z"',
        },
        start_ns=1_767_225_600_000_000_000,
    )
    assert (columns["input_tokens"], columns["cache_read_tokens"]) == (14, 4)
    assert columns["time_to_first_token_ns"] == 1_000_000_000
    assert parsed(columns["output_messages"])[0]["parts"][0]["content"] == "Ho"


def test_vercel_is_read() -> None:
    columns = known(
        {
            "ai.operationId": "ai.streamText.doStream",
            "ai.model.provider": "openai.responses",
            "ai.model.id": "gpt-4o",
            "ai.prompt.messages": '[{"role":"user","content":[{"type":"text","text":"Hi"}]}]',
            "ai.response.toolCalls": '[{"toolCallId":"c","toolName":"f","input":"{\\"a\\":1}"}]',
            "ai.response.msToFirstChunk": 12.5,
            "ai.usage.inputTokens": 7,
        }
    )
    assert (columns["operation"], columns["provider"]) == ("chat", "openai")
    assert (columns["time_to_first_token_ns"], columns["input_tokens"]) == (12_500_000, 7)
    call = {"type": "tool_call", "id": "c", "name": "f", "arguments": {"a": 1}}
    assert parsed(columns["output_messages"]) == [{"role": "assistant", "parts": [call]}]


def test_pydantic_ai_events_are_messages() -> None:
    events = [
        {"event.name": "gen_ai.user.message", "role": "user", "content": "Hi"},
        {"event.name": "gen_ai.choice", "message": {"role": "assistant", "content": "Ho"}},
    ]
    columns = known({"model_request_parameters": "{}", "events": orjson.dumps(events).decode()})
    assert columns["operation"] == "chat"
    assert parsed(columns["input_messages"])[0]["parts"][0]["content"] == "Hi"
    assert parsed(columns["output_messages"])[0]["parts"][0]["content"] == "Ho"


def test_own_spans_are_not_searched_for_dialects() -> None:
    attributes = {"openinference.span.kind": "LLM"}
    assert known(attributes, scope="tracekit.openai") == {}
    assert known(attributes) == {"operation": "chat"}


HOSTILE: list[dict[str, Any]] = [
    {"llm.input_messages.30000000.message.content": "x"},
    {"llm.input_messages.٣.message.content": "x"},
    {"llm.input_messages.-1.message.content": "x"},
    {"llm.input_messages.__proto__.message.content": "x"},
    {"llm.input_messages.0": "x", "llm.input_messages.0.message.content": "y"},
    {"llm.input_messages." + "0." * 5000 + "a": "x"},
    {"llm.input_messages.0.message.tool_calls": 7, "llm.input_messages.0.message.contents": "x"},
    {"llm.invocation_parameters": "[" * 2000, "metadata": '"text"', "llm.tools.0": 1},
    {"output.value": "{" * 2000, "llm.token_count.prompt": float("inf")},
    {"llm.token_count.prompt": float("nan"), "llm.cost.total": "1e999"},
    {f"llm.input_messages.{number}.message.content": "x" for number in range(20_000)},
]


@pytest.mark.parametrize("attributes", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_attributes_are_cheap_and_kept(attributes: dict[str, Any]) -> None:
    attributes = {"openinference.span.kind": "LLM", **attributes}
    begun = time.process_time()
    columns, rest = span_columns(attributes)
    assert time.process_time() - begun < 1
    assert columns["operation"] == "chat"
    assert attributes.keys() <= rest.keys()


def test_a_list_in_names_is_capped() -> None:
    names = {f"p.{number}.a": number for number in range(5000)}
    assert len(tree_of(names, "p")) == 1001
