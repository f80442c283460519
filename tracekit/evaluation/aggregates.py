"""Aggregations of scores by name, as MLflow has them and a few more."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def _percentile(percent: float) -> Callable[[Floats], float]:
    def aggregate(values: Floats) -> float:
        return float(np.percentile(values, percent))

    return aggregate


def _mean(values: Floats) -> float:
    return float(np.mean(values))


def _std(values: Floats) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def _variance(values: Floats) -> float:
    """Over n, as MLflow's."""
    return float(np.var(values))


def _ratio(values: Floats) -> float:
    """The share above one half, as MLflow's."""
    return float(np.mean(values > 0.5))


AGGREGATES: Mapping[str, Callable[[Floats], float]] = {
    "mean": _mean,
    "median": _percentile(50),
    "min": lambda values: float(values.min()),
    "max": lambda values: float(values.max()),
    "sum": lambda values: float(values.sum()),
    "std": _std,
    "variance": _variance,
    "p50": _percentile(50),
    "p90": _percentile(90),
    "p95": _percentile(95),
    "p99": _percentile(99),
    "count": lambda values: float(len(values)),
    "ratio": _ratio,
}
"""Of all scores, those of each trial included."""


def mean_of_rows(values: Floats, rows: NDArray[np.int64]) -> float:
    """The mean of the rows' means, where a row has several values.

    >>> mean_of_rows(np.array([1.0, 0.0, 1.0]), np.array([0, 0, 1]))
    0.75
    """
    _, codes = np.unique(rows, return_inverse=True)
    return float(np.mean(np.bincount(codes, values) / np.bincount(codes)))
