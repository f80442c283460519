"""Graphs of LangGraph."""

import json
from collections.abc import Sequence
from typing import Annotated, Any, TypedDict

import openai
import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, Send, interrupt
from llm_service import Service, answer, completion
from span_trees import calls, outline, path_to
from spool_reading import records, spans

import tracekit
from tracekit.store.store import Store

pytestmark = pytest.mark.usefixtures("langchain_logged")


def joined(left: Sequence[str], right: Sequence[str]) -> list[str]:
    return [*left, *right]


class State(TypedDict):
    said: Annotated[list[str], joined]


def says(word: str) -> Any:
    def node(state: State) -> dict[str, Any]:
        with tracekit.start_span(f"in {word}"):
            return {"said": [word]}

    return node


def graph_of(*names: str, **compile_with: Any) -> Any:
    """Nodes one after the other."""
    graph = StateGraph(State)
    for name, before in zip(names, (START, *names), strict=False):
        graph.add_node(name, says(name))
        graph.add_edge(before, name)
    return graph.compile(**compile_with)


def test_a_graph_is_a_workflow_of_nodes(store: Store) -> None:
    assert graph_of("a", "b").invoke({"said": []})["said"] == ["a", "b"]
    assert outline(store) == ["invoke_workflow LangGraph", "  a", "    in a", "  b", "    in b"]
    ended = spans(store)
    root, node = ended["invoke_workflow LangGraph"]["attributes"], ended["a"]["attributes"]
    assert root["gen_ai.operation.name"] == "invoke_workflow"
    assert root["gen_ai.workflow.name"] == "LangGraph"
    assert json.loads(root["tracekit.output"]) == {"said": ["a", "b"]}
    assert (node["tracekit.span_type"], node["tracekit.output"]) == ("node", '{"said":["a"]}')


async def test_an_async_graph_is_the_same_tree(store: Store) -> None:
    await graph_of("a", "b").ainvoke({"said": []})
    assert outline(store) == ["invoke_workflow LangGraph", "  a", "    in a", "  b", "    in b"]


@pytest.mark.parametrize("mode", ["values", "updates", "messages", "custom", "debug"])
def test_every_mode_of_streaming_is_the_same_tree(mode: str, store: Store) -> None:
    with tracekit.start_span("request"):
        for _ in graph_of("a", "b").stream({"said": []}, stream_mode=mode):
            with tracekit.start_span("show"):
                pass
    lines = outline(store)
    assert [line for line in lines if "show" not in line] == [
        *("request", "  invoke_workflow LangGraph"),
        *("    a", "      in a", "    b", "      in b"),
    ]
    assert {line for line in lines if "show" in line} <= {"  show"}


async def test_an_async_stream_is_the_same_tree(store: Store) -> None:
    async for _ in graph_of("a", "b").astream({"said": []}, stream_mode=["updates", "values"]):
        pass
    assert outline(store) == ["invoke_workflow LangGraph", "  a", "    in a", "  b", "    in b"]


def test_parallel_branches_are_siblings(store: Store) -> None:
    graph = StateGraph(State)
    for name in ("left", "right"):
        graph.add_node(name, says(name))
        graph.add_edge(START, name)
    graph.compile().invoke({"said": []})
    lines = outline(store)
    assert sorted(lines[1:]) == ["    in left", "    in right", "  left", "  right"]
    assert path_to(store, "in right")[-2:] == ["right", "in right"]


def test_nodes_that_are_sent_their_input_are_siblings(store: Store) -> None:
    graph = StateGraph(State)
    graph.add_node("work", says("work"))

    def spread(_: State) -> list[Send]:
        return [Send("work", {"said": [str(i)]}) for i in range(3)]

    graph.add_conditional_edges(START, spread, ["work"])
    graph.compile().invoke({"said": []})
    assert outline(store).count("  work") == 3
    assert outline(store).count("    in work") == 3


def test_a_subgraph_is_inside_its_node(store: Store) -> None:
    graph = StateGraph(State)
    graph.add_node("outer", graph_of("inner"))
    graph.add_edge(START, "outer")
    graph.compile().invoke({"said": []})
    assert outline(store) == [
        *("invoke_workflow LangGraph", "  outer", "    LangGraph"),
        *("      inner", "        in inner"),
    ]
    assert spans(store)["LangGraph"]["attributes"]["tracekit.span_type"] == "graph"


def test_a_thread_is_a_session_and_an_interrupt_is_no_error(store: Store) -> None:
    def ask(_: State) -> dict[str, Any]:
        return {"said": [interrupt("sure?")]}

    graph = StateGraph(State)
    graph.add_node("ask", ask)
    graph.add_edge(START, "ask")
    compiled = graph.compile(checkpointer=InMemorySaver())
    thread: Any = {"configurable": {"thread_id": "t-7", "secret": "hunter2"}}
    compiled.invoke({"said": []}, thread)
    compiled.invoke(Command(resume="yes"), thread)
    first, *_ = [span for span in records(store, "span") if span["name"] == "ask"]
    assert first["status"] == "UNSET"
    assert first["events"][0]["attributes"]["exception.type"].endswith("GraphInterrupt")
    assert "sure?" in first["events"][0]["attributes"]["tracekit.event.data"]
    assert {span["session_id"] for span in records(store, "span")} == {"t-7"}
    assert "hunter2" not in str(records(store))


def test_a_command_leads_on_and_is_recorded(store: Store) -> None:
    def first(_: State) -> Command[str]:
        return Command(update={"said": ["first"]}, goto="second")

    graph = StateGraph(State)
    graph.add_node("first", first, destinations=("second",))
    graph.add_node("second", says("second"))
    graph.add_edge(START, "first")
    graph.compile(name="desk").invoke({"said": []})
    assert outline(store)[:2] == ["invoke_workflow desk", "  first"]
    output = json.loads(spans(store)["first"]["attributes"]["tracekit.output"])
    (command,) = output if isinstance(output, list) else [output]
    assert command == {"update": {"said": ["first"]}, "goto": "second"}


def test_a_function_that_chooses_the_way_is_below_its_node(store: Store) -> None:
    def choose(_: State) -> str:
        with tracekit.start_span("choosing"):
            return END

    graph = StateGraph(State)
    graph.add_node("a", says("a"))
    graph.add_edge(START, "a")
    graph.add_conditional_edges("a", choose)
    graph.compile().invoke({"said": []})
    assert path_to(store, "choosing")[-3:] == ["a", "choose", "choosing"]


def test_an_error_in_a_node_reaches_the_root(store: Store) -> None:
    def broken(_: State) -> dict[str, Any]:
        raise ValueError("no")

    graph = StateGraph(State)
    graph.add_node("broken", broken)
    graph.add_edge(START, "broken")
    with pytest.raises(ValueError, match="no"):
        graph.compile().invoke({"said": []})
    assert {span["status"] for span in records(store, "span")} == {"ERROR"}


@pytest.mark.usefixtures("autologged")
def test_a_direct_call_in_a_node_is_below_the_node(
    store: Store, service: Service, client: openai.OpenAI
) -> None:
    def node(_: State) -> dict[str, Any]:
        done = client.chat.completions.create(model="direct", messages=[])
        return {"said": [str(done.choices[0].message.content)]}

    service.will(answer(completion()))
    graph = StateGraph(State)
    graph.add_node("node", node)
    graph.add_edge(START, "node")
    assert graph.compile().invoke({"said": []})["said"] == ["Hello!"]
    assert path_to(store, "chat direct")[-2:] == ["node", "chat direct"]
    assert len(calls(store)) == 1
