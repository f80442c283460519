"""Experiments by name and id."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tracekit.errors import ConfigError, NotFoundError
from tracekit.model import Experiment
from tracekit.store import queries
from tracekit.tracking.access import StoreAccess
from tracekit.tracking.values import checked_key, experiment_id


class ExperimentClient(StoreAccess):
    """The part of `TracekitClient` that deals with experiments."""

    def __init__(self, tracking_uri: str | Path | None = None) -> None:
        super().__init__(tracking_uri)
        self._recorded_experiments: set[str] = set()

    def create_experiment(self, name: str, tags: Mapping[str, Any] | None = None) -> str:
        """The id of a new experiment.

        Raises:
            ConfigError: There is one of that name already.
        """
        if self.get_experiment_by_name(name) is not None:
            raise ConfigError(f"there is an experiment {name!r} already: choose another name")
        self.ensure_experiment(name)
        for key, value in (tags or {}).items():
            self.set_experiment_tag(experiment_id(name), key, value)
        return experiment_id(name)

    def ensure_experiment(self, name: str) -> str:
        """The id of the experiment of that name, which is recorded if this process has not yet."""
        checked_key(name, "experiment")
        if name not in self._recorded_experiments:
            self._record("experiment", experiment_id=experiment_id(name), name=name)
            self._recorded_experiments.add(name)
        return experiment_id(name)

    def get_experiment(self, experiment_id: str) -> Experiment:
        """The experiment of that id.

        Raises:
            NotFoundError: There is none.
        """
        for experiment in self._read(queries.read_experiments):
            if experiment.experiment_id == experiment_id:
                return experiment
        raise NotFoundError(
            f"there is no experiment with id {experiment_id!r} in {self.tracking_uri}"
        )

    def get_experiment_by_name(self, name: str) -> Experiment | None:
        """The experiment of that name, deleted or not; None if there is none."""
        found = self._read(queries.read_experiments)
        return next((experiment for experiment in found if experiment.name == name), None)

    def search_experiments(self) -> list[Experiment]:
        """All experiments that are not deleted, in the order in which they were made."""
        found = self._read(queries.read_experiments)
        return [experiment for experiment in found if experiment.lifecycle_stage == "active"]

    def set_experiment_tag(self, experiment_id: str, key: str, value: Any) -> None:
        """Tag an experiment."""
        self._tag("experiment", experiment_id, key, value)

    def rename_experiment(self, experiment_id: str, new_name: str) -> None:
        """Give an experiment another name. Its id stays."""
        self._change_experiment(experiment_id, name=checked_key(new_name, "experiment"))

    def delete_experiment(self, experiment_id: str) -> None:
        """Mark an experiment as deleted."""
        self._change_experiment(experiment_id, deleted_ns=time.time_ns())

    def restore_experiment(self, experiment_id: str) -> None:
        """Undo `delete_experiment`."""
        self._change_experiment(experiment_id, deleted_ns=None)

    def _change_experiment(self, experiment_id: str, **fields: Any) -> None:
        name = self.get_experiment(experiment_id).name
        self._record("experiment", experiment_id=experiment_id, **{"name": name, **fields})
        self._recorded_experiments.discard(name)
