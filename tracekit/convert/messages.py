"""Chat messages of OpenAI's shape, and its relatives, as those of the GenAI conventions."""

from collections.abc import Iterable
from typing import Any

from tracekit.capture import from_json
from tracekit.convert.reading import Object, as_list, as_object, as_text, first, known

_FINISH = {
    "tool_calls": "tool_call",
    "tool-calls": "tool_call",
    "function_call": "tool_call",
    "content-filter": "content_filter",
}


def to_messages(messages: Iterable[Any]) -> list[Object]:
    """`[{"role", "parts": [...]}]` of messages that have `role`, `content`, `tool_calls`.

    >>> to_messages([{"role": "user", "content": "Hello"}])
    [{'role': 'user', 'parts': [{'type': 'text', 'content': 'Hello'}]}]
    """
    return [to_message(as_object(message)) for message in messages]


def to_message(message: Object) -> Object:
    """One message; what is already in the conventions' shape stays as it is."""
    if isinstance(message.get("parts"), list):
        return message
    role = as_text(message.get("role")) or "user"
    answered = first(message, "tool_call_id", "toolCallId")
    if role in {"tool", "function"} and (answered is not None or role == "function"):
        response = from_json(message.get("content"))
        parts = [known({"type": "tool_call_response", "id": answered, "response": response})]
    else:
        parts = [*_content_parts(message.get("content")), *_calls(message)]
    if message.get("refusal"):
        parts.append({"type": "text", "content": message["refusal"]})
    finish = as_text(message.get("finish_reason"))
    facts = {"name": as_text(message.get("name")), "finish_reason": finish_reason(finish)}
    return {"role": role, "parts": parts, **known(facts)}


def finish_reason(reason: str | None) -> str | None:
    """In the conventions' words."""
    return None if reason is None else _FINISH.get(reason, reason)


def to_tool_definitions(tools: Iterable[Any]) -> list[Object]:
    """`[{"type", "name", "description", "parameters"}]` of tools of OpenAI's or a flat shape."""
    return [_tool_definition(as_object(tool)) for tool in tools]


def tool_call(call: Object) -> Object:
    """The part that a call of a tool is."""
    function = as_object(call.get("function"))
    arguments = first({**call, **function}, "arguments", "args", "input")
    return known(
        {
            "type": "tool_call",
            "id": first(call, "id", "toolCallId", "tool_call_id"),
            "name": first({**call, **function}, "name", "toolName"),
            "arguments": from_json(arguments),
        }
    )


def _tool_definition(tool: Object) -> Object:
    function = as_object(tool.get("function"))
    if function:
        return {"type": "function", **function}
    schema = first(tool, "parameters", "input_schema", "inputSchema")
    rest: Object = {name: tool[name] for name in ("name", "description") if name in tool}
    return {
        "type": as_text(tool.get("type")) or "function",
        **rest,
        **known({"parameters": schema}),
    }


def _calls(message: Object) -> list[Object]:
    calls = [tool_call(as_object(call)) for call in as_list(message.get("tool_calls"))]
    legacy = as_object(message.get("function_call"))
    return [*calls, *([tool_call(legacy)] if legacy else [])]


def _content_parts(content: Any) -> list[Object]:
    if content is None or content == "":
        return []
    if isinstance(content, str):
        return [{"type": "text", "content": content}]
    if isinstance(content, dict):
        return [_part(as_object(content))]
    return [
        {"type": "text", "content": item} if isinstance(item, str) else _part(as_object(item))
        for item in as_list(content)
    ]


def _part(part: Object) -> Object:
    kind = part.get("type")
    if kind in {"text", "input_text", "output_text"}:
        return {"type": "text", "content": first(part, "text", "content") or ""}
    if kind in {"reasoning", "thinking"}:
        return {"type": "reasoning", "content": first(part, "text", "thinking", "content") or ""}
    if kind in {"image_url", "input_image", "image"}:
        return _media(part, "image")
    if kind == "input_audio":
        audio = as_object(part.get("input_audio"))
        form = as_text(audio.get("format")) or "wav"
        return {
            "type": "blob",
            "modality": "audio",
            "mime_type": f"audio/{form}",
            "content": audio.get("data"),
        }
    if kind == "tool-call":
        return tool_call(part)
    if kind == "tool-result":
        result = first(part, "output", "result")
        return known(
            {"type": "tool_call_response", "id": part.get("toolCallId"), "response": result}
        )
    return part


def _media(part: Object, modality: str) -> Object:
    source = first(part, "image_url", "image", "url")
    address = as_object(source).get("url") if isinstance(source, dict) else source
    if not isinstance(address, str):
        return {**part, "modality": modality}
    if address.startswith("data:"):
        head, _, data = address.partition(",")
        mime_type = head[5:].partition(";")[0]
        return {"type": "blob", "modality": modality, "mime_type": mime_type, "content": data}
    return {"type": "uri", "modality": modality, "uri": address}
