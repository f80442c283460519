"""What sways a judge besides quality: position, length, and chance from one repeat to the next."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from tracekit.errors import StatisticsError
from tracekit.statistics._arrays import Floats, Values, is_binary, numbers, same_length
from tracekit.statistics.intervals import Interval, wilson
from tracekit.statistics.significance import mcnemar

NEWTON_STEPS = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionBias:
    """How the order of showing two outputs sways a pairwise judge."""

    consistency: Interval
    """Share of pairs with the same winner in both orders."""
    to_first: int
    """Pairs in which the judge leaned to whichever output was shown first."""
    to_second: int
    p_value: float
    """Two-sided, of no leaning: exact binomial of `to_first` and `to_second`."""
    first_rate: float
    """Share of all verdicts that chose the output shown first, ties as a half."""


def position_bias(
    shown_first: Values, shown_second: Values, *, confidence: float = 0.95
) -> PositionBias:
    """How often a judge keeps its winner when the two outputs change places.

    Args:
        shown_first: for each pair, whether output A won when A was shown first: 1, 0, or 0.5
            for a tie.
        shown_second: the same when A was shown second.
        confidence: of the interval.

    Raises:
        StatisticsError: no pair, lengths that differ, or a verdict other than 0, 0.5 and 1.

    >>> found = position_bias([1, 1, 1, 0, 0], [1, 0, 0, 0, 1])
    >>> found.consistency.estimate, found.to_first, found.to_second, found.first_rate
    (0.4, 2, 1, 0.6)
    """
    first, second = _verdicts(shown_first, "shown_first"), _verdicts(shown_second, "shown_second")
    same_length("shown_second", len(second), len(first))
    to_first, to_second = int((first > second).sum()), int((first < second).sum())
    return PositionBias(
        consistency=wilson(len(first) - to_first - to_second, len(first), confidence=confidence),
        to_first=to_first,
        to_second=to_second,
        p_value=mcnemar(to_first, to_second),
        first_rate=float((first + 1 - second).mean() / 2),
    )


def _verdicts(values: Values, name: str) -> Floats:
    data = numbers(values, name)
    if not is_binary(data[data != 0.5]):
        raise StatisticsError(f"`{name}` must hold 1 for a win, 0 for a loss, 0.5 for a tie")
    return data


@dataclass(frozen=True, slots=True, kw_only=True)
class LengthBias:
    """How the length of two outputs sways a pairwise judge."""

    longer_chosen: Interval | None
    """Share of pairs in which the longer output won; None if all are equally long."""
    accuracy_longer_right: Interval | None
    """Where people prefer the longer one; None where there is no such pair."""
    accuracy_shorter_right: Interval | None
    coefficient: float | None
    """Of ln(length A / length B) in a logistic regression of the judge's choice on it and on
    people's; None where none can be fitted, such as with too few pairs."""
    stderr: float | None


def length_bias(
    judged: Values, truth: Values, length_a: Values, length_b: Values, *, confidence: float = 0.95
) -> LengthBias:
    """How often a judge picks the longer of two outputs, right or wrong.

    Args:
        judged: for each pair, whether the judge prefers A.
        truth: whether people do.
        length_a: of output A, in any unit, above zero.
        length_b: of output B.
        confidence: of the intervals.

    Raises:
        StatisticsError: no pair, lengths that differ, a verdict other than 0 and 1, or an
            output of length zero.

    >>> found = length_bias([1, 1, 1, 0], [1, 0, 1, 0], [90, 80, 70, 20], [30, 50, 40, 60])
    >>> found.longer_chosen.estimate, found.accuracy_shorter_right.estimate
    (1.0, 0.0)
    """
    chosen, right = numbers(judged, "judged"), numbers(truth, "truth")
    a, b = numbers(length_a, "length_a"), numbers(length_b, "length_b")
    for name, other in (("truth", right), ("length_a", a), ("length_b", b)):
        same_length(name, len(other), len(chosen))
    if not (is_binary(chosen) and is_binary(right)):
        raise StatisticsError("`judged` and `truth` must hold yes or no: leave ties out")
    if min(a.min(), b.min()) <= 0:
        raise StatisticsError("lengths must be above zero")
    longer, uneven = a > b, a != b
    agrees, for_longer = chosen == right, (right == longer) & uneven
    design = np.stack([np.ones(len(a)), right, np.log(a / b)], axis=1)
    coefficient, stderr = _logistic(design, chosen)
    return LengthBias(
        longer_chosen=_rate((chosen == longer)[uneven], confidence),
        accuracy_longer_right=_rate(agrees[for_longer], confidence),
        accuracy_shorter_right=_rate(agrees[uneven & ~for_longer], confidence),
        coefficient=coefficient,
        stderr=stderr,
    )


def _rate(hits: npt.NDArray[np.bool_], confidence: float) -> Interval | None:
    return wilson(int(hits.sum()), len(hits), confidence=confidence) if len(hits) else None


def _logistic(design: Floats, chosen: Floats) -> tuple[float | None, float | None]:
    """The last coefficient and its standard error by Newton's method; None if it diverges."""
    beta = np.zeros(design.shape[1])
    for _ in range(NEWTON_STEPS):
        p = special.expit(design @ beta)
        information = (design * (p * (1 - p))[:, None]).T @ design
        if np.linalg.cond(information) > 1e10:
            return None, None
        step = np.linalg.solve(information, design.T @ (chosen - p))
        beta = beta + step
        if np.abs(step).max() < 1e-10:
            return float(beta[-1]), math.sqrt(float(np.linalg.inv(information)[-1, -1]))
    return None, None


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfConsistency:
    """How a judge agrees with itself when it judges the same items again."""

    items: int
    repeats: int
    icc: float | None
    """ICC(1): the share of the variance that is between items; None if all scores are equal."""
    all_equal: float
    """Share of items that got the same score each time."""
    pairwise: float
    """Chance that two repeats of an item are equal; a verdict flips with one minus that."""
    within_sd: float
    """Standard deviation of repeats about their item's mean."""


def self_consistency(repeats: npt.ArrayLike) -> SelfConsistency:
    """How steady a judge is over repeats of the same items.

    ICC(1) = (MSB - MSW)/(MSB + (k - 1) MSW), one-way analysis of variance (Shrout and Fleiss
    1979).

    Args:
        repeats: one row for each item, one column for each repeat.

    Raises:
        StatisticsError: fewer than two items or repeats, or NaN.

    >>> found = self_consistency([[4, 4, 4], [5, 5, 4], [2, 2, 2], [3, 3, 3]])
    >>> round(found.icc, 3), found.all_equal, round(found.pairwise, 3)
    (0.941, 0.75, 0.833)
    """
    table = np.asarray(repeats, np.float64)
    if table.ndim != 2 or min(table.shape) < 2:
        raise StatisticsError("`repeats` needs two items and two repeats of each")
    n, k = table.shape
    numbers(table.ravel(), "repeats")
    means = table.mean(axis=1)
    within = float(((table - means[:, None]) ** 2).sum()) / (n * (k - 1))
    between = k * float(means.var(ddof=1))
    total = between + (k - 1) * within
    equal = (table[:, :, None] == table[:, None, :]).sum((1, 2)) - k
    return SelfConsistency(
        items=n,
        repeats=k,
        icc=(between - within) / total if total else None,
        all_equal=float((equal == k * (k - 1)).mean()),
        pairwise=float(equal.mean()) / (k * (k - 1)),
        within_sd=math.sqrt(within),
    )
