"""Confidence intervals: one function that chooses, and the methods that it chooses from.

The unit of analysis is the row. Trials of a row become its mean first; rows that belong
together (one document, one conversation) are a cluster, and a mean of clustered rows has the
standard error CR1 (cluster-robust, G/(G-1); the `cov_type="cluster"` of statsmodels).

What the data are decides the method:

- yes or no: Wilson's score interval (Wilson 1927), Clopper-Pearson (1934) where `exact`;
- a score in known bounds, and trials of yes or no: "score-phi", Wilson's formula with n/phi rows;
- neither: Student's t from 30 rows on or with clusters, BCa bootstrap (Efron 1987) below.

Clusters reduce the number of rows that bounded data count for (Korn and Graubard 1998).
`docs/statistics.md` shows how often each of them covers the truth.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from tracekit.errors import StatisticsError
from tracekit.statistics._arrays import (
    Codes,
    Floats,
    Ids,
    Values,
    cluster_sums,
    codes,
    is_binary,
    numbers,
    row_means,
    same_length,
    share,
    span,
)
from tracekit.statistics.bootstrap import bootstrap_mean

SHRINKAGE = 10
"""Rows that a score's spread is shrunk with towards yes-or-no data: our choice, justified by the
measured coverage alone."""
FEW_CLUSTERS = 5
LARGE = 30
"""Rows from which the mean of an unbounded metric is taken to be normal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An estimate with its confidence interval."""

    estimate: float
    low: float
    """Minus infinity where the data say nothing."""
    high: float
    stderr: float | None
    """Of the estimate, with ddof 1; clustered where there are clusters; None for one row."""
    n: int
    """Rows, not trials."""
    clusters: int | None
    confidence: float
    method: str
    note: str = ""
    """What the reader should know, such as that there are too few clusters."""


def z_quantile(confidence: float) -> float:
    """The normal quantile of a two-sided interval: 1.96 for 0.95."""
    return float(special.ndtri(0.5 + share(confidence, "confidence") / 2))


def t_quantile(confidence: float, df: float) -> float:
    """Student's quantile of a two-sided interval; infinite without a degree of freedom."""
    return float(special.stdtrit(df, 0.5 + share(confidence, "confidence") / 2)) if df else math.inf


def score_bounds(mean: float, n: float, quantile: float) -> tuple[float, float]:
    """Wilson's interval about a mean in [0, 1] of n rows; n need not be whole."""
    if not math.isfinite(quantile):
        return 0.0, 1.0
    square = quantile * quantile / n
    middle = (mean + square / 2) / (1 + square)
    half = math.sqrt(square) * math.sqrt(mean * (1 - mean) + square / 4) / (1 + square)
    return max(0.0, min(middle - half, mean)), min(1.0, max(middle + half, mean))


def standard_error(values: Floats, clusters: Codes | None = None) -> float | None:
    """Standard error of the mean: s/sqrt(n), or CR1 with clusters; None for one unit."""
    n, mean = len(values), values.mean()
    sums = values - mean if clusters is None else cluster_sums(values - mean, clusters)
    units = len(sums)
    if units < 2:
        return None
    return math.sqrt(units / (units - 1) * float(sums @ sums)) / n


def wilson(successes: int, n: int, *, confidence: float = 0.95) -> Interval:
    """Wilson's score interval of a proportion.

    (p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n). Wilson, JASA 22 (1927). Covers 95 %
    on average, not for every p: use `clopper_pearson` where that must hold.

    Raises:
        StatisticsError: unless 0 <= successes <= n and n >= 1.

    >>> found = wilson(95, 100)
    >>> round(found.low, 4), round(found.high, 4)
    (0.8882, 0.9785)
    """
    share_of = _proportion(successes, n)
    low, high = score_bounds(share_of, n, z_quantile(confidence))
    return _of_proportion(share_of, n, low, high, confidence, "wilson")


def clopper_pearson(successes: int, n: int, *, confidence: float = 0.95) -> Interval:
    """The exact interval of a proportion: covers at least as often as it says, for every p.

    Quantiles of Beta(k, n-k+1) and Beta(k+1, n-k). Clopper and Pearson, Biometrika 26 (1934).

    Raises:
        StatisticsError: unless 0 <= successes <= n and n >= 1.

    >>> found = clopper_pearson(18, 20)
    >>> round(found.low, 3), round(found.high, 3)
    (0.683, 0.988)
    """
    share_of = _proportion(successes, n)
    tail = (1 - share(confidence, "confidence")) / 2
    low = special.betaincinv(successes, n - successes + 1, tail) if successes else 0.0
    high = special.betaincinv(successes + 1, n - successes, 1 - tail) if successes < n else 1.0
    return _of_proportion(share_of, n, float(low), float(high), confidence, "clopper-pearson")


def _proportion(successes: int, n: int) -> float:
    if not 0 <= successes <= n or n < 1:
        raise StatisticsError(f"{successes!r} successes of {n!r} rows is no proportion")
    return successes / n


def _of_proportion(
    p: float, n: int, low: float, high: float, confidence: float, method: str
) -> Interval:
    return Interval(
        estimate=p, low=low, high=high, n=n, clusters=None, confidence=confidence, method=method,
        stderr=math.sqrt(p * (1 - p) / (n - 1)) if n > 1 else None,
    )  # fmt: skip


def interval(
    values: Values,
    *,
    rows: Ids | None = None,
    clusters: Ids | None = None,
    bounds: tuple[float, float] | None = None,
    exact: bool = False,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """The mean of a metric with the interval that suits it.

    Args:
        values: one for each scored row, or trial of a row. Without `bounds`, values that are
            all 0 or 1 are taken as a proportion, as booleans always are.
        rows: the row that each value is a trial of; the mean is that of the rows' means.
        clusters: the group that each value's row belongs to.
        bounds: the least and greatest value that the metric can take.
        exact: Clopper-Pearson in place of Wilson: for independent yes-or-no rows only.
        confidence: of the two-sided interval; 1 - 2a for one-sided bounds at a.
        seed: of the bootstrap.

    Raises:
        StatisticsError: no value, NaN or infinity, a value out of bounds, lengths that differ,
            a row in two clusters, or `exact` where nothing exact exists.

    >>> found = interval([1, 1, 0.5, 1, 0, 1, 0.75, 1, 1, 0.25], bounds=(0, 1))
    >>> found.method, round(found.low, 3), round(found.estimate, 3), round(found.high, 3)
    ('score-phi', 0.421, 0.75, 0.925)
    """
    data = numbers(values)
    binary = np.asarray(values).dtype == np.bool_ or (bounds is None and is_binary(data))
    means, groups = collapse(data, rows, clusters)
    if exact:
        return _exact(means, groups, binary, confidence)
    if not binary and bounds is None:
        return _unbounded(means, groups, confidence, seed)
    low, high = (0.0, 1.0) if binary or bounds is None else span(bounds, data)
    return _bounded(means, groups, (low, high), confidence, binary and is_binary(means))


def collapse(values: Floats, rows: Ids | None, clusters: Ids | None) -> tuple[Floats, Codes | None]:
    """Row means with the cluster of each row, from values with the row and cluster of each."""
    groups = None if clusters is None else codes(clusters, "clusters", len(values))
    if rows is None:
        return values, groups
    row = codes(rows, "rows", len(values))
    if groups is None:
        return row_means(values, row), None
    of_row = np.zeros(row.max() + 1, np.intp)
    of_row[row] = groups
    if (of_row[row] != groups).any():
        place = int(np.flatnonzero(of_row[row] != groups)[0])
        raise StatisticsError(f"row {rows[place]!r} stands in two clusters")
    return row_means(values, row), of_row


def _exact(means: Floats, groups: Codes | None, binary: bool, confidence: float) -> Interval:
    if groups is not None or not (binary and is_binary(means)):
        raise StatisticsError(
            "`exact` needs yes-or-no values, one for a row and no clusters: there is no exact"
            " interval for anything else"
        )
    return clopper_pearson(int(means.sum()), len(means), confidence=confidence)


def _bounded(
    means: Floats,
    groups: Codes | None,
    bounds: tuple[float, float],
    confidence: float,
    proportion: bool,
) -> Interval:
    low, width = bounds[0], bounds[1] - bounds[0]
    unit = (means - low) / width
    mean, stderr = min(1.0, max(0.0, float(unit.mean()))), standard_error(unit, groups)
    n = len(means)
    n_eff = n if proportion else n / spread_ratio(unit)
    quantile = z_quantile(confidence) if proportion else t_quantile(confidence, n - 1)
    if groups is not None:
        quantile = t_quantile(confidence, int(groups.max()))
        n_eff = min(n_eff, mean * (1 - mean) / stderr**2) if stderr else n_eff
    bottom, top = score_bounds(mean, n_eff, quantile)
    method = "wilson" if proportion else "score-phi"
    found = _made(means, groups, confidence, method, stderr and stderr * width)
    bottom, top = low + width * bottom, min(bounds[1], low + width * top)
    return replace(found, low=min(bottom, found.estimate), high=max(top, found.estimate))


def spread_ratio(unit: Floats) -> float:
    """Variance of scores in [0, 1] over that of yes-or-no data of the same mean, shrunk to 1.

    A variance in [0, 1] is at most m(1-m) (Bhatia and Davis 2000). Where all scores lie at one
    end the ratio can't be seen, and is taken as 1.
    """
    n, mean = len(unit), float(unit.mean())
    most = mean * (1 - mean)
    if n < 2 or most <= 0:
        return 1.0
    return min(1.0, (n * float(unit.var(ddof=1)) / most + SHRINKAGE) / (n + SHRINKAGE))


def _unbounded(means: Floats, groups: Codes | None, confidence: float, seed: int) -> Interval:
    found = student(means, groups, confidence)
    if groups is not None or len(means) >= LARGE or not found.stderr:
        return found
    low, high = bootstrap_mean(means, confidence=confidence, seed=seed)
    return replace(found, low=low, high=high, method="bca")


def student(values: Floats, groups: Codes | None, confidence: float) -> Interval:
    """Student's t about a mean, with CR1 and G-1 degrees of freedom where there are clusters."""
    stderr = standard_error(values, groups)
    found = _made(values, groups, confidence, "t", stderr)
    if stderr is None:
        return replace(found, low=-math.inf, high=math.inf)
    units = len(values) if found.clusters is None else found.clusters
    half = t_quantile(confidence, units - 1) * stderr
    note = found.note if stderr else "all values are equal: their spread is not known"
    return replace(found, low=found.estimate - half, high=found.estimate + half, note=note)


def _made(
    means: Floats, groups: Codes | None, confidence: float, method: str, stderr: float | None
) -> Interval:
    count = None if groups is None else int(groups.max()) + 1
    few = count is not None and count < FEW_CLUSTERS
    mean = float(means.mean())
    return Interval(
        estimate=mean,
        low=mean,
        high=mean,
        stderr=stderr,
        n=len(means),
        clusters=count,
        confidence=share(confidence, "confidence"),
        method=method if count is None else f"{method}, clustered",
        note=f"too few clusters ({count}): the interval is a guess" if few else "",
    )


def quantile_interval(values: Values, q: float, *, confidence: float = 0.95) -> Interval:
    """A quantile, such as the median or p95 of a latency, with order-statistic bounds.

    The bounds are the values whose ranks a Binomial(n, q) count leaves out with at most
    (1 - confidence)/2 on either side: no assumption beyond independent rows, coverage at least
    as declared; infinite where n is too small. The estimate is numpy's (linear).

    Raises:
        StatisticsError: no value, NaN, or q not between 0 and 1.

    >>> found = quantile_interval(range(1, 101), 0.5)
    >>> found.low, found.estimate, found.high
    (40.0, 50.5, 61.0)
    """
    data = np.sort(numbers(values))
    n, tail = len(data), (1 - share(confidence, "confidence")) / 2
    below = special.bdtr(np.arange(n), n, share(q, "q"))  # P(count <= k), k = 0..n-1
    lowest = int(np.searchsorted(below, tail, side="right"))
    highest = int(np.searchsorted(below, 1 - tail, side="left"))
    return Interval(
        estimate=float(np.quantile(data, q)),
        low=float(data[lowest - 1]) if lowest else -math.inf,
        high=float(data[highest]) if highest < n else math.inf,
        stderr=None,
        n=n,
        clusters=None,
        confidence=confidence,
        method="order statistics",
    )


def ratio_interval(
    numerators: Values,
    denominators: Values,
    *,
    clusters: Ids | None = None,
    confidence: float = 0.95,
) -> Interval:
    """A ratio of sums, such as cost per solved row, with its interval.

    Linearised (the delta method; Cochran 1977, 6.3): the standard error is that of the mean of
    (y - r x)/mean(x), clustered where asked; Student's t with a degree of freedom less than
    there are rows or clusters.

    Raises:
        StatisticsError: no value, NaN, lengths that differ, or denominators that sum to zero.

    >>> found = ratio_interval([2.0, 0.0, 3.0, 1.0], [1, 1, 1, 1])
    >>> round(found.low, 3), found.estimate, round(found.high, 3)
    (-0.554, 1.5, 3.554)
    """
    above, below = numbers(numerators, "numerators"), numbers(denominators, "denominators")
    same_length("denominators", len(below), len(above))
    if not below.sum():
        raise StatisticsError("`denominators` sum to zero: there is no ratio")
    ratio = float(above.sum() / below.sum())
    groups = None if clusters is None else codes(clusters, "clusters", len(above))
    found = student((above - ratio * below) / below.mean(), groups, confidence)
    return replace(found, estimate=ratio, low=ratio + found.low, high=ratio + found.high)
