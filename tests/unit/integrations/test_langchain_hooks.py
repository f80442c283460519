"""What autologging of LangChain adds, that it can be undone, and that it never changes a result."""

import copy
import pickle
import subprocess
import sys
import textwrap
from typing import Any
from uuid import uuid4

import pytest
from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from langchain_core.language_models import FakeListLLM
from langchain_core.runnables import RunnableLambda
from langchain_core.tracers import context as hooks
from span_trees import outline
from spool_reading import records

import tracekit
from tracekit import config, context, guard
from tracekit.integrations import _langchain_runs as runs
from tracekit.integrations._langchain_handler import Handler, handler
from tracekit.store.store import Store

double = RunnableLambda(lambda x: 2 * x).with_config(run_name="double")


def run(program: str) -> str:
    """What a program of its own prints."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_twice_is_once_and_disable_restores_the_hooks(store: Store) -> None:
    before = list(hooks._configure_hooks)
    finders = list(context.span_finders), list(context.model_calls_seen)
    tracekit.langchain.autolog()
    tracekit.langchain.autolog()
    assert double.invoke(2) == 4
    tracekit.langchain.autolog(disable=True)
    assert double.invoke(2) == 4
    assert outline(store) == ["double"]
    assert [a is b for a, b in zip(before, hooks._configure_hooks, strict=True)]
    assert (context.span_finders, context.model_calls_seen) == finders


def test_a_hook_added_by_others_meanwhile_stays() -> None:
    tracekit.langchain.autolog()
    theirs: Any = (runs._leaves, True, None, None)
    hooks._configure_hooks.append(theirs)
    tracekit.langchain.autolog(disable=True)
    assert hooks._configure_hooks.pop() is theirs


@pytest.mark.parametrize(
    "first",
    [
        "import langchain_core.tracers.langchain",
        "from langchain_core.callbacks import CallbackManager",
        "import langchain_openai",
    ],
)
def test_langchain_imported_later_is_recorded(first: str, store: Store) -> None:
    printed = run(
        f"""
        import sys, tracekit
        tracekit.set_tracking_uri({str(store.folder)!r})
        tracekit.langchain.autolog()
        assert "langchain_core" not in sys.modules
        {first}
        from langchain_core.runnables import RunnableLambda
        print(RunnableLambda(lambda x: 2 * x).with_config(run_name="double").invoke(4))
        """
    )
    assert printed == "8"
    assert outline(store) == ["double"]


def test_disabled_means_no_hook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACEKIT_DISABLED", "1")
    config.reset()
    before = list(hooks._configure_hooks)
    tracekit.langchain.autolog()
    assert hooks._configure_hooks == before


def test_the_handler_is_its_own_copy() -> None:
    assert copy.deepcopy({"callbacks": [handler]})["callbacks"][0] is handler
    assert pickle.loads(pickle.dumps(handler)) is handler


class Counter(BaseCallbackHandler):
    def __init__(self) -> None:
        self.seen: list[str] = []

    def on_chain_start(self, *_: Any, **__: Any) -> None:
        self.seen.append("start")

    def on_chain_end(self, *_: Any, **__: Any) -> None:
        self.seen.append("end")


def test_callbacks_of_the_program_are_called_as_before(store: Store) -> None:
    counter = Counter()

    def nested(x: int) -> int:
        return double.invoke(x)

    def seen() -> list[str]:
        counter.seen = []
        RunnableLambda(nested).invoke(1, {"callbacks": [counter]})
        return counter.seen

    plain = seen()
    tracekit.langchain.autolog()
    try:
        assert seen() == plain == ["start", "start", "end", "end"]
    finally:
        tracekit.langchain.autolog(disable=True)
    assert outline(store) == ["nested", "  double"]


async def test_async_handlers_hear_of_a_text_model_although_ours_is_inline(store: Store) -> None:
    class Listener(AsyncCallbackHandler):
        async def on_llm_start(self, *_: Any, **__: Any) -> None:
            heard.append("start")

        async def on_llm_end(self, *_: Any, **__: Any) -> None:
            heard.append("end")

    heard: list[str] = []
    tracekit.langchain.autolog()
    try:
        await FakeListLLM(responses=["a"]).ainvoke("q", {"callbacks": [Listener()]})
    finally:
        tracekit.langchain.autolog(disable=True)
    assert heard == ["start", "end"]
    assert outline(store) == ["FakeListLLM"]


@pytest.mark.usefixtures("langchain_logged")
def test_nothing_is_left_of_many_runs(store: Store) -> None:
    chain = double | double
    for number in range(3_334):
        chain.invoke(number)
    assert len(records(store, "span")) == 3 * 3_334
    assert not runs._open


def test_of_runs_that_never_end_the_oldest_are_given_up(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "MAX_OPEN", 3)
    tracekit.langchain.autolog()
    try:
        ids = [uuid4() for _ in range(5)]
        for number, run_id in enumerate(ids):
            handler.on_chain_start(None, 1, run_id=run_id, name=f"run {number}")
        assert list(runs._open) == ids[2:]
        assert outline(store) == ["run 0", "run 1"]
        for run_id in ids:
            handler.on_chain_end(2, run_id=run_id)
        assert not runs._open
    finally:
        tracekit.langchain.autolog(disable=True)


EVENTS = ("chain_start", "chain_end", "chain_error", "llm_start", "llm_end", "llm_error")


@pytest.mark.parametrize("inner", ["_langchain_runs.place", "_langchain_runs.closed",
                                   "_langchain_spans.begin", "_langchain_spans.record",
                                   "_langchain_spans.fail", "_langchain_spans.answer",
                                   "_langchain_spans.run_of"])  # fmt: skip
def test_a_failure_of_ours_changes_no_result(
    inner: str, store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RecursionError("ours")

    def fail(_: str) -> str:
        raise KeyError("theirs")

    monkeypatch.setattr(guard, "strict", False)
    monkeypatch.setattr(f"tracekit.integrations.{inner}", broken)
    monkeypatch.setattr(runs, "_open", {})
    failures = guard.failures
    chain = FakeListLLM(responses=["a"]) | RunnableLambda(fail).with_fallbacks([double])
    tracekit.langchain.autolog()
    try:
        assert chain.invoke("q") == "aa"
    finally:
        tracekit.langchain.autolog(disable=True)
    assert guard.failures > failures
    assert all(record.name == "tracekit.guard" for record in caplog.records)
    caplog.clear()


def test_every_callback_is_guarded() -> None:
    free = {"on_llm_new_token", "on_stream_event"}  # a look into a dict, and a clock
    ours = {name for name in vars(Handler) if name.startswith("on_")} - free
    assert all("guarded" in vars(Handler)[name].__code__.co_name for name in ours)
    assert {f"on_{event}" for event in EVENTS} < ours
