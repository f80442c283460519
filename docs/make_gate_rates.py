"""Writes how often the gate and the comparison err into docs/statistics.md.

Run `python docs/make_gate_rates.py`. Pairs of runs with noise in both are simulated, each cell
with a seed of its own name; the rates of yes-or-no metrics are summed exactly.
"""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import numpy.typing as npt
from make_coverage import PAGE, rng_of, table, written
from scipy import special

from tracekit.statistics import (
    compare,
    decide,
    look_alphas,
    non_inferiority,
    rows_for_margin,
)

PAIRS = 4_000
CHANGES = (0.0, -0.05, -0.1)
MARGINS = (0.05, 0.1)
ALPHA = 0.05

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Runs:
    """A way to draw the scores of one run of n rows, whose mean differs by `change`."""

    truth: float
    draw: Callable[[np.random.Generator, int, float], tuple[Floats, Floats]]
    bounds: tuple[float, float] | None
    """None where rows pass or fail."""


def _binary(rng: np.random.Generator, n: int, change: float) -> tuple[Floats, Floats]:
    """Rows of difficulty Beta(1.7, 0.3): 85 % pass, 17 % differ between unchanged runs."""
    p = rng.beta(1.7, 0.3, n)
    after = rng.random(n) < p * (1 + change / 0.85)
    return (rng.random(n) < p).astype(float), after.astype(float)


def _graded(rng: np.random.Generator, n: int, change: float) -> tuple[Floats, Floats]:
    """Five levels; each run moves a row by a level now and then: differences spread by 0.19."""
    level = rng.choice([2, 3, 4], n, p=[0.3, 0.4, 0.3])
    before, after = (_moved(rng, level) for _ in range(2))
    return before / 4, (after - (rng.random(n) < -4 * change)) / 4


def _moved(rng: np.random.Generator, level: npt.NDArray[np.int_]) -> npt.NDArray[np.int_]:
    step = rng.choice([-1, 0, 1], len(level), p=[0.18, 0.64, 0.18])
    return np.minimum(level + step, 4)


KINDS = {
    "yes or no": Runs(truth=0.85, draw=_binary, bounds=None),
    "graded": Runs(truth=0.75 - 0.3 * 0.18 / 4, draw=_graded, bounds=(0, 1)),
}


def verdict(before: Floats, after: Floats, margin: float, alpha: float, kind: str) -> str:
    """What the gate says."""
    if KINDS[kind].bounds is not None:
        return non_inferiority(before, after, margin, bounds=(0, 1), alpha=alpha).verdict
    gains, losses = int((after > before).sum()), int((after < before).sum())
    return _of_counts(gains, losses, len(before), margin, alpha)


@cache
def _of_counts(gains: int, losses: int, n: int, margin: float, alpha: float) -> str:
    before, after = np.zeros(n), np.zeros(n)
    after[:gains] = before[gains : gains + losses] = 1
    return non_inferiority(before, after, margin, alpha=alpha).verdict


def percent(part: float, whole: float = PAIRS) -> str:
    """A share, rounded to whole per cents but below 10 to tenths."""
    share = 100 * part / whole
    return f"{share:.1f}" if share < 9.95 else f"{share:.0f}"


def _three(verdicts: Counter[str]) -> str:
    whole = verdicts.total()
    return " / ".join(percent(verdicts[one], whole) for one in ("pass", "fail", "inconclusive"))


# --- the gate beside what is usually done


def rates(kinds: tuple[str, ...] = tuple(KINDS), sizes: tuple[int, ...] = (20, 50, 200)) -> str:
    """Error rates of the gate, of a threshold and of "the mean went down"."""
    cells = [(kind, n, change) for kind in kinds for n in sizes for change in CHANGES]
    return table(
        ["metric", "rows", "true change", "threshold fails", "lower mean fails",
         *(f"gate, margin {m}: pass / fail / inconclusive" for m in MARGINS)],
        [[kind, str(n), f"{change:g}", *_rate_cells(kind, n, change)] for kind, n, change in cells],
    )  # fmt: skip


def _rate_cells(kind: str, n: int, change: float) -> list[str]:
    return _exact_cells(n, change) if kind == "yes or no" else _simulated_cells(kind, n, change)


def _exact_cells(n: int, change: float) -> list[str]:
    """Of `_binary`, whose rows are independent: sums over all counts of gains and losses."""
    kept = 0.85 * 2.7 / 3 * (1 + change / 0.85)  # passes in both: E[p p'] of Beta(1.7, 0.3)
    gain, loss = 0.85 + change - kept, 0.85 - kept
    below = special.bdtr(math.ceil(n * 0.8 - 1e-9) - 1, n, 0.85 + change)
    lower, said = 0.0, [Counter[str](), Counter[str]()]
    for m in range(n + 1):
        differ = _chance(m, n, gain + loss)
        for gains in range(m + 1):
            chance = differ * _chance(gains, m, gain / (gain + loss))
            if chance < 1e-8:
                continue
            lower += chance * (2 * gains < m)
            for counter, margin in zip(said, MARGINS, strict=True):
                counter[_of_counts(gains, m - gains, n, margin, ALPHA)] += chance
    return [percent(below, 1), percent(lower, 1), *map(_three, said)]


def _chance(k: int, n: int, p: float) -> float:
    return float(special.bdtr(k, n, p) - (special.bdtr(k - 1, n, p) if k else 0))


def _simulated_cells(kind: str, n: int, change: float) -> list[str]:
    runs, rng = KINDS[kind], rng_of("gate", kind, n, change)
    drawn = [runs.draw(rng, n, change) for _ in range(PAIRS)]
    below = sum(float(after.mean()) < runs.truth - 0.05 for _, after in drawn)
    lower = sum(float(after.mean()) < float(before.mean()) for before, after in drawn)
    said = [Counter(verdict(*pair, margin, ALPHA, kind) for pair in drawn) for margin in MARGINS]
    return [percent(below), percent(lower), *map(_three, said)]


# --- power as predicted


def predicted() -> str:
    """Rows by `rows_for_margin`, and how often unchanged code then passes."""
    cells = [("yes or no", 0.17**0.5, 0.1), ("yes or no", 0.17**0.5, 0.05), ("graded", 0.192, 0.05)]
    body = [
        [kind, f"{sd:.3f}", str(margin), *_predicted(kind, sd, margin)]
        for kind, sd, margin in cells
    ]
    return table(["metric", "sd of differences", "margin", "rows for 80 %", "pass, %"], body)


def _predicted(kind: str, sd: float, margin: float) -> list[str]:
    n, rng = rows_for_margin(sd, margin), rng_of("predicted", kind, margin)
    drawn = [KINDS[kind].draw(rng, n, 0.0) for _ in range(PAIRS)]
    said = Counter(verdict(*pair, margin, ALPHA, kind) for pair in drawn)
    return [str(n), percent(said["pass"])]


# --- rare catastrophes, clusters, trials


def special_cases() -> str:
    """Where a plain t-test would err: a drop of exactly the margin, or none at all."""
    body = [[name, *_case(name, draw)] for name, draw in CASES.items()]
    return table(["what is true", "pass", "fail", "inconclusive"], body)


def _catastrophes(n: int, rng: np.random.Generator) -> str:
    after = 1.0 - (rng.random(n) < 0.05)
    return non_inferiority(np.ones(n), after, 0.05, bounds=(0, 1)).verdict


def _clusters(change: float, rng: np.random.Generator) -> str:
    """30 documents with 6 questions; what a document gains or loses, its questions share."""
    before = rng.choice([0.5, 0.75], 180)
    shared = rng.normal(0, 0.1, 30).repeat(6)
    after = (before + change + shared + rng.normal(0, 0.1, 180)).clip(-0.5, 1.5)
    ids = np.repeat(np.arange(30), 6)
    return non_inferiority(before, after, 0.05, clusters=ids, bounds=(-0.5, 1.5)).verdict


def _trials(rows: int, trials: int, change: float, rng: np.random.Generator) -> str:
    p = rng.beta(1.7, 0.3, rows)
    before = rng.binomial(trials, p) / trials
    after = rng.binomial(trials, p * (1 + change / 0.85)) / trials
    return non_inferiority(before, after, 0.05, bounds=None if trials == 1 else (0, 1)).verdict


CASES: dict[str, Callable[[np.random.Generator], str]] = {
    **{f"5 % of {n} rows drop by 1: the margin": partial(_catastrophes, n) for n in (20, 50, 200)},
    "30 clusters of 6, no change": partial(_clusters, 0.0),
    "30 clusters of 6, a drop of the margin": partial(_clusters, -0.05),
    "84 rows x 1, no change": partial(_trials, 84, 1, 0.0),
    "84 rows x 5 trials, no change": partial(_trials, 84, 5, 0.0),
    "84 rows x 5 trials, a drop of the margin": partial(_trials, 84, 5, -0.05),
}


def _case(name: str, draw: Callable[[np.random.Generator], str]) -> list[str]:
    rng = rng_of("case", name)
    said = Counter(draw(rng) for _ in range(PAIRS))
    return [percent(said[one]) for one in ("pass", "fail", "inconclusive")]


# --- looking before the end


def sequential() -> str:
    """200 rows at a margin of 0.05: once, at four looks, and by peeking every ten rows."""
    cells = [(kind, change) for kind in KINDS for change in CHANGES]
    plans = {
        "at the end": ((200,), (ALPHA,)),
        "4 looks": ((50, 100, 150, 200), look_alphas(4)),
        "peeking": (tuple(range(10, 201, 10)), (ALPHA,) * 20),
    }
    body = [
        [kind, f"{change:g}", *(_sequence(kind, change, *plan) for plan in plans.values())]
        for kind, change in cells
    ]
    return table(["metric", "true change", *(f"{name}: pass / fail, rows" for name in plans)], body)


def _sequence(kind: str, change: float, looks: tuple[int, ...], alphas: tuple[float, ...]) -> str:
    rng, said, used = rng_of("sequential", kind, change), Counter[str](), 0
    for _ in range(PAIRS // 4):
        before, after = KINDS[kind].draw(rng, 200, change)
        for n, alpha in zip(looks, alphas, strict=True):
            found = verdict(before[:n], after[:n], 0.05, alpha, kind)
            if found != "inconclusive":
                break
        said[found] += 1
        used += n
    whole = said.total()
    return f"{percent(said['pass'], whole)} / {percent(said['fail'], whole)}, {used / whole:.0f}"


# --- unchanged versions, one metric and five


def unchanged() -> str:
    """How often a difference is claimed where nothing changed."""
    rng, half = rng_of("unchanged"), PAIRS // 2
    claimed = {kind: sum(_differs(rng, kind) for _ in range(half)) for kind in KINDS}
    alone, together = Counter[str](), Counter[str]()
    for _ in range(half):
        gates = [non_inferiority(*_graded(rng, 50, 0.0), 0.05, bounds=(0, 1)) for _ in range(5)]
        alone["fail"] += any(gate.verdict == "fail" for gate in gates)
        together["fail"] += any(gate.verdict == "fail" for gate in decide(gates))
    return table(
        ["nothing changed", "%"],
        [
            *(
                [f"`compare` finds p <= 0.05, 100 rows, {kind}", percent(found, half)]
                for kind, found in claimed.items()
            ),
            ["one of five gates fails, each alone", percent(alone["fail"], half)],
            ["one of five gates fails, with `decide`", percent(together["fail"], half)],
        ],
    )


def _differs(rng: np.random.Generator, kind: str) -> bool:
    before, after = KINDS[kind].draw(rng, 100, 0.0)
    seed = int(rng.integers(2**31))
    return compare(before, after, bounds=KINDS[kind].bounds, seed=seed).p_value <= 0.05


TABLES: dict[str, Callable[[], str]] = {
    "rates": rates,
    "predicted": predicted,
    "special cases": special_cases,
    "sequential": sequential,
    "unchanged": unchanged,
}


if __name__ == "__main__":
    for name, made in TABLES.items():
        PAGE.write_text(written(PAGE.read_text("utf-8"), name, made()), "utf-8")
