"""Cost of a model call, from a price table that ships as data.

`prices.json` says where its numbers are from and of what day. A file of the same form named by
`TRACEKIT_PRICES` is laid over it, model by model:

    {"providers": {"openai": {"my-model": {"input": 1.1, "output": 4.4, "cache_read": 0.275}}}}

Rates are US dollars per million tokens. `batch`, `flex` and `priority` hold the rates of a
service tier, `above` those of a request whose input is longer than so many tokens. What the
table does not say has no cost: a cost is never a guess.
"""

import functools
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, cast

from tracekit.config import prices_path
from tracekit.errors import PriceError

_SHIPPED = Path(__file__).with_name("prices.json")
_MILLION = 1_000_000

_STANDARD_TIERS = frozenset({"auto", "default", "standard", "on_demand"})
_TIERS = ("batch", "flex", "priority")

_PROVIDERS = {
    "azure": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "google": "gcp.gemini",
    "google_genai": "gcp.gemini",
    "gemini": "gcp.gemini",
    "gcp.gen_ai": "gcp.gemini",
    "google_vertexai": "gcp.vertex_ai",
    "vertexai": "gcp.vertex_ai",
    "mistral": "mistral_ai",
    "mistralai": "mistral_ai",
    "moonshot": "moonshot_ai",
    "xai": "x_ai",
    "together": "together_ai",
    "fireworks": "fireworks_ai",
}
"""What LangChain and other instrumentations call a provider, and what the conventions do."""

_SNAPSHOT = re.compile(r"[-@](20\d{2}-[01]\d-[0-3]\d|20\d{2}[01]\d[0-3]\d)$")


class Usage(NamedTuple):
    """Tokens of one call, as billed; None is what the provider did not report.

    Input includes cached, audio and image tokens; output includes reasoning, audio and image
    tokens (OpenTelemetry's GenAI conventions). A named tuple, since one is made for every
    span that is read in: a frozen dataclass takes eight times as long.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    """Of the input: text, audio and image alike."""
    cache_write_tokens: int | None = None
    """Of the input."""
    reasoning_tokens: int | None = None
    audio_input_tokens: int | None = None
    """Cached ones included."""
    audio_output_tokens: int | None = None
    audio_cache_read_tokens: int | None = None
    image_input_tokens: int | None = None
    """Cached ones included."""
    image_output_tokens: int | None = None
    image_cache_read_tokens: int | None = None


class Cost(NamedTuple):
    """What a call cost at list price."""

    usd: float
    source: str
    """Which table said so: `prices:<its version>`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Prices of one model in one service tier, US dollars per million tokens."""

    input: float | None = None
    output: float | None = None
    cache_read: float | None = None
    cache_write: float | None = None
    reasoning: float | None = None
    """None: billed as output."""
    audio_input: float | None = None
    audio_output: float | None = None
    audio_cache_read: float | None = None
    image_input: float | None = None
    """None: billed as input."""
    image_output: float | None = None
    image_cache_read: float | None = None


_KINDS = frozenset(Rates.__slots__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """All prices of one model."""

    source: str
    tiers: Mapping[str, Rates]
    """By service tier; `standard` is always there."""
    long: Mapping[tuple[str, int], Rates]
    """By service tier and the number of input tokens that the request exceeds."""
    steps: tuple[int, ...]
    """Where the price changes, highest first, in any tier."""

    @property
    def is_free(self) -> bool:
        """True for a service that costs nothing, whatever is used."""
        rates = self.tiers["standard"]
        return rates.input == 0 and not rates.output


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """A price table, with the user's own laid over it."""

    version: str
    tables: tuple["_Table", ...]
    """The first that lists a model counts."""
    _found: dict[tuple[str, str], Card | None] = field(
        default_factory=dict[tuple[str, str], Card | None], repr=False
    )

    def find(self, provider: str, model: str) -> Card | None:
        """The card of a model as an API names it, or None where no table has it."""
        key = (provider, model)
        try:
            return self._found[key]
        except KeyError:
            pass
        place = _PROVIDERS.get(provider, provider)
        listed = (table.card(place, name) for name in _spellings(model) for table in self.tables)
        card = next((card for card in listed if card is not None), None)
        if len(self._found) < 10_000:  # names may be anything: a cache, not a leak
            self._found[key] = card
        return card


def price(
    provider: str | None,
    model: str | None,
    usage: Usage,
    *,
    service_tier: str | None = None,
    prices: Prices | None = None,
) -> Cost | None:
    """The cost of a call, or None where the table or the usage does not tell.

    Args:
        provider: `gen_ai.provider.name`.
        model: The one that answered, otherwise the one that was asked for.
        usage: Tokens as billed.
        service_tier: The one that served the call (`batch`, `flex`, `priority`).
        prices: A table other than the process's own. In a loop, pass `default_prices()` once.

    Raises:
        PriceError: The file named by `TRACEKIT_PRICES` can't be used.

    >>> usage = Usage(input_tokens=1_000, cache_read_tokens=800, output_tokens=100)
    >>> price("openai", "gpt-4o-2024-08-06", usage).usd
    0.0025
    """
    if not provider or not model:
        return None
    card = (prices or default_prices()).find(provider, model)
    if card is None:
        return None
    rates = _rates(card, service_tier, usage.input_tokens or 0)
    usd = None if rates is None else _usd(rates, usage)
    if usd is None and card.is_free:
        usd = 0.0
    return None if usd is None else Cost(usd=usd, source=card.source)


def _rates(card: Card, service_tier: str | None, input_tokens: int) -> Rates | None:
    tier = "standard" if not service_tier or service_tier in _STANDARD_TIERS else service_tier
    for step in card.steps:
        if input_tokens > step:
            return card.long.get((tier, step))
    return card.tiers.get(tier)


def _usd(rates: Rates, usage: Usage) -> float | None:
    """Each token priced once, or None if a kind that was used has no price."""
    if usage.input_tokens is None or (usage.output_tokens is None and rates.output):
        return None
    cached = usage.cache_read_tokens or 0
    written = usage.cache_write_tokens or 0
    cached_audio = usage.audio_cache_read_tokens or 0
    cached_image = usage.image_cache_read_tokens or 0
    audio = (usage.audio_input_tokens or 0) - cached_audio
    image = (usage.image_input_tokens or 0) - cached_image
    spoken = usage.audio_output_tokens or 0
    drawn = usage.image_output_tokens or 0
    thought = (usage.reasoning_tokens or 0) if rates.reasoning is not None else 0
    sees_text_price = rates.image_input is None  # a model that reads images bills them as text
    total = 0.0
    for tokens, rate in (
        (usage.input_tokens - cached - written - audio - image, rates.input),
        (cached - cached_audio - cached_image, rates.cache_read),
        (written, rates.cache_write),
        (audio, rates.audio_input),
        (cached_audio, rates.audio_cache_read),
        (image, rates.input if sees_text_price else rates.image_input),
        (cached_image, rates.cache_read if sees_text_price else rates.image_cache_read),
        ((usage.output_tokens or 0) - spoken - drawn - thought, rates.output),
        (thought, rates.reasoning),
        (spoken, rates.audio_output),
        (drawn, rates.image_output),
    ):
        if tokens:
            if rate is None or tokens < 0:
                return None
            total += tokens * rate
    return total / _MILLION


def _spellings(model: str) -> Iterator[str]:
    """How the table may list a model, nearest first: as it is, its family, without its date."""
    yield model
    name = model.removeprefix("models/").lower()
    yield name
    if name.startswith("ft:"):
        yield ":".join(name.split(":")[:2])  # ft:<base model>:<organisation>:<suffix>:<id>
    else:
        yield _SNAPSHOT.sub("", name)


def default_prices() -> Prices:
    """The table of this process: the shipped one, with the file of `TRACEKIT_PRICES` over it."""
    return load_prices(prices_path())


@functools.lru_cache(maxsize=8)
def load_prices(path: Path | None = None) -> Prices:
    """The shipped table, with the one at `path` laid over it.

    Raises:
        PriceError: The file can't be read, or something in it is no price.
    """
    shipped = _Table.read(_SHIPPED)
    if path is None:
        return Prices(version=shipped.version, tables=(shipped,))
    own = _Table.read(path)
    own.check()
    return Prices(version=own.version, tables=(own, shipped))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """One file. Cards are made when asked for: few of the many models are ever used."""

    path: Path
    version: str
    providers: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> "_Table":
        data = _read(path)
        providers = _object(data.get("providers"), path, "`providers`")
        known = {_PROVIDERS.get(name, name): models for name, models in providers.items()}
        return cls(path=path, version=str(data.get("version", path.name)), providers=known)

    def card(self, provider: str, model: str) -> Card | None:
        models = self.providers.get(provider)
        if models is None or model not in models:
            return None
        where = f"providers.{provider}[{model!r}]"
        node = _object(models[model], self.path, where)
        return _card(node, self.path, where, f"prices:{self.version}")

    def check(self) -> None:
        for provider, models in self.providers.items():
            for model in _object(models, self.path, f"providers.{provider}"):
                self.card(provider, model)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or error
        raise PriceError(
            f"the price table {str(path)!r} can't be read: {reason}; "
            "TRACEKIT_PRICES must name a JSON file"
        ) from error
    except UnicodeDecodeError as error:
        raise PriceError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from error
    except json.JSONDecodeError as error:
        raise PriceError(
            f"{path}:{error.lineno}:{error.colno}: not JSON: {error.msg[:1].lower()}{error.msg[1:]}"
        ) from error
    return _object(data, path, "the file")


def _card(card: Mapping[str, Any], path: Path, where: str, source: str) -> Card:
    tiers: dict[str, Rates] = {}
    long: dict[tuple[str, int], Rates] = {}
    for tier in ("standard", *_TIERS):
        if tier != "standard" and tier not in card:
            continue
        place = where if tier == "standard" else f"{where}.{tier}"
        node = card if tier == "standard" else _object(card[tier], path, place)
        tiers[tier] = _rates_of(node, path, place, nested=(*_TIERS, "above"))
        for step, rates in _object(node.get("above", {}), path, f"{place}.above").items():
            at = f"{place}.above.{step}"
            if not step.isdecimal():
                raise _bad(path, at, step, "a number of tokens")
            long[tier, int(step)] = _rates_of(_object(rates, path, at), path, at)
    steps = tuple(sorted({step for _, step in long}, reverse=True))
    return Card(source=source, tiers=tiers, long=long, steps=steps)


def _rates_of(
    node: Mapping[str, Any], path: Path, where: str, nested: tuple[str, ...] = ()
) -> Rates:
    rates: dict[str, float] = {}
    for kind, value in node.items():
        if kind in _KINDS:
            rates[kind] = _rate(value, path, f"{where}.{kind}")
        elif kind not in nested:
            raise _bad(path, where, kind, f"a kind of token: {', '.join(Rates.__slots__)}")
    return Rates(**rates)


def _rate(value: Any, path: Path, where: str) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and 0 <= value < math.inf:
        return float(value)
    raise _bad(path, where, value, "US dollars per million tokens, 0 or more")


def _object(value: Any, path: Path, where: str) -> Mapping[str, Any]:
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    raise _bad(path, where, value, "an object")


def _bad(path: Path, where: str, value: object, expected: str) -> PriceError:
    return PriceError(f"{path}: {where}: expected {expected}; got {value!r}")
