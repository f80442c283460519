"""Items of the Responses API (what goes in and what comes out) as parts of messages."""

from collections.abc import Callable
from typing import Any

from tracekit.integrations._messages import (
    Object,
    as_list,
    as_object,
    content_parts,
    made_part,
    reasoning_part,
    rest,
    text_part,
    tool_call_part,
    tool_response_part,
    without_media,
    without_secrets,
)


def input_messages(given: Any) -> list[Object]:
    """The `input` of a request, a text or items, as messages: one for each item.

    >>> input_messages("Hi")
    [{'role': 'user', 'parts': [{'type': 'text', 'content': 'Hi'}]}]
    """
    if isinstance(given, str):
        return [{"role": "user", "parts": [text_part(given)]}]
    return [
        {"role": role_of(item), "parts": item_parts(item)}
        for item in map(as_object, as_list(given))
    ]


def output_messages(items: Any) -> list[Object]:
    """All items that one response gave, as one message of the assistant.

    More than one only where it gives back messages of others (a compacted conversation).
    """
    messages: list[Object] = []
    for item in map(as_object, as_list(items)):
        role = str(item.get("role") or "assistant")
        if not messages or messages[-1]["role"] != role:
            messages.append({"role": role, "parts": []})
        messages[-1]["parts"] += item_parts(item)
    return messages


def role_of(item: Object) -> str:
    """Who says it: a message's own role, the tool for results, else the assistant."""
    if item.get("role") is not None:
        return str(item["role"])
    kind = str(item.get("type") or "")
    if kind in {"item_reference", "compaction_trigger", "mcp_approval_response"}:
        return "user"
    return "tool" if kind in _CLIENT_RESULTS else "assistant"


def item_parts(item: Object) -> list[Object]:
    """The parts that one item becomes. A kind that is not known here is kept as it is."""
    kind = str(item.get("type") or "message")
    read = _ITEMS.get(kind)
    if read is not None:
        return read(item)
    if is_client_call(item):
        return [_client_call(item, _CLIENT_CALLS[kind])]
    if kind in _CLIENT_RESULTS:
        return [_client_result(item)]
    if kind in _SERVER_CALLS:
        return _server_call(item, _SERVER_CALLS[kind])
    return [without_secrets(without_media(item))]


_CLIENT_CALLS = {
    "function_call": "arguments",
    "custom_tool_call": "input",
    "computer_call": "",
    "local_shell_call": "action",
    "shell_call": "action",
    "apply_patch_call": "operation",
    "tool_search_call": "arguments",
}
"""Calls that the program is to make -> the field that holds what they are called with."""

_CLIENT_RESULTS = frozenset(
    f"{kind}_output"
    for kind in (
        *("function_call", "custom_tool_call", "computer_call", "local_shell_call"),
        *("shell_call", "apply_patch_call"),
    )
)

_SERVER_CALLS: dict[str, tuple[str, ...]] = {
    "web_search_call": ("results",),
    "file_search_call": ("results",),
    "code_interpreter_call": ("outputs",),
    "image_generation_call": ("result",),
    "mcp_call": ("output", "error"),
    "mcp_list_tools": ("tools", "error"),
    "tool_search_call": (),
    "program": (),
}
"""Tools that the provider runs -> the fields that hold what they gave back."""


def _message(item: Object) -> list[Object]:
    parts = content_parts(item.get("content"))
    known = rest(item, "type", "role", "content")
    if parts and known:
        parts[0] = {**parts[0], **known}
    return parts


def _reasoning(item: Object) -> list[Object]:
    texts = [
        str(as_object(text).get("text") or "")
        for key in ("summary", "content")
        for text in as_list(item.get(key))
    ]
    known = rest(item, "type", "summary", "content")
    return [
        reasoning_part(text, **(known if i == 0 else {})) for i, text in enumerate(texts or [""])
    ]


def _client_call(item: Object, field: str) -> Object:
    kind = str(item["type"])
    name = item.get("name") or kind.removesuffix("_call")
    call_id = item.get("call_id") or item.get("id")
    known = rest(item, "type", "name", "call_id", field or "action", "actions")
    own_id = known.pop("id", None)
    item_id = {} if own_id in {None, call_id} else {"item_id": own_id}
    arguments = item.get(field) if field else rest({k: item.get(k) for k in ("action", "actions")})
    if kind != "function_call":
        known["tool_type"] = kind.removesuffix("_call")
    return tool_call_part(call_id, name, arguments, **item_id, **known)


def _client_result(item: Object) -> Object:
    output = item.get("output")
    if isinstance(output, list) and item["type"] in {
        "function_call_output",
        "custom_tool_call_output",
    }:
        output = content_parts(output)
    elif isinstance(output, dict):
        output = content_parts([output])[0] if "type" in output else without_media(output)
    known = rest(item, "type", "output", "call_id", "id")
    return tool_response_part(item.get("call_id") or item.get("id"), output, **known)


def _server_call(item: Object, results: tuple[str, ...]) -> list[Object]:
    kind = str(item["type"])
    name = str(item.get("name") or kind.removesuffix("_call"))
    call_id = item.get("id") or item.get("call_id")
    call: Object = {"type": kind, **rest(item, "type", "id", *results)}
    parts: list[Object] = [
        {"type": "server_tool_call", "id": call_id, "name": name, "server_tool_call": call}
    ]
    given = rest({key: item.get(key) for key in results})
    if "result" in given:
        parts.append(made_part(given["result"], "image", _image_kind(item), id=call_id))
    elif given:
        parts.append(_server_response(call_id, kind, without_media(given)))
    return parts


def _server_response(call_id: Any, kind: str, given: Object) -> Object:
    return {
        "type": "server_tool_call_response",
        "id": call_id,
        "server_tool_call_response": {"type": kind, **given},
    }


def _image_kind(item: Object) -> str | None:
    kind = item.get("output_format")
    return f"image/{kind}" if isinstance(kind, str) else None


def _server_result(item: Object) -> list[Object]:
    """Results that come as an item of their own: `tool_search_output`, `program_output`."""
    call_id, item_id = item.get("call_id"), item.get("id")
    known = rest(item, "type", "call_id", *(() if call_id else ("id",)))
    return [_server_response(call_id or item_id, str(item["type"]), known)]


def _compaction(item: Object) -> list[Object]:
    known = rest(item, "type", "encrypted_content", "object")
    return [{"type": "compaction", **known, "content": item.get("encrypted_content")}]


_ITEMS: dict[str, Callable[[Object], list[Object]]] = {
    "message": _message,
    "reasoning": _reasoning,
    "compaction": _compaction,
    "compaction_summary": _compaction,
    "tool_search_output": _server_result,
    "program_output": _server_result,
}


def is_client_call(item: Object) -> bool:
    """Whether an item asks the program to run a tool."""
    kind = item.get("type")
    return kind in _CLIENT_CALLS and (
        kind != "tool_search_call" or item.get("execution") == "client"
    )
