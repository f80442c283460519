"""From what a judge said to what is true, with the few rows that people labelled.

A judge's own mean is precise about the wrong thing: its interval shrinks about the bias. A
corrected estimate needs labels of rows drawn **at random** from the rows that it speaks of.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tracekit.errors import StatisticsError
from tracekit.statistics._arrays import Floats, Values, numbers, same_length
from tracekit.statistics.intervals import Interval, student, t_quantile, z_quantile

FEW_LABELS = 40
USEFUL = 0.5
"""Below such a sensitivity + specificity - 1 a judge is too weak to be inverted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """The mean that people would give, estimated from a judge and some labels."""

    estimate: float
    low: float
    high: float
    stderr: float
    confidence: float
    weight: float
    """Of the judge: 0 uses labels alone."""
    n: int
    """Rows that are labelled."""
    n_unlabelled: int
    judge_mean: float
    """What the judge alone says, of all rows."""
    labels_only: Interval
    """The mean of the labels, without the judge."""
    worth: float
    """As many labels alone would be as precise."""
    note: str = ""


def corrected_mean(
    labels: Values,
    judged: Values,
    unlabelled: Values,
    *,
    weight: float | None = None,
    bounds: tuple[float, float] | None = None,
    confidence: float = 0.95,
) -> Corrected:
    """The mean that people would give, by prediction-powered inference.

    weight * mean(unlabelled) + mean(labels - weight * judged), its variance the sum of both
    parts' (ddof 1), Student's t with n - 1 degrees of freedom. The weight is estimated,
    Cov(Y, f) / ((1 + n/N) Var(f)), within [0, 1] (PPI++: Angelopoulos, Duchi, Zrnic 2023), so
    that a useless judge does no harm. For two runs give paired differences of all three.

    Args:
        labels: what people gave to the labelled rows.
        judged: what the judge gave to the same rows.
        unlabelled: what the judge gave to the other rows.
        weight: of the judge; 1 is unbiased with any number of labels, and best if it is good.
        bounds: the least and greatest value of the metric, which the interval is cut to.
        confidence: of the intervals.

    Raises:
        StatisticsError: fewer than two labels or unlabelled rows, NaN, or lengths that differ.

    >>> human = [1, 0, 1, 1, 0, 0, 1, 0] * 5
    >>> judge = [1, 0, 1, 1, 1, 0, 1, 1] * 5
    >>> found = corrected_mean(human, judge, [1, 1, 1, 0] * 100)
    >>> round(found.judge_mean, 2), round(found.estimate, 2), round(found.weight, 2)
    (0.75, 0.5, 0.62)
    """
    y, f = numbers(labels, "labels", at_least=2), numbers(judged, "judged")
    same_length("judged", len(f), len(y))
    others = numbers(unlabelled, "unlabelled", at_least=2)
    chosen = _weight(y, f, others) if weight is None else weight
    residual = y - chosen * f
    variance = chosen**2 * _variance(others) / len(others) + _variance(residual) / len(y)
    estimate = chosen * float(others.mean()) + float(residual.mean())
    half = t_quantile(confidence, len(y) - 1) * math.sqrt(variance)
    found = Corrected(
        estimate=estimate, low=estimate - half, high=estimate + half, confidence=confidence,
        stderr=math.sqrt(variance), weight=chosen, n=len(y), n_unlabelled=len(others),
        judge_mean=float(np.concatenate([f, others]).mean()),
        labels_only=student(y, None, confidence),
        worth=_variance(y) / variance if variance else float(len(y)),
        note=_approximate(len(y)) if weight is None else "",
    )  # fmt: skip
    return found if bounds is None else _cut(found, bounds)


def _weight(y: Floats, f: Floats, others: Floats) -> float:
    spread = _variance(np.concatenate([f, others]))
    if not spread:
        return 0.0
    shared = float(((y - y.mean()) * (f - f.mean())).sum()) / (len(y) - 1)
    return min(1.0, max(0.0, shared / ((1 + len(y) / len(others)) * spread)))


def _variance(values: Floats) -> float:
    return float(values.var(ddof=1))


def _approximate(labels: int) -> str:
    few = f"approximate: the judge's weight is estimated from {labels} labels, fewer than {FEW_LABELS}"
    return few if labels < FEW_LABELS else ""


def _cut(found: Corrected, bounds: tuple[float, float]) -> Corrected:
    low, high = bounds
    cut = replace(
        found.labels_only,
        low=max(low, found.labels_only.low),
        high=min(high, found.labels_only.high),
    )
    estimate = min(high, max(low, found.estimate))
    return replace(
        found,
        estimate=estimate,
        low=max(low, min(found.low, high)),
        high=min(high, max(found.high, low)),
        labels_only=cut,
    )


def stratified(
    strata: Sequence[Corrected], shares: Sequence[float], *, confidence: float = 0.95
) -> Interval:
    """One estimate from strata that were labelled apart, each with its share of all rows.

    Sum of share times estimate; variances add with squared shares; degrees of freedom by
    Welch and Satterthwaite.

    Raises:
        StatisticsError: no stratum, lengths that differ, or shares that do not sum to 1.

    >>> easy = corrected_mean([1, 1, 1, 0] * 10, [1, 1, 1, 1] * 10, [1, 1, 1, 0] * 30)
    >>> hard = corrected_mean([0, 1, 0, 0] * 10, [1, 1, 0, 0] * 10, [1, 0, 0, 1] * 30)
    >>> found = stratified([easy, hard], [0.7, 0.3])
    >>> round(found.estimate, 3), found.n
    (0.6, 80)
    """
    weights = numbers(shares, "shares")
    same_length("strata", len(strata), len(weights))
    if not math.isclose(float(weights.sum()), 1, abs_tol=1e-9):
        raise StatisticsError(f"`shares` must sum to 1, got {float(weights.sum())!r}")
    estimate = float(weights @ [one.estimate for one in strata])
    parts = (weights * [one.stderr for one in strata]) ** 2
    spare = float((parts**2 / [one.n - 1 for one in strata]).sum())
    stderr = math.sqrt(float(parts.sum()))
    half = stderr * t_quantile(confidence, float(parts.sum()) ** 2 / spare) if stderr else 0.0
    return Interval(
        estimate=estimate, low=estimate - half, high=estimate + half, stderr=stderr,
        n=sum(one.n for one in strata), clusters=None, confidence=confidence, method="stratified",
    )  # fmt: skip


def rogan_gladen(
    observed: float,
    n: int,
    *,
    sensitivity: float,
    positives: int,
    specificity: float,
    negatives: int,
    confidence: float = 0.95,
) -> Interval:
    """The true rate behind a yes-or-no judge whose error rates come from elsewhere.

    (observed + specificity - 1) / (sensitivity + specificity - 1) (Rogan and Gladen 1978), its
    variance by the delta method, normal, cut to [0, 1]. Only where sensitivity and specificity
    are the same in both places; where labels of these very rows are at hand, `corrected_mean`.

    Args:
        observed: share of yes that the judge gave.
        n: rows that it judged.
        sensitivity: share of yes among true yes, in an earlier calibration.
        positives: true yes in that calibration.
        specificity: share of no among true no.
        negatives: true no in that calibration.
        confidence: of the interval.

    Raises:
        StatisticsError: rates outside of [0, 1], no rows, or a judge no better than chance.

    >>> found = rogan_gladen(
    ...     0.709, 179, sensitivity=0.962, positives=26, specificity=0.412, negatives=34)
    >>> round(found.estimate, 2), found.note
    (0.32, 'sensitivity + specificity - 1 is 0.37: too weak a judge to rely on')
    """
    if min(n, positives, negatives) < 1:
        raise StatisticsError("a corrected rate needs rows, positives and negatives")
    if not all(0 <= rate <= 1 for rate in (observed, sensitivity, specificity)):
        raise StatisticsError("rates must lie between 0 and 1")
    power = sensitivity + specificity - 1
    if power <= 0:
        raise StatisticsError("this judge is no better than chance: its verdicts can't be inverted")
    rate = float(min(1.0, max(0.0, (observed + specificity - 1) / power)))
    variance = (
        observed * (1 - observed) / n
        + rate**2 * sensitivity * (1 - sensitivity) / positives
        + (1 - rate) ** 2 * specificity * (1 - specificity) / negatives
    ) / power**2
    half = z_quantile(confidence) * math.sqrt(variance)
    weak = f"sensitivity + specificity - 1 is {power:.2f}: too weak a judge to rely on"
    return Interval(
        estimate=rate, low=max(0.0, rate - half), high=min(1.0, rate + half),
        stderr=math.sqrt(variance), n=n, clusters=None, confidence=confidence,
        method="rogan-gladen", note=weak if power < USEFUL else "",
    )  # fmt: skip
