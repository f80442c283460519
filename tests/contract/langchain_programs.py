"""What applications do with LangChain and LangGraph."""

import asyncio
import copy
import logging
import pickle
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Annotated, Any, TypedDict

import openai
import pydantic
from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler, CallbackManager
from langchain_core.documents import Document
from langchain_core.language_models import FakeListLLM, GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import JsonOutputParser, StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import (
    Runnable,
    RunnableBranch,
    RunnableGenerator,
    RunnableLambda,
    RunnableParallel,
    RunnablePassthrough,
    chain,
)
from langchain_core.runnables.config import ensure_config
from langchain_core.tools import ToolException, tool
from langchain_core.tracers.context import collect_runs
from langchain_openai import ChatOpenAI, OpenAI, OpenAIEmbeddings
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, Send, interrupt
from llm_service import answer, chunks, completion, events
from observing import Kit, Table
from openai_programs import EMBEDDING, REFUSAL, attempt, hang

IS_NEW = int(version("langchain").partition(".")[0]) >= 1
if IS_NEW:
    from langchain.agents import create_agent
else:
    from langgraph.prebuilt import create_react_agent as create_agent

LANGCHAIN = Table()
program = LANGCHAIN.program


async def call(kit: Kit, runnable: Any, way: str, *args: Any, **kwargs: Any) -> Any:
    """`invoke` or `ainvoke`, `batch` or `abatch` …"""
    return await kit.ask(getattr(runnable, f"a{way}" if kit.is_async else way), *args, **kwargs)


def streamed(kit: Kit, runnable: Any, *args: Any, **kwargs: Any) -> Any:
    return getattr(runnable, "astream" if kit.is_async else "stream")(*args, **kwargs)


def steps(*texts: str) -> Runnable[Any, Any]:
    """A prompt, a model that says these texts, a parser."""
    said = iter([AIMessage(text) for text in texts or ("a short answer",) * 99])
    model = GenericFakeChatModel(messages=said)
    return ChatPromptTemplate.from_template("Answer {q}") | model | StrOutputParser()


ASKED = {"q": "why"}


class Bad(Exception):
    pass


def bad(_: Any) -> Any:
    raise Bad("theirs")


# Chains


@program(any_spans=True)
async def a_chain(kit: Kit) -> Any:
    runnable = steps()
    before = repr(runnable)
    return await call(kit, runnable, "invoke", ASKED), repr(runnable) == before


@program(any_spans=True, bugs=(49,))
async def a_chain_streamed(kit: Kit) -> Any:
    stream = streamed(kit, steps(), ASKED)
    return type(stream), [*dir(stream)], await kit.all(stream)


@program(any_spans=True, bugs=(51, 52))
async def a_batch(kit: Kit) -> Any:
    given = [{"q": str(number)} for number in range(4)]
    runnable = RunnableLambda(lambda x: x["q"] + "!") | (lambda text: text * 2)
    return await call(kit, runnable, "batch", given, {"max_concurrency": 2})


@program(any_spans=True)
async def a_batch_as_completed(kit: Kit) -> Any:
    runnable = RunnableLambda(lambda x: x * 2)
    way = "abatch_as_completed" if kit.is_async else "batch_as_completed"
    return sorted(await kit.all(getattr(runnable, way)([1, 2, 3])))


@program(any_spans=True)
async def a_batch_that_returns_its_exceptions(kit: Kit) -> Any:
    runnable = RunnableLambda(lambda x: x if x else bad(x))
    return await call(kit, runnable, "batch", [1, 0, 2], return_exceptions=True)


@program(any_spans=True, kinds=("async",), bugs=(49,))
async def events_of_a_chain(kit: Kit) -> Any:
    found = steps().astream_events(ASKED, version="v2")
    return [event async for event in found]


@program(any_spans=True, kinds=("async",), bugs=(49,))
async def events_of_a_chain_with_tools_and_branches(kit: Kit) -> Any:
    branch = RunnableBranch((lambda x: len(x) > 3, double), shout.with_config(tags=["loud"]))
    runnable = (
        RunnablePassthrough.assign(said=steps()) | (lambda x: x["said"]) | branch
    ).with_config(run_name="all", metadata={"mine": 1})
    return [event async for event in runnable.astream_events(ASKED, version="v2")]


@program(any_spans=True, kinds=("async",), bugs=(49,))
async def the_log_of_a_chain(kit: Kit) -> Any:
    return [
        [(op["op"], op["path"]) for op in patch.ops]
        async for patch in steps().astream_log(ASKED, include_types=["llm"])
    ]


@program(any_spans=True)
async def a_chain_of_every_kind_of_runnable(kit: Kit) -> Any:
    def parts(pieces: Iterator[str]) -> Iterator[str]:
        for piece in pieces:
            yield piece.upper()

    runnable = (
        RunnableParallel(a=steps(), b=RunnablePassthrough())
        | RunnableLambda(lambda x: x["a"])
        | RunnableGenerator(parts)
    )
    return await call(kit, runnable, "invoke", ASKED), await kit.all(streamed(kit, runnable, ASKED))


@program(any_spans=True, bugs=(27, 41))
async def a_chain_that_raises(kit: Kit) -> Any:
    return await call(kit, steps() | RunnableLambda(bad), "invoke", ASKED)


@program(any_spans=True, bugs=(27,))
async def a_stream_that_raises(kit: Kit) -> Any:
    def parts(pieces: Any) -> Iterator[str]:
        yield "one"
        raise Bad("theirs")

    read: list[Any] = []
    try:
        async for part in kit.items(streamed(kit, RunnableGenerator(parts) | double, "x")):
            read.append(part)
    except Bad as error:
        return read, error


@program(any_spans=True)
async def retries_and_fallbacks(kit: Kit) -> Any:
    seen: list[int] = []

    def second_time(x: int) -> int:
        seen.append(x)
        return x if len(seen) > 1 else bad(x)

    again = RunnableLambda(second_time).with_retry(
        retry_if_exception_type=(Bad,), wait_exponential_jitter=False, stop_after_attempt=2
    )
    first = await call(kit, again, "invoke", 3)
    fallback = RunnableLambda(bad).with_fallbacks([RunnableLambda(lambda x: x + 1)])
    return first, seen, await call(kit, fallback, "invoke", 5)


@program(any_spans=True, bugs=(18,))
async def a_stream_left_early(kit: Kit) -> Any:
    stream = streamed(kit, steps(), ASKED)
    async for first in kit.items(stream):
        break
    await kit.close(stream)
    return first


@program(any_spans=True, bugs=(15, 18))
async def a_stream_never_read(kit: Kit) -> Any:
    stream = streamed(kit, steps(), ASKED)
    kind = type(stream)
    await kit.close(stream)
    return kind


@program(any_spans=True, kinds=("sync",), bugs=(17, 18, 52))
async def a_stream_read_in_threads(kit: Kit) -> Any:
    stream = steps().stream(ASKED)
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as two:
        first = [one.submit(next, stream).result(), two.submit(next, stream).result()]
        return first, two.submit(list, stream).result()


@program(any_spans=True, kinds=("async",), bugs=(17, 18, 52))
async def a_stream_read_a_task_per_piece(kit: Kit) -> Any:
    stream, read = steps().astream(ASKED), []
    while True:
        try:
            read.append(await asyncio.create_task(stream.__anext__()))
        except StopAsyncIteration:
            return read


@program(any_spans=True, bugs=(17, 53))
async def the_configuration_that_a_step_sees(kit: Kit) -> Any:
    def look(x: Any, config: Any) -> Any:
        known = ensure_config(config)
        seen = {k: v for k, v in known.items() if k != "callbacks"}
        return seen, type(known["callbacks"]), known["callbacks"].tags

    given: Any = {"tags": ["t"], "metadata": {"m": 1}, "configurable": {"c": 2}, "run_name": "r"}
    return await call(kit, RunnableLambda(look), "invoke", 1, given), given


@program(any_spans=True, bugs=(23, 29))
async def chains_copied_and_pickled(kit: Kit) -> Any:
    runnable = steps("one", "two")
    copied = copy.deepcopy(double)
    parser = pickle.loads(pickle.dumps(ChatPromptTemplate.from_template("{q}") | StrOutputParser()))
    told = [attempt(lambda: pickle.loads(pickle.dumps(runnable)))]
    return told, await call(kit, copied, "invoke", 2), type(parser), parser.get_input_jsonschema()


@program(any_spans=True, bugs=(12,))
async def decorated_chains(kit: Kit) -> Any:
    @chain
    def outer(x: int) -> Any:
        return double.invoke(x)

    @chain
    async def async_outer(x: int) -> Any:
        return await double.ainvoke(x)

    return await call(kit, async_outer if kit.is_async else outer, "invoke", 4)


double = RunnableLambda(lambda x: x * 2).with_config(run_name="double")
shout = RunnableLambda(lambda x: f"{x}!").with_config(run_name="shout")


# Callbacks of the program


class Heard(BaseCallbackHandler):
    """Writes down all that it is told."""

    def __init__(self, told: list[Any]) -> None:
        self.told = told

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("on_") or name == "on_stream_event":
            return super().__getattribute__(name)

        def hear(*args: Any, **kwargs: Any) -> None:
            self.told.append((name, args, sorted(kwargs), kwargs.get("tags"), kwargs.get("name")))

        return hear


class AsyncHeard(AsyncCallbackHandler):
    def __init__(self, told: list[Any]) -> None:
        self.told = told

    async def on_chain_start(self, serialized: Any, inputs: Any, **kwargs: Any) -> None:
        await asyncio.sleep(0)
        self.told.append(("start", inputs, sorted(kwargs), kwargs.get("name")))

    async def on_llm_start(self, serialized: Any, prompts: Any, **kwargs: Any) -> None:
        self.told.append(("llm start", prompts))

    async def on_llm_end(self, response: Any, **kwargs: Any) -> None:
        self.told.append(("llm end", response))

    async def on_chain_end(self, outputs: Any, **kwargs: Any) -> None:
        self.told.append(("end", outputs))


@program(any_spans=True, bugs=(14, 49))
async def what_callbacks_are_told(kit: Kit) -> Any:
    told: list[Any] = []
    given: Any = {"callbacks": [Heard(told)]}
    runnable = steps() | FakeListLLM(responses=["a", "b"]) | double
    result = await call(kit, runnable, "invoke", ASKED, given)
    return result, told, await kit.all(streamed(kit, steps("x y"), ASKED, given)), told


@program(any_spans=True, kinds=("async",))
async def what_async_callbacks_are_told(kit: Kit) -> Any:
    told: list[Any] = []
    model = FakeListLLM(responses=["a"])
    return await (steps() | model).ainvoke(ASKED, {"callbacks": [AsyncHeard(told)]}), told


@program(any_spans=True)
async def a_callback_manager_of_the_program(kit: Kit) -> Any:
    told: list[Any] = []
    manager = CallbackManager([Heard(told)], tags=["t"], inheritable_tags=["i"])
    result = await call(kit, double, "invoke", 1, {"callbacks": manager})
    return result, told, [type(each) for each in manager.handlers], manager.tags


class Broken(BaseCallbackHandler):
    def on_chain_start(self, *_: Any, **__: Any) -> None:
        raise Bad("in a callback")


class Loud(Broken):
    raise_error = True


@program(any_spans=True)
async def a_callback_that_raises(kit: Kit) -> Any:
    before = logging.root.manager.disable
    logging.disable()
    try:
        return await call(kit, double, "invoke", 1, {"callbacks": [Broken()]})
    finally:
        logging.disable(before)


@program(any_spans=True, bugs=(27,), kinds=("sync",))
@program(any_spans=True, bugs=(27,), kinds=("async",), unfinished=1)  # LangChain tells no end
async def a_callback_that_stops_the_run(kit: Kit) -> Any:
    before = logging.root.manager.disable
    logging.disable()
    try:
        return await call(kit, double, "invoke", 1, {"callbacks": [Loud()]})
    finally:
        logging.disable(before)


@program(any_spans=True, bugs=(49,))
async def runs_that_are_collected(kit: Kit) -> Any:
    with collect_runs() as collected:
        await call(kit, steps(), "invoke", ASKED)
    (run,) = collected.traced_runs
    return run.name, run.inputs, run.outputs, [child.name for child in run.child_runs]


# Models, tools, retrievers


@program(any_spans=True)
async def a_text_model(kit: Kit) -> Any:
    model = FakeListLLM(responses=["abc"])
    said = await call(kit, model, "invoke", "q"), await call(kit, model, "generate", ["q", "r"])
    return said, await kit.all(streamed(kit, model, "q"))


@program(any_spans=True)
async def a_model_that_raises(kit: Kit) -> Any:
    return await call(kit, GenericFakeChatModel(messages=iter([])), "invoke", "q")


def model_of(kit: Kit, kind: Any = ChatOpenAI, **more: Any) -> Any:
    """A model of LangChain's on a client that is closed when the program ends."""
    http = kit.client(http_client=kit.http_client())._client
    ours: Any = {"http_async_client" if kit.is_async else "http_client": http}
    known: Any = {"model": "gpt-test", "api_key": "test-key", "max_retries": 0, **ours}
    return kind(base_url=kit.service.url, **known, **more)


@program(any_spans=True, bugs=(14, 24, 25))
async def a_model_of_openai(kit: Kit) -> Any:
    kit.service.will(answer(completion()))
    return await call(
        kit, model_of(kit, temperature=0), "invoke", [("system", "s"), ("human", "q")]
    )


@program(any_spans=True, bugs=(25, 55))
async def a_model_of_openai_streamed(kit: Kit) -> Any:
    kit.service.will(events(chunks("a", "b")))
    return await kit.all(streamed(kit, model_of(kit), "q"))


@program(any_spans=True, bugs=(15, 26))
async def a_model_of_openai_streamed_and_left(kit: Kit) -> Any:
    kit.service.will(events(chunks("a", "b")[:2], wait=threading.Event()))
    stream = streamed(kit, model_of(kit), "q")
    first = await kit.next(stream)
    await kit.close(stream)
    return first


@program(any_spans=True, bugs=(27, 41))
async def a_model_of_openai_that_is_refused(kit: Kit) -> Any:
    kit.service.will(answer(REFUSAL, 429, {"x-request-id": "req_9"}))
    try:
        return await call(kit, model_of(kit), "invoke", "q")
    except openai.RateLimitError as error:
        return error, error.request_id, error.response.status_code, error.body


class Place(pydantic.BaseModel):
    """A place."""

    city: str


@program(any_spans=True)
async def structured_output_and_tools_of_a_model(kit: Kit) -> Any:
    kit.service.will(answer(completion('{"city": "Graz"}')))
    model = model_of(kit)
    shaped = model.with_structured_output(Place, method="json_schema")
    return await call(kit, shaped, "invoke", "q"), await call(
        kit, model.bind_tools([weather]) | JsonOutputParser(), "invoke", "q"
    )


@program(any_spans=True)
async def a_text_model_and_embeddings_of_openai(kit: Kit) -> Any:
    choice = {"index": 0, "text": "Hello", "finish_reason": "stop", "logprobs": None}
    whole = completion(choices=[choice], object="text_completion")
    kit.service.will(answer(whole), answer(EMBEDDING))
    said = await call(kit, model_of(kit, OpenAI), "invoke", "q")
    embedder = model_of(kit, OpenAIEmbeddings, check_embedding_ctx_length=False)
    return said, await call(kit, embedder, "embed_query", "q")


@program(any_spans=True, bugs=(51,))
async def a_batch_of_a_model_of_openai(kit: Kit) -> Any:
    kit.service.will(answer(completion()))
    found = await call(kit, model_of(kit), "batch", ["q", "q", "q"], {"max_concurrency": 1})
    return [message.content for message in found]


@tool
def weather(city: str) -> str:
    """Weather in a city."""
    return f"sunny in {city}"


@tool
def broken_tool(city: str) -> str:
    """Fail."""
    raise ToolException("no weather")


@program(any_spans=True, bugs=(14,))
async def tools(kit: Kit) -> Any:
    call_of: Any = {"name": "weather", "args": {"city": "Graz"}, "id": "c1", "type": "tool_call"}
    handled = broken_tool.model_copy(update={"handle_tool_error": True})
    return [
        await call(kit, weather, "invoke", {"city": "Graz"}),
        await call(kit, weather, "invoke", call_of),
        await call(kit, handled, "invoke", {"city": "Graz"}),
        call_of,
    ]


@program(any_spans=True)
async def a_tool_that_raises(kit: Kit) -> Any:
    return await call(kit, broken_tool, "invoke", {"city": "Graz"})


@program(any_spans=True)
async def a_tool_given_nonsense(kit: Kit) -> Any:
    return await call(kit, weather, "invoke", {"town": 3})


class Shelf(BaseRetriever):
    def _get_relevant_documents(self, query: str, **_: Any) -> list[Document]:
        return [Document(page_content=query, metadata={"n": 1})] if query else bad(query)


@program(any_spans=True)
async def a_retriever(kit: Kit) -> Any:
    found = await call(kit, Shelf(), "invoke", "q")
    try:
        await call(kit, Shelf(), "invoke", "")
    except Bad as error:
        return found, error


# Graphs and agents


def joined(left: Sequence[str], right: Sequence[str]) -> list[str]:
    return [*left, *right]


class State(TypedDict):
    said: Annotated[list[str], joined]


def graph_of(*nodes: Any, **compile_with: Any) -> Any:
    """Nodes one after the other."""
    graph = StateGraph(State)
    before = START
    for node in nodes:
        graph.add_node(node.__name__, node)
        graph.add_edge(before, node.__name__)
        before = node.__name__
    return graph.compile(**compile_with)


def one(_: State) -> Any:
    return {"said": [double.invoke("a")]}


def two(state: State) -> Any:
    return {"said": [str(len(state["said"]))]}


def fails(_: State) -> Any:
    return bad(None)


@program(any_spans=True, bugs=(17, 18))
async def a_graph(kit: Kit) -> Any:
    return await call(kit, graph_of(one, two), "invoke", {"said": []})


@program(any_spans=True, bugs=(17, 49))
async def a_graph_streamed_in_every_mode(kit: Kit) -> Any:
    modes = ["values", "updates", "messages", "custom"]
    graph = graph_of(one, two)
    return [await kit.all(streamed(kit, graph, {"said": []}, stream_mode=mode)) for mode in modes]


@program(any_spans=True, kinds=("async",), bugs=(17, 49))
async def events_of_a_graph(kit: Kit) -> Any:
    found = graph_of(one, two).astream_events({"said": []}, version="v2")
    return [(event["event"], event["name"], event["data"]) async for event in found]


@program(any_spans=True, bugs=(17, 27))
async def a_graph_that_raises(kit: Kit) -> Any:
    return await call(kit, graph_of(one, fails), "invoke", {"said": []})


@program(any_spans=True, bugs=(18,))
async def a_graph_left_early(kit: Kit) -> Any:
    stream = streamed(kit, graph_of(one, two), {"said": []}, stream_mode="updates")
    async for first in kit.items(stream):
        break
    await kit.close(stream)
    return first


@program(any_spans=True, bugs=(17, 40), kinds=("sync",))
async def a_graph_that_is_interrupted_and_goes_on(kit: Kit) -> Any:
    def ask(_: State) -> Any:
        return {"said": [interrupt("sure?")]}

    graph = graph_of(one, ask, checkpointer=InMemorySaver())
    thread: Any = {"configurable": {"thread_id": "t"}}
    first = graph.invoke({"said": []}, thread)
    asked = graph.get_state(thread).next
    return first.get("said"), asked, graph.invoke(Command(resume="yes"), thread)


@program(any_spans=True)
async def a_graph_that_sends_and_commands(kit: Kit) -> Any:
    def work(state: State) -> Any:
        return {"said": [f"did {state['said'][0]}"]}

    def lead(_: State) -> Command[str]:
        return Command(update={"said": ["led"]}, goto=END)

    def spread(_: State) -> list[Send]:
        return [Send("work", {"said": [str(number)]}) for number in range(3)]

    graph = StateGraph(State)
    graph.add_node("work", work)
    graph.add_node("lead", lead, destinations=(END,))
    graph.add_conditional_edges(START, spread, ["work"])
    graph.add_edge("work", "lead")
    return await call(kit, graph.compile(), "invoke", {"said": []})


class Scripted(GenericFakeChatModel):
    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self


@program(any_spans=True, bugs=(17,))
async def an_agent(kit: Kit) -> Any:
    asked: Any = [{"name": "weather", "args": {"city": "Graz"}, "id": "c1"}]
    model = Scripted(messages=iter([AIMessage("", tool_calls=asked), AIMessage("done")]))
    state = await call(kit, create_agent(model, [weather]), "invoke", {"messages": [("user", "q")]})
    return [(type(message), message.content) for message in state["messages"]]


# Time and cancelling


@program(any_spans=True, kinds=("async",), bugs=(26, 41))
async def a_chain_that_takes_too_long_for_wait_for(kit: Kit) -> Any:
    kit.service.will(hang)
    return await asyncio.wait_for((steps("x") | model_of(kit)).ainvoke(ASKED), 0.25)


@program(any_spans=True, kinds=("async",), bugs=(26,))
async def a_chain_cancelled_in_a_step(kit: Kit) -> Any:
    async def forever(x: Any) -> Any:
        started.set()
        await asyncio.sleep(20)

    started = asyncio.Event()
    task = asyncio.create_task((steps() | RunnableLambda(forever)).ainvoke(ASKED))
    await started.wait()
    task.cancel("enough")
    try:
        await task
    except asyncio.CancelledError as error:
        return type(error), error.args, task.cancelled()


@program(any_spans=True, kinds=("sync",), bugs=(13, 47))
async def a_sync_chain_in_a_running_loop(kit: Kit) -> Any:
    async def inside() -> Any:
        return steps().invoke(ASKED)

    return asyncio.run(inside())
