"""Intervals: worked numbers, other implementations, and what must hold for any data."""

import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from tracekit.errors import StatisticsError
from tracekit.statistics import (
    Interval,
    bootstrap,
    clopper_pearson,
    interval,
    quantile_interval,
    ratio_interval,
    wilson,
)
from tracekit.statistics.bootstrap import bootstrap_mean
from tracekit.statistics.intervals import standard_error, student

A = [1, 1, 0.5, 1, 0, 1, 0.75, 1, 1, 0.25]
CLUSTERED = [1, 1, 1, 0, 0, 0.5, 1, 0.75, 1, 0.25, 0, 0]
GROUPS = ["a"] * 3 + ["b"] * 3 + ["c"] * 3 + ["d"] * 3
SCORES = st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), min_size=1, max_size=40)


def bounds(found: Interval, digits: int = 3) -> list[float]:
    return [round(found.low, digits), round(found.high, digits)]


def test_worked_numbers_of_one_run() -> None:
    assert bounds(student(np.array(A, float), None, 0.95)) == [0.483, 1.017]
    assert round(interval(A).stderr or 0, 4) == 0.1179
    assert bounds(wilson(18, 20)) == [0.699, 0.972]
    assert bounds(wilson(20, 20)) == [0.839, 1]
    assert bounds(wilson(95, 100), 4) == [0.8882, 0.9785]
    assert bounds(clopper_pearson(18, 20)) == [0.683, 0.988]
    assert bounds(clopper_pearson(20, 20)) == [0.832, 1]
    assert bounds(interval(A, bounds=(0, 1))) == [0.421, 0.925]
    assert bounds(interval(A)) == [0.475, 0.925]
    assert interval(A).method == "bca"


def test_a_score_in_other_bounds_is_the_same_interval_rescaled() -> None:
    scaled = interval([1 + 4 * x for x in A], bounds=(1, 5))
    plain = interval(A, bounds=(0, 1))
    assert scaled.low == pytest.approx(1 + 4 * plain.low)
    assert scaled.high == pytest.approx(1 + 4 * plain.high)
    assert scaled.stderr == pytest.approx(4 * (plain.stderr or 0))


def test_clustered_standard_error_is_that_of_statsmodels() -> None:
    x = np.array(CLUSTERED)
    codes = np.repeat(np.arange(4), 3)
    fit = sm.OLS(x, np.ones(12)).fit(cov_type="cluster", cov_kwds={"groups": codes}, use_t=True)
    ours = interval(CLUSTERED, clusters=GROUPS)
    assert round(ours.stderr or 0, 5) == 0.24176
    # statsmodels multiplies G/(G-1) with (n-1)/(n-k), which is 1 for a mean
    assert ours.stderr == pytest.approx(float(fit.bse[0]))
    assert [ours.low, ours.high] == pytest.approx(fit.conf_int()[0].tolist())
    assert round(standard_error(x) or 0, 4) == 0.1335


def test_a_clustered_proportion_has_the_worked_bounds() -> None:
    sizes, passes = [4] * 5, [4, 4, 4, 3, 2]  # p 0.85
    values = [i < k for n, k in zip(sizes, passes, strict=True) for i in range(n)]
    groups = [g for g, n in enumerate(sizes) for _ in range(n)]
    found = interval(values, clusters=groups)
    p, stderr, quantile = 0.85, found.stderr or 0, 2.7764
    n = min(20, p * (1 - p) / stderr**2)
    middle = (p + quantile**2 / 2 / n) / (1 + quantile**2 / n)
    half = quantile * math.sqrt(p * (1 - p) / n + (quantile / 2 / n) ** 2) / (1 + quantile**2 / n)
    assert bounds(found, 3) == [round(middle - half, 3), round(middle + half, 3)]
    assert found.method == "wilson, clustered"


def test_trials_are_averaged_before_anything_else() -> None:
    trials = [1, 1, 1, 0, 0, 0, 1, 0, 1, 1, 1, 0, 0, 1, 0, 1, 1, 1]
    rows = np.repeat(np.arange(6), 3)
    found = interval(trials, rows=rows)
    assert found.n == 6
    assert (round(found.estimate, 3), round(found.stderr or 0, 3)) == (0.611, 0.159)
    assert interval(trials * 4, rows=[*rows, *rows, *rows, *rows]) == found


def test_proportions_are_those_of_statsmodels() -> None:
    for k, n in [(0, 1), (1, 1), (0, 7), (7, 7), (3, 7), (950, 1000), (10**6, 10**9)]:
        for confidence in (0.9, 0.95, 0.999):
            for ours, theirs in ((wilson, "wilson"), (clopper_pearson, "beta")):
                found = ours(k, n, confidence=confidence)
                expected = proportion_confint(k, n, alpha=1 - confidence, method=theirs)
                assert [found.low, found.high] == pytest.approx(list(expected), abs=1e-9)


def test_bca_is_that_of_scipy_up_to_one_replicate() -> None:
    x = np.random.default_rng(3).lognormal(size=20)
    low, high = bootstrap_mean(x, seed=0)
    theirs = stats.bootstrap((x,), np.mean, n_resamples=9_999, rng=np.random.default_rng(0))
    expected = theirs.confidence_interval
    assert [low, high] == pytest.approx([expected.low, expected.high], rel=1e-3)


def test_resamples_on_which_a_statistic_is_not_defined_count_at_either_end() -> None:
    def precision(hits: int) -> tuple[float, float]:
        data = np.array([0.0] * (10 - hits) + [1.0] * hits)
        return bootstrap(lambda rows: data[rows].mean() if data[rows].any() else math.nan, 10)

    assert precision(1) == (-math.inf, math.inf)  # a third of the resamples hold no hit
    assert 0 < precision(8)[0] < 0.8 < precision(8)[1] <= 1


def test_quantiles_cover_by_order_statistics() -> None:
    n, found = 20, quantile_interval(range(20), 0.5)
    inside = stats.binom.cdf(found.high - 1 + 1, n, 0.5) - stats.binom.cdf(found.low, n, 0.5)
    assert inside >= 0.95
    assert (found.low, found.high) == (5, 14)
    assert quantile_interval(range(20), 0.99).high == math.inf
    assert quantile_interval([3.0], 0.5).low == -math.inf


def test_a_ratio_of_sums_is_a_mean_where_denominators_are_equal() -> None:
    ratio, mean = ratio_interval(A, [2] * 10), student(np.array(A, float) / 2, None, 0.95)
    assert [ratio.low, ratio.high] == pytest.approx([mean.low, mean.high])
    with pytest.raises(StatisticsError, match="sum to zero"):
        ratio_interval([1, 2], [1, -1])


def test_what_decides_the_method() -> None:
    assert interval([True, False]).method == "wilson"
    assert interval([1, 0, 1]).method == "wilson"
    assert interval([1.0, 0.0], bounds=(0, 1)).method == "score-phi"
    assert interval([True, True], bounds=(0, 1)).method == "wilson"
    assert interval([True, False], exact=True).method == "clopper-pearson"
    assert interval(range(30)).method == "t"
    assert interval(range(29)).method == "bca"
    assert interval(range(29), clusters=range(29)).method == "t, clustered"


def test_hardly_any_data_say_hardly_anything() -> None:
    assert bounds(interval([True])) == [0.207, 1]
    assert bounds(interval([0.4], bounds=(0, 1))) == [0, 1]
    assert bounds(interval([True, True], clusters=["a", "a"])) == [0, 1]
    assert interval([3.5]).low == -math.inf
    assert "too few clusters (1)" in interval([1, 2], clusters=["a", "a"]).note
    assert "equal" in interval([2.5] * 9).note
    assert bounds(interval([0.0] * 9, bounds=(0, 1)))[1] > 0.3


@pytest.mark.parametrize(
    ("values", "options", "said"),
    [
        ([], {}, "at least 1"),
        ([1, math.nan], {}, r"values\[1\].*nan.*leave failed rows out"),
        ([1, math.inf], {}, r"values\[1\].*inf"),
        (["yes"], {}, "must be numbers"),
        ([[1]], {}, "flat"),
        ([1, 2], {"bounds": (0, 1)}, r"values\[1\].*outside"),
        ([1, 1], {"bounds": (1, 1)}, "low < high"),
        ([1, 2], {"clusters": ["a"]}, "1 entries for 2 values"),
        ([1, 2], {"rows": [1, 1], "clusters": ["a", "b"]}, "two clusters"),
        ([0.5, 1], {"exact": True}, "no exact"),
        ([1, 0], {"confidence": 95}, "between 0 and 1"),
    ],
)
def test_what_can_not_be_computed_is_refused(
    values: list[float], options: dict[str, object], said: str
) -> None:
    with pytest.raises(StatisticsError, match=said):
        interval(values, **options)  # type: ignore[arg-type]


@settings(deadline=None, max_examples=60)
@given(SCORES, st.sampled_from([0.8, 0.95, 0.99]))
def test_an_interval_holds_its_estimate_and_stays_in_range(
    values: list[float], confidence: float
) -> None:
    for clusters in (None, [i // 3 for i in range(len(values))]):
        found = interval(values, bounds=(0, 1), clusters=clusters, confidence=confidence)
        assert 0 <= found.low <= found.estimate <= found.high <= 1


@settings(deadline=None, max_examples=60)
@given(SCORES)
def test_order_and_direction_of_the_scores_do_not_matter(values: list[float]) -> None:
    found = interval(values, bounds=(0, 1))
    turned = interval([1 - x for x in reversed(values)], bounds=(0, 1))
    assert [1 - turned.high, 1 - turned.low] == pytest.approx([found.low, found.high])


@settings(deadline=None, max_examples=60)
@given(SCORES, st.integers(2, 4))
def test_copies_of_trials_and_of_clustered_rows_add_nothing(
    values: list[float], copies: int
) -> None:
    rows, groups = list(range(len(values))), [i // 2 for i in range(len(values))]
    once = interval(values, rows=rows, clusters=groups, bounds=(0, 1))
    again = interval(values * copies, rows=rows * copies, clusters=groups * copies, bounds=(0, 1))
    assert [again.low, again.high] == pytest.approx([once.low, once.high])
    mean = interval([*values, 7.5], clusters=[*groups, -1])
    same = interval([*values, 7.5] * copies, clusters=[*groups, -1] * copies)
    assert [same.low, same.high] == pytest.approx([mean.low, mean.high])


def test_more_rows_make_an_interval_narrower_and_huge_ones_stay_finite() -> None:
    widths = [(f := interval([True] * 9 * k + [False] * k)).high - f.low for k in (1, 10, 1000)]
    assert widths == sorted(widths, reverse=True)
    found = wilson(10**15 - 1, 10**15)
    assert 0 < found.low <= found.estimate <= found.high < 1
