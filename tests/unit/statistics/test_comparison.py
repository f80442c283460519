"""Two runs on the same rows: worked numbers, other implementations, symmetry, speed."""

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as reference_mcnemar
from statsmodels.stats.multitest import multipletests

from tracekit.errors import StatisticsError
from tracekit.statistics import (
    benjamini_hochberg,
    changes,
    cohens_h,
    compare,
    holm,
    mcnemar,
    pair,
    row_changes,
    shuffle,
    sign_flip,
    tango,
    wilcoxon,
)

BASELINE = [0.8, 0.7, 0.9, 0.6, 1, 0.5, 0.75, 0.9]
CANDIDATE = [0.85, 0.6, 1, 0.7, 1, 0.65, 0.8, 0.85]


def test_worked_numbers_of_a_graded_metric() -> None:
    found = compare(BASELINE, CANDIDATE)
    assert round(found.difference, 4) == 0.0375
    assert [round(found.low, 3), round(found.high, 3)] == [-0.032, 0.107]
    assert round(found.stderr or 0, 3) == 0.030
    assert round(found.effect_size or 0, 3) == 0.449
    assert (found.wins, found.ties, found.losses) == (5, 1, 2)
    tests = [compare(BASELINE, CANDIDATE, test=t).p_value for t in ("sign", "wilcoxon")]  # type: ignore[arg-type]
    assert [round(p, 3) for p in [*tests, found.p_value]] == [0.453, 0.328, 0.328]
    touching = compare(BASELINE, CANDIDATE, confidence=1 - 0.24434095200771)
    assert touching.low == pytest.approx(0, abs=1e-9)  # the p of the t-test


def test_worked_numbers_of_a_yes_or_no_metric() -> None:
    before = [1] * 12 + [0] * 3 + [1] * 60 + [0] * 25
    after = [0] * 12 + [1] * 3 + [1] * 60 + [0] * 25
    found = compare(before, after)
    assert (found.difference, found.method, found.test) == (-0.09, "tango", "mcnemar")
    assert [round(found.low, 3), round(found.high, 3)] == [-0.174, -0.016]
    assert round(found.p_value, 4) == 0.0352
    assert round(mcnemar(3, 12, mid_p=True), 4) == 0.0213
    assert round(cohens_h(0.8, 0.7), 3) == 0.232
    wald, price = (
        (3 - 12) / 100 - 1.96 * math.sqrt(15 - 81 / 100) / 100,
        (4 - 13) / 102 - 1.96 * math.sqrt(17 - 81 / 102) / 102,  # Bonett and Price
    )
    assert [round(wald, 3), round(price, 3)] == [-0.164, -0.166]
    assert found.low == pytest.approx(price, abs=0.01)


def test_tango_bounds_solve_the_score_equation() -> None:
    def score(d: float, b: int, c: int, n: int) -> float:
        grid = np.linspace(max(0.0, -d) + 1e-12, (1 - d) / 2 - 1e-12, 200_001)
        with np.errstate(divide="ignore"):
            likelihood = b * np.log(grid + d) + c * np.log(grid)
            likelihood += (n - b - c) * np.log(1 - 2 * grid - d)
        q = grid[likelihood.argmax()]
        return float((b - c - n * d) / math.sqrt(n * (2 * q + d * (1 - d))))

    for b, c, n in [(3, 12, 100), (1, 4, 10), (7, 2, 30)]:
        low, high = tango(b, c, n)
        assert score(low, b, c, n) == pytest.approx(1.96, abs=1e-3)
        assert score(high, b, c, n) == pytest.approx(-1.96, abs=1e-3)


def test_tango_at_the_ends() -> None:
    z = 1.959964
    assert tango(0, 0, 20) == pytest.approx((-(z**2) / (20 + z**2), z**2 / (20 + z**2)))
    assert tango(20, 0, 20)[1] == 1
    assert tango(0, 20, 20)[0] == -1
    with pytest.raises(StatisticsError):
        tango(3, 3, 5)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 30), st.integers(0, 30))
def test_mcnemar_is_that_of_statsmodels(gains: int, losses: int) -> None:
    theirs = reference_mcnemar([[5, gains], [losses, 5]], exact=True).pvalue
    assert mcnemar(gains, losses) == pytest.approx(float(theirs) if gains + losses else 1.0)


def test_permutation_is_exact_for_few_and_near_scipy_for_many() -> None:
    d = np.random.default_rng(1).normal(0.3, 1, 12)
    theirs = stats.permutation_test(
        (d,), np.mean, permutation_type="samples", n_resamples=5_000, alternative="two-sided"
    )
    assert sign_flip(d) == pytest.approx(float(theirs.pvalue))
    for n in (200, 4_000):
        d = np.random.default_rng(n).normal(0.12 / math.sqrt(n / 200), 1, n)
        assert sign_flip(d) == pytest.approx(stats.ttest_1samp(d, 0).pvalue, abs=0.015)
    assert sign_flip(np.repeat(1.0, 5_000)) == 1e-4
    assert sign_flip([0.0, 0.0]) == 1


def test_clusters_flip_as_one() -> None:
    assert sign_flip([1, 2, 3, 4, 5, 6], clusters="aabbcc") == sign_flip([3, 7, 11])
    scattered = compare([0.0] * 6, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], clusters=list("abcabc"))
    assert (scattered.clusters, scattered.p_value) == (3, 0.25)


def test_wilcoxon_is_that_of_scipy() -> None:
    d = np.random.default_rng(5).normal(0.2, 1, 60)
    assert wilcoxon(d) == pytest.approx(stats.wilcoxon(d, method="approx").pvalue)
    assert wilcoxon(d[:9]) == pytest.approx(stats.wilcoxon(d[:9], method="exact").pvalue)
    tied = np.random.default_rng(6).integers(-3, 4, 80)
    theirs = stats.wilcoxon(tied, method="approx", zero_method="wilcox").pvalue
    assert wilcoxon(tied) == pytest.approx(theirs)


def test_shuffled_trials_are_fishers_exact_test_where_samples_are_equal() -> None:
    theirs = stats.fisher_exact([[5, 1], [1, 5]]).pvalue
    assert shuffle([1] * 5 + [0], [1] + [0] * 5) == pytest.approx(float(theirs))
    assert shuffle(np.arange(20), np.arange(10, 30)) == pytest.approx(
        stats.ttest_ind(np.arange(20), np.arange(10, 30)).pvalue, abs=5e-3
    )


def test_corrections_are_those_of_statsmodels_and_scipy() -> None:
    rng = np.random.default_rng(2)
    for n in (1, 2, 7, 30):
        p = rng.random(n).round(1) ** 3  # with ties
        assert holm(p).tolist() == pytest.approx(multipletests(p, method="holm")[1].tolist())
        theirs = stats.false_discovery_control(p)
        assert benjamini_hochberg(p).tolist() == pytest.approx(theirs.tolist())
    assert holm([]).tolist() == benjamini_hochberg([]).tolist() == []


PAIRED = st.lists(
    st.tuples(st.sampled_from([0, 0.25, 0.5, 1]), st.sampled_from([0, 0.25, 0.5, 1])),
    min_size=2,
    max_size=30,
)


@settings(deadline=None, max_examples=60)
@given(PAIRED, st.booleans())
def test_swapping_the_runs_mirrors_the_comparison(
    rows: list[tuple[float, float]], grouped: bool
) -> None:
    before, after = zip(*rows, strict=True)
    clusters = [i // 2 for i in range(len(rows))] if grouped else None
    there = compare(before, after, clusters=clusters, bounds=(0, 1))
    back = compare(after, before, clusters=clusters, bounds=(0, 1))
    lower = compare(after, before, clusters=clusters, bounds=(0, 1), direction="minimize")
    assert [-back.high, -back.low] == pytest.approx([there.low, there.high])
    assert there.p_value == back.p_value == lower.p_value
    assert [lower.low, lower.high] == pytest.approx([there.low, there.high])
    assert -1 <= there.low <= there.difference <= there.high <= 1


def test_identical_runs_show_nothing() -> None:
    found = compare(BASELINE, BASELINE)
    assert (found.difference, found.p_value, found.ties, found.effect_size) == (0, 1, 8, None)
    assert changes([found]) == ("inconclusive",)
    assert changes([found], margin=0.01) == ("unchanged",)


def test_means_that_only_rounded_apart_are_ties() -> None:
    assert compare([0.1 + 0.2, 0.5], [0.3, 0.5], bounds=(0, 1)).ties == 2


def test_many_metrics_are_claimed_together() -> None:
    one = compare([0] * 30, [0] * 24 + [1] * 6)
    assert round(one.p_value, 4) == 0.0312
    assert changes([one]) == ("improved",)
    assert changes([one, compare(BASELINE, CANDIDATE)]) == ("inconclusive", "inconclusive")
    worse = compare([0] * 30, [1] * 20 + [0] * 10, direction="minimize")
    assert changes([worse]) == ("regressed",)


def test_rows_of_one_trial_differ_and_more_trials_decide() -> None:
    before, after = [[1], [1] * 8, [0] * 8, [1, 0], [1] * 3], [[0], [0] * 8, [1] * 8, [0, 1], [0]]
    assert row_changes(before, after) == (
        "differs", "regressed", "improved", "unchanged", "inconclusive",
    )  # fmt: skip
    assert row_changes(before, after, direction="minimize")[1:3] == ("improved", "regressed")


def test_rows_without_a_partner_are_named() -> None:
    found = pair([1, 0, 0.5], ["r1", "r1", "r2"], [1, 1], np.array(["r3", "r1"]))
    assert (found.rows, found.baseline.tolist(), found.candidate.tolist()) == (("r1",), [0.5], [1])
    assert (found.only_baseline, found.only_candidate) == (("r2",), ("r3",))


def test_a_comparison_refuses_what_it_can_not_compare() -> None:
    for before, after, options, said in [
        ([1, 2], [1], {}, "1 entries for 2"),
        ([1, math.nan], [1, 2], {}, r"baseline\[1\]"),
        ([1, 2], [1, math.nan], {}, r"candidate\[1\]"),
        ([0, 1], [0, 2], {"bounds": (0, 1)}, r"candidate\[1\].*outside"),
        ([0.5, 1], [0, 1], {"test": "mcnemar"}, "yes-or-no"),
        ([0, 1], [0, 1], {"test": "wilcoxon", "clusters": [1, 2]}, "no clusters"),
    ]:
        with pytest.raises(StatisticsError, match=said):
            compare(before, after, **options)  # type: ignore[arg-type]


def test_a_hundred_thousand_rows_are_compared_in_a_second() -> None:
    rng = np.random.default_rng(0)
    before, after = rng.random(100_000), rng.random(100_000)
    clusters = [f"document {i // 7}" for i in range(100_000)]
    began = time.process_time()
    found = compare(before, after, clusters=clusters, bounds=(0, 1))
    assert time.process_time() - began < 1
    assert found.n == 100_000
    assert compare(before, after, clusters=clusters, bounds=(0, 1)) == found
