"""OpenLLMetry (Traceloop), and GenAI attributes of before 2025: `gen_ai.prompt.0.role`.

Source: github.com/traceloop/openllmetry, opentelemetry-semantic-conventions-ai; and the history
of github.com/open-telemetry/semantic-conventions, docs/gen-ai.
"""

from collections.abc import Mapping
from typing import Any

from tracekit import semconv
from tracekit.convert.dialect import Facts, below, metadata, provider_name
from tracekit.convert.flat import tree_of
from tracekit.convert.messages import finish_reason, to_messages, to_tool_definitions
from tracekit.convert.reading import (
    Object,
    as_count,
    as_json_text,
    as_object,
    as_text,
    first,
    known,
    to_json,
)

_OPERATIONS = {
    "chat": "chat",
    "completion": "text_completion",
    "embedding": "embeddings",
    "rerank": "rerank",
    "workflow": "invoke_workflow",
    "agent": "invoke_agent",
    "tool": "execute_tool",
}
_COUNTS = {
    semconv.INPUT_TOKENS: ("gen_ai.usage.prompt_tokens", "llm.usage.prompt_tokens"),
    semconv.OUTPUT_TOKENS: ("gen_ai.usage.completion_tokens", "llm.usage.completion_tokens"),
    semconv.REASONING_TOKENS: ("gen_ai.usage.reasoning_tokens", "llm.usage.reasoning_tokens"),
    semconv.CACHE_READ_TOKENS: ("gen_ai.usage.cache_read_input_tokens",),
    semconv.CACHE_WRITE_TOKENS: (
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
    ),
}
_RENAMED = {
    semconv.REQUEST_REASONING_LEVEL: (
        "gen_ai.request.reasoning_effort",
        "llm.request.reasoning_effort",
    ),
    semconv.REQUEST_CHOICE_COUNT: ("gen_ai.request.n",),
    semconv.REQUEST_MAX_TOKENS: ("gen_ai.request.max_completion_tokens",),
    semconv.OPENAI_SYSTEM_FINGERPRINT: ("gen_ai.openai.response.system_fingerprint",),
    semconv.USER_ID: ("gen_ai.user",),
    semconv.PROMPT_NAME: ("traceloop.prompt.key",),
    semconv.PROMPT_VERSION: ("traceloop.prompt.version_name", "traceloop.prompt.version"),
    semconv.WORKFLOW_NAME: ("traceloop.workflow.name",),
}


def speaks(attributes: Mapping[str, Any]) -> bool:
    """Whether a span may be in this dialect: it has names that the conventions gave up."""
    return any(key.startswith(("traceloop.", "llm.", "gen_ai.")) for key in attributes)


def translate(facts: Facts) -> Object:
    """What it says, in the names of the conventions."""
    attributes = facts.attributes
    streams = first(attributes, "gen_ai.is_streaming", "llm.is_streaming")
    return known(
        {
            **_work(attributes),
            semconv.PROVIDER: provider_name(attributes.get("gen_ai.system")),
            **{name: as_count(first(attributes, *keys)) for name, keys in _COUNTS.items()},
            **{name: first(attributes, *keys) for name, keys in _RENAMED.items()},
            semconv.REQUEST_STREAM: True if streams is True else None,
            semconv.OUTPUT_TYPE: _output_type(attributes),
            semconv.RESPONSE_FINISH_REASONS: _finish_reasons(attributes),
            semconv.INPUT_MESSAGES: _messages(attributes, "gen_ai.prompt"),
            semconv.OUTPUT_MESSAGES: _messages(attributes, "gen_ai.completion"),
            semconv.TOOL_DEFINITIONS: _tools(attributes),
            semconv.INPUT: as_json_text(attributes.get("traceloop.entity.input")),
            semconv.OUTPUT: as_json_text(attributes.get("traceloop.entity.output")),
            **metadata(below(attributes, "traceloop.association.properties.")),
        }
    )


def _work(attributes: Mapping[str, Any]) -> Object:
    kind = as_text(attributes.get("traceloop.span.kind"))
    word = kind or as_text(attributes.get("llm.request.type")) or ""
    name = as_text(attributes.get("traceloop.entity.name"))
    return {
        semconv.OPERATION: _OPERATIONS.get(word),
        semconv.SPAN_TYPE: kind if kind not in _OPERATIONS else None,
        semconv.TOOL_NAME: name if kind == "tool" else None,
        semconv.AGENT_NAME: name if kind == "agent" else None,
    }


def _output_type(attributes: Mapping[str, Any]) -> str | None:
    return "json" if attributes.get("gen_ai.request.structured_output_schema") else None


def _finish_reasons(attributes: Mapping[str, Any]) -> list[str] | None:
    names = ("gen_ai.response.finish_reason", "gen_ai.response.stop_reason")
    reason = finish_reason(as_text(first(attributes, *names)))
    if reason is not None:
        return [reason]
    completions = [as_object(item) for item in tree_of(attributes, "gen_ai.completion")]
    found = [finish_reason(as_text(item.get("finish_reason"))) for item in completions]
    return [item for item in found if item is not None] or None


def _messages(attributes: Mapping[str, Any], prefix: str) -> str | None:
    found = tree_of(attributes, prefix)
    return to_json(to_messages(found)) if found else None


def _tools(attributes: Mapping[str, Any]) -> str | None:
    found = tree_of(attributes, "llm.request.functions")
    parsed = [{**as_object(tool), "parameters": _schema(tool)} for tool in found]
    return to_json(to_tool_definitions(parsed)) if parsed else None


def _schema(tool: Any) -> Object:
    return as_object(as_object(tool).get("parameters"))
