"""Agreement, biases and corrected means on recorded judges with labels of people."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tracekit.statistics import (
    agreement,
    compare,
    corrected_mean,
    interval,
    krippendorff_alpha,
    length_bias,
    mcnemar,
    position_bias,
    self_consistency,
    wilcoxon,
)
from tracekit.statistics.correlation import correlations

pytestmark = pytest.mark.corpus

CORPUS = Path(os.environ["TRACEKIT_CORPUS"])


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (CORPUS / name).read_text("utf-8").splitlines()]


REFERENCES = lines("refscores/agreement_reference.jsonl")


def test_agreement_equals_the_reference_implementations() -> None:
    for case in (one for one in REFERENCES if one["kind"] == "nominal"):
        found, expected = agreement(case["a"], case["b"], labels=case["labels"]), case["expected"]
        alpha = krippendorff_alpha([case["a"], case["b"]])
        assert found.kappa is not None
        assert alpha is not None
        assert [list(row) for row in found.confusion] == expected["confusion[a][b]"]
        accuracy = found.accuracy
        assert [accuracy.estimate, found.kappa.estimate, alpha.estimate] == pytest.approx(
            [expected[key] for key in ("accuracy", "cohen_kappa", "krippendorff_nominal")], abs=1e-9
        )
        assert [accuracy.low, accuracy.high] == pytest.approx(expected["wilson_95"], abs=1e-9)


def test_weighted_agreement_equals_the_reference_implementations() -> None:
    for case in (one for one in REFERENCES if one["kind"] in {"ordinal", "raters"}):
        raters = case.get("columns") or [case["a"], case["b"]]
        for key, expected in case["expected"].items():
            kind, _, which = key.partition("_")
            if kind == "kappa":
                found = agreement(*raters, labels=case["labels"], weights=which).kappa  # type: ignore[arg-type]
            elif kind == "krippendorff":
                found = krippendorff_alpha(raters, level=which)  # type: ignore[arg-type]
            else:
                continue
            assert found is not None
            assert found.estimate == pytest.approx(expected, abs=1e-9), key


def test_paired_tests_equal_the_reference_implementations() -> None:
    for case in (one for one in REFERENCES if one["kind"] == "paired_binary"):
        (_, losses), (gains, _) = case["expected"]["table"]
        assert mcnemar(gains, losses) == pytest.approx(case["expected"]["mcnemar_exact_p"])
        found = compare([bool(x) for x in case["a"]], [bool(x) for x in case["b"]])
        assert found.p_value == pytest.approx(case["expected"]["mcnemar_exact_p"])
    (case,) = (one for one in REFERENCES if one["kind"] == "paired_numeric")
    difference = np.subtract(case["a"], case["b"])
    assert difference.mean() == pytest.approx(case["expected"]["mean_diff"])
    assert wilcoxon(difference) == pytest.approx(case["expected"]["wilcoxon"][1], abs=1e-9)


def test_correlations_equal_the_reference_implementations() -> None:
    for case in (one for one in REFERENCES if one["kind"] == "numeric"):
        found, expected = correlations(case["a"], case["b"]), case["expected"]
        assert found is not None
        assert [found.pearson, found.pearson_p] == pytest.approx(expected["pearson"])
        assert [found.spearman, found.spearman_p] == pytest.approx(expected["spearman"])
        assert [found.kendall, found.kendall_p] == pytest.approx(expected["kendall_tau_b"])
        assert [found.mae, found.rmse] == pytest.approx([expected["mae"], expected["rmse"]])


def verdicts(which: str, judge: str) -> list[tuple[str, str | None, str | None, int, int]]:
    """Of each pair: people's winner, the judge's in either order, both lengths."""
    return [
        (
            str(row["label"]),
            row["judges"][judge]["swap = False"]["winner"],
            row["judges"][judge]["swap = True"]["winner"],
            len(row["output_1"]),
            len(row["output_2"]),
        )
        for row in lines(f"judge/llmbar_{which}/pairs.jsonl")
    ]


@pytest.mark.parametrize(
    ("which", "judge", "n", "accuracy", "kappa", "consistent", "both_right"),
    [
        ("natural", "GPT-4/Vanilla", 100, 0.95, 0.898, 0.95, 0.93),
        ("natural", "GPT-4/CoT", 100, 0.94, 0.878, 0.91, 0.90),
        ("natural", "ChatGPT/Vanilla", 100, 0.80, 0.603, 0.71, 0.67),
        ("natural", "ChatGPT/CoT", 99, 0.71, 0.434, 0.65, 0.57),
        ("natural", "LLaMA2/CoT", 100, 0.72, 0.454, 0.67, 0.59),
        ("manual", "GPT-4/Vanilla", 46, 0.76, 0.522, 0.83, 0.72),
        ("manual", "GPT-4/CoT", 46, 0.72, 0.433, 0.83, 0.65),
        ("manual", "ChatGPT/CoT", 45, 0.38, -0.200, 0.51, 0.11),
    ],
)
def test_recorded_judges_of_pairs_agree_as_worked_out(
    which: str, judge: str, n: int, accuracy: float, kappa: float, consistent: float,
    both_right: float,
) -> None:  # fmt: skip
    known = [one for one in verdicts(which, judge) if None not in one[1:3]]
    truth, first, swapped = ([one[i] for one in known] for i in range(3))
    found = agreement(truth, first)
    moved = position_bias([w == "1" for w in first], [w == "1" for w in swapped])
    assert found.kappa is not None
    assert (found.n, round(found.kappa.estimate, 3)) == (n, kappa)
    assert round(found.accuracy.estimate, 2) == accuracy
    assert moved.consistency.estimate == pytest.approx(consistent, abs=0.0085)
    right = [t == w == s for t, w, s in zip(truth, first, swapped, strict=True)]
    assert np.mean(right) == pytest.approx(both_right, abs=0.0085)


def test_a_recorded_judge_leans_to_what_is_shown_first_and_to_length() -> None:
    known = verdicts("natural", "ChatGPT/Vanilla")
    moved = position_bias([w[1] == "1" for w in known], [w[2] == "1" for w in known])
    assert (moved.to_first, moved.to_second, round(moved.p_value, 4)) == (25, 4, 0.0001)
    swayed = length_bias(
        [w[1] == "1" for w in known], [w[0] == "1" for w in known],
        [w[3] for w in known], [w[4] for w in known],
    )  # fmt: skip
    assert swayed.accuracy_longer_right is not None
    assert swayed.accuracy_shorter_right is not None
    assert round(swayed.accuracy_longer_right.estimate, 2) == 0.86
    assert round(swayed.accuracy_shorter_right.estimate, 2) == 0.72


def test_a_recorded_judge_repeats_itself_as_worked_out() -> None:
    scores = [row["gpt4_score"] for row in lines("judge/vicuna_eval_gpt4_x3/vicuna_eval.jsonl")]
    found = self_consistency(scores)
    assert found.icc is not None
    assert (found.items, found.repeats, round(found.icc, 3)) == (80, 3, 0.879)
    assert (round(found.all_equal, 2), round(found.pairwise, 2)) == (0.69, 0.79)
    assert round(found.within_sd, 2) == 0.32


def test_a_judge_corrected_by_sixty_labels_finds_the_truth() -> None:
    rows = lines("datasets/qags_xsum/unieval_scores.jsonl")
    human = np.array([row["scores"]["consistency"] for row in rows])
    judge = np.array([row["predict_scores"]["consistency"] for row in rows])
    order = np.random.default_rng(42).permutation(len(rows))
    labelled, others = order[:60], order[60:]
    alone = interval(judge)
    assert [round(x, 3) for x in (human.mean(), alone.estimate)] == [0.485, 0.656]
    assert alone.low > human.mean()
    found = corrected_mean(human[labelled], judge[labelled], judge[others])
    assert [round(x, 4) for x in (found.estimate, found.low, found.high)] == [
        0.4165,
        0.2992,
        0.5338,
    ]
    assert (round(found.weight, 3), round(found.worth)) == (0.537, 73)
    only = found.labels_only
    assert [round(x, 3) for x in (only.estimate, only.low, only.high)] == [0.433, 0.304, 0.562]
    cut = corrected_mean(human[labelled], judge[labelled] > 0.5, judge[others] > 0.5)
    assert [round(x, 3) for x in (cut.estimate, cut.low, cut.high)] == [0.419, 0.299, 0.540]
