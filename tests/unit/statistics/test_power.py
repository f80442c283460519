"""How many rows a difference needs: worked numbers, and simulation where they can't say."""

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from tracekit.errors import StatisticsError
from tracekit.statistics import (
    Variances,
    critical_false_alarm,
    mcnemar,
    mcnemar_power,
    non_inferiority,
    rows_for_difference,
    rows_for_margin,
    rows_for_mcnemar,
    rows_to_certify,
    rows_to_pass,
    smallest_difference,
    smallest_margin,
    trials_for_margin,
    variance_components,
    wilson,
)


def test_worked_numbers_of_a_paired_mean() -> None:
    assert rows_for_difference(0.3, 0.05) == 285
    assert rows_for_difference(0.3, 0.05, two_sided=False) == 224
    seen = [
        (round(smallest_difference(0.3, n), 3), round(smallest_difference(0.3, n, two_sided=False), 3))
        for n in (20, 50, 100, 200, 500, 1000)
    ]  # fmt: skip
    assert seen == [
        (0.198, 0.173), (0.121, 0.107), (0.085, 0.075), (0.060, 0.053), (0.038, 0.033),
        (0.027, 0.024),
    ]  # fmt: skip


def test_power_of_a_paired_mean_is_that_of_statsmodels() -> None:
    for n in (5, 40, 3_000):
        effect = smallest_difference(1.0, n, power=0.9, alpha=0.01, two_sided=False)
        theirs = TTestPower().power(effect, n, 0.01, alternative="larger")
        assert theirs == pytest.approx(0.9, abs=1e-6)


def test_worked_numbers_of_non_inferiority() -> None:
    # the document rounds; a number of rows is rounded up
    assert [rows_for_margin(0.2, 0.05), rows_for_margin(math.sqrt(0.1), 0.05)] == [99, 248]
    assert rows_for_margin(math.sqrt(0.17), 0.05) == 421
    graded = [round(smallest_margin(0.2, n), 3) for n in (20, 50, 100, 200)]
    binary = [round(smallest_margin(math.sqrt(0.17), n), 3) for n in (20, 50, 100, 200)]
    assert graded == [0.111, 0.070, 0.050, 0.035]
    assert binary == [0.229, 0.145, 0.103, 0.072]


def test_power_of_mcnemar_is_exact() -> None:
    assert round(mcnemar_power(155, 0.2, 0.1), 3) == 0.762
    assert round(mcnemar_power(170, 0.2, 0.1), 3) == 0.806
    n = rows_for_mcnemar(0.2, 0.1)
    assert mcnemar_power(n - 1, 0.2, 0.1) < 0.8 <= mcnemar_power(n, 0.2, 0.1)
    by_hand = sum(
        stats.multinomial.pmf([b, c, 12 - b - c], 12, [0.5, 0.1, 0.4])
        for b in range(13)
        for c in range(13 - b)
        if mcnemar(b, c) <= 0.05
    )
    assert mcnemar_power(12, 0.6, 0.4) == pytest.approx(by_hand)
    assert mcnemar_power(4, 0.5, 0.5) == 0


def test_below_the_fewest_rows_a_gate_can_not_pass_what_is_unchanged() -> None:
    for margin in (0.02, 0.05, 0.2):
        binary, graded = rows_to_pass(margin, binary=True), rows_to_pass(margin)
        for n, bounds in ((binary, None), (graded, (0, 1))):
            now, short = ([1.0] * k for k in (n, n - 1))
            assert non_inferiority(now, now, margin, bounds=bounds).verdict == "pass"
            assert non_inferiority(short, short, margin, bounds=bounds).verdict == "inconclusive"
    assert rows_to_pass(0.25, width=5) == 59
    assert rows_to_pass(2) == 6


def test_worked_numbers_of_certifying_a_bar() -> None:
    bars = (0.8, 0.9, 0.95, 0.99)
    assert [rows_to_certify(bar) for bar in bars] == [11, 25, 52, 268]
    assert [rows_to_certify(bar, exact=True) for bar in bars] == [14, 29, 59, 299]
    # by search in steps of one; 180, 75 and 80 of the document are the first multiples of five
    assert [rows_to_certify(0.9, 0.95), rows_to_certify(0.9, 0.97)] == [164, 72]
    assert rows_to_certify(0.8, 0.9) == 80
    passing = [k for k in range(165) if wilson(k, 164, confidence=0.9).low >= 0.9]
    assert stats.binom.sf(passing[0] - 1, 164, 0.95) >= 0.8
    with pytest.raises(StatisticsError):
        rows_to_certify(0.9, 0.9)


def test_worked_variances_of_trials() -> None:
    trials = [1, 1, 1, 0, 0, 0, 1, 0, 1, 1, 1, 0, 0, 1, 0, 1, 1, 1]
    found = variance_components(trials, np.repeat(np.arange(6), 3))
    assert (round(found.within, 4), round(found.between, 4)) == (0.1667, 0.0963)
    errors = [round(math.sqrt(found.of_row_mean(k) / 100), 4) for k in (1, 3, 5)]
    assert errors == [0.0513, 0.0390, 0.0360]
    with pytest.raises(StatisticsError, match="two trials"):
        variance_components([1, 0], ["a", "b"])


def test_trials_help_as_far_as_only_noise_differs() -> None:
    noise = Variances(between=0.0, within=0.17)
    k = trials_for_margin(noise, 84, 0.05)
    assert k == 6
    assert (
        smallest_margin(math.sqrt(0.17 / k), 84) <= 0.05 < smallest_margin(math.sqrt(0.17 / 5), 84)
    )
    assert trials_for_margin(Variances(between=0.2, within=0.1), 84, 0.05) is None
    assert trials_for_margin(Variances(between=0.0, within=0.0), 84, 0.05) == 1


def test_critical_rows_count_a_failure_that_repeats() -> None:
    assert round(critical_false_alarm(0.05, 20, reruns=0), 2) == 0.64
    assert round(critical_false_alarm(0.05, 20), 4) == 0.0025
