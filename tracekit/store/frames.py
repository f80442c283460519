"""Wide rows of runs and traces for pandas, in the order of the ids they are asked for."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from tracekit.store.connection import Connection

RUN_COLUMNS = (
    "run_id",
    "experiment_id",
    "experiment",
    "status",
    "artifact_uri",
    "start_time",
    "end_time",
    "run_name",
)
"""Columns of every frame of runs; `params.*`, `metrics.*` and `tags.*` follow."""

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
    ids = [list(run_ids)]
    query = f"SELECT *, 'runs:/' || run_id AS artifact_uri FROM runs WHERE {_OF_RUNS}"
    runs = _in_order(connection.execute(query, ids).df(), "run_id", run_ids)
    long = {prefix: connection.execute(query, ids).df() for prefix, query in _LONG.items()}
    wide = [_wide(frame, prefix, run_ids) for prefix, frame in long.items()]
    return pd.concat([runs[list(RUN_COLUMNS)], *wide], axis="columns")


def trace_frame(connection: "Connection", trace_ids: Sequence[str]) -> pd.DataFrame:
    """One row a trace; `input` and `output` are JSON text as recorded, `tags` a dict."""
    frame = _in_order(_trace_rows(connection, trace_ids), "trace_id", trace_ids)
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
_OF_RUNS = "run_id IN (SELECT unnest(?::VARCHAR[]))"
_LONG = {
    "params": f"SELECT run_id, key, value FROM params WHERE {_OF_RUNS}",
    # as the view metrics_last, but of these runs alone, and with the last step found first:
    # a third of the time, since few values remain to be compared by all that decides
    "metrics": f"""
      WITH last AS (
        SELECT run_id, key, max(step) AS step FROM store.metric WHERE {_OF_RUNS} GROUP BY ALL)
      SELECT run_id, key, arg_max(value, (at_ns, seq)) AS value
      FROM store.metric JOIN last USING (run_id, key, step) GROUP BY ALL
    """,
    "tags": f"""
      SELECT run_id, key, value
      FROM (SELECT subject_id AS run_id, key, value FROM tags WHERE subject = 'run')
      WHERE {_OF_RUNS}
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


def _in_order(frame: pd.DataFrame, key: str, ids: Sequence[str]) -> pd.DataFrame:
    """The rows in the order of `ids`, numbered from 0, with their times in UTC."""
    for column in ("start_time", "end_time"):
        if column in frame:
            frame[column] = frame[column].dt.tz_localize("UTC")
    return frame.set_index(key).reindex(pd.Index(ids, name=key)).reset_index()


def _wide(long: pd.DataFrame, prefix: str, run_ids: Sequence[str]) -> pd.DataFrame:
    wide = long.pivot(index="run_id", columns="key", values="value").reindex(list(run_ids))
    return wide.add_prefix(f"{prefix}.").reset_index(drop=True)
