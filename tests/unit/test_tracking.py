"""Runs by the fluent API: what is active, how it ends, what is logged."""

import asyncio
import logging
import math
import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tracekit
from tracekit import context
from tracekit.errors import ConfigError, NotFoundError, RunError
from tracekit.model import Run
from tracekit.store.store import Store


def only_run() -> Run:
    [run] = tracekit.TracekitClient().search_runs()
    return run


def test_a_run_keeps_what_was_logged_to_it(store: Store) -> None:
    with tracekit.start_run(run_name="baseline", tags={"stage": "test"}, description="why") as run:
        tracekit.log_params({"lr": 0.1, "layers": [1, 2], "none": None})
        tracekit.log_metrics({"loss": 0.5, "acc": 1}, step=3)
        tracekit.set_tags({"a": 1, "gone": "x"})
        tracekit.delete_tag("gone")
    found = tracekit.get_run(run.info.run_id)
    assert found.info.run_name == "baseline"
    assert found.info.status == "FINISHED"
    assert found.info.end_time is not None
    assert found.data.params == {"lr": "0.1", "layers": "[1, 2]", "none": "None"}
    assert found.data.metrics == {"loss": 0.5, "acc": 1.0}
    assert (
        found.data.tags.items()
        >= {"stage": "test", "a": "1", "tracekit.description": "why"}.items()
    )
    assert "gone" not in found.data.tags


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ValueError("no"), "FAILED"),
        (KeyboardInterrupt(), "KILLED"),
        (asyncio.CancelledError(), "FAILED"),
        (SystemExit(0), "FINISHED"),
        (SystemExit(3), "FAILED"),
    ],
)
def test_an_exception_decides_the_status_and_passes(
    store: Store, error: BaseException, status: str
) -> None:
    with pytest.raises(type(error)) as caught, tracekit.start_run():
        raise error
    assert caught.value is error
    assert only_run().info.status == status
    assert context.active_runs.get() == ()


def test_nesting_must_be_asked_for_and_gives_the_parent(store: Store) -> None:
    with tracekit.start_run() as outer:
        with pytest.raises(RunError, match=r"start_run\(nested=True\)"):
            tracekit.start_run()
        with tracekit.start_run(nested=True) as inner:
            assert tracekit.active_run() is inner
            tracekit.log_metric("loss", 1)
        assert tracekit.active_run() is outer
    assert tracekit.get_run(inner.info.run_id).info.parent_run_id == outer.info.run_id
    assert tracekit.get_run(inner.info.run_id).data.metrics == {"loss": 1.0}
    assert tracekit.get_run(outer.info.run_id).data.metrics == {}
    assert tracekit.active_run() is None
    assert tracekit.last_active_run() is inner


def test_a_run_without_with_ends_at_end_run(store: Store) -> None:
    run = tracekit.start_run()
    tracekit.log_metric("loss", 1)
    assert run.data.metrics == {"loss": 1.0}
    assert only_run().info.status == "RUNNING"
    tracekit.end_run("FAILED")
    assert only_run().info.status == "FAILED"
    tracekit.end_run()  # nothing is active: nothing happens
    assert only_run().info.status == "FAILED"


def test_ending_a_run_inside_its_block_is_enough(store: Store) -> None:
    with tracekit.start_run():
        tracekit.end_run("KILLED")
    assert only_run().info.status == "KILLED"


def test_a_param_can_be_repeated_but_not_changed(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    with tracekit.start_run():
        tracekit.log_param("lr", 0.1)
        tracekit.log_param("lr", 0.1)
        tracekit.log_params({"lr": 0.2, "depth": 3})
    assert "'lr' of run" in caplog.text
    assert "stays '0.1', '0.2' is not kept" in caplog.text
    assert only_run().data.params == {"lr": "0.1", "depth": "3"}


def test_a_resumed_run_runs_again_and_knows_its_params(store: Store) -> None:
    with tracekit.start_run(run_name="long") as run:
        tracekit.log_param("lr", 0.1)
    with tracekit.start_run(run_id=run.info.run_id, tags={"again": True}) as again:
        assert again.info.run_name == "long"
        resumed = only_run()
        assert (resumed.info.status, resumed.info.end_time) == ("RUNNING", None)
        tracekit.log_param("lr", 0.2)
    assert only_run().data.params == {"lr": "0.1"}
    assert only_run().info.status == "FINISHED"
    assert only_run().data.tags["again"] == "True"


def test_an_unknown_run_id_is_one_sentence(store: Store) -> None:
    with pytest.raises(NotFoundError, match="there is no run 'nope' in "):
        tracekit.start_run(run_id="nope")
    with pytest.raises(NotFoundError, match="there is no run 'nope' in "):
        tracekit.get_run("nope")
    with tracekit.start_run() as run, pytest.raises(RunError, match="active already"):
        tracekit.start_run(run_id=run.info.run_id, nested=True)


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (np.float32(0.5), 0.5),
        (np.int64(3), 3.0),
        (np.array(2.5), 2.5),
        (True, 1.0),
        (2**70, float(2**70)),
        (math.inf, math.inf),
        (-math.inf, -math.inf),
    ],
)
def test_metrics_take_what_float_takes(store: Store, value: float, stored: float) -> None:
    with tracekit.start_run():
        tracekit.log_metric("x", value)
    assert only_run().data.metrics == {"x": stored}


def test_nan_is_kept(store: Store) -> None:
    with tracekit.start_run():
        tracekit.log_metric("x", math.nan)
    assert math.isnan(only_run().data.metrics["x"])


@pytest.mark.parametrize("value", ["0.5", None, [1, 2], np.array([1, 2]), object()])
def test_a_metric_that_is_no_number_is_refused_by_name(store: Store, value: float) -> None:
    with tracekit.start_run(), pytest.raises(ConfigError, match="metric 'x' must be a number"):
        tracekit.log_metric("x", value)


@pytest.mark.parametrize("key", ["", "  ", "a\nb", "\x00", "x" * 251, 5])
def test_a_bad_key_is_refused(store: Store, key: str) -> None:
    with tracekit.start_run():
        for log in (tracekit.log_param, tracekit.log_metric, tracekit.set_tag):
            with pytest.raises(ConfigError, match="key .* can't be used"):
                log(key, 1)


def test_the_last_step_is_the_value_and_the_history_is_kept_in_order(store: Store) -> None:
    with tracekit.start_run() as run:
        for step in (2, 0, 1):
            tracekit.log_metric("loss", step / 10, step=step, timestamp=1_000 + step)
        tracekit.log_metric("loss", 0.7, step=1, timestamp=5_000)
    assert only_run().data.metrics == {"loss": 0.2}
    history = tracekit.TracekitClient().get_metric_history(run.info.run_id, "loss")
    assert [(m.step, m.value, m.timestamp) for m in history] == [
        (0, 0.0, 1000),
        (1, 0.1, 1001),
        (1, 0.7, 5000),
        (2, 0.2, 1002),
    ]


def test_experiments_are_made_when_named_and_have_one_id_everywhere(store: Store) -> None:
    experiment = tracekit.set_experiment("tuning")
    with tracekit.start_run():
        pass
    with tracekit.start_run(experiment="other"):
        pass
    names = {run.info.experiment for run in tracekit.TracekitClient().search_runs()}
    assert names == {"tuning", "other"}
    found = tracekit.get_experiment_by_name("tuning")
    assert found is not None
    assert found.experiment_id == experiment.experiment_id
    assert tracekit.get_experiment(experiment.experiment_id).name == "tuning"
    tracekit.set_experiment(experiment_id=experiment.experiment_id)
    with pytest.raises(NotFoundError, match="no experiment with id '17'"):
        tracekit.set_experiment(experiment_id="17")


def test_the_environment_names_the_experiment(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACEKIT_EXPERIMENT", "from-outside")
    with tracekit.start_run() as run:
        assert run.info.experiment == "from-outside"


def test_a_new_thread_sees_no_run_but_can_log_by_id(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[object] = []

    def work(run_id: str) -> None:
        seen.append(tracekit.active_run())
        tracekit.log_metric("by_id", 1, run_id=run_id)

    with tracekit.start_run() as run:
        thread = threading.Thread(target=work, args=[run.info.run_id])
        thread.start()
        thread.join()
    assert seen == [None]
    assert only_run().data.metrics == {"by_id": 1.0}
    assert caplog.records == []


def test_a_thread_that_logs_without_a_run_is_told_of_its_own(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    def work() -> None:
        tracekit.log_metric("x", 1)
        tracekit.end_run()

    with caplog.at_level(logging.WARNING), tracekit.start_run():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert "no run is active in this thread" in caplog.text
    assert len(tracekit.search_runs()) == 2


def test_carried_context_takes_the_active_run_into_a_thread(store: Store) -> None:
    with tracekit.start_run():
        work = tracekit.carry_context(lambda: tracekit.log_metric("x", 1))
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert only_run().data.metrics == {"x": 1.0}


async def test_each_task_has_its_own_active_run(store: Store) -> None:
    async def work(number: int) -> None:
        with tracekit.start_run(run_name=str(number)):
            await asyncio.sleep(0.01 * (3 - number))
            tracekit.log_metric("number", number)

    await asyncio.gather(*(work(number) for number in range(3)))
    runs = tracekit.TracekitClient().search_runs()
    assert {run.info.run_name: run.data.metrics["number"] for run in runs} == {
        "0": 0.0,
        "1": 1.0,
        "2": 2.0,
    }


def test_spans_belong_to_the_active_run(store: Store) -> None:
    with tracekit.start_run(experiment="tuning") as run, tracekit.start_span("step"):
        pass
    found = tracekit.search_traces(run_id=run.info.run_id)
    assert found[["name", "experiment"]].values.tolist() == [["step", "tuning"]]


def test_nothing_is_recorded_while_disabled(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACEKIT_DISABLED", "1")
    with tracekit.start_run():
        tracekit.log_metric("x", 1)
        tracekit.log_param("y", 1)
    assert not store.spool_folder.exists()


# Programs: how a run ends with its process.


def run_program(folder: Path, source: str, *, code: int = 0) -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(source)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "TRACEKIT_TRACKING_URI": str(folder / "store")},
    )
    assert done.returncode == code, done.stderr


@pytest.mark.parametrize(
    ("end", "code", "status"),
    [
        ("pass", 0, "FINISHED"),
        ("raise ValueError('no')", 1, "FAILED"),
        ("import os; os._exit(9)", 9, "FAILED"),
        ("raise KeyboardInterrupt", -2, "KILLED"),
    ],
)
def test_logging_without_a_run_starts_one_which_ends_as_the_program_does(
    store: Store, tmp_path: Path, end: str, code: int, status: str
) -> None:
    program = f"import tracekit; tracekit.log_metric('x', 1); tracekit.log_param('y', 2); {end}"
    run_program(tmp_path, program, code=code)
    assert only_run().info.status == status
    assert only_run().data.metrics == {"x": 1.0}


def test_a_forked_child_does_not_end_its_parents_run(store: Store, tmp_path: Path) -> None:
    run_program(
        tmp_path,
        """
        import os, sys, tracekit
        with tracekit.start_run() as run:
            pid = os.fork()
            if pid == 0:
                tracekit.log_metric("from_child", 1)
                sys.exit(0)
            assert os.waitpid(pid, 0)[1] == 0
            assert tracekit.get_run(run.info.run_id).info.status == "RUNNING"
        """,
    )
    assert only_run().data.metrics == {"from_child": 1.0}
    assert only_run().info.status == "FINISHED"


def test_a_run_records_its_script_and_commit_but_no_arguments_or_credentials(
    store: Store, tmp_path: Path
) -> None:
    script = tmp_path / "train.py"
    script.write_text("import tracekit; tracekit.log_metric('x', 1)")
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-C", str(tmp_path)]
    remote = "https://me:sk-secret@example.org/a/b.git?token=sk-secret"
    for command in (["init", "-q", "-b", "main"], ["add", "train.py"], ["commit", "-qm", "one"]):
        subprocess.run([*git, *command], check=True)
    subprocess.run([*git, "remote", "add", "origin", remote], check=True)
    environment = {**os.environ, "TRACEKIT_TRACKING_URI": str(store.folder)}
    command = [sys.executable, str(script), "--key", "sk-secret"]
    subprocess.run(command, check=True, env=environment, timeout=60)
    info = only_run().info
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    assert info.source["name"] == str(script)
    assert info.source["git"] == {
        "commit": commit.stdout.strip(),
        "branch": "main",
        "dirty": False,
        "origin": "https://example.org/a/b.git",
    }
    assert only_run().data.tags["tracekit.git.commit"] == commit.stdout.strip()
    stored = b"".join(path.read_bytes() for path in store.folder.rglob("*") if path.is_file())
    assert b"sk-secret" not in stored


def test_a_wrong_status_leaves_the_run_active(store: Store) -> None:
    run = tracekit.start_run()
    with pytest.raises(ConfigError, match="can't be 'WRONG'"):
        tracekit.end_run("WRONG")  # type: ignore[arg-type]
    assert tracekit.active_run() is run
    tracekit.end_run()
    assert only_run().info.status == "FINISHED"


def test_a_run_ended_by_another_thread_does_not_block_the_next(store: Store) -> None:
    run = tracekit.start_run()
    thread = threading.Thread(target=run.end)
    thread.start()
    thread.join()
    with tracekit.start_run(run_name="next"):
        pass
    assert tracekit.active_run() is None


@pytest.mark.parametrize("name", ["log_metric", "log_param", "set_tag"])
def test_logging_to_a_run_that_is_not_there_is_refused(store: Store, name: str) -> None:
    with pytest.raises(NotFoundError, match="there is no run 'nope'"):
        getattr(tracekit.TracekitClient(), name)("nope", "key", 1)


@pytest.mark.parametrize(
    "wrong", [{"step": 2**70}, {"step": "a"}, {"timestamp": 10**30}, {"timestamp": -5}]
)
def test_a_step_or_time_that_cannot_be_stored_is_refused(
    store: Store, wrong: dict[str, Any]
) -> None:
    with tracekit.start_run(), pytest.raises(ConfigError, match=next(iter(wrong))):
        tracekit.log_metric("loss", 1.0, **wrong)


def test_feedback_finds_its_trace_by_the_beginning_of_its_id(store: Store) -> None:
    with tracekit.start_span("work") as span:
        pass
    tracekit.log_feedback(trace_id=span.trace_id[:12], name="good", value=True)
    assert [a.name for a in tracekit.get_trace(span.trace_id).assessments] == ["good"]
    with pytest.raises(NotFoundError, match="there is no trace 'ffff'"):
        tracekit.log_feedback(trace_id="ffff", name="good", value=True)


def test_one_experiment_may_be_named_by_its_text(store: Store) -> None:
    with tracekit.start_run(experiment="exp A"):
        pass
    assert len(tracekit.search_runs(experiment_names="exp A")) == 1


def test_nothing_is_written_when_disabled(store: Store, tmp_path: Path) -> None:
    tracekit.configure(enabled=False)
    (tmp_path / "file.txt").write_text("x")
    with tracekit.start_run():
        tracekit.log_text("x", "a.txt")
        tracekit.log_artifact(tmp_path / "file.txt")
    assert not store.folder.exists()
