"""Runs the rows: so many at a time, in shuffled order, each ending in exactly one state."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from tracekit import semconv
from tracekit.evaluation.budget import Spending
from tracekit.evaluation.outcome import Outcome, RowResult
from tracekit.evaluation.resuming import Earlier
from tracekit.evaluation.rows import Rows
from tracekit.evaluation.scoring import Known, Scoring, reason_of
from tracekit.evaluation.target import Answer, Target
from tracekit.evaluation.traces import TraceReader
from tracekit.evaluators.evaluator import Evaluator
from tracekit.tracing import active, begin
from tracekit.tracing.errors import error_type


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that decides what an evaluation does."""

    rows: Rows
    evaluators: Sequence[Evaluator]
    target: Target | None = None
    trials: int = 1
    concurrency: int = 10
    seed: int = 0
    """Of the order of the rows: the same seed, the same order."""
    deadline_s: float | None = None
    """Seconds for the target and evaluators of one row, retries included."""
    earlier: Earlier = field(default_factory=Earlier)
    """What a run that is resumed has already."""
    model: Any = None
    """The judge model that evaluators are given."""
    trace: bool = True
    """Whether each row has a trace of its own."""

    def order(self) -> Iterator[tuple[int, int]]:
        """(index of the row, trial) in a random order, so that a part of them is a sample."""
        indices = list(range(len(self.rows)))
        for trial in range(self.trials):
            random.Random(f"{self.seed}-{trial}").shuffle(indices)
            yield from ((index, trial) for index in indices)


@dataclass(slots=True)
class Engine:
    """One evaluation while it runs."""

    plan: Plan
    record: Callable[[RowResult], None]
    """Makes a row durable, as soon as it has ended; each row once."""
    answered: Callable[[RowResult], None]
    """Makes an output durable that is yet to be judged, which may take long and cost money."""
    spending: Spending
    reader: TraceReader
    stopped: str | None = None
    """Why no more rows are begun; those that are left are skipped for that reason."""
    _scoring: Scoring = field(init=False)
    _executor: ThreadPoolExecutor = field(init=False)
    _wanted: frozenset[str] = field(init=False)

    async def run(self) -> None:
        """Run all rows. Cancelled, it leaves what has ended as it is."""
        plan = self.plan
        self._executor = ThreadPoolExecutor(plan.concurrency, "tracekit-evaluation")
        self._scoring = Scoring(self._executor)
        self._wanted = frozenset(s for e in plan.evaluators for s in e.arguments.values())
        pending = plan.order()
        workers = [
            asyncio.create_task(self._work(pending))
            for _ in range(min(plan.concurrency, max(1, len(plan.rows) * plan.trials)))
        ]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            self._executor.shutdown(wait=False, cancel_futures=True)

    async def _work(self, pending: Iterator[tuple[int, int]]) -> None:
        for index, trial in pending:
            row = self.plan.rows[index]
            key = (row.row_id, trial)
            if key in self.plan.earlier.done:
                continue
            earlier = self.plan.earlier.partial.get(key)
            self.stopped = self.stopped or self.spending.reserve()
            if self.stopped is not None:
                skipped = RowResult(row=row, ordinal=index, trial=trial)
                skipped.status, skipped.reason = "skipped", self.stopped
                skipped.outcomes = [
                    Outcome(evaluator=evaluator, status="skipped", reason=self.stopped)
                    for evaluator in self.plan.evaluators
                ]
                self.record(skipped)
                continue
            result = earlier or RowResult(
                row=row, ordinal=index, trial=trial, outputs=row.outputs, trace_id=row.trace_id
            )
            await self._row(result, answered=earlier is not None)
            self.spending.settle()
            self.record(result)

    def _missing(self, result: RowResult) -> list[Evaluator]:
        """The evaluators that have not been asked about the row."""
        told = {outcome.evaluator.name for outcome in result.outcomes}
        return [evaluator for evaluator in self.plan.evaluators if evaluator.name not in told]

    async def _row(self, result: RowResult, *, answered: bool) -> None:
        deadline = self.plan.deadline_s
        try:
            async with asyncio.timeout(deadline):
                if not answered:
                    await self._target(result)
                if result.status != "failed":
                    await self._evaluate(result)
        except TimeoutError:
            self._time_out(result, f"deadline: not done after {deadline} s")
        if result.status != "failed":
            states = {outcome.status for outcome in result.outcomes}
            result.status = "scored" if "scored" in states else "unscored"

    def _time_out(self, result: RowResult, reason: str) -> None:
        """The target's time is the target's failure; a judge's is the judge's."""
        answered = result.duration_ms is not None or self.plan.target is None
        if not answered:
            result.status, result.reason, result.error_type = "failed", reason, "timeout"
        result.outcomes += [
            Outcome(evaluator=evaluator, status="failed", reason=reason, by_target=not answered)
            for evaluator in self._missing(result)
        ]

    async def _target(self, result: RowResult) -> None:
        target = self.plan.target
        if target is None:
            return
        began = time.perf_counter()
        try:
            answer = await self._answer(target, result)
        except Exception as error:
            result.status, result.reason = "failed", reason_of(error)
            result.error_type = error_type(error)
            result.outcomes = [
                Outcome(
                    evaluator=evaluator, status="failed", reason="target failed", by_target=True
                )
                for evaluator in self.plan.evaluators
            ]
        else:
            result.outputs, result.first_ms = answer.outputs, answer.first_ms
        result.duration_ms = (time.perf_counter() - began) * 1000

    async def _answer(self, target: Target, result: RowResult) -> Answer:
        if not self.plan.trace:
            return await target.ask(result.row, self._executor)
        facts = {semconv.EVALUATION_ROW: result.row.row_id, semconv.EVALUATION_TRIAL: result.trial}
        span = begin(target.name, attributes=facts)
        result.trace_id = span.trace_id
        span.set_inputs(result.row.inputs)
        try:
            with active(span):
                answer = await target.ask(result.row, self._executor)
        except BaseException as error:
            span.fail(error)
            raise
        else:
            span.set_outputs(answer.outputs)
            return answer
        finally:
            span.end()

    async def _evaluate(self, result: RowResult) -> None:
        known = await self._known(result)
        missing = self._missing(result)
        if self.plan.target is not None and any(e.needs_model for e in missing):
            self.answered(result)
        for evaluator in missing:
            result.outcomes.append(await self._scoring.outcome(evaluator, known))

    async def _known(self, result: RowResult) -> Known:
        wanted, row, trace_id = self._wanted, result.row, result.trace_id
        trace = session = None
        if trace_id is not None and (
            "trace" in wanted or ("context" in wanted and not row.context)
        ):
            trace = await self.reader.trace(trace_id)
        if trace_id is not None and "session" in wanted:
            session = await self.reader.session(trace_id)
        return Known(
            row=row,
            outputs=result.outputs,
            answered=self.plan.target is not None or row.outputs is not None,
            trace=trace,
            session=session,
            model=self.plan.model,
        )
