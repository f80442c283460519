"""LangChain's values as plain data: messages, documents, prompts, commands, and what holds them.

Fields are read from `__dict__`; no method or property of the program's objects is called.
"""

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any, cast

from langchain_core.documents import Document
from langchain_core.messages import AIMessage, BaseMessage, FunctionMessage, ToolMessage
from langchain_core.prompt_values import ChatPromptValue, StringPromptValue
from langchain_core.runnables import Runnable

from tracekit import capture, config, recording
from tracekit.integrations._langchain_blocks import block_parts
from tracekit.integrations._messages import (
    Object,
    as_list,
    as_object,
    media_part,
    reasoning_part,
    rest,
    text_part,
    tool_call_part,
    tool_response_part,
)
from tracekit.integrations._openai_chat import audio_parts
from tracekit.integrations._openai_items import item_parts

MAX_DEPTH = 24
MAX_NODES = 10_000
"""What lies deeper, or comes later, is left to `capture.to_json`, which has bounds of its own."""

_ROLES = {"human": "user", "ai": "assistant", "function": "tool", "AIMessageChunk": "assistant"}
_SCALARS = frozenset({str, int, float, bool, type(None)})


def fields_of(value: Any) -> Object:
    """The instance's own attributes, past any `__getattribute__` of its class."""
    try:
        return cast("Object", object.__getattribute__(value, "__dict__"))
    except AttributeError:
        return {}


def _kind_of(value: Any) -> type[Any]:
    return cast("type[Any]", type(value))


def message(value: Any) -> Object:
    """One message.

    >>> from langchain_core.messages import HumanMessage
    >>> message(HumanMessage("Hi"))
    {'role': 'user', 'parts': [{'type': 'text', 'content': 'Hi'}]}
    """
    fields = fields_of(value)
    kind = _kind_of(value)
    if issubclass(kind, ToolMessage | FunctionMessage):
        return {"role": "tool", "parts": [_tool_result(fields)]}
    parts = _assistant_parts(fields) if issubclass(kind, AIMessage) else _parts(fields)
    said: Object = {"role": _role(fields), "parts": parts or [text_part("")]}
    return {**said, "name": fields["name"]} if fields.get("name") else said


def _role(fields: Object) -> str:
    kind = str(fields.get("type") or "user").removesuffix("MessageChunk").lower()
    kind = str(fields.get("type")) if kind not in _ROLES else kind
    own = as_object(fields.get("additional_kwargs")).get("__openai_role__")
    return str(own or fields.get("role") or _ROLES.get(kind, kind))


def _tool_result(fields: Object) -> Object:
    content = fields.get("content")
    response = block_parts(content) if isinstance(content, list) else content
    failed = {"status": "error"} if fields.get("status") == "error" else {}
    extra = rest({"name": fields.get("name")})
    return tool_response_part(fields.get("tool_call_id"), response, **extra, **failed)


def _parts(fields: Object) -> list[Object]:
    content = fields.get("content")
    return block_parts(content) if content else []


def _assistant_parts(fields: Object) -> list[Object]:
    more = as_object(fields.get("additional_kwargs"))
    parts = _thoughts(more) + _parts(fields)
    for item in as_list(more.get("tool_outputs")):
        parts += item_parts(as_object(item))
    if isinstance(more.get("refusal"), str):
        parts.append(text_part(more["refusal"], refusal=True))
    if isinstance(more.get("audio"), dict):
        parts += audio_parts(as_object(more["audio"]))
    return _with_calls(parts, fields, more)


def _thoughts(more: Object) -> list[Object]:
    """`reasoning_content` (DeepSeek, Qwen …); `reasoning`, an item of OpenAI's Responses API."""
    thought, item = more.get("reasoning_content"), more.get("reasoning")
    parts = [reasoning_part(thought)] if isinstance(thought, str) and thought else []
    if isinstance(item, dict):
        parts += item_parts({**as_object(item), "type": "reasoning"})
    return parts


def _with_calls(parts: list[Object], fields: Object, more: Object) -> list[Object]:
    """Calls of tools once each: as the provider's block has them, else as LangChain read them."""
    calls = [_call(as_object(call)) for call in as_list(fields.get("tool_calls"))]
    calls += [_bad_call(as_object(call)) for call in as_list(fields.get("invalid_tool_calls"))]
    if not calls and isinstance(more.get("function_call"), dict):
        call = as_object(more["function_call"])
        calls = [tool_call_part(None, call.get("name"), call.get("arguments"))]
    known = {call.get("id"): call for call in calls if call.get("id") is not None}
    placed: list[Object] = []
    for part in parts:
        call = known.pop(part.get("id"), part) if part["type"] == "tool_call" else part
        placed.append(part if part.get("arguments") else call)
    return placed + [call for call in calls if call.get("id") is None or call["id"] in known]


def _call(call: Object) -> Object:
    return tool_call_part(call.get("id"), call.get("name"), call.get("args"))


def _bad_call(call: Object) -> Object:
    error = rest({"error": call.get("error") or "arguments are not JSON"})
    return tool_call_part(call.get("id"), call.get("name"), call.get("args"), **error)


def messages(values: Iterable[Any]) -> list[Object]:
    """Messages, in order."""
    return [message(value) for value in values]


def document(value: Any) -> Object:
    """One retrieved document; its score where the retriever left one in the metadata."""
    fields = fields_of(value)
    metadata = as_object(fields.get("metadata"))
    score = next(
        (metadata[key] for key in _SCORES if type(metadata.get(key)) in {int, float}), None
    )
    known = rest({"id": fields.get("id"), "score": score})
    return {**known, "content": fields.get("page_content"), "metadata": plain(metadata)}


_SCORES = ("score", "relevance_score", "_score", "similarity_score", "@search.score")


def documents(found: Any) -> list[Object]:
    """Retrieved documents, best first."""
    return [document(each) for each in as_list(found)]


def question(batch: Any) -> list[Object] | None:
    """The messages that one run of a chat model is given, which come as a list of one list."""
    return messages(as_list(batch[0])) if batch else None


def prompts(texts: Any) -> list[Object]:
    """What a model that completes texts is given."""
    return [{"role": "user", "parts": [text_part(str(text))]} for text in as_list(texts)]


def query(text: Any) -> Any:
    """What a retriever is asked: kept as the text itself, not as JSON."""
    if not isinstance(text, str):
        return plain(text)
    return recording.JsonText(capture.cut(text, config.settings().max_text_length))


def tool_result(content: Any) -> Any:
    """What a tool gave back: any value, or the blocks of a message."""
    blocks = as_list(content) if isinstance(content, list) else []
    is_message = bool(blocks) and all("type" in as_object(block) for block in blocks)
    return block_parts(content) if is_message else plain(content)


def plain(value: Any) -> Any:
    """Any value, with LangChain's own in it as plain data; the rest as it is.

    >>> from langchain_core.messages import AIMessage
    >>> plain({"answer": AIMessage("42")})
    {'answer': {'role': 'assistant', 'parts': [{'type': 'text', 'content': '42'}]}}
    """
    return _Walk().read(value, 0)


class _Walk:
    """One walk over one value."""

    __slots__ = ("nodes",)

    def __init__(self) -> None:
        self.nodes = 0

    def read(self, value: Any, depth: int) -> Any:
        kind = _kind_of(value)
        if kind in _SCALARS:
            return _cut_out(value) if kind is str and value.startswith("data:") else value
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            return value
        if kind is dict:
            return {key: self.read(item, depth + 1) for key, item in as_object(value).items()}
        if kind is list or kind is tuple:
            return [self.read(item, depth + 1) for item in as_list(value)]
        read = _reader(kind)
        return self.inside(value, kind, depth) if read is None else read(value)

    def inside(self, value: Any, kind: type[Any], depth: int) -> Any:
        """An object that may hold messages: a state, a command, a generation."""
        if kind.__module__.startswith("langgraph."):
            known = {name: getattr(value, name, None) for name in _names_of(kind)}
            return self.read(rest(known), depth)
        if dataclasses.is_dataclass(kind) or "__pydantic_validator__" in vars(kind):
            return self.read(dict(fields_of(value)), depth) if fields_of(value) else value
        return value


def _names_of(kind: type[Any]) -> Iterable[str]:
    if dataclasses.is_dataclass(kind):
        return [field.name for field in dataclasses.fields(kind)]
    return cast("Iterable[str]", getattr(kind, "__slots__", ()))


def _cut_out(text: str) -> Any:
    is_media = ";base64," in text[:200]
    modality = text[5:].partition("/")[0]
    known = modality if modality in {"image", "audio", "video"} else "document"
    return media_part(text, known) if is_media else text


def _reader(kind: type[Any]) -> Callable[[Any], Any] | None:
    return next((read for known, read in _READERS if issubclass(kind, known)), None)


def _name(value: Any) -> str:
    return f"<{type(value).__module__}.{type(value).__qualname__}>"


_READERS: tuple[tuple[type[Any], Callable[[Any], Any]], ...] = (
    (BaseMessage, message),
    (Document, document),
    (ChatPromptValue, lambda value: messages(as_list(fields_of(value).get("messages")))),
    (StringPromptValue, lambda value: fields_of(value).get("text")),
    (Runnable, _name),
)
