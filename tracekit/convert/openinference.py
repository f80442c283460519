"""OpenInference (Arize): flattened messages and `openinference.span.kind`.

Source: github.com/Arize-ai/openinference, spec/semantic_conventions.md.
"""

from collections.abc import Mapping
from typing import Any

from tracekit import semconv
from tracekit.capture import from_json
from tracekit.convert.dialect import Facts, metadata, provider_name, request_parameters
from tracekit.convert.flat import tree_of
from tracekit.convert.messages import finish_reason, to_message, to_tool_definitions
from tracekit.convert.reading import (
    Object,
    as_count,
    as_json_text,
    as_list,
    as_number,
    as_object,
    as_text,
    first,
    known,
    to_json,
)

_OPERATIONS = {
    "LLM": "chat",
    "EMBEDDING": "embeddings",
    "RETRIEVER": "retrieval",
    "RERANKER": "rerank",
    "TOOL": "execute_tool",
    "AGENT": "invoke_agent",
}
_COUNTS = {
    "llm.token_count.prompt": semconv.INPUT_TOKENS,
    "llm.token_count.completion": semconv.OUTPUT_TOKENS,
    "llm.token_count.prompt_details.cache_read": semconv.CACHE_READ_TOKENS,
    "llm.token_count.prompt_details.cache_write": semconv.CACHE_WRITE_TOKENS,
    "llm.token_count.prompt_details.audio": semconv.AUDIO_INPUT_TOKENS,
    "llm.token_count.completion_details.reasoning": semconv.REASONING_TOKENS,
    "llm.token_count.completion_details.audio": semconv.AUDIO_OUTPUT_TOKENS,
}
_FIRST_TOKEN = "First Token Stream Event"


def speaks(attributes: Mapping[str, Any]) -> bool:
    """Whether a span is in this dialect."""
    return "openinference.span.kind" in attributes


def translate(facts: Facts) -> Object:
    """What it says, in the names of the conventions."""
    attributes = facts.attributes
    kind = as_text(attributes.get("openinference.span.kind")) or ""
    operation = _OPERATIONS.get(kind.upper())
    if operation == "chat" and any(key.startswith("llm.prompts.") for key in attributes):
        operation = "text_completion"
    return known(
        {
            semconv.OPERATION: operation,
            semconv.SPAN_TYPE: None if operation else kind.lower(),
            semconv.PROVIDER: provider_name(first(attributes, "llm.provider", "llm.system")),
            **_models(attributes),
            **request_parameters(as_object(attributes.get("llm.invocation_parameters"))),
            **{name: as_count(attributes.get(key)) for key, name in _COUNTS.items()},
            semconv.COST: as_number(attributes.get("llm.cost.total")),
            semconv.RESPONSE_FINISH_REASONS: _finish_reasons(attributes),
            **_content(attributes),
            **_tool(attributes),
            semconv.AGENT_NAME: attributes.get("agent.name"),
            semconv.PROMPT_NAME: first(attributes, "prompt.id"),
            semconv.PROMPT_VERSION: attributes.get("llm.prompt_template.version"),
            semconv.RESPONSE_TIME_TO_FIRST_CHUNK: _time_to_first_token_s(facts),
            **metadata(as_object(attributes.get("metadata"))),
        }
    )


def _models(attributes: Mapping[str, Any]) -> Object:
    """`llm.model_name` is the model that answered, where that is known."""
    parameters = as_object(attributes.get("llm.invocation_parameters"))
    answer = as_object(attributes.get("output.value"))
    named = first(attributes, "llm.model_name", "embedding.model_name", "reranker.model_name")
    asked = first(attributes, "llm.request.model_name") or parameters.get("model") or named
    answered = first(attributes, "llm.response.model_name") or answer.get("model")
    if answered is None and named != asked:
        answered = named
    return {
        semconv.REQUEST_MODEL: as_text(asked),
        semconv.RESPONSE_MODEL: as_text(answered),
        semconv.RESPONSE_ID: as_text(answer.get("id")),
    }


def _finish_reasons(attributes: Mapping[str, Any]) -> list[str] | None:
    reason = finish_reason(as_text(attributes.get("llm.finish_reason")))
    return None if reason is None else [reason]


def _content(attributes: Mapping[str, Any]) -> Object:
    sent, made = (
        _messages(attributes, "llm.input_messages"),
        _messages(attributes, "llm.output_messages"),
    )
    prompts = [
        {"role": "user", "content": as_object(as_object(item).get("prompt")).get("text")}
        for item in tree_of(attributes, "llm.prompts")
    ]
    choices = [
        {"role": "assistant", "content": as_object(as_object(item).get("completion")).get("text")}
        for item in tree_of(attributes, "llm.choices")
    ]
    tools = [
        from_json(as_object(as_object(item).get("tool")).get("json_schema"))
        for item in tree_of(attributes, "llm.tools")
    ]
    documents = [
        _document(as_object(as_object(item).get("document")))
        for item in tree_of(attributes, "retrieval.documents")
    ]
    return {
        semconv.INPUT_MESSAGES: _listed(sent or [to_message(item) for item in prompts]),
        semconv.OUTPUT_MESSAGES: _listed(made or [to_message(item) for item in choices]),
        semconv.TOOL_DEFINITIONS: _listed(to_tool_definitions(tools)),
        semconv.INPUT: _value(attributes, "input"),
        semconv.OUTPUT: _listed(documents) or _value(attributes, "output"),
    }


def _messages(attributes: Mapping[str, Any], prefix: str) -> list[Object]:
    items = [as_object(as_object(item).get("message")) for item in tree_of(attributes, prefix)]
    return [to_message(_plain(item)) for item in items]


def _plain(message: Object) -> Object:
    """A flattened message in OpenAI's shape."""
    calls = [
        as_object(as_object(call).get("tool_call")) for call in as_list(message.get("tool_calls"))
    ]
    parts = [
        _plain_part(as_object(as_object(part).get("message_content")))
        for part in as_list(message.get("contents"))
    ]
    if "function_call_name" in message:
        legacy = first(message, "function_call_arguments_json")
        calls.append({"name": message["function_call_name"], "arguments": legacy})
    return {**message, "content": parts or message.get("content"), "tool_calls": calls}


def _plain_part(part: Object) -> Object:
    image = as_object(as_object(part.get("image")).get("image")).get("url")
    return {**part, "image_url": image} if image else part


def _document(document: Object) -> Object:
    return known({**document, "metadata": from_json(document.get("metadata"))})


def _value(attributes: Mapping[str, Any], side: str) -> str | None:
    """As JSON text: `mime_type` says whether it is that already."""
    value = attributes.get(f"{side}.value")
    if isinstance(value, str) and attributes.get(f"{side}.mime_type") != "application/json":
        return to_json(value)
    return as_json_text(value)


def _tool(attributes: Mapping[str, Any]) -> Object:
    return {
        semconv.TOOL_NAME: as_text(attributes.get("tool.name")),
        semconv.TOOL_DESCRIPTION: as_text(attributes.get("tool.description")),
        semconv.TOOL_CALL_ID: first(attributes, "tool_call.id", "tool.id"),
    }


def _listed(items: list[Object]) -> str | None:
    return to_json(items) if items else None


def _time_to_first_token_s(facts: Facts) -> float | None:
    for event in facts.events:
        if event.get("name") == _FIRST_TOKEN:
            at_ns: int = event["at_ns"]
            return max(0, at_ns - facts.start_ns) / 1e9
    return None
