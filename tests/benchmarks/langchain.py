"""What autologging adds to a chain of five runnables, beside LangChain's own tracers.

    python tests/benchmarks/langchain.py [--calls 400] [--json FILE]

CPU microseconds per call of the chain (this process, median of rounds that take turns), above the
chain without any handler. `run collector` is LangChain's in-memory tracer, which stores nothing.
`traced function` is tracekit's own `@trace`, five deep: what the spans alone cost.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from langchain_core.language_models import FakeListChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnablePassthrough
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler

import tracekit
from tracekit.integrations import _langchain_runs as runs

ROUNDS = 15


def chain() -> Any:
    """Six runs: the sequence and its five steps."""
    return (
        RunnablePassthrough()
        | ChatPromptTemplate.from_template("Answer briefly: {question}")
        | FakeListChatModel(responses=["Forty-two."])
        | StrOutputParser()
        | RunnableLambda(str.upper)
    )


@tracekit.trace
def nested(depth: int, question: str) -> str:
    return nested(depth - 1, question) if depth else question.upper()


def cpu_us(call: Callable[[], Any], calls: int) -> float:
    started = time.process_time_ns()
    for _ in range(calls):
        call()
    return (time.process_time_ns() - started) / calls / 1000


def measure(calls: int) -> dict[str, float]:
    """CPU microseconds per call, by who listens."""
    steps, question = chain(), {"question": "What is six times seven?"}

    def collected() -> None:
        steps.invoke(question, {"callbacks": [RunCollectorCallbackHandler()]})

    def recorded() -> float:
        tracekit.langchain.autolog()
        try:
            return cpu_us(lambda: steps.invoke(question), calls)
        finally:
            tracekit.langchain.autolog(disable=True)

    ways: dict[str, Callable[[], float]] = {
        "bare chain": lambda: cpu_us(lambda: steps.invoke(question), calls),
        "run collector": lambda: cpu_us(collected, calls),
        "tracekit": recorded,
        "traced function": lambda: cpu_us(lambda: nested(5, "What?"), calls),
    }
    taken: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(ROUNDS):
        for way, run in ways.items():
            taken[way].append(run())
    return {way: statistics.median(times) for way, times in taken.items()}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--calls", type=int, default=400)
    arguments.add_argument("--json", type=Path)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tracekit.set_tracking_uri(folder)
        medians = measure(options.calls)
    assert not runs._open
    bare = medians["bare chain"]
    result = {way: round(time_us, 1) for way, time_us in medians.items()}
    for way in ("run collector", "tracekit"):
        result[f"{way} adds"] = round(medians[way] - bare, 1)
    print(json.dumps(result, indent=2))
    if options.json:
        options.json.write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main()
