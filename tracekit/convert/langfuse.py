"""Langfuse's own attributes: `langfuse.observation.*`.

Source: github.com/langfuse/langfuse-python, langfuse/_client/attributes.py.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tracekit import semconv
from tracekit.capture import from_json
from tracekit.convert.dialect import Facts, below, metadata, request_parameters
from tracekit.convert.messages import to_messages, to_tool_definitions
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

_AT = "langfuse.observation."
_OPERATIONS = {
    "generation": "chat",
    "embedding": "embeddings",
    "agent": "invoke_agent",
    "tool": "execute_tool",
    "chain": "invoke_workflow",
    "retriever": "retrieval",
}


def speaks(attributes: Mapping[str, Any]) -> bool:
    """Whether a span is in this dialect."""
    return f"{_AT}type" in attributes or any(key.startswith("langfuse.") for key in attributes)


def translate(facts: Facts) -> Object:
    """What it says, in the names of the conventions."""
    attributes = facts.attributes
    said = below(attributes, _AT)
    kind = as_text(said.get("type")) or ""
    operation = _OPERATIONS.get(kind)
    return known(
        {
            semconv.OPERATION: operation,
            semconv.SPAN_TYPE: kind if operation is None and kind != "span" else None,
            semconv.REQUEST_MODEL: as_text(said.get("model.name")),
            **request_parameters(as_object(said.get("model.parameters"))),
            **_usage(as_object(said.get("usage_details"))),
            semconv.COST: as_number(as_object(said.get("cost_details")).get("total")),
            semconv.RESPONSE_TIME_TO_FIRST_CHUNK: _time_to_first_token_s(said, facts.start_ns),
            semconv.PROMPT_NAME: as_text(said.get("prompt.name")),
            semconv.PROMPT_VERSION: _version(said.get("prompt.version")),
            semconv.SESSION_ID: as_text(attributes.get("langfuse.session.id")),
            semconv.USER_ID: as_text(attributes.get("langfuse.user.id")),
            **_content(said, is_model_call=operation == "chat"),
            **metadata(_plain(below(attributes, "langfuse.trace.metadata."))),
            **metadata(_plain(below(said, "metadata."))),
        }
    )


def _content(said: Object, *, is_model_call: bool) -> Object:
    sent, made = from_json(said.get("input")), from_json(said.get("output"))
    facts: Object = {
        semconv.INPUT: as_json_text(said.get("input")),
        semconv.OUTPUT: as_json_text(said.get("output")),
    }
    if is_model_call:
        request = as_object(sent)
        messages = as_list(sent) or as_list(request.get("messages"))
        answers = as_list(made) or ([made] if isinstance(made, dict) else [])
        if isinstance(made, str):
            answers = [{"role": "assistant", "content": made}]
        facts[semconv.INPUT_MESSAGES] = to_json(to_messages(messages)) if messages else None
        facts[semconv.OUTPUT_MESSAGES] = to_json(to_messages(answers)) if answers else None
        tools = to_tool_definitions(as_list(request.get("tools")))
        facts[semconv.TOOL_DEFINITIONS] = to_json(tools) if tools else None
    return facts


def _usage(usage: Object) -> Object:
    """Langfuse counts cached tokens apart from `input`; the conventions count them in."""
    cached = as_count(first(usage, "cache_read_input_tokens", "input_cached_tokens"))
    plain = as_count(usage.get("input"))
    whole = as_count(first(usage, "prompt_tokens", "input_tokens"))
    if whole is None and plain is not None:
        whole = plain + (cached or 0)
    return {
        semconv.INPUT_TOKENS: whole,
        semconv.OUTPUT_TOKENS: as_count(
            first(usage, "output", "completion_tokens", "output_tokens")
        ),
        semconv.CACHE_READ_TOKENS: cached,
        semconv.REASONING_TOKENS: as_count(first(usage, "output_reasoning_tokens")),
    }


def _time_to_first_token_s(said: Object, start_ns: int) -> float | None:
    text = from_json(said.get("completion_start_time"))
    if not isinstance(text, str):
        return None
    try:
        at_s = datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None
    return max(0.0, at_s - start_ns / 1e9)


def _version(value: Any) -> str | None:
    return None if value is None else str(value)


def _plain(facts: Object) -> Object:
    return {name: from_json(value) for name, value in facts.items()}
