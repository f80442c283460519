"""What an answer of the OpenAI API says, as attributes: pure functions of its plain data."""

from collections.abc import Callable
from typing import Any

from tracekit import media, recording, semconv
from tracekit.capture import to_json
from tracekit.integrations._messages import (
    Object,
    as_list,
    as_object,
    blob_part,
    content_parts,
    made_part,
    rest,
    text_part,
    without_media,
    without_secrets,
)
from tracekit.integrations._openai_chat import chat_message
from tracekit.integrations._openai_endpoints import Endpoint
from tracekit.integrations._openai_items import is_client_call, output_messages
from tracekit.integrations._openai_request import Contents
from tracekit.integrations._openai_usage import usage_facts

MAX_NAME = 1_000
"""Characters of an id, a model, a reason that are kept."""


class Answer:
    """What was read out of one answer."""

    def __init__(self, contents: Contents | None = None) -> None:
        self.facts: dict[str, Any] = {}
        self.contents = contents or []
        self.error: Object | None = None
        """The provider's own account of what went wrong, in an answer that came with status 200."""


_Reader = Callable[[Answer, Object, Endpoint, bool], None]


def read_answer(endpoint: Endpoint, body: Any, *, with_content: bool = True) -> Answer:
    """Facts and contents of a body that was JSON, or of a stream folded into one.

    Args:
        endpoint: Where it came from.
        body: The JSON value.
        with_content: False: facts alone, and media are not kept.
    """
    answer = Answer()
    read = _READERS.get(endpoint.api, _other)
    if not isinstance(body, dict):
        answer.contents = [(semconv.OUTPUT, without_media(body) if with_content else None)]
        return answer
    whole = as_object(body)
    read(answer, whole, endpoint, with_content)
    error = whole.get("error")
    if error and endpoint.api != "other":
        answer.error = as_object(error) or {"message": str(error)}
    return answer


def _common(answer: Answer, body: Object, endpoint: Endpoint) -> None:
    facts = answer.facts
    for key, name in _NAMES:
        value = body.get(key)
        if isinstance(value, str) and value:
            facts[name] = value[:MAX_NAME]
    usage = as_object(body.get("usage") or as_object(body.get("x_groq")).get("usage"))
    if usage:
        facts[semconv.USAGE_RAW] = recording.plain_json(usage) or to_json(usage)
        if endpoint.response_id is None:
            facts.update(usage_facts(usage))


_NAMES = (
    ("id", semconv.RESPONSE_ID),
    ("model", semconv.RESPONSE_MODEL),
    ("service_tier", semconv.OPENAI_RESPONSE_SERVICE_TIER),
    ("system_fingerprint", semconv.OPENAI_SYSTEM_FINGERPRINT),
)
_COMMON_KEYS = (
    *("id", "model", "service_tier", "system_fingerprint", "usage", "object", "created"),
    *("created_at", "error"),
)


def _extra(answer: Answer, body: Object, *known: str) -> None:
    more = rest(body, *_COMMON_KEYS, *known)
    if isinstance(body.get("error"), dict):
        error = error_extra(as_object(body["error"]))
        more.update({"error": error} if error else {})
    if more:
        answer.contents.append((semconv.RESPONSE_EXTRA, without_media(more)))


def error_extra(error: Object) -> Object:
    """What a provider says of an error beyond code, type and message."""
    return rest(as_object(error.get("error")) or error, *_ERROR_KEYS)


_ERROR_KEYS = ("code", "type", "param", "message", "sequence_number")

_FINISH_REASONS = {"tool_calls": "tool_call", "function_call": "tool_call"}


def _finish_reason(choice: Object) -> str:
    """In the conventions' words; a choice that never finished is an error."""
    reason = str(choice.get("finish_reason") or "error")[:MAX_NAME]
    return _FINISH_REASONS.get(reason, reason)


def _choices(body: Object) -> list[Object]:
    choices = as_list(body.get("choices"))
    if len(choices) > 1:
        choices.sort(key=_index)
    return list(map(as_object, choices))


def _index(choice: Any) -> int:
    index = as_object(choice).get("index")
    return index if type(index) is int else 0


def _choices_read_by(message: Callable[[Object], Object]) -> _Reader:
    def read(answer: Answer, body: Object, endpoint: Endpoint, with_content: bool) -> None:
        _common(answer, body, endpoint)
        reasons: list[str] = []
        messages: list[Object] = []
        for choice in _choices(body):
            reason = _finish_reason(choice)
            reasons.append(reason)
            if with_content:
                messages.append({**message(choice), "finish_reason": reason})
        if reasons:
            answer.facts[semconv.RESPONSE_FINISH_REASONS] = reasons
        if with_content:
            answer.contents.append((semconv.OUTPUT_MESSAGES, messages or None))
            if not _CHOICES_KEYS.issuperset(body):
                _extra(answer, body, "choices")

    return read


_CHOICES_KEYS = frozenset({*_COMMON_KEYS, "choices"}) - {"error"}


def _chat_choice(choice: Object) -> Object:
    message = chat_message(as_object(choice.get("message")))
    if not _CHOICE_KEYS.issuperset(choice):
        message.update(rest(choice, *_CHOICE_KEYS))
    return message


_CHOICE_KEYS = frozenset({"index", "message", "finish_reason"})


def _text_choice(choice: Object) -> Object:
    return {
        "role": "assistant",
        "parts": [text_part(str(choice.get("text") or ""))],
        **rest(choice, "index", "text", "finish_reason"),
    }


_ECHOES = (
    *("instructions", "tools", "tool_choice", "text", "temperature", "top_p", "top_logprobs"),
    *("truncation", "parallel_tool_calls", "reasoning", "max_output_tokens", "max_tool_calls"),
    *("metadata", "store", "user", "safety_identifier", "prompt_cache_key", "background"),
    *("prompt_cache_retention", "prompt", "frequency_penalty", "presence_penalty"),
)
"""What a response repeats of its request."""


def _responses(answer: Answer, body: Object, endpoint: Endpoint, with_content: bool) -> None:
    _common(answer, body, endpoint)
    facts, items = answer.facts, as_list(body.get("output"))
    status = body.get("status")
    if isinstance(status, str):
        facts[semconv.RESPONSE_STATUS] = status[:MAX_NAME]
    reason = _response_finish(body, items)
    if reason is not None:
        facts[semconv.RESPONSE_FINISH_REASONS] = [reason]
    conversation = as_object(body.get("conversation")).get("id")
    if isinstance(conversation, str):
        facts[semconv.CONVERSATION_ID] = conversation[:MAX_NAME]
    if isinstance(body.get("previous_response_id"), str):
        facts[semconv.REQUEST_PREVIOUS_RESPONSE_ID] = body["previous_response_id"][:MAX_NAME]
    if any(as_object(item).get("type") == "compaction" for item in items):
        facts[semconv.CONVERSATION_COMPACTED] = True
    if with_content:
        messages = output_messages(items)
        if messages and reason is not None:
            messages[-1]["finish_reason"] = reason
        answer.contents.append((semconv.OUTPUT_MESSAGES, messages or None))
        _extra(
            answer,
            body,
            *("output", "status", "conversation", "previous_response_id", "incomplete_details"),
            *("completed_at", *_ECHOES),
        )


def _response_finish(body: Object, items: list[Any]) -> str | None:
    status = body.get("status")
    if status in {"queued", "in_progress"}:
        return None
    if status == "incomplete":
        reason = as_object(body.get("incomplete_details")).get("reason")
        return "length" if reason == "max_output_tokens" else str(reason or "error")[:MAX_NAME]
    if status in {"failed", "cancelled"}:
        return "error"
    if any(as_object(item).get("type") == "compaction" for item in items[-1:]) and not status:
        return "compaction"
    return "tool_call" if any(is_client_call(as_object(i)) for i in items) else "stop"


def _embeddings(answer: Answer, body: Object, endpoint: Endpoint, with_content: bool) -> None:
    """Vectors are counted and not kept: they are large, and the model gives the same again."""
    _common(answer, body, endpoint)
    vectors = [as_object(item).get("embedding") for item in as_list(body.get("data"))]
    size = _dimensions(vectors[0]) if vectors else None
    if size is not None:
        answer.facts[semconv.EMBEDDINGS_DIMENSIONS] = size
    if with_content:
        answer.contents.append((semconv.OUTPUT, {"embeddings": len(vectors), "dimensions": size}))
        _extra(answer, body, "data")


def _dimensions(vector: Any) -> int | None:
    if isinstance(vector, str):  # base64 of 32-bit floats
        return (len(vector.rstrip("=")) * 3 // 4) // 4
    return len(as_list(vector)) or None


def _images(answer: Answer, body: Object, endpoint: Endpoint, with_content: bool) -> None:
    _common(answer, body, endpoint)
    if type(body.get("partial_images")) is int:
        answer.facts[semconv.PARTIAL_IMAGES] = body["partial_images"]
    if not with_content:
        return
    form = body.get("output_format")
    kind = f"image/{form}" if isinstance(form, str) else None
    images = [_image(as_object(image), kind) for image in as_list(body.get("data"))]
    said = [{"role": "assistant", "parts": [part]} for part in images]
    answer.contents.append((semconv.OUTPUT_MESSAGES, said or None))
    _extra(answer, body, "data", "partial_images")


def _image(image: Object, kind: str | None) -> Object:
    data = image.get("b64_json") or image.get("url") or ""
    return made_part(data, "image", kind, **rest(image, "b64_json", "url"))


def _transcription(answer: Answer, body: Object, endpoint: Endpoint, with_content: bool) -> None:
    _common(answer, body, endpoint)
    if with_content:
        text = text_part(str(body.get("text") or ""), **rest(body, "text", *_COMMON_KEYS))
        answer.contents.append((semconv.OUTPUT_MESSAGES, [_assistant(text)]))


def _assistant(*parts: Object) -> Object:
    return {"role": "assistant", "parts": list(parts)}


def _speech(answer: Answer, body: Object, endpoint: Endpoint, with_content: bool) -> None:
    """A stream of events, folded: the sound as bytes."""
    _common(answer, body, endpoint)
    data = body.get("audio")
    if with_content and isinstance(data, bytes):
        sound = blob_part(data, media.kind_of(data) or media.UNKNOWN, "audio")
        answer.contents.append((semconv.OUTPUT_MESSAGES, [_assistant(sound)]))


def _moderations(answer: Answer, body: Object, endpoint: Endpoint, with_content: bool) -> None:
    _common(answer, body, endpoint)
    if with_content:
        answer.contents.append((semconv.OUTPUT, body.get("results")))
        _extra(answer, body, "results")


def _other(answer: Answer, body: Object, endpoint: Endpoint, with_content: bool) -> None:
    if with_content:
        hidden = ("value",) if _gives_secrets(endpoint) else ()
        answer.contents.append((semconv.OUTPUT, without_secrets(without_media(body), *hidden)))


def _gives_secrets(endpoint: Endpoint) -> bool:
    return any(
        word in endpoint.label for word in ("secret", "session", "key", "account", "realtime")
    )


_READERS: dict[str, _Reader] = {
    "chat": _choices_read_by(_chat_choice),
    "completions": _choices_read_by(_text_choice),
    "responses": _responses,
    "embeddings": _embeddings,
    "images": _images,
    "speech": _speech,
    "transcription": _transcription,
    "moderations": _moderations,
}


def read_media(data: bytes, media_type: str, *, with_content: bool = True) -> Answer:
    """A body that is no JSON: plain text, or a file, which is kept as an artifact."""
    if not with_content or not data:
        return Answer()
    if media_type.startswith("text/") or media_type in {"", "application/x-subrip"}:
        try:
            message = _assistant(*content_parts(data.decode()))
        except UnicodeDecodeError:
            message = _assistant(blob_part(data, media_type or None, "document"))
    else:
        kind = media_type.partition("/")[0]
        modality = kind if kind in {"audio", "image", "video"} else "document"
        message = _assistant(blob_part(data, media_type, modality))
    return Answer(contents=[(semconv.OUTPUT_MESSAGES, [message])])
