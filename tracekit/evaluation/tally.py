"""Counts and scores while an evaluation runs, and the metrics that are made of them at the end."""

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tracekit.evaluation.aggregates import AGGREGATES, mean_of_rows
from tracekit.evaluation.outcome import RowResult
from tracekit.evaluators.evaluator import Evaluator, Feedback
from tracekit.statistics.intervals import Interval, interval

MEAN = "mean"


@dataclass(slots=True)
class Series:
    """All scores of one name, with the row and trial of each."""

    evaluator: Evaluator
    values: "array[float]" = field(default_factory=lambda: array("d"))
    rows: "array[int]" = field(default_factory=lambda: array("L"))
    labels: Counter[str] = field(default_factory=Counter[str])
    passed: int = 0
    judged: int = 0
    """Values, labels that are no number included."""
    boolean: bool = True
    """Whether all are true or false, or words for that."""


@dataclass(slots=True)
class Counts:
    """How one evaluator ended on the rows."""

    scored: int = 0
    unscored: int = 0
    skipped: int = 0
    failed: int = 0
    by_target: int = 0
    """Of the failed, those without an output, which count against the target."""
    target_rows: "array[int]" = field(default_factory=lambda: array("L"))
    reasons: Counter[str] = field(default_factory=Counter[str])
    kept: list[Feedback] = field(default_factory=list[Feedback])
    """Feedback for evaluators that summarise the whole."""

    @property
    def asked(self) -> int:
        """Rows that were given to it."""
        return self.scored + self.unscored + self.failed + self.skipped

    @property
    def missing_share(self) -> float:
        """Of the rows that it should have judged, those on which it failed by itself."""
        own = self.failed - self.by_target
        return own / (self.scored + own) if own else 0.0


class Tally:
    """Collects results as they come; holds numbers only, not rows."""

    def __init__(self, evaluators: Sequence[Evaluator]) -> None:
        self.counts = {evaluator.name: Counts() for evaluator in evaluators}
        self.series: dict[str, Series] = {}
        self.rows: Counter[str] = Counter()
        self.durations_ms: array[float] = array("d")
        self.first_ms: array[float] = array("d")
        self.reasons: Counter[str] = Counter()
        self._row_numbers: dict[str, int] = {}
        self._groups: list[str | None] = []

    def add(self, result: RowResult) -> None:
        """Count one row."""
        self.rows[result.status] += 1
        if result.reason is not None:
            self.reasons[result.reason] += 1
        if result.duration_ms is not None and result.status != "failed":
            self.durations_ms.append(result.duration_ms)
        if result.first_ms is not None:
            self.first_ms.append(result.first_ms)
        number = self._row_numbers.setdefault(result.row.row_id, len(self._row_numbers))
        if number == len(self._groups):
            self._groups.append(result.row.group)
        for outcome in result.outcomes:
            counts = self.counts[outcome.evaluator.name]
            setattr(counts, outcome.status, getattr(counts, outcome.status) + 1)
            if outcome.by_target:
                counts.by_target += 1
                counts.target_rows.append(number)
            if outcome.reason is not None:
                counts.reasons[outcome.reason] += 1
            if outcome.status == "scored":
                self._add_scores(outcome.evaluator, outcome.feedbacks, number)

    def _add_scores(self, evaluator: Evaluator, given: Iterable[Feedback], number: int) -> None:
        for feedback in given:
            name = feedback.name or evaluator.name
            series = self.series.get(name)
            if series is None:
                series = self.series[name] = Series(evaluator)
            series.judged += 1
            value, score = feedback.value, feedback.score
            series.boolean &= isinstance(value, bool | str)
            if isinstance(value, str):
                series.labels[value] += 1
            if score is not None:
                series.values.append(score)
                series.rows.append(number)
            if evaluator.pass_if is not None and evaluator.pass_if(value):
                series.passed += 1
            if evaluator.summarise is not None:
                self.counts[evaluator.name].kept.append(feedback)

    def running_mean(self, name: str) -> float | None:
        """Of the scores so far; None without any."""
        series = self.series.get(name)
        return float(np.mean(series.values)) if series is not None and series.values else None

    def metrics(self) -> dict[str, float]:
        """All that the run records, such as `exact_match/mean` and `exact_match/ci_low`."""
        found: dict[str, float] = {}
        for name, summary in self.summaries().items():
            found.update({f"{name}/{key}": value for key, value in summary.numbers().items()})
        for name, counts in self.counts.items():
            summarise = next(
                (s.evaluator.summarise for s in self.series.values() if s.evaluator.name == name),
                None,
            )
            if summarise is not None and counts.kept:
                whole = summarise(counts.kept)
                found.update({f"{name}/{key}": value for key, value in whole.items()})
        found.update({f"rows/{status}": float(n) for status, n in sorted(self.rows.items())})
        found.update(_spread("latency_ms", self.durations_ms))
        found.update(_spread("time_to_first_piece_ms", self.first_ms))
        return found

    def summaries(self) -> dict[str, "Summary"]:
        """Each metric with its interval and counts, in the order of the evaluators."""
        found: dict[str, Summary] = {}
        for evaluator_name, counts in self.counts.items():
            mine = [n for n, s in self.series.items() if s.evaluator.name == evaluator_name]
            for name in mine or [evaluator_name]:
                found[name] = self._summary(name, self.series.get(name), counts)
        return found

    def _summary(self, name: str, series: Series | None, counts: Counts) -> "Summary":
        if series is None or not series.values:
            labels = {} if series is None else dict(series.labels)
            return Summary(name=name, counts=counts, labels=labels)
        evaluator, values = series.evaluator, np.asarray(series.values)
        rows = np.asarray(series.rows, np.int64)
        bounds = (0.0, 1.0) if series.boolean else evaluator.range
        found = interval(
            values.astype(bool) if series.boolean else values,
            rows=rows,
            clusters=self._clusters(series.rows),
            bounds=None if series.boolean else bounds,
        )
        worst = None
        if counts.by_target and bounds is not None and evaluator.direction is not None:
            least = bounds[0] if evaluator.direction == "maximize" else bounds[1]
            worst = mean_of_rows(
                np.concatenate([values, np.full(len(counts.target_rows), least)]),
                np.concatenate([rows, np.asarray(counts.target_rows, np.int64)]),
            )
        return Summary(
            name=name,
            counts=counts,
            interval=found,
            with_failures=worst,
            aggregates={
                kind: AGGREGATES[kind](values)
                for kind in evaluator.aggregations
                if kind in AGGREGATES and kind != MEAN
            },
            pass_rate=series.passed / series.judged if evaluator.pass_if is not None else None,
            labels={} if series.boolean and len(series.labels) <= 2 else dict(series.labels),
        )

    def _clusters(self, rows: "array[int]") -> list[str] | None:
        """The group of each value's row; a row without one is a group by itself."""
        if all(group is None for group in self._groups):
            return None
        return [self._groups[row] or f"\0{row}" for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One metric of a run: what was measured, and on how many rows it could not be."""

    name: str
    counts: Counts
    interval: Interval | None = None
    """None: no row has a score that is a number."""
    with_failures: float | None = None
    """The mean if each row whose target failed had the worst score."""
    aggregates: Mapping[str, float] = field(default_factory=dict[str, float])
    pass_rate: float | None = None
    labels: Mapping[str, int] = field(default_factory=dict[str, int])

    def numbers(self) -> dict[str, float]:
        """As metrics of a run, without the metric's own name."""
        found: dict[str, float] = {}
        if self.interval is not None:
            found[MEAN] = self.interval.estimate
            found["ci_low"], found["ci_high"] = self.interval.low, self.interval.high
            if self.interval.stderr is not None:
                found["stderr"] = self.interval.stderr
            found |= self.aggregates
        if self.with_failures is not None:
            found["mean_failures_as_zero"] = self.with_failures
        if self.pass_rate is not None:
            found["pass_rate"] = self.pass_rate
        judged = max(1, sum(self.labels.values()))
        found |= {f"label={label}": count / judged for label, count in self.labels.items()}
        counts = self.counts
        found |= {"n": counts.scored, "failed": counts.failed}
        return found | {"skipped": counts.skipped, "unscored": counts.unscored}


def _spread(name: str, values: "array[float]") -> dict[str, float]:
    if not values:
        return {}
    kinds = ("mean", "p50", "p90", "p95")
    return {f"{name}/{kind}": AGGREGATES[kind](np.asarray(values)) for kind in kinds}
