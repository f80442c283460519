"""Messages of the chat completions API as messages of the GenAI conventions."""

from typing import Any

from tracekit import media
from tracekit.integrations._messages import (
    Object,
    as_list,
    as_object,
    blob_part,
    content_parts,
    made_part,
    reasoning_part,
    rest,
    text_part,
    tool_call_part,
    tool_response_part,
)

_PLAIN_KEYS = frozenset({"role", "content", "refusal", "annotations"})
_MESSAGE_KEYS = (
    *("role", "content", "name", "refusal", "tool_calls", "function_call", "tool_call_id"),
    *("audio", "reasoning", "reasoning_content", "images", "parsed"),
)


def chat_message(message: Object) -> Object:
    """One message, sent or received.

    >>> chat_message({"role": "user", "content": "Hi"})
    {'role': 'user', 'parts': [{'type': 'text', 'content': 'Hi'}]}
    """
    role, content = str(message.get("role") or "assistant"), message.get("content")
    is_result = role in {"tool", "function"}
    says_more = message.get("refusal") is not None or message.get("annotations")
    is_plain = _PLAIN_KEYS.issuperset(message) and not is_result and not says_more
    if is_plain and isinstance(content, str):  # most are so
        return {"role": role, "parts": [text_part(content)]}
    parts = _tool_results(message) if is_result else _said(message)
    known: Object = {"role": role, "parts": parts}
    if message.get("name") is not None and role != "function":
        known["name"] = message["name"]
    return {**known, **rest(message, *_MESSAGE_KEYS)}


def _tool_results(message: Object) -> list[Object]:
    content = message.get("content")
    response = content_parts(content) if isinstance(content, list) else content
    extra = rest({"name": message.get("name")})
    return [tool_response_part(message.get("tool_call_id"), response, **extra)]


def _said(message: Object) -> list[Object]:
    parts = _thought(message)
    parts += content_parts(message.get("content"))
    if isinstance(message.get("refusal"), str):
        parts.append(text_part(message["refusal"], refusal=True))
    if message.get("audio"):
        parts += audio_parts(as_object(message["audio"]))
    for image in as_list(message.get("images")):
        parts += content_parts([image])
    parts += [_tool_call(as_object(call)) for call in as_list(message.get("tool_calls"))]
    if isinstance(message.get("function_call"), dict):
        call = as_object(message["function_call"])
        parts.append(tool_call_part(None, call.get("name"), call.get("arguments")))
    return parts


def _thought(message: Object) -> list[Object]:
    """`reasoning_content` (DeepSeek, Qwen), `reasoning` (Groq, OpenRouter, vLLM)."""
    said: list[str] = []
    for key in ("reasoning_content", "reasoning"):
        text = message.get(key)
        if isinstance(text, str) and text and text not in said:
            said.append(text)
    return [reasoning_part(text) for text in said]


def audio_parts(audio: Object) -> list[Object]:
    """What a model said aloud: the sound, or the id that it is kept under, and its words."""
    known = rest({key: audio.get(key) for key in ("id", "expires_at")})
    parts: list[Object] = []
    if isinstance(audio.get("data"), bytes):
        kind = media.kind_of(audio["data"]) or "audio/pcm"
        parts.append(blob_part(audio["data"], kind, "audio", **known))
    elif isinstance(audio.get("data"), str):
        parts.append(made_part(audio["data"], "audio", **known))
    elif audio.get("id") is not None:
        parts.append({"type": "file", "modality": "audio", "file_id": audio["id"]})
    if isinstance(audio.get("transcript"), str):
        parts.append(text_part(audio["transcript"], transcript=True))
    return parts


def _tool_call(call: Object) -> Object:
    kind = call.get("type") or "function"
    inner = as_object(call.get(str(kind))) or as_object(call.get("function"))
    arguments = inner.get("arguments") if "arguments" in inner else inner.get("input")
    extra = rest(call, "id", "type", "index", "function", "custom")
    if kind != "function":
        extra["tool_type"] = kind
    return tool_call_part(call.get("id"), inner.get("name"), arguments, **extra)


def tool_definitions(tools: Any) -> list[Object]:
    """Tools of either API, flat: `type`, `name`, `description`, `parameters`, and the rest."""
    return [_tool_definition(as_object(tool)) for tool in as_list(tools)]


def _tool_definition(tool: Object) -> Object:
    kind = str(tool.get("type") or "function")
    inner = tool.get(kind)
    if isinstance(inner, dict) and "name" in inner:
        return {"type": kind, **as_object(inner), **rest(tool, "type", kind)}
    name = tool.get("name") or tool.get("server_label") or kind
    hidden = {"authorization": "[secret hidden]"} if tool.get("authorization") else {}
    return {"type": kind, "name": name, **rest(tool, "type", "name", "headers"), **hidden}
