"""`tracekit.evaluate`: runs the rows, scores them, and writes the whole back as a run."""

import asyncio
import contextvars
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tracekit import capture, config
from tracekit.errors import EvaluationError
from tracekit.evaluation.budget import Budget, Spending
from tracekit.evaluation.engine import Engine, Plan
from tracekit.evaluation.outcome import Outcome, RowResult
from tracekit.evaluation.progress import progress_bar
from tracekit.evaluation.reading import read_rows
from tracekit.evaluation.result import EvaluationResult
from tracekit.evaluation.resuming import Earlier, read_earlier
from tracekit.evaluation.tally import Tally
from tracekit.evaluation.target import as_target
from tracekit.evaluation.traces import TraceReader
from tracekit.evaluators.evaluator import Evaluator, as_evaluator
from tracekit.tracking.active import ActiveRun, active_run, start_run

DEFAULT_CONCURRENCY = 10
MAX_UNSCORED = 0.02


def evaluate(
    data: Any,
    predict_fn: Any = None,
    evaluators: Iterable[Any] | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    trials: int = 1,
    concurrency: int = DEFAULT_CONCURRENCY,
    deadline_s: float | None = None,
    budget: Budget | None = None,
    max_unscored: float = MAX_UNSCORED,
    seed: int = 0,
    run_name: str | None = None,
    experiment: str | None = None,
    tags: Mapping[str, Any] | None = None,
    resume: str | None = None,
) -> EvaluationResult:
    """Run an application over data, score every row, and store the whole as a run.

    Args:
        data: A list of dicts, a DataFrame, the path of a CSV, JSON Lines, JSON or Parquet file,
            or traces. Rows have `inputs`, and as needed `outputs`, `expectations`, `context`,
            `row_id`, `group`, `tags`; columns of other names are inputs.
        predict_fn: What is evaluated: a function, which is called with the row's inputs by name
            and may be async or a generator, or a LangChain runnable. None: the outputs that the
            data has.
        evaluators: Functions and objects that score a row (see `tracekit.evaluator`).
        columns: Column -> the part of a row that it is, such as `{"answer": "outputs"}`.
        trials: How many times each row is run.
        concurrency: Rows that are run at the same time.
        deadline_s: Seconds for one row, its evaluators and all retries included.
        budget: Ceilings of money, tokens and time.
        max_unscored: The share of rows on which an evaluator may fail before its metric is
            an error.
        seed: Of the order in which the rows are run.
        run_name: None: one is made up.
        experiment: None: that of `tracekit.set_experiment`.
        tags: Set on the run.
        resume: The id of a run that was stopped or killed, to be completed with the same data:
            rows that have an output are not run again, and scores that are there are not asked
            for again. What an evaluator failed on is tried again.

    Raises:
        DatasetError: The data can't be read.
        EvaluatorError: An evaluator can't be one.
        EvaluationError: There is nothing to score, or it can't be run as asked.

    Example:
        >>> import tracekit
        >>> def right(outputs, expectations):
        ...     return outputs == expectations["expected_response"]
        >>> data = [{"inputs": {"x": x}, "expectations": {"expected_response": x * x}}
        ...         for x in range(20)]
        >>> result = tracekit.evaluate(data, lambda x: x * x, [right])
        >>> print(str(result).splitlines()[1])
          right  1.000 [0.839, 1.000]   n 20
    """
    rows = read_rows(data, columns)
    target = None if predict_fn is None else as_target(predict_fn)
    judged = _named_once([as_evaluator(thing) for thing in evaluators or ()])
    _check(trials, concurrency)
    if target is not None:
        target.check(rows[0])
    elif all(row.outputs is None for row in rows):
        raise EvaluationError(
            "there is nothing to score: give `predict_fn=`, which is called for each row, or "
            "data with a column `outputs` (`predictions`)"
        )
    tally = Tally(judged)
    earlier = Earlier() if resume is None else read_earlier(resume, rows, judged, tally.add)
    plan = Plan(
        rows=rows,
        evaluators=judged,
        target=target,
        trials=trials,
        concurrency=concurrency,
        seed=seed,
        deadline_s=deadline_s,
        earlier=earlier,
    )
    params = {
        "dataset": rows.source,
        "dataset_digest": rows.digest,
        "dataset_rows": len(rows),
        "trials": trials,
        "seed": seed,
        **({} if target is None else target.params),
        **{f"evaluator.{e.name}": e.version for e in judged},
    }
    with _run(run_name, experiment, tags, resume) as run:
        for key, value in params.items():
            run.client.log_param(run.info.run_id, key, value)
        return _evaluated(run, plan, tally, budget or Budget(), max_unscored)


def _evaluated(
    run: ActiveRun, plan: Plan, tally: Tally, budget: Budget, max_unscored: float
) -> EvaluationResult:
    spending = Spending(budget)
    recorder = _Recorder(run, plan.rows.digest)
    total = len(plan.rows) * plan.trials - len(plan.earlier.done)
    with progress_bar(total, tally, spending) as advance:

        def record(result: RowResult) -> None:
            recorder.record(result)
            tally.add(result)
            advance()

        engine = Engine(
            plan=plan,
            record=record,
            answered=recorder.record,
            spending=spending,
            reader=TraceReader(run.client),
        )
        try:
            run_to_end(engine.run())
        except BaseException as error:
            error.add_note(
                f"{sum(tally.rows.values())} rows are kept: give the same data and "
                f"resume={run.info.run_id!r} to run the others"
            )
            raise
    metrics = tally.metrics()
    run.client.log_metrics(run.info.run_id, metrics)
    summaries = tally.summaries()
    errors = tuple(
        f"{name}: failed on {summary.counts.failed - summary.counts.by_target} of "
        f"{summary.counts.asked} rows ({summary.counts.reasons.most_common(1)[0][0]})"
        for name, summary in summaries.items()
        if summary.counts.missing_share > max_unscored
    )
    return EvaluationResult(
        run_id=run.info.run_id,
        run_name=run.info.run_name,
        metrics=metrics,
        summaries=summaries,
        rows=dict(tally.rows),
        stopped=engine.stopped,
        tracking_uri=config.get_tracking_uri(),
        errors=errors,
    )


class _Recorder:
    """Makes rows durable, each with one record."""

    def __init__(self, run: ActiveRun, dataset_id: str) -> None:
        self._client, self._run_id, self._dataset_id = run.client, run.info.run_id, dataset_id

    def record(self, result: RowResult) -> None:
        row = result.row
        self._client.log_evaluation_row(
            self._run_id,
            row.row_id,
            result.trial,
            [score for outcome in result.outcomes for score in _scores(outcome)],
            dataset_id=self._dataset_id,
            ordinal=result.ordinal,
            status=result.status,
            reason=result.reason,
            error_type=result.error_type,
            row_group=row.group,
            trace_id=result.trace_id,
            inputs=row.inputs,
            outputs=capture.plain(result.outputs),
            expectations=row.expectations,
            duration_ms=result.duration_ms,
            time_to_first_piece_ms=result.first_ms,
            cost_usd=result.cost_usd,
        )


def _scores(outcome: Outcome) -> list[dict[str, Any]]:
    evaluator = outcome.evaluator
    by = {
        "status": outcome.status,
        "source_type": "LLM_JUDGE" if evaluator.needs_model else "CODE",
        "source_id": evaluator.name,
        "evaluator_version": evaluator.version,
    }
    if not outcome.feedbacks:
        return [{"name": evaluator.name, "error": outcome.reason, **by}]
    return [
        {
            "name": feedback.name,
            "value": feedback.value,
            "score": feedback.score,
            "label": feedback.value if isinstance(feedback.value, str) else None,
            "rationale": feedback.rationale,
            "error": feedback.error,
            "metadata": capture.plain(dict(feedback.metadata)) or None,
            **by,
        }
        for feedback in outcome.feedbacks
    ]


def _run(
    run_name: str | None,
    experiment: str | None,
    tags: Mapping[str, Any] | None,
    resume: str | None,
) -> ActiveRun:
    """A run of its own, below the one that is active; or the one to resume."""
    run = start_run(
        resume,
        run_name=run_name,
        experiment=experiment,
        tags=tags,
        nested=active_run() is not None,
    )
    run.client.set_run_kind(run.info.run_id, "evaluation")
    return run


def _named_once(evaluators: Sequence[Evaluator]) -> list[Evaluator]:
    names = [evaluator.name for evaluator in evaluators]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise EvaluationError(
            f"two evaluators are called {twice[0]!r}: give one another name, with `name=`"
        )
    return list(evaluators)


def _check(trials: int, concurrency: int) -> None:
    for name, value in (("trials", trials), ("concurrency", concurrency)):
        if value < 1:
            raise EvaluationError(f"`{name}` must be at least 1, got {value!r}")


def run_to_end(work: Coroutine[Any, Any, None]) -> None:
    """Run it to its end from anywhere: also where a loop is running already (a notebook)."""
    if not _in_a_loop():
        asyncio.run(work)
        return
    context = contextvars.copy_context()
    with ThreadPoolExecutor(1, "tracekit-evaluation") as thread:
        thread.submit(context.run, asyncio.run, work).result()


def _in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
