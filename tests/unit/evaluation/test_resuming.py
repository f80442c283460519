"""A killed evaluation is completed: the same table, and nothing asked twice."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tracekit
from tracekit.errors import EvaluationError, NotFoundError
from tracekit.store.store import Store

PROGRAM = """
import os, signal, sys, time
import tracekit

resume, kill_after, calls = sys.argv[1] or None, int(sys.argv[2]), sys.argv[3]

def note(what):
    with open(calls, "a") as file:
        file.write(what + "\\n")

done = 0

def target(x):
    note(f"target {x}")
    return x * x

def even(outputs):
    global done
    done += 1
    if done == kill_after:
        os.kill(os.getpid(), signal.SIGKILL)
    return outputs % 2 == 0

def judged(outputs, model=None):
    note(f"judge {outputs}")
    return "yes" if outputs < 200 else "no"

data = [{"inputs": {"x": x}, "row_id": str(x)} for x in range(30)]
tracekit.evaluate(data, target, [even, judged], resume=resume, concurrency=4, run_name="it")
"""


def run(folder: Path, store: Store, resume: str = "", kill_after: int = 0) -> int:
    program = folder / "program.py"
    program.write_text(PROGRAM)
    return subprocess.run(
        [sys.executable, program, resume, str(kill_after), folder / "calls"],
        env={**os.environ, "TRACEKIT_TRACKING_URI": str(store.folder)},
        timeout=120,
        check=False,
    ).returncode


def table(run_id: str) -> list[tuple[Any, ...]]:
    return list(
        tracekit.sql(
            "SELECT r.row_id, r.status, r.outputs, a.name, a.value, a.status AS state "
            "FROM evaluation_rows r JOIN assessments a USING (evaluation_row_id) "
            "WHERE r.run_id = ? ORDER BY ALL",
            [run_id],
        ).itertuples(index=False, name=None)
    )


def only_run() -> str:
    [run_id] = tracekit.search_runs()["run_id"]
    return str(run_id)


@pytest.mark.parametrize("kill_after", [1, 17])
def test_a_killed_run_is_completed_and_nothing_is_asked_twice(
    kill_after: int, tmp_path: Path, store: Store
) -> None:
    assert run(tmp_path, store, kill_after=kill_after) == -9
    killed = only_run()
    assert run(tmp_path, store, resume=killed) == 0
    calls = (tmp_path / "calls").read_text().splitlines()
    judged = [call for call in calls if call.startswith("judge")]
    assert sorted(set(judged)) == sorted(judged)
    assert len(judged) == 30
    assert len(table(killed)) == 60
    assert tracekit.get_run(killed).data.metrics["judged/n"] == 30
    assert tracekit.get_run(killed).info.status == "FINISHED"
    again = tmp_path / "again"
    again.mkdir()
    tracekit.set_tracking_uri(again / "store")
    assert run(again, tracekit_store(again)) == 0
    unbroken = table(only_run())
    tracekit.set_tracking_uri(store.folder)
    assert table(killed) == unbroken


def tracekit_store(folder: Path) -> Store:
    return Store(folder / "store")


def test_what_an_evaluator_failed_on_is_tried_again(store: Store) -> None:
    broken = True

    def judge(outputs: int) -> bool:
        if broken and outputs > 4:
            raise ConnectionError("down")
        return True

    asked: list[int] = []

    def target(x: int) -> int:
        asked.append(x)
        return x

    data = [{"inputs": {"x": x}} for x in range(8)]
    first = tracekit.evaluate(data, target, [judge])
    assert first.metrics["judge/failed"] == 3
    broken = False
    second = tracekit.evaluate(data, target, [judge], resume=first.run_id)
    assert second.metrics["judge/n"] == 8
    assert len(asked) == 8
    assert len(second.table) == 8


def test_a_budget_that_was_spent_is_resumed(store: Store) -> None:
    data = [{"inputs": {"x": x}} for x in range(6)]
    budget = tracekit.Budget(max_seconds=1e-9)
    first = tracekit.evaluate(data, lambda x: x, [], budget=budget)
    assert first.rows == {"skipped": 6}
    second = tracekit.evaluate(data, lambda x: x, [], resume=first.run_id)
    assert second.rows == {"unscored": 6}


def test_other_data_and_unknown_runs_are_refused(store: Store) -> None:
    first = tracekit.evaluate([{"inputs": {"x": 1}}], lambda x: x, [])
    with pytest.raises(EvaluationError, match="can't be resumed with this data"):
        tracekit.evaluate([{"inputs": {"x": 2}}], lambda x: x, [], resume=first.run_id)
    with pytest.raises(NotFoundError, match="no run 'none'"):
        tracekit.evaluate([{"inputs": {"x": 2}}], lambda x: x, [], resume="none")
