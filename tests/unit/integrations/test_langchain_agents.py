"""Agents of LangChain, which came with its version 1.0."""

from importlib.metadata import version
from typing import Any, TypedDict

import pytest
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.graph import START, StateGraph
from span_trees import outline, path_to
from spool_reading import records, spans

import tracekit
from tracekit.store.store import Store

if int(version("langchain").partition(".")[0]) < 1:
    pytest.skip("create_agent came with langchain 1.0", allow_module_level=True)

from langchain.agents import create_agent

pytestmark = pytest.mark.usefixtures("langchain_logged")


class Scripted(GenericFakeChatModel):
    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self


@tool
def weather(city: str) -> str:
    """Weather in a city."""
    with tracekit.start_span("look up"):
        return f"sunny in {city}"


def scripted(*calls: str) -> Scripted:
    """A model that calls the weather tool once for each id, then is done."""
    call: Any = [{"name": "weather", "args": {"city": "Graz"}, "id": each} for each in calls]
    return Scripted(messages=iter([AIMessage("", tool_calls=call), AIMessage("done")]))


def test_an_agent_holds_its_models_and_tools(store: Store) -> None:
    agent = create_agent(scripted("c1", "c2"), [weather], name="helper")
    agent.invoke({"messages": [{"role": "user", "content": "Weather?"}]})
    lines = outline(store)
    assert lines[0] == "invoke_agent helper"
    assert lines.count("    Scripted") == 2
    assert lines.count("      look up") == 2
    ended = spans(store)
    assert ended["invoke_agent helper"]["attributes"]["gen_ai.agent.name"] == "helper"
    tools = [s["attributes"] for s in records(store, "span") if "weather" in s["name"]]
    assert {facts["gen_ai.tool.call.id"] for facts in tools} == {"c1", "c2"}
    assert tools[0]["gen_ai.agent.name"] == "helper"
    assert tools[0]["gen_ai.tool.description"] == "Weather in a city."
    assert tools[0]["gen_ai.tool.call.arguments"] == '{"city":"Graz"}'
    assert tools[0]["gen_ai.tool.call.result"] == '"sunny in Graz"'


async def test_an_agent_as_a_tool_of_an_agent_is_inside_the_tool(store: Store) -> None:
    inner = create_agent(scripted("c2"), [weather], name="inner")

    @tool("weather")
    async def ask(city: str) -> str:
        """Ask the other agent."""
        state = await inner.ainvoke({"messages": [{"role": "user", "content": city}]})
        return str(state["messages"][-1].content)

    outer = create_agent(scripted("c1"), [ask], name="outer")
    await outer.ainvoke({"messages": [{"role": "user", "content": "Weather?"}]})
    assert path_to(store, "look up") == [
        *("invoke_agent outer", "tools", "execute_tool weather"),
        *("invoke_agent inner", "tools", "execute_tool weather", "look up"),
    ]
    assert spans(store)["invoke_agent inner"]["attributes"]["gen_ai.agent.name"] == "inner"


class State(TypedDict):
    city: str


def test_a_graph_inside_an_agent_is_no_agent(store: Store) -> None:
    def look(_: State) -> dict[str, Any]:
        with tracekit.start_span("in a"):
            return {}

    @tool("weather")
    def plan(city: str) -> str:
        """Ask the graph."""
        graph = StateGraph(State)
        graph.add_node("a", look)
        graph.add_edge(START, "a")
        return str(graph.compile().invoke({"city": city}))

    agent = create_agent(scripted("c1"), [plan], name="helper")
    agent.invoke({"messages": [{"role": "user", "content": "Weather?"}]})
    assert path_to(store, "in a")[-4:] == ["execute_tool weather", "LangGraph", "a", "in a"]


def test_a_tool_that_fails_fails_its_span(store: Store) -> None:
    @tool("weather")
    def broken(city: str) -> str:
        """Weather in a city."""
        raise ValueError(f"no {city}")

    agent = create_agent(scripted("c1"), [broken])
    with pytest.raises(ValueError, match="no Graz"):
        agent.invoke({"messages": [{"role": "user", "content": "Weather?"}]})
    span = spans(store)["execute_tool weather"]
    assert (span["status"], span["attributes"]["error.type"]) == ("ERROR", "ValueError")
