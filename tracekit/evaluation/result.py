"""What an evaluation found, as people read it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from tracekit.evaluation.tally import Summary
from tracekit.store.evaluations import evaluation_frame, failure_frame
from tracekit.store.store import open_store


@dataclass(frozen=True, kw_only=True)
class EvaluationResult:
    """An evaluation that has ended; everything in it lies in the store as well.

    Example:
        >>> import tracekit
        >>> data = [{"inputs": {"x": 1}, "expectations": {"expected_response": 2}}]
        >>> result = tracekit.evaluate(data, lambda x: x + 1, [
        ...     tracekit.evaluator(lambda outputs, targets: outputs == targets, name="right")])
        >>> result.metrics["right/mean"], result.metrics["right/n"]
        (1.0, 1)
    """

    run_id: str
    run_name: str
    metrics: Mapping[str, float]
    """As the run has them: `exact_match/mean`, `/ci_low`, `/ci_high`, `/n`, `/failed` …"""
    summaries: Mapping[str, Summary]
    """Each metric with its interval and counts."""
    rows: Mapping[str, int]
    """How many rows ended as scored, unscored, failed, skipped."""
    stopped: str | None = None
    """Why not all rows were run, such as a budget that was spent."""
    tracking_uri: str = ""
    errors: tuple[str, ...] = ()
    """Metrics that can't be trusted, since their evaluator failed on too many rows."""
    _frames: dict[str, pd.DataFrame] = field(
        default_factory=dict[str, pd.DataFrame], repr=False, compare=False
    )

    @property
    def table(self) -> pd.DataFrame:
        """One row per (row, trial).

        Columns: `row_id`, `trial`, `status`, `reason`, `inputs`, `outputs`, `expectations`,
        `trace_id`, `duration_ms`, `cost_usd`, and per score `<name>`, `<name>/rationale`,
        `<name>/error` where there is one.
        """
        if "table" not in self._frames:
            with open_store(self.tracking_uri).reading() as connection:
                self._frames["table"] = evaluation_frame(connection, self.run_id)
        return self._frames["table"]

    @property
    def failures(self) -> pd.DataFrame:
        """What did not come to a score: `row_id`, `trial`, `what`, `status`, `reason`."""
        if "failures" not in self._frames:
            with open_store(self.tracking_uri).reading() as connection:
                self._frames["failures"] = failure_frame(connection, self.run_id)
        return self._frames["failures"]

    @property
    def summary(self) -> pd.DataFrame:
        """One row per metric, with the columns `mean`, `ci_low`, `ci_high`, `n`, `failed` and so on."""
        rows = {
            name: {
                **summary.numbers(),
                "interval": "" if summary.interval is None else summary.interval.method,
            }
            for name, summary in self.summaries.items()
        }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("metric")

    def __str__(self) -> str:
        lines = [f"Evaluation {self.run_name} · {self._counted()}"]
        if self.stopped is not None:
            lines.append(f"stopped early: {self.stopped}")
        width = max((len(name) for name in self.summaries), default=0)
        lines += [f"  {name:<{width}}  {_line(one)}" for name, one in self.summaries.items()]
        lines += [f"error: {error}" for error in self.errors]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return self.summary.to_html(float_format=lambda value: f"{value:.4g}")

    def _counted(self) -> str:
        total = sum(self.rows.values())
        told = [f"{n} {status}" for status, n in self.rows.items() if n and status != "scored"]
        rows = f"{total} row{'' if total == 1 else 's'}"
        return f"{rows} ({', '.join(told)})" if told else rows


def _line(summary: Summary) -> str:
    """Such as `0.800 [0.584, 0.919] n 20, 1 failed`."""
    counts = summary.counts
    missing = [
        f"{n} {status}"
        for status, n in (
            ("failed", counts.failed),
            ("skipped", counts.skipped),
            ("not applicable", counts.unscored),
        )
        if n
    ]
    said = ", ".join([f"n {counts.scored}", *missing])
    found = summary.interval
    if found is None:
        labels = ", ".join(f"{label}: {n}" for label, n in summary.labels.items())
        why = counts.reasons.most_common(1)
        return f"{labels or 'no score'}   {said}" + (f" ({why[0][0][:120]})" if why else "")
    return f"{found.estimate:.3f} [{found.low:.3f}, {found.high:.3f}]   {said}"
