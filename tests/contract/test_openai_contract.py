"""The OpenAI client, bare and autologged: the same in everything that a program can see."""

from collections.abc import Iterator

import pytest
from llm_service import Service
from observing import Program, difference, endings, observe
from openai_programs import OPENAI

import tracekit
from tracekit import context
from tracekit.store.store import Store


@pytest.fixture
def autologged(store: Store) -> Iterator[None]:
    yield
    tracekit.autolog(disable=True)


@pytest.mark.parametrize("program", OPENAI, ids=str)
@pytest.mark.usefixtures("autologged")
def test_a_program_sees_no_difference(
    program: Program, service: Service, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    bare = observe(program, service)
    tracekit.openai.autolog()
    assert not difference(bare, observe(program, service))
    if program.endings is not None:
        assert endings(store) == list(program.endings)
    assert context.current_span.get() is None
    assert "detach" not in caplog.text
