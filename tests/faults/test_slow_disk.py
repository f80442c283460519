"""A disk that is slow, stuck, or comes back: the program does not wait, and each loss is told."""

import json
import subprocess
import sys
import textwrap
import time
from typing import Any

import pytest
from spool_reading import records

from tracekit.store.store import Store

PRELUDE = """
    import faulthandler, json, os, resource, sys, threading, time
    faulthandler.dump_traceback_later(60, exit=True)
    import tracekit
    from tracekit import recording
    from tracekit.store import slow_disk, spool
    tracekit.set_tracking_uri(sys.argv[1])
    disk_s = 0.05
    write = os.write
    writers = []

    def slow_write(descriptor, data):
        writers.append(threading.current_thread().name)
        time.sleep(disk_s)
        return write(descriptor, data)

    os.write = slow_write

    def work(number, text=""):
        began = time.perf_counter()
        with tracekit.start_span(f"span-{number}", attributes={"text": text}):
            entered = time.perf_counter()
        return entered - began, time.perf_counter() - entered

    def rss_mb():
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * resource.getpagesize() / 1e6

    def disk():
        return next(iter(recording._spools.values()))._disk

    def tell(**facts):
        print(json.dumps(facts), flush=True)
"""


def run(store: Store, program: str) -> tuple[dict[str, Any], str]:
    """What a traced program with a slow disk told, and its warnings."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PRELUDE) + textwrap.dedent(program), store.folder],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


def names(store: Store) -> list[str]:
    return [record["name"] for record in records(store, "span")]


def test_a_slow_disk_does_not_hold_the_program_up(store: Store) -> None:
    told, warnings = run(
        store,
        """
        times = sorted(took for number in range(1500) for took in work(number))
        result = tracekit.flush()
        tell(p50=times[len(times) // 2], p99=times[len(times) * 99 // 100],
             waited=writers.count("MainThread"), drained=result.drained, ok=bool(result))
        """,
    )
    assert told["waited"] < 10  # of 3000 records, so that less than 1 in 100 waits for the disk
    assert told["p50"] < 0.001  # as does the 99th percentile on a machine that is not busy
    assert told["p99"] < 0.05
    assert told["drained"]
    assert told["ok"]
    assert warnings == ""
    assert names(store) == [f"span-{number}" for number in range(1500)]


STUCK = """
    work(0)
    disk_s = 0.3
    for number in range(1, 3): work(number)  # until the program has lost its patience
    disk_s = 3600
"""


@pytest.mark.parametrize(
    "spans", [pytest.param(200, id="some"), pytest.param(2000, id="many", marks=pytest.mark.slow)]
)
def test_memory_is_bounded_in_bytes_while_the_disk_is_stuck(store: Store, spans: int) -> None:
    told, warnings = run(
        store,
        STUCK
        + f"""
    text = "5 MB " * 1_000_000
    base = rss_mb()
    for number in range({spans}): work(number, text)
    grown = rss_mb() - base
    result = tracekit.flush(0.2)
    tell(grown=grown, drained=result.drained, dropped=result.dropped, ok=bool(result),
         timed_out=result.timed_out)
        """,
    )
    assert told["grown"] < 100
    assert told["dropped"] > spans // 2
    assert (told["drained"], told["timed_out"], told["ok"]) == (False, True, False)
    assert warnings.count("can't record below") == 1
    assert "the disk is too slow" in warnings


@pytest.mark.parametrize("disk_s", [0.3, 3600])
def test_the_program_ends_in_two_seconds(store: Store, disk_s: float) -> None:
    told, warnings = run(
        store,
        STUCK
        + f"""
    disk_s = {disk_s}
    for number in range(300): work(number)
    tell(ended=time.time())
        """,
    )
    assert time.time() - told["ended"] < 4  # 2 s, and what the interpreter itself takes
    is_stuck = disk_s > 10
    assert ("were lost" in warnings) == is_stuck
    assert (len(names(store)) > 300) != is_stuck


def test_the_program_writes_itself_again_when_the_disk_has_recovered(store: Store) -> None:
    told, warnings = run(
        store,
        STUCK
        + """
    slow_disk.MAX_BYTES, slow_disk.CALM_S, disk_s = 100_000, 0.3, 1.0
    for number in range(1000): work(number)
    time.sleep(0.1)
    disk_s = 0.0
    lossy = tracekit.flush()
    while disk().is_slow: time.sleep(0.01)
    work("last")
    is_alive = any(thread.name == "tracekit-disk" for thread in threading.enumerate())
    result = tracekit.flush()
    tell(dropped=result.dropped, drained=result.drained, ok=bool(result), is_alive=is_alive)
        """,
    )
    assert told["dropped"] > 100
    assert (told["drained"], told["ok"], told["is_alive"]) == (True, False, False)
    assert warnings.count("can't record below") == 1
    assert warnings.count("records again below") == 1
    assert f"{told['dropped']} records were lost" in warnings
    assert [record["records"] for record in records(store, "lost")] == [told["dropped"]]
    assert names(store)[-1] == "span-last"


def test_a_write_that_hangs_holds_up_one_thread(store: Store) -> None:
    told, _ = run(
        store,
        """
        disk_s = 0.0
        work("first")
        disk_s = 2.0
        stuck = threading.Thread(target=work, args=("stuck",)); stuck.start()
        time.sleep(0.5)
        slowest = max(sum(work(number)) for number in range(100))
        tell(slowest=slowest, was_stuck=stuck.is_alive())
        disk_s = 0.0
        stuck.join()
        """,
    )
    assert told["was_stuck"]
    assert told["slowest"] < 0.2
    assert len(set(names(store))) == 102


def test_a_forked_child_leaves_what_waits_to_its_parent(store: Store) -> None:
    told, _ = run(
        store,
        STUCK
        + """
    disk_s = 0.2
    for number in range(200): work(f"parent-{number}")
    child = os.fork()
    if not child:
        waiting = disk().records
        work("child")
        os._exit(waiting or not tracekit.flush(5))
    status = os.waitpid(child, 0)[1]
    tell(status=os.waitstatus_to_exitcode(status), ok=bool(tracekit.flush()))
        """,
    )
    assert told == {"status": 0, "ok": True}
    found = names(store)
    assert len(found) == len(set(found)) == 204
    assert "span-child" in found


def test_a_busy_interpreter_is_no_slow_disk(store: Store) -> None:
    told, _ = run(
        store,
        """
        disk_s = 0.0
        stop = False
        def spin():
            while not stop: pass
        threads = [threading.Thread(target=spin) for _ in range(3)]
        for thread in threads: thread.start()
        began = time.perf_counter()
        while time.perf_counter() - began < 2: work("busy")
        stop = True
        tell(is_slow=disk().is_slow)
        """,
    )
    assert told == {"is_slow": False}


def test_one_slow_write_is_borne(store: Store) -> None:
    told, _ = run(
        store,
        """
        disk_s = 0.0
        for number in range(100): work(number)
        disk_s = 1.0
        tracekit.set_trace_tag("0" * 32, "a", "b")
        disk_s = 0.0
        for number in range(100): work(number)
        tell(is_slow=disk().is_slow)
        """,
    )
    assert told == {"is_slow": False}
