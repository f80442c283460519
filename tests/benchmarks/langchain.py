"""What tracing adds to a LangChain chain of five runnables: CPU time, by turns in one process.

    python tests/benchmarks/langchain.py [--peers none] [--repeats 3] [--rounds 15] [--calls 50]

The chain's model is LangChain's fake one, so nothing but CPU is spent; that of background threads
counts, until all spans have arrived. LangChain's run collector is its own tracer at its smallest: it
keeps the runs of one call in memory and stores nothing. `langsmith` is LangChain's tracer with a
client that drops what it would send.
"""

import argparse
from functools import partial
from pathlib import Path
from typing import Any

import measuring
import peers
import setups

QUESTION = {"question": "What is six times seven?"}


def chain() -> Any:
    """Six runs: the sequence and its five steps."""
    from langchain_core.language_models import FakeListChatModel
    from langchain_core.output_parsers import StrOutputParser
    from langchain_core.prompts import ChatPromptTemplate
    from langchain_core.runnables import RunnableLambda, RunnablePassthrough

    return (
        RunnablePassthrough()
        | ChatPromptTemplate.from_template("Answer briefly: {question}")
        | FakeListChatModel(responses=["Forty-two."])
        | StrOutputParser()
        | RunnableLambda(str.upper)
    )


def measure(tool: str, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Figures of each round, in the tool's own environment."""
    steps = chain()
    steps.invoke(QUESTION)  # loads what LangChain loads late
    setup = setups.set_up(tool, "langchain", folder)

    def traced() -> None:
        callbacks = setup.callbacks()
        steps.invoke(QUESTION, {"callbacks": callbacks} if callbacks else None)

    return setup.rounds(partial(steps.invoke, QUESTION), traced, options.calls, options.rounds)


def main() -> None:
    parser = peers.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--calls", type=int, default=50)
    options = parser.parse_args()
    if options.inside:
        peers.stay_here()
        peers.answer(measure(options.inside, options, Path.cwd()))
    facts = measuring.machine()
    tools = [
        "bare",
        "run collector",
        "tracekit",
        *peers.chosen(options.peers, setups.tools_for("langchain")),
    ]
    results = peers.run_all(
        tools, __file__, options.repeats, "--rounds", options.rounds, "--calls", options.calls
    )
    rows = [measuring.added_row(peers.with_version(tool), some) for tool, some in results.items()]
    measuring.publish({"One call of a chain of five runnables": rows}, facts, options.json)


if __name__ == "__main__":
    main()
