"""Explicit work with runs, experiments and traces by their ids, named as in MLflow's client.

What is logged goes straight to the spool; what is asked for is read from the store, and sees
everything that any process logged before.
"""

from functools import lru_cache

from tracekit import config
from tracekit.tracking.artifact_client import ArtifactClient
from tracekit.tracking.evaluation_client import EvaluationClient
from tracekit.tracking.run_client import RunClient
from tracekit.tracking.trace_client import TraceClient


class TracekitClient(RunClient, ArtifactClient, TraceClient, EvaluationClient):
    """Reads and writes one store.

    Args:
        tracking_uri: The store: a folder, as a path or `file:` URL. None: the one in use.

    Example:
        >>> client = TracekitClient()
        >>> run = client.create_run("0", run_name="baseline")
        >>> client.log_metric(run.info.run_id, "loss", 0.5, step=1)
        >>> client.set_terminated(run.info.run_id)
        >>> client.get_run(run.info.run_id).data.metrics
        {'loss': 0.5}
    """


def current_client() -> TracekitClient:
    """The client of the store in use, the same each time."""
    return _client_of(config.get_tracking_uri())


_client_of = lru_cache(maxsize=8)(TracekitClient)
