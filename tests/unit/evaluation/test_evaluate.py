"""An evaluation runs every row once, and each ends in exactly one state."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pandas as pd
import pytest

import tracekit
from tracekit.errors import EvaluationError, EvaluatorError
from tracekit.model import Trace
from tracekit.tracing import start_span

pytestmark = pytest.mark.usefixtures("store")


def squares(n: int) -> list[dict[str, Any]]:
    return [{"inputs": {"x": x}, "expectations": {"expected_response": x * x}} for x in range(n)]


def right(outputs: object, targets: object) -> bool:
    return outputs == targets


def square(x: int) -> int:
    return x * x


async def square_async(x: int) -> int:
    await asyncio.sleep(0)
    return x * x


def with_another_name(number: int) -> int:
    return number**2


class Squarer:
    def __call__(self, *, x: int) -> int:
        return x * x


@pytest.mark.parametrize("target", [square, square_async, with_another_name, Squarer()])
def test_a_target_of_any_kind_is_run_for_each_row(target: Any) -> None:
    result = tracekit.evaluate(squares(7), target, [right])
    assert result.metrics["right/mean"] == 1
    assert result.metrics["right/n"] == 7
    assert result.rows == {"scored": 7}
    assert list(result.table["outputs"]) == [x * x for x in range(7)]


def pieces(x: int) -> Iterator[str]:
    yield from f"<{x}>"


async def pieces_async(x: int) -> AsyncIterator[str]:
    for piece in f"<{x}>":
        yield piece


@pytest.mark.parametrize("target", [pieces, pieces_async])
def test_pieces_of_text_are_one_output(target: Any) -> None:
    result = tracekit.evaluate(squares(2), target, [right])
    assert list(result.table["outputs"]) == ["<0>", "<1>"]
    assert "time_to_first_piece_ms/p50" in result.metrics


def test_outputs_that_are_there_are_scored_without_a_target() -> None:
    data = pd.DataFrame({"question": ["a", "b"], "answer": ["x", "y"], "truth": ["x", "z"]})
    columns = {"answer": "outputs", "truth": "expectations"}
    result = tracekit.evaluate(data, evaluators=[right], columns=columns)
    assert result.metrics["right/mean"] == 0.5


def test_nothing_to_score_is_said_in_one_sentence() -> None:
    with pytest.raises(EvaluationError, match="nothing to score: give `predict_fn=`"):
        tracekit.evaluate(squares(2), evaluators=[right])


def test_inputs_that_do_not_fit_are_told_before_anything_runs() -> None:
    def target(question: str, language: str) -> str:
        raise AssertionError

    said = r"target\(language, question\) can't be called with the inputs of the rows, which are x"
    with pytest.raises(EvaluationError, match=said):
        tracekit.evaluate(squares(2), target, [right])


def test_every_row_ends_in_exactly_one_state() -> None:
    def fragile(x: int) -> int:
        if x % 5 == 0:
            raise ValueError(f"no {x}")
        return x * x

    def sometimes(outputs: int) -> float | None:
        if outputs % 3 == 1:
            return None
        if outputs == 9:
            return float("nan")
        return 0.5

    data = [*squares(10), {"inputs": {"x": 11}}]
    result = tracekit.evaluate(data, fragile, [sometimes, right])
    metrics = result.metrics
    assert result.rows == {"failed": 2, "scored": 8, "unscored": 1}
    for name in ("sometimes", "right"):
        states = [metrics[f"{name}/{s}"] for s in ("n", "failed", "skipped", "unscored")]
        assert sum(states) == 11, name
    assert metrics["right/skipped"] == 1
    assert metrics["right/mean"] == 1
    assert metrics["right/mean_failures_as_zero"] == 0.8
    assert metrics["sometimes/mean"] == 0.5
    assert "is no score" in " ".join(result.failures["reason"])


def test_a_failed_evaluator_is_no_low_score_and_an_error_when_it_is_often() -> None:
    def broken(outputs: int) -> bool:
        raise KeyError("gone")

    result = tracekit.evaluate(squares(3), square, [broken, right])
    assert result.metrics["broken/failed"] == 3
    assert "broken/mean" not in result.metrics
    assert result.errors == ("broken: failed on 3 of 3 rows (KeyError: 'gone')",)
    assert result.metrics["right/mean"] == 1


def test_trials_are_inside_the_row() -> None:
    seen: list[int] = []

    def flaky(x: int) -> int:
        seen.append(x)
        return x * x + (seen.count(x) == 2 and x < 5)

    result = tracekit.evaluate(squares(10), flaky, [right], trials=3)
    assert len(seen) == 30
    assert result.metrics["right/n"] == 30
    assert result.summaries["right"].interval is not None
    assert result.summaries["right"].interval.n == 10
    assert result.metrics["right/mean"] == pytest.approx(25 / 30)


def test_a_deadline_ends_a_row_and_counts_against_the_target() -> None:
    async def slow(x: int) -> int:
        await asyncio.sleep(10 if x == 1 else 0)
        return x * x

    result = tracekit.evaluate(squares(3), slow, [right], deadline_s=0.2)
    assert result.rows == {"scored": 2, "failed": 1}
    [reason] = result.failures["reason"]
    assert reason == "deadline: not done after 0.2 s"
    assert result.metrics["right/mean_failures_as_zero"] == pytest.approx(2 / 3)


def test_a_budget_of_time_stops_cleanly() -> None:
    def target(x: int) -> int:
        time.sleep(0.02)
        return x * x

    result = tracekit.evaluate(
        squares(50), target, [right], concurrency=1, budget=tracekit.Budget(max_seconds=0.1)
    )
    assert result.stopped == "budget: 0.1 s are over"
    assert 0 < result.rows["scored"] < 50
    assert sum(result.rows.values()) == 50
    with pytest.raises(EvaluationError, match="`max_tokens` must be above zero"):
        tracekit.Budget(max_tokens=0)


def test_it_works_where_a_loop_is_running() -> None:
    async def notebook() -> float:
        return tracekit.evaluate(squares(3), square_async, [right]).metrics["right/mean"]

    assert asyncio.run(notebook()) == 1


def test_rows_run_at_the_same_time_and_no_more_than_asked() -> None:
    running, most = 0, 0

    async def target(x: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        return x

    tracekit.evaluate(squares(30), target, [], concurrency=4)
    assert most == 4


def test_each_row_has_a_trace_with_the_target_s_own_spans_below() -> None:
    def target(x: int) -> int:
        with start_span("inner"):
            return x * x

    result = tracekit.evaluate(squares(2), target, [right])
    trace = tracekit.get_trace(result.table["trace_id"][1])
    assert [span.name for span in trace.spans] == ["target", "inner"]
    assert trace.root.to_dict()["input"] == {"x": 1}
    assert trace.root.run_id == result.run_id
    [assessment] = trace.assessments
    assert (assessment.name, assessment.value, assessment.source_type) == ("right", True, "CODE")


def test_evaluators_are_given_the_trace_and_what_was_retrieved() -> None:
    def target(x: int) -> int:
        with start_span("find", span_type="retriever") as span:
            span.set_outputs([f"text {x}"])
        return x

    def grounded(context: list[str], outputs: int) -> bool:
        return context == [f"text {outputs}"]

    def spans(trace: Trace) -> int:
        return len(trace.spans)

    result = tracekit.evaluate(squares(5), target, [grounded, spans])
    assert result.metrics["grounded/mean"] == 1
    assert result.metrics["spans/mean"] == 2


def test_the_run_says_what_was_evaluated() -> None:
    with tracekit.start_run(run_name="outer") as outer:
        result = tracekit.evaluate(squares(3), square, [right], tags={"stage": "ci"})
    run = tracekit.get_run(result.run_id)
    assert run.info.parent_run_id == outer.info.run_id
    assert run.info.kind == "evaluation"
    assert run.info.status == "FINISHED"
    assert run.data.params["dataset_rows"] == "3"
    assert run.data.params["evaluator.right"] == "1"
    assert run.data.metrics["right/mean"] == 1
    assert run.data.tags["stage"] == "ci"
    assert len(run.data.params["dataset_digest"]) == 32


def test_several_scores_and_feedback_with_rationale() -> None:
    def grades(outputs: int) -> dict[str, float]:
        return {"low": 0.25, "high": 0.75}

    def judged(outputs: int) -> tracekit.Feedback:
        return tracekit.Feedback(value="yes" if outputs < 2 else "no", rationale="since")

    result = tracekit.evaluate(squares(4), square, [grades, judged])
    assert result.metrics["grades/high/mean"] == 0.75
    assert result.metrics["judged/mean"] == 0.5
    assert result.table["judged/rationale"][0] == "since"


def test_plain_sql_finds_all_of_it() -> None:
    result = tracekit.evaluate(squares(4), square, [right])
    found = tracekit.sql(
        "SELECT r.row_id, a.score FROM evaluation_rows r JOIN assessments a "
        "USING (evaluation_row_id) WHERE r.run_id = ?",
        [result.run_id],
    )
    assert list(found["score"]) == [1.0] * 4


def test_bad_evaluators_are_refused_in_one_sentence() -> None:
    def odd(outputs: object, colour: str) -> bool:
        raise AssertionError

    with pytest.raises(EvaluatorError, match="asks for `colour`, which no row has"):
        tracekit.evaluate(squares(1), square, [odd])
    with pytest.raises(EvaluatorError, match="got 3"):
        tracekit.evaluate(squares(1), square, [3])
    with pytest.raises(EvaluationError, match="two evaluators are called 'right'"):
        tracekit.evaluate(squares(1), square, [right, right])


def test_the_result_reads_well() -> None:
    result = tracekit.evaluate(squares(20), square, [right], run_name="squares")
    assert str(result).splitlines() == [
        "Evaluation squares · 20 rows",
        "  right  1.000 [0.839, 1.000]   n 20",
    ]
    show = getattr(result, "_repr_html_")  # noqa: B009  what IPython calls
    assert "<table" in show()
