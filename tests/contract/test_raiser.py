"""Whatever fails inside tracekit, the program goes on as if it were not there."""

import gc
import json
import logging
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from langchain_programs import LANGCHAIN
from llm_service import Service
from observing import Program, difference, observe
from openai_programs import OPENAI
from raising import OF_OURS, Faults, find_caches, forget_what_is_kept
from tracekit_programs import TRACEKIT

import tracekit
from tracekit import config, context, guard
from tracekit.integrations import _langchain_runs as runs

PLAIN = {
    "integrations.openai._stop_running",
    "tracing.decorator._Items.__init__",
    "tracing.span.Span.set_outputs",
    "tracing.span.active.__enter__",
    "tracing.span.active.__exit__",
    "tracing.span.active.__init__",
}
"""They set a field or a context variable, or call one function that guards itself: nothing in
them can fail, and a guard of their own would cost more than they do."""
SETUP = {"recording.Recorder.__init__", "recording.leave"}
"""What a program calls to set tracekit up may fail there and then."""

OUTERMOST = {
    *("config.configure", "provider.SpanProcessor.__init__", "provider.SpanProcessor.shutdown"),
    *(f"integrations._http_stream._SyncSource.{name}" for name in ("__iter__", "close")),
    *(f"integrations._http_stream._AsyncSource.{name}" for name in ("__aiter__", "aclose")),
    *("integrations._langchain_handler.Handler.on_llm_new_token",),
    *("integrations._langchain_handler.Handler.run_inline",),
    "integrations.langchain._Variable.get",
    *("integrations.openai._request.request", "integrations.openai._async_request.request"),
    *("integrations.openai._process_response.process_response",),
    *("integrations.openai._async_process_response.process_response",),
    *("integrations.openai._sleep_for_retry.sleep_for_retry",),
    *("integrations.openai._async_sleep_for_retry.sleep_for_retry",),
    *("tracing.decorator._wrap_function.wrapper", "tracing.decorator._wrap_coroutine.wrapper"),
    *("tracing.decorator._wrap_generator.wrapper",),
    *("tracing.decorator._wrap_async_generator.wrapper",),
    *("tracing.flow.carry_context", "tracing.flow.carry_context.carried", "tracing.flow.session"),
    *(f"tracing.span.start_span.{name}" for name in ("__init__", "__enter__", "__exit__")),
    *("tracing.span.Span.get_span_context",),
    *("tracing.span.get_current_span", "tracking.active.ActiveRun.__enter__"),
    *("tracking.active.start_run", "tracking.fluent.log_feedback"),
    "tracking.fluent.log_expectation",
}
"""What programs and libraries call themselves, without a guard of its own: each calls nothing
but the program's own code, and functions that guard themselves."""
ANSWERED = ("capture.", "integrations._langchain_runs._give_up")
"""Where a failure is answered, not told: of a value that can't be read, its type is recorded.
And what asyncio closes in a task of its own is told to the loop's exception handler."""
PROGRAMS: list[Program] = [*OPENAI, *LANGCHAIN, *TRACEKIT]


@dataclass
class Bench:
    """Runs programs with one function of ours failing."""

    service: Service
    store: str
    faults: Faults
    reaching: dict[str, list[Program]] = field(default_factory=dict[str, list[Program]])
    """Function -> the programs that call it, the smallest first."""
    expected: dict[str, Any] = field(default_factory=dict[str, Any])
    outermost: set[str] = field(default_factory=set[str])
    unraisable: list[Any] = field(default_factory=list[Any])

    def run(self, program: Program, target: str | None = None) -> Any:
        config.reset()
        config.set_tracking_uri(self.store)
        forget_what_is_kept()
        tracekit.autolog()
        self.faults.raised, self.faults.target = 0, target
        self.unraisable.clear()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "unraisablehook", lambda told: self.unraisable.append(told.exc_type))
            self.faults.is_listening = True
            try:
                seen = observe(program, self.service)
                gc.collect(1)
                return seen
            finally:
                self.faults.is_listening = False
                self.leave()

    def leave(self) -> None:
        tracekit.autolog(disable=True)
        tracekit.shutdown()
        _forget_spools()
        runs._open.clear()
        context.current_span.set(None)
        context.active_runs.set(())

    def discover(self) -> None:
        failures = guard.failures
        called: list[tuple[int, Program, set[str]]] = []
        for program in PROGRAMS:
            self.faults.inside.clear()
            self.run(program)
            called.append((len(self.faults.inside), program, set(self.faults.inside)))
        for _, program, names in sorted(called, key=lambda each: each[0]):
            for name in names:
                self.reaching.setdefault(name, []).append(program)
        assert guard.failures == failures
        self.outermost = self.faults.outermost - self.reaching.keys()

    def expect(self, program: Program) -> Any:
        """What it gives bare; with tracekit but no fault where it can't do without."""
        if str(program) not in self.expected:
            bare = program not in TRACEKIT
            seen = observe(program, self.service) if bare else self.run(program)
            self.expected[str(program)] = seen
        return self.expected[str(program)]

    def fail(self, name: str, error: type[Exception], programs: int) -> Iterator[tuple[str, Any]]:
        """Runs in which that function fails: which, and what the program saw."""
        self.faults.error = error
        reached = 0
        for program in self.reaching[name]:
            expected = self.expect(program)
            seen = self.run(program, name)
            reached += self.faults.raised > 0
            if self.faults.raised:
                yield f"{name} in {program}", (expected, seen)
            if reached == programs:
                return

    def harms(self, error: type[Exception], programs: int) -> Iterator[str]:
        """How failures change what programs see."""
        for name in sorted(self.reaching.keys() - PLAIN - SETUP):
            for run, (expected, seen) in self.fail(name, error, programs):
                if expected != seen:
                    yield f"{run}:\n{difference(expected, seen)}"
                if self.unraisable:
                    yield f"{run}: {self.unraisable} where nobody can catch it"

    def silent(self) -> Iterator[str]:
        """Failures that nobody sees in strict mode."""
        for name in sorted(self.reaching.keys() - PLAIN - SETUP):
            for _, (_, seen) in self.fail(name, RuntimeError, 1):
                if OF_OURS not in json.dumps(seen) and not self.unraisable:
                    yield name


def _forget_spools() -> None:
    for name, module in list(sys.modules.items()):
        spools = vars(module).get("_spools") if name.startswith("tracekit.") else None
        if isinstance(spools, dict):
            spools.clear()


@pytest.fixture(scope="module")
def bench(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    faults = Faults()
    bench = Bench(service, str(tmp_path_factory.mktemp("raiser")), faults)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(guard, "strict", False)
        for program in (*OPENAI[::40], *LANGCHAIN[-5:], *TRACEKIT):  # what is imported late
            bench.run(program)
        tracekit.autolog()  # for the functions that it makes
        find_caches()
        faults.install()
        tracekit.autolog(disable=True)
        bench.discover()
        gc.collect()
        gc.freeze()
    yield bench
    faults.remove()


@pytest.fixture(autouse=True)
def lenient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(guard, "strict", False)
    logging.getLogger("tracekit").disabled = True
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


def test_a_failure_in_any_function_changes_no_result(bench: Bench) -> None:
    found = list(bench.harms(RecursionError, programs=1))
    assert len(bench.reaching) > 300
    assert not found, "\n\n".join(found)


def test_only_these_are_called_without_a_guard(bench: Bench) -> None:
    old = {name for name in OUTERMOST if "sleep_for_retry" in name}  # not in early clients
    assert bench.outermost | old == OUTERMOST


@pytest.mark.slow
@pytest.mark.parametrize("error", [RuntimeError, RecursionError, MemoryError])
def test_no_kind_of_failure_changes_a_result(bench: Bench, error: type[Exception]) -> None:
    found = list(bench.harms(error, programs=5))
    assert not found, "\n\n".join(found)


def test_in_strict_mode_every_failure_is_seen(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "strict", True)
    assert [name for name in bench.silent() if not name.startswith(ANSWERED)] == []
