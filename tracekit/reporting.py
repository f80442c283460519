"""The report: from the store to one HTML file that needs nothing else."""

import logging
import os
import time
import webbrowser
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from tracekit._version import __version__
from tracekit.errors import ArtifactError, ConfigError, NotFoundError, ReportError, StoreError
from tracekit.model import Run, Trace, TraceSummary
from tracekit.store.artifacts import Artifacts
from tracekit.store.location import check_folder
from tracekit.store.queries import (
    has_experiment,
    read_artifacts,
    read_metric_histories,
    read_runs,
    read_trace_summaries,
    read_traces,
)
from tracekit.store.search import find_trace_ids
from tracekit.store.store import Store, open_store
from tracekit.ui.file import ReportContents, RunParts, write_report
from tracekit.ui.view import ReportFacts

if TYPE_CHECKING:
    from tracekit.store.connection import Connection

logger = logging.getLogger(__name__)

DEFAULT_PATH = "tracekit-report.html"
DEFAULT_TRACES = 10_000
_TRACES_AT_ONCE = 128
_RUNS_AT_ONCE = 32
_LARGE_BYTES = 25_000_000
"""What mail commonly refuses."""


def report(
    path: str | os.PathLike[str] = DEFAULT_PATH,
    *,
    tracking_uri: str | os.PathLike[str] | None = None,
    filter_string: str | None = None,
    experiment_names: Sequence[str] | None = None,
    run_id: str | None = None,
    max_traces: int | None = DEFAULT_TRACES,
    open_browser: bool = False,
) -> Path:
    """Write what is recorded into one HTML file, and give its absolute path.

    The file holds everything: traces with their messages, runs with their curves, pictures. It
    opens offline, in any browser of these years, and asks nothing of any server. It takes the
    place of an older one only when it is complete.

    Args:
        path: The file to write; its folder must exist.
        tracking_uri: The store. None: the one in use.
        filter_string: Only traces that this admits, such as `"status = 'ERROR'"`.
        experiment_names: Only traces and runs of these experiments.
        run_id: Only this run, the runs within it, and its own traces.
        max_traces: Only so many, the newest. None: all.
        open_browser: Show it at once.

    Raises:
        FilterError: The filter can't be understood.
        StoreError: The store can't be read, or nothing was ever recorded in it.
        ReportError: The file can't be written.

    Example:
        >>> import tracekit
        >>> with tracekit.start_span("hello"):
        ...     pass
        >>> tracekit.report("hello.html").name
        'hello.html'
    """
    if isinstance(experiment_names, str):
        experiment_names = [experiment_names]
    if max_traces is not None and max_traces < 0:
        raise ConfigError(f"`max_traces` must not be negative, got {max_traces!r}")
    target = Path(path).expanduser().absolute()
    store = open_store(tracking_uri)
    check_folder(store.folder)
    if not store.exists:
        raise StoreError(f"nothing has been recorded in {store.folder} yet")
    with store.reading() as connection:
        _check_names(connection, experiment_names, run_id)
        found = find_trace_ids(
            connection, filter_string, experiment_names=experiment_names, run_id=run_id
        )
        kept = found[:max_traces]
        runs = _runs(connection, experiment_names, run_id)
        facts = ReportFacts(
            title=_title(store, experiment_names),
            version=__version__,
            created_ms=time.time_ns() // 1_000_000,
            traces_stored=len(found),
            filter=filter_string,
            source=str(store.folder),
        )
        contents = ReportContents(
            traces=_with_progress(_traces(connection, kept), len(kept)),
            runs=_with_parts(connection, runs),
            blob=lambda sha256: _blob(store, sha256),
        )
        size = _write(target, facts, contents)
    if size > _LARGE_BYTES:
        logger.warning(
            "%s has %d MB, more than mail commonly carries: a filter or `max_traces` makes it less",
            target,
            size // 1_000_000,
        )
    if open_browser:
        webbrowser.open(target.as_uri())
    return target


def _write(target: Path, facts: ReportFacts, contents: ReportContents) -> int:
    if target.is_dir():
        raise ReportError(f"the report can't be written to {target}: it is a folder")
    try:
        return write_report(target, facts, contents)
    except FileNotFoundError as error:
        raise ReportError(
            f"the report can't be written to {target}: there is no folder {target.parent}"
        ) from error
    except StoreError:
        raise
    except OSError as error:
        raise ReportError(f"the report can't be written to {target}: {error.strerror}") from error


def _title(store: Store, experiment_names: Sequence[str] | None) -> str:
    if experiment_names and len(experiment_names) == 1:
        return experiment_names[0]
    folder = store.folder.parent if store.folder.name.startswith(".") else store.folder
    return folder.name or "tracekit"


def _traces(connection: "Connection", ids: Sequence[str]) -> Iterator[tuple[TraceSummary, Trace]]:
    for start in range(0, len(ids), _TRACES_AT_ONCE):
        some = ids[start : start + _TRACES_AT_ONCE]
        traces = {trace.trace_id: trace for trace in read_traces(connection, some)}
        for summary in read_trace_summaries(connection, some):
            yield summary, traces[summary.trace_id]


def _check_names(
    connection: "Connection", experiment_names: Sequence[str] | None, run_id: str | None
) -> None:
    """See that the run and the experiments that are asked for are there."""
    if run_id is not None and not read_runs(connection, [run_id]):
        raise NotFoundError(f"there is no run {run_id!r}: 'tracekit runs' lists them")
    for name in experiment_names or ():
        if not has_experiment(connection, name):
            raise NotFoundError(f"nothing was recorded in an experiment {name!r}")


def _runs(
    connection: "Connection", experiment_names: Sequence[str] | None, run_id: str | None
) -> list[Run]:
    return [
        run
        for run in read_runs(connection)
        if (experiment_names is None or run.info.experiment in experiment_names)
        and (run_id is None or run_id in {run.info.run_id, run.info.parent_run_id})
    ]


def _with_parts(connection: "Connection", runs: Sequence[Run]) -> Iterator[RunParts]:
    for start in range(0, len(runs), _RUNS_AT_ONCE):
        some = runs[start : start + _RUNS_AT_ONCE]
        histories = read_metric_histories(connection, [run.info.run_id for run in some])
        for run in some:
            files = read_artifacts(connection, run.info.run_id)
            yield run, histories.get(run.info.run_id, {}), files


def _blob(store: Store, sha256: str) -> bytes | None:
    try:
        return Artifacts(str(store.artifacts)).read(sha256)
    except ArtifactError:
        return None


def _with_progress(
    traces: Iterator[tuple[TraceSummary, Trace]], total: int
) -> Iterator[tuple[TraceSummary, Trace]]:
    """The same, with a bar where someone sits at a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:  # a disabled bar of older rich ends with an empty line
        yield from traces
        return
    columns = (TextColumn("Writing the report"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield from progress.track(traces, total=total)
