"""Whatever is killed when: each record is stored exactly once."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tracekit.store.store import Store, open_store

WRITE = """
import os, signal, sys, time
from tracekit.store.store import open_store
number, spans = int(sys.argv[2]), int(sys.argv[3])
spool = open_store(sys.argv[1]).spool()
now = time.time_ns()
for index in range(spans):
    ids = {"trace_id": f"{number:032x}", "span_id": f"{index + 1:016x}", "name": "work"}
    spool.append({"kind": "start", **ids, "start_ns": now + index})
    spool.append({"kind": "span", **ids, "start_ns": now + index, "end_ns": now + index + 5})
spool.append({"kind": "start", "trace_id": f"{number:032x}", "span_id": "f" * 16,
              "name": "running", "start_ns": now})
os.kill(os.getpid(), signal.SIGKILL)
"""

READ = """
import sys
from tracekit.store import ingest
from tracekit.store.store import open_store
ingest.BLOCK_RECORDS = 100
with open_store(sys.argv[1]).reading(timeout_s=60) as connection:
    print(*connection.execute("SELECT count(*) FROM store.span").fetchone())
"""


def run(code: str, *arguments: object, failpoint: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, "TRACEKIT_FAILPOINT": failpoint},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def stored(store: Store) -> tuple[int, int, int]:
    """Ended spans, different ones among them, and unfinished ones of a process that is gone."""
    with store.reading() as connection:
        row = connection.execute(
            "SELECT count(*) FILTER (end_time IS NOT NULL), count(DISTINCT (trace_id, span_id)) "
            "FILTER (end_time IS NOT NULL), count(*) FILTER (process_gone) FROM spans"
        ).fetchone()
    assert row is not None
    return row


def test_a_killed_program_loses_no_ended_span(store: Store) -> None:
    written = run(WRITE, store.folder, 1, 300)
    assert written.returncode == -signal.SIGKILL
    assert stored(store) == (300, 300, 1)


@pytest.mark.parametrize(
    "failpoint",
    [
        *("migrate", "before_commit", "before_commit:3", "after_commit", "after_commit:3"),
        *("before_checkpoint", "before_unlink", "settled"),
    ],
)
def test_a_reader_killed_anywhere_leaves_each_record_once(store: Store, failpoint: str) -> None:
    run(WRITE, store.folder, 1, 400)
    killed = run(READ, store.folder, failpoint=failpoint)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert stored(store) == (400, 400, 1)
    assert list(store.spool_folder.iterdir()) == []


def test_writers_and_readers_at_once_lose_and_double_nothing(store: Store) -> None:
    commands = [
        *([sys.executable, "-c", WRITE, str(store.folder), str(n), "200"] for n in range(1, 5)),
        *([sys.executable, "-c", READ, str(store.folder)] for _ in range(3)),
    ]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for command in commands
    ]
    for process in processes:
        _, complaint = process.communicate(timeout=90)
        assert process.returncode in {0, -signal.SIGKILL}, complaint
    assert stored(store) == (800, 800, 4)


FULL = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_200_000, 1_200_000))
"""


def test_a_full_disk_is_one_sentence_and_loses_nothing(store: Store) -> None:
    assert stored(store) == (0, 0, 0)
    run(WRITE, store.folder, 1, 20_000)
    refused = run(FULL + READ, store.folder)
    assert refused.returncode == 1
    assert "StoreError: " in refused.stderr.splitlines()[-1], refused.stderr
    assert stored(store) == (20_000, 20_000, 1)


AS_NOBODY = """
import os
import tracekit.store.reading
tracekit.store.schema.migrations()  # whatever is on disk may be out of reach afterwards
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
"""


def test_a_store_that_may_only_be_read_is_still_read() -> None:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders are for its user alone
        store = open_store(Path(folder) / "archive")
        run(WRITE, store.folder, 1, 10)
        assert stored(store) == (10, 10, 1)
        Path(folder).chmod(0o755)
        store.database.chmod(0o444)
        store.folder.chmod(0o555)
        done = run(AS_NOBODY + READ, store.folder)
        store.folder.chmod(0o755)
    assert (done.stdout, done.returncode) == ("10\n", 0), done.stderr
    assert "is read-only" in done.stderr


def test_a_store_that_may_not_even_be_read_is_one_sentence() -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "private")
        run(WRITE, store.folder, 1, 10)
        assert stored(store) == (10, 10, 1)
        Path(folder).chmod(0o755)
        store.folder.chmod(0o555)
        store.database.chmod(0)
        done = run(AS_NOBODY + READ, store.folder)
        store.folder.chmod(0o755)
    assert "StoreError" in done.stderr
    assert "can't be read: permission denied" in done.stderr
