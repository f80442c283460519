"""Blocks of a message's content as parts: LangChain's standard, OpenAI's and Anthropic's forms."""

from collections.abc import Callable
from typing import Any

from tracekit.integrations._messages import (
    Object,
    as_list,
    as_object,
    content_parts,
    encoded_part,
    media_part,
    reasoning_part,
    rest,
    text_part,
    tool_call_part,
    tool_response_part,
    without_media,
)
from tracekit.integrations._openai_items import item_parts


def block_parts(content: Any) -> list[Object]:
    """The parts of a message's `content`: a text, or a list of texts and blocks.

    >>> block_parts([{"type": "tool_use", "id": "t1", "name": "add", "input": {"a": 1}}])
    [{'type': 'tool_call', 'id': 't1', 'name': 'add', 'arguments': {'a': 1}}]
    """
    if not isinstance(content, list):
        return content_parts(content)
    return [part for block in as_list(content) for part in _parts(block)]


def _parts(block: Any) -> list[Object]:
    if not isinstance(block, dict):
        return content_parts([block])
    item = as_object(block)
    kind = str(item.get("type") or "")
    read = _BLOCKS.get(kind)
    if read is not None:
        return [read(item)]
    if kind == "reasoning":
        return _reasoning(item)
    if kind.endswith("_tool_result"):
        return [_server_result(item)]
    return content_parts([item]) if kind in _OPENAI or "text" in item else item_parts(item)


_OPENAI = frozenset(
    {
        *("refusal", "thinking", "image_url", "input_image", "input_audio", "audio_url"),
        *("video_url", "input_video", "input_file"),
    }
)


def _media(modality: str) -> Callable[[Object], Object]:
    """LangChain's `base64`, `url`, `file_id` (`data`, `id` before 1.0), or Anthropic's `source`."""

    def read(block: Object) -> Object:
        source = {**block, **as_object(block.get("source"))}
        kind = str(source.get("mime_type") or source.get("media_type") or _KINDS[modality])
        extra = rest(block, *_MEDIA_KEYS)
        data, url = source.get("base64") or source.get("data"), source.get("url")
        if isinstance(data, str) and source.get("type") != "text":
            return encoded_part(data, kind, modality, **extra)
        if isinstance(url, str):
            return media_part(url, modality, kind if "mime_type" in block else None, **extra)
        if isinstance(data, str) or "text" in source:
            return text_part(str(data or source["text"]), **extra)
        file_id = source.get("file_id") or block.get("id")
        return {"type": "file", "modality": modality, "file_id": file_id, **extra}

    return read


_KINDS = {
    "image": "image/png",
    "audio": "audio/wav",
    "video": "video/mp4",
    "document": "application/octet-stream",
}
_MEDIA_KEYS = (
    *("type", "source", "source_type", "base64", "data", "url", "file_id", "id", "mime_type"),
    *("text", "cache_control", "index"),
)


def _file(block: Object) -> Object:
    if "file" in block or "file_data" in block:  # OpenAI's form
        return content_parts([block])[0]
    return _media("document")(block)


def _reasoning(block: Object) -> list[Object]:
    thought = block.get("reasoning")
    if not isinstance(thought, str):
        return item_parts(block)  # an item of OpenAI's Responses API
    return [reasoning_part(thought, **rest(block, "type", "reasoning", "index"))]


def _reasoning_content(block: Object) -> Object:
    """Amazon Bedrock."""
    inner = as_object(block.get("reasoning_content"))
    return reasoning_part(str(inner.get("text") or ""), **rest(inner, "type", "text"))


def _redacted(_block: Object) -> Object:
    return reasoning_part("", redacted=True)


def _tool_call(block: Object) -> Object:
    arguments = block.get("args") if "args" in block else block.get("input")
    if arguments is None or arguments == {}:
        arguments = block.get("partial_json") or arguments
    return tool_call_part(block.get("id"), block.get("name"), arguments)


def _tool_result(block: Object) -> Object:
    content = block.get("content")
    response = block_parts(content) if isinstance(content, list) else content
    return tool_response_part(block.get("tool_use_id"), response)


def _server_call(block: Object) -> Object:
    name = str(block.get("name") or "")
    arguments = block.get("args") if "args" in block else block.get("input")
    call = {"type": name, "arguments": arguments}
    return {
        "type": "server_tool_call",
        "id": block.get("id"),
        "name": name,
        "server_tool_call": call,
    }


def _server_result(block: Object) -> Object:
    kind = str(block.get("type"))
    given = rest(block, "type", "tool_call_id", "tool_use_id", "id", "index")
    return {
        "type": "server_tool_call_response",
        "id": block.get("tool_call_id") or block.get("tool_use_id"),
        "server_tool_call_response": {"type": kind, **as_object(without_media(given))},
    }


def _text_plain(block: Object) -> Object:
    return text_part(str(block.get("text") or ""), **rest(block, "type", "text", "index"))


def _non_standard(block: Object) -> Object:
    value = as_object(without_media(block.get("value")))
    return {"type": "non_standard", **value}


_BLOCKS: dict[str, Callable[[Object], Object]] = {
    "image": _media("image"),
    "audio": _media("audio"),
    "video": _media("video"),
    "document": _media("document"),
    "file": _file,
    "reasoning_content": _reasoning_content,
    "redacted_thinking": _redacted,
    "tool_call": _tool_call,
    "tool_use": _tool_call,
    "invalid_tool_call": _tool_call,
    "tool_result": _tool_result,
    "server_tool_call": _server_call,
    "server_tool_use": _server_call,
    "server_tool_result": _server_result,
    "text-plain": _text_plain,
    "non_standard": _non_standard,
}
