"""Runs: experiments, params, metrics, tags, files; and the search for runs and traces."""

from tracekit.tracking.active import (
    ActiveRun,
    active_run,
    end_run,
    last_active_run,
    set_experiment,
    start_run,
)
from tracekit.tracking.client import TracekitClient

__all__ = [
    "ActiveRun",
    "TracekitClient",
    "active_run",
    "end_run",
    "last_active_run",
    "set_experiment",
    "start_run",
]
