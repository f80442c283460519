"""Whatever is killed when: each record is stored exactly once."""

import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from worker_processes import Workers, forking_workers

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


def run(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
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


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    with forking_workers() as workers:
        yield workers


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """To be copied, since it takes five times as long to make one as to read one."""
    store = open_store(tmp_path_factory.mktemp("empty"))
    with store.reading():
        return store.database


def killed_writer(workers: Workers, store: Store) -> list[list[Any]]:
    """A process that wrote two files and was killed: its spans as a reader has to show them."""
    writer = workers.fork(store.folder)
    ended = writer.do("work", 20)
    running = writer.do("start", "running")
    writer.do("rotate")
    ended += writer.do("work", 20)
    assert writer.kill() == -signal.SIGKILL
    return sorted([*([*key, True, False] for key in ended), [*running, False, True]])


def read(workers: Workers, store: Store, place: str = "", newer: int = 0) -> list[list[Any]] | None:
    """What a reader finds; None if it was killed at that place."""
    reader = workers.fork(store.folder)
    rows = reader.do("read", place, newer)
    assert (reader.gone() if rows is None else reader.leave()) == (0 if rows else -signal.SIGKILL)
    return sorted(rows) if rows else None


@pytest.mark.parametrize("place", ["created", "migrate", "migrated"])
def test_a_reader_killed_while_it_makes_the_database_loses_nothing(
    workers: Workers, store: Store, place: str
) -> None:
    spans = killed_writer(workers, store)
    assert read(workers, store, place) is None
    assert read(workers, store) == spans


@pytest.mark.parametrize(
    "place",
    [
        *("before_commit", "before_commit:3", "after_commit", "after_commit:3", "settled"),
        *("before_checkpoint", "before_unlink", "set_aside", "set_aside:2", "unlinked"),
    ],
)
def test_a_reader_killed_anywhere_leaves_each_record_once(
    workers: Workers, store: Store, empty_database: Path, place: str
) -> None:
    spans = killed_writer(workers, store)
    shutil.copy(empty_database, store.database)
    assert read(workers, store, place) is None
    assert read(workers, store) == spans
    assert list(store.spool_folder.iterdir()) == []


@pytest.mark.parametrize("place", ["copying", "copied", "migrate", "migrated", "before_commit"])
def test_a_reader_killed_while_it_migrates_loses_nothing(
    workers: Workers, store: Store, empty_database: Path, place: str
) -> None:
    spans = killed_writer(workers, store)
    shutil.copy(empty_database, store.database)
    assert read(workers, store, place, newer=1) is None
    assert read(workers, store, newer=1) == spans


def test_writers_and_readers_at_once_lose_and_double_nothing(
    workers: Workers, store: Store
) -> None:
    writers = [workers.fork(store.folder) for _ in range(4)]
    readers = [workers.fork(store.folder) for _ in range(3)]
    for _ in range(3):
        for writer in writers:
            writer.ask("work", 50)
        for reader in readers:
            reader.ask("read")
    ended = [key for writer in writers for _ in range(3) for key in writer.answer()]
    seen = [reader.answer() for reader in readers for _ in range(3)]
    for worker in (*writers, *readers):
        worker.kill()
    expected = {(*key, True, False) for key in ended}
    assert all({tuple(row) for row in rows if row[2]} <= expected for rows in seen)
    assert sorted(read(workers, store) or []) == sorted(map(list, expected))


FULL = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_200_000, 1_200_000))
"""


def test_a_full_disk_is_one_sentence_and_loses_nothing(store: Store) -> None:
    assert stored(store) == (0, 0, 0)
    run(WRITE, store.folder, 1, 8_000)
    refused = run(FULL + READ, store.folder)
    assert refused.returncode == 1
    assert "StoreError: " in refused.stderr.splitlines()[-1], refused.stderr
    assert stored(store) == (8_000, 8_000, 1)


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
