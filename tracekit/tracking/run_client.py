"""Runs by id: their life, and what is logged to them."""

import itertools
import logging
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from tracekit import config
from tracekit.errors import ConfigError, NotFoundError, RunError
from tracekit.model import Metric, Run, RunData, RunInfo, RunStatus
from tracekit.store import queries
from tracekit.store.moments import moment_ns
from tracekit.tracking import facts
from tracekit.tracking.experiment_client import ExperimentClient
from tracekit.tracking.names import random_name
from tracekit.tracking.values import (
    checked_key,
    stored_number,
    stored_step,
    stored_text,
    stored_time_ns,
)

if TYPE_CHECKING:
    from tracekit.store.connection import Connection

logger = logging.getLogger(__name__)

_sequence = itertools.count()
"""Order of the metrics of this process, whichever client logs them."""


class RunClient(ExperimentClient):
    """The part of `TracekitClient` that deals with runs."""

    def __init__(self, tracking_uri: str | Path | None = None) -> None:
        super().__init__(tracking_uri)
        self._params: dict[str, dict[str, str]] = {}
        """What was logged to each run that was begun or resumed here and has not ended."""

    def create_run(
        self,
        experiment_id: str,
        start_time: int | None = None,
        tags: Mapping[str, Any] | None = None,
        run_name: str | None = None,
        *,
        parent_run_id: str | None = None,
    ) -> Run:
        """A new run, which runs until `set_terminated`.

        Args:
            experiment_id: `"0"` is the experiment `Default`.
            start_time: Milliseconds since the Unix epoch. None: now.

        Raises:
            NotFoundError: There is no such experiment.
        """
        default = experiment_id == "0"
        name = config.DEFAULT_EXPERIMENT if default else self.get_experiment(experiment_id).name
        info = self.begin_run(
            name, run_name, start_ms=start_time, tags=tags, parent_run_id=parent_run_id
        )
        data = RunData(params={}, metrics={}, tags={k: str(v) for k, v in (tags or {}).items()})
        return Run(info=info, data=data)

    def begin_run(
        self,
        experiment: str,
        run_name: str | None = None,
        *,
        start_ms: int | None = None,
        tags: Mapping[str, Any] | None = None,
        parent_run_id: str | None = None,
    ) -> RunInfo:
        """Record the start of a run, with the facts of this process. Reads nothing."""
        source = facts.source()
        info = RunInfo(
            run_id=uuid.uuid4().hex,
            run_name=run_name or random_name(),
            experiment_id=self.ensure_experiment(experiment),
            experiment=experiment,
            status="RUNNING",
            start_time=start_ms or time.time_ns() // 1_000_000,
            end_time=None,
            parent_run_id=parent_run_id,
            user_id=facts.user_name(),
            source=source,
        )
        self._params[info.run_id] = {}
        self._record(
            "run",
            run_id=info.run_id,
            experiment_id=info.experiment_id,
            experiment=experiment,
            name=stored_text(info.run_name),
            parent_run_id=parent_run_id,
            status="RUNNING",
            start_ns=moment_ns() if start_ms is None else start_ms * 1_000_000,
            user_name=info.user_id,
            source=source,
        )
        for key, value in {**facts.tags(), **(tags or {})}.items():
            self.set_tag(info.run_id, key, value)
        return info

    def resume_run(self, run_id: str) -> RunInfo:
        """Set a run that was stored before to RUNNING again.

        Raises:
            NotFoundError: There is none of that id.
        """
        run = self.get_run(run_id)
        if run.info.lifecycle_stage == "deleted":
            raise RunError(f"run {run_id} is deleted: restore it first with restore_run")
        self._params[run_id] = dict(run.data.params)
        self._record("run", run_id=run_id, status="RUNNING", end_ns=None)
        return replace(run.info, status="RUNNING", end_time=None)

    def get_run(self, run_id: str) -> Run:
        """The run of that id, deleted or not.

        Raises:
            NotFoundError: There is none.
        """
        found = self._read(lambda connection: queries.read_runs(connection, [run_id]))
        if not found:
            raise NotFoundError(f"there is no run {run_id!r} in {self.tracking_uri}")
        return found[0]

    def search_runs(
        self,
        experiment_ids: Sequence[str] | None = None,
        filter_string: str | None = None,
        run_view_type: object = None,
        max_results: int | None = None,
        order_by: Sequence[str] | None = None,
    ) -> list[Run]:
        """The runs that a filter admits, the newest first unless `order_by` says otherwise.

        Args:
            experiment_ids: None: of all experiments.
            filter_string: Such as `metrics.accuracy > 0.9 AND params.model = 'forest'`.
            max_results: None: all of them.
            order_by: Such as `["metrics.accuracy DESC"]`.

        Raises:
            FilterError: The filter or the order can't be understood.
        """
        from tracekit.store import search  # noqa: PLC0415  the parser is for readers

        def find(connection: "Connection") -> list[Run]:
            ids = search.find_run_ids(
                connection,
                filter_string,
                experiment_ids=experiment_ids,
                order_by=order_by,
                max_results=max_results,
            )
            return queries.read_runs(connection, ids)

        return self._read(find)

    def set_terminated(
        self, run_id: str, status: RunStatus = "FINISHED", end_time: int | None = None
    ) -> None:
        """End a run.

        Args:
            end_time: Milliseconds since the Unix epoch. None: now.
        """
        self._check_run(run_id)
        end_ns = moment_ns() if end_time is None else end_time * 1_000_000
        self._record("run", run_id=run_id, status=_checked_status(status), end_ns=end_ns)
        self._params.pop(run_id, None)

    def update_run(
        self, run_id: str, status: RunStatus | None = None, name: str | None = None
    ) -> None:
        """Change the status or the name of a run."""
        self._check_run(run_id)
        fields: dict[str, Any] = {}
        if status is not None:
            fields["status"] = _checked_status(status)
        if name is not None:
            fields["name"] = stored_text(name)
        self._record("run", run_id=run_id, **fields)

    def set_run_kind(self, run_id: str, kind: str) -> None:
        """Say what kind of run it is: `user`, or `evaluation`."""
        self._check_run(run_id)
        self._record("run", run_id=run_id, run_kind=kind)

    def delete_run(self, run_id: str) -> None:
        """Mark a run as deleted: searches no longer find it."""
        self._check_run(run_id)
        self._record("run", run_id=run_id, deleted_ns=time.time_ns())

    def restore_run(self, run_id: str) -> None:
        """Undo `delete_run`."""
        self._check_run(run_id)
        self._record("run", run_id=run_id, deleted_ns=None)

    def _check_run(self, run_id: str) -> None:
        if run_id not in self._params and config.settings().enabled:
            self._params[run_id] = dict(self.get_run(run_id).data.params)

    def log_param(self, run_id: str, key: str, value: Any) -> None:
        """Record an input of a run, as text. The first value of a key stays.

        A later, different value is not kept: a warning names both, and how to keep each (a nested
        run per value). A search that logs its trials into one run goes on.
        """
        self._check_run(run_id)
        checked_key(key, "param")
        text = stored_text(value)
        logged = self._params.get(run_id)
        if logged is not None and logged.setdefault(key, text) != text:
            logger.warning(
                "param %r of run %s stays %r, %r is not kept: params don't change; "
                "log a metric, or begin a nested run",
                *(key, run_id, logged[key][:200], text[:200]),
            )
            return
        self._record("param", run_id=run_id, key=key, value=text)

    def log_metric(
        self,
        run_id: str,
        key: str,
        value: float,
        timestamp: int | None = None,
        step: int | None = None,
    ) -> None:
        """Record one value of a metric.

        Args:
            value: A number, NaN and infinity included, or what `float()` takes.
            timestamp: Milliseconds since the Unix epoch. None: now.
            step: Such as the epoch of a training. None: 0.

        Raises:
            ConfigError: The value is no number.
        """
        self.log_metrics(run_id, {key: value}, step=step, timestamp=timestamp)

    def log_metrics(
        self,
        run_id: str,
        metrics: Mapping[str, float],
        step: int | None = None,
        timestamp: int | None = None,
    ) -> None:
        """Record values of several metrics at one step; see `log_metric`."""
        if not config.settings().enabled:
            return
        self._check_run(run_id)
        values = {
            checked_key(key, "metric"): stored_number(key, value) for key, value in metrics.items()
        }
        self._spool.append(
            {
                "kind": "metrics",
                "run_id": run_id,
                "at_ns": moment_ns() if timestamp is None else stored_time_ns(timestamp),
                "step": 0 if step is None else stored_step(step),
                "values": values,
                "seq": next(_sequence),
            }
        )

    def log_batch(
        self,
        run_id: str,
        metrics: Iterable[Metric] = (),
        params: Mapping[str, Any] | None = None,
        tags: Mapping[str, Any] | None = None,
    ) -> None:
        """Record metrics, params and tags of a run."""
        for metric in metrics:
            self.log_metric(run_id, metric.key, metric.value, metric.timestamp, metric.step)
        for key, value in (params or {}).items():
            self.log_param(run_id, key, value)
        for key, value in (tags or {}).items():
            self.set_tag(run_id, key, value)

    def get_metric_history(self, run_id: str, key: str) -> list[Metric]:
        """All values of a metric, in order of step and time."""
        return self._read(lambda connection: queries.read_metric_history(connection, run_id, key))

    def set_tag(self, run_id: str, key: str, value: Any) -> None:
        """Tag a run; a later value replaces an earlier one."""
        self._check_run(run_id)
        self._tag("run", run_id, key, value)

    def delete_tag(self, run_id: str, key: str) -> None:
        """Remove a tag from a run."""
        self._check_run(run_id)
        self._tag("run", run_id, key, None)


def _checked_status(status: str) -> str:
    known = get_args(RunStatus)
    if status.upper() not in known:
        raise ConfigError(f"a run can't be {status!r}: its status is one of {', '.join(known)}")
    return status.upper()
