"""How a row ended, and how each evaluator ended on it: exactly one of four states."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from tracekit.evaluation.rows import Row
from tracekit.evaluators.evaluator import Evaluator, Feedback

Status = Literal["scored", "unscored", "failed", "skipped"]
"""scored; unscored: not applicable, as its evaluator says; failed: the target or the evaluator
raised; skipped: what it needs is missing, or the budget was spent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one evaluator said of one row."""

    evaluator: Evaluator
    status: Status
    feedbacks: Sequence[Feedback] = ()
    reason: str | None = None
    """Why it is not scored."""
    by_target: bool = False
    """It failed since there was no output, which counts against the target."""


@dataclass(slots=True, kw_only=True)
class RowResult:
    """One row, run once."""

    row: Row
    ordinal: int
    """Place of the row in the data, from 0."""
    trial: int = 0
    status: Status = "unscored"
    reason: str | None = None
    outputs: Any = None
    trace_id: str | None = None
    duration_ms: float | None = None
    first_ms: float | None = None
    """Milliseconds until the first piece of a stream."""
    cost_usd: float | None = None
    error_type: str | None = None
    outcomes: list[Outcome] = field(default_factory=list[Outcome])
