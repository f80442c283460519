"""Logging to the active run, and to traces: `tracekit.log_metric` and so on.

Without an active run one is started, as in MLflow, and ended with the program. Whatever is
logged takes `run_id=` for another run than the active one, such as in a thread.
"""

from collections.abc import Mapping
from os import PathLike
from typing import Any

from tracekit import context, guard
from tracekit.errors import RunError
from tracekit.model import Assessment, SourceType
from tracekit.tracking.active import run_to_log_to
from tracekit.tracking.client import TracekitClient, current_client


def log_param(
    key: str,
    value: Any,
    synchronous: bool | None = None,
    *,
    run_id: str | None = None,
) -> None:
    """Record an input of the run, as text. It can't change later.

    Raises:
        RunError: The run has another value under that key already.
    """
    with guard.harmless("log_param"):
        client, run_id = _target(run_id)
        client.log_param(run_id, key, value)


def log_params(
    params: Mapping[str, Any],
    synchronous: bool | None = None,
    *,
    run_id: str | None = None,
) -> None:
    """Record several inputs of the run; see `log_param`."""
    with guard.harmless("log_params"):
        client, run_id = _target(run_id)
        for key, value in params.items():
            client.log_param(run_id, key, value)


def log_metric(
    key: str,
    value: float,
    step: int | None = None,
    synchronous: bool | None = None,
    timestamp: int | None = None,
    run_id: str | None = None,
) -> None:
    """Record one value of a metric; it survives the process.

    Args:
        value: A number, NaN and infinity included, or what `float()` takes.
        step: Such as the epoch of a training. None: 0.
        timestamp: Milliseconds since the Unix epoch. None: now.

    Raises:
        ConfigError: The value is no number.

    Example:
        >>> import tracekit
        >>> with tracekit.start_run() as run:
        ...     for epoch in range(3):
        ...         tracekit.log_metric("loss", 1.0 / (epoch + 1), step=epoch)
        >>> tracekit.get_run(run.info.run_id).data.metrics["loss"]
        0.3333333333333333
    """
    with guard.harmless("log_metric"):
        client, run_id = _target(run_id)
        client.log_metrics(run_id, {key: value}, step, timestamp)


def log_metrics(
    metrics: Mapping[str, float],
    step: int | None = None,
    synchronous: bool | None = None,
    run_id: str | None = None,
    timestamp: int | None = None,
) -> None:
    """Record values of several metrics at one step; see `log_metric`."""
    with guard.harmless("log_metrics"):
        client, run_id = _target(run_id)
        client.log_metrics(run_id, metrics, step, timestamp)


def set_tag(
    key: str,
    value: Any,
    synchronous: bool | None = None,
    *,
    run_id: str | None = None,
) -> None:
    """Tag the run; a later value replaces an earlier one."""
    with guard.harmless("set_tag"):
        client, run_id = _target(run_id)
        client.set_tag(run_id, key, value)


def set_tags(
    tags: Mapping[str, Any],
    synchronous: bool | None = None,
    *,
    run_id: str | None = None,
) -> None:
    """Set several tags of the run."""
    with guard.harmless("set_tags"):
        client, run_id = _target(run_id)
        for key, value in tags.items():
            client.set_tag(run_id, key, value)


def delete_tag(key: str, *, run_id: str | None = None) -> None:
    """Remove a tag from the run."""
    with guard.harmless("delete_tag"):
        client, run_id = _target(run_id)
        client.delete_tag(run_id, key)


def log_artifact(
    local_path: str | PathLike[str], artifact_path: str | None = None, run_id: str | None = None
) -> None:
    """Store a file as it is now, or a folder with all below it.

    Args:
        artifact_path: The folder within the run's artifacts. None: the topmost.

    Raises:
        ArtifactError: There is no such file, or it can't be stored.
    """
    with guard.harmless("log_artifact"):
        client, run_id = _target(run_id)
        client.log_artifact(run_id, local_path, artifact_path)


def log_artifacts(
    local_dir: str | PathLike[str], artifact_path: str | None = None, run_id: str | None = None
) -> None:
    """Store all files below a folder; see `log_artifact`."""
    with guard.harmless("log_artifacts"):
        client, run_id = _target(run_id)
        client.log_artifacts(run_id, local_dir, artifact_path)


def log_text(text: str, artifact_file: str, run_id: str | None = None) -> None:
    """Store a text as a file of the run."""
    with guard.harmless("log_text"):
        client, run_id = _target(run_id)
        client.log_text(run_id, text, artifact_file)


def log_dict(dictionary: Any, artifact_file: str, run_id: str | None = None) -> None:
    """Store plain data as a JSON file of the run."""
    with guard.harmless("log_dict"):
        client, run_id = _target(run_id)
        client.log_dict(run_id, dictionary, artifact_file)


def log_figure(figure: Any, artifact_file: str, *, run_id: str | None = None) -> None:
    """Store a figure of Matplotlib or Plotly; the ending of the name says as what."""
    with guard.harmless("log_figure"):
        client, run_id = _target(run_id)
        client.log_figure(run_id, figure, artifact_file)


def log_image(image: Any, artifact_file: str, *, run_id: str | None = None) -> None:
    """Store an image of Pillow, or an array of height, width and channels."""
    with guard.harmless("log_image"):
        client, run_id = _target(run_id)
        client.log_image(run_id, image, artifact_file)


def log_table(data: Any, artifact_file: str, run_id: str | None = None) -> None:
    """Store a DataFrame or a dict of columns as JSON; rows are added to a table of that name."""
    with guard.harmless("log_table"):
        client, run_id = _target(run_id)
        client.log_table(run_id, data, artifact_file)


def get_artifact_uri(artifact_path: str | None = None, *, run_id: str | None = None) -> str:
    """The name of the run's artifacts, or of one of them: `runs:/<run_id>/<path>`."""
    _, run_id = _target(run_id)
    return f"runs:/{run_id}/{artifact_path}" if artifact_path else f"runs:/{run_id}"


def log_feedback(
    *,
    trace_id: str | None = None,
    name: str = "feedback",
    value: Any = None,
    span_id: str | None = None,
    rationale: str | None = None,
    source: str | None = None,
    source_type: SourceType = "HUMAN",
    error: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Assessment:
    """Record what someone thinks of a trace or one of its spans.

    Args:
        trace_id: None: the trace that is running.
        name: What is judged.
        value: Any JSON value: true, a number, a text.
        span_id: None: the trace as a whole.
        rationale: Why.
        source: Who: a person, the name of a judge or function.
        source_type: HUMAN, LLM_JUDGE or CODE.
        error: Why there is no value.
        metadata: Anything else.

    Raises:
        RunError: No trace is running.

    Example:
        >>> import tracekit
        >>> with tracekit.start_span("answer"):
        ...     feedback = tracekit.log_feedback(name="helpful", value=True, source="alice")
        >>> feedback.score
        1.0
    """
    return current_client().log_feedback(
        trace_id or _current_trace_id(),
        name,
        value,
        span_id=span_id,
        rationale=rationale,
        source=source,
        source_type=source_type,
        error=error,
        metadata=metadata,
    )


def log_expectation(
    *,
    trace_id: str | None = None,
    name: str,
    value: Any,
    span_id: str | None = None,
    source: str | None = None,
    source_type: SourceType = "HUMAN",
    metadata: Mapping[str, Any] | None = None,
) -> Assessment:
    """Record what the right answer would have been; see `log_feedback`."""
    return current_client().log_expectation(
        trace_id or _current_trace_id(),
        name,
        value,
        span_id=span_id,
        source=source,
        source_type=source_type,
        metadata=metadata,
    )


def set_trace_tag(trace_id: str, key: str, value: Any) -> None:
    """Tag a trace, also one that ended long ago."""
    current_client().set_trace_tag(trace_id, key, value)


def delete_trace_tag(trace_id: str, key: str) -> None:
    """Remove a tag from a trace."""
    current_client().delete_trace_tag(trace_id, key)


def _target(run_id: str | None) -> tuple[TracekitClient, str]:
    """Where to log to: that run, or the active one in the store that it was started in."""
    if run_id is not None:
        return current_client(), run_id
    run = run_to_log_to()
    return run.client, run.info.run_id


def _current_trace_id() -> str:
    span = context.innermost_span()
    if span is None:
        raise RunError("no trace is running here: give `trace_id=`")
    return f"{span.get_span_context().trace_id:032x}"


def create_experiment(name: str, tags: Mapping[str, Any] | None = None) -> str:
    """The id of a new experiment.

    Raises:
        ConfigError: There is one of that name already.
    """
    return current_client().create_experiment(name, tags)


def delete_experiment(experiment_id: str) -> None:
    """Mark an experiment as deleted."""
    current_client().delete_experiment(experiment_id)


def delete_run(run_id: str) -> None:
    """Mark a run as deleted: searches no longer find it."""
    current_client().delete_run(run_id)


def restore_run(run_id: str) -> None:
    """Undo `delete_run`."""
    current_client().restore_run(run_id)
