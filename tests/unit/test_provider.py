import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from spool_reading import records, spans

import tracekit
from tracekit import context, recording, semconv
from tracekit.context import RunContext
from tracekit.errors import ConfigError, StoreError
from tracekit.store.store import Store


def test_content_is_left_out_when_asked(store: Store) -> None:
    tracekit.configure(capture_content=False)
    with tracekit.start_span("work", attributes={"fact": 1}) as span:
        span.set_inputs("my words")
        span.set_outputs("an answer")
    assert spans(store)["work"]["attributes"] == {"fact": 1}


def test_the_mask_changes_content_before_it_is_written(store: Store) -> None:
    tracekit.configure(mask=lambda name, text: text.replace("Alice", "A."))
    with tracekit.start_span("work") as span:
        span.set_inputs({"name": "Alice"})
    assert spans(store)["work"]["attributes"]["tracekit.input"] == '{"name":"A."}'


@pytest.mark.parametrize("answer", ["raise", None, 5])
def test_a_mask_that_fails_withholds_the_content(store: Store, answer: object) -> None:
    def mask(name: str, text: str) -> str:
        if answer == "raise":
            raise KeyError(name)
        return answer  # type: ignore[return-value]

    tracekit.configure(mask=mask)
    with tracekit.start_span("work") as span:
        span.set_inputs("my secret words")
    attributes = spans(store)["work"]["attributes"]
    assert attributes == {semconv.MASKING_ERROR: True}


def test_other_instrumentations_land_in_the_store_under_the_same_switches(store: Store) -> None:
    tracekit.configure(mask=lambda name, text: text.upper())
    theirs = TracerProvider()
    theirs.add_span_processor(tracekit.SpanProcessor())
    with theirs.get_tracer("openinference").start_as_current_span("llm") as span:
        span.set_attribute("input.value", "hello")
        span.set_attribute("llm.model_name", "gpt")
    recorded = spans(store)["llm"]
    assert recorded["attributes"] == {"input.value": "HELLO", "llm.model_name": "gpt"}
    assert recorded["scope"] == "openinference"


def test_the_active_run_and_its_experiment_are_the_spans(store: Store) -> None:
    token = context.active_runs.set((RunContext(run_id="r1", experiment="e1"),))
    with tracekit.start_span("root"):
        context.active_runs.reset(token)
        with tracekit.start_span("leaf"):
            pass
    assert {(r["run_id"], r["experiment"]) for r in spans(store).values()} == {("r1", "e1")}


def test_trace_ids_are_in_order_of_time(store: Store) -> None:
    ids = [f"{recording.new_trace_id(at_ns):032x}" for at_ns in (10**18, 10**18 + 10**6)]
    assert ids == sorted(ids)
    assert {len(each) for each in ids} == {32}


def test_two_runs_with_the_same_random_seed_have_different_ids(store: Store) -> None:
    code = (
        "import random; random.seed(1); from tracekit.recording import new_trace_id;"
        "print(new_trace_id(0))"
    )
    answers = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
        for _ in range(2)
    }
    assert len(answers) == 2


def run_script(tmp_path: Path, body: str) -> subprocess.CompletedProcess[str]:
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(body))
    environment = {**os.environ, "TRACEKIT_TRACKING_URI": str(tmp_path / "store")}
    return subprocess.run(
        [sys.executable, str(script)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "ending",
    ["pass", "os._exit(0)", "os.kill(os.getpid(), 9)", "os.abort()", "sys.exit(3)", "1/0"],
)
def test_what_had_ended_survives_however_the_process_ends(
    tmp_path: Path, store: Store, ending: str
) -> None:
    run_script(
        tmp_path,
        f"""
        import os, sys, tracekit
        for i in range(20):
            with tracekit.start_span(f"span {{i}}"):
                pass
        with tracekit.start_span("open"):
            {ending}
        """,
    )
    assert {f"span {i}" for i in range(20)} <= set(spans(store))
    assert "open" in {r["name"] for r in records(store, "start")}


def test_a_forked_child_writes_a_file_of_its_own(tmp_path: Path, store: Store) -> None:
    done = run_script(
        tmp_path,
        """
        import os, tracekit
        with tracekit.start_span("parent"):
            if os.fork() == 0:
                with tracekit.start_span("child"):
                    pass
                os._exit(0)
            os.wait()
        """,
    )
    assert done.returncode == 0, done.stderr
    files = list(store.spool_folder.glob("*.ndjson"))
    assert len(files) == 2
    found = spans(store)
    assert found["child"]["parent_span_id"] == found["parent"]["span_id"]


def test_a_folder_that_cannot_be_written_costs_one_warning(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    store.folder.parent.mkdir(exist_ok=True)
    store.folder.write_text("a file in its place")
    for _ in range(5):
        with tracekit.start_span("work"):
            pass
    result = tracekit.flush()
    assert result.dropped == 10
    assert not result
    assert len([r for r in caplog.records if "can't record" in r.getMessage()]) == 1
    store.folder.unlink()


def test_secrets_do_not_reach_the_file(store: Store) -> None:
    secret = "sk-proj-" + "a1B2" * 8

    @tracekit.trace
    def work(api_key: str, text: str) -> None:
        raise ValueError(f"bad key {text}")

    with pytest.raises(ValueError, match="key"):
        work("plain words", f"use {secret}")
    written = b"".join(path.read_bytes() for path in store.spool_folder.iterdir())
    assert secret.encode() not in written
    assert b"plain words" not in written


def test_values_that_json_cannot_hold_are_kept_in_another_form(store: Store) -> None:
    with tracekit.start_span("work") as span:
        span.set_attribute("big", 2**80)
        span.set_attribute("broken", "\ud800")
        span.set_attribute("object", object())
    attributes = spans(store)["work"]["attributes"]
    assert attributes["object"] == '"<builtins.object>"'
    assert json.dumps(attributes)


@pytest.mark.parametrize(
    "arguments", [{"sampling_ratio": 1.5}, {"sampling_ratio": -0.1}, {"max_text_length": 0}]
)
def test_a_setting_out_of_range_is_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="must be"):
        tracekit.configure(**arguments)  # type: ignore[arg-type]


def test_a_bad_flag_in_the_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACEKIT_DISABLED", "perhaps")
    with pytest.raises(ConfigError, match="TRACEKIT_DISABLED='perhaps'"):
        tracekit.config.settings()


def test_error_messages_are_content_too(store: Store) -> None:
    tracekit.configure(capture_content=False)
    with pytest.raises(ValueError, match="Alice"), tracekit.start_span("off"):
        raise ValueError("Alice said so")
    tracekit.configure(capture_content=True, mask=lambda name, text: text.replace("Alice", "A."))
    with pytest.raises(ValueError, match="Alice"), tracekit.start_span("masked"):
        raise ValueError("Alice said so")
    found = spans(store)
    assert found["off"]["status_message"] is None
    assert found["masked"]["status_message"] == "A. said so"
    written = b"".join(path.read_bytes() for path in store.spool_folder.iterdir())
    assert b"Alice" not in written
    assert b"ValueError" in written


def test_a_bad_setting_never_reaches_a_traced_call(tmp_path: Path) -> None:
    done = run_script(
        tmp_path,
        """
        import os
        os.environ["TRACEKIT_DISABLED"] = "perhaps"
        import tracekit
        @tracekit.trace
        def work():
            return 5
        assert work() == 5
        """,
    )
    assert done.returncode == 0, done.stderr
    assert "TRACEKIT_DISABLED='perhaps'" in done.stderr


@pytest.mark.parametrize("uri", ["http://host", "", "sqlite:///x.db", 5])
def test_a_store_that_cannot_be_is_refused_when_it_is_named(uri: str) -> None:
    with pytest.raises(ConfigError, match="tracking URI"):
        tracekit.set_tracking_uri(uri)


def test_a_mask_must_be_a_function() -> None:
    with pytest.raises(ConfigError, match="`mask` must be a function"):
        tracekit.configure(mask=5)  # type: ignore[arg-type]


def test_what_other_instrumentations_say_of_errors_is_content_too(store: Store) -> None:
    theirs = TracerProvider()
    theirs.add_span_processor(tracekit.SpanProcessor())
    tracekit.configure(mask=lambda name, text: text.replace("Alice", "A."))
    with (
        pytest.raises(ValueError, match="Alice"),
        theirs.get_tracer("app").start_as_current_span("s"),
    ):
        raise ValueError("Alice said so")
    recorded = spans(store)["s"]
    assert recorded["status_message"] == "ValueError: A. said so"
    assert recorded["events"][0]["attributes"]["exception.message"] == "A. said so"
    written = b"".join(path.read_bytes() for path in store.spool_folder.iterdir())
    assert b"Alice" not in written


def test_the_store_is_its_owners_alone(store: Store) -> None:
    with tracekit.start_span("work"):
        pass
    tracekit.search_traces()
    folders = [store.folder, store.spool_folder]
    files = [store.database, store.folder / "lock", *store.spool_folder.iterdir()]
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o700}
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_a_file_in_place_of_the_store_is_named(tmp_path: Path) -> None:
    (tmp_path / "afile").write_text("x")
    with pytest.raises(StoreError, match="afile can't be used: it is a file"):
        tracekit.report("r.html", tracking_uri=str(tmp_path / "afile"))
