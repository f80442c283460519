"""The BCa bootstrap: bounds for a statistic that no formula knows.

Bias-corrected and accelerated (Efron 1987, JASA 82), by resampling rows. The percentile bootstrap
is not offered: it covers too little where rows are few.
"""

import math
from collections.abc import Callable

import numpy as np
from scipy import special

from tracekit.errors import StatisticsError
from tracekit.statistics._arrays import Codes, Floats, share

RESAMPLES = 9_999


def bca(
    estimate: float, replicates: Floats, jackknife: Floats, confidence: float
) -> tuple[float, float]:
    """The bounds, from the replicates of a statistic and from its values with one row left out.

    A replicate that is NaN, where the statistic is not defined, counts as minus infinity for
    the lower bound and as infinity for the upper one.
    """
    undefined = np.isnan(replicates)
    known = replicates[~undefined]
    if not len(known):
        return -math.inf, math.inf
    below = float((known < estimate).mean() + (known <= estimate).mean()) / 2
    least = 0.5 / len(known)
    bias = float(special.ndtri(min(max(below, least), 1 - least)))
    ends = bias + np.array([-1, 1]) * special.ndtri(0.5 + share(confidence, "confidence") / 2)
    shares = special.ndtr(bias + ends / (1 - acceleration(jackknife) * ends))
    low = np.quantile(np.where(undefined, -math.inf, replicates), shares[0], method="lower")
    high = np.quantile(np.where(undefined, math.inf, replicates), shares[1], method="higher")
    return float(low), float(high)


def acceleration(jackknife: Floats) -> float:
    """How the spread of the statistic changes with its value: a sixth of the skewness."""
    away = jackknife[np.isfinite(jackknife)]
    away = away.mean() - away if len(away) else away
    scale = float(away @ away) ** 1.5
    return float((away**3).sum()) / (6 * scale) if scale else 0.0


def bootstrap_mean(
    values: Floats, *, confidence: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """BCa bounds of a mean, by 9,999 resamples."""
    n = len(values)
    draws = np.random.default_rng(seed).integers(0, n, (RESAMPLES, n))
    leave_one_out = (values.sum() - values) / (n - 1)
    return bca(float(values.mean()), values[draws].mean(axis=1), leave_one_out, confidence)


def bootstrap(
    statistic: Callable[[Codes], float],
    n: int,
    *,
    confidence: float = 0.95,
    resamples: int = 1_999,
    seed: int = 0,
) -> tuple[float, float]:
    """BCa bounds of any statistic of n rows, such as corpus BLEU.

    Args:
        statistic: its value on the rows of these indices; NaN where it has none.
        n: rows that there are, each resampled as a whole.
        confidence: of the two-sided interval.
        resamples: as many times, and n times more for the jackknife, `statistic` is called.
        seed: of the resampling.

    Raises:
        StatisticsError: fewer than two rows.

    >>> import numpy as np
    >>> data = np.array([3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0])
    >>> low, high = bootstrap(lambda rows: float(np.median(data[rows])), len(data))
    >>> low, high
    (1.5, 6.0)
    """
    if n < 2:
        raise StatisticsError(f"a bootstrap needs at least 2 rows, got {n}")
    rng, every = np.random.default_rng(seed), np.arange(n)
    replicates = [statistic(rng.integers(0, n, n)) for _ in range(resamples)]
    jackknife = [statistic(np.delete(every, i)) for i in range(n)]
    return bca(statistic(every), np.array(replicates), np.array(jackknife), confidence)
