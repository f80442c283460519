"""What autologging replaces, when, and that it can be undone."""

import contextvars
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from spool_reading import records

import tracekit
from tracekit import context, recording
from tracekit.store.store import Store


def run(program: str) -> str:
    """What a program of its own prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_library_imported_later_is_patched_then() -> None:
    assert (
        run(
            """
            import sys, tracekit
            tracekit.openai.autolog()
            assert "openai" not in sys.modules
            import openai
            request = openai._base_client.SyncAPIClient.request
            print("tracekit" in request.__code__.co_filename, "exec_module" in vars(openai.__loader__))
            tracekit.openai.autolog(disable=True)
            print(openai._base_client.SyncAPIClient.request is request.__wrapped__)
            """
        )
        == "True False\nTrue"
    )


def test_autolog_taken_back_before_the_import_leaves_nothing() -> None:
    assert (
        run(
            """
            import sys, tracekit
            tracekit.openai.autolog()
            tracekit.openai.autolog(disable=True)
            print(any("tracekit" in type(finder).__module__ for finder in sys.meta_path))
            import openai
            print("tracekit" in openai._base_client.SyncAPIClient.request.__code__.co_filename)
            """
        )
        == "False\nFalse"
    )


def test_disabled_by_the_environment_leaves_no_patch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACEKIT_DISABLED", "1")
    assert (
        run(
            """
            import sys, threading, openai, tracekit
            tracekit.autolog(threads=True)
            print("tracekit" in openai._base_client.SyncAPIClient.request.__code__.co_filename)
            print("tracekit" in threading.Thread.start.__code__.co_filename)
            """
        )
        == "False\nFalse"
    )


def test_a_missing_library_is_named() -> None:
    assert (
        run(
            """
            import sys, tracekit
            class Hide:
                def find_spec(name, path=None, target=None):
                    if name == "openai":
                        raise ModuleNotFoundError(name)
            sys.meta_path.insert(0, Hide)
            try:
                tracekit.openai.autolog()
            except ImportError as error:
                print(error)
            """
        )
        == "autolog('openai') needs an optional package: pip install 'tracekit[openai]'"
    )


def test_an_application_s_provider_receives_the_spans(store: Store) -> None:
    exporter = InMemorySpanExporter()
    theirs = TracerProvider()
    theirs.add_span_processor(SimpleSpanProcessor(exporter))
    try:
        tracekit.autolog(openai=False, langchain=False, tracer_provider=theirs)
        with tracekit.start_span("work"):
            pass
    finally:
        recording.leave()
    assert [span.name for span in exporter.get_finished_spans()] == ["work"]
    assert [span["name"] for span in records(store, "span")] == ["work"]


@pytest.fixture
def threads_carry() -> Iterator[None]:
    before = ThreadPoolExecutor.submit, threading.Thread.start
    tracekit.autolog(openai=False, langchain=False, threads=True)
    yield
    tracekit.autolog(disable=True)
    assert (ThreadPoolExecutor.submit, threading.Thread.start) == before


def current() -> object:
    return context.current_span.get()


@pytest.mark.usefixtures("threads_carry", "store")
def test_threads_continue_the_trace_when_asked() -> None:
    seen: list[object] = []
    with tracekit.start_span("outer") as outer:
        thread = threading.Thread(target=lambda: seen.append(current()))
        thread.start()
        thread.join()
    assert seen == [outer]
    assert "run" not in vars(thread)


@pytest.mark.usefixtures("threads_carry", "store")
def test_a_worker_does_not_remember_the_task_that_started_it() -> None:
    with ThreadPoolExecutor(1) as pool:
        with tracekit.start_span("outer") as outer:
            assert pool.submit(current).result() is outer
        assert pool.submit(current).result() is None


other = contextvars.ContextVar("other", default=0)


@pytest.mark.usefixtures("threads_carry", "store")
def test_threads_carry_nothing_of_the_application() -> None:
    other.set(7)
    with tracekit.start_span("outer"), ThreadPoolExecutor(1) as pool:
        assert pool.submit(other.get).result() == 0
    other.set(0)
