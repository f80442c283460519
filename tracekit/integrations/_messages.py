"""The parts of messages, as the GenAI conventions write them, out of plain JSON data.

Shapes: open-telemetry/semantic-conventions-genai, `docs/gen-ai/non-normative/models.py`. A part
keeps what it came with beyond the convention's own keys (annotations, ids, details).
"""

import base64
import binascii
from typing import Any, cast
from urllib.parse import unquote_to_bytes

from tracekit import capture, config, guard, media
from tracekit.store.blobs import write_blob
from tracekit.store.store import open_store

Object = dict[str, Any]
"""A JSON object."""

MAX_MEDIA_BYTES = 20_000_000
"""Media larger than this is described, and not kept."""


def as_object(value: Any) -> Object:
    """`value` if it is a JSON object, else an empty one."""
    return cast("Object", value) if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """`value` if it is a JSON array, else an empty one."""
    return list(cast("list[Any]", value)) if isinstance(value, list | tuple) else []


def rest(source: Object, *known: str) -> Object:
    """What an object holds beyond the known keys, without nulls and empty lists."""
    return {k: v for k, v in source.items() if k not in known and v is not None and v != []}


def text_part(content: str, **extra: Any) -> Object:
    """A text; one that is longer than the limit is cut, and says how long it was."""
    limit = config.settings().max_text_length
    if len(content) > limit:
        content = capture.cut(content, limit)
    return {"type": "text", "content": content, **extra}


def reasoning_part(content: str, **extra: Any) -> Object:
    """What a model thought."""
    return {**text_part(content, **extra), "type": "reasoning"}


def tool_call_part(call_id: Any, name: Any, arguments: Any, **extra: Any) -> Object:
    """A call that the program is to make; `arguments` as JSON text or anything else."""
    part: Object = {"type": "tool_call"}
    if call_id is not None:
        part["id"] = call_id
    return {**part, "name": name or "", "arguments": capture.from_json(arguments), **extra}


def tool_response_part(call_id: Any, response: Any, **extra: Any) -> Object:
    """What the program's tool gave back."""
    part: Object = {"type": "tool_call_response"}
    if call_id is not None:
        part["id"] = call_id
    return {**part, "response": response, **extra}


def media_part(url: str, modality: str, mime_type: str | None = None, **extra: Any) -> Object:
    """Media by its address: bytes cut out of a `data:` URL, or the URL itself."""
    if not url.startswith("data:"):
        known: Object = {"mime_type": mime_type} if mime_type else {}
        return {"type": "uri", **known, "modality": modality, "uri": url, **extra}
    head, _, body = url[5:].partition(",")
    kind = head.partition(";")[0] or mime_type or media.UNKNOWN
    if head.endswith("base64"):
        return encoded_part(body, kind, modality, **extra)
    return blob_part(unquote_to_bytes(body), kind, modality, **extra)


def encoded_part(data: str, mime_type: str, modality: str, **extra: Any) -> Object:
    """Media that came as base64 text."""
    try:
        return blob_part(base64.b64decode(data), mime_type, modality, **extra)
    except (binascii.Error, ValueError):
        size = len(data) * 3 // 4
        part = {"type": "blob", "mime_type": mime_type, "modality": modality}
        return {**part, "bytes": size, "error": "not base64", **extra}


def blob_part(data: bytes, mime_type: str | None, modality: str, **extra: Any) -> Object:
    """Media: its bytes are kept as an artifact of the store, the part names their SHA-256."""
    part: Object = {"type": "blob", "modality": modality, "bytes": len(data), **extra}
    if mime_type:
        part["mime_type"] = mime_type
    sha256 = _kept(data)
    if sha256 is not None:
        part["sha256"] = sha256
    return part


def _kept(data: bytes) -> str | None:
    if not data or len(data) > MAX_MEDIA_BYTES:
        return None
    try:
        return write_blob(open_store().artifacts, data)
    except OSError as error:
        guard.warn(f"media can't be kept: {error.strerror or error}")
        return None


def made_part(data: Any, modality: str, mime_type: str | None = None, **extra: Any) -> Object:
    """Media that a model made, as base64 text or a URL; its kind is seen from its bytes."""
    text = str(data)
    if text.startswith(("data:", "http:", "https:")):
        return media_part(text, modality, mime_type, **extra)
    return encoded_part(text, mime_type or _kind_of_encoded(text), modality, **extra)


def _kind_of_encoded(data: str) -> str:
    try:
        return media.kind_of(base64.b64decode(data[:64])) or media.UNKNOWN
    except (binascii.Error, ValueError):
        return media.UNKNOWN


def content_parts(content: Any) -> list[Object]:
    """The parts of a message's `content`, of either API: a text, or a list of typed parts."""
    if isinstance(content, str):
        return [text_part(content)]
    if isinstance(content, dict):
        return [_content_part(cast("Object", content))]
    return [
        text_part(item) if isinstance(item, str) else _content_part(as_object(item))
        for item in as_list(content)
    ]


def _content_part(item: Object) -> Object:
    kind = str(item.get("type") or "")
    read = _CONTENT.get(kind)
    if read is None and isinstance(item.get("text"), str):
        read = _text
    return without_media(item) if read is None else read(item)


def _text(item: Object) -> Object:
    return text_part(str(item.get("text") or ""), **rest(item, "type", "text"))


def _refusal(item: Object) -> Object:
    return text_part(str(item.get("refusal") or ""), refusal=True)


def _reasoning_text(item: Object) -> Object:
    text = item.get("text") or item.get("thinking") or ""
    extra = rest(item, "type", "text", "thinking")
    if isinstance(text, list):  # Mistral: a list of text chunks
        text = "".join(str(as_object(chunk).get("text") or "") for chunk in as_list(text))
    return reasoning_part(str(text), **extra)


def _image(item: Object) -> Object:
    image = item.get("image_url")
    extra = rest(item, "type", "image_url", "file_id")
    if isinstance(image, dict):
        inner = as_object(image)
        return media_part(str(inner.get("url") or ""), "image", **rest(inner, "url"), **extra)
    if isinstance(image, str):
        return media_part(image, "image", **extra)
    return {"type": "file", "modality": "image", "file_id": item.get("file_id"), **extra}


def _audio(item: Object) -> Object:
    audio = as_object(item.get("input_audio") or item.get("audio_url") or item)
    extra = rest(item, "type", "input_audio", "audio_url", "data", "format")
    if isinstance(audio.get("url"), str):
        return media_part(audio["url"], "audio", **extra)
    kind = f"audio/{audio.get('format') or 'wav'}"
    return encoded_part(str(audio.get("data") or ""), kind, "audio", **extra)


def _video(item: Object) -> Object:
    video = item.get("video_url") or item.get("input_video")
    url = as_object(video).get("url") if isinstance(video, dict) else video
    return media_part(str(url or ""), "video", **rest(item, "type", "video_url", "input_video"))


def _file(item: Object) -> Object:
    file = as_object(item.get("file") or item)
    extra = rest(file, "type", "file_id", "file_data", "file_url", "file")
    data, name = file.get("file_data"), str(file.get("filename") or "")
    if isinstance(data, str):
        kind = "application/pdf" if name.lower().endswith(".pdf") else media.UNKNOWN
        if data.startswith(("data:", "http")):
            return media_part(data, "document", **extra)
        return encoded_part(data, kind, "document", **extra)
    if isinstance(file.get("file_url"), str):
        return media_part(file["file_url"], "document", **extra)
    return {"type": "file", "modality": "document", "file_id": file.get("file_id"), **extra}


_CONTENT = {
    "text": _text,
    "input_text": _text,
    "output_text": _text,
    "summary_text": _reasoning_text,
    "reasoning_text": _reasoning_text,
    "thinking": _reasoning_text,
    "refusal": _refusal,
    "image_url": _image,
    "input_image": _image,
    "output_image": _image,
    "computer_screenshot": _image,
    "input_audio": _audio,
    "audio_url": _audio,
    "output_audio": _audio,
    "video_url": _video,
    "input_video": _video,
    "file": _file,
    "input_file": _file,
}


def without_media(value: Any) -> Any:
    """Any JSON value, with `data:` URLs in it replaced by the blobs that they hold."""
    if isinstance(value, dict):
        return {key: without_media(item) for key, item in as_object(value).items()}
    if isinstance(value, list):
        return [without_media(item) for item in as_list(value)]
    if isinstance(value, str) and value.startswith("data:") and ";base64," in value[:200]:
        modality = value[5:].partition("/")[0]
        known = modality if modality in {"image", "audio", "video"} else "document"
        return media_part(value, known)
    return value


SECRET = "[secret hidden]"
_SECRET_KEYS = frozenset({"authorization", "headers", "client_secret", "api_key", "secret"})


def without_secrets(value: Any, *more: str) -> Any:
    """Any JSON value, with what its keys call a credential hidden."""
    if isinstance(value, dict):
        hidden = _SECRET_KEYS.union(more)
        return {
            key: SECRET
            if key in hidden and isinstance(item, str)
            else dict.fromkeys(as_object(item), SECRET)
            if key == "headers"
            else without_secrets(item, *more)
            for key, item in as_object(value).items()
        }
    if isinstance(value, list):
        return [without_secrets(item, *more) for item in as_list(value)]
    return value
