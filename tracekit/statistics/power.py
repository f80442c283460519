"""Before and after: how many rows a difference needs, and how small a one rows can show."""

import math
from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
from scipy import special

from tracekit.errors import StatisticsError
from tracekit.statistics._arrays import Ids, Values, codes, numbers, row_means, share


def smallest_difference(
    sd: float, n: int, *, power: float = 0.8, alpha: float = 0.05, two_sided: bool = True
) -> float:
    """The difference of paired means that n rows detect with this power.

    By the noncentral t distribution with n - 1 degrees of freedom.

    Args:
        sd: standard deviation of the rows' differences.
        n: pairs of rows.
        power: chance to detect it.
        alpha: error rate of the test.
        two_sided: whether the test is.

    Raises:
        StatisticsError: a negative sd, fewer than two rows, a rate not between 0 and 1.

    >>> round(smallest_difference(0.3, 100), 3)
    0.085
    """
    _positive("sd", sd)
    if n < 2:
        raise StatisticsError(f"a difference needs at least 2 rows, got {n}")
    critical = special.stdtrit(n - 1, 1 - share(alpha, "alpha") / (2 if two_sided else 1))
    shift = special.nctdtrinc(n - 1, 1 - share(power, "power"), critical)
    return float(shift) * sd / math.sqrt(n)


def rows_for_difference(
    sd: float,
    difference: float,
    *,
    power: float = 0.8,
    alpha: float = 0.05,
    two_sided: bool = True,
) -> int:
    """Rows at which a paired t-test detects a difference with this power.

    (z_a + z_b)² sd² / difference², corrected for t.

    Raises:
        StatisticsError: as `smallest_difference`; a difference that is not above zero.

    >>> rows_for_difference(0.3, 0.05), rows_for_difference(0.3, 0.05, two_sided=False)
    (285, 224)
    """
    _positive("difference", difference)
    z = special.ndtri(1 - alpha / (2 if two_sided else 1)) + special.ndtri(power)
    n = max(2, math.ceil((z * sd / difference) ** 2))
    while smallest_difference(sd, n, power=power, alpha=alpha, two_sided=two_sided) > difference:
        n += 1
    return n


def smallest_margin(sd: float, n: int, *, power: float = 0.8, alpha: float = 0.05) -> float:
    """The smallest margin at which n rows of unchanged code pass the gate with this power.

    (z_a + z_b) sd / sqrt(n); for yes-or-no rows sd is the root of the share that differs.

    Raises:
        StatisticsError: a negative sd, no row, a rate not between 0 and 1.

    >>> round(smallest_margin(0.2, 50), 3)
    0.07
    """
    _positive("sd", sd)
    if n < 1:
        raise StatisticsError(f"a margin needs at least 1 row, got {n}")
    return _sum_of_quantiles(alpha, power) * sd / math.sqrt(n)


def rows_for_margin(sd: float, margin: float, *, power: float = 0.8, alpha: float = 0.05) -> int:
    """Rows at which unchanged code passes a gate of this margin with this power.

    (z_a + z_b)² sd² / margin²: 6.18 sd²/margin² for 5 and 80 %.

    Raises:
        StatisticsError: a negative sd, a margin not above zero, a rate not between 0 and 1.

    >>> rows_for_margin(0.2, 0.05), rows_for_margin(0.17**0.5, 0.05)
    (99, 421)
    """
    _positive("sd", sd)
    _positive("margin", margin)
    return max(1, math.ceil((_sum_of_quantiles(alpha, power) * sd / margin) ** 2))


def rows_to_pass(
    margin: float, *, width: float = 1.0, binary: bool = False, alpha: float = 0.05
) -> int:
    """Rows below which a gate can't pass a candidate that is the same in every row.

    A suite with fewer is refused before it spends. From Tango's bound z²/(n + z²) of yes-or-no
    rows, else from the sparse guard, 1 - alpha^(1/n), times the width of the metric's range.

    Raises:
        StatisticsError: a margin or width not above zero.

    >>> rows_to_pass(0.05, binary=True), rows_to_pass(0.05)
    (52, 59)
    """
    _positive("margin", margin)
    _positive("width", width)
    part = margin / width
    if part >= 1:
        return 6
    z = float(special.ndtri(1 - share(alpha, "alpha")))
    exact = z * z * (1 - part) / part if binary else math.log(alpha) / math.log1p(-part)
    return max(6, math.floor(exact) + 1)


def mcnemar_power(n: int, discordant: float, difference: float, *, alpha: float = 0.05) -> float:
    """The chance that McNemar's exact test finds a difference of two paired proportions.

    Args:
        n: pairs of rows.
        discordant: share of rows that differ.
        difference: of the proportions; at most `discordant`.
        alpha: two-sided error rate.

    Raises:
        StatisticsError: a difference that the discordant rows don't allow.

    >>> round(mcnemar_power(155, 0.2, 0.1), 3), round(mcnemar_power(170, 0.2, 0.1), 3)
    (0.762, 0.806)
    """
    if not abs(difference) <= discordant <= 1 or not discordant:
        raise StatisticsError(f"{discordant!r} discordant rows allow no difference {difference!r}")
    m = np.arange(n + 1)
    tail = share(alpha, "alpha") / 2
    refused = np.floor(special.bdtrik(tail, m, 0.5)).clip(0)  # at most so many of m are refused
    refused += special.bdtr(refused + 1, m, 0.5) <= tail
    refused -= special.bdtr(refused, m, 0.5) > tail
    p = (discordant + difference) / (2 * discordant)
    found = special.bdtr(refused, m, p) + special.bdtr(refused, m, 1 - p)
    weights = np.diff(special.bdtr(m, n, discordant), prepend=0.0)
    return float(weights[refused >= 0] @ found[refused >= 0])


def rows_for_mcnemar(
    discordant: float, difference: float, *, power: float = 0.8, alpha: float = 0.05
) -> int:
    """Rows at which McNemar's exact test has this power, by search.

    Raises:
        StatisticsError: as `mcnemar_power`; a difference of zero.

    >>> rows_for_mcnemar(0.2, 0.1)
    168
    """
    _positive("difference", abs(difference))
    need = share(power, "power")
    high = 16
    while mcnemar_power(high, discordant, difference, alpha=alpha) < need:
        high *= 2
    return bisect_left(
        range(high), need, key=lambda n: mcnemar_power(n, discordant, difference, alpha=alpha)
    )


def rows_to_certify(
    bar: float, truth: float = 1.0, *, power: float = 0.8, alpha: float = 0.05, exact: bool = False
) -> int:
    """Rows at which a pass rate of `truth` is shown to reach a bar, with this power.

    Shown: the one-sided lower bound, Wilson's or with `exact` Clopper-Pearson's, reaches it. A
    truth of 1 gives the fewest rows at which the bar can be reached at all.

    Raises:
        StatisticsError: unless 0 < bar < truth <= 1.

    >>> rows_to_certify(0.9), rows_to_certify(0.9, exact=True), rows_to_certify(0.9, 0.97)
    (25, 29, 72)
    """
    if not 0 < bar < truth <= 1:
        raise StatisticsError(f"a pass rate of {truth!r} never certifies a bar of {bar!r}")
    n = 1
    while _chance_to_certify(n, bar, truth, alpha, exact) < power:
        n += 1
    return n


def _chance_to_certify(n: int, bar: float, truth: float, alpha: float, exact: bool) -> float:
    if exact:
        passes = np.arange(n + 1)
        enough = int((special.bdtrc(passes - 1, n, bar) > alpha)[1:].sum()) + 1
    else:
        z = float(special.ndtri(1 - alpha))
        enough = math.ceil(n * bar + z * math.sqrt(n * bar * (1 - bar)) - 1e-9)
    if enough > n:
        return 0.0
    return 1.0 if truth == 1 else float(special.bdtrc(enough - 1, n, truth))


@dataclass(frozen=True, slots=True, kw_only=True)
class Variances:
    """Where the spread of a metric comes from."""

    between: float
    """Variance of the rows' true means; at least 0."""
    within: float
    """Variance of trials about their row's mean."""

    def of_row_mean(self, trials: int) -> float:
        """Variance of a row's mean of so many trials."""
        return self.between + self.within / trials


def variance_components(values: Values, rows: Ids) -> Variances:
    """Variance between rows and between trials of a row (one-way analysis of variance).

    Raises:
        StatisticsError: NaN, one row only, or no row with a second trial.

    >>> found = variance_components([1, 0, 0, 0, 1, 1], ["a", "a", "b", "b", "c", "c"])
    >>> round(found.between, 3), round(found.within, 3)
    (0.167, 0.167)
    """
    data = numbers(values)
    row = codes(rows, "rows", len(data))
    means, trials = row_means(data, row), np.bincount(row)
    spare = len(data) - len(means)
    if len(means) < 2 or not spare:
        raise StatisticsError("variance components need two rows and a row with two trials")
    within = float(((data - means[row]) ** 2).sum()) / spare
    between = float(trials @ (means - data.mean()) ** 2) / (len(means) - 1)
    typical = (len(data) - float(trials @ trials) / len(data)) / (len(means) - 1)
    return Variances(between=max(0.0, (between - within) / typical), within=within)


def trials_for_margin(
    difference: Variances, n: int, margin: float, *, power: float = 0.8, alpha: float = 0.05
) -> int | None:
    """Trials of each of n rows at which unchanged code passes a gate; None if no number does.

    Args:
        difference: variances of the differences of rows: `between` of their true values, and
            `within` of one trial of both runs, which is the sum of theirs.
        n: rows.
        margin: of the gate.
        power: chance to pass.
        alpha: error rate of the gate.

    Raises:
        StatisticsError: a margin that is not above zero, or a rate not between 0 and 1.

    >>> trials_for_margin(Variances(between=0.0, within=0.17), 84, 0.05)
    6
    """
    _positive("margin", margin)
    allowed = n * (margin / _sum_of_quantiles(alpha, power)) ** 2 - difference.between
    if difference.within == 0 and allowed >= 0:
        return 1
    return max(1, math.ceil(difference.within / allowed)) if allowed > 0 else None


def critical_false_alarm(flip_rate: float, rows: int, *, reruns: int = 2) -> float:
    """The chance that unchanged code shows a new failure among critical rows.

    1 - (1 - f^(1 + reruns))^rows: a new failure counts only if it repeats on every rerun.

    Args:
        flip_rate: chance that a row fails by accident.
        rows: critical rows.
        reruns: of a row that fails.

    >>> round(critical_false_alarm(0.05, 20), 4), round(critical_false_alarm(0.05, 20, reruns=0), 2)
    (0.0025, 0.64)
    """
    return 1 - (1 - flip_rate ** (1 + reruns)) ** rows


def _sum_of_quantiles(alpha: float, power: float) -> float:
    return float(special.ndtri(1 - share(alpha, "alpha")) + special.ndtri(share(power, "power")))


def _positive(name: str, value: float) -> None:
    least = "at least" if name == "sd" else "above"
    if not math.isfinite(value) or value < 0 or (value == 0 and name != "sd"):
        raise StatisticsError(f"`{name}` must be {least} zero, got {value!r}")
