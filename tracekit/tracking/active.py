"""The run that is active: started, nested, resumed, ended, also when the program dies.

Which run is active belongs to the thread or asyncio task (`tracekit.context.active_runs`). A
thread that is started later sees none: give it `run_id=`, or start it through
`tracekit.carry_context`.
"""

import atexit
import logging
import os
import sys
import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from tracekit import config, context, guard
from tracekit.context import RunContext
from tracekit.errors import ConfigError, RunError
from tracekit.model import Experiment, RunData, RunInfo, RunStatus
from tracekit.tracking.client import TracekitClient, current_client

logger = logging.getLogger(__name__)


class ActiveRun:
    """A run of this process, which is active until `end_run` or the end of its `with` block."""

    def __init__(self, client: TracekitClient, info: RunInfo) -> None:
        self.client = client
        self.info = info
        self._pid = os.getpid()

    @property
    def data(self) -> RunData:
        """What was logged so far, read from the store."""
        return self.client.get_run(self.info.run_id).data

    def end(self, status: RunStatus = "FINISHED") -> None:
        """End the run, if it is this process's and has not ended."""
        run_id = self.info.run_id
        with guard.harmless("the end of a run"):
            if run_id in _open_runs and os.getpid() == self._pid:
                self.client.set_terminated(run_id, status)  # a bad status leaves it active
        _open_runs.pop(run_id, None)
        active = context.active_runs.get()
        context.active_runs.set(tuple(run for run in active if run.run_id != run_id))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        status: RunStatus = "FAILED"
        with guard.harmless("the end of a run"):
            status = _status_of(error)
        self.end(status)

    def __repr__(self) -> str:
        return f"<ActiveRun {self.info.run_name!r} {self.info.run_id}>"


_open_runs: dict[str, ActiveRun] = {}
"""Runs of this process that have not ended, in the order in which they began."""
_last: list[ActiveRun] = []


def set_experiment(
    experiment_name: str | None = None, *, experiment_id: str | None = None
) -> Experiment:
    """Choose the experiment of runs and traces from now on. It is made if it is not there.

    Args:
        experiment_name: Its name.
        experiment_id: Its id instead; then it must be there.

    Raises:
        ConfigError: Not one of the two was given.
        NotFoundError: There is no experiment with that id.

    Example:
        >>> import tracekit
        >>> tracekit.set_experiment("tuning").name
        'tuning'
    """
    if (experiment_name is None) == (experiment_id is None):
        raise ConfigError("set_experiment needs a name or an id of an experiment, and not both")
    client = current_client()
    if experiment_id is not None:
        experiment = client.get_experiment(experiment_id)
    else:
        name = str(experiment_name)
        experiment = Experiment(
            experiment_id=client.ensure_experiment(name), name=name, created_ns=time.time_ns()
        )
    config.set_experiment_name(experiment.name)
    return experiment


def start_run(
    run_id: str | None = None,
    experiment_id: str | None = None,
    run_name: str | None = None,
    nested: bool = False,
    parent_run_id: str | None = None,
    tags: Mapping[str, Any] | None = None,
    description: str | None = None,
    *,
    experiment: str | None = None,
) -> ActiveRun:
    """Start a run, or resume one, and make it the active one.

    Ended by its `with` block (FINISHED; FAILED after an exception, KILLED after Ctrl-C), by
    `end_run`, or at the end of the program.

    Args:
        run_id: The run to resume.
        experiment_id: The experiment by its id.
        run_name: None: a name is made up.
        nested: Make it a child of the active run.
        parent_run_id: Make it a child of that run, active or not.
        tags: Set on the run.
        description: Kept as the tag `tracekit.description`.
        experiment: The experiment by its name. None: that of `set_experiment`.

    Raises:
        RunError: A run is active and `nested` is false.
        NotFoundError: There is no such run or experiment.

    Example:
        >>> import tracekit
        >>> with tracekit.start_run(run_name="baseline", tags={"stage": "test"}) as run:
        ...     tracekit.log_param("learning_rate", 0.01)
        ...     tracekit.log_metric("loss", 0.5, step=1)
        >>> run.info.run_name
        'baseline'
    """
    outer = tuple(run for run in context.active_runs.get() if run.run_id in _open_runs)
    context.active_runs.set(outer)  # without those that another thread or task has ended
    if outer and not nested:
        raise RunError(
            f"run {outer[-1].run_id} is active: end it with tracekit.end_run(), "
            "or start this one inside it with start_run(nested=True)"
        )
    if run_id is not None and run_id in _open_runs:
        raise RunError(f"run {run_id} is active already, so it can't be resumed")
    client = current_client()
    all_tags = dict(tags or {})
    if description is not None:
        all_tags["tracekit.description"] = description
    if run_id is not None:
        info = client.resume_run(run_id)
        for key, value in all_tags.items():
            client.set_tag(run_id, key, value)
    else:
        info = client.begin_run(
            _experiment_name(client, experiment, experiment_id),
            run_name,
            tags=all_tags,
            parent_run_id=parent_run_id or (outer[-1].run_id if outer else None),
        )
    return _activate(ActiveRun(client, info))


def end_run(status: RunStatus = "FINISHED") -> None:
    """End the active run, if there is one.

    Args:
        status: FINISHED, FAILED or KILLED.
    """
    with guard.harmless("end_run"):
        run = active_run()
        if run is not None:
            run.end(status)


def active_run() -> ActiveRun | None:
    """The innermost run that is active in this thread or task."""
    for run in reversed(context.active_runs.get()):
        if run.run_id in _open_runs:
            return _open_runs[run.run_id]
    return None


def last_active_run() -> ActiveRun | None:
    """The active run, or else the one that this process started last."""
    return active_run() or (_last[0] if _last else None)


def run_to_log_to() -> ActiveRun:
    """The active run; one is started if there is none, as MLflow does."""
    run = active_run()
    if run is None:
        if _open_runs and threading.current_thread() is not threading.main_thread():
            logger.warning(
                "no run is active in this thread, so a new one is started for it; "
                "give `run_id=`, or start the thread with tracekit.carry_context"
            )
        run = start_run()
    return run


def _experiment_name(
    client: TracekitClient, experiment: str | None, experiment_id: str | None
) -> str:
    if experiment is not None:
        return experiment
    return (
        config.get_experiment_name()
        if experiment_id is None
        else (client.get_experiment(experiment_id).name)
    )


def _activate(run: ActiveRun) -> ActiveRun:
    _open_runs[run.info.run_id] = run
    _last[:] = [run]
    active = RunContext(run_id=run.info.run_id, experiment=run.info.experiment)
    context.active_runs.set((*context.active_runs.get(), active))
    return run


def _status_of(error: BaseException | None) -> RunStatus:
    if error is None or (isinstance(error, SystemExit) and error.code in {None, 0}):
        return "FINISHED"
    return "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"


@atexit.register
def _end_open_runs() -> None:
    """At the end of the program: FAILED if an exception that nobody caught ended it."""
    interactive = hasattr(sys, "ps1")  # there, the last exception did not end the program
    error = None if interactive else getattr(sys, "last_value", None)
    for run in reversed(list(_open_runs.values())):
        run.end(_status_of(error))
