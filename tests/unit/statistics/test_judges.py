"""Judges against people: agreement, biases, corrected means; worked numbers and references."""

import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score, confusion_matrix, roc_auc_score
from statsmodels.stats.inter_rater import fleiss_kappa

from tracekit.errors import StatisticsError
from tracekit.statistics import (
    agreement,
    corrected_mean,
    krippendorff_alpha,
    length_bias,
    position_bias,
    rogan_gladen,
    self_consistency,
    stratified,
)
from tracekit.statistics.correlation import auc, correlations

RATINGS = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=2, max_size=40)


def test_the_paradox_of_kappa_is_shown_by_ac1() -> None:
    found = agreement(["y"] * 95 + ["n"] * 5, ["y"] * 90 + ["n"] * 5 + ["y"] * 5)
    assert found.confusion == ((0, 5), (5, 90))
    assert found.accuracy.estimate == 0.9
    assert found.kappa is not None
    assert found.ac1 is not None
    assert [round(found.kappa.estimate, 3), round(found.ac1.estimate, 3)] == [-0.053, 0.890]
    assert found.kappa.low <= found.kappa.estimate <= found.kappa.high


@settings(deadline=None, max_examples=25)
@given(RATINGS)
def test_kappa_and_confusion_are_those_of_sklearn(pairs: list[tuple[int, int]]) -> None:
    a, b = zip(*pairs, strict=True)
    for weights in (None, "linear", "quadratic"):
        found = agreement(a, b, labels=[1, 2, 3, 4, 5], weights=weights)  # type: ignore[arg-type]
        assert found.confusion == tuple(map(tuple, confusion_matrix(a, b, labels=[1, 2, 3, 4, 5])))
        if len({*a, *b}) == 1:
            assert found.kappa is None
            continue
        theirs = cohen_kappa_score(a, b, labels=[1, 2, 3, 4, 5], weights=weights)
        assert found.kappa is not None
        assert found.kappa.estimate == pytest.approx(theirs)


def pairwise_alpha(columns: list[list[int | None]], distance: object) -> float:
    """Alpha by its other definition: mean distance within items over that among all ratings."""
    units = [[v for v in unit if v is not None] for unit in zip(*columns, strict=True)]
    units = [unit for unit in units if len(unit) > 1]
    pooled = [v for unit in units for v in unit]
    within = sum(
        distance(v, w) / (len(unit) - 1) for unit in units for v in unit for w in unit  # type: ignore[operator]
    )  # fmt: skip
    among = sum(distance(v, w) for v in pooled for w in pooled) / (len(pooled) - 1)  # type: ignore[operator]
    return 1 - within / among


def test_alpha_by_coincidences_is_alpha_by_pairs_with_ratings_missing() -> None:
    rng = np.random.default_rng(0)
    columns = [
        [None if rng.random() < 0.2 else int(v) for v in rng.integers(1, 5, 30)] for _ in range(3)
    ]
    for level, distance in (
        ("nominal", lambda v, w: v != w),
        ("interval", lambda v, w: (v - w) ** 2),
    ):
        found = krippendorff_alpha(columns, level=level)  # type: ignore[arg-type]
        assert found is not None
        assert found.estimate == pytest.approx(pairwise_alpha(columns, distance))


def test_ordinal_alpha_of_a_published_example() -> None:
    # Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", table C: four observers
    a = [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None]
    b = [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3]
    c = [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None]
    d = [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None]
    for level, expected in (("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)):
        found = krippendorff_alpha([a, b, c, d], level=level)  # type: ignore[arg-type]
        assert found is not None
        assert (round(found.estimate, 3), found.n) == (expected, 11)


def test_alpha_is_close_to_fleiss_where_none_is_missing() -> None:
    table = np.random.default_rng(1).multinomial(3, [0.2, 0.5, 0.3], 400)
    columns = np.array([np.repeat([0, 1, 2], row) for row in table]).T
    found = krippendorff_alpha(columns)
    assert found is not None
    assert found.estimate == pytest.approx(fleiss_kappa(table), abs=2e-3)


def test_agreement_refuses_what_is_no_label() -> None:
    for a, b, options, said in [
        ([], [], {}, "at least 1 item"),
        (["x"], ["x", "y"], {}, "2 entries"),
        (["x", None], ["x", "y"], {}, "item 1"),
        (["x"], ["z"], {"labels": ["x"]}, "'z'"),
        ([1.0, math.nan], [1.0, 2.0], {}, "NaN"),
        (["x"], [1], {}, "give `labels`"),
    ]:
        with pytest.raises(StatisticsError, match=said):
            agreement(a, b, **options)  # type: ignore[arg-type]
    assert krippendorff_alpha([["x", "x"], ["x", "x"]]) is None


def test_position_leaning_is_counted_in_both_directions() -> None:
    found = position_bias([1] * 34 + [0] * 1 + [1] * 65, [0] * 34 + [1] * 1 + [1] * 65)
    assert (found.consistency.estimate, found.to_first, found.to_second) == (0.65, 34, 1)
    assert found.p_value == pytest.approx(2 * 36 / 2**35)
    assert found.first_rate == pytest.approx(0.5 + 33 / 200)
    assert position_bias([0.5, 1], [0.5, 0.5]).to_first == 1
    with pytest.raises(StatisticsError, match="0.5 for a tie"):
        position_bias([2], [1])


def test_length_is_weighed_as_statsmodels_does() -> None:
    rng = np.random.default_rng(4)
    truth, a, b = rng.random(300) < 0.5, rng.integers(20, 400, 300), rng.integers(20, 400, 300)
    chance = 1 / (1 + np.exp(-(2 * truth - 1 + 0.8 * np.log(a / b))))
    judged = rng.random(300) < chance
    found = length_bias(judged, truth, a, b)
    design = sm.add_constant(np.column_stack([truth, np.log(a / b)]).astype(float))
    theirs = sm.Logit(judged.astype(float), design).fit(disp=0)
    assert found.coefficient == pytest.approx(theirs.params[-1])
    assert found.stderr == pytest.approx(theirs.bse[-1])
    assert found.longer_chosen is not None
    assert found.longer_chosen.estimate == pytest.approx(np.mean((judged == (a > b))[a != b]))


def test_a_length_that_decides_everything_has_no_coefficient() -> None:
    found = length_bias([1, 1, 0, 0], [1, 0, 1, 0], [9, 8, 1, 1], [1, 1, 9, 8])
    assert (found.coefficient, found.stderr) == (None, None)
    assert length_bias([1], [1], [5], [5]).longer_chosen is None


def test_self_consistency_is_one_way_analysis_of_variance() -> None:
    found = self_consistency([[4, 4, 5], [2, 2, 2], [5, 5, 5], [3, 4, 3]])
    between = 3 * np.var([13 / 3, 2, 5, 10 / 3], ddof=1)
    within = (2 / 3 + 2 / 3) / 8
    assert found.icc == pytest.approx((between - within) / (between + 2 * within))
    assert (found.all_equal, found.pairwise) == (0.5, pytest.approx((1 / 3 + 1 + 1 + 1 / 3) / 4))
    assert self_consistency([[1, 1], [1, 1]]).icc is None
    with pytest.raises(StatisticsError):
        self_consistency([[1], [2]])


def test_a_corrected_mean_is_weighed_by_its_formula() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 60).astype(float)
    f, others = np.clip(y + rng.normal(0.2, 0.5, 60), 0, 1), rng.random(180)
    found = corrected_mean(y, f, others)
    weight = np.cov(y, f)[0, 1] / ((1 + 60 / 180) * np.var(np.concatenate([f, others]), ddof=1))
    assert found.weight == pytest.approx(weight)
    variance = weight**2 * np.var(others, ddof=1) / 180 + np.var(y - weight * f, ddof=1) / 60
    assert found.stderr == pytest.approx(math.sqrt(variance))
    assert found.worth == pytest.approx(np.var(y, ddof=1) / variance)
    alone = corrected_mean(y, f, others, weight=0)
    assert (alone.low, alone.high) == pytest.approx((alone.labels_only.low, alone.labels_only.high))


def test_a_useless_judge_does_no_harm_and_few_labels_are_said() -> None:
    y, noise = [1, 0] * 25, [0.5] * 50
    assert corrected_mean(y, noise, noise).weight == 0
    assert corrected_mean(y, y[::-1], y).weight == 0
    assert "approximate" in corrected_mean(y[:20], y[:20], y).note
    assert corrected_mean(y[:20], y[:20], y, weight=1).note == ""
    cut = corrected_mean([1, 1, 1, 0], [1, 1, 1, 1], [1, 1, 0, 1], bounds=(0, 1))
    assert (cut.high, cut.labels_only.high) == (1, 1)
    with pytest.raises(StatisticsError, match="labels"):
        corrected_mean([1], [1], [1, 0])


def test_one_stratum_is_itself() -> None:
    one = corrected_mean([1, 0, 1, 1] * 12, [1, 0, 0, 1] * 12, [1, 0, 1] * 60)
    found = stratified([one], [1.0])
    assert (found.low, found.high) == pytest.approx((one.low, one.high))
    halves = stratified([one, one], [0.5, 0.5])
    assert halves.stderr == pytest.approx(one.stderr / math.sqrt(2))
    with pytest.raises(StatisticsError, match="sum to 1"):
        stratified([one], [0.5])


def test_worked_numbers_of_rogan_and_gladen() -> None:
    found = rogan_gladen(
        127 / 179, 179, sensitivity=25 / 26, positives=26, specificity=14 / 34, negatives=34
    )
    assert round(found.estimate, 3) == 0.325
    assert round(1.959964 * (found.stderr or 0), 2) == 0.35
    assert "too weak" in found.note
    with pytest.raises(StatisticsError, match="no better than chance"):
        rogan_gladen(0.5, 9, sensitivity=0.5, positives=9, specificity=0.5, negatives=9)


def test_correlations_and_auc() -> None:
    rng = np.random.default_rng(0)
    truth, score = rng.integers(0, 2, 80), rng.integers(0, 9, 80)
    assert auc(truth, score) == pytest.approx(roc_auc_score(truth, score))
    assert auc([1, 1], [1, 2]) is None
    assert correlations([1, 1, 1], [1, 2, 3]) is None
    found = correlations(score, truth)
    assert found is not None
    assert found.pearson == pytest.approx(np.corrcoef(score, truth)[0, 1])
