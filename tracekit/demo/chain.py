"""The example app, second half: a LangChain chain with retrieval and a tool.

The shop's policies are embedded into a vector store; a question finds the ones that fit, the
model answers from them and asks a tool where a country is named.
"""

from typing import Any

from langchain_core.documents import Document
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.runnables import Runnable, RunnableLambda, RunnablePassthrough
from langchain_core.tools import tool
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_openai import ChatOpenAI

from tracekit.demo.shop import POLICIES

_DAYS = {"Austria": 2, "France": 3, "Germany": 1, "Italy": 3, "Norway": 5, "Spain": 4}

PROMPT = "Answer from the context."


@tool
def delivery_time(country: str) -> dict[str, Any]:
    """Working days until a parcel reaches a country."""
    days = _DAYS.get(country)
    return {"country": country, "days": days} if days else {"error": f"no delivery to {country}"}


def add_policies(index: InMemoryVectorStore) -> None:
    """Embed the shop's policies."""
    index.add_documents(
        [Document(text, metadata={"title": title}) for title, text in POLICIES.items()]
    )


def policy_chain(
    model: ChatOpenAI, index: InMemoryVectorStore, *, prompt: str = PROMPT, documents: int = 2
) -> Runnable[str, str]:
    """A chain from a question to its answer.

    Args:
        model: Answers.
        index: Where the policies are found.
        prompt: How to answer.
        documents: How many policies the model is shown.
    """
    with_tools = model.bind_tools([delivery_time])  # pyright: ignore[reportUnknownMemberType]

    def compose(found: dict[str, Any]) -> list[BaseMessage]:
        context = "\n".join(document.page_content for document in found["documents"])
        return [SystemMessage(f"{prompt}\n\nContext:\n{context}"), HumanMessage(found["question"])]

    def answer(messages: list[BaseMessage]) -> str:
        for _ in range(3):
            reply = with_tools.invoke(messages)
            messages = [*messages, reply, *_tool_messages(reply)]
            if not reply.tool_calls:
                return str(reply.content)
        return "This needs a colleague."

    retriever = index.as_retriever(search_kwargs={"k": documents})
    look_up = {"documents": retriever, "question": RunnablePassthrough[str]()}
    chain = look_up | RunnableLambda(compose) | RunnableLambda(answer)
    return chain.with_config(run_name="policy question")


def _tool_messages(reply: AIMessage) -> list[ToolMessage]:
    return [delivery_time.invoke(call) for call in reply.tool_calls]
