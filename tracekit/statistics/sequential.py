"""Looking at a gate before all rows are in, without raising its error rate.

Peeking every few rows and stopping at the first verdict turns 5 % of false alarms into 15 %. A
group-sequential plan looks K times at equal parts of the planned rows, in random order, and
spends the error rate little by little: Lan and DeMets (1983) in the form of O'Brien and Fleming,
a(t) = 2 (1 - Phi(z_{1-a/2} / sqrt(t))) of a one-sided a. The gate of look k is

    non_inferiority(baseline, candidate, margin, alpha=look_alphas(K)[k - 1])

which at a look but the last ends the run on pass or fail, and goes on otherwise.
"""

import math
from functools import lru_cache

import numpy as np
from scipy import special

from tracekit.errors import StatisticsError
from tracekit.statistics._arrays import Floats

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
