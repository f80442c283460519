"""What a killed program leaves of its spans, and what it costs until a span can't be lost.

    python tests/benchmarks/durability.py [--peers none] [--repeats 1] [--rounds 7] [--calls 50]

Three calls are made and flushed, then ten more; in the last way to end, the program is killed
while an eleventh runs. Langfuse and OpenInference write to a file behind their own batch
processor, which stands for the service that they would send to.
"""

import argparse
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import measuring
import peers
import setups
import transport

ENDS: dict[str, Callable[[], object]] = {
    "SIGKILL": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "SIGTERM": lambda: os.kill(os.getpid(), signal.SIGTERM),
    "os._exit": lambda: os._exit(0),
    "normal exit": lambda: None,
    "SIGKILL in a call": lambda: None,
}


def program(tool: str, end: str, folder: Path) -> None:
    """The program that ends so."""
    setup = setups.set_up(tool, setups.DURABLE, folder)
    client = transport.client()
    setup.turn(True)
    for _ in range(3):
        transport.plain(client)
    setup.flush()
    for _ in range(10):
        transport.plain(client)
    if end == "SIGKILL in a call":
        transport.plain(transport.client(ENDS["SIGKILL"]))
    ENDS[end]()


def kills(tool: str, options: argparse.Namespace) -> measuring.Row:
    """How many of the spans each way to end leaves; two at once, for nothing is timed here."""
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(ENDS, pool.map(partial(kill, tool, options.patience), ENDS), strict=True))


def kill(tool: str, patience_s: int, end: str) -> str:
    folder = Path.cwd() / end
    folder.mkdir()
    command = [sys.executable, "-W", "ignore", __file__, "--inside", tool, "--end", end]
    late = ""
    try:
        subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=patience_s)
    except subprocess.TimeoutExpired:
        late = f", did not end in {patience_s} s"
    ended, running = left(folder)
    return f"{ended} of 13" + (f", {running} open" if running else "") + late


def left(folder: Path) -> tuple[int, int]:
    """Spans that had ended, and spans that were running, in what the tool has written."""
    if (database := folder / "mlflow.db").exists():
        return counted(database, "end_time_unix_nano")
    if (spans := folder / "spans").exists():
        return len(spans.read_bytes().splitlines()), 0
    return read_store(folder / "store")


def counted(database: Path, end: str) -> tuple[int, int]:
    with sqlite3.connect(database) as connection:
        query = f"SELECT count({end}), count(*) FROM spans"
        ended, both = connection.execute(query).fetchone()
    return ended, both - ended


def read_store(store: Path) -> tuple[int, int]:
    """As whoever asks tracekit sees it."""
    if not store.exists():
        return 0, 0
    from tracekit.store.store import open_store

    with open_store(store).reading() as connection:
        query = "SELECT count(end_time), count(*) FROM spans"
        ended, both = connection.execute(query).fetchall()[0]
    return ended, both - ended


def cost(tool: str, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """CPU microseconds of each round until what a call records is durable."""
    client = transport.client()
    transport.plain(client)
    setup = setups.set_up(tool, setups.DURABLE, folder)
    call = partial(transport.plain, client)
    return {**setup.rounds(call, call, options.calls, options.rounds), "goes to": setup.goes_to}


def cost_rows(results: dict[str, list[dict[str, Any]]]) -> list[measuring.Row]:
    rows = []
    for tool, repeats in results.items():
        row = measuring.added_row(peers.with_version(tool), repeats)
        rows.append({"": row.pop(""), "durable in": repeats[0]["goes to"], **row})
    mlflow = [row["added µs"] for row in rows if row[""].startswith("mlflow")]
    for row in rows if mlflow else []:
        row["MLflow costs, times"] = mlflow[0] / row["added µs"]
    return rows


def main() -> None:
    parser = peers.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--calls", type=int, default=50)
    parser.add_argument("--patience", type=int, default=60, help="seconds for a normal end")
    parser.add_argument("--kills", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--end", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        peers.stay_here()
        if options.end:
            return program(options.inside, options.end, Path.cwd())
        if options.kills:
            peers.answer(kills(options.inside, options))
        peers.answer(cost(options.inside, options, Path.cwd()))
    facts = measuring.machine()
    offered = setups.tools_for(setups.DURABLE)
    tools = [*(one for one in offered if one in peers.OURS), *peers.chosen(options.peers, offered)]
    counts = ("--rounds", options.rounds, "--calls", options.calls)
    survived = [
        {"": peers.with_version(tool), **row}
        for tool in tools
        if tool not in {"bare", "tracekit, read"}
        if (row := peers.run(tool, __file__, "--kills", "--patience", options.patience))
    ]
    results = peers.run_all(tools, __file__, options.repeats, *counts)
    tables = {
        "Spans left of 13 calls": survived,
        "CPU of an autologged call until its span is durable": cost_rows(results),
    }
    measuring.publish(tables, facts, options.json)


if __name__ == "__main__":
    main()
