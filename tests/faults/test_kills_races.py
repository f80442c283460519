"""What happens at the very moment when a file is closed, begun anew or looked at is not lost."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tracekit.store import spool, spool_files
from tracekit.store.spool import Spool
from tracekit.store.store import Store, open_store

SPAN = {"kind": "span", "trace_id": "a" * 32, "name": "work", "start_ns": 1, "end_ns": 2}


def ended(number: int) -> dict[str, object]:
    return {**SPAN, "span_id": f"{number + 1:016x}"}


def count(store: Store) -> int:
    with store.reading() as connection:
        return connection.execute("SELECT count(DISTINCT span_id) FROM spans").fetchall()[0][0]


def test_what_a_process_wrote_last_is_read_though_it_died_during_the_survey(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Spool(store.spool_folder)
    writer.append(ended(0))
    assert count(store) == 1
    is_held = spool_files._is_held

    def held_after_a_last_word(path: Path) -> bool:
        writer.append(ended(1))
        writer.after_fork()  # closes the file as the end of a process does
        return is_held(path)

    monkeypatch.setattr(spool_files, "is_running", lambda _: False)
    monkeypatch.setattr(spool_files, "_is_held", held_after_a_last_word)
    assert count(store) == 2
    assert list(store.spool_folder.iterdir()) == []


def write_from_threads(writer: Spool, disturb: threading.Event) -> int:
    """How many records four threads write until they are disturbed no longer."""
    written: list[int] = []

    def work(first: int) -> None:
        number = first
        while not disturb.is_set():
            assert writer.append(ended(number))
            written.append(number)
            number += 4

    threads = [threading.Thread(target=work, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(written)


@pytest.mark.parametrize("disturbance", ["rotate", "close"])
def test_threads_lose_nothing_while_files_are_closed_and_begun(
    store: Store, monkeypatch: pytest.MonkeyPatch, disturbance: str
) -> None:
    writer, done = Spool(store.spool_folder), threading.Event()
    if disturbance == "rotate":
        monkeypatch.setattr(spool, "ROTATE_BYTES", 20_000)
    foreign = store.folder / "foreign"

    def disturb() -> None:
        for _ in range(30):
            if disturbance == "close":
                writer.close()
            with foreign.open("ab"):  # takes the number of any descriptor that was freed
                done.wait(0.001)
        done.set()

    store.folder.mkdir(parents=True)
    disturber = threading.Thread(target=disturb)
    disturber.start()
    written = write_from_threads(writer, done)
    disturber.join()
    assert (writer.dropped, foreign.read_bytes()) == (0, b"")
    assert count(store) == written


def test_a_file_goes_on_if_no_new_one_can_be_begun(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Spool(store.spool_folder)
    writer.append(ended(0))
    monkeypatch.setattr(spool, "ROTATE_BYTES", 100)
    monkeypatch.setattr(spool, "_OPEN_FLAGS", os.O_WRONLY | os.O_EXCL | os.O_DIRECTORY)
    assert all(writer.append(ended(number)) for number in range(1, 5))
    assert (writer.dropped, count(store)) == (0, 5)


AT_EXIT = """
import atexit, sys, threading, time, tracekit
from tracekit.store.store import open_store
def read(when):
    with tracekit.start_span(when):
        pass
    with open_store().reading() as connection:
        print(when, *connection.execute("SELECT count(*) FROM spans").fetchone())
def late():
    threading.main_thread().join()
    read("thread")
threading.Thread(target=late).start()
atexit.register(read, "exit")
"""


def test_the_store_can_be_read_while_the_interpreter_ends(store: Store) -> None:
    done = subprocess.run(
        [sys.executable, "-c", AT_EXIT],
        env={**os.environ, "TRACEKIT_TRACKING_URI": str(store.folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("thread 1\nexit 2\n", "")


def test_a_database_half_made_is_made_anew(store: Store) -> None:
    store.folder.mkdir(parents=True)
    half = store.database.with_name("tracekit.duckdb.new")
    half.write_bytes(b"half a header")
    Spool(store.spool_folder).append(ended(0))
    assert count(store) == 1
    assert not half.exists()
    assert store.database.stat().st_mode & 0o777 == 0o600


def test_a_log_whose_database_was_taken_away_is_kept_aside(store: Store) -> None:
    store.folder.mkdir(parents=True)
    store.database.with_name("tracekit.duckdb.wal").write_bytes(b"a log")
    assert count(open_store(store.folder)) == 0
    (kept,) = store.folder.glob("*.wal.corrupt-*")
    assert kept.read_bytes() == b"a log"
