"""Exact and resampled tests, and p-values of many metrics at once."""

import math
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy import special

from tracekit.errors import StatisticsError
from tracekit.statistics._arrays import Floats, Ids, Values, cluster_sums, codes, numbers

FLIPS = 9_999
ENUMERATED = 16
"""Up to so many differences, all 2^n flips of sign are tried."""
DRAWN = 2_000
"""Of more differences than these, the smallest are summed to one normal draw."""


def mcnemar(gains: int, losses: int, *, mid_p: bool = False) -> float:
    """Two-sided exact p-value of as many gains as losses.

    Binomial(b + c, 1/2) (McNemar 1947, exact form); `mid_p` counts half of what was seen
    (Fagerland et al. 2013): less conservative, no longer a guarantee.

    >>> round(mcnemar(3, 12), 4), round(mcnemar(3, 12, mid_p=True), 4)
    (0.0352, 0.0213)
    """
    few, total = min(gains, losses), gains + losses
    if not total:
        return 1.0
    tail = float(special.bdtr(few, total, 0.5))
    if not mid_p:
        return min(1.0, 2 * tail)
    seen = tail - (float(special.bdtr(few - 1, total, 0.5)) if few else 0.0)
    return min(1.0, 2 * tail - seen)


def sign_flip(values: Values, *, clusters: Ids | None = None, seed: int = 0) -> float:
    """Two-sided p-value of a mean of zero, by flipping signs.

    Exact where a difference is as likely as its opposite. All flips up to 16 differences that
    are not zero, else 9,999 at random, (k + 1)/(N + 1) (Phipson and Smyth 2010). Beyond 2,000
    differences the smaller ones, which together are normal, are drawn as one number.

    Raises:
        StatisticsError: no value, NaN, or lengths that differ.

    >>> sign_flip([1, 2, 3, 4, 5])
    0.0625
    """
    sums = numbers(values)
    if clusters is not None:
        sums = cluster_sums(sums, codes(clusters, "clusters", len(sums)))
    size = np.sort(np.abs(sums[sums != 0]))[::-1]
    if not len(size):
        return 1.0
    seen = abs(float(sums.sum())) - 1e-9 * float(size.sum())  # equal sums, however they round
    if len(size) <= ENUMERATED:
        flips = np.array([0.0])
        for one in size:
            flips = np.concatenate([flips - one, flips + one])
        return float((np.abs(flips) >= seen).mean())
    return (int((np.abs(_random_flips(size, seed)) >= seen).sum()) + 1) / (FLIPS + 1)


def _random_flips(size: Floats, seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    large, rest = size[:DRAWN], size[DRAWN:]
    bits = rng.integers(0, 2, (FLIPS, len(large)), dtype=np.int8)
    flips = np.concatenate([2.0 * (block @ large) for block in np.array_split(bits, 20)])
    return np.asarray(flips - large.sum() + rng.normal(0, 1, FLIPS) * math.sqrt(float(rest @ rest)))


def wilcoxon(values: Values) -> float:
    """Two-sided p-value of the signed-rank test: of a pseudo-median of zero, not of the mean.

    Zeros are dropped and tied ranks averaged (Wilcoxon 1945); all flips up to 16 differences,
    beyond the normal limit with the variance of the tied ranks, no continuity correction.

    Raises:
        StatisticsError: no value, or NaN.

    >>> wilcoxon([1, 2, 3, 4, -0.5])
    0.125
    """
    d = numbers(values).round(12)  # so that 0.3 - 0.2 and 0.2 - 0.1 tie
    d = d[d != 0]
    _, place, count = np.unique(np.abs(d), return_inverse=True, return_counts=True)
    ranks = np.sign(d) * (np.cumsum(count) - (count - 1) / 2)[place]
    if not len(d):
        return 1.0
    if len(d) <= ENUMERATED:
        return sign_flip(ranks)
    return float(special.erfc(abs(float(ranks.sum())) / math.sqrt(2 * float(ranks @ ranks))))


def shuffle(before: Values, after: Values) -> float:
    """Two-sided p-value that two unpaired samples, such as a row's trials, are alike.

    The difference of means over all assignments of the pooled values (Fisher's exact test where
    they are yes or no and the samples equally large), or over 9,999 where there are more.

    Raises:
        StatisticsError: a sample without a value, or NaN.

    >>> round(shuffle([1, 1, 1, 1, 1], [0, 0, 0, 0, 0]), 4)
    0.0079
    """
    first, second = numbers(before, "before"), numbers(after, "after")
    pooled, few = np.concatenate([first, second]), len(first)
    middle = pooled.mean() * few
    seen = abs(float(first.sum()) - middle) - 1e-9 * float(np.abs(pooled).sum())
    if math.comb(len(pooled), few) <= FLIPS:
        chosen = np.array(list(combinations(range(len(pooled)), few)))
        return float((np.abs(pooled[chosen].sum(axis=1) - middle) >= seen).mean())
    drawn = np.random.default_rng(0).permuted(np.tile(pooled, (FLIPS, 1)), axis=1)
    sums = drawn[:, :few].sum(axis=1) - middle
    return (int((np.abs(sums) >= seen).sum()) + 1) / (FLIPS + 1)


def holm(p_values: Values) -> Floats:
    """Adjusted p-values that keep the chance of any false claim (Holm 1979).

    >>> [round(p, 3) for p in holm([0.001, 0.012, 0.03, 0.04, 0.2]).tolist()]
    [0.005, 0.048, 0.09, 0.09, 0.2]
    """
    p = _p_values(p_values)
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    return _in_order(steps, order)


def benjamini_hochberg(p_values: Values) -> Floats:
    """Adjusted p-values that keep the share of false claims (Benjamini and Hochberg 1995).

    >>> benjamini_hochberg([0.001, 0.012, 0.03, 0.04, 0.2]).round(3).tolist()
    [0.005, 0.03, 0.05, 0.05, 0.2]
    """
    p = _p_values(p_values)
    order = np.argsort(p, kind="stable")
    steps = p[order] * len(p) / np.arange(1, len(p) + 1)
    return _in_order(np.minimum.accumulate(steps[::-1])[::-1], order)


def _p_values(p_values: Values) -> Floats:
    p = numbers(p_values, "p_values", at_least=0)
    if len(p) and (p.min() < 0 or p.max() > 1):
        raise StatisticsError("`p_values` must lie between 0 and 1")
    return p


def _in_order(steps: Floats, order: npt.NDArray[np.intp]) -> Floats:
    adjusted = np.empty_like(steps)
    adjusted[order] = np.minimum(steps, 1)
    return adjusted
