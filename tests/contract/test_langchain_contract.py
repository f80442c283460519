"""LangChain and LangGraph, bare and autologged: the same in everything that a program sees."""

from collections.abc import Iterator

import pytest
from langchain_programs import LANGCHAIN
from llm_service import Service
from observing import Program, difference, observe
from spool_reading import records

import tracekit
from tracekit import context
from tracekit.integrations import _langchain_runs as runs
from tracekit.store.store import Store


@pytest.fixture(params=[True, False], ids=["both", "langchain"])
def autolog(request: pytest.FixtureRequest, store: Store) -> Iterator[dict[str, bool]]:
    yield {"openai": request.param, "langchain": True}
    tracekit.autolog(disable=True)
    runs._open.clear()


@pytest.mark.parametrize("program", LANGCHAIN, ids=str)
def test_a_program_sees_no_difference(
    program: Program,
    service: Service,
    store: Store,
    autolog: dict[str, bool],
    caplog: pytest.LogCaptureFixture,
) -> None:
    bare = observe(program, service)
    tracekit.autolog(**autolog)
    assert not difference(bare, observe(program, service))
    begun, ended = ({r["span_id"] for r in records(store, kind)} for kind in ("start", "span"))
    assert len(begun) == len(ended) + program.unfinished
    assert len(runs._open) == program.unfinished
    assert context.current_span.get() is None
    assert not [line for line in caplog.messages if "detach" in line or "callback" in line]
