"""LangChain's values as plain data."""

import dataclasses
import hashlib
import json
from typing import Any

import pytest
from langchain_core.agents import AgentAction
from langchain_core.documents import Document
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.prompt_values import ChatPromptValue, StringPromptValue
from langchain_core.runnables import RunnableLambda
from pydantic import BaseModel

from tracekit.capture import to_json
from tracekit.integrations._langchain_blocks import block_parts
from tracekit.integrations._langchain_read import message, plain, tool_result
from tracekit.store.store import Store

PIXEL = "iVBORw0KGgo="
PIXEL_SHA = hashlib.sha256(b"\x89PNG\r\n\x1a\n").hexdigest()


def parts(given: Any) -> list[Any]:
    return list(message(given)["parts"])


def test_each_kind_of_message_has_its_role() -> None:
    given = [
        HumanMessage("a"),
        AIMessage("a"),
        AIMessageChunk(content="a"),
        SystemMessage("a"),
        SystemMessage("a", additional_kwargs={"__openai_role__": "developer"}),
        ToolMessage("a", tool_call_id="c"),
        FunctionMessage(content="a", name="f"),
        ChatMessage(role="critic", content="a"),
    ]
    assert [message(each)["role"] for each in given] == [
        *("user", "assistant", "assistant", "system", "developer", "tool", "tool", "critic")
    ]
    assert message(HumanMessage("a", name="ann"))["name"] == "ann"


def test_a_call_is_one_part_whether_in_blocks_or_beside_them() -> None:
    call: Any = {"name": "add", "args": {"a": 1}, "id": "t1"}
    expected = {"type": "tool_call", "id": "t1", "name": "add", "arguments": {"a": 1}}
    assert parts(AIMessage("", tool_calls=[call])) == [expected]
    block = {"type": "tool_use", "id": "t1", "name": "add", "input": {}}
    said: Any = [{"type": "text", "text": "wait"}, block]
    assert parts(AIMessage(said, tool_calls=[call])) == [
        {"type": "text", "content": "wait"},
        expected,
    ]
    bad: Any = {"name": "add", "args": "{a", "id": "t2", "error": "no JSON"}
    assert parts(AIMessage("", invalid_tool_calls=[bad])) == [
        {"type": "tool_call", "id": "t2", "name": "add", "arguments": "{a", "error": "no JSON"}
    ]


def test_a_tool_message_is_an_answer_to_its_call() -> None:
    given = ToolMessage("no", tool_call_id="t1", name="add", status="error")
    assert parts(given) == [
        {
            "type": "tool_call_response",
            "id": "t1",
            "response": "no",
            "name": "add",
            "status": "error",
        }
    ]


@pytest.mark.parametrize(
    "given",
    [
        AIMessage([{"type": "thinking", "thinking": "hm", "signature": "s"}]),
        AIMessage([{"type": "reasoning", "reasoning": "hm"}]),
        AIMessage([{"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}]),
        AIMessage([{"type": "reasoning_content", "reasoning_content": {"text": "hm"}}]),
        AIMessage("", additional_kwargs={"reasoning_content": "hm"}),
        AIMessage("", additional_kwargs={"reasoning": {"summary": [{"text": "hm"}]}}),
    ],
)
def test_reasoning_in_every_form(given: AIMessage) -> None:
    first = parts(given)[0]
    assert (first["type"], first["content"]) == ("reasoning", "hm")


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image", "base64": PIXEL, "mime_type": "image/png"},
        {"type": "image", "source_type": "base64", "data": PIXEL, "mime_type": "image/png"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
        {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}"},
    ],
)
def test_media_in_every_form_are_kept_by_their_hash(block: Any, store: Store) -> None:
    (part,) = block_parts([block])
    assert (part["type"], part["modality"], part["mime_type"]) == ("blob", "image", "image/png")
    assert part["sha256"] == PIXEL_SHA
    assert PIXEL not in json.dumps(part)
    assert (store.artifacts / "sha256" / PIXEL_SHA[:2] / PIXEL_SHA).is_file()


def test_media_elsewhere_are_named() -> None:
    url = "https://example.org/a.png"
    assert block_parts([{"type": "image", "url": url}])[0]["uri"] == url
    assert block_parts([{"type": "image", "source": {"type": "url", "url": url}}])[0]["uri"] == url
    assert block_parts([{"type": "file", "file_id": "f1"}])[0]["file_id"] == "f1"
    given = {"type": "document", "source": {"type": "text", "data": "words"}}
    assert block_parts([given])[0]["content"] == "words"


def test_tools_of_the_provider_are_calls_and_their_results() -> None:
    call = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "x"}}
    result = {"type": "web_search_tool_result", "tool_use_id": "s1", "content": [{"url": "u"}]}
    asked, given = block_parts([call, result])
    assert asked["server_tool_call"] == {"type": "web_search", "arguments": {"query": "x"}}
    assert given["server_tool_call_response"]["content"] == [{"url": "u"}]
    standard = {"type": "server_tool_call", "id": "s1", "name": "web_search", "args": {"q": 1}}
    assert block_parts([standard])[0]["server_tool_call"]["arguments"] == {"q": 1}


def test_a_refusal_is_marked() -> None:
    (part,) = parts(AIMessage("", additional_kwargs={"refusal": "no"}))
    assert part == {"type": "text", "content": "no", "refusal": True}
    assert parts(AIMessage([{"type": "refusal", "refusal": "no"}])) == [part]


class Thought(BaseModel):
    text: str
    said: list[Any]


@dataclasses.dataclass
class Turn:
    answer: AIMessage


def test_messages_are_found_wherever_they_are() -> None:
    hi = {"role": "user", "parts": [{"type": "text", "content": "hi"}]}
    assert plain({"a": [HumanMessage("hi"), ("b", HumanMessage("hi"))]}) == {"a": [hi, ["b", hi]]}
    assert plain(ChatPromptValue(messages=[HumanMessage("hi")])) == [hi]
    assert plain(StringPromptValue(text="hi")) == "hi"
    assert plain(Thought(text="t", said=[HumanMessage("hi")])) == {"text": "t", "said": [hi]}
    answer = plain(Turn(AIMessage("yes")))["answer"]
    assert answer == {"role": "assistant", "parts": [{"type": "text", "content": "yes"}]}
    assert plain(AgentAction("add", {"a": 1}, "log"))["tool_input"] == {"a": 1}
    assert plain(Document("text", metadata={"page": 3})) == {
        "content": "text",
        "metadata": {"page": 3},
    }
    assert plain(RunnableLambda(len)) == "<langchain_core.runnables.base.RunnableLambda>"


def test_what_a_tool_gives_is_data_or_parts() -> None:
    assert tool_result({"days": 2}) == {"days": 2}
    assert tool_result([1, 2]) == [1, 2]
    assert tool_result([{"type": "text", "text": "a"}]) == [{"type": "text", "content": "a"}]


class Hostile:
    def __getattribute__(self, name: str) -> Any:
        if name == "__class__":
            return Hostile
        raise SystemExit(name)

    def __repr__(self) -> str:
        raise SystemExit


def test_hostile_and_endless_values_come_through() -> None:
    cyclic: list[Any] = [HumanMessage("hi")]
    cyclic.append(cyclic)
    deep: Any = "leaf"
    for _ in range(5_000):
        deep = [deep]
    for value in (Hostile(), cyclic, deep, [[HumanMessage("hi")]] * 50_000, {1: {2: Hostile()}}):
        assert to_json(plain(value))
