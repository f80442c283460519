"""Wide rows of runs and traces for pandas, in the order of the ids they are asked for."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from tracekit.store.queries import read_trace_summaries

if TYPE_CHECKING:
    from tracekit.store.connection import Connection

TRACE_COLUMNS = (
    "trace_id",
    "name",
    "status",
    "start_time",
    "duration_ms",
    "input",
    "output",
    "model",
    "input_tokens",
    "output_tokens",
    "cost_usd",
    "session_id",
    "user_id",
    "tags",
    "run_id",
    "experiment",
)
"""Columns of every frame of traces."""


def run_frame(connection: "Connection", run_ids: Sequence[str]) -> pd.DataFrame:
    """One row a run: its facts, then a column for each param, metric (last value) and tag."""
    ids = {"ids": list(run_ids)}
    runs = _in_utc(connection.execute(_RUNS, ids).df())
    long = {prefix: connection.execute(query, ids).df() for prefix, query in _LONG.items()}
    wide = [_wide(frame, prefix, len(run_ids)) for prefix, frame in long.items()]
    return pd.concat([runs, *wide], axis="columns")


def trace_frame(connection: "Connection", trace_ids: Sequence[str]) -> pd.DataFrame:
    """One row a trace; `input` and `output` are JSON text as recorded, `tags` a dict."""
    traces = read_trace_summaries(connection, trace_ids)
    columns: dict[str, list[Any]] = {
        name: [getattr(trace, name) for trace in traces]
        for name in TRACE_COLUMNS
        if name not in {"start_time", "duration_ms"}
    }
    frame = pd.DataFrame(columns)
    starts = [trace.start_ns for trace in traces]
    frame["start_time"] = pd.to_datetime(starts, unit="ns", utc=True)
    durations = [trace.duration_ns for trace in traces]
    frame["duration_ms"] = pd.Series(durations, dtype="float64") / 1e6
    return frame[list(TRACE_COLUMNS)].astype(_TRACE_TYPES)


_TRACE_TYPES = {
    "start_time": "datetime64[ns, UTC]",
    "input_tokens": "Int64",
    "output_tokens": "Int64",
    "cost_usd": "float64",
}
"""Of the columns whose values may all be missing."""
# Rows are told by their number, which is a third quicker to join and to pivot than by their id.
_RUN_ROWS = "(SELECT unnest($ids::VARCHAR[]) AS run_id, unnest(range(len($ids))) AS row) AS ids"
_RUNS = f"""
SELECT run_id, experiment_id, experiment, status, 'runs:/' || run_id AS artifact_uri,
  start_time, end_time, run_name
FROM runs JOIN {_RUN_ROWS} USING (run_id) ORDER BY row
"""
_LONG = {
    "params": f"SELECT row, key, value FROM params JOIN {_RUN_ROWS} USING (run_id)",
    # as the view metrics_last, but with the last step found first, so that few values remain to
    # be compared by all that decides: half the time at a million values
    "metrics": f"""
      WITH metric AS (
        SELECT row, key, value, step, at_ns, seq
        FROM store.metric JOIN {_RUN_ROWS} USING (run_id)),
      last AS (SELECT row, key, max(step) AS step FROM metric GROUP BY ALL)
      SELECT row, key, arg_max(value, (at_ns, seq)) AS value
      FROM metric JOIN last USING (row, key, step) GROUP BY ALL
    """,
    "tags": f"""
      SELECT row, key, value
      FROM tags JOIN {_RUN_ROWS} ON subject = 'run' AND subject_id = run_id
    """,
}


def _in_utc(frame: pd.DataFrame) -> pd.DataFrame:
    for column in ("start_time", "end_time"):
        frame[column] = frame[column].dt.tz_localize("UTC")
    return frame


def _wide(long: pd.DataFrame, prefix: str, rows: int) -> pd.DataFrame:
    """A column for each key; a row that has nothing under it has nothing there."""
    wide = long.pivot(index="row", columns="key", values="value").reindex(range(rows))
    return wide.add_prefix(f"{prefix}.").reset_index(drop=True)
