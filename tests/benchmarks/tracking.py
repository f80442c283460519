"""What logging costs, how fast a million metric points are read in, and how fast runs are found.

    python tests/benchmarks/tracking.py [--points 1000000] [--runs 1000] [--json FILE]

CPU and wall time of this process, threads included; the smallest of several repeats where a
repeat is possible. A cold search is one in a process that has pandas loaded and the store closed:
opened, ingested, searched, closed.
"""

import argparse
import json
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

import tracekit
from tracekit.store.store import open_store

METRICS = 20

Row = dict[str, Any]


def timed(name: str, unit: str, per: int, work: Callable[[], object], repeats: int = 5) -> Row:
    """CPU and wall time of `work`, divided by `per`."""
    scale = {"µs": 1e6, "ms": 1e3, "s": 1.0}[unit]
    cpu, wall = [], []
    for _ in range(repeats):
        cpu_began, wall_began = time.process_time(), time.perf_counter()
        work()
        cpu.append((time.process_time() - cpu_began) * scale / per)
        wall.append((time.perf_counter() - wall_began) * scale / per)
    return {"name": name, "unit": unit, "cpu": round(min(cpu), 3), "wall": round(min(wall), 3)}


def logging_rows(folder: Path) -> list[Row]:
    """Calls of the fluent API, in a run of its own."""
    tracekit.set_tracking_uri(folder / "logging")
    count, rows = 5_000, []
    ten = {f"metric_{number}": 0.5 for number in range(10)}

    def each(log: Callable[[int], None]) -> Callable[[], None]:
        return lambda: [log(number) for number in range(count)] and None

    with tracekit.start_run():
        for name, log in {
            "log_metric": lambda n: tracekit.log_metric("loss", n / 7, step=n),
            "log_metrics of 10": lambda n: tracekit.log_metrics(ten, step=n),
            "set_tag": lambda n: tracekit.set_tag("stage", n),
        }.items():
            rows.append(timed(name, "µs", count, each(log)))
        rows.append(timed("log_param", "µs", 1, lambda: tracekit.log_param("lr", 0.1), count))

    def whole_run() -> None:
        with tracekit.start_run():
            tracekit.log_params({"lr": 0.1, "layers": 3})
            tracekit.log_metrics({"loss": 0.5, "accuracy": 0.9})

    rows.append(timed("a run, 2 params and 2 metrics", "µs", 1, whole_run, 200))
    return rows


def log_runs(folder: Path, runs: int, points: int) -> None:
    """Runs of 20 metrics each, `points` values in all."""
    tracekit.set_tracking_uri(folder)
    steps = max(1, points // (runs * METRICS))
    for number in range(runs):
        with tracekit.start_run(run_name=f"run-{number}"):
            tracekit.log_params({"lr": number / 1000, "model": f"m{number % 7}"})
            for step in range(steps):
                values = {f"metric_{key}": key + step / 100 for key in range(METRICS)}
                tracekit.log_metrics(values, step=step)


def ingest() -> None:
    with open_store().reading():
        pass


def search_rows(folder: Path, runs: int, points: int) -> list[Row]:
    """Ingest once, then searches, each with the store opened and closed."""
    log_runs(folder, runs, points)
    what = f"{runs} runs x {METRICS} metrics, {points} points"
    return [
        timed(f"ingest of {what}", "s", 1, ingest, 1),
        timed(f"search_runs, {what}", "ms", 1, tracekit.search_runs),
        timed(
            f"search_runs, metric filter and order, 10 of {what}",
            "ms",
            1,
            lambda: tracekit.search_runs(
                filter_string="metrics.metric_3 > 1 AND params.model = 'm3'",
                order_by=["metrics.metric_7 DESC"],
                max_results=10,
            ),
        ),
    ]


def main() -> None:
    """Measure, print a table, write JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    runs, points = arguments.runs, arguments.points
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        rows = [
            *logging_rows(folder),
            *search_rows(folder / "few", runs, runs * METRICS),
            *search_rows(folder / "many", runs, points),
        ]
    width = max(len(row["name"]) for row in rows)
    print(f"{'':{width}}  {'CPU':>9} {'wall':>9}")
    for row in rows:
        print(f"{row['name']:{width}}  {row['cpu']:9.2f} {row['wall']:9.2f} {row['unit']}")
    if arguments.json:
        versions = {"python": platform.python_version(), "duckdb": duckdb.__version__}
        facts = {**versions, "pandas": pd.__version__, "platform": platform.platform()}
        arguments.json.write_text(json.dumps({"facts": facts, "rows": rows}, indent=2))


if __name__ == "__main__":
    main()
