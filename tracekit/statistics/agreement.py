"""Agreement of a judge with people, and of raters with one another.

Accuracy alone flatters where one label is rare, and kappa alone condemns there: on a table of
90, 5, 5, 0 two raters agree on 90 %, kappa is -0.053 and Gwet's AC1 0.890. They belong together,
with the table. Intervals are BCa bootstraps over items, by 1,999 resamples.
"""

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
import numpy.typing as npt

from tracekit.errors import StatisticsError
from tracekit.statistics._arrays import Codes, Floats, Ids, numbers, plain, same_length
from tracekit.statistics.bootstrap import bca
from tracekit.statistics.intervals import Interval, wilson

Weights = Literal["linear", "quadratic"]
Level = Literal["nominal", "ordinal", "interval"]

RESAMPLES = 1_999

Counts = npt.NDArray[np.float64] | npt.NDArray[np.intp]
_Statistic = Callable[[Floats], Floats]
"""Of sums over items, on the last axis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Two raters of the same items; None is what is not defined for them."""

    n: int
    labels: tuple[Hashable, ...]
    confusion: tuple[tuple[int, ...], ...]
    """Items by the first rater's label (row) and the second's (column)."""
    accuracy: Interval
    kappa: Interval | None
    """Cohen's, weighted if asked for; None where both gave one label only."""
    ac1: Interval | None
    """Gwet's."""


def agreement(
    truth: Ids,
    judged: Ids,
    *,
    labels: Sequence[Hashable] | None = None,
    weights: Weights | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> Agreement:
    """How far two raters agree on the same items.

    Accuracy p_o with Wilson's interval; kappa = (p_o - p_e)/(1 - p_e) (Cohen 1960), or with
    disagreements weighted by the distance of the labels (Cohen 1968); AC1, whose chance
    agreement is that of raters who guess only the hard items (Gwet 2008).

    Args:
        truth: the label of each item by the first rater, a person.
        judged: by the second, the judge. Leave out items without a verdict, and count them.
        labels: all labels, from low to high; by default those seen, sorted.
        weights: how kappa counts the distance between ordered labels.
        confidence: of the intervals.
        seed: of the bootstrap.

    Raises:
        StatisticsError: no item, lengths that differ, or a label that is not in `labels`.

    >>> found = agreement(["yes"] * 95 + ["no"] * 5, ["yes"] * 90 + ["no"] * 5 + ["yes"] * 5)
    >>> found.accuracy.estimate, round(found.kappa.estimate, 3), round(found.ac1.estimate, 3)
    (0.9, -0.053, 0.89)
    """
    same_length("judged", len(judged), len(truth))
    known, (first, second) = _labelled([truth, judged], labels)
    if missing := np.flatnonzero((first < 0) | (second < 0)).tolist():
        raise StatisticsError(f"item {missing[0]} has no label: leave such items out")
    size = len(known)
    table = np.bincount(first * size + second, minlength=size * size).astype(np.float64)
    distance = _distance(size, weights)
    cells = np.eye(size * size)[table > 0]

    def bounded(statistic: _Statistic) -> Interval | None:
        return _bootstrapped(statistic, cells, table[table > 0], confidence, seed)

    counts = table.reshape(size, size).astype(int)
    return Agreement(
        n=len(first),
        labels=known,
        confusion=tuple(tuple(row) for row in counts.tolist()),
        accuracy=wilson(int(np.trace(counts)), len(first), confidence=confidence),
        kappa=bounded(lambda cells: _kappa(cells, distance)),
        ac1=bounded(_ac1),
    )


def _labelled(
    raters: Sequence[Ids], labels: Sequence[Hashable] | None
) -> tuple[tuple[Hashable, ...], list[Codes]]:
    """The labels in order, and each rater's as their places; -1 for a missing one."""
    given = [plain(rater) for rater in raters]
    seen = {label for rater in given for label in rater if label is not None}
    if any(isinstance(label, float) and math.isnan(label) for label in seen):
        raise StatisticsError("a label is NaN: give None where a rating is missing")
    known = tuple(labels) if labels is not None else tuple(_sorted(seen))
    place = {label: i for i, label in enumerate(known)}
    if strange := seen - set(place):
        raise StatisticsError(f"the label {next(iter(strange))!r} is not among {list(known)!r}")
    if not seen:
        raise StatisticsError("agreement needs at least 1 item")
    return known, [np.array([place.get(one, -1) for one in rater], np.intp) for rater in given]


def _sorted(labels: Iterable[Hashable]) -> list[Hashable]:
    try:
        return sorted(labels)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    except TypeError as error:
        raise StatisticsError("labels of several types have no order: give `labels`") from error


def _distance(size: int, weights: Weights | None) -> Floats:
    """Disagreement between each two labels, flattened."""
    apart = np.abs(np.subtract.outer(np.arange(size), np.arange(size))).astype(np.float64)
    if weights is None:
        apart = np.minimum(apart, 1)
    return (apart**2 if weights == "quadratic" else apart).ravel()


def _kappa(cells: Floats, distance: Floats) -> Floats:
    first, second = _margins(cells)
    chance = (first[..., :, None] * second[..., None, :]).reshape(cells.shape)
    return _one_minus(cells @ distance * cells.sum(-1), chance @ distance)


def _ac1(cells: Floats) -> Floats:
    first, second = _margins(cells)
    total = cells.sum(-1)
    size = first.shape[-1]
    share_of = (first + second) / (2 * total[..., None])
    chance = (share_of * (1 - share_of)).sum(-1) / (size - 1 or math.nan)
    return _one_minus(cells @ _distance(size, None) / total, 1 - chance)


def _margins(cells: Floats) -> tuple[Floats, Floats]:
    size = math.isqrt(cells.shape[-1])
    table = cells.reshape(*cells.shape[:-1], size, size)
    return table.sum(-1), table.sum(-2)


def _one_minus(observed: Floats, expected: Floats) -> Floats:
    """1 - observed/expected; NaN where nothing is to be expected."""
    expected = np.asarray(expected, np.float64)
    return 1 - observed / np.where(expected > 0, expected, math.nan)


def krippendorff_alpha(
    ratings: Sequence[Ids],
    *,
    level: Level = "nominal",
    labels: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval | None:
    """Krippendorff's alpha of any number of raters, some of whose ratings may be missing.

    1 - D_o/D_e from the coincidence matrix o_vv' = sum over items of n_v (n_v' - [v = v']) /
    (m - 1) (Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability"); ordinal distances
    are differences of mid-ranks. None where all ratings are the same.

    Args:
        ratings: for each rater, a label of each item, None where there is none.
        level: how far two labels are apart; `interval` takes them as numbers.
        labels: all labels, from low to high; by default those seen, sorted.
        confidence: of the interval.
        seed: of the bootstrap over items.

    Raises:
        StatisticsError: lengths that differ, no item with two ratings, a label that is not in
            `labels`, or NaN.

    >>> found = krippendorff_alpha([[1, 2, 3, 3, None], [1, 2, 3, 2, 4]], level="ordinal")
    >>> round(found.estimate, 3), found.n
    (0.79, 4)
    """
    for i, rater in enumerate(ratings):
        same_length(f"ratings[{i}]", len(rater), len(ratings[0]))
    known, places = _labelled(ratings, labels)
    by_item = np.stack(places, axis=1)
    rated = by_item[(by_item >= 0).sum(1) > 1]
    if not len(rated):
        raise StatisticsError("alpha needs an item with two ratings")
    patterns, counts = np.unique(np.sort(rated, axis=1), axis=0, return_counts=True)
    if level == "interval":
        values = numbers(cast(npt.ArrayLike, known), "labels")
        return _bootstrapped(
            _alpha_of_moments, _moments(patterns, values), counts, confidence, seed
        )
    coincidences = np.array([_coincidences(pattern, len(known)) for pattern in patterns])
    return _bootstrapped(
        lambda cells: _alpha(cells, ordinal=level == "ordinal"),
        coincidences, counts, confidence, seed,
    )  # fmt: skip


def _coincidences(pattern: Codes, size: int) -> Floats:
    seen = np.bincount(pattern[pattern >= 0], minlength=size).astype(np.float64)
    pairs: Floats = np.outer(seen, seen) - np.diag(seen)
    return (pairs / float(seen.sum() - 1)).ravel()


def _alpha(cells: Floats, *, ordinal: bool) -> Floats:
    seen, _ = _margins(cells)
    rank = np.cumsum(seen, -1) - seen / 2
    apart = (rank[..., :, None] - rank[..., None, :]) ** 2
    if not ordinal:
        apart = np.broadcast_to(1 - np.eye(seen.shape[-1]), apart.shape)
    chance = (seen[..., :, None] * seen[..., None, :] * apart).sum((-2, -1))
    observed = (cells.reshape(apart.shape) * apart).sum((-2, -1))
    return _one_minus(observed * (seen.sum(-1) - 1), chance)


def _moments(patterns: Codes, values: Floats) -> Floats:
    """Of each item: squared distances within, ratings, their sum and sum of squares."""
    rated = patterns >= 0
    x = np.where(rated, values[patterns], 0.0)
    many, total, squares = rated.sum(1), x.sum(1), (x * x).sum(1)
    within = 2 * (many * squares - total**2) / (many - 1)
    return np.stack([within, many, total, squares], axis=1)


def _alpha_of_moments(sums: Floats) -> Floats:
    within, many, total, squares = np.moveaxis(sums, -1, 0)
    return _one_minus(within * (many - 1), 2 * (many * squares - total**2))


def _bootstrapped(
    statistic: _Statistic, patterns: Floats, counts: Counts, confidence: float, seed: int
) -> Interval | None:
    """The statistic of the patterns' sum, resampling the items that show each pattern."""
    n, total = int(counts.sum()), counts @ patterns
    estimate = float(statistic(total))
    if math.isnan(estimate):
        return None
    drawn = np.random.default_rng(seed).multinomial(n, counts / n, RESAMPLES)
    leave_one_out = np.repeat(statistic(total - patterns), counts.astype(int))
    low, high = bca(estimate, statistic(drawn @ patterns), leave_one_out, confidence)
    return Interval(
        estimate=estimate, low=low, high=high, stderr=None, n=n, clusters=None,
        confidence=confidence, method="bca",
    )  # fmt: skip
