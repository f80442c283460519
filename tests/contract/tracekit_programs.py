"""What applications do with tracekit itself."""

import asyncio
import dataclasses
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

from observing import Kit, Table
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind

import tracekit

TRACEKIT = Table()
program = TRACEKIT.program


class MineError(Exception):
    pass


@dataclasses.dataclass
class Order:
    number: int
    lines: list[Any]


class Shop:
    @tracekit.trace
    def price(self, order: Order, *, discount: float = 0.1) -> Any:
        return {"total": order.number * (1 - discount), "of": order}

    @classmethod
    @tracekit.trace(name="named", span_type="tool", attributes={"a": 1, "b": [1, 2], "c": {}})
    def tool(cls, city: str) -> str:
        return f"sunny in {city}"


@tracekit.trace
def fails(text: str) -> None:
    raise MineError(text)


@tracekit.trace
def counts(to: int) -> Iterator[int]:
    got = yield from range(to)
    return got


@tracekit.trace
async def waits(text: str) -> str:
    await asyncio.sleep(0)
    return text * 2


@tracekit.trace
async def counts_later(to: int) -> AsyncIterator[int]:
    for number in range(to):
        yield number


@program(any_spans=True)
async def traced_functions(kit: Kit) -> Any:
    shop = Shop()
    return shop.price(Order(3, [1, "two", None])), shop.tool("Graz"), Shop.tool("Linz")


@program(any_spans=True)
async def a_traced_function_that_raises(kit: Kit) -> Any:
    fails("no")


@program(any_spans=True)
async def traced_generators(kit: Kit) -> Any:
    early = counts(9)
    first = next(early), early.send(None)
    early.close()
    thrown = counts(3)
    next(thrown)
    try:
        thrown.throw(MineError("in"))
    except MineError as error:
        return list(counts(3)), first, error


@program(any_spans=True, kinds=("async",))
async def traced_coroutines_and_async_generators(kit: Kit) -> Any:
    early = counts_later(9)
    first = await anext(early)
    await early.aclose()
    thrown = counts_later(3)
    await anext(thrown)
    try:
        await thrown.athrow(MineError("in"))
    except MineError as error:
        return await waits("a"), [number async for number in counts_later(3)], first, error


@program(any_spans=True)
async def spans_by_hand(kit: Kit) -> Any:
    with tracekit.start_span("outer", span_type="agent", attributes={"k": "v"}) as span:
        span.set_inputs({"a": {1, 2}, "b": b"\0" * 2000, "c": "\ud800", "d": 2**80, "e": object()})
        with tracekit.start_span("inner", span_type="retriever") as inner:
            inner.set_inputs("q")
            inner.set_outputs([{"id": 1}])
            inner.set_attribute("tags", ("a", "b"))
            inner.set_attributes({"big": "x" * 5, "odd": {"deep": [[1]]}})
            inner.add_event("seen", {"at": 1})
            inner.record_exception(MineError("caught"))
        current = tracekit.get_current_span()
        same = current is not None and current.span_id == span.span_id
        span.update_name("renamed")
        span.set_outputs(Order(1, []))
        tracekit.update_current_trace(
            tags={"a": 1}, session_id="s", user_id="u", metadata={"m": [1]}
        )
    return same, len(span.trace_id), len(span.span_id), span.is_recording()


@program(any_spans=True)
async def an_error_in_a_span(kit: Kit) -> Any:
    with tracekit.session("s", user_id="u"), tracekit.start_span("outer"):
        raise MineError("mine")


@program(any_spans=True)
async def traces_that_cross_threads_and_services(kit: Kit) -> Any:
    headers: dict[str, str] = {}
    seen: list[Any] = []

    def work() -> None:
        seen.append(Shop().tool("Graz"))

    with tracekit.start_span("caller"):
        tracekit.inject(headers)
        thread = threading.Thread(target=tracekit.carry_context(work))
        thread.start()
        thread.join()
    with tracekit.extract({"traceparent": "00-" + "1" * 32 + "-" + "2" * 16 + "-01"}):
        seen.append(Shop().tool("Linz"))
    return seen


@program(any_spans=True)
async def a_provider_of_the_program(kit: Kit) -> Any:
    provider = TracerProvider()
    provider.add_span_processor(tracekit.SpanProcessor())
    tracer = provider.get_tracer("theirs")
    with tracer.start_as_current_span("a", kind=SpanKind.CLIENT, attributes={"x": 1}) as span:
        span.add_event("e", {"y": 2})
        span.set_attribute("gen_ai.input.messages", "[]")
        with tracer.start_as_current_span("b"):
            pass
        span.record_exception(MineError("theirs"))
    flushed = type(provider.force_flush()), type(tracekit.flush())
    provider.shutdown()
    return flushed


@program(any_spans=True)
async def a_mask_and_an_error_with_it(kit: Kit) -> Any:
    def mask(name: str, text: str) -> str:
        if "bad" in text:
            raise MineError(text)
        return text.replace("Alice", "A.")

    tracekit.configure(mask=mask)
    with tracekit.start_span("masked") as span:
        span.set_inputs("Alice")
        span.set_outputs("bad")
    tracekit.configure(mask=lambda name, text: text)
    return Shop().tool("Graz")


@program(any_spans=True)
async def a_run(kit: Kit) -> Any:
    with tracekit.start_run(run_name="r", tags={"a": 1}):
        tracekit.log_param("p", 1)
        tracekit.log_params({"q": [1], "r": None})
        tracekit.log_metric("m", 0.5, step=1)
        tracekit.log_metrics({"n": 1, "o": float("nan")}, step=2)
        tracekit.set_tag("t", "u")
        tracekit.set_tags({"v": 1})
        tracekit.delete_tag("v")
        tracekit.log_text("hello", "notes/a.txt")
        tracekit.log_dict({"a": 1}, "b.json")
        with tracekit.start_span("in the run"):
            tracekit.log_feedback(name="good", value=True)
            tracekit.log_expectation(name="answer", value="x")
        with tracekit.start_run(run_name="inner", nested=True):
            tracekit.log_metric("m", 1.0)
    return tracekit.active_run()


@program(any_spans=True)
async def an_error_in_a_run(kit: Kit) -> Any:
    with tracekit.start_run(run_name="r"):
        raise MineError("mine")
