"""Checked arrays: NaN never enters a mean in silence."""

from collections.abc import Hashable, Sequence
from typing import cast

import numpy as np
import numpy.typing as npt

from tracekit.errors import StatisticsError

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]
Ids = Sequence[Hashable] | npt.NDArray[np.generic]
Values = npt.ArrayLike


def numbers(values: Values, name: str = "values", at_least: int = 1) -> Floats:
    """The values as one row of finite floats."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise StatisticsError(f"`{name}` must be numbers: {error}") from error
    if array.ndim != 1:
        raise StatisticsError(f"`{name}` must be a flat sequence of numbers, got {array.ndim} axes")
    if len(array) < at_least:
        raise StatisticsError(f"`{name}` needs at least {at_least} value(s), got {len(array)}")
    if not np.isfinite(array).all():
        place = int(np.flatnonzero(~np.isfinite(array))[0])
        raise StatisticsError(
            f"`{name}[{place}]` is {array[place]}: leave failed rows out and count them apart"
        )
    return array


def same_length(name: str, given: int, expected: int) -> None:
    """Refuses a sequence that does not match its partner."""
    if given != expected:
        raise StatisticsError(f"`{name}` has {given} entries for {expected} values")


def codes(ids: Ids, name: str, n: int) -> Codes:
    """The ids as 0, 1, 2... in order of appearance."""
    same_length(name, len(ids), n)
    seen: dict[Hashable, int] = {}
    return np.fromiter((seen.setdefault(one, len(seen)) for one in plain(ids)), np.intp, n)


def plain(ids: Ids) -> Sequence[Hashable]:
    """The ids as Python's own values."""
    return cast(Sequence[Hashable], ids.tolist()) if isinstance(ids, np.ndarray) else ids


def cluster_sums(values: Floats, clusters: Codes) -> Floats:
    """The sum of each cluster's values, in order of the clusters' codes."""
    return np.bincount(clusters, values).astype(np.float64, copy=False)


def row_means(values: Floats, rows: Codes) -> Floats:
    """The mean of each row's trials, in order of the rows' codes."""
    return cluster_sums(values, rows) / np.bincount(rows)


def share(value: float, name: str) -> float:
    """A number strictly between 0 and 1, such as a confidence."""
    if not 0 < value < 1:
        raise StatisticsError(f"`{name}` must lie between 0 and 1, got {value!r}")
    return value


def span(bounds: tuple[float, float], values: Floats, name: str = "values") -> tuple[float, float]:
    """The bounds, which every value must respect."""
    low, high = bounds
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise StatisticsError(f"`bounds` must be two finite numbers, low < high, got {bounds!r}")
    outside = np.flatnonzero((values < low) | (values > high))
    if len(outside):
        place = int(outside[0])
        raise StatisticsError(f"`{name}[{place}]` is {values[place]}, outside of {bounds!r}")
    return low, high


def is_binary(values: Floats) -> bool:
    """Whether every value is 0 or 1."""
    return bool(((values == 0) | (values == 1)).all())
