"""The Vercel AI SDK: `ai.operationId`, `ai.prompt.messages`, `ai.response.text`.

Source: ai-sdk.dev/docs/ai-sdk-core/telemetry, versions 4 to 6.
"""

from collections.abc import Mapping
from typing import Any

from tracekit import semconv
from tracekit.capture import from_json
from tracekit.convert.dialect import Facts, below, metadata, provider_name
from tracekit.convert.messages import finish_reason, to_messages, to_tool_definitions, tool_call
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


def speaks(attributes: Mapping[str, Any]) -> bool:
    """Whether a span is in this dialect."""
    return "ai.operationId" in attributes


def translate(facts: Facts) -> Object:
    """What it says, in the names of the conventions."""
    said = below(facts.attributes, "ai.")
    first_ms = as_number(first(said, "response.msToFirstChunk", "stream.msToFirstChunk"))
    reason = finish_reason(as_text(said.get("response.finishReason")))
    return known(
        {
            semconv.OPERATION: _operation(as_text(said.get("operationId")) or ""),
            semconv.PROVIDER: provider_name(said.get("model.provider")),
            semconv.REQUEST_MODEL: as_text(said.get("model.id")),
            semconv.RESPONSE_MODEL: as_text(said.get("response.model")),
            semconv.RESPONSE_ID: as_text(said.get("response.id")),
            semconv.RESPONSE_FINISH_REASONS: None if reason is None else [reason],
            semconv.RESPONSE_TIME_TO_FIRST_CHUNK: None if first_ms is None else first_ms / 1e3,
            semconv.INPUT_TOKENS: as_count(
                first(said, "usage.inputTokens", "usage.promptTokens", "usage.tokens")
            ),
            semconv.OUTPUT_TOKENS: as_count(
                first(said, "usage.outputTokens", "usage.completionTokens")
            ),
            semconv.CACHE_READ_TOKENS: as_count(said.get("usage.cachedInputTokens")),
            semconv.REASONING_TOKENS: as_count(said.get("usage.reasoningTokens")),
            **_content(said),
            **_tool(said),
            **metadata(below(said, "telemetry.metadata.")),
        }
    )


def _operation(name: str) -> str | None:
    if name.endswith(("doGenerate", "doStream")):
        return "chat"
    if name.endswith("doEmbed"):
        return "embeddings"
    return "execute_tool" if name == "ai.toolCall" else "invoke_workflow"


def _content(said: Object) -> Object:
    prompt = as_object(said.get("prompt"))
    messages = as_list(first(said, "prompt.messages")) or as_list(prompt.get("messages"))
    if not messages and prompt.get("prompt") is not None:
        messages = [{"role": "user", "content": prompt["prompt"]}]
    if as_text(prompt.get("system")):
        messages = [{"role": "system", "content": prompt["system"]}, *messages]
    sent, made = to_messages(messages), _answer(said)
    tools = to_tool_definitions([from_json(tool) for tool in as_list(said.get("prompt.tools"))])
    return {
        semconv.INPUT_MESSAGES: to_json(sent) if sent else None,
        semconv.OUTPUT_MESSAGES: to_json([made]) if made else None,
        semconv.TOOL_DEFINITIONS: to_json(tools) if tools else None,
        semconv.INPUT: as_json_text(first(said, "value")),
    }


def _answer(said: Object) -> Object | None:
    text = first(said, "response.text", "response.object")
    calls = [tool_call(as_object(call)) for call in as_list(said.get("response.toolCalls"))]
    if not text and not calls:
        return None
    words = [{"type": "text", "content": text}] if text else []
    return {"role": "assistant", "parts": [*words, *calls]}


def _tool(said: Object) -> Object:
    return {
        semconv.TOOL_NAME: as_text(said.get("toolCall.name")),
        semconv.TOOL_CALL_ID: as_text(said.get("toolCall.id")),
        semconv.TOOL_CALL_ARGUMENTS: as_json_text(said.get("toolCall.args")),
        semconv.TOOL_CALL_RESULT: as_json_text(said.get("toolCall.result")),
    }
