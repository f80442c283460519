"""What LangChain says of one model call, as attributes: pure functions of its plain data."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from langchain_core.tools import BaseTool

from tracekit import semconv
from tracekit.capture import to_json
from tracekit.integrations._langchain_read import fields_of, message
from tracekit.integrations._messages import Object, as_list, as_object, text_part
from tracekit.integrations._openai_endpoints import Endpoint, provider_of
from tracekit.integrations._openai_request import Contents, request_contents, request_facts
from tracekit.integrations._openai_usage import usage_facts

_PARAMETERS = Endpoint(api="tokens")
"""LangChain's parameters are read like a body of the Responses API that has no `input`."""

_PROVIDERS = {
    "azure": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "amazon_bedrock": "aws.bedrock",
    "bedrock": "aws.bedrock",
    "google_genai": "gcp.gemini",
    "google_vertexai": "gcp.vertex_ai",
    "google_anthropic_vertex": "gcp.vertex_ai",
    "mistral": "mistral_ai",
    "mistralai": "mistral_ai",
    "moonshot": "moonshot_ai",
    "ibm": "ibm.watsonx.ai",
    "xai": "x_ai",
}
"""LangChain's `ls_provider` -> `gen_ai.provider.name`, where they differ."""


def asked(serialized: Any, parameters: Any, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What is known before the call: provider, model, parameters, server.

    Args:
        serialized: The model, as LangChain serializes it.
        parameters: Its `invocation_params`.
        metadata: Of the run; `ls_provider`, `ls_model_name` …
    """
    sent = as_object(parameters)
    facts = request_facts(_PARAMETERS, sent)
    model = metadata.get("ls_model_name") or _first(sent, "model", "model_name", "model_id")
    if isinstance(model, str):
        facts[semconv.REQUEST_MODEL] = model
    stops = sent.get("stop_sequences")
    if isinstance(stops, list):
        facts[semconv.REQUEST_STOP_SEQUENCES] = [str(stop) for stop in as_list(stops)]
    facts.update(_server(as_object(as_object(serialized).get("kwargs"))))
    return {**_provider(metadata, sent, facts), **facts}


def _first(source: Object, *keys: str) -> Any:
    return next((source[key] for key in keys if source.get(key)), None)


def _server(settings: Object) -> dict[str, Any]:
    url = _first(settings, "base_url", "openai_api_base", "azure_endpoint", "endpoint")
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        host, port = parts.hostname, parts.port
    except ValueError:
        return {}
    known: dict[str, Any] = {semconv.SERVER_ADDRESS: host} if host else {}
    return {**known, semconv.SERVER_PORT: port} if host and port not in {None, 443} else known


def _provider(
    metadata: Mapping[str, Any], sent: Object, facts: Mapping[str, Any]
) -> dict[str, Any]:
    name = metadata.get("ls_provider") or str(sent.get("_type") or "").partition("-")[0]
    if not isinstance(name, str) or not name:
        return {}
    if name == "openai":  # any compatible service is reached through the same class
        return {semconv.PROVIDER: provider_of(str(facts.get(semconv.SERVER_ADDRESS)))}
    return {semconv.PROVIDER: _PROVIDERS.get(name, name)}


def asked_contents(parameters: Any) -> Contents:
    """Tools and the parameters that have no attribute of their own."""
    sent = as_object(parameters)
    tools = [_tool(tool) for tool in as_list(sent.get("tools"))]
    return request_contents(_PARAMETERS, {**sent, "tools": tools})


def _tool(tool: Any) -> Any:
    if not issubclass(type(tool), BaseTool):
        return tool
    fields = fields_of(tool)
    return {"name": fields.get("name"), "description": fields.get("description")}


def answered(response: Any) -> dict[str, Any]:
    """What came back, without content: ids, model, finish reasons, usage."""
    whole = fields_of(response)
    output = as_object(whole.get("llm_output"))
    generations = _generations(whole)
    said = [fields_of(generation.get("message")) for generation in generations]
    told = [as_object(fields.get("response_metadata")) for fields in said]
    first = {**output, **(told[0] if told else {})}
    facts = _names(first, said[0] if said else {})
    reasons = [
        _finish_reason(metadata, generation, fields)
        for metadata, generation, fields in zip(told, generations, said, strict=True)
    ]
    if any(reasons):
        facts[semconv.RESPONSE_FINISH_REASONS] = [reason or "unknown" for reason in reasons]
    return {**facts, **_usage(said, first)}


def _generations(whole: Object) -> list[Object]:
    """The candidates for the first (and only) prompt of a run."""
    lists = as_list(whole.get("generations"))
    return [fields_of(generation) for generation in as_list(lists[0])] if lists else []


def _names(first: Object, fields: Object) -> dict[str, Any]:
    own_id = fields.get("id")
    is_ours = isinstance(own_id, str) and own_id.startswith(("run-", "lc_run-"))
    response_id = first.get("id") or (None if is_ours else own_id)
    known = {
        semconv.RESPONSE_ID: response_id,
        semconv.RESPONSE_MODEL: _first(first, "model_name", "model", "model_id"),
        semconv.OPENAI_RESPONSE_SERVICE_TIER: first.get("service_tier"),
        semconv.OPENAI_SYSTEM_FINGERPRINT: first.get("system_fingerprint"),
    }
    return {key: _once(value) for key, value in known.items() if isinstance(value, str) and value}


def _once(text: str) -> str:
    """A text that LangChain has added to itself, for each candidate of a stream once.

    >>> _once("gpt-4ogpt-4o"), _once("gpt-4o")
    ('gpt-4o', 'gpt-4o')
    """
    size = (text + text).find(text, 1)
    return text[:size]


_FINISH_REASONS = {
    "tool_calls": "tool_call",
    "function_call": "tool_call",
    "tool_use": "tool_call",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "max_output_tokens": "length",
}
"""Providers' words -> the conventions'."""


def _finish_reason(metadata: Object, generation: Object, fields: Object) -> str | None:
    info = as_object(generation.get("generation_info"))
    reason = _first({**info, **metadata}, "finish_reason", "stop_reason", "done_reason")
    if reason is None and "status" in metadata:
        return _status_reason(metadata, fields)
    word = str(reason).lower() if isinstance(reason, str) else None
    return _FINISH_REASONS.get(word, word) if word else None


def _status_reason(metadata: Object, fields: Object) -> str:
    """OpenAI's Responses API gives a status in place of a reason."""
    if metadata["status"] == "completed":
        return "tool_call" if fields.get("tool_calls") else "stop"
    cause = str(as_object(metadata.get("incomplete_details")).get("reason") or "error")
    return _FINISH_REASONS.get(cause, cause)


def _usage(said: list[Object], first: Object) -> dict[str, Any]:
    """Tokens: LangChain's own count, and what OpenAI-like services tell beyond it.

    Candidates of one call share its usage, so the first that has one speaks for all.
    """
    counted = as_object(next((f["usage_metadata"] for f in said if f.get("usage_metadata")), None))
    raw = as_object(first.get("token_usage"))
    facts = usage_facts(raw) | _counted(counted)
    if raw or counted:
        facts[semconv.USAGE_RAW] = to_json(raw or counted)
    return facts


def _counted(usage: Object) -> dict[str, Any]:
    given, made = as_object(usage.get("input_token_details")), usage.get("output_token_details")
    made = as_object(made)
    counts = {
        semconv.INPUT_TOKENS: usage.get("input_tokens"),
        semconv.OUTPUT_TOKENS: usage.get("output_tokens"),
        semconv.CACHE_READ_TOKENS: given.get("cache_read"),
        semconv.CACHE_WRITE_TOKENS: given.get("cache_creation"),
        semconv.AUDIO_INPUT_TOKENS: given.get("audio"),
        semconv.AUDIO_OUTPUT_TOKENS: made.get("audio"),
        semconv.REASONING_TOKENS: made.get("reasoning"),
    }
    return {key: count for key, count in counts.items() if type(count) is int}


def is_cached(response: Any, run_id: UUID) -> bool:
    """Whether LangChain's cache answered, so that there was no call.

    It sets the cost to 0; before langchain-core 0.3.73 the message has only the id of another run.
    """
    for generation in _generations(fields_of(response)):
        fields = fields_of(generation.get("message"))
        its_id, usage = fields.get("id"), as_object(fields.get("usage_metadata"))
        is_of_run = isinstance(its_id, str) and its_id.startswith("run-")
        if usage.get("total_cost") == 0 or (is_of_run and str(run_id) not in str(its_id)):
            return True
    return False


def answers(response: Any) -> list[Object]:
    """The candidates as messages of the assistant."""
    made: list[Object] = []
    for generation in _generations(fields_of(response)):
        said = generation.get("message")
        text = str(generation.get("text") or "")
        plain = {"role": "assistant", "parts": [text_part(text)]} if said is None else message(said)
        made.append(plain)
    return made


def is_empty(response: Any) -> bool:
    """Whether nothing was said: what LangChain makes up for a call that failed at once."""
    return not any(
        part.get("content") or part["type"] != "text"
        for message in answers(response)
        for part in message["parts"]
    )


def without_usage(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts of a call that is billed elsewhere: without tokens."""
    return {
        key: value
        for key, value in facts.items()
        if not key.startswith("gen_ai.usage.") and key not in {semconv.USAGE_RAW, semconv.COST}
    }
