"""Evaluations read back: rows with their scores, failures, and which rows are done."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import orjson
import pandas as pd

if TYPE_CHECKING:
    from tracekit.store.connection import Connection

_ROWS = """
SELECT evaluation_row_id, row_id, trial, row_group, status, reason, trace_id, inputs, outputs,
  expectations, duration_ms, time_to_first_piece_ms, cost_usd
FROM evaluation_rows WHERE run_id = ? ORDER BY ordinal, trial
"""
_SCORES = """
SELECT evaluation_row_id, name, status, value, rationale, error
FROM assessments
WHERE run_id = ? AND evaluation_row_id IS NOT NULL
ORDER BY time
"""
_FAILURES = """
SELECT row_id, trial, 'target' AS what, status, reason, trace_id
FROM evaluation_rows WHERE run_id = $run AND (status IN ('failed', 'skipped'))
UNION ALL
SELECT r.row_id, r.trial, a.name, a.status, a.error, r.trace_id
FROM assessments a JOIN evaluation_rows r USING (evaluation_row_id)
WHERE a.run_id = $run AND r.status NOT IN ('failed', 'skipped')
  AND a.status IN ('failed', 'skipped')
ORDER BY row_id, trial, what
"""
_STORED = """
SELECT row_id, trial, ordinal, row_group, status, reason, error_type, trace_id, duration_ms,
  time_to_first_piece_ms, cost_usd, scores
FROM evaluation_rows
LEFT JOIN (
  SELECT evaluation_row_id, list({
    name: name, status: status, value: value, rationale: rationale, error: error,
    evaluator: source_id} ORDER BY name) AS scores
  FROM store.assessment WHERE run_id = $run AND source_type <> 'HUMAN'
  GROUP BY evaluation_row_id) USING (evaluation_row_id)
WHERE run_id = $run AND status <> 'skipped'
ORDER BY ordinal, trial
"""
_OUTPUTS = """
SELECT row_id, trial, outputs FROM evaluation_rows
WHERE run_id = ? AND row_id || chr(10) || trial IN (SELECT unnest(?::VARCHAR[]))
"""


def evaluation_frame(connection: "Connection", run_id: str) -> pd.DataFrame:
    """The rows of an evaluation with a column for each score, in the order of the data."""
    frame = connection.execute(_ROWS, [run_id]).df()
    for column in ("inputs", "outputs", "expectations"):
        frame[column] = [_parsed(text) for text in frame[column]]
    places = {row_id: place for place, row_id in enumerate(frame.pop("evaluation_row_id"))}
    columns: dict[str, list[Any]] = {}
    scores = connection.execute(_SCORES, [run_id])
    while batch := scores.fetchmany(10_000):
        for row_id, name, _, value, rationale, error in batch:
            for key, said in (
                (name, _parsed(value)),
                (f"{name}/rationale", rationale),
                (f"{name}/error", error),
            ):
                if said is not None:
                    columns.setdefault(key, [None] * len(frame))[places[row_id]] = said
    scored = pd.DataFrame({name: pd.Series(values) for name, values in columns.items()})
    return pd.concat([frame, scored], axis=1) if columns else frame


def failure_frame(connection: "Connection", run_id: str) -> pd.DataFrame:
    """What did not come to a score, and why."""
    return connection.execute(_FAILURES, {"run": run_id}).df()


def stored_rows(connection: "Connection", run_id: str) -> Iterator[dict[str, Any]]:
    """The rows of an evaluation that were run, each with its `scores`; without their outputs."""
    found = connection.execute(_STORED, {"run": run_id})
    names = [column[0] for column in found.description or ()]
    while rows := found.fetchmany(1000):
        for row in rows:
            facts = dict(zip(names, row, strict=True))
            scores = facts["scores"] or ()
            facts["scores"] = [{**score, "value": _parsed(score["value"])} for score in scores]
            yield facts


def stored_outputs(
    connection: "Connection", run_id: str, rows: Iterable[tuple[str, int]]
) -> dict[tuple[str, int], Any]:
    """What the target gave for some rows, by row id and trial."""
    keys = [f"{row_id}\n{trial}" for row_id, trial in rows]
    found = connection.execute(_OUTPUTS, [run_id, keys]).fetchall()
    return {(row_id, trial): _parsed(outputs) for row_id, trial, outputs in found}


def _parsed(text: Any) -> Any:
    return orjson.loads(text) if isinstance(text, str) else None
