"""The gate: is the candidate worse than its baseline by more than a margin?

Non-inferiority by a declared margin m, at a declared one-sided error rate a, on the paired
difference d of rows (above zero is better), with one-sided bounds L and U:

- **pass** if L > -m: a drop as large as the margin is refuted;
- else **fail** if U < 0: there is a drop, and it is not shown to be within the margin;
- else **inconclusive**.

Unchanged code fails with probability a at most, a drop of the whole margin passes with
probability a at most; `docs/statistics.md` has the measured rates. Where a gate has several
metrics, passing needs all of them and needs no correction (an intersection-union test);
failing is corrected by `decide`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

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
    numbers,
    same_length,
)
from tracekit.statistics.comparison import (
    Direction,
    are_binary,
    differences,
    paired_bounds,
    reach,
)
from tracekit.statistics.intervals import (
    FEW_CLUSTERS,
    Interval,
    clopper_pearson,
    standard_error,
)
from tracekit.statistics.power import rows_for_margin, rows_to_pass
from tracekit.statistics.significance import holm

Verdict = Literal["pass", "fail", "inconclusive"]

FEW_PAIRS = 6
SPARSE = 10
"""Below so many rows that differ, Student's t can't be trusted to see a rare catastrophe."""
SEEN_DROPS = 3
"""Below so many drops, the largest one seen says nothing of the largest there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A verdict on one metric, with what it rests on."""

    verdict: Verdict
    reason: str
    difference: float
    low: float
    """One-sided bound at `alpha`, as is `high`."""
    high: float
    margin: float
    alpha: float
    p_drop: float
    """One-sided p-value of "no drop"."""
    real_drop: bool
    """Within the margin, yet surely below zero: to be shown with a pass."""
    n: int
    clusters: int | None
    differing: int
    """Rows that are not the same in both."""
    method: str
    rows_needed: int | None
    """Of an inconclusive verdict: rows at which unchanged code passes 4 times out of 5, as far as
    the spread that was seen can tell; None if it can't."""


def non_inferiority(
    baseline: Values,
    candidate: Values,
    margin: float,
    *,
    clusters: Ids | None = None,
    bounds: tuple[float, float] | None = None,
    direction: Direction = "maximize",
    alpha: float = 0.05,
) -> Gate:
    """Whether a candidate is not worse than its baseline by `margin`: pass, fail or neither.

    Tango's bounds for yes-or-no rows, else Student's t, clustered where there are clusters. The
    t bounds collapse when nearly no row differs, so that rare catastrophes would pass: with
    fewer than 10 rows (clusters) that differ, L is at most minus the Clopper-Pearson upper
    bound of the share that dropped times the largest drop seen (the whole range of the metric
    while fewer than 3 dropped).

    Args:
        baseline: one value for each row, the mean of its trials.
        candidate: the same rows in the same order.
        margin: the largest drop that is borne, in units of the metric, above zero.
        clusters: the group that each row belongs to.
        bounds: the least and greatest value of the metric. Without them, values that are all 0
            or 1 are taken as yes or no, and a sparse unbounded metric is never passed.
        direction: of the metric.
        alpha: error rate of either side.

    Raises:
        StatisticsError: no value, NaN, lengths that differ, a value out of bounds, a margin
            that is not above zero, an alpha not between 0 and 0.5.

    >>> before, after = [1] * 170 + [0] * 30, [1] * 168 + [0] * 32
    >>> gate = non_inferiority(before, after, margin=0.05)
    >>> gate.verdict, round(gate.difference, 2), round(gate.low, 3)
    ('pass', -0.01, -0.03)
    """
    if not (math.isfinite(margin) and margin > 0):
        raise StatisticsError(f"`margin` must be above zero, got {margin!r}")
    if not 0 < alpha < 0.5:
        raise StatisticsError(f"`alpha` must lie between 0 and 0.5, got {alpha!r}")
    before, after = numbers(baseline, "baseline"), numbers(candidate, "candidate")
    same_length("candidate", len(after), len(before))
    groups = None if clusters is None else codes(clusters, "clusters", len(before))
    binary = are_binary(baseline, candidate, bounds)
    width = 1.0 if binary else math.inf if bounds is None else reach(bounds, before, after)
    d = differences(before, after, direction)
    gate = _measured(d, groups, binary and groups is None, width, margin, alpha)
    return _judged(gate, d, groups, width)


def _measured(
    d: Floats, groups: Codes | None, tango: bool, width: float, margin: float, alpha: float
) -> Gate:
    difference, low, high, stderr, method = paired_bounds(d, groups, tango, 1 - 2 * alpha)
    units = d if groups is None else cluster_sums(d, groups) * (groups.max() + 1) / len(d)
    if not tango:
        low = min(low, _sparse_bound(units, groups, width, alpha))
    return Gate(
        verdict="inconclusive", reason="", difference=difference, low=max(low, -width), high=min(high, width),
        margin=margin, alpha=alpha, real_drop=False, n=len(d), method=method, rows_needed=None,
        p_drop=_p_drop_of_pairs(d) if tango else _p_drop(difference, stderr, len(units)),
        clusters=None if groups is None else len(units), differing=int((d != 0).sum()),
    )  # fmt: skip


def _sparse_bound(units: Floats, groups: Codes | None, width: float, alpha: float) -> float:
    """What the mean may be at worst, as far as drops that are hardly ever seen can tell."""
    n, dropped = len(units), int((units < 0).sum())
    if int((units != 0).sum()) >= SPARSE:
        return math.inf
    largest = 1.0 if groups is None else float(np.bincount(groups).max()) * n / len(groups)
    drop = width * largest if dropped < SEEN_DROPS else -float(units.min())
    most = float(special.betaincinv(dropped + 1, n - dropped, 1 - alpha)) if dropped < n else 1.0
    return -most * drop


def _p_drop_of_pairs(d: Floats) -> float:
    differing = int((d != 0).sum())
    return float(special.ndtr(float(d.sum()) / math.sqrt(differing))) if differing else 1.0


def _p_drop(difference: float, stderr: float | None, units: int) -> float:
    if not stderr:
        return 0.0 if stderr is not None and difference < 0 else 1.0
    return float(special.stdtr(units - 1, difference / stderr))


def _judged(gate: Gate, d: Floats, groups: Codes | None, width: float) -> Gate:
    if few := _too_few(gate):
        return replace(gate, reason=few, rows_needed=_rows_needed(gate, d, groups, width))
    drop = gate.high < 0
    if gate.low > -gate.margin:
        said = "within the margin, but a real drop" if drop else "a drop of the margin is refuted"
        return replace(gate, verdict="pass", reason=said, real_drop=drop)
    if drop:
        return replace(gate, verdict="fail", reason="a drop, not shown to be within the margin")
    said = "neither a drop nor its absence is shown"
    return replace(gate, reason=said, rows_needed=_rows_needed(gate, d, groups, width))


def _too_few(gate: Gate) -> str:
    if gate.n < FEW_PAIRS:
        return f"too few rows to judge by: {gate.n} of at least {FEW_PAIRS}"
    if gate.clusters is not None and gate.clusters < FEW_CLUSTERS:
        return f"too few clusters to judge by: {gate.clusters} of at least {FEW_CLUSTERS}"
    return ""


def _rows_needed(gate: Gate, d: Floats, groups: Codes | None, width: float) -> int | None:
    """Rows to pass if nothing changed, from the spread seen, or its upper 80 % bound rather."""
    binary = gate.method == "tango"
    least = 0
    if math.isfinite(width) and (binary or gate.differing < SPARSE):
        least = rows_to_pass(gate.margin, width=width, binary=binary, alpha=gate.alpha)
    if binary:
        sd = math.sqrt(clopper_pearson(gate.differing, gate.n, confidence=0.6).high)
    else:
        df = (gate.clusters or gate.n) - 1
        spread = (standard_error(d, groups) or 0.0) * math.sqrt(gate.n)
        sd = spread * math.sqrt(df / float(special.chdtri(df, 0.8))) if df else width
        least = math.ceil(least * gate.n / (df + 1))
    if not (sd and math.isfinite(sd)) and not least:
        return None
    return max(gate.n + 1, least, rows_for_margin(sd, gate.margin, alpha=gate.alpha))


def decide(gates: Sequence[Gate]) -> tuple[Gate, ...]:
    """The verdicts of several metrics taken together: Holm's correction on the side of failing.

    Without it M metrics of unchanged code fail with 1 - (1 - alpha)^M, 23 % for five. A gate
    that fails alone but not with its adjusted p-value is inconclusive; a pass stays a pass.

    >>> worse = non_inferiority([1] * 59 + [0], [0] * 6 + [1] * 54, margin=0.05)
    >>> same = non_inferiority([1, 0] * 30, [1, 0] * 30, margin=0.05)
    >>> worse.verdict, [gate.verdict for gate in decide([worse, same])]
    ('fail', ['inconclusive', 'pass'])
    """
    adjusted = holm([gate.p_drop for gate in gates]).tolist()
    return tuple(map(_corrected, gates, adjusted))


def _corrected(gate: Gate, p_drop: float) -> Gate:
    if gate.verdict != "fail" or p_drop <= gate.alpha:
        return gate
    return replace(
        gate, verdict="inconclusive", reason="a drop that may be chance among so many metrics"
    )


def threshold(
    found: Interval,
    bar: float,
    *,
    direction: Direction = "maximize",
    by: Literal["point", "confidence"] = "point",
) -> Verdict:
    """Whether a metric reaches a bar (stays below it, to be minimised).

    By point: whether its estimate does. By confidence: pass if the whole interval does, fail if
    no part of it does, else inconclusive; an interval of 0.9 makes one-sided bounds of 0.95.

    Args:
        found: the metric, from any function that gives an interval.
        bar: in units of the metric.
        direction: of the metric; a ceiling of cost or latency is `minimize`.
        by: what must reach the bar.

    >>> from tracekit.statistics.intervals import wilson
    >>> found = wilson(93, 100, confidence=0.9)
    >>> threshold(found, 0.9), threshold(found, 0.9, by="confidence")
    ('pass', 'inconclusive')
    """
    worst, best = (found.low, found.high) if by == "confidence" else (found.estimate,) * 2
    if direction == "minimize":
        worst, best, bar = -best, -worst, -bar
    slack = 1e-12 * abs(bar)
    if worst >= bar - slack:
        return "pass"
    return "fail" if best < bar - slack else "inconclusive"
