"""Wide rows of runs and traces for pandas, in the order of the ids they are asked for."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

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
    frame = _in_utc(_trace_rows(connection, trace_ids)).set_index("trace_id")
    frame = frame.reindex(pd.Index(trace_ids, name="trace_id")).reset_index()
    tags: dict[str, dict[str, str]] = {trace_id: {} for trace_id in trace_ids}
    for trace_id, key, value in connection.execute(_TRACE_TAGS, [list(trace_ids)]).fetchall():
        tags[trace_id][key] = value
    frame["tags"] = pd.Series([tags[trace_id] for trace_id in trace_ids], dtype=object)
    tokens = {"input_tokens": "Int64", "output_tokens": "Int64"}  # even if none is missing
    return frame[list(TRACE_COLUMNS)].astype(tokens)


_TRACE_TAGS = """
SELECT subject_id, key, value FROM tags
WHERE subject = 'trace' AND subject_id IN (SELECT unnest(?::VARCHAR[]))
"""
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


def _trace_rows(connection: "Connection", trace_ids: Sequence[str]) -> pd.DataFrame:
    marks = "SELECT unnest(?::VARCHAR[])"
    ids: list[Any] = [list(trace_ids)]
    if 0 < len(trace_ids) <= _FEW:
        # only a plain list of values is pushed below the view's GROUP BY, but it must be parsed
        ids, marks = list(trace_ids), ", ".join("?" * len(trace_ids))
    return connection.execute(f"SELECT * FROM traces WHERE trace_id IN ({marks})", ids).df()


_FEW = 500


def _in_utc(frame: pd.DataFrame) -> pd.DataFrame:
    for column in ("start_time", "end_time"):
        if column in frame:
            frame[column] = frame[column].dt.tz_localize("UTC")
    return frame


def _wide(long: pd.DataFrame, prefix: str, rows: int) -> pd.DataFrame:
    """A column for each key; a row that has nothing under it has nothing there."""
    wide = long.pivot(index="row", columns="key", values="value").reindex(range(rows))
    return wide.add_prefix(f"{prefix}.").reset_index(drop=True)
