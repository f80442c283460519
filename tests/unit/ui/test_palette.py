"""Colours can be read and told apart, also by people who see fewer of them."""

import itertools
import math
import re
from pathlib import Path

import pytest

TOKENS = (Path(__file__).parents[3] / "ui/static/tokens.css").read_text()
THEMES = ("light", "dark")
KINDS = ("agent", "model", "tool", "retrieval", "embedding", "guardrail")
Colour = tuple[float, float, float]


def palette(theme: str) -> dict[str, Colour]:
    """Linear RGB of each token."""
    pairs = re.findall(r"--([a-z-]+): light-dark\((#\w{6}), (#\w{6})\)", TOKENS)
    return {name: linear(light if theme == "light" else dark) for name, light, dark in pairs}


def linear(text: str) -> Colour:
    parts = [int(text[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return r, g, b


def contrast(a: Colour, b: Colour) -> float:
    """WCAG 2.2, https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio."""
    high, low = sorted(
        (0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2] for c in (a, b)), reverse=True
    )
    return (high + 0.05) / (low + 0.05)


# Machado, Oliveira, Fernandes 2009, severity 1, for linear RGB:
# https://www.inf.ufrgs.br/~oliveira/pubs_files/CVD_Simulation/CVD_Simulation.html
SIGHTS = {
    "full": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protan": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deutan": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritan": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


def seen(colour: Colour, sight: str) -> Colour:
    r, g, b = (
        min(1.0, max(0.0, sum(w * c for w, c in zip(row, colour, strict=True))))
        for row in SIGHTS[sight]
    )
    return r, g, b


def lab(colour: Colour) -> Colour:
    """CIE L*a*b* under D65."""
    r, g, b = colour
    xyz = (
        (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047,
        0.2126 * r + 0.7152 * g + 0.0722 * b,
        (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883,
    )
    x, y, z = (v ** (1 / 3) if v > 216 / 24389 else (24389 / 27 * v + 16) / 116 for v in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def distance(a: Colour, b: Colour) -> float:
    """CIE76."""
    return math.dist(lab(a), lab(b))


TEXTS = ("text", "muted", "faint", "link", "error", "warning", *KINDS, "step")


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("ground", ["surface", "bg", "sunken", "selected"])
@pytest.mark.parametrize("text", TEXTS)
def test_text_can_be_read_on_every_ground(theme: str, ground: str, text: str) -> None:
    colours = palette(theme)
    least = 3.0 if text in {*KINDS, "step"} else 4.5  # shapes need less than letters
    assert contrast(colours[text], colours[ground]) >= least


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("ground", ["surface", "selected"])
def test_the_edge_of_a_control_can_be_seen(theme: str, ground: str) -> None:
    colours = palette(theme)
    assert contrast(colours["control"], colours[ground]) >= 3.0


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("state", ["error", "warning"])
def test_a_badge_can_be_read(theme: str, state: str) -> None:
    colours = palette(theme)
    assert contrast(colours[state], colours[f"{state}-bg"]) >= 4.5


@pytest.mark.parametrize(("theme", "least"), [("light", 13.5), ("dark", 9.5)])
@pytest.mark.parametrize("sight", SIGHTS)
def test_kinds_differ_under_every_kind_of_sight(theme: str, least: float, sight: str) -> None:
    colours = palette(theme)
    distances = {
        (a, b): distance(seen(colours[a], sight), seen(colours[b], sight))
        for a, b in itertools.combinations(KINDS, 2)
    }
    assert min(distances.values()) >= least, min(distances, key=lambda pair: distances[pair])
