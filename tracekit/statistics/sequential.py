"""Looking at a gate before all rows are in, without raising its error rate.

Peeking every few rows and stopping at the first verdict turns 5 % of false alarms into 15 %. A
group-sequential plan looks K times at equal parts of the planned rows, in random order, and
spends the error rate little by little: Lan and DeMets (1983) in the form of O'Brien and Fleming,
a(t) = 2 (1 - Phi(z_{1-a/2} / sqrt(t))) of a one-sided a. The gate of look k is

    non_inferiority(baseline, candidate, margin, alpha=look_alphas(K)[k - 1])

which at a look but the last ends the run on pass or fail, and goes on otherwise. Always allowed
is to stop where no remaining row can change the verdict: `settled`.
"""

import math
from functools import lru_cache

import numpy as np
from scipy import special

from tracekit.errors import StatisticsError
from tracekit.statistics._arrays import Floats, Values, numbers, same_length
from tracekit.statistics.comparison import Direction, are_binary, differences, reach
from tracekit.statistics.gate import SPARSE, Verdict, non_inferiority
from tracekit.statistics.intervals import t_quantile

NODES = 200
FAR = 9.0
"""Standard deviations beyond which the score process is not followed."""


def look_alphas(looks: int, *, alpha: float = 0.05) -> tuple[float, ...]:
    """The one-sided error rate of the gate at each look.

    Raises:
        StatisticsError: as `boundaries`.

    >>> [round(rate, 4) for rate in look_alphas(4)]
    [0.0001, 0.0055, 0.0219, 0.0427]
    """
    return tuple(float(special.ndtr(-bound)) for bound in boundaries(looks, alpha=alpha))


@lru_cache
def boundaries(looks: int, *, alpha: float = 0.05) -> tuple[float, ...]:
    """The normal quantile that a one-sided test must exceed at each of equally spaced looks.

    By recursive integration over the score process (Armitage, McPherson and Rowe 1969), with
    Gauss-Legendre nodes below the boundary of each look.

    Raises:
        StatisticsError: fewer than one look, or a rate not between 0 and 0.5.

    >>> [round(bound, 2) for bound in boundaries(4)]
    [3.75, 2.54, 2.02, 1.72]
    """
    if looks < 1:
        raise StatisticsError(f"a plan needs at least 1 look, got {looks}")
    if not 0 < alpha < 0.5:
        raise StatisticsError(f"`alpha` must lie between 0 and 0.5, got {alpha!r}")
    step = 1 / looks
    nodes, weights = np.zeros(1), np.ones(1)  # the process starts at zero
    bounds: list[float] = []
    for look in range(1, looks + 1):
        spent = _spent(look / looks, alpha) - (_spent((look - 1) / looks, alpha) if look > 1 else 0)
        end = _crossing(nodes, weights, step, spent)
        bounds.append(end / math.sqrt(look * step))
        nodes, weights = _advanced(nodes, weights, step, -FAR * math.sqrt(look * step), end)
    return tuple(bounds)


def _spent(part: float, alpha: float) -> float:
    return float(2 * special.ndtr(special.ndtri(alpha / 2) / math.sqrt(part)))


def _crossing(nodes: Floats, weights: Floats, step: float, chance: float) -> float:
    """The value that the process exceeds after its next step with this chance, by bisection."""
    low, high = -FAR, FAR
    for _ in range(60):
        middle = (low + high) / 2
        over = float(weights @ special.ndtr((nodes - middle) / math.sqrt(step)))
        low, high = (middle, high) if over > chance else (low, middle)
    return high


def _advanced(
    nodes: Floats, weights: Floats, step: float, low: float, high: float
) -> tuple[Floats, Floats]:
    """Nodes and density weights of the process below the boundary, one step on."""
    points, sizes = _gauss_legendre()
    after = low + (points + 1) * (high - low) / 2
    density = np.exp(-((after[:, None] - nodes) ** 2) / (2 * step)) @ weights
    return after, density * sizes * (high - low) / 2 / math.sqrt(2 * math.pi * step)


@lru_cache(maxsize=1)
def _gauss_legendre() -> tuple[Floats, Floats]:
    points, sizes = np.polynomial.legendre.leggauss(NODES)
    return np.asarray(points), np.asarray(sizes)


def settled(
    baseline: Values,
    candidate: Values,
    remaining: int,
    margin: float,
    *,
    bounds: tuple[float, float] | None = None,
    direction: Direction = "maximize",
    alpha: float = 0.05,
) -> Verdict | None:
    """The verdict that no outcome of the remaining rows can change; None while one can.

    For yes-or-no rows exactly. For scores the remaining differences may be anything within the
    metric's range; while fewer than 10 rows differ no pass is foreseen. Without bounds a score
    is never settled. Rows must be independent: clusters are not foreseen.

    Args:
        baseline: of the rows that are done.
        candidate: the same rows in the same order.
        remaining: rows that are still to be run in both.
        margin: of the gate, as all that follows.
        bounds: the least and greatest value of the metric.
        direction: of the metric.
        alpha: error rate of the gate.

    Raises:
        StatisticsError: as `non_inferiority`.

    >>> settled([1] * 150, [0] * 40 + [1] * 110, remaining=20, margin=0.05)
    'fail'
    >>> settled([1] * 100, [0] * 8 + [1] * 92, remaining=100, margin=0.05) is None
    True
    """
    so_far = non_inferiority(
        baseline, candidate, margin, bounds=bounds, direction=direction, alpha=alpha
    )
    if remaining <= 0:
        return so_far.verdict
    before, after = numbers(baseline, "baseline"), numbers(candidate, "candidate")
    same_length("candidate", len(after), len(before))
    d = differences(before, after, direction)
    if are_binary(baseline, candidate, bounds):
        low, high = _binary_ends(d, remaining, margin, alpha)
    elif bounds is not None:
        low, high = _graded_ends(d, remaining, reach(bounds, before, after), alpha)
        if so_far.differing < SPARSE:
            low = (-math.inf, low[1])
    else:
        return None
    if low[0] > -margin:
        return "pass"
    if low[1] <= -margin:
        return "fail" if high[1] < 0 else "inconclusive" if high[0] >= 0 else None
    return None


_Ends = tuple[tuple[float, float], tuple[float, float]]
"""The least and greatest lower bound, and the least and greatest upper bound, that may come."""


def _binary_ends(d: Floats, remaining: int, margin: float, alpha: float) -> _Ends:
    """With all remaining rows lost, and won: Tango's bounds rise with every difference."""
    worst, best = (
        non_inferiority(*_runs(np.concatenate([d, np.full(remaining, one)])), margin, alpha=alpha)
        for one in (-1.0, 1.0)
    )
    return (worst.low, best.low), (worst.high, best.high)


def _runs(d: Floats) -> tuple[Floats, Floats]:
    """Yes-or-no runs of these differences."""
    return (d < 0).astype(np.float64), (d > 0).astype(np.float64)


def _graded_ends(d: Floats, remaining: int, width: float, alpha: float) -> _Ends:
    """Student's lower bound is concave in the differences, the upper one convex.

    Each has its one end where all remaining differences lie at the ends of the range, and its
    other where they are equal.
    """
    done, n = len(d), len(d) + remaining
    quantile = t_quantile(1 - 2 * alpha, n - 1)
    total, spread = float(d.sum()), float(((d - d.mean()) ** 2).sum())

    def bounds_of(sums: Floats, squares: Floats) -> tuple[Floats, Floats]:
        mean = sums / n
        half = quantile * np.sqrt((squares - n * mean**2).clip(0) / n / (n - 1))
        return (mean - half).clip(-width, width), (mean + half).clip(-width, width)

    squares = spread + done * (total / done) ** 2
    up = 2.0 * np.arange(remaining + 1, dtype=np.float64) - remaining
    lowest, highest = bounds_of(
        np.asarray(total + width * up, np.float64),
        np.full(remaining + 1, squares + remaining * width**2),
    )
    steep = (quantile * done) ** 2 - (n - 1) * done * remaining
    best = math.sqrt(n * (n - 1) * spread / steep) if steep > 0 else math.inf
    equal = np.clip(total / done + np.array([best, -best]), -width, width)
    low, high = bounds_of(total + remaining * equal, squares + remaining * equal**2)
    return (float(lowest.min()), float(low[0])), (float(high[1]), float(highest.max()))
