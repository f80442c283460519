"""Server-sent events of the OpenAI API, folded into the body that a plain answer would have had.

So that one reader serves both. Pure functions of the bytes that came.
"""

import base64
import binascii
from dataclasses import dataclass, field
from typing import Any

import orjson

from tracekit.integrations._messages import Object, as_list, as_object
from tracekit.integrations._openai_endpoints import Endpoint


@dataclass(slots=True)
class Folded:
    """A stream as one body."""

    body: Object = field(default_factory=dict[str, Any])
    is_complete: bool = False
    """It came to its own end: `[DONE]`, or the last event of its kind."""
    error: Object | None = None
    """An error that came as an event."""


def fold(endpoint: Endpoint, data: bytes) -> Folded:
    """One body out of all events of a stream, however far it came."""
    return _FOLDS.get(endpoint.api, _fold_other)(data)


Event = tuple[str, Any]
"""Its name, and its JSON value; `("", None)` for `[DONE]`."""


def events_of(data: bytes) -> list[Event]:
    r"""The events of a stream. Broken ones are left out, and what follows `[DONE]`.

    >>> events_of(b': hello\ndata: {"a": 1}\n\nevent: b\ndata: [DONE]\n\n')
    [('', {'a': 1}), ('', None)]
    """
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    names, texts = list[str](), list[bytes]()
    is_done = False
    for block in data.split(b"\n\n"):
        if block.startswith(b"data: ") and b"\n" not in block:  # most are so
            name, text = "", block[6:]
        else:
            name, text = _block(block)
        if text.startswith(b"[DONE]"):
            is_done = True
            break
        if text:
            names.append(name)
            texts.append(text)
    events = _parsed(names, texts)
    return [*events, ("", None)] if is_done else events


def _block(block: bytes) -> tuple[str, bytes]:
    name, lines = "", list[bytes]()
    for line in block.split(b"\n"):
        if line.startswith(b"data:"):
            lines.append(line[6:] if line.startswith(b"data: ") else line[5:])
        elif line.startswith(b"event:"):
            name = line[6:].strip().decode("utf-8", "replace")
    return name, b"\n".join(lines)


def _parsed(names: list[str], texts: list[bytes]) -> list[Event]:
    """All at once, which is several times faster, unless one of them is broken."""
    try:
        return list(zip(names, orjson.loads(b"[%b]" % b",".join(texts)), strict=True))
    except (orjson.JSONDecodeError, ValueError):
        events = list[Event]()
    for name, text in zip(names, texts, strict=True):
        try:
            events.append((name, orjson.loads(text)))
        except orjson.JSONDecodeError:
            continue
    return events


def _error_in(name: str, event: Object) -> Object | None:
    error = event.get("error")
    if error:
        return as_object(error) or {"message": str(error)}
    return event if name == "error" or event.get("type") == "error" else None


# Chat completions and completions: chunks of deltas


def _fold_chunks(data: bytes, piece: str, done: str) -> Folded:
    folded = Folded()
    body = folded.body
    choices: dict[int, Object] = {}
    for name, event in events_of(data):
        if event is None:
            folded.is_complete = True
            break
        chunk = as_object(event)
        if name or "error" in chunk or "type" in chunk:
            folded.error = _error_in(name, chunk) or folded.error
        for key, value in chunk.items():
            if key == "choices":
                for choice in as_list(value):
                    _add_choice(choices, as_object(choice), piece)
            elif value is not None and value != "" and value != body.get(key):
                _keep(body, key, value)
    body.pop("obfuscation", None)  # padding
    if folded.error is not None:
        body["error"] = folded.error
    body["object"] = done
    body["choices"] = [_whole(choice) for choice in choices.values()]
    finished = [choice.get("finish_reason") is not None for choice in choices.values()]
    folded.is_complete = folded.is_complete or (bool(finished) and all(finished))
    return folded


def _keep(body: Object, key: str, value: Any) -> None:
    """The last value wins (usage may come in every chunk, growing); objects are merged."""
    old = body.get(key)
    if key != "usage" and isinstance(old, dict) and isinstance(value, dict):
        body[key] = {**as_object(old), **as_object(value)}
    else:
        body[key] = value


def _fold_chat(data: bytes) -> Folded:
    folded = _fold_chunks(data, "delta", "chat.completion")
    for choice in as_list(folded.body["choices"]):
        choice["message"] = as_object(choice.pop("delta", None) or choice.get("message"))
        if choice["message"].get("content") == "":  # how a stream begins; nothing was said
            del choice["message"]["content"]
    return folded


def _fold_completions(data: bytes) -> Folded:
    return _fold_chunks(data, "text", "text_completion")


def _add_choice(choices: dict[int, Object], chunk: Object, piece: str) -> None:
    """Add a chunk's part of one choice: its piece of the message or text, and its facts."""
    index = chunk.get("index")
    index = index if type(index) is int else 0
    choice = choices.get(index)
    if choice is None:
        choice = choices[index] = {"index": index, "finish_reason": None}
    for key, value in chunk.items():
        if value is None or key == "index":
            continue
        if key == piece or key == "logprobs":
            _add_delta(choice, key, value)
        elif value != choice.get(key):
            _keep(choice, key, value)


class _Pieces(list[Any]):
    """A text, or bytes, that comes in pieces; joined once, at the end."""


def _whole(value: Any) -> Any:
    """`value` with all pieces joined."""
    if isinstance(value, _Pieces):
        return (b"" if value and isinstance(value[0], bytes) else "").join(value)
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in as_object(value).items()}
    if isinstance(value, list):
        return [_whole(item) for item in as_list(value)]
    return value


_TOLD_ONCE = frozenset({"role", "id", "name", "type", "index", "channel", "signature", "format"})
"""Texts that come whole; all others come in pieces."""


def _add_delta(message: Object, key: str, value: Any) -> None:
    """Add one piece of a message: texts are joined, lists merged by their `index`."""
    old = message.get(key)
    if isinstance(value, str):
        if key in _TOLD_ONCE:
            message[key] = value or old
        elif isinstance(old, _Pieces):
            old.append(value)
        elif isinstance(old, list):  # Mistral: thoughts, then text
            message[key] = as_list(old) + _as_items(value)
        else:
            message[key] = _Pieces([value])
    elif isinstance(value, dict):
        if not isinstance(old, dict):
            old = message[key] = {}
        _add_fields(as_object(old), as_object(value), is_audio=key == "audio")
    elif isinstance(value, list):
        known = _as_items(_whole(old)) if old is None or isinstance(old, _Pieces) else as_list(old)
        _add_items(known, as_list(value))
        message[key] = known
    else:
        message[key] = value


def _add_fields(known: Object, more: Object, *, is_audio: bool = False) -> None:
    for key, value in more.items():
        if is_audio and key == "data" and value is not None:  # each piece is base64 of its own
            known.setdefault("data", _Pieces()).append(_decoded(str(value)))
        elif type(value) is str and type(known.get(key)) is _Pieces:  # most are so
            known[key].append(value)
        elif value is not None:
            _add_delta(known, key, value)


def _as_items(text: Any) -> list[Any]:
    return [{"type": "text", "text": text}] if isinstance(text, str) and text else []


def _add_items(items: list[Any], more: list[Any]) -> None:
    for piece in more:
        new = as_object(piece)
        if not new:
            items.append(piece)
            continue
        found = _same_item(items, new)
        if found is None:
            found = {}
            items.append(found)
        _add_fields(found, new)


def _same_item(items: list[Any], new: Object) -> Object | None:
    """The item that a piece continues: that of its index, unless id or type say otherwise.

    Services without an index (Gemini, Mistral) send each call whole, with an id of its own.
    """
    if new.get("index") is None:
        return None
    for item in map(as_object, reversed(items)):
        same_id = not new.get("id") or not item.get("id") or new["id"] == item["id"]
        if item.get("index") == new["index"] and same_id:
            same_type = not new.get("type") or item.get("type") in {None, new["type"]}
            return item if same_type else None
    return None


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data)
    except (binascii.Error, ValueError):
        return b""


# Responses: typed events, of which the last one carries the whole


_RESPONSE_ENDS = frozenset(
    {"response.completed", "response.incomplete", "response.failed", "response.cancelled"}
)


def _fold_responses(data: bytes) -> Folded:
    folded = Folded()
    items: dict[int, Object] = {}
    for name, event in events_of(data):
        if event is None:
            break
        body = as_object(event)
        kind = str(body.get("type") or name)
        if isinstance(body.get("response"), dict):
            folded.body = as_object(body["response"])
        if kind in _RESPONSE_ENDS:
            folded.is_complete = True
        elif kind == "error" or (body.get("error") and "response" not in body):
            folded.error = _error_in("error", body)
        else:
            _add_response_event(items, kind, body)
    if not as_list(folded.body.get("output")) and items:  # broken off, or a service that leaves it
        folded.body = {**folded.body, "output": [items[index] for index in sorted(items)]}
    if not folded.is_complete and folded.body:
        folded.body = {**folded.body, "status": folded.body.get("status") or "in_progress"}
    if folded.error is not None:
        folded.body = {**folded.body, "error": folded.error}
    return folded


def _add_response_event(items: dict[int, Object], kind: str, event: Object) -> None:
    index = event.get("output_index")
    if type(index) is not int:
        return
    if kind in {"response.output_item.added", "response.output_item.done"}:
        items[index] = {**as_object(event.get("item"))}
        return
    item = items.setdefault(index, {})
    if kind in {"response.content_part.added", "response.content_part.done"}:
        _place(item, "content", event.get("content_index"), event.get("part"))
    elif kind in _SUMMARY_PARTS:
        _place(item, "summary", event.get("summary_index"), event.get("part"))
    elif kind == "response.image_generation_call.partial_image":
        item["result"] = event.get("partial_image_b64")
    elif kind.endswith(".delta") and isinstance(event.get("delta"), str):
        _add_response_delta(item, kind, event)


_SUMMARY_PARTS = frozenset(
    {"response.reasoning_summary_part.added", "response.reasoning_summary_part.done"}
)
_DELTAS = {
    "response.output_text.delta": ("content", "content_index", "text"),
    "response.refusal.delta": ("content", "content_index", "refusal"),
    "response.reasoning_text.delta": ("content", "content_index", "text"),
    "response.reasoning_summary_text.delta": ("summary", "summary_index", "text"),
}
_ITEM_DELTAS = {
    "response.function_call_arguments.delta": "arguments",
    "response.mcp_call_arguments.delta": "arguments",
    "response.custom_tool_call_input.delta": "input",
    "response.code_interpreter_call_code.delta": "code",
}


def _add_response_delta(item: Object, kind: str, event: Object) -> None:
    delta = event["delta"]
    if kind in _ITEM_DELTAS:
        field_name = _ITEM_DELTAS[kind]
        item[field_name] = (item.get(field_name) or "") + delta
    elif kind in _DELTAS:
        parts, index, text = _DELTAS[kind]
        part = _place(item, parts, event.get(index), None)
        part[text] = (part.get(text) or "") + delta


def _place(item: Object, parts: str, index: Any, part: Any) -> Object:
    """Put a part at its index, and give it back; None keeps what is there."""
    listed = as_list(item.get(parts))
    item[parts] = listed
    at = index if type(index) is int and 0 <= index < 1000 else 0
    while len(listed) <= at:
        listed.append({})
    if isinstance(part, dict):
        listed[at] = {**as_object(part)}
    return as_object(listed[at])


# Images, sound, and all others


def _fold_images(data: bytes) -> Folded:
    folded, partial, last = Folded(), 0, {}
    images: list[Object] = []
    for name, event in events_of(data):
        if event is None:
            break
        body = as_object(event)
        kind = str(body.get("type") or name)
        folded.error = folded.error or _error_in(name, body)
        if kind.endswith(".partial_image"):
            partial, last = partial + 1, body
        elif kind.endswith(".completed"):
            folded.is_complete = True
            images.append(body)
    given = images or ([last] if last else [])
    folded.body = {k: v for image in given for k, v in image.items() if k not in _IMAGE_KEYS}
    folded.body["data"] = [{"b64_json": image.get("b64_json")} for image in given]
    folded.body["partial_images"] = partial
    if folded.error is not None:
        folded.body["error"] = folded.error
    return folded


_IMAGE_KEYS = frozenset({"b64_json", "type", "partial_image_index", "sequence_number"})


def _fold_transcription(data: bytes) -> Folded:
    folded, text = Folded(), ""
    segments: list[Any] = []
    for name, event in events_of(data):
        if event is None:
            break
        body = as_object(event)
        kind = str(body.get("type") or name)
        folded.error = folded.error or _error_in(name, body)
        if kind == "transcript.text.delta":
            text += str(body.get("delta") or "")
        elif kind == "transcript.text.segment":
            segments.append({k: v for k, v in body.items() if k != "type"})
        elif kind == "transcript.text.done":
            folded.is_complete = True
            folded.body = {k: v for k, v in body.items() if k != "type"}
    folded.body.setdefault("text", text)
    if segments:
        folded.body["segments"] = segments
    return folded


def _fold_speech(data: bytes) -> Folded:
    folded, sound = Folded(), list[bytes]()
    for name, event in events_of(data):
        if event is None:
            break
        body = as_object(event)
        kind = str(body.get("type") or name)
        folded.error = folded.error or _error_in(name, body)
        if kind == "speech.audio.delta":
            sound.append(_decoded(str(body.get("audio") or "")))
        elif kind == "speech.audio.done":
            folded.is_complete = True
            folded.body["usage"] = body.get("usage")
    folded.body["audio"] = b"".join(sound)
    return folded


MAX_EVENTS = 200
"""Events of a stream of an unknown kind that are kept."""


def _fold_other(data: bytes) -> Folded:
    """Events as they came, without the pieces that a later event repeats whole."""
    folded = Folded()
    kept: list[Object] = []
    for name, event in events_of(data):
        if event is None:
            folded.is_complete = True
            break
        folded.error = folded.error or _error_in(name, as_object(event))
        if name == "done" or name.endswith((".completed", ".failed", ".cancelled", ".expired")):
            folded.is_complete = True
        if not name.endswith(".delta") and len(kept) < MAX_EVENTS:
            kept.append({"event": name, "data": event} if name else as_object(event))
    folded.body = {"events": kept}
    return folded


_FOLDS = {
    "chat": _fold_chat,
    "completions": _fold_completions,
    "responses": _fold_responses,
    "images": _fold_images,
    "transcription": _fold_transcription,
    "speech": _fold_speech,
}
