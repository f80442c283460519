import asyncio
import contextvars
import inspect
import os
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from opentelemetry import trace as otel
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from spool_reading import records, spans

import tracekit
from tracekit import provider
from tracekit.store.store import Store


def test_a_span_records_inputs_outputs_and_attributes(store: Store) -> None:
    with tracekit.start_span("work", span_type="tool", attributes={"k": [1, 2]}) as span:
        span.set_inputs({"a": 1})
        span.set_outputs("done")
        span.add_event("moment", {"x": 1})
    recorded = spans(store)["work"]
    assert recorded["attributes"]["gen_ai.operation.name"] == "execute_tool"
    assert recorded["attributes"]["gen_ai.tool.call.arguments"] == '{"a":1}'
    assert recorded["attributes"]["gen_ai.tool.call.result"] == '"done"'
    assert recorded["attributes"]["k"] == [1, 2]
    assert recorded["events"][0]["name"] == "moment"
    assert recorded["status"] == "UNSET"


def test_an_exception_is_recorded_and_passes_on_unchanged(store: Store) -> None:
    error = ValueError("no such thing")
    with pytest.raises(ValueError, match="no such thing") as caught, tracekit.start_span("bad"):
        raise error
    assert caught.value is error
    recorded = spans(store)["bad"]
    assert recorded["status"] == "ERROR"
    assert recorded["attributes"]["error.type"] == "ValueError"
    assert "test_tracing.py" in recorded["events"][0]["attributes"]["exception.stacktrace"]


def test_an_exception_whose_text_fails_is_recorded_all_the_same(store: Store) -> None:
    class Bad(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    with pytest.raises(Bad), tracekit.start_span("bad"):
        raise Bad
    assert spans(store)["bad"]["status_message"].endswith("Bad without a text>")


def test_spans_nest_within_functions_threads_excepted(store: Store) -> None:
    @tracekit.trace
    def inner() -> None:
        thread = threading.Thread(target=lambda: tracekit.start_span("alone").__enter__())
        thread.start()
        thread.join()

    @tracekit.trace
    def outer() -> None:
        inner()

    outer()
    found = spans(store)
    assert found["inner"]["parent_span_id"] == found["outer"]["span_id"]
    started = {r["name"]: r for r in records(store, "start")}
    assert started["alone"]["parent_span_id"] is None


def test_the_helper_carries_span_and_session_into_a_thread(store: Store) -> None:
    @tracekit.trace
    def work(number: int) -> int:
        return number

    with tracekit.session("s-1"), tracekit.start_span("root"), ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(tracekit.carry_context(work), range(8))) == list(range(8))
    root = spans(store)["root"]
    works = [r for r in records(store, "span") if r["name"] == "work"]
    assert {r["parent_span_id"] for r in works} == {root["span_id"]}
    assert {r["session_id"] for r in works} == {"s-1"}


async def test_tasks_keep_their_own_current_span(store: Store) -> None:
    @tracekit.trace
    async def leaf(name: str) -> None:
        await asyncio.sleep(0.001)
        with tracekit.start_span(f"under {name}"):
            await asyncio.sleep(0.001)

    with tracekit.start_span("root"):
        await asyncio.gather(*(leaf(str(i)) for i in range(5)))
    leaves = {r["span_id"]: r for r in records(store, "span") if r["name"] == "leaf"}
    for i in range(5):
        parent = leaves[spans(store)[f"under {i}"]["parent_span_id"]]
        assert parent["attributes"]["tracekit.input"] == f'{{"name":"{i}"}}'


def test_what_a_consumer_does_between_items_is_not_inside_the_generator(store: Store) -> None:
    @tracekit.trace
    def numbers() -> Iterator[int]:
        with tracekit.start_span("first"):
            pass
        yield 1
        yield 2

    with tracekit.start_span("consumer"):
        for _ in numbers():
            with tracekit.start_span("between"):
                pass
    found = spans(store)
    assert found["first"]["parent_span_id"] == found["numbers"]["span_id"]
    assert found["between"]["parent_span_id"] == found["consumer"]["span_id"]
    assert found["numbers"]["attributes"]["tracekit.output"] == "[1,2]"


def test_a_generator_that_is_left_early_ends_its_span_once(store: Store) -> None:
    closed = []

    @tracekit.trace
    def numbers() -> Iterator[int]:
        try:
            yield from range(10)
        finally:
            closed.append(True)

    generator = numbers()
    assert next(generator) == 0
    generator.close()
    assert closed == [True]
    ended = [r for r in records(store, "span") if r["name"] == "numbers"]
    assert [r["attributes"]["tracekit.incomplete"] for r in ended] == [True]


def test_a_generator_passes_values_errors_and_its_result_through(store: Store) -> None:
    @tracekit.trace
    def echo() -> Iterator[str]:
        got = yield "ready"
        try:
            yield f"got {got}"
        except KeyError:
            yield "caught"
        return "result"

    generator = echo()
    assert next(generator) == "ready"
    assert generator.send("x") == "got x"  # type: ignore[attr-defined]
    assert generator.throw(KeyError) == "caught"  # type: ignore[attr-defined]
    with pytest.raises(StopIteration) as stop:
        next(generator)
    assert stop.value.value == "result"
    assert spans(store)["echo"]["status"] == "UNSET"


async def test_an_async_generator_is_followed_the_same_way(store: Store) -> None:
    @tracekit.trace
    async def letters() -> AsyncIterator[str]:
        for letter in "ab":
            await asyncio.sleep(0)
            yield letter

    async for _ in letters():
        with tracekit.start_span("between"):
            pass
    found = spans(store)
    assert found["between"]["parent_span_id"] is None
    assert found["letters"]["attributes"]["tracekit.output"] == '["a","b"]'


async def test_a_cancelled_task_is_cancelled_and_recorded(store: Store) -> None:
    started = asyncio.Event()

    @tracekit.trace
    async def sleeper() -> None:
        started.set()
        await asyncio.sleep(60)

    task = asyncio.create_task(sleeper())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    recorded = spans(store)["sleeper"]
    assert recorded["attributes"]["tracekit.cancelled"] is True
    assert recorded["status"] == "ERROR"


def test_a_traced_function_keeps_its_kind_name_and_signature() -> None:
    async def coroutine(a: int, *, b: str = "x") -> None:
        """Doc."""

    def generator() -> Iterator[int]:
        yield 1

    async def stream() -> AsyncIterator[int]:
        yield 1

    traced = tracekit.trace(coroutine)
    assert inspect.iscoroutinefunction(traced)
    assert inspect.signature(traced) == inspect.signature(coroutine)
    assert (traced.__name__, traced.__doc__) == ("coroutine", "Doc.")
    assert inspect.isgeneratorfunction(tracekit.trace(generator))
    assert inspect.isasyncgenfunction(tracekit.trace(stream))


def test_methods_are_traced_without_self(store: Store) -> None:
    class Agent:
        @tracekit.trace
        def answer(self, question: str) -> str:
            return question

        @classmethod
        @tracekit.trace
        def make(cls) -> "Agent":
            return cls()

        @staticmethod
        @tracekit.trace(name="plain")
        def static(a: int) -> int:
            return a

    Agent.make().answer("why?")
    Agent.static(1)
    assert spans(store)["answer"]["attributes"]["tracekit.input"] == '{"question":"why?"}'
    assert spans(store)["make"]["attributes"]["tracekit.input"] == "{}"
    assert "plain" in spans(store)


def test_session_user_tags_and_metadata_belong_to_the_whole_trace(store: Store) -> None:
    with tracekit.start_span("root"):
        with tracekit.start_span("before"):
            tracekit.update_current_trace(
                session_id="s", user_id="u", tags={"a": "b"}, metadata={"m": 1}
            )
        with tracekit.start_span("after"):
            pass
    found = spans(store)
    assert {(r["session_id"], r["user_id"]) for r in found.values()} == {("s", "u")}
    assert found["root"]["attributes"]["tracekit.metadata.m"] == 1
    (tag,) = records(store, "tag")
    assert (tag["subject_id"], tag["key"], tag["value"]) == (found["root"]["trace_id"], "a", "b")


def test_a_trace_continues_across_a_request(store: Store) -> None:
    headers: dict[str, str] = {}
    with tracekit.start_span("client") as client:
        tracekit.inject(headers)
    with tracekit.extract(headers), tracekit.start_span("server") as server:
        assert server.trace_id == client.trace_id
    assert spans(store)["server"]["parent_span_id"] == client.span_id


@pytest.mark.parametrize("header", ["", "00-0-0-00", "00-" + "0" * 32 + "-" + "0" * 16 + "-01"])
def test_a_bad_traceparent_changes_nothing(store: Store, header: str) -> None:
    with tracekit.extract({"traceparent": header}), tracekit.start_span("server"):
        pass
    assert spans(store)["server"]["parent_span_id"] is None


def test_the_applications_own_telemetry_is_left_alone(store: Store) -> None:
    exporter = InMemorySpanExporter()
    theirs = TracerProvider()
    theirs.add_span_processor(SimpleSpanProcessor(exporter))
    with theirs.get_tracer("app").start_as_current_span("request"), tracekit.start_span("ours"):
        assert otel.get_current_span().name == "request"  # type: ignore[attr-defined]
        with theirs.get_tracer("app").start_as_current_span("query") as query:
            assert query.parent is not None  # type: ignore[attr-defined]
    assert [span.name for span in exporter.get_finished_spans()] == ["query", "request"]
    assert spans(store)["ours"]["parent_span_id"] is None


def test_spans_join_the_applications_provider_when_asked(store: Store) -> None:
    exporter = InMemorySpanExporter()
    theirs = TracerProvider()
    theirs.add_span_processor(SimpleSpanProcessor(exporter))
    provider.join(theirs)
    app = theirs.get_tracer("app")
    with app.start_as_current_span("request"), tracekit.start_span("ours"):
        app.start_span("query").end()
    assert [span.name for span in exporter.get_finished_spans()] == ["query", "ours", "request"]
    found = spans(store)
    assert found["query"]["parent_span_id"] == found["ours"]["span_id"]
    assert found["ours"]["parent_span_id"] == found["request"]["span_id"]


def test_nothing_is_recorded_when_disabled(store: Store) -> None:
    tracekit.configure(enabled=False)
    with tracekit.start_span("work") as span:
        span.set_inputs(1)
        assert tracekit.get_current_span() is span
    assert not store.folder.exists()


def test_sampling_keeps_or_drops_whole_traces(store: Store) -> None:
    tracekit.configure(sampling_ratio=0.5)
    for _ in range(200):
        with tracekit.start_span("root"), tracekit.start_span("leaf"):
            pass
    roots = {r["trace_id"] for r in records(store, "span") if r["name"] == "root"}
    leaves = {r["trace_id"] for r in records(store, "span") if r["name"] == "leaf"}
    assert roots == leaves
    assert 50 < len(roots) < 150


def test_a_span_is_an_opentelemetry_span() -> None:
    with tracekit.start_span("work") as span:
        assert isinstance(span, otel.Span)
        assert otel.set_span_in_context(span)


def test_using_an_ended_span_harms_nobody(store: Store) -> None:
    with tracekit.start_span("work") as span:
        pass
    span.set_inputs(1)
    span.set_attribute("late", 1)
    span.fail(ValueError())
    span.end()
    assert len([r for r in records(store, "span")]) == 1


def test_decorating_above_staticmethod_says_how_to_mend_it() -> None:
    with pytest.raises(TypeError, match="below @staticmethod"):
        tracekit.trace(staticmethod(len))  # type: ignore[arg-type]


def test_a_coroutine_driven_from_two_contexts_is_not_disturbed(store: Store) -> None:
    @tracekit.trace
    async def work() -> str:
        await asyncio.sleep(0)
        return "done"

    coroutine = work()
    contextvars.Context().run(coroutine.send, None)
    with pytest.raises(StopIteration) as stop:
        contextvars.Context().run(coroutine.send, None)
    assert stop.value.value == "done"
    assert spans(store)["work"]["status"] == "UNSET"


def test_a_forked_child_leaves_the_spans_of_its_parent_alone(store: Store) -> None:
    with tracekit.start_span("shared") as span:
        child = os.fork()
        if child == 0:
            try:
                with tracekit.start_span("of the child"):
                    raise KeyError
            except KeyError:
                span.fail(KeyError())
                span.end()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        span.set_outputs("the parent's")
    (shared,) = [r for r in records(store, "span") if r["name"] == "shared"]
    assert (shared["status"], shared["attributes"]["tracekit.output"]) == (
        "UNSET",
        '"the parent\'s"',
    )
    child_span = spans(store)["of the child"]
    assert child_span["parent_span_id"] == shared["span_id"]


@pytest.mark.parametrize(("code", "status"), [(0, "UNSET"), (None, "UNSET"), (3, "ERROR")])
def test_leaving_by_exit_is_an_error_only_with_a_code(
    store: Store, code: int | None, status: str
) -> None:
    with pytest.raises(SystemExit), tracekit.start_span("main"):
        sys.exit(code)
    assert spans(store)["main"]["status"] == status


def test_long_attributes_events_and_tags_are_cut(store: Store) -> None:
    tracekit.configure(max_text_length=100)
    with tracekit.start_span("work", attributes={"a": "x" * 500, "b": ["y" * 500]}) as span:
        span.add_event("moment", {"c": "z" * 500})
        tracekit.update_current_trace(tags={"d": "t" * 500}, metadata={"e": "m" * 500})
    written = store.spool_folder.joinpath(next(store.spool_folder.iterdir()).name).read_text()
    for letter in "xyztm":
        assert letter * 100 + "… [cut: 500 characters in all]" in written
        assert letter * 101 not in written
