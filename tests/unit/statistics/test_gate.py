"""The gate: its rule, its guard against rare catastrophes, many metrics, looks before the end."""

import math
from itertools import combinations_with_replacement

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tracekit.errors import StatisticsError
from tracekit.statistics import (
    Gate,
    boundaries,
    clopper_pearson,
    decide,
    interval,
    look_alphas,
    non_inferiority,
    settled,
    tango,
    threshold,
    wilson,
)

SAME = [1, 0] * 100


def binary(gains: int, losses: int, n: int, margin: float = 0.05) -> Gate:
    before = [0] * gains + [1] * (n - gains)
    after = [1] * gains + [0] * losses + [1] * (n - gains - losses)
    return non_inferiority(before, after, margin)


def graded(d: list[float], margin: float = 0.05, **options: object) -> Gate:
    after = [0.5 + one for one in d]
    return non_inferiority([0.5] * len(d), after, margin, **{"bounds": (0, 1), **options})  # type: ignore[arg-type]


def test_the_verdict_follows_from_the_one_sided_bounds() -> None:
    for b, c, n in [(5, 7, 200), (0, 12, 200), (8, 14, 200), (2, 9, 100), (0, 0, 60)]:
        gate = binary(b, c, n)
        assert (gate.low, gate.high) == tango(b, c, n, confidence=0.9)
        refuted, drop = gate.low > -0.05, gate.high < 0
        assert gate.verdict == ("pass" if refuted else "fail" if drop else "inconclusive")
        assert gate.real_drop == (refuted and drop)
        assert (gate.p_drop < 0.05) == drop


def test_a_real_drop_within_the_margin_passes_and_is_said() -> None:
    gate = binary(0, 6, 400)
    assert (gate.verdict, gate.real_drop) == ("pass", True)
    assert "real drop" in gate.reason


def test_graded_rows_have_students_bounds_clustered_where_asked() -> None:
    d = np.random.default_rng(2).normal(0, 0.1, 60).tolist()
    gate, low = graded(d), stats.t.interval(0.9, 59, np.mean(d), stats.sem(d))[0]
    assert gate.low == pytest.approx(low)
    assert gate.p_drop == pytest.approx(stats.ttest_1samp(d, 0, alternative="less").pvalue)
    groups = [i // 4 for i in range(60)]
    clustered = graded(d, clusters=groups)
    expected = interval(d, clusters=groups, confidence=0.9)
    assert (clustered.low, clustered.high) == pytest.approx((expected.low, expected.high))
    assert (clustered.clusters, clustered.method) == (15, "t, clustered")


def test_rare_catastrophes_do_not_pass_for_lack_of_spread() -> None:
    assert graded([0.0] * 50).verdict == "inconclusive"
    assert graded([0.0] * 59).verdict == "pass"
    one = graded([-0.5] + [0.0] * 99)
    most = clopper_pearson(1, 100, confidence=0.9).high
    assert one.low == pytest.approx(-most)  # the whole range, while fewer than 3 dropped
    three = graded([-0.1] * 3 + [0.0] * 97)
    assert three.low == pytest.approx(-0.1 * clopper_pearson(3, 100, confidence=0.9).high)
    unbounded = non_inferiority([5.0] * 100, [5.0] * 100, 1.0)
    assert (unbounded.verdict, unbounded.low) == ("inconclusive", -math.inf)
    assert unbounded.rows_needed is None


def test_the_sparse_guard_counts_clusters_where_there_are_clusters() -> None:
    groups = [i // 10 for i in range(200)]
    gate = graded([0.0] * 200, clusters=groups)
    assert gate.low == pytest.approx(-clopper_pearson(0, 20, confidence=0.9).high)
    assert graded([0.0] * 200).verdict == "pass"
    assert gate.verdict == "inconclusive"


def test_too_few_rows_or_clusters_are_never_judged() -> None:
    assert graded([-0.5] * 5).verdict == "inconclusive"
    assert "too few rows" in graded([-0.5] * 5).reason
    assert graded([-0.5, -0.4] * 3).verdict == "fail"
    few = graded([-0.5, -0.4] * 10, clusters=[i % 4 for i in range(20)])
    assert (few.verdict, "too few clusters" in few.reason) == ("inconclusive", True)
    assert graded([-0.1]).verdict == "inconclusive"


def test_an_inconclusive_verdict_says_how_many_rows_would_decide() -> None:
    gate = binary(20, 20, 200)
    assert gate.verdict == "inconclusive"
    upper = clopper_pearson(40, 200, confidence=0.6).high
    assert gate.rows_needed == math.ceil(2.48648**2 * upper / 0.05**2)
    noisy = np.random.default_rng(1).normal(0, 0.12, 30).tolist()
    spread = np.std(noisy, ddof=1) * math.sqrt(29 / stats.chi2.ppf(0.2, 29))
    assert graded(noisy, 0.03).rows_needed == math.ceil((2.48648 * spread / 0.03) ** 2)
    assert binary(5, 7, 400).rows_needed is None


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 40), st.integers(0, 40), st.floats(0.01, 0.3))
def test_a_metric_to_minimise_is_judged_as_its_mirror(gains: int, losses: int, m: float) -> None:
    before, after = np.array([0] * gains + [1] * (100 - gains)), np.ones(100)
    after[gains : gains + losses] = 0
    there = non_inferiority(before, after, m)
    mirrored = non_inferiority(1 - before, 1 - after, m, direction="minimize")
    assert (there.verdict, there.p_drop) == (mirrored.verdict, mirrored.p_drop)
    assert [there.low, there.high] == pytest.approx([mirrored.low, mirrored.high])


def test_many_metrics_fail_by_holm_and_pass_without_correction() -> None:
    alone = binary(1, 6, 60, 0.02)
    assert (alone.verdict, 0.025 < alone.p_drop < 0.05) == ("fail", True)
    same = non_inferiority(SAME, SAME, 0.05)
    assert [gate.verdict for gate in decide([alone, same])] == ["inconclusive", "pass"]
    sure = binary(0, 40, 100)
    assert [gate.verdict for gate in decide([sure, same, same])] == ["fail", "pass", "pass"]


@pytest.mark.parametrize(
    ("margin", "options", "said"),
    [
        (0, {}, "margin"),
        (math.nan, {}, "margin"),
        (0.1, {"alpha": 0.5}, "alpha"),
        (0.1, {"bounds": (0, 0.5)}, "outside"),
        (0.1, {"clusters": [1]}, "1 entries"),
    ],
)
def test_a_gate_that_makes_no_sense_is_refused(
    margin: float, options: dict[str, object], said: str
) -> None:
    with pytest.raises(StatisticsError, match=said):
        non_inferiority([0, 1], [1, 1], margin, **options)  # type: ignore[arg-type]


def test_a_bar_is_reached_by_point_or_by_confidence() -> None:
    found = wilson(95, 100, confidence=0.9)
    assert threshold(found, 0.95) == "pass"
    assert threshold(found, 0.951) == "fail"
    assert [threshold(found, bar, by="confidence") for bar in (0.89, 0.95, 0.99)] == [
        "pass", "inconclusive", "fail",
    ]  # fmt: skip
    latency = interval([1.0, 1.2, 1.1] * 20, confidence=0.9)
    assert threshold(latency, 1.2, direction="minimize", by="confidence") == "pass"
    assert threshold(latency, 1.0, direction="minimize", by="confidence") == "fail"
    assert threshold(wilson(9, 10), 0.9) == "pass"
    assert threshold(interval([0.1] * 30), 0.1) == "pass"  # however the mean rounds


def test_boundaries_are_the_published_ones() -> None:
    expected = {
        (1, 0.05): [1.645],
        (2, 0.05): [2.538, 1.662],
        (3, 0.05): [3.200, 2.141, 1.695],
        (4, 0.05): [3.750, 2.540, 2.016, 1.720],
        (5, 0.05): [4.229, 2.888, 2.298, 1.962, 1.740],
        (5, 0.025): [4.877, 3.357, 2.680, 2.290, 2.031],  # Lan and DeMets 1983
    }
    for (looks, alpha), bounds in expected.items():
        assert [round(bound, 3) for bound in boundaries(looks, alpha=alpha)] == bounds
    with pytest.raises(StatisticsError):
        boundaries(0)


def test_all_looks_together_spend_the_error_rate() -> None:
    rng = np.random.default_rng(0)
    process = rng.normal(size=(200_000, 4)).cumsum(axis=1) / np.sqrt([1, 2, 3, 4])
    crossed = (process > -stats.norm.ppf(look_alphas(4))).any(axis=1).mean()
    assert crossed == pytest.approx(0.05, abs=0.002)


def outcomes(
    before: list[float], after: list[float], ends: list[tuple[float, float]], **options: object
) -> set[str]:
    """All verdicts that three more rows of these pairs may lead to."""
    return {
        non_inferiority(
            [*before, *(x for x, _ in more)],
            [*after, *(y for _, y in more)],
            **options,  # type: ignore[arg-type]
        ).verdict
        for more in combinations_with_replacement(ends, 3)
    }


def test_a_settled_yes_or_no_gate_is_one_that_no_outcome_changes() -> None:
    said = []
    for gains, losses, n in [(0, 0, 200), (0, 9, 40), (3, 3, 9), (0, 2, 60), (1, 8, 40), (0, 0, 3)]:
        before = [0] * gains + [1] * (n - gains)
        after = [1] * gains + [0] * losses + [1] * (n - gains - losses)
        found = settled(before, after, 3, 0.1)
        possible = outcomes(before, after, [(0, 0), (0, 1), (1, 0)], margin=0.1)
        assert possible == {found} if found else len(possible) > 1
        said.append(found)
    assert set(said) == {"pass", "fail", "inconclusive", None}


def test_a_settled_graded_gate_is_never_changed_by_an_outcome() -> None:
    rng, said = np.random.default_rng(0), set()
    ends = [(0.5, y) for y in (0, 0.3, 0.5, 0.6, 1)] + [(0, 1), (1, 0)]
    options = {"margin": 0.1, "bounds": (0, 1)}
    for shift, n in [(0.0, 120), (-0.3, 40), (-0.09, 300), (-0.04, 40), (0.2, 40)]:
        after = (0.5 + shift + rng.normal(0, 0.05, n)).tolist()
        found = settled([0.5] * n, after, 3, **options)  # type: ignore[arg-type]
        assert found is None or outcomes([0.5] * n, after, ends, **options) == {found}
        said.add(found)
    assert {"pass", "fail", None} <= said
    assert settled([0.5] * 200, [0.5] * 200, 3, **options) is None  # type: ignore[arg-type]
    assert settled([5.0] * 20, [5.5] * 20, 3, 0.1) is None


def test_a_gate_without_remaining_rows_is_settled() -> None:
    assert settled(SAME, SAME, 0, 0.05) == "pass"
