"""Writes how often the intervals cover the truth into docs/statistics.md.

Run `python docs/make_coverage.py`. Yes-or-no data are summed exactly, all else is simulated,
each cell with a seed of its own name, so that any part can be made alone.
"""

import re
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import special

from tracekit.statistics import (
    Interval,
    clopper_pearson,
    corrected_mean,
    interval,
    quantile_interval,
    tango,
    wilson,
)
from tracekit.statistics.intervals import student

PAGE = Path(__file__).with_name("statistics.md")
SAMPLES = 2_000

Floats = npt.NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Floats]

RATES = (0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)
ROWS = (5, 10, 20, 50, 100, 200)
SIZES = (5, 10, 20, 50, 200)
GROUPS = ((5, 4), (10, 5), (20, 5), (50, 4))
ICC = 0.3


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def rng_of(*name: object) -> np.random.Generator:
    """The generator of one cell."""
    return np.random.default_rng(zlib.crc32(repr(name).encode()))


def share(hits: list[bool]) -> str:
    """Hits, per cent."""
    return f"{100 * sum(hits) / len(hits):.1f}"


def covers(found: Interval, truth: float) -> bool:
    """Whether an interval holds the truth, but for rounding."""
    return found.low <= truth + 1e-12 and found.high >= truth - 1e-12


def naive_t(values: Floats) -> Interval:
    """Student's t, whatever the values are."""
    return student(values, None, 0.95)


# --- yes or no: exact


def exact_coverage(method: Callable[[int, int], Interval], p: float, n: int) -> float:
    """The probability, per cent, that the interval of n rows holds p."""
    k = np.arange(n + 1)
    chance = np.diff(special.bdtr(k, n, p), prepend=0.0)
    return 100 * float(chance @ [covers(method(int(one), n), p) for one in k])


def proportions() -> str:
    """Wilson and Clopper-Pearson over the grid."""
    cells = [
        [(exact_coverage(wilson, p, n), exact_coverage(clopper_pearson, p, n)) for n in ROWS]
        for p in RATES
    ]
    body = [
        [str(p), *(f"{ours:.1f} / {exact:.1f}" for ours, exact in row)]
        for p, row in zip(RATES, cells, strict=True)
    ]
    flat = np.array(cells).reshape(-1, 2)
    mean, least = flat.mean(axis=0), flat.min(axis=0)
    return table(["true rate", *(f"n={n}" for n in ROWS)], body) + (
        f"\nWilson / Clopper-Pearson, exact: mean {mean[0]:.1f} / {mean[1]:.1f},"
        f" least {least[0]:.1f} / {least[1]:.1f}.\n"
    )


def pairs() -> str:
    """Tango's interval of the difference of two runs, exact."""
    body = [[str(n), *(f"{tango_coverage(n, *cell):.1f}" for cell in PAIRS)] for n in (10, 20, 50)]
    return table(["pairs", *(f"differ {psi}, gain {d}" for psi, d in PAIRS)], body)


PAIRS = ((0.1, 0.0), (0.1, -0.05), (0.2, 0.0), (0.2, -0.1), (0.4, -0.1))


def tango_coverage(n: int, discordant: float, difference: float) -> float:
    """The probability, per cent, that Tango's interval of n pairs holds the difference."""
    gain, total = (discordant + difference) / 2 / discordant, 0.0
    for m in range(n + 1):
        chance = np.diff(special.bdtr(np.arange(m + 1), m, gain), prepend=0.0)
        seen = special.bdtr(m, n, discordant) - (special.bdtr(m - 1, n, discordant) if m else 0)
        for b in range(m + 1):
            if seen * chance[b] > 1e-7:
                low, high = tango(b, m - b, n)
                total += seen * chance[b] * (low <= difference <= high)
    return 100 * total


# --- scores in known bounds


def _mixed(rng: np.random.Generator, n: int) -> Floats:
    return np.where(rng.random(n) < 0.7, rng.beta(20, 2, n), rng.beta(2, 20, n))


def _levels(levels: list[float], shares: list[float]) -> tuple[Draw, float]:
    return lambda rng, n: rng.choice(levels, n, p=shares), float(np.dot(levels, shares))


SCORES: dict[str, tuple[Draw, float]] = {
    "uniform": (lambda rng, n: rng.random(n), 0.5),
    "70 % Beta(20, 2), 30 % Beta(2, 20)": (_mixed, 0.7 * 20 / 22 + 0.3 * 2 / 22),
    "1: 80 %, 0.75: 15 %, 0: 5 %": _levels([1, 0.75, 0], [0.8, 0.15, 0.05]),
    "1: 97 %, 0.25: 3 %": _levels([1, 0.25], [0.97, 0.03]),
    "five levels, half at 1": _levels([0, 0.25, 0.5, 0.75, 1], [0.03, 0.05, 0.12, 0.3, 0.5]),
}


def scores(names: tuple[str, ...] = tuple(SCORES), sizes: tuple[int, ...] = SIZES) -> str:
    """Student's t and score-phi on scores in [0, 1]."""
    body = [[name, *(_score_cell(name, n) for n in sizes)] for name in names]
    return table(["scores", *(f"n={n}" for n in sizes)], body)


def _score_cell(name: str, n: int) -> str:
    (draw, truth), rng = SCORES[name], rng_of("scores", name, n)
    drawn = [draw(rng, n) for _ in range(SAMPLES)]
    naive = share([covers(naive_t(x), truth) for x in drawn])
    return f"{naive} / {share([covers(interval(x, bounds=(0, 1)), truth) for x in drawn])}"


# --- rows that belong together, and trials of a row


def _normal(rng: np.random.Generator, groups: int, size: int) -> Floats:
    shared = rng.normal(0, ICC**0.5, (groups, 1))
    return shared + rng.normal(0, (1 - ICC) ** 0.5, (groups, size))


def _passes(rate: float) -> Callable[[np.random.Generator, int, int], Floats]:
    spread = 1 / ICC - 1

    def draw(rng: np.random.Generator, groups: int, size: int) -> Floats:
        p = rng.beta(rate * spread, (1 - rate) * spread, (groups, 1))
        return (rng.random((groups, size)) < p).astype(float)

    return draw


def _ties(none: float, partly: float) -> Callable[[np.random.Generator, int, int], Floats]:
    """Scores of 0, 0.75 and 1 by cutting correlated normal values."""
    cuts = special.ndtri([none, none + partly])

    def draw(rng: np.random.Generator, groups: int, size: int) -> Floats:
        return np.array([0, 0.75, 1])[np.searchsorted(cuts, _normal(rng, groups, size))]

    return draw


Clustered = Callable[[np.random.Generator, int, int], Floats]
CLUSTERED: dict[str, tuple[Clustered, float, tuple[float, float] | None]] = {
    "normal": (_normal, 0.0, None),
    "yes or no, 0.8": (_passes(0.8), 0.8, (0, 1)),
    "yes or no, 0.95": (_passes(0.95), 0.95, (0, 1)),
    "1: 70 %, 0.75: 20 %, 0: 10 %": (_ties(0.1, 0.2), 0.85, (0, 1)),
    "1: 80 %, 0.75: 15 %, 0: 5 %": (_ties(0.05, 0.15), 0.9125, (0, 1)),
}


def clusters(names: tuple[str, ...] = tuple(CLUSTERED)) -> str:
    """Rows taken as independent, and clustered, where they are correlated."""
    body = [[name, *(_cluster_cell(name, g, m) for g, m in GROUPS)] for name in names]
    return table(["rows", *(f"{g} x {m}" for g, m in GROUPS)], body)


def _cluster_cell(name: str, groups: int, size: int) -> str:
    (draw, truth, bounds), rng = CLUSTERED[name], rng_of("clusters", name, groups, size)
    ids, binary = np.repeat(np.arange(groups), size), name.startswith("yes")
    naive, ours = [], []
    for _ in range(SAMPLES):
        x = draw(rng, groups, size).ravel()
        values = x.astype(bool) if binary else x
        naive.append(covers(interval(values) if binary else naive_t(x), truth))
        ours.append(covers(interval(values, clusters=ids, bounds=bounds), truth))
    return f"{share(naive)} / {share(ours)}"


TRIALS = ((10, 3), (20, 3), (20, 10), (50, 5))


def trials() -> str:
    """Trials taken for rows, and as trials; also with rows in clusters of four."""
    body = [
        ["rows apart", *(_trial_cell(n, k, 1) for n, k in TRIALS)],
        ["4 rows a cluster", *(_trial_cell(4 * n, k, 4) for n, k in TRIALS)],
    ]
    return table(["", *(f"{n} x {k}" for n, k in TRIALS)], body)


def _trial_cell(rows: int, repeats: int, size: int) -> str:
    rng, row = rng_of("trials", rows, repeats, size), np.repeat(np.arange(rows), repeats)
    naive, ours = [], []
    for _ in range(SAMPLES):
        shared = rng.normal(0, ICC**0.5, rows // size).repeat(size) if size > 1 else 0.0
        hard = special.ndtr(shared + rng.normal(0, (1 - ICC) ** 0.5 if size > 1 else 1, rows))
        passed = rng.random(rows * repeats) < special.betaincinv(1.7, 0.3, hard)[row]
        group = None if size == 1 else row // size
        naive.append(covers(interval(passed), 0.85))
        ours.append(covers(interval(passed, rows=row, clusters=group), 0.85))
    return f"{share(naive)} / {share(ours)}"


# --- no bounds: the mean, and a quantile

UNBOUNDED: dict[str, tuple[Draw, float, float]] = {
    "exponential": (lambda rng, n: rng.exponential(1, n), 1.0, -np.log(0.1)),
    "log-normal, sigma 0.5": (
        lambda rng, n: rng.lognormal(0, 0.5, n),
        np.exp(0.125),
        np.exp(0.5 * special.ndtri(0.9)),
    ),
}


def unbounded() -> str:
    """Mean and p90 of latencies and the like."""
    body = [[name, *(_unbounded_cell(name, n) for n in (10, 20, 50, 200))] for name in UNBOUNDED]
    return table(["values", *(f"n={n}" for n in (10, 20, 50, 200))], body)


def _unbounded_cell(name: str, n: int) -> str:
    (draw, mean, p90), rng = UNBOUNDED[name], rng_of("unbounded", name, n)
    drawn = [draw(rng, n) for _ in range(SAMPLES if n >= 30 else 500)]
    found = [covers(interval(x), mean) for x in drawn]
    return f"{share(found)} / {share([covers(quantile_interval(x, 0.9), p90) for x in drawn])}"


# --- a judge, corrected by labels

LABELLED = ((20, 400), (40, 400), (60, 180), (100, 1000))


def corrected() -> str:
    """A lenient judge's mean alone, and corrected by prediction-powered inference."""
    body = [["yes or no, 0.485", *(_corrected_cell(n, others) for n, others in LABELLED)]]
    return table(["labels / others", *(f"{n} / {others}" for n, others in LABELLED)], body)


def _corrected_cell(n: int, others: int) -> str:
    rng, alone, ours = rng_of("corrected", n, others), [], []
    for _ in range(SAMPLES):
        y = (rng.random(n + others) < 0.485).astype(float)
        f = np.where(y == 1, rng.beta(6, 1.2, len(y)), rng.beta(1.3, 1.2, len(y)))
        alone.append(covers(interval(f, bounds=(0, 1)), 0.485))
        found = corrected_mean(y[:n], f[:n], f[n:])
        ours.append(found.low <= 0.485 <= found.high)
    return f"{share(alone)} / {share(ours)}"


TABLES: dict[str, Callable[[], str]] = {
    "proportions": proportions,
    "pairs": pairs,
    "scores": scores,
    "clusters": clusters,
    "trials": trials,
    "unbounded": unbounded,
    "corrected": corrected,
}


def written(page: str, name: str, text: str) -> str:
    """The page with one table replaced, between its comments."""
    mark = rf"(<!-- {name} -->\n).*?(<!-- end -->)"
    return re.sub(mark, lambda found: f"{found[1]}{text}{found[2]}", page, flags=re.DOTALL)


if __name__ == "__main__":
    for name, made in TABLES.items():
        PAGE.write_text(written(PAGE.read_text("utf-8"), name, made()), "utf-8")
