"""Logfire and pydantic-ai: `request_data`, `events`, `all_messages_events`.

Source: github.com/pydantic/logfire and github.com/pydantic/pydantic-ai.
"""

from collections.abc import Mapping
from typing import Any

from tracekit import semconv
from tracekit.convert.dialect import Facts, request_parameters, usage_of
from tracekit.convert.messages import to_message, to_messages, to_tool_definitions
from tracekit.convert.reading import (
    Object,
    as_count,
    as_json_text,
    as_list,
    as_object,
    as_text,
    first,
    known,
    to_json,
)

_MARKS = ("logfire.msg_template", "logfire.msg", "logfire.span_type", "logfire.json_schema")


def speaks(attributes: Mapping[str, Any]) -> bool:
    """Whether a span is in this dialect."""
    return any(mark in attributes for mark in _MARKS) or "model_request_parameters" in attributes


def translate(facts: Facts) -> Object:
    """What it says, in the names of the conventions."""
    attributes = facts.attributes
    request = as_object(attributes.get("request_data"))
    response = as_object(attributes.get("response_data"))
    agent = as_text(first(attributes, "agent_name"))
    return known(
        {
            semconv.OPERATION: _operation(attributes, request),
            semconv.REQUEST_MODEL: as_text(request.get("model")),
            **request_parameters(request),
            **usage_of(as_object(response.get("usage"))),
            semconv.REASONING_TOKENS: as_count(
                attributes.get("gen_ai.usage.details.reasoning_tokens")
            ),
            semconv.CACHE_READ_TOKENS: as_count(
                attributes.get("gen_ai.usage.details.cached_tokens")
            ),
            semconv.AGENT_NAME: agent,
            **_content(attributes, request, response),
            semconv.INPUT: as_json_text(attributes.get("tool_arguments")),
            semconv.OUTPUT: as_json_text(first(attributes, "tool_response", "final_result")),
        }
    )


def _operation(attributes: Mapping[str, Any], request: Object) -> str | None:
    if "tool_arguments" in attributes or "tool_response" in attributes:
        return "execute_tool"
    if "all_messages_events" in attributes or "pydantic_ai.all_messages" in attributes:
        return "invoke_agent"
    if "model_request_parameters" in attributes or request.get("messages"):
        return "chat"
    return "embeddings" if "input" in request and "encoding_format" in request else None


def _content(attributes: Mapping[str, Any], request: Object, response: Object) -> Object:
    events = [
        as_object(event) for event in as_list(first(attributes, "events", "all_messages_events"))
    ]
    messages = [event for event in events if event.get("event.name") != "gen_ai.choice"]
    choices = [
        as_object(event.get("message"))
        for event in events
        if event.get("event.name") == "gen_ai.choice"
    ]
    answer = response.get("message")
    if answer is None and response.get("combined_chunk_content"):
        answer = {"role": "assistant", "content": response["combined_chunk_content"]}
    sent = to_messages(as_list(request.get("messages")) or map(_with_tool_id, messages))
    made = [to_message(as_object(answer))] if answer else to_messages(choices)
    tools = to_tool_definitions(as_list(request.get("tools")))
    return {
        semconv.INPUT_MESSAGES: to_json(sent) if sent else None,
        semconv.OUTPUT_MESSAGES: to_json(made) if made else None,
        semconv.TOOL_DEFINITIONS: to_json(tools) if tools else None,
    }


def _with_tool_id(event: Object) -> Object:
    if event.get("role") == "tool":
        return {**event, "tool_call_id": first(event, "tool_call_id", "id")}
    return event
