"""Wide rows of runs and traces for pandas, in the order of the ids they are asked for."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

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
    runs = _rows(
        connection,
        "SELECT *, 'runs:/' || run_id AS artifact_uri FROM runs WHERE run_id IN {ids}",
        run_ids,
    )
    parts = [_in_order(runs, "run_id", run_ids)[list(RUN_COLUMNS)]]
    for prefix, query in _LONG.items():
        parts.append(_wide(_rows(connection, query, run_ids), prefix, run_ids))
    return pd.concat(parts, axis="columns")


def trace_frame(connection: "Connection", trace_ids: Sequence[str]) -> pd.DataFrame:
    """One row a trace; `input` and `output` are JSON text as recorded, `tags` a dict."""
    traces = _rows(connection, "SELECT * FROM traces WHERE trace_id IN {ids}", trace_ids)
    frame = _in_order(traces, "trace_id", trace_ids)
    tags: dict[str, dict[str, str]] = {trace_id: {} for trace_id in trace_ids}
    query = (
        "SELECT subject_id, key, value FROM tags WHERE subject = 'trace' AND subject_id IN {ids}"
    )
    for trace_id, key, value in _execute(connection, query, trace_ids).fetchall():
        tags[trace_id][key] = value
    frame["tags"] = pd.Series([tags[trace_id] for trace_id in trace_ids], dtype=object)
    tokens = {"input_tokens": "Int64", "output_tokens": "Int64"}  # even if none is missing
    return frame[list(TRACE_COLUMNS)].astype(tokens)


_LONG = {
    "params": "SELECT run_id, key, value FROM params WHERE run_id IN {ids}",
    "metrics": "SELECT run_id, key, value FROM metrics_last WHERE run_id IN {ids}",
    "tags": "SELECT subject_id AS run_id, key, value FROM tags"
    " WHERE subject = 'run' AND subject_id IN {ids}",
}


def _execute(connection: "Connection", query: str, ids: Sequence[str]) -> "Connection":
    # placeholders, not `unnest(?)`: only a list of values is pushed below a view's GROUP BY
    marks = f"({', '.join('?' * len(ids))})" if ids else "(NULL)"
    return connection.execute(query.format(ids=marks), list(ids))


def _rows(connection: "Connection", query: str, ids: Sequence[str]) -> pd.DataFrame:
    return _execute(connection, query, ids).df()


def _in_order(frame: pd.DataFrame, key: str, ids: Sequence[str]) -> pd.DataFrame:
    """The rows in the order of `ids`, numbered from 0, with their times in UTC."""
    for column in ("start_time", "end_time"):
        if column in frame:
            frame[column] = frame[column].dt.tz_localize("UTC")
    return frame.set_index(key).reindex(pd.Index(ids, name=key)).reset_index()


def _wide(long: pd.DataFrame, prefix: str, run_ids: Sequence[str]) -> pd.DataFrame:
    wide = long.pivot(index="run_id", columns="key", values="value").reindex(list(run_ids))
    return wide.add_prefix(f"{prefix}.").reset_index(drop=True)
