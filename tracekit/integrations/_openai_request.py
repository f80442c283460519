"""What a request to the OpenAI API says, as attributes: pure functions of its plain data."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from tracekit import media, recording, semconv
from tracekit.integrations._messages import (
    Object,
    as_list,
    as_object,
    blob_part,
    content_parts,
    text_part,
    without_media,
    without_secrets,
)
from tracekit.integrations._openai_chat import chat_message, tool_definitions
from tracekit.integrations._openai_endpoints import Endpoint
from tracekit.integrations._openai_items import input_messages

Contents = list[tuple[str, Any]]
"""Content attributes and their values, to go through the capture switch and the mask."""


def put_contents(attributes: dict[str, Any], contents: Contents) -> None:
    """Put contents into attributes: as JSON text, after the capture switch and the mask."""
    for key, value in contents:
        if value is not None:
            recording.put_content(attributes, key, value, is_json=True)


def request_facts(endpoint: Endpoint, body: Object) -> dict[str, Any]:
    """What is asked for, without content: model, parameters, ids.

    >>> from tracekit.integrations._openai_endpoints import find_endpoint
    >>> request_facts(find_endpoint("POST", "/chat/completions"), {"model": "m", "n": 2})
    {'openai.api.type': 'chat_completions', 'gen_ai.request.model': 'm', \
'gen_ai.request.choice.count': 2}
    """
    facts: dict[str, Any] = {}
    if endpoint.api in _API_TYPES:
        facts[semconv.OPENAI_API_TYPE] = _API_TYPES[endpoint.api]
    if endpoint.response_id is not None:
        facts[semconv.RESPONSE_ID] = endpoint.response_id
    if endpoint.api == "other":
        return facts
    for key, value in body.items():
        if key in _PLAIN:
            kind, name = _PLAIN[key]
            if type(value) is kind or (kind is str and isinstance(value, str)):
                facts[name] = value
            elif kind is float and type(value) is int:
                facts[name] = float(value)
        elif key in _FACTS and value is not None:
            _FACTS[key](facts, value)
    output = _OUTPUT_TYPES.get(endpoint.api)
    if output is None and not _FORM_KEYS.isdisjoint(body):
        output = _output_type(body)
    if output is not None:
        facts[semconv.OUTPUT_TYPE] = output
    return facts


_API_TYPES = {"chat": "chat_completions", "responses": "responses"}
_OUTPUT_TYPES = {"images": "image", "speech": "speech", "transcription": "text"}

_PLAIN: dict[str, tuple[type[Any], str]] = {
    "model": (str, semconv.REQUEST_MODEL),
    "temperature": (float, semconv.REQUEST_TEMPERATURE),
    "top_p": (float, semconv.REQUEST_TOP_P),
    "top_k": (int, semconv.REQUEST_TOP_K),
    "frequency_penalty": (float, semconv.REQUEST_FREQUENCY_PENALTY),
    "presence_penalty": (float, semconv.REQUEST_PRESENCE_PENALTY),
    "max_tokens": (int, semconv.REQUEST_MAX_TOKENS),
    "max_completion_tokens": (int, semconv.REQUEST_MAX_TOKENS),
    "max_output_tokens": (int, semconv.REQUEST_MAX_TOKENS),
    "seed": (int, semconv.REQUEST_SEED),
    "reasoning_effort": (str, semconv.REQUEST_REASONING_LEVEL),
    "dimensions": (int, semconv.EMBEDDINGS_DIMENSIONS),
    "previous_response_id": (str, semconv.REQUEST_PREVIOUS_RESPONSE_ID),
}
"""Parameters that are facts as they are, if they are of their type."""


def _choice_count(facts: dict[str, Any], value: Any) -> None:
    if type(value) is int and value != 1:
        facts[semconv.REQUEST_CHOICE_COUNT] = value


def _stream(facts: dict[str, Any], value: Any) -> None:
    if value is True:
        facts[semconv.REQUEST_STREAM] = True


def _stop(facts: dict[str, Any], value: Any) -> None:
    stops = [value] if isinstance(value, str) else as_list(value)
    facts[semconv.REQUEST_STOP_SEQUENCES] = [str(stop) for stop in stops]


def _service_tier(facts: dict[str, Any], value: Any) -> None:
    if isinstance(value, str) and value != "auto":
        facts[semconv.OPENAI_REQUEST_SERVICE_TIER] = value


def _reasoning(facts: dict[str, Any], value: Any) -> None:
    _put_text(facts, semconv.REQUEST_REASONING_LEVEL, as_object(value).get("effort"))


def _encoding(facts: dict[str, Any], value: Any) -> None:
    if isinstance(value, str):
        facts[semconv.REQUEST_ENCODING_FORMATS] = [value]


def _conversation(facts: dict[str, Any], value: Any) -> None:
    _put_text(facts, semconv.CONVERSATION_ID, as_object(value).get("id", value))


def _prompt(facts: dict[str, Any], value: Any) -> None:
    template = as_object(value)
    _put_text(facts, semconv.PROMPT_NAME, template.get("id"))
    _put_text(facts, semconv.PROMPT_VERSION, template.get("version"))


def _put_text(facts: dict[str, Any], name: str, value: Any) -> None:
    if isinstance(value, str):
        facts[name] = value


_FACTS: dict[str, Callable[[dict[str, Any], Any], None]] = {
    "n": _choice_count,
    "stop": _stop,
    "stream": _stream,
    "service_tier": _service_tier,
    "reasoning": _reasoning,
    "encoding_format": _encoding,
    "conversation": _conversation,
    "prompt": _prompt,
}


_FORM_KEYS = frozenset({"response_format", "text", "modalities"})


def _output_type(body: Object) -> str | None:
    form = as_object(body.get("response_format")) or as_object(
        as_object(body.get("text")).get("format")
    )
    if form.get("type") in {"json_object", "json_schema"}:
        return "json"
    if "audio" in as_list(body.get("modalities")):
        return "speech"
    return "text" if form.get("type") == "text" else None


_PARAMETERS = frozenset(
    (
        *(
            "tool_choice",
            "parallel_tool_calls",
            "max_tool_calls",
            "function_call",
            "response_format",
        ),
        *("text", "reasoning", "logit_bias", "logprobs", "top_logprobs", "modalities", "audio"),
        *("prediction", "verbosity", "truncation", "include", "store", "metadata", "background"),
        *("web_search_options", "prompt_cache_key", "prompt_cache_retention", "safety_identifier"),
        *("user", "stream_options", "best_of", "echo", "suffix", "size", "quality", "style"),
        *("output_format", "output_compression", "partial_images", "moderation", "input_fidelity"),
        *("response_format", "voice", "speed", "stream_format", "language", "chunking_strategy"),
        *("timestamp_granularities", "known_speaker_names", "context_management", "min_p", "top_a"),
        *("repetition_penalty", "provider", "models", "route", "transforms", "plugins", "usage"),
        *(
            "thinking",
            "enable_thinking",
            "chat_template_kwargs",
            "reasoning_format",
            "service_tier",
        ),
        *(
            "extra_body",
            "search_parameters",
            "return_images",
            "safe_prompt",
            "random_seed",
            "prompt",
        ),
    )
)
"""An allow-list, so that no secret of an unknown parameter is recorded."""


def request_contents(endpoint: Endpoint, body: Object, files: Any = None) -> Contents:
    """What the caller wrote: messages, instructions, tools, and parameters without a name."""
    read = _CONTENTS.get(endpoint.api)
    if read is None:
        sent = without_secrets(without_media(body))
        parts = _file_parts(files, "document")
        return [(semconv.INPUT, {**sent, "files": parts} if parts else sent or None)]
    contents = read(body, files)
    tools = tool_definitions(_tools(body)) if "tools" in body or "functions" in body else None
    contents.append((semconv.TOOL_DEFINITIONS, tools or None))
    if not _PARAMETERS.isdisjoint(body):
        contents.append((semconv.REQUEST_PARAMETERS, _parameters(body)))
    return contents


def _parameters(body: Object) -> Object | None:
    known = {k: v for k, v in body.items() if k in _PARAMETERS and v is not None}
    if not isinstance(known.get("prompt"), dict):  # a prompt in words is a message
        known.pop("prompt", None)
    return cast("Object", without_secrets(without_media(known))) if known else None


def _tools(body: Object) -> list[Any]:
    functions = [{"type": "function", "function": f} for f in as_list(body.get("functions"))]
    return as_list(body.get("tools")) + functions


def _chat(body: Object, _files: Any) -> Contents:
    messages = [chat_message(as_object(message)) for message in as_list(body.get("messages"))]
    return [(semconv.INPUT_MESSAGES, messages)]


def _completions(body: Object, _files: Any) -> Contents:
    prompt = body.get("prompt")
    several = isinstance(prompt, list) and all(not isinstance(p, int) for p in as_list(prompt))
    prompts: list[Any] = as_list(prompt) if several else [] if prompt is None else [prompt]
    return [(semconv.INPUT_MESSAGES, [_user([_prompt_part(p)]) for p in prompts])]


def _prompt_part(prompt: Any) -> Object:
    return text_part(prompt) if isinstance(prompt, str) else {"type": "tokens", "content": prompt}


def _user(parts: list[Object]) -> Object:
    return {"role": "user", "parts": parts}


def _responses(body: Object, _files: Any) -> Contents:
    instructions = body.get("instructions")
    given = input_messages(body.get("input")) if body.get("input") is not None else []
    variables = as_object(as_object(body.get("prompt")).get("variables"))
    return [
        (semconv.SYSTEM_INSTRUCTIONS, content_parts(instructions) if instructions else None),
        (semconv.INPUT_MESSAGES, given or None),
        *((semconv.PROMPT_VARIABLE_PREFIX + name, _variable(v)) for name, v in variables.items()),
    ]


def _variable(value: Any) -> Any:
    return recording.JsonText(value) if isinstance(value, str) else without_media(value)


def _embeddings(body: Object, _files: Any) -> Contents:
    return [(semconv.INPUT, body.get("input"))]


def _images(body: Object, files: Any) -> Contents:
    words = [text_part(body["prompt"])] if isinstance(body.get("prompt"), str) else []
    return [(semconv.INPUT_MESSAGES, [_user([*words, *_file_parts(files, "image")])])]


def _speech(body: Object, _files: Any) -> Contents:
    instructions = body.get("instructions")
    return [
        (semconv.SYSTEM_INSTRUCTIONS, content_parts(instructions) if instructions else None),
        (semconv.INPUT_MESSAGES, [_user(content_parts(body.get("input")))]),
    ]


def _transcription(body: Object, files: Any) -> Contents:
    words = [text_part(body["prompt"])] if isinstance(body.get("prompt"), str) else []
    return [(semconv.INPUT_MESSAGES, [_user([*words, *_file_parts(files, "audio")])])]


def _moderations(body: Object, _files: Any) -> Contents:
    given = body.get("input")
    return [(semconv.INPUT_MESSAGES, [_user(content_parts(given))] if given else None)]


_CONTENTS: dict[str, Callable[[Object, Any], Contents]] = {
    "chat": _chat,
    "completions": _completions,
    "responses": _responses,
    "tokens": _responses,
    "embeddings": _embeddings,
    "images": _images,
    "speech": _speech,
    "transcription": _transcription,
    "moderations": _moderations,
}


def _file_parts(files: Any, modality: str) -> list[Object]:
    """The files of an upload, in any form that httpx takes. Nothing is read from open files."""
    pairs = (
        list(cast("Mapping[str, Any]", files).items())
        if isinstance(files, Mapping)
        else as_list(files)
    )
    return [_file_part(pair[1], modality) for pair in pairs if len(pair) == 2]


def _file_part(file: Any, modality: str) -> Object:
    fields: list[Any] = (
        [*as_list(file), None, None] if isinstance(file, tuple) else [None, file, None]
    )
    name, content, kind = fields[:3]
    known = {"filename": name} if isinstance(name, str) else {}
    if isinstance(content, bytes | bytearray):
        data = bytes(content)
        return blob_part(data, kind or media.kind_of(data) or media.UNKNOWN, modality, **known)
    if not known and isinstance(getattr(content, "name", None), str):
        known = {"filename": str(content.name).rpartition("/")[2]}
    mime = {"mime_type": kind} if isinstance(kind, str) else {}
    return {"type": "file", "modality": modality, **mime, **known}
