"""The search for runs and traces as data frames, and what is found by its id or name."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from tracekit.model import Experiment, Run, Trace
from tracekit.store import frames, search
from tracekit.store.store import open_store
from tracekit.tracking.client import current_client


def search_runs(
    experiment_ids: Sequence[str] | None = None,
    filter_string: str | None = None,
    max_results: int | None = None,
    order_by: Sequence[str] | str | None = None,
    *,
    experiment_names: Sequence[str] | None = None,
) -> pd.DataFrame:
    """The runs that a filter admits, one row each.

    Columns: `run_id`, `experiment_id`, `experiment`, `status`, `artifact_uri`, `start_time`,
    `end_time` (UTC), `run_name`, and `params.*` (text), `metrics.*` (last value), `tags.*`.

    Args:
        experiment_ids: Only runs of these experiments.
        filter_string: Such as `metrics.accuracy > 0.9 AND params.model = 'forest'`.
        max_results: None: all of them.
        order_by: Such as `["metrics.accuracy DESC"]`. The newest first where it says nothing.
        experiment_names: Only runs of these experiments. All, unless one of the two is given.

    Raises:
        FilterError: The filter or the order can't be understood.

    Example:
        >>> import tracekit
        >>> with tracekit.start_run(experiment="docs", run_name="baseline"):
        ...     tracekit.log_metric("accuracy", 0.95)
        >>> found = tracekit.search_runs(filter_string="metrics.accuracy > 0.9")
        >>> found[["run_name", "status", "metrics.accuracy"]].values.tolist()
        [['baseline', 'FINISHED', 0.95]]
    """
    with open_store().reading() as connection:
        ids = search.find_run_ids(
            connection,
            filter_string,
            experiment_names=experiment_names,
            experiment_ids=experiment_ids,
            order_by=order_by,
            max_results=max_results,
        )
        return frames.run_frame(connection, ids)


def search_traces(
    experiment_names: Sequence[str] | None = None,
    filter_string: str | None = None,
    max_results: int | None = None,
    order_by: Sequence[str] | str | None = None,
    *,
    run_id: str | None = None,
) -> pd.DataFrame:
    """The traces that a filter admits, one row each.

    Columns: `trace_id`, `name`, `status`, `start_time` (UTC), `duration_ms`, `input` and `output`
    (JSON text as recorded), `model`, `input_tokens`, `output_tokens`, `cost_usd` (missing if the
    price is unknown), `session_id`, `user_id`, `tags` (a dict), `run_id`, `experiment`.

    Args:
        experiment_names: Only traces of these experiments. None: of all.
        filter_string: Such as `status = 'ERROR' AND span.model LIKE 'gpt%'`.
        max_results: None: all of them.
        order_by: Such as `["duration_ms DESC"]`. The newest first where it says nothing.
        run_id: Only traces of this run.

    Raises:
        FilterError: The filter or the order can't be understood.

    Example:
        >>> import tracekit
        >>> with tracekit.start_span("answer") as span:
        ...     span.set_inputs({"question": "Why?"})
        >>> found = tracekit.search_traces(filter_string="input LIKE '%Why%'")
        >>> found[["name", "status"]].values.tolist()
        [['answer', 'OK']]
    """
    with open_store().reading() as connection:
        ids = search.find_trace_ids(
            connection,
            filter_string,
            experiment_names=experiment_names,
            run_id=run_id,
            order_by=order_by,
            max_results=max_results,
        )
        return frames.trace_frame(connection, ids)


def sql(query: str, params: Sequence[Any] | Mapping[str, Any] | None = None) -> pd.DataFrame:
    """The rows that a query gives. It can read all that is stored, and change nothing.

    Args:
        query: SQL of DuckDB over the views, such as `spans` and `runs`.
        params: Values for `?` or `$name` in the query.

    Raises:
        QueryError: The query can't be understood or run.

    Example:
        >>> import tracekit
        >>> tracekit.sql("SELECT 6 * $seven AS product", {"seven": 7})["product"].tolist()
        [42]
    """
    return open_store().sql(query, params)


def get_run(run_id: str) -> Run:
    """The run of that id, deleted or not.

    Raises:
        NotFoundError: There is none.
    """
    return current_client().get_run(run_id)


def get_trace(trace_id: str) -> Trace:
    """The trace of that id, or the only one whose id begins so.

    Raises:
        NotFoundError: There is none, or there are several.
    """
    return current_client().get_trace(trace_id)


def get_experiment(experiment_id: str) -> Experiment:
    """The experiment of that id.

    Raises:
        NotFoundError: There is none.
    """
    return current_client().get_experiment(experiment_id)


def get_experiment_by_name(name: str) -> Experiment | None:
    """The experiment of that name, deleted or not; None if there is none."""
    return current_client().get_experiment_by_name(name)


def search_experiments() -> list[Experiment]:
    """All experiments that are not deleted, in the order in which they were made."""
    return current_client().search_experiments()
