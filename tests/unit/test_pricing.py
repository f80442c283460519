"""Costs: each kind of token priced once, at its own rate, or not at all."""

import json
from pathlib import Path

import pytest

from tracekit.errors import PriceError
from tracekit.pricing import Rates, Usage, default_prices, load_prices, price

# What the providers' price pages say, US dollars per million tokens, worked out by hand here.
GOLDEN = [
    (
        "openai: cached input at a tenth, reasoning within output",
        ("openai", "gpt-5-2025-08-07"),
        Usage(
            input_tokens=10_000,
            cache_read_tokens=8_000,
            output_tokens=1_000,
            reasoning_tokens=900,
        ),
        2_000 * 1.25 + 8_000 * 0.125 + 1_000 * 10,
    ),
    (
        "openai: cached input at half",
        ("openai", "gpt-4o-2024-08-06"),
        Usage(input_tokens=2_006, cache_read_tokens=1_920, output_tokens=300),
        86 * 2.5 + 1_920 * 1.25 + 300 * 10,
    ),
    (
        "openai: audio in and out beside text",
        ("openai", "gpt-4o-audio-preview-2024-12-17"),
        Usage(
            input_tokens=110,
            audio_input_tokens=80,
            output_tokens=200,
            audio_output_tokens=150,
        ),
        30 * 2.5 + 80 * 40 + 50 * 10 + 150 * 80,
    ),
    (
        "openai: an image model reads text and pictures, and puts out pictures",
        ("openai", "gpt-image-1"),
        Usage(input_tokens=60, image_input_tokens=40, output_tokens=1_056),
        20 * 5 + 40 * 10 + 1_056 * 40,
    ),
    (
        "openai: a chat model reads pictures at the price of text",
        ("openai", "gpt-4o"),
        Usage(input_tokens=1_000, image_input_tokens=765, output_tokens=10),
        1_000 * 2.5 + 10 * 10,
    ),
    (
        "openai: embeddings have no output",
        ("openai", "text-embedding-ada-002-v2"),
        Usage(input_tokens=8_000),
        8_000 * 0.1,
    ),
    (
        "openai: a request above 272,000 tokens costs more, all of it",
        ("openai", "gpt-5.4"),
        Usage(input_tokens=300_000, cache_read_tokens=100_000, output_tokens=1_000),
        200_000 * 5 + 100_000 * 0.5 + 1_000 * 22.5,
    ),
    (
        "azure: its own spelling",
        ("azure.ai.openai", "gpt-35-turbo"),
        Usage(input_tokens=1_000, output_tokens=1_000),
        1_000 * 0.5 + 1_000 * 1.5,
    ),
    (
        "anthropic: cache writes above, cache reads below the input price",
        ("anthropic", "claude-sonnet-4-5-20250929"),
        Usage(
            input_tokens=5_000,
            cache_read_tokens=3_000,
            cache_write_tokens=1_500,
            output_tokens=400,
        ),
        500 * 3 + 3_000 * 0.3 + 1_500 * 3.75 + 400 * 15,
    ),
    (
        "google: audio input dearer than text, thinking as output",
        ("gcp.gemini", "gemini-2.5-flash"),
        Usage(
            input_tokens=1_000,
            audio_input_tokens=600,
            output_tokens=500,
            reasoning_tokens=300,
        ),
        400 * 0.3 + 600 * 1.0 + 500 * 2.5,
    ),
    (
        "google: above 200,000 tokens",
        ("gcp.gemini", "gemini-2.5-pro"),
        Usage(input_tokens=200_001, output_tokens=100),
        200_001 * 2.5 + 100 * 15,
    ),
    (
        "deepseek: cache hits",
        ("deepseek", "deepseek-reasoner"),
        Usage(input_tokens=1_000, cache_read_tokens=640, output_tokens=200, reasoning_tokens=150),
        360 * 0.28 + 640 * 0.028 + 200 * 0.42,
    ),
    (
        "groq: a model of another maker",
        ("groq", "openai/gpt-oss-120b"),
        Usage(input_tokens=1_000, output_tokens=1_000),
        1_000 * 0.15 + 1_000 * 0.6,
    ),
]


@pytest.mark.parametrize(
    ("model", "usage", "micro_dollars"),
    [case[1:] for case in GOLDEN],
    ids=[case[0] for case in GOLDEN],
)
def test_each_kind_of_token_is_priced_once(
    model: tuple[str, str], usage: Usage, micro_dollars: float
) -> None:
    cost = price(*model, usage, prices=load_prices())
    assert cost is not None
    assert cost.usd == pytest.approx(micro_dollars / 1e6, rel=1e-9)
    assert cost.source.startswith("prices:20")


SOME = Usage(input_tokens=1_000, output_tokens=100)


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-99"),
        ("openai", "my-own-gpt-4o"),
        ("llm.internal", "gpt-4o"),
        (None, "gpt-4o"),
        ("openai", None),
        ("openai", "ft:gpt-99:acme::abc123"),
        ("openai", "gpt-4o-mini-0718"),
    ],
)
def test_what_the_table_does_not_list_has_no_cost(provider: str | None, model: str | None) -> None:
    assert price(provider, model, SOME) is None


@pytest.mark.parametrize(
    "usage",
    [
        Usage(),
        Usage(output_tokens=10),
        Usage(input_tokens=10),
        Usage(input_tokens=10, output_tokens=5, audio_input_tokens=3),
        Usage(input_tokens=10, output_tokens=5, audio_output_tokens=3),
        Usage(input_tokens=10, output_tokens=5, cache_write_tokens=3),
        Usage(input_tokens=10, output_tokens=5, cache_read_tokens=11),
    ],
    ids=["nothing", "no input", "no output", "audio in", "audio out", "cache write", "impossible"],
)
def test_a_usage_that_can_not_be_priced_has_no_cost(usage: Usage) -> None:
    assert price("openai", "gpt-4o", usage) is None


@pytest.mark.parametrize(
    ("model", "listed"),
    [
        ("gpt-4o-2031-01-31", "gpt-4o"),
        ("GPT-4o", "gpt-4o"),
        ("ft:gpt-4o-mini-2024-07-18:acme::B1c2D3", "ft:gpt-4o-mini-2024-07-18"),
    ],
)
def test_a_model_is_found_by_its_family(model: str, listed: str) -> None:
    found = price("openai", model, SOME)
    assert found is not None
    assert found == price("openai", listed, SOME)


def test_a_listed_snapshot_keeps_its_own_price() -> None:
    old = price("openai", "gpt-4o-2024-05-13", SOME)
    new = price("openai", "gpt-4o", SOME)
    assert old is not None
    assert new is not None
    assert old.usd == pytest.approx((1_000 * 5 + 100 * 15) / 1e6)
    assert old.usd > new.usd


@pytest.mark.parametrize("name", ["google_genai", "google", "gemini"])
def test_other_names_of_a_provider_are_known(name: str) -> None:
    found = price(name, "models/gemini-2.5-flash", SOME)
    assert found is not None
    assert found == price("gcp.gemini", "gemini-2.5-flash", SOME)


@pytest.mark.parametrize(
    ("tier", "micro_dollars"),
    [
        (None, 1_000 * 1.25 + 100 * 10),
        ("default", 1_000 * 1.25 + 100 * 10),
        ("batch", 1_000 * 0.625 + 100 * 5),
        ("flex", 1_000 * 0.625 + 100 * 5),
        ("priority", 1_000 * 2.5 + 100 * 20),
    ],
)
def test_a_service_tier_has_its_own_rates(tier: str | None, micro_dollars: float) -> None:
    cost = price("openai", "gpt-5", SOME, service_tier=tier)
    assert cost is not None
    assert cost.usd == pytest.approx(micro_dollars / 1e6)


@pytest.mark.parametrize("tier", ["scale", "flex", "batch"])
def test_a_tier_without_rates_has_no_cost(tier: str) -> None:
    assert price("openai", "gpt-4o-audio-preview-2024-12-17", SOME, service_tier=tier) is None


def test_a_long_request_in_a_tier_without_long_rates_has_no_cost(tmp_path: Path) -> None:
    card = {"input": 1, "output": 2, "flex": {"input": 0.5, "output": 1}}
    card["above"] = {"1000": {"input": 3, "output": 4}}
    prices = load_prices(table(tmp_path, {"openai": {"m": card}}))
    long = Usage(input_tokens=1_001, output_tokens=1)
    assert price("openai", "m", long, service_tier="flex", prices=prices) is None
    cost = price("openai", "m", long, prices=prices)
    assert cost is not None
    assert cost.usd == pytest.approx((1_001 * 3 + 4) / 1e6)


def test_moderation_is_free() -> None:
    cost = price("openai", "omni-moderation-latest", Usage())
    assert cost is not None
    assert cost.usd == 0


def test_reasoning_has_its_own_rate_where_the_table_has_one(tmp_path: Path) -> None:
    prices = load_prices(
        table(tmp_path, {"acme": {"m": {"input": 1, "output": 2, "reasoning": 5}}})
    )
    usage = Usage(input_tokens=10, output_tokens=100, reasoning_tokens=60)
    cost = price("acme", "m", usage, prices=prices)
    assert cost is not None
    assert cost.usd == pytest.approx((10 * 1 + 40 * 2 + 60 * 5) / 1e6)


def table(folder: Path, providers: object, **head: str) -> Path:
    path = folder / "prices.json"
    path.write_text(json.dumps({**head, "providers": providers}), encoding="utf-8")
    return path


def test_a_file_named_by_the_environment_is_laid_over_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {"openai": {"gpt-4o": {"input": 1, "output": 1}}, "acme": {"m": {"input": 2}}}
    monkeypatch.setenv("TRACEKIT_PRICES", str(table(tmp_path, own, version="contract-7")))
    cost = price("openai", "gpt-4o", SOME)
    assert cost is not None
    assert cost.usd == pytest.approx(1_100 / 1e6)
    assert cost.source == "prices:contract-7"
    assert price("acme", "m", Usage(input_tokens=1)) is not None
    assert price("openai", "gpt-5", SOME) == price("openai", "gpt-5", SOME, prices=load_prices())


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "prices.json:1:2: not JSON: expecting property name"),
        ("[]", "the file: expected an object; got []"),
        ("{}", "`providers`: expected an object; got None"),
        ('{"providers": {"openai": 3}}', "providers.openai: expected an object; got 3"),
        (
            '{"providers": {"openai": {"m": {"inputs": 3}}}}',
            "providers.openai['m']: expected a kind of token: input, output, cache_read",
        ),
        (
            '{"providers": {"openai": {"m": {"input": "3"}}}}',
            "providers.openai['m'].input: expected US dollars per million tokens, 0 or more; got '3'",
        ),
        ('{"providers": {"openai": {"m": {"input": -1}}}}', "0 or more; got -1"),
        ('{"providers": {"openai": {"m": {"input": NaN}}}}', "0 or more; got nan"),
        ('{"providers": {"openai": {"m": {"input": true}}}}', "0 or more; got True"),
        (
            '{"providers": {"openai": {"m": {"input": 1, "above": {"many": {}}}}}}',
            "providers.openai['m'].above.many: expected a number of tokens; got 'many'",
        ),
    ],
)
def test_a_bad_price_file_is_named_with_the_place(
    text: str, complaint: str, tmp_path: Path
) -> None:
    path = tmp_path / "prices.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PriceError) as caught:
        load_prices(path)
    assert str(caught.value).startswith(str(path))
    assert complaint in str(caught.value)


def test_a_missing_price_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PriceError, match="nowhere.json' can't be read: No such file"):
        load_prices(tmp_path / "nowhere.json")


def test_the_shipped_table_is_sound_and_says_where_it_is_from() -> None:
    prices = default_prices()
    shipped = prices.tables[-1]
    shipped.check()
    head = json.loads(shipped.path.read_text(encoding="utf-8"))
    assert head["version"] == shipped.version
    assert {source["license"] for source in head["sources"]} == {"MIT"}
    assert all(source["url"].startswith("https://") for source in head["sources"])


def test_no_listed_model_is_free_but_moderation() -> None:
    shipped = load_prices().tables[-1]
    free = {
        model
        for provider, models in shipped.providers.items()
        for model in models
        if (card := shipped.card(provider, model)) and card.is_free
    }
    assert free == {"omni-moderation-latest", "omni-moderation-2024-09-26"}


def test_the_page_on_prices_names_every_rate_and_its_example_works(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "prices.md").read_text(encoding="utf-8")
    assert all(f"`{kind}`" in page for kind in Rates.__slots__)
    example = tmp_path / "own.json"
    example.write_text(page.split("```json\n")[1].split("```")[0], encoding="utf-8")
    prices = load_prices(example)
    cost = price("my-gateway", "llama-3.3-70b", SOME, prices=prices)
    assert cost is not None
    assert cost.source == "prices:contract 2026"
