# /// script
# requires-python = ">=3.11"
# dependencies = ["litellm==1.110.2", "genai-prices==0.2.3"]
# ///
"""Rewrites `tracekit/prices.json` from two well-kept public tables: `uv run .ci/update_prices.py`.

LiteLLM's table has the exact model names, service tiers and long-context prices; genai-prices
adds models that providers have retired, so that old traces keep a cost. What both list and
price differently is left out, since no cost is better than a wrong one. Raise the versions above
to read newer tables, run, and look at the difference: one line is one model.
"""

import datetime
import importlib.metadata
import importlib.util
import json
import re
import sys
from pathlib import Path
from typing import Any

from genai_prices.data import providers as genai_providers
from genai_prices.types import (
    ClauseEquals,
    ClauseOr,
    ConditionalPrice,
    ModelPrice,
    TieredPrices,
    TimeOfDateConstraint,
)

TARGET = Path(__file__).parents[1] / "tracekit" / "prices.json"
TOKENS = 1_000_000

LITELLM_PROVIDERS = {
    "openai": "openai",
    "text-completion-openai": "openai",
    "azure": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "anthropic": "anthropic",
    "gemini": "gcp.gemini",
    "vertex_ai-language-models": "gcp.vertex_ai",
    "vertex_ai-embedding-models": "gcp.vertex_ai",
    "vertex_ai-anthropic_models": "gcp.vertex_ai",
    "mistral": "mistral_ai",
    "deepseek": "deepseek",
    "groq": "groq",
    "xai": "x_ai",
    "cohere": "cohere",
    "cohere_chat": "cohere",
    "perplexity": "perplexity",
    "moonshot": "moonshot_ai",
    "cerebras": "cerebras",
    "together_ai": "together_ai",
    "fireworks_ai": "fireworks_ai",
    "fireworks_ai-embedding-models": "fireworks_ai",
}
GENAI_PROVIDERS = {
    "openai": "openai",
    "anthropic": "anthropic",
    "google": "gcp.gemini",
    "mistral": "mistral_ai",
    "deepseek": "deepseek",
    "groq": "groq",
    "x-ai": "x_ai",
    "cohere": "cohere",
}
LITELLM_KINDS = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost": "cache_write",
    "output_cost_per_reasoning_token": "reasoning",
    "input_cost_per_audio_token": "audio_input",
    "output_cost_per_audio_token": "audio_output",
    "cache_read_input_audio_token_cost": "audio_cache_read",
    "input_cost_per_image_token": "image_input",
    "output_cost_per_image_token": "image_output",
    "cache_read_input_image_token_cost": "image_cache_read",
}
GENAI_KINDS = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write",
    "input_audio_mtok": "audio_input",
    "output_audio_mtok": "audio_output",
    "cache_audio_read_mtok": "audio_cache_read",
    "input_image_mtok": "image_input",
    "output_image_mtok": "image_output",
    "cache_image_read_mtok": "image_cache_read",
}
SETTLED = {
    # audio is billed as input: https://github.com/BerriAI/litellm/pull/27875 (May 2026)
    "gpt-4o-transcribe",
    "gpt-4o-transcribe-diarize",
    "gpt-4o-mini-transcribe",
}
"""Disputed, and LiteLLM is right."""
TIERS = {"batches": "batch", "flex": "flex", "priority": "priority"}
RATE = re.compile(
    r"(?P<kind>.+?)(_above_(?P<above>\d+)k_tokens)?(_(?P<tier>batches|flex|priority))?$"
)
REGION = re.compile(
    r"(azure(_ai)?|vertex_ai)/(apac|eu|us|us-gov|global|global-standard|fedramp|regional)/"
)

Card = dict[str, Any]
Table = dict[str, dict[str, Card]]


def litellm_table() -> Table:
    """Every token price of LiteLLM's table for the providers above."""
    package = importlib.util.find_spec("litellm")  # found, not imported: it is heavy
    if package is None or package.submodule_search_locations is None:
        raise SystemExit("litellm is not installed; run this with: uv run .ci/update_prices.py")
    folder = Path(package.submodule_search_locations[0])
    text = (folder / "model_prices_and_context_window_backup.json").read_text(encoding="utf-8")
    table: Table = {}
    for key, entry in json.loads(text).items():
        provider = LITELLM_PROVIDERS.get(entry.get("litellm_provider", ""))
        if provider is None or REGION.match(key) or (card := litellm_card(key, entry)) is None:
            continue
        table.setdefault(provider, {})[model_name(key, entry["litellm_provider"])] = card
    return table


def model_name(key: str, provider: str) -> str:
    """The name that the API itself uses: LiteLLM's, without its own prefix."""
    prefixes = {"cohere_chat": "cohere", "text-completion-openai": "openai"}
    prefix = prefixes.get(provider, provider.split("-")[0]) + "/"
    return key.removeprefix(prefix)


def litellm_card(name: str, entry: dict[str, Any]) -> Card | None:
    """The rates of one model, or None where it isn't billed by the token."""
    card: Card = {}
    for key, value in entry.items():
        found = RATE.match(key)
        kind = LITELLM_KINDS.get(found["kind"]) if found else None
        if found is None or kind is None or not isinstance(value, int | float):
            continue
        place = card
        if found["tier"]:
            place = place.setdefault(TIERS[found["tier"]], {})
        if found["above"]:
            place = place.setdefault("above", {}).setdefault(f"{found['above']}000", {})
        place[kind] = round(value * TOKENS, 6)
    return finished(card) if is_priced(name, entry, card) else None


def is_priced(key: str, entry: dict[str, Any], card: Card) -> bool:
    """False where a zero stands for a price that is unknown, or not by the token."""
    if entry.get("mode") == "moderation" and entry["litellm_provider"] == "openai":
        return True  # free: https://developers.openai.com/api/docs/guides/moderation
    if "router" in key:
        return False  # its own fee only: the routed model costs on top
    return "input" in card and any(rate for rate in card.values() if isinstance(rate, float))


def finished(card: Card) -> Card:
    """The card in one order, with what an image model leaves unsaid: it puts out images alone."""
    if "image_output" in card and "output" not in card:
        card["output"] = card["image_output"]
    order = [*LITELLM_KINDS.values(), *TIERS.values(), "above"]
    return {
        key: finished(card[key]) if key in TIERS.values() else card[key]
        for key in order
        if key in card
    }


def genai_table() -> Table:
    """Every token price of genai-prices that is tied to an exact model name."""
    table: Table = {}
    for provider in genai_providers:
        name = GENAI_PROVIDERS.get(provider.id)
        for model in provider.models if name else ():
            card = genai_card(newest(model.prices))
            if name and "input" in card:
                table.setdefault(name, {}).update({n: dict(card) for n in exact_names(model.match)})
    return table


def newest(prices: ModelPrice | list[ConditionalPrice]) -> ModelPrice | None:
    """The price of today, or None where it changes with the hour."""
    if isinstance(prices, ModelPrice):
        return prices
    if any(isinstance(price.constraint, TimeOfDateConstraint) for price in prices):
        return None
    return prices[-1].prices


def exact_names(match: Any) -> list[str]:
    """The names that a clause is equal to; patterns are left out."""
    if isinstance(match, ClauseEquals):
        return [match.equals]
    if isinstance(match, ClauseOr):
        return [name for clause in match.or_ for name in exact_names(clause)]
    return []


def genai_card(price: ModelPrice | None) -> Card:
    """The rates of one model, long-context steps included."""
    card: Card = {}
    for key, kind in GENAI_KINDS.items():
        value = getattr(price, key, None)
        if isinstance(value, TieredPrices):
            for tier in value.tiers:
                card.setdefault("above", {}).setdefault(str(tier.start), {})[kind] = float(
                    tier.price
                )
            value = value.base
        if value is not None:
            card[kind] = float(value)
    return card


def without_disputed(first: Table, second: Table) -> None:
    """Take out of `first` what `second` prices differently: the rate, or the whole model."""
    for provider, models in second.items():
        for name, other in models.items():
            card = first.get(provider, {}).get(name, {})
            disputed = {kind for kind in card if differ(card[kind], other.get(kind))}
            if name in SETTLED or not disputed:
                continue
            sys.stdout.write(f"disputed: {provider} {name}: {', '.join(sorted(disputed))}\n")
            if disputed & {"input", "output"}:
                del first[provider][name], other["input"]
            for kind in disputed:
                card.pop(kind, None)


def differ(rate: Any, other: Any) -> bool:
    """True for two numbers that are not the same but for rounding."""
    is_known = isinstance(rate, float) and isinstance(other, float)
    return is_known and abs(rate - other) > 0.02 * max(rate, other)


def source(package: str, what: str, url: str) -> dict[str, str]:
    """Where numbers are from, for the head of the file."""
    version = importlib.metadata.version(package)
    return {"what": what, "version": f"{package} {version}", "url": url, "license": "MIT"}


def main() -> None:
    """Merge both tables, LiteLLM's first, and write the file."""
    table, older = litellm_table(), genai_table()
    without_disputed(table, older)
    for provider, models in older.items():
        known = table.setdefault(provider, {})
        known.update({n: card for n, card in models.items() if n not in known and "input" in card})
    today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    header = {
        "version": today,
        "unit": "US dollars per million tokens, list price, without tax or discount",
        "sources": [
            source(
                "litellm",
                "model_prices_and_context_window.json",
                "https://github.com/BerriAI/litellm",
            ),
            source("genai-prices", "retired models", "https://github.com/pydantic/genai-prices"),
        ],
    }
    lines = [f'  "{key}": {json.dumps(value)},' for key, value in header.items()]
    groups = []
    for provider, models in sorted(table.items()):
        rows = [f"      {json.dumps(name)}: {json.dumps(models[name])}" for name in sorted(models)]
        groups.append(f'    "{provider}": {{\n' + ",\n".join(rows) + "\n    }")
    body = ",\n".join(groups)
    text = "{\n" + "\n".join(lines) + '\n  "providers": {\n' + body + "\n  }\n}\n"
    TARGET.write_text(text, encoding="utf-8")
    count = sum(len(models) for models in table.values())
    sys.stdout.write(f"{TARGET}: {count} models of {len(table)} providers\n")


if __name__ == "__main__":
    main()
