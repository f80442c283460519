"""Tables of traces, runs and query results."""

import json
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.text import Text

from tracekit.model import Run, TraceSummary
from tracekit.terminal.grid import Column, Grid
from tracekit.terminal.messages import gist
from tracekit.terminal.numbers import UNKNOWN, age, cost_column, duration, metric, timestamp, tokens
from tracekit.terminal.output import is_terminal, one_line

_STYLES = {
    **dict.fromkeys(("OK", "UNSET", "FINISHED"), "dim"),
    **dict.fromkeys(("ERROR", "FAILED", "KILLED"), "bold red"),
    "UNFINISHED": "yellow",
    "RUNNING": "cyan",
}
_TRACE_DIGITS = 16  # twelve of them are the time, in ids that tracekit makes
_RUN_DIGITS = 8
_NAME_WIDTH = 24
_WIDE = 100
_MOST_KEYS = 4
"""Params or metrics that a terminal has room for; piped, all are shown."""


def status_text(text: str) -> Text:
    """A status, loud only where it is bad."""
    return Text(text, style=_STYLES.get(text, ""))


def moment(ns: int) -> str:
    """How long ago for people; a time in UTC when piped."""
    if not is_terminal():
        return timestamp(ns)
    past = age(ns, time.time_ns())
    return past if past == "now" else f"{past} ago"


def short_id(text: str, digits: int) -> str:
    """An id as people need it: enough digits to name it, all of them when piped."""
    return text[:digits] if is_terminal() else text


def trace_table(traces: Sequence[TraceSummary]) -> Grid:
    """Traces, one a line; a narrow terminal is spared the tokens."""
    is_narrow = is_terminal() and shutil.get_terminal_size().columns < _WIDE
    columns = (
        Column("trace"),
        Column("started"),
        Column("status"),
        Column("duration", "right"),
        *(() if is_narrow else (Column("tokens", "right"),)),
        Column("cost", "right"),
        Column("name"),
        Column("input", flexible=True),
    )
    costs = cost_column([trace.cost_usd for trace in traces])
    return Grid(
        columns,
        (
            (
                short_id(trace.trace_id, _TRACE_DIGITS),
                moment(trace.start_ns),
                status_text(trace.status),
                duration(trace.duration_ns),
                *(() if is_narrow else (_tokens(trace),)),
                cost,
                _name(trace.name),
                _preview(trace),
            )
            for trace, cost in zip(traces, costs, strict=True)
        ),
    )


def _tokens(trace: TraceSummary) -> str:
    if trace.input_tokens is None and trace.output_tokens is None:
        return UNKNOWN
    return f"{tokens(trace.input_tokens)} → {tokens(trace.output_tokens)}"


def _name(recorded: str) -> Text:
    name = one_line(recorded)
    if is_terminal():
        name.truncate(_NAME_WIDTH, overflow="ellipsis")
    return name


def _preview(trace: TraceSummary) -> Text:
    if trace.status == "ERROR" and trace.error_type:
        return one_line(trace.error_type)
    return one_line(gist(trace.input)) if trace.input else Text(UNKNOWN)


def run_table(runs: Sequence[Run]) -> Grid:
    """Runs, one a line, with the params and metrics that most of them have."""
    params = _common_keys(run.data.params for run in runs)
    metrics = _common_keys(run.data.metrics for run in runs)
    columns = (
        *map(Column, ("run", "name", "experiment", "started", "status")),
        Column("duration", "right"),
        *(Column(one_line(key).plain) for key in params),
        *(Column(one_line(key).plain, "right") for key in metrics),
    )
    return Grid(
        columns,
        (
            (
                short_id(run.info.run_id, _RUN_DIGITS),
                one_line(run.info.run_name),
                one_line(run.info.experiment),
                moment(run.info.start_time * 1_000_000),
                status_text(run.info.status),
                _run_duration(run),
                *(one_line(run.data.params.get(key, UNKNOWN)) for key in params),
                *(metric(run.data.metrics.get(key)) for key in metrics),
            )
            for run in runs
        ),
    )


def _run_duration(run: Run) -> str:
    if run.info.end_time is None:
        return UNKNOWN
    ms = run.info.end_time - run.info.start_time
    return duration(ms * 1_000_000) if ms else "<1 ms"


def _common_keys(keyed: Iterable[Mapping[str, Any]]) -> list[str]:
    counts = Counter(key for keys in keyed for key in keys)
    most = counts.most_common(_MOST_KEYS if is_terminal() else None)
    return sorted(key for key, _ in most)


def sql_table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Grid:
    """What a query gave."""
    numeric = [any(isinstance(row[at], int | float) for row in rows) for at in range(len(names))]
    columns = [
        Column(one_line(name).plain, "right" if is_number else "left")
        for name, is_number in zip(names, numeric, strict=True)
    ]
    return Grid(columns, ([one_line(_cell(value)) for value in row] for row in rows))


def _cell(value: Any) -> str:
    match value:
        case None:
            return "NULL"
        case bool() | str() | int():
            return str(value)
        case float():
            return f"{value:.6g}" if is_terminal() else repr(value)
        case datetime():
            return value.isoformat(sep=" ")
        case dict() | list() | tuple():
            return json.dumps(value, ensure_ascii=False, default=str)
        case _:
            return str(value)
