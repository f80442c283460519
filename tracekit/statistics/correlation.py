"""Rank and linear correlation of two scores of the same rows.

Apart from the rest of the package, which does without it: `scipy.stats` takes long to import.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from tracekit.errors import StatisticsError
from tracekit.statistics._arrays import Values, is_binary, numbers, same_length


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlations:
    """How two scores of the same rows go together."""

    n: int
    pearson: float
    pearson_p: float
    """Two-sided, as are the others."""
    spearman: float
    spearman_p: float
    kendall: float
    """Tau-b."""
    kendall_p: float
    mae: float
    """Mean absolute difference."""
    rmse: float
    """Root of the mean squared difference."""


def correlations(a: Values, b: Values) -> Correlations | None:
    """Pearson's, Spearman's and Kendall's correlation; None where a score is constant.

    Raises:
        StatisticsError: fewer than three rows, NaN, or lengths that differ.

    >>> found = correlations([1, 2, 3, 4, 5], [1, 3, 2, 5, 4])
    >>> round(found.pearson, 3), round(found.kendall, 3), found.mae
    (0.8, 0.6, 0.8)
    """
    x, y = numbers(a, "a", at_least=3), numbers(b, "b")
    same_length("b", len(y), len(x))
    if not (np.ptp(x) and np.ptp(y)):
        return None
    pearson, pearson_p = stats.pearsonr(x, y)
    spearman, spearman_p = stats.spearmanr(x, y)
    kendall, kendall_p = stats.kendalltau(x, y)
    return Correlations(
        n=len(x), pearson=float(pearson), pearson_p=float(pearson_p),
        spearman=float(spearman), spearman_p=float(spearman_p),
        kendall=float(kendall), kendall_p=float(kendall_p),
        mae=float(np.abs(x - y).mean()), rmse=float(np.sqrt(((x - y) ** 2).mean())),
    )  # fmt: skip


def auc(truth: Values, scores: Values) -> float | None:
    """The chance that a row that is true scores above one that is not, ties as a half.

    None where all rows are of one kind.

    Raises:
        StatisticsError: no row, NaN, lengths that differ, or a truth other than 0 and 1.

    >>> auc([1, 1, 0, 0], [0.9, 0.4, 0.4, 0.1])
    0.875
    """
    label, score = numbers(truth, "truth"), numbers(scores, "scores")
    same_length("scores", len(score), len(label))
    if not is_binary(label):
        raise StatisticsError("`truth` must hold yes or no")
    positives = int(label.sum())
    negatives = len(label) - positives
    if not positives or not negatives:
        return None
    ranks = float(stats.rankdata(score)[label == 1].sum())
    return (ranks - positives * (positives + 1) / 2) / (positives * negatives)
