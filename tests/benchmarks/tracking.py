"""What logging costs, how fast a million metric points are read in, and how fast runs are found.

    python tests/benchmarks/tracking.py [--points 1000000] [--runs 10,100,1000] [--peers none]

CPU and wall time of a process, threads included; the smallest of several repeats where a repeat
is possible. Before each search the store is closed: it is opened, what is new is read in, and
found; pandas is loaded already. MLflow keeps its store in SQLite, its default, and its connection
open.
"""

import argparse
import importlib
import itertools
import sqlite3
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import measuring
import peers

METRICS = 20
VALUES = {f"metric_{key}": key + 0.5 for key in range(METRICS)}
SCALES = {"µs": 1e6, "ms": 1e3, "s": 1.0}
Figures = dict[str, tuple[str, float, float]]
"""Unit, CPU and wall time, by what was done."""


def timed(
    unit: str, count: int, work: Callable[[], object], repeats: int
) -> tuple[str, float, float]:
    """The smallest CPU and wall time of a call of `work`."""
    cpu, wall = [], []
    for _ in range(repeats):
        began = time.process_time(), time.perf_counter()
        for _ in range(count):
            work()
        cpu.append((time.process_time() - began[0]) * SCALES[unit] / count)
        wall.append((time.perf_counter() - began[1]) * SCALES[unit] / count)
    return unit, min(cpu), min(wall)


def log_run(library: Any) -> None:
    with library.start_run():
        library.log_params({"lr": 0.1, "model": "m3"})
        library.log_metrics(VALUES)


def logging(library: Any, count: int) -> Figures:
    """Calls of the fluent API, which is the same in both."""
    steps = itertools.count()
    work: dict[str, Callable[[], object]] = {
        "log_metric": lambda: library.log_metric("loss", 0.5, step=next(steps)),
        "log_metrics of 20": lambda: library.log_metrics(VALUES, step=next(steps)),
        "set_tag": lambda: library.set_tag("stage", next(steps)),
        "log_param": lambda: library.log_param(f"p{next(steps)}", 0.1),
    }
    with library.start_run():
        figures = {name: timed("µs", count, one, 5) for name, one in work.items()}
    run = lambda: log_run(library)
    return figures | {"a run, 2 params and 20 metrics": timed("µs", max(1, count // 10), run, 5)}


def searching(library: Any, runs: int) -> Figures:
    def everything() -> None:
        assert len(library.search_runs(max_results=runs)) == runs

    def best() -> None:
        library.search_runs(
            filter_string="metrics.metric_3 > 1 AND params.model = 'm3'",
            order_by=["metrics.metric_7 DESC"],
            max_results=10,
        )

    return {
        f"search_runs, all of {runs:,}": timed("ms", 1, everything, 5),
        f"search_runs, filter and order, 10 of {runs:,}": timed("ms", 1, best, 5),
    }


def first_use(library: Any, uri: str) -> Figures:
    """From nothing to a run that was found."""

    def work() -> None:
        library.set_tracking_uri(uri)
        log_run(library)
        assert len(library.search_runs()) == 1

    return {"a new store: the first run logged and found": timed("ms", 1, work, 1)}


def measure(tool: str, options: argparse.Namespace, folder: Path) -> Figures:
    """All figures of a library, in its own environment."""
    importlib.import_module("pandas")  # before the clock runs; MLflow loads it with itself
    library = importlib.import_module(tool)
    if tool == "mlflow":
        return measure_mlflow(library, options, folder / "mlflow.db")
    figures = first_use(library, str(folder / "logging")) | logging(library, options.count)
    for runs in options.runs:
        library.set_tracking_uri(folder / str(runs))
        for _ in range(runs):
            log_run(library)
        figures |= searching(library, runs)
    return figures | points(library, options.points, folder / "points")


def points(tracekit: Any, count: int, folder: Path) -> Figures:
    """Many metric points in one run: logged, read in, and the run found again."""
    from tracekit.store.store import open_store

    def log() -> None:
        with tracekit.start_run():
            for step in range(count // METRICS):
                tracekit.log_metrics(VALUES, step=step)

    def read_in() -> None:
        with open_store().reading():
            pass

    tracekit.set_tracking_uri(folder)
    what = f"{count:,} points in one run"
    return {
        f"{what}: logged": timed("s", 1, log, 1),
        f"{what}: read into the database": timed("s", 1, read_in, 1),
        f"{what}: the run found": timed("ms", 1, tracekit.search_runs, 5),
    }


def measure_mlflow(mlflow: Any, options: argparse.Namespace, database: Path) -> Figures:
    figures, have = first_use(mlflow, f"sqlite:///{database}"), 1
    for runs in options.runs:
        copy_runs(database, runs - have)
        have = runs
        figures |= searching(mlflow, runs)
    return figures | logging(mlflow, max(1, options.count // 250))


def copy_runs(database: Path, count: int) -> None:
    """Copies of the newest run, row by row: through the API it would take minutes."""
    tables = ("runs", "params", "metrics", "latest_metrics", "tags")
    connection = sqlite3.connect(database)
    newest = "SELECT run_uuid FROM runs ORDER BY start_time DESC LIMIT 1"
    (source,) = connection.execute(newest).fetchone()
    for copy, table in itertools.product([uuid.uuid4().hex for _ in range(count)], tables):
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        kept = ", ".join(f"'{copy}'" if one == "run_uuid" else f'"{one}"' for one in columns)
        query = f"INSERT INTO {table} SELECT {kept} FROM {table} WHERE run_uuid = ?"
        connection.execute(query, (source,))
    connection.commit()
    connection.close()


def row(name: str, repeats: dict[str, list[Figures]]) -> measuring.Row:
    """One operation: the smallest of each tool, side by side, and how many times MLflow's is."""
    figures: measuring.Row = {"": name}
    for tool, results in repeats.items():
        if found := [one[name] for one in results if name in one]:
            unit, cpu, wall = found[0][0], *(min(one[at] for one in found) for at in (1, 2))
            figures |= {"unit": unit, f"{tool} CPU": cpu, f"{tool} wall": wall}
    if "mlflow CPU" in figures:
        figures["times, CPU"] = figures["mlflow CPU"] / figures["tracekit CPU"]
    return figures


def numbers(text: str) -> list[int]:
    return [int(one) for one in text.split(",")]


def main() -> None:
    parser = peers.parser(__doc__)
    parser.set_defaults(repeats=1)
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--runs", type=numbers, default="10,100,1000")
    parser.add_argument("--count", type=int, default=5_000, help="calls of each logging function")
    options = parser.parse_args()
    if options.inside:
        peers.stay_here()
        peers.answer(measure(options.inside, options, Path.cwd()))
    facts = measuring.machine()
    tools = ["tracekit", *peers.chosen(options.peers, ["mlflow"])]
    runs = ",".join(map(str, options.runs))
    counts = ("--points", options.points, "--runs", runs, "--count", options.count)
    results = peers.run_all(tools, __file__, options.repeats, *counts)
    rows = [row(name, results) for name in results["tracekit"][0]]
    measuring.publish({"Runs, metrics and search": rows}, facts, options.json)


if __name__ == "__main__":
    main()
