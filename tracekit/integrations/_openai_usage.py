"""Usage, as OpenAI and compatible services report it, as attributes.

Counts that a service does not report stay unset: they are never guessed, and never 0.
"""

from typing import Any

from tracekit import semconv
from tracekit.integrations._messages import Object, as_object

_DETAILS: tuple[tuple[tuple[str, ...], dict[str, str]], ...] = (
    (
        ("prompt_tokens_details", "input_tokens_details", "input_token_details"),
        {
            "cached_tokens": semconv.CACHE_READ_TOKENS,
            "cache_write_tokens": semconv.CACHE_WRITE_TOKENS,
            "cache_creation_tokens": semconv.CACHE_WRITE_TOKENS,
            "text_tokens": semconv.TEXT_INPUT_TOKENS,
            "image_tokens": semconv.IMAGE_INPUT_TOKENS,
            "audio_tokens": semconv.AUDIO_INPUT_TOKENS,
        },
    ),
    (
        ("completion_tokens_details", "output_tokens_details", "output_token_details"),
        {
            "reasoning_tokens": semconv.REASONING_TOKENS,
            "text_tokens": semconv.TEXT_OUTPUT_TOKENS,
            "image_tokens": semconv.IMAGE_OUTPUT_TOKENS,
            "audio_tokens": semconv.AUDIO_OUTPUT_TOKENS,
            "accepted_prediction_tokens": semconv.ACCEPTED_PREDICTION_TOKENS,
            "rejected_prediction_tokens": semconv.REJECTED_PREDICTION_TOKENS,
        },
    ),
)

_TOP: tuple[tuple[str, str], ...] = (
    ("prompt_tokens", semconv.INPUT_TOKENS),
    ("input_tokens", semconv.INPUT_TOKENS),
    ("completion_tokens", semconv.OUTPUT_TOKENS),
    ("output_tokens", semconv.OUTPUT_TOKENS),
    ("prompt_cache_hit_tokens", semconv.CACHE_READ_TOKENS),  # DeepSeek
    ("cached_tokens", semconv.CACHE_READ_TOKENS),  # Moonshot
    ("reasoning_tokens", semconv.REASONING_TOKENS),  # Perplexity
)


def usage_facts(usage: Object) -> dict[str, Any]:
    """Attributes of one usage object.

    >>> usage_facts({"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12})
    {'gen_ai.usage.input_tokens': 9, 'gen_ai.usage.output_tokens': 3}
    """
    facts: dict[str, Any] = {}
    for key, name in _TOP:
        _count(facts, name, usage.get(key))
    for keys, names in _DETAILS:
        for key in keys:
            for kind, count in as_object(usage.get(key)).items():
                if kind in names:
                    _count(facts, names[kind], count)
    _count_audio_from_cache(facts, usage)
    _include_reasoning(facts, usage)
    cost = _cost(usage)
    return facts if cost is None else {**facts, semconv.COST: cost}


def _count(facts: dict[str, Any], name: str, count: Any) -> None:
    if type(count) is int:
        facts.setdefault(name, count)


def _count_audio_from_cache(facts: dict[str, Any], usage: Object) -> None:
    details = as_object(usage.get("prompt_tokens_details") or usage.get("input_token_details"))
    cached = as_object(details.get("cached_tokens_details"))
    _count(facts, semconv.AUDIO_CACHE_READ_TOKENS, cached.get("audio_tokens"))


def _include_reasoning(facts: dict[str, Any], usage: Object) -> None:
    """Some services (xAI) count reasoning beside the completion, not inside it.

    Only where the total proves it: https://docs.x.ai/docs/guides/reasoning
    """
    read, wrote = facts.get(semconv.INPUT_TOKENS), facts.get(semconv.OUTPUT_TOKENS)
    reasoning = facts.get(semconv.REASONING_TOKENS)
    if read is None or wrote is None or not reasoning:
        return
    if usage.get("total_tokens") == read + wrote + reasoning:
        facts[semconv.OUTPUT_TOKENS] = wrote + reasoning


def _cost(usage: Object) -> float | None:
    """US dollars: OpenRouter's `cost`, Perplexity's `cost.total_cost`."""
    cost = usage.get("cost")
    amount: Any = as_object(cost).get("total_cost") if isinstance(cost, dict) else cost
    return float(amount) if type(amount) in {int, float} else None
