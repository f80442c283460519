"""What a run that was stopped or killed has already."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from tracekit.errors import EvaluationError
from tracekit.evaluation.outcome import Outcome, RowResult
from tracekit.evaluation.rows import Row, Rows
from tracekit.evaluators.evaluator import Evaluator, Feedback
from tracekit.store.evaluations import stored_outputs, stored_rows
from tracekit.store.store import open_store
from tracekit.tracking.client import current_client


@dataclass(slots=True)
class Earlier:
    """The rows that a run has, by row id and trial."""

    done: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])
    """Those that all evaluators were asked about."""
    partial: dict[tuple[str, int], RowResult] = field(
        default_factory=dict[tuple[str, int], RowResult]
    )
    """Those that have an output, and miss scores."""


def read_earlier(
    run_id: str, rows: Rows, evaluators: Sequence[Evaluator], count: Callable[[RowResult], None]
) -> Earlier:
    """What a run has that need not be asked for again.

    Args:
        count: Called with each row that is done.

    Raises:
        NotFoundError: There is no such run.
        EvaluationError: The run was of other data.
    """
    digest = current_client().get_run(run_id).data.params.get("dataset_digest")
    if digest != rows.digest:
        raise EvaluationError(
            f"run {run_id} can't be resumed with this data: its dataset has the digest {digest}, "
            f"this one {rows.digest}; give the same rows"
        )
    by_name = {evaluator.name: evaluator for evaluator in evaluators}
    earlier = Earlier()
    with open_store().reading() as connection:
        for stored in stored_rows(connection, run_id):
            result = _result(rows[stored["ordinal"]], stored, by_name)
            key = (result.row.row_id, result.trial)
            if len(result.outcomes) == len(evaluators):
                earlier.done.add(key)
                count(result)
            else:
                earlier.partial[key] = result
        outputs = stored_outputs(connection, run_id, earlier.partial)
    for key, result in earlier.partial.items():
        result.outputs = outputs[key]
    return earlier


def _result(row: Row, stored: Mapping[str, Any], by_name: Mapping[str, Evaluator]) -> RowResult:
    failed = stored["status"] == "failed"
    outcomes = [
        _outcome(by_name[name], list(scores), by_target=failed)
        for name, scores in groupby(
            sorted(stored["scores"], key=lambda score: score["evaluator"]),
            key=lambda score: score["evaluator"],
        )
        if name in by_name
    ]
    return RowResult(
        row=row,
        ordinal=stored["ordinal"],
        trial=stored["trial"],
        status=stored["status"],
        reason=stored["reason"],
        trace_id=stored["trace_id"],
        duration_ms=stored["duration_ms"],
        first_ms=stored["time_to_first_piece_ms"],
        cost_usd=stored["cost_usd"],
        error_type=stored["error_type"],
        outcomes=[outcome for outcome in outcomes if failed or outcome.status != "failed"],
    )


def _outcome(
    evaluator: Evaluator, scores: Sequence[Mapping[str, Any]], *, by_target: bool
) -> Outcome:
    return Outcome(
        evaluator=evaluator,
        status=scores[0]["status"],
        feedbacks=[
            Feedback(name=score["name"], value=score["value"], rationale=score["rationale"])
            for score in scores
            if score["value"] is not None
        ],
        reason=scores[0]["error"],
        by_target=by_target,
    )
