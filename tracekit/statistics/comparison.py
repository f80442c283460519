"""Two runs on the same rows: the paired difference, tests, effect sizes, many metrics.

A difference is candidate minus baseline of one row, its sign flipped for a metric that is to be
small, so that above zero is always better. Trials of a row become its mean before.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tracekit.errors import StatisticsError
from tracekit.statistics._arrays import (
    Codes,
    Floats,
    Ids,
    Values,
    codes,
    is_binary,
    numbers,
    row_means,
    same_length,
    share,
    span,
)
from tracekit.statistics.intervals import student, z_quantile
from tracekit.statistics.significance import (
    benjamini_hochberg,
    holm,
    mcnemar,
    shuffle,
    sign_flip,
    wilcoxon,
)

Direction = Literal["maximize", "minimize"]
Test = Literal["mcnemar", "sign", "permutation", "wilcoxon"]
Change = Literal["improved", "regressed", "unchanged", "inconclusive"]
RowChange = Literal["improved", "regressed", "unchanged", "inconclusive", "differs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What changed between two runs on the same rows; above zero is better."""

    difference: float
    low: float
    high: float
    stderr: float | None
    confidence: float
    method: str
    """Of the interval."""
    p_value: float
    """Two-sided; 1 where nothing differs."""
    test: Test
    baseline_mean: float
    candidate_mean: float
    effect_size: float | None
    """Cohen's h of two proportions, else d_z; None where the differences have no spread."""
    effect: Literal["h", "d_z"]
    n: int
    clusters: int | None
    wins: int
    """Rows that are better."""
    ties: int
    losses: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Rows that two runs share, with the mean of each row's trials in either."""

    rows: tuple[Hashable, ...]
    baseline: Floats
    candidate: Floats
    only_baseline: tuple[Hashable, ...]
    """Rows without a partner: to be shown, never dropped unsaid."""
    only_candidate: tuple[Hashable, ...]


def pair(baseline: Values, baseline_rows: Ids, candidate: Values, candidate_rows: Ids) -> Pairs:
    """The rows that both runs scored, in the baseline's order, trials averaged.

    Raises:
        StatisticsError: NaN, lengths that differ, or a run without a value.

    >>> found = pair([1, 0, 1], ["a", "a", "b"], [1, 1], ["a", "c"])
    >>> found.rows, found.baseline.tolist(), found.candidate.tolist()
    (('a',), [0.5], [1.0])
    >>> found.only_baseline, found.only_candidate
    (('b',), ('c',))
    """
    before, after = _by_row(baseline, baseline_rows), _by_row(candidate, candidate_rows)
    both = tuple(row for row in before if row in after)
    return Pairs(
        rows=both,
        baseline=np.array([before[row] for row in both]),
        candidate=np.array([after[row] for row in both]),
        only_baseline=tuple(row for row in before if row not in after),
        only_candidate=tuple(row for row in after if row not in before),
    )


def _by_row(values: Values, rows: Ids) -> dict[Hashable, float]:
    data = numbers(values)
    means = row_means(data, codes(rows, "rows", len(data)))
    return dict(zip(dict.fromkeys(rows), means.tolist(), strict=True))


def compare(
    baseline: Values,
    candidate: Values,
    *,
    clusters: Ids | None = None,
    bounds: tuple[float, float] | None = None,
    direction: Direction = "maximize",
    confidence: float = 0.95,
    test: Test | None = None,
    seed: int = 0,
) -> Comparison:
    """The mean difference of paired rows, with its interval, test and effect size.

    Yes-or-no rows: Tango's score interval and McNemar's exact test. All else, and clustered
    rows: Student's t (CR1 with G-1 degrees of freedom) and the sign-flip permutation test of
    the mean, clusters flipped as one.

    Args:
        baseline: one value for each row, the mean of its trials.
        candidate: the same rows in the same order.
        clusters: the group that each row belongs to.
        bounds: the least and greatest value of the metric; the interval stays within their
            difference. Without them, values that are all 0 or 1 are taken as yes or no.
        direction: of the metric; `minimize` flips all signs.
        confidence: of the two-sided interval.
        test: another test than the one that fits. "wilcoxon" and "sign" speak of medians,
            not of the mean, and like "mcnemar" know no clusters.
        seed: of the permutations.

    Raises:
        StatisticsError: no value, NaN, lengths that differ, a value out of bounds, or a test
            that does not fit the data.

    >>> found = compare([.8, .7, .9, .6, 1, .5, .75, .9], [.85, .6, 1, .7, 1, .65, .8, .85])
    >>> round(found.difference, 4), round(found.low, 3), round(found.high, 3), found.p_value
    (0.0375, -0.032, 0.107, 0.328125)
    """
    before, after = numbers(baseline, "baseline"), numbers(candidate, "candidate")
    same_length("candidate", len(after), len(before))
    groups = None if clusters is None else codes(clusters, "clusters", len(before))
    d = differences(before, after, direction)
    binary = are_binary(baseline, candidate, bounds)
    difference, low, high, stderr, method = paired_bounds(d, groups, binary, confidence)
    if bounds is not None:
        width = reach(bounds, before, after)
        low, high = max(low, -width), min(high, width)
    test = test or ("mcnemar" if binary and groups is None else "permutation")
    return Comparison(
        difference=difference,
        low=low,
        high=high,
        stderr=stderr,
        confidence=confidence,
        method=method,
        p_value=_p_value(test, d, groups, binary, seed),
        test=test,
        baseline_mean=float(before.mean()),
        candidate_mean=float(after.mean()),
        effect_size=_effect_size(before, after, d, binary, direction),
        effect="h" if binary else "d_z",
        n=len(d),
        clusters=None if groups is None else int(groups.max()) + 1,
        wins=int((d > 0).sum()),
        ties=int((d == 0).sum()),
        losses=int((d < 0).sum()),
    )


def differences(before: Floats, after: Floats, direction: Direction) -> Floats:
    """Candidate minus baseline; above zero is better."""
    d = after - before if direction == "maximize" else before - after
    d[np.isclose(before, after, rtol=1e-12, atol=1e-15)] = 0  # means that rounded apart
    return d


def are_binary(baseline: Values, candidate: Values, bounds: tuple[float, float] | None) -> bool:
    """Whether both runs hold yes-or-no values: booleans, or 0 and 1 without declared bounds."""
    both = [np.asarray(baseline), np.asarray(candidate)]
    if all(one.dtype == np.bool_ for one in both):
        return True
    return bounds is None and all(is_binary(one.astype(np.float64)) for one in both)


def reach(bounds: tuple[float, float], before: Floats, after: Floats) -> float:
    """The greatest difference that bounds allow, once every value is seen to respect them."""
    low, high = span(bounds, before, "baseline")
    span(bounds, after, "candidate")
    return high - low


def paired_bounds(
    d: Floats, groups: Codes | None, binary: bool, confidence: float
) -> tuple[float, float, float, float | None, str]:
    """Mean difference, its bounds, standard error and the name of the method."""
    found = student(d, groups, confidence)
    if not binary or groups is not None:
        return found.estimate, found.low, found.high, found.stderr, found.method
    gains, losses = int((d > 0).sum()), int((d < 0).sum())
    low, high = tango(gains, losses, len(d), confidence=confidence)
    return found.estimate, low, high, found.stderr, "tango"


def tango(gains: int, losses: int, n: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Score interval of the difference of two paired proportions.

    All d whose score statistic (b - c - n d) / sqrt(n (2q + d (1 - d))) lies within the normal
    quantiles, q the maximum-likelihood share of losses under d. Tango, Statistics in Medicine
    17 (1998).

    Args:
        gains: pairs that only the candidate has right.
        losses: pairs that only the baseline has right.
        n: all pairs.
        confidence: of the two-sided interval.

    Raises:
        StatisticsError: counts that are negative, or that exceed n.

    >>> [round(bound, 3) for bound in tango(3, 12, 100)]
    [-0.174, -0.016]
    """
    if min(gains, losses) < 0 or gains + losses > n or n < 1:
        raise StatisticsError(f"{gains!r} gains and {losses!r} losses of {n!r} pairs")
    z = z_quantile(confidence)
    return _tango_root(gains, losses, n, z), -_tango_root(losses, gains, n, z)


def _tango_root(gains: int, losses: int, n: int, z: float) -> float:
    """The lowest difference that is not refused, by bisection: the statistic falls with it."""
    low, high = -1.0, (gains - losses) / n
    for _ in range(60):
        middle = (low + high) / 2
        linear = gains + losses + (gains - losses - 2 * n) * middle
        root = math.sqrt(linear * linear + 8 * n * losses * middle * (1 - middle))
        variance = (linear + root) / 2 + n * middle * (1 - middle)
        refused = gains - losses - n * middle > z * math.sqrt(max(variance, 0.0))
        low, high = (middle, high) if refused else (low, middle)
    return high


def _p_value(test: Test, d: Floats, groups: Codes | None, binary: bool, seed: int) -> float:
    if test == "permutation":
        return sign_flip(d, clusters=groups, seed=seed)
    if groups is not None:
        raise StatisticsError(f"the {test} test knows no clusters: use `permutation`")
    if test == "mcnemar" and not binary:
        raise StatisticsError("the mcnemar test needs yes-or-no values: use `sign`")
    if test == "wilcoxon":
        return wilcoxon(d)
    return mcnemar(int((d > 0).sum()), int((d < 0).sum()))


def _effect_size(
    before: Floats, after: Floats, d: Floats, binary: bool, direction: Direction
) -> float | None:
    if binary:
        size = cohens_h(float(after.mean()), float(before.mean()))
        return size if direction == "maximize" else -size
    spread = float(d.std(ddof=1)) if len(d) > 1 else 0.0
    return float(d.mean()) / spread if spread else None


def cohens_h(p: float, q: float) -> float:
    """Effect size of two proportions, 2 asin sqrt(p) - 2 asin sqrt(q) (Cohen 1988).

    >>> round(cohens_h(0.8, 0.7), 3)
    0.232
    """
    return 2 * math.asin(math.sqrt(p)) - 2 * math.asin(math.sqrt(q))


def changes(
    comparisons: Sequence[Comparison], *, alpha: float = 0.05, margin: float = 0.0
) -> tuple[Change, ...]:
    """What may be claimed of each metric, all taken together.

    `improved` and `regressed` by Holm's adjusted p-values; `unchanged` where the whole interval
    lies within the margin, so never without one; else `inconclusive`.

    >>> changes([compare([0] * 20, [0] * 5 + [1] * 15), compare([0, 1] * 10, [1, 0] * 10)])
    ('improved', 'inconclusive')
    """
    adjusted = holm([one.p_value for one in comparisons])
    return tuple(
        _change(one, p <= share(alpha, "alpha"), margin)
        for one, p in zip(comparisons, adjusted.tolist(), strict=True)
    )


def _change(comparison: Comparison, claimed: bool, margin: float) -> Change:
    if claimed and comparison.difference:
        return "improved" if comparison.difference > 0 else "regressed"
    within = -margin < comparison.low and comparison.high < margin
    return "unchanged" if within else "inconclusive"


def row_changes(
    baseline: Sequence[Values],
    candidate: Sequence[Values],
    *,
    direction: Direction = "maximize",
    alpha: float = 0.05,
) -> tuple[RowChange, ...]:
    """What may be said of each single row, from its trials in both runs.

    With trials, an exact permutation test within the row and Benjamini-Hochberg over rows. A
    row that was run once can only be said to differ.

    Args:
        baseline: the trials of each row.
        candidate: the trials of the same rows in the same order; their number may differ.
        direction: of the metric.
        alpha: share of false claims that is borne.

    Raises:
        StatisticsError: NaN, a row without a trial, or lengths that differ.

    >>> row_changes([[1] * 6, [1], [0, 1]], [[0] * 6, [0], [0, 1]])
    ('regressed', 'differs', 'unchanged')
    """
    same_length("candidate", len(candidate), len(baseline))
    before = [numbers(trials, f"baseline[{i}]") for i, trials in enumerate(baseline)]
    after = [numbers(trials, f"candidate[{i}]") for i, trials in enumerate(candidate)]
    sign = 1 if direction == "maximize" else -1
    d = [sign * float(b.mean() - a.mean()) for a, b in zip(before, after, strict=True)]
    p = np.ones(len(d))
    tested = [i for i, row in enumerate(d) if row and len(before[i]) + len(after[i]) > 2]
    p[tested] = benjamini_hochberg([shuffle(before[i], after[i]) for i in tested])
    once = [len(a) + len(b) == 2 for a, b in zip(before, after, strict=True)]
    claimed = (p <= share(alpha, "alpha")).tolist()
    return tuple(_row_change(*row) for row in zip(d, once, claimed, strict=True))


def _row_change(difference: float, once: bool, claimed: bool) -> RowChange:
    if not difference:
        return "unchanged"
    if once:
        return "differs"
    if not claimed:
        return "inconclusive"
    return "improved" if difference > 0 else "regressed"
