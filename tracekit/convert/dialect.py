"""What the dialects share: names of providers, request parameters, metadata."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from tracekit import semconv
from tracekit.convert.reading import Object, as_object, as_text, first, known

_MOST_METADATA = 100

_PROVIDERS = {
    "azure": "azure.ai.openai",
    "azure-openai": "azure.ai.openai",
    "az.ai.openai": "azure.ai.openai",
    "azureopenai": "azure.ai.openai",
    "aws": "aws.bedrock",
    "amazon-bedrock": "aws.bedrock",
    "bedrock": "aws.bedrock",
    "google": "gcp.gen_ai",
    "gemini": "gcp.gemini",
    "google.generative-ai": "gcp.gemini",
    "vertex_ai": "gcp.vertex_ai",
    "vertexai": "gcp.vertex_ai",
    "google.vertex": "gcp.vertex_ai",
    "xai": "x_ai",
    "mistralai": "mistral_ai",
    "mistral": "mistral_ai",
    "moonshot": "moonshot_ai",
    "moonshotai": "moonshot_ai",
}

_PARAMETERS = {
    "temperature": semconv.REQUEST_TEMPERATURE,
    "top_p": semconv.REQUEST_TOP_P,
    "top_k": semconv.REQUEST_TOP_K,
    "max_tokens": semconv.REQUEST_MAX_TOKENS,
    "max_completion_tokens": semconv.REQUEST_MAX_TOKENS,
    "max_output_tokens": semconv.REQUEST_MAX_TOKENS,
    "seed": semconv.REQUEST_SEED,
    "n": semconv.REQUEST_CHOICE_COUNT,
    "frequency_penalty": semconv.REQUEST_FREQUENCY_PENALTY,
    "presence_penalty": semconv.REQUEST_PRESENCE_PENALTY,
    "stream": semconv.REQUEST_STREAM,
    "stop": semconv.REQUEST_STOP_SEQUENCES,
    "reasoning_effort": semconv.REQUEST_REASONING_LEVEL,
    "dimensions": semconv.EMBEDDINGS_DIMENSIONS,
}


class Facts(NamedTuple):
    """What a dialect may look at."""

    attributes: Mapping[str, Any]
    events: Iterable[Mapping[str, Any]]
    start_ns: int


def provider_name(name: Any) -> str | None:
    """As the conventions call it.

    >>> provider_name("openai.responses"), provider_name("Azure")
    ('openai', 'azure.ai.openai')
    """
    text = as_text(name)
    if text is None:
        return None
    lower = text.lower()
    if lower in _PROVIDERS:
        return _PROVIDERS[lower]
    stem = lower.partition(".")[0]
    if lower.startswith(("google.", "azure.", "aws.", "gcp.", "ibm.")):
        family = ".".join(lower.split(".")[:2])
        return _PROVIDERS.get(family, lower)
    return _PROVIDERS.get(stem, stem)


def request_parameters(parameters: Mapping[str, Any]) -> Object:
    """Parameters of OpenAI's names as attributes; choices only where there are several."""
    found = {
        attribute: parameters[name]
        for name, attribute in _PARAMETERS.items()
        if parameters.get(name) is not None
    }
    if found.get(semconv.REQUEST_CHOICE_COUNT) == 1:
        del found[semconv.REQUEST_CHOICE_COUNT]
    if not found.get(semconv.REQUEST_STREAM, True):
        del found[semconv.REQUEST_STREAM]
    return found


def metadata(facts: Mapping[str, Any]) -> Object:
    """Free facts as attributes; a session and a user among them get their own names."""
    plain = dict(list(facts.items())[:_MOST_METADATA])
    owners = {
        semconv.SESSION_ID: first(plain, "session_id", "sessionId", "thread_id", "chat_id"),
        semconv.USER_ID: first(plain, "user_id", "userId"),
    }
    texts = {name: as_text(value) for name, value in owners.items()}
    return known(
        {**texts, **{f"{semconv.METADATA_PREFIX}{name}": value for name, value in plain.items()}}
    )


def below(attributes: Mapping[str, Any], prefix: str) -> Object:
    """The attributes whose names begin so, by the rest of their names."""
    return {
        key[len(prefix) :]: value for key, value in attributes.items() if key.startswith(prefix)
    }


def usage_of(usage: Mapping[str, Any]) -> Object:
    """Token counts of an OpenAI usage object as attributes."""
    sent = as_object(first(usage, "prompt_tokens_details", "input_tokens_details"))
    made = as_object(first(usage, "completion_tokens_details", "output_tokens_details"))
    return known(
        {
            semconv.INPUT_TOKENS: first(usage, "prompt_tokens", "input_tokens"),
            semconv.OUTPUT_TOKENS: first(usage, "completion_tokens", "output_tokens"),
            semconv.CACHE_READ_TOKENS: sent.get("cached_tokens"),
            semconv.REASONING_TOKENS: made.get("reasoning_tokens"),
        }
    )
