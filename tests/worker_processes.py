"""Processes to be killed: forked from one that has imported everything, so that many are cheap.

A worker does what a test asks over a socket: one of the functions below, by name. Its arguments
and its answer are JSON.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_TIMEOUT_S = 30


class Workers:
    """The process that forks, and the workers it has forked so far."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair()
        self._control.settimeout(_TIMEOUT_S)
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115  closed in `stop`
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stderr=self._complaints,
            env={k: v for k, v in os.environ.items() if not k.startswith(("TRACEKIT_", "OTEL_"))},
        )
        theirs.close()

    def fork(self, folder: Path) -> "Worker":
        """A new process that records into the store in that folder."""
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self._control, [os.fsencode(folder)], [theirs.fileno()])
        return Worker(int(self._control.recv(100)), ours, self._wait)

    def _wait(self, pid: int) -> int:
        self._control.send(str(pid).encode())
        return int(self._control.recv(100))

    def stop(self) -> str:
        """End all. Gives what they wrote to stderr."""
        self._control.close()
        self._process.wait(_TIMEOUT_S)
        with self._complaints:
            self._complaints.seek(0)
            return self._complaints.read().decode()


class Worker:
    """One forked process."""

    def __init__(self, pid: int, connection: socket.socket, wait: Callable[[int], int]) -> None:
        connection.settimeout(_TIMEOUT_S)
        self.pid = pid
        self._asked, self._answers = connection.makefile("w"), connection.makefile("r")
        self._connection = connection
        self._wait = wait

    def do(self, what: str, *arguments: Any) -> Any:
        """Its answer; None if it was killed while it did that."""
        self.ask(what, *arguments)
        return self.answer()

    def ask(self, what: str, *arguments: Any) -> None:
        """Have it do something while others do other things."""
        self._asked.write(json.dumps([what, *arguments]) + "\n")
        self._asked.flush()

    def answer(self) -> Any:
        """What comes of the thing that it was asked first."""
        answer = self._answers.readline()
        return json.loads(answer) if answer else None

    def kill(self) -> int:
        """Its exit code, once it is gone: it is killed unless it has ended."""
        os.kill(self.pid, signal.SIGKILL)
        return self.gone()

    def leave(self) -> int:
        """Its exit code after it has left as a program does that is through."""
        self.ask("leave")
        return self.gone()

    def gone(self) -> int:
        """Its exit code."""
        code = self._wait(self.pid)
        with contextlib.suppress(OSError):  # what it was asked last may not have reached it
            self._asked.close()
        self._answers.close()
        self._connection.close()
        return code


@contextlib.contextmanager
def forking_workers() -> Iterator[Workers]:
    """For the block; then none of them may have complained."""
    workers = Workers()
    try:
        yield workers
    finally:
        complaints = workers.stop()
    assert complaints == ""


Key = list[str]
"""The ids of a trace and a span, as JSON has it."""


def main(control: socket.socket) -> None:
    """Fork whenever asked to, until the other end is closed."""
    import tracekit
    import tracekit.store.reading
    from tracekit.store import failpoint, ingest, schema, spool
    from tracekit.store.schema import Migration
    from tracekit.store.store import open_store

    known = schema.migrations()
    open_spans: dict[str, Any] = {}

    def key(span: Any) -> Key:
        return [span.trace_id, span.span_id]

    def start(name: str) -> Key:
        block = tracekit.start_span(name)
        span = block.__enter__()
        open_spans[span.span_id] = block
        return key(span)

    def end(span_id: str) -> None:
        open_spans.pop(span_id).__exit__(None, None, None)

    def work(count: int) -> list[Key]:
        """Spans that have ended."""
        spans: list[Any] = []
        for index in range(count):
            with tracekit.start_span(f"work {index}") as span:
                span.set_outputs({"index": index})
            spans.append(span)
        return [key(span) for span in spans]

    def fork(count: int) -> list[list[Key]]:
        """The spans that a child ended, and those that it left open when it was gone."""
        receiving, sending = os.pipe()
        pid = os.fork()
        if pid == 0:
            signal.alarm(_TIMEOUT_S)
            os.write(sending, json.dumps([work(count), [start("left open")]]).encode())
            os._exit(0)
        os.close(sending)
        with open(receiving, "rb") as stream:
            answer = json.load(stream)
        os.waitpid(pid, 0)
        return answer

    def rotate() -> None:
        """Have the next record begin a new file."""
        for writer in spool._spools:
            writer._size = spool.ROTATE_BYTES + 1

    def begin_run(name: str) -> str:
        return tracekit.start_run(run_name=name).info.run_id

    def read(armed: str = "", newer: int = 0, block_records: int = 20) -> list[list[Any]]:
        """Ids of each span, whether it has ended, and whether its process is gone."""
        failpoint.arm(armed)
        ingest.BLOCK_RECORDS = block_records
        more = tuple(Migration(len(known) + number, "SELECT 1") for number in range(1, newer + 1))
        schema.migrations = lambda: (*known, *more)
        with open_store().reading(timeout_s=_TIMEOUT_S) as connection:
            return connection.execute(
                "SELECT trace_id, span_id, end_time IS NOT NULL, process_gone FROM spans"
            ).fetchall()

    def runs() -> dict[str, str]:
        """The status of each run, by its name."""
        with open_store().reading(timeout_s=_TIMEOUT_S) as connection:
            return dict(connection.execute("SELECT name, status FROM runs").fetchall())

    tasks = {
        task.__name__: task for task in (start, end, work, fork, rotate, begin_run, read, runs)
    }

    def serve(folder: str, connection: socket.socket) -> None:
        signal.alarm(10 * _TIMEOUT_S)
        tracekit.set_tracking_uri(folder)
        answers = connection.makefile("w")
        for line in connection.makefile("r"):
            what, *arguments = json.loads(line)
            if what == "leave":
                sys.exit()
            answers.write(json.dumps(tasks[what](*arguments)) + "\n")
            answers.flush()

    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 10_000, 1)
        if not message:
            return
        if not descriptors:
            _, status = os.waitpid(int(message), 0)
            control.send(str(os.waitstatus_to_exitcode(status)).encode())
            continue
        pid = os.fork()
        if pid == 0:
            control.close()
            serve(os.fsdecode(message), socket.socket(fileno=descriptors[0]))
            return
        os.close(descriptors[0])
        control.send(str(pid).encode())


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
