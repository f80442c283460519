"""Programs that end in every way there is, and what they say of the spans that they had ended.

A program calls `work()` for a span of its own, and tells its ids only once it has ended.
"""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tracekit.store.store import Store

Ids = tuple[str, str]
"""Of a trace and a span."""

_PRELUDE = """
import faulthandler, os, resource, signal, sys, threading, time
faulthandler.dump_traceback_later(60, exit=True)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
import tracekit
def work(name="work"):
    with tracekit.start_span(name) as span:
        span.set_outputs({"answer": 42})
    os.write(1, f"{span.trace_id} {span.span_id}\\n".encode())
def end_with(number):
    os.kill(os.getpid(), number)
    time.sleep(30)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a program ended."""

    code: int
    told: list[Ids]
    complaint: str
    """What it wrote to stderr."""


def program(code: str) -> str:
    """The text of a program that does what `code` says."""
    return f"{_PRELUDE}{code}"


def start_program(store: Store, *command: str | Path) -> subprocess.Popen[str]:
    """A Python process that records into that store, in a group of its own."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TRACEKIT_")}
    return subprocess.Popen(
        [sys.executable, *command],
        env={**kept, "TRACEKIT_TRACKING_URI": str(store.folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run_program(store: Store, code: str) -> Ended:
    """Run a program to its end."""
    return ended(start_program(store, "-c", program(code)))


def ended(process: subprocess.Popen[str]) -> Ended:
    """Wait for its end and that of all who have its output, 100 s at most."""
    try:
        output, complaint = process.communicate(timeout=100)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, complaint = process.communicate()
        raise AssertionError(f"hangs: {complaint}") from None
    return Ended(code=process.returncode, told=_ids(output), complaint=complaint)


def _ids(output: str) -> list[Ids]:
    pairs = [line.split() for line in output.splitlines()]
    return [(trace_id, span_id) for trace_id, span_id in pairs]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a reader finds in a store."""

    ended: list[Ids]
    running: list[str]
    """Names of unfinished spans whose process runs."""
    gone: list[str]
    """Names of unfinished spans whose process does not."""

    def has_once(self, told: list[Ids]) -> bool:
        """Whether all those are there, and nothing twice."""
        return len(self.ended) == len(set(self.ended)) and set(told) <= set(self.ended)


def found(store: Store) -> Found:
    """All spans of the store."""
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT trace_id, span_id, name, end_time IS NOT NULL, process_gone FROM spans "
            "ORDER BY start_time"
        ).fetchall()
    return Found(
        ended=[(trace_id, span_id) for trace_id, span_id, _, is_ended, _ in rows if is_ended],
        running=[name for *_, name, is_ended, is_gone in rows if not (is_ended or is_gone)],
        gone=[name for *_, name, is_ended, is_gone in rows if is_gone and not is_ended],
    )
