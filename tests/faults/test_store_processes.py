"""Many processes at one store: nobody loses, nobody doubles, who has to wait learns for whom."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tracekit.store.connection import start_engine
from tracekit.store.lock import locked
from tracekit.store.store import Store

WRITE = """
import os, sys, time
from tracekit.store.store import open_store
spool = open_store(sys.argv[1]).spool()
number = int(sys.argv[2])
for index in range(200):
    ids = {"trace_id": f"{number:032x}", "span_id": f"{index + 1:016x}", "name": "work"}
    now = time.time_ns()
    spool.append({"kind": "start", **ids, "start_ns": now})
    spool.append({"kind": "span", **ids, "start_ns": now, "end_ns": now,
                  "attributes": {"gen_ai.operation.name": "chat",
                                 "gen_ai.usage.input_tokens": index}})
    spool.append({"kind": "metrics", "run_id": f"r{number}", "at_ns": now, "step": index,
                  "values": {"n": index}, "seq": index})
"""

READ = """
import sys
from tracekit.store.store import open_store
with open_store(sys.argv[1]).reading(timeout_s=100) as connection:
    row = connection.execute(
        "SELECT count(*), count(DISTINCT (trace_id, span_id)) FROM spans").fetchone()
    assert row[0] == row[1], row
    (number,) = connection.execute("SELECT max(number) FROM store.migration").fetchone()
    print(number)
"""


def run_all(*commands: Iterable[object]) -> list[str]:
    """What each of them printed; all run at once, and none may fail."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", *map(str, command)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for command in commands
    ]
    printed: list[str] = []
    for process in processes:
        out, complaint = process.communicate(timeout=110)
        assert process.returncode == 0, complaint
        printed.append(out.strip())
    return printed


def sums(store: Store) -> list[tuple[int, ...]]:
    with store.reading() as connection:
        return connection.execute(
            "SELECT count(*), count(DISTINCT (trace_id, span_id)), sum(input_tokens)::BIGINT, "
            "(SELECT count(*) FROM metrics), (SELECT sum(value)::BIGINT FROM metrics) FROM spans"
        ).fetchall()


def test_writers_and_readers_at_once_keep_every_sum(store: Store) -> None:
    writers = [(WRITE, store.folder, number) for number in range(1, 5)]
    readers = [(READ, store.folder) for _ in range(3)]
    run_all(*writers, *readers)
    assert sums(store) == [(800, 800, 4 * 19_900, 800, 4 * 19_900)]


@pytest.mark.slow
def test_sixteen_processes_that_write_and_ingest_keep_every_sum(store: Store) -> None:
    both = [(WRITE + READ, store.folder, number) for number in range(1, 17)]
    run_all(*both)
    assert sums(store) == [(3_200, 3_200, 16 * 19_900, 3_200, 16 * 19_900)]


@pytest.mark.slow
def test_sixteen_first_opens_of_a_new_store_make_one_schema(store: Store) -> None:
    store.folder.mkdir()
    answers = run_all(*[(READ, store.folder) for _ in range(16)])
    assert len(set(answers)) == 1
    with store.reading() as connection:
        rows = connection.execute("SELECT number FROM store.migration").fetchall()
    assert [number for (number,) in sorted(rows)] == list(range(1, int(answers[0]) + 1))


NEXT = """
from tracekit.store import schema
known = schema.migrations()
added = schema.Migration(known[-1].number + 1, "ALTER TABLE store.meta ADD COLUMN note VARCHAR")
schema.migrations = lambda: (*known, added)
"""


def test_starters_of_a_newer_version_migrate_once_and_the_older_one_is_told(store: Store) -> None:
    run_all((WRITE, store.folder, 1))
    (before,) = run_all((READ, store.folder))
    after = run_all(*[(NEXT + READ, store.folder) for _ in range(4)])
    assert set(after) == {str(int(before) + 1)}
    assert [path.name for path in store.folder.glob("*.schema-*")] == [
        f"tracekit.duckdb.schema-{before}"
    ]
    with start_engine(store.database) as engine, engine.reading() as connection:
        rows = connection.execute("SELECT number FROM store.migration ORDER BY 1").fetchall()
    assert [number for (number,) in rows] == list(range(1, int(before) + 2))
    content = store.database.read_bytes()
    with pytest.raises(OSError, match="upgrade with: pip install --upgrade tracekit"):
        sums(store)
    assert store.database.read_bytes() == content


@pytest.mark.parametrize("failpoint", ["copied", "migrate"])
def test_a_migration_killed_half_way_is_begun_anew(store: Store, failpoint: str) -> None:
    run_all((WRITE, store.folder, 1), (WRITE, store.folder, 2))
    (before,) = run_all((READ, store.folder))
    killed = subprocess.run(
        [sys.executable, "-c", NEXT + READ, store.folder],
        env={**os.environ, "TRACEKIT_FAILPOINT": failpoint},
        timeout=60,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert run_all((NEXT + READ, store.folder)) == [str(int(before) + 1)]


HOLD = """
import os, sys
from tracekit.store.store import open_store
with open_store(sys.argv[1]).reading() as connection:
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(store: Store, code: str = HOLD) -> "subprocess.Popen[str]":
    holder = subprocess.Popen(
        [sys.executable, "-c", code, store.folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def test_who_waits_in_vain_is_told_the_process_and_what_to_do(store: Store) -> None:
    with hold(store) as holder:
        with pytest.raises(OSError, match="in use") as told, store.reading(timeout_s=0.1):
            pass
        holder.communicate()
    assert re.search(rf"in use for 0.1 s: process {holder.pid} \(-c", str(told.value))
    assert str(told.value).endswith("try again, or end that process")


def test_programs_record_while_the_store_is_held_and_nothing_is_lost(store: Store) -> None:
    with hold(store) as holder:
        run_all((WRITE, store.folder, 1))
        holder.communicate()
    assert sums(store)[0][0] == 200


def test_a_lock_file_left_behind_by_a_killed_process_is_no_obstacle(store: Store) -> None:
    with hold(store) as holder:
        holder.kill()
    with store.reading(timeout_s=5):
        pass


FORK_AND_BE_KILLED = """
import os, signal, sys, time
from tracekit.store.store import open_store
with open_store(sys.argv[1]).reading() as connection:
    child = os.fork()
    if child == 0:
        time.sleep(60)
        os._exit(0)
    print(child, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_living_child_of_a_killed_holder_does_not_hold_the_store(store: Store) -> None:
    command = [sys.executable, "-c", FORK_AND_BE_KILLED, store.folder]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.wait(30)
        try:
            with store.reading(timeout_s=5):
                pass
        finally:
            os.kill(child, signal.SIGKILL)


FORK = """
import os, sys
from tracekit.errors import StoreError
from tracekit.store.store import open_store
store = open_store(sys.argv[1])
with store.reading() as connection:
    child = os.fork()
    if child == 0:
        for use in (lambda: connection.execute("SELECT 1"), connection.cursor):
            try:
                use()
                print("used", flush=True)
            except StoreError as error:
                print(error, flush=True)
        sys.exit(7)  # leaves the block, and Python tidies up
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    print(*connection.execute("SELECT count(*) FROM spans").fetchone())
"""


def test_a_connection_is_refused_in_a_forked_child_which_ends_in_peace(store: Store) -> None:
    run_all((WRITE, store.folder, 1))
    (printed,) = run_all((FORK, store.folder))
    *told, code, count = printed.splitlines()
    assert len(told) == 2
    assert all("of which this one is a fork; open the store anew" in line for line in told)
    assert (code, count) == ("7", "200")


def test_a_reading_within_another_one_sees_the_same_at_once(store: Store) -> None:
    store.spool().append({"kind": "experiment", "experiment_id": "1", "name": "a", "at_ns": 1})
    with store.reading(timeout_s=0) as outer:
        rows = outer.execute("FROM range(5000)")
        store.spool().append({"kind": "experiment", "experiment_id": "2", "name": "b", "at_ns": 1})
        with store.reading(timeout_s=0) as inner:
            assert inner.execute("SELECT count(*) FROM experiments").fetchall() == [(1,)]
        assert len(rows.fetchall()) == 5000
        assert len(store.sql("FROM experiments")) == 1
    with store.reading() as connection:
        assert connection.execute("SELECT count(*) FROM experiments").fetchall() == [(2,)]


def test_a_second_lock_within_one_process_is_told_apart(tmp_path: Path) -> None:
    with (
        locked(tmp_path / "lock"),
        pytest.raises(OSError, match=f"this process \\({os.getpid()}\\)"),
        locked(tmp_path / "lock", timeout_s=0.05),
    ):
        pass
