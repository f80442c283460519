"""Usage, as OpenAI and compatible services report it, as attributes.

Counts that a service does not report stay unset: they are never guessed, and never 0.
"""

from collections.abc import Mapping
from typing import Any

from tracekit import semconv
from tracekit.integrations._messages import Object, as_object

_TOP = {
    "prompt_tokens": semconv.INPUT_TOKENS,
    "input_tokens": semconv.INPUT_TOKENS,
    "completion_tokens": semconv.OUTPUT_TOKENS,
    "output_tokens": semconv.OUTPUT_TOKENS,
    "prompt_cache_hit_tokens": semconv.CACHE_READ_TOKENS,  # DeepSeek
    "cached_tokens": semconv.CACHE_READ_TOKENS,  # Moonshot
    "reasoning_tokens": semconv.REASONING_TOKENS,  # Perplexity
}
_ASKED = {
    "cached_tokens": semconv.CACHE_READ_TOKENS,
    "cache_write_tokens": semconv.CACHE_WRITE_TOKENS,
    "cache_creation_tokens": semconv.CACHE_WRITE_TOKENS,
    "text_tokens": semconv.TEXT_INPUT_TOKENS,
    "image_tokens": semconv.IMAGE_INPUT_TOKENS,
    "audio_tokens": semconv.AUDIO_INPUT_TOKENS,
}
_ANSWERED = {
    "reasoning_tokens": semconv.REASONING_TOKENS,
    "text_tokens": semconv.TEXT_OUTPUT_TOKENS,
    "image_tokens": semconv.IMAGE_OUTPUT_TOKENS,
    "audio_tokens": semconv.AUDIO_OUTPUT_TOKENS,
    "accepted_prediction_tokens": semconv.ACCEPTED_PREDICTION_TOKENS,
    "rejected_prediction_tokens": semconv.REJECTED_PREDICTION_TOKENS,
}
_DETAILS = {
    "prompt_tokens_details": _ASKED,
    "input_tokens_details": _ASKED,
    "input_token_details": _ASKED,
    "completion_tokens_details": _ANSWERED,
    "output_tokens_details": _ANSWERED,
    "output_token_details": _ANSWERED,
    "cached_tokens_details": {"audio_tokens": semconv.AUDIO_CACHE_READ_TOKENS},
}
"""Objects within the usage, or within another of them -> names of what they count."""


def usage_facts(usage: Object) -> dict[str, Any]:
    """Attributes of one usage object.

    >>> usage_facts({"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12})
    {'gen_ai.usage.input_tokens': 9, 'gen_ai.usage.output_tokens': 3}
    """
    facts: dict[str, Any] = {}
    _count(facts, usage, _TOP)
    _include_reasoning(facts, usage)
    if "cost" in usage:
        facts.update(_cost(usage["cost"]))
    return facts


def _count(facts: dict[str, Any], counts: Object, names: Mapping[str, str]) -> None:
    """Put counts under their names. A count that comes under two names is the first one."""
    for key, count in counts.items():
        if type(count) is int:
            if key in names:
                facts.setdefault(names[key], count)
        elif key in _DETAILS and isinstance(count, dict):
            _count(facts, as_object(count), _DETAILS[key])


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


def _cost(cost: Any) -> dict[str, Any]:
    """US dollars: OpenRouter's `cost`, Perplexity's `cost.total_cost`."""
    amount: Any = as_object(cost).get("total_cost") if isinstance(cost, dict) else cost
    return {semconv.COST: float(amount)} if type(amount) in {int, float} else {}
