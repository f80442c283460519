"""Where LangChain's runs, and what runs inside them, hang in the tree."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import (
    Runnable,
    RunnableGenerator,
    RunnableLambda,
    RunnableParallel,
    RunnablePassthrough,
)
from langchain_core.tools import tool
from span_trees import outline, path_to
from spool_reading import records, spans

import tracekit
from tracekit.store.store import Store

pytestmark = pytest.mark.usefixtures("langchain_logged")

CHAIN = [
    "RunnableSequence",
    "  ChatPromptTemplate",
    "  GenericFakeChatModel",
    "  StrOutputParser",
]


def chain(answer: str = "a short answer") -> Runnable[Any, str]:
    model = GenericFakeChatModel(messages=iter([AIMessage(answer) for _ in range(99)]))
    return ChatPromptTemplate.from_template("Answer {q}") | model | StrOutputParser()


def test_a_chain_holds_its_steps(store: Store) -> None:
    assert chain().invoke({"q": "why"}) == "a short answer"
    assert outline(store) == CHAIN
    assert spans(store)["RunnableSequence"]["parent_span_id"] is None


async def test_an_async_chain_holds_its_steps(store: Store) -> None:
    await chain().ainvoke({"q": "why"})
    assert outline(store) == CHAIN


def test_each_item_of_a_batch_is_a_tree_below_the_current_span(store: Store) -> None:
    with tracekit.start_span("batch"):
        chain().batch([{"q": str(i)} for i in range(3)])
    lines = outline(store)
    assert lines[0] == "batch"
    assert lines.count("  RunnableSequence") == 3
    assert lines.count("    GenericFakeChatModel") == 3
    assert len(lines) == 13


async def test_each_item_of_an_async_batch_is_a_tree_of_its_own(store: Store) -> None:
    await chain().abatch([{"q": str(i)} for i in range(3)])
    assert len({span["trace_id"] for span in records(store, "span")}) == 3
    assert outline(store).count("  GenericFakeChatModel") == 3


def test_what_the_program_does_between_the_parts_of_a_stream_is_not_inside(store: Store) -> None:
    with tracekit.start_span("request"):
        for _ in chain().stream({"q": "why"}):
            with tracekit.start_span("show"):
                pass
    lines = outline(store)
    assert lines.count("  show") == 5
    assert "  RunnableSequence" in lines
    assert "    GenericFakeChatModel" in lines
    assert spans(store)["RunnableSequence"]["attributes"]["tracekit.input"] == '{"q":"why"}'


async def test_an_async_stream_and_what_is_done_with_its_parts(store: Store) -> None:
    async with asyncio.timeout(20):
        async for _ in chain().astream({"q": "why"}):
            with tracekit.start_span("show"):
                await asyncio.sleep(0)
    lines = outline(store)
    assert lines.count("show") == 5
    assert lines.count("  GenericFakeChatModel") == 1


async def test_events_of_a_stream_change_nothing(store: Store) -> None:
    events = [e["event"] async for e in chain().astream_events({"q": "why"}, version="v2")]
    assert events[0] == "on_chain_start"
    assert events.count("on_chat_model_stream") == 5
    assert sorted(outline(store)) == sorted(CHAIN)


def test_a_stream_that_is_left_ends_its_runs(store: Store) -> None:
    stream = chain().stream({"q": "why"})
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert len(records(store, "span")) == len(records(store, "start"))
    with tracekit.start_span("after"):
        pass
    assert spans(store)["after"]["parent_span_id"] is None


def test_branches_run_in_threads_below_their_parallel(store: Store) -> None:
    both = RunnableParallel(
        left=RunnableLambda(lambda x: x + 1).with_config(run_name="left"),
        right=RunnablePassthrough().with_config(run_name="right"),
    )
    assert both.invoke(1) == {"left": 2, "right": 1}
    assert sorted(outline(store)) == ["  left", "  right", "RunnableParallel<left,right>"]


def test_a_runnable_called_inside_a_function_is_below_it(store: Store) -> None:
    inner = RunnableLambda(lambda x: x * 2).with_config(run_name="inner")

    def twice(x: int) -> list[int]:
        return inner.batch([x, x + 1])

    assert RunnableLambda(twice).invoke(1) == [2, 4]
    assert outline(store) == ["twice", "  inner", "  inner"]


def test_own_spans_and_runs_nest_in_each_other(store: Store) -> None:
    @tracekit.trace
    def inside(x: int) -> int:
        return RunnableLambda(lambda y: y + 1).with_config(run_name="innermost").invoke(x)

    @tracekit.trace
    def outside(x: int) -> int:
        return RunnableLambda(inside).with_config(run_name="run").invoke(x)

    assert outside(1) == 2
    assert path_to(store, "innermost") == ["outside", "run", "inside", "innermost"]


async def test_own_spans_and_async_runs_nest_in_each_other(store: Store) -> None:
    @tracekit.trace
    async def inside(x: int) -> int:
        await asyncio.sleep(0)
        return await RunnableLambda(lambda y: y + 1).with_config(run_name="innermost").ainvoke(x)

    run = RunnableLambda(inside).with_config(run_name="run")
    with tracekit.start_span("outside"):
        assert await asyncio.gather(*(run.ainvoke(i) for i in range(2))) == [1, 2]
    lines = outline(store)
    assert lines == ["outside", *["  run", "    inside", "      innermost"] * 2]


def test_a_span_inside_a_tool_is_below_the_tool(store: Store) -> None:
    @tool
    def weather(city: str) -> str:
        """Weather in a city."""
        current = tracekit.get_current_span()
        assert current is not None
        current.set_attribute("seen", city)
        with tracekit.start_span("look up"):
            return f"sunny in {city}"

    weather.invoke({"type": "tool_call", "name": "weather", "args": {"city": "Graz"}, "id": "c1"})
    assert path_to(store, "look up") == ["execute_tool weather", "look up"]
    assert spans(store)["execute_tool weather"]["attributes"]["seen"] == "Graz"


def test_runs_in_a_thread_that_is_given_the_config_find_their_parent(store: Store) -> None:
    inner = RunnableLambda(lambda x: x).with_config(run_name="inner")

    def spread(x: int, config: Any) -> list[int]:
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(lambda i: inner.invoke(i, config), range(x)))

    RunnableLambda(spread).invoke(2)
    assert outline(store) == ["spread", "  inner", "  inner"]


class Shelf(BaseRetriever):
    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        with tracekit.start_span("search"):
            return [Document(f"about {query}", metadata={"score": 0.5, "shelf": 3}, id="d1")]


def test_what_a_retriever_does_is_below_it(store: Store) -> None:
    look_up = {"found": Shelf(), "q": RunnablePassthrough()}
    (look_up | RunnableLambda(lambda x: x["q"])).invoke("cats")
    assert path_to(store, "search")[-2:] == ["retrieval Shelf", "search"]
    with tracekit.start_span("after"):
        pass
    assert spans(store)["after"]["parent_span_id"] is None


def test_a_retriever_records_query_and_documents(store: Store) -> None:
    Shelf().invoke("cats")
    facts = spans(store)["retrieval Shelf"]["attributes"]
    assert facts["gen_ai.operation.name"] == "retrieval"
    assert facts["gen_ai.retrieval.query.text"] == "cats"
    assert facts["gen_ai.retrieval.documents"] == (
        '[{"id":"d1","score":0.5,"content":"about cats","metadata":{"score":0.5,"shelf":3}}]'
    )


def test_a_generator_in_a_chain_streams_as_without_us(store: Store) -> None:
    def words(texts: Iterator[str]) -> Iterator[str]:
        for text in texts:
            yield text.upper()

    stream = (chain("one two") | RunnableGenerator(words)).stream({"q": "why"})
    assert list(stream) == ["ONE", " ", "TWO"]
    assert "  words" in outline(store) or "  RunnableGenerator" in outline(store)


def test_fallbacks_and_retries_show_each_attempt(store: Store) -> None:
    failures = iter([ValueError("once"), None])

    def flaky(x: int) -> int:
        error = next(failures)
        if error:
            raise error
        return x

    def broken(_: int) -> int:
        raise KeyError("gone")

    retried = RunnableLambda(flaky).with_retry(wait_exponential_jitter=False)
    RunnableLambda(broken).with_fallbacks([retried]).invoke(1, {"callbacks": []})
    lines = outline(store)
    assert lines[:3] == ["RunnableWithFallbacks", "  broken", "  flaky"]
    assert lines[3:] == ["    flaky", "    flaky"]
    by_status = [s["status"] for s in records(store, "span") if s["name"] == "flaky"]
    assert sorted(by_status) == ["ERROR", "UNSET", "UNSET"]
    counts = [s["attributes"].get("tracekit.retry.count") for s in records(store, "span")]
    assert counts.count(1) == 1


def test_an_error_is_recorded_and_reaches_the_program(store: Store) -> None:
    error = ValueError("no such city")

    def fail(_: int) -> int:
        raise error

    with pytest.raises(ValueError, match="no such city") as caught:
        RunnableLambda(fail).invoke(1)
    assert caught.value is error
    span = spans(store)["fail"]
    assert (span["status"], span["attributes"]["error.type"]) == ("ERROR", "ValueError")
    assert ".fail\n" in span["events"][0]["attributes"]["exception.stacktrace"]


async def test_a_cancelled_run_ends_with_all_that_ran_below_it(store: Store) -> None:
    started = asyncio.Event()

    class Slow(BaseRetriever):
        def _get_relevant_documents(self, query: str, **_: Any) -> list[Document]:
            raise NotImplementedError

        async def _aget_relevant_documents(self, query: str, **_: Any) -> list[Document]:
            started.set()
            await asyncio.sleep(60)
            return []

    task = asyncio.create_task((RunnablePassthrough() | Slow()).ainvoke("x"))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    ended = spans(store)
    assert ended["RunnableSequence"]["attributes"]["tracekit.cancelled"] is True
    assert ended["retrieval Slow"]["attributes"]["tracekit.incomplete"] is True


def test_labels_are_recorded_once_and_secrets_never(store: Store) -> None:
    labels: Any = {
        "tags": ["mail"],
        "metadata": {"channel": "mail", "api_key": "sk-123", "thread_id": "t-1"},
        "configurable": {"password": "hunter2"},
    }
    chain().invoke({"q": "why"}, labels)
    ended = spans(store)
    root, step = ended["RunnableSequence"]["attributes"], ended["GenericFakeChatModel"]
    assert root["tracekit.tags"] == ["mail"]
    assert root["tracekit.metadata.channel"] == "mail"
    assert root["gen_ai.conversation.id"] == "t-1"
    assert {span["session_id"] for span in ended.values()} == {"t-1"}
    assert not {"tracekit.tags", "tracekit.metadata.channel"} & set(step["attributes"])
    assert "sk-123" not in str(ended)
    assert "hunter2" not in str(ended)


def test_a_session_of_the_program_wins_over_the_thread(store: Store) -> None:
    with tracekit.session("mine"):
        chain().invoke({"q": "why"}, {"metadata": {"thread_id": "t-1"}})
    root = spans(store)["RunnableSequence"]
    assert root["session_id"] == "mine"
    assert root["attributes"]["gen_ai.conversation.id"] == "t-1"
