"""Asks one evaluator about one row, and turns whatever happens into an outcome."""

import functools
import inspect
import time
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

from tracekit import capture
from tracekit.evaluation.outcome import Outcome
from tracekit.evaluation.rows import Row
from tracekit.evaluation.threads import in_thread
from tracekit.evaluators.evaluator import Evaluator, feedbacks_of
from tracekit.model import Trace

_SLOW_S = 0.005
"""An evaluator that once took longer is called in a thread, so that it holds up no other row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """All that is known of a row once its target has answered."""

    row: Row
    outputs: Any
    answered: bool = True
    """False: there is no target, and the data has no output for this row."""
    trace: Trace | None = None
    session: tuple[Trace, ...] | None = None
    model: Any = None

    def supply(self, source: str) -> Any:
        """What an argument of that source is given; None: the row has none."""
        if source.startswith("expectations."):
            return self.row.expectations.get(source.partition(".")[2])
        match source:
            case "inputs":
                return self.row.inputs
            case "outputs":
                return self.outputs
            case "expectations":
                return self.row.expectations or None
            case "context":
                return self._context()
            case "row":
                return self.row
            case _:
                return getattr(self, source)

    def _context(self) -> list[Any] | None:
        """The row's own, else what the retrievals of its trace gave, in rank order."""
        if self.row.context is not None or self.trace is None:
            return self.row.context
        found: list[Any] = []
        for span in self.trace.search_spans(span_type="retrieval"):
            documents = capture.from_json(span.output)
            found += documents if isinstance(documents, list) else []
        return found or None


def missing(evaluator: Evaluator, row: Row) -> str | None:
    """What of the data the evaluator needs and the row has not; None if it can be asked."""
    for need in evaluator.needs:
        first, _, key = need.partition(".")
        if first == "expectations" and not (key in row.expectations if key else row.expectations):
            return f"missing {need}"
    return None


@dataclass(slots=True)
class Scoring:
    """Asks evaluators; remembers which of them are slow."""

    executor: Executor
    _slow: set[str] = field(default_factory=set[str])

    async def outcome(self, evaluator: Evaluator, known: Known) -> Outcome:
        """What the evaluator says of the row. It never raises: a failure is an outcome."""
        lacks = missing(evaluator, known.row) or _lacks(evaluator, known)
        if lacks is not None:
            return Outcome(evaluator=evaluator, status="skipped", reason=lacks)
        arguments = {
            parameter: value
            for parameter, source in evaluator.arguments.items()
            if (value := known.supply(source)) is not None or source == "outputs"
        }
        try:
            returned = await self._call(evaluator, arguments)
            feedbacks = feedbacks_of(evaluator.name, returned)
        except Exception as error:
            return Outcome(evaluator=evaluator, status="failed", reason=reason_of(error))
        errors = [feedback.error for feedback in feedbacks if feedback.error is not None]
        if errors:
            return Outcome(
                evaluator=evaluator, status="failed", feedbacks=feedbacks, reason=errors[0]
            )
        if not feedbacks:
            return Outcome(evaluator=evaluator, status="unscored", reason="not applicable")
        return Outcome(evaluator=evaluator, status="scored", feedbacks=feedbacks)

    async def _call(self, evaluator: Evaluator, arguments: Mapping[str, Any]) -> Any:
        if evaluator.name in self._slow:
            call = functools.partial(evaluator.function, **arguments)
            returned = await in_thread(self.executor, call)
        else:
            began = time.perf_counter()
            returned = evaluator.function(**arguments)
            if time.perf_counter() - began > _SLOW_S:
                self._slow.add(evaluator.name)
        return await returned if inspect.isawaitable(returned) else returned


def _lacks(evaluator: Evaluator, known: Known) -> str | None:
    for need in evaluator.needs:
        if need == "outputs" and not known.answered:
            return "missing outputs"
        if need in {"context", "trace", "session"} and known.supply(need) is None:
            return f"missing {need}"
    return None


def reason_of(error: BaseException) -> str:
    """An error in one line: a code where it has one, its type and what it says."""
    code = getattr(error, "code", None)
    said = capture.cut(str(error), 2000)
    name = code if isinstance(code, str) and type(error).__module__.startswith("tracekit") else ""
    return f"{name or type(error).__name__}: {said}" if said else name or type(error).__name__
