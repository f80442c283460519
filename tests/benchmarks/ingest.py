"""How fast the spool is read in, what a small ingest costs, and how fast lists are then.

    python tests/benchmarks/ingest.py [--spans 60000] [--json FILE]

Spans are five to a trace (workflow, two chats, retrieval, tool) with texts cut from the standard
library's sources, in time order over 30 days. Figures are CPU seconds of this process, children
and threads included, and wall seconds.
"""

import argparse
import json
import os
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import measuring

from tracekit.store.spool import Spool
from tracekit.store.store import Store, open_store

SPANS_PER_TRACE = 5
DAYS_NS = 30 * 86_400 * 10**9
START_NS = 1_760_000_000 * 10**9
MODELS = ("gpt-4o-2024-08-06", "gpt-4o-mini-2024-07-18", "gpt-5-2025-08-07")


def source_text() -> str:
    folder = Path(os.__file__).parent
    return "".join(
        path.read_text(encoding="utf-8", errors="ignore") for path in sorted(folder.glob("*.py"))
    )


class Texts:
    """Cuts of real text, told apart by their place."""

    def __init__(self, seed: int) -> None:
        self.text = source_text()
        self.random = random.Random(seed)

    def cut(self, length: int) -> str:
        at = self.random.randrange(len(self.text) - length)
        return self.text[at : at + length]


def messages(role: str, text: str) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


def chat(texts: Texts, number: int) -> dict[str, Any]:
    model = MODELS[number % len(MODELS)]
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": model.rpartition("-20")[0],
        "gen_ai.response.model": model,
        "gen_ai.response.id": f"chatcmpl-{number:032x}",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.request.temperature": 0.2,
        "gen_ai.usage.input_tokens": 400 + number % 97,
        "gen_ai.usage.output_tokens": 90 + number % 31,
        "gen_ai.usage.cache_read.input_tokens": number % 64,
        "server.address": "api.openai.com",
        "openai.api.type": "chat_completions",
        "openai.response.service_tier": "default",
        "gen_ai.input.messages": messages("user", texts.cut(1300)),
        "gen_ai.output.messages": messages("assistant", texts.cut(700)),
    }


def attributes(texts: Texts, place: int, number: int) -> dict[str, Any]:
    if place == 0:
        return {
            "gen_ai.operation.name": "invoke_workflow",
            "tracekit.input": json.dumps(texts.cut(900)),
            "tracekit.output": json.dumps(texts.cut(700)),
            "app.route": f"/ask/{number % 7}",
        }
    if place in {1, 2}:
        return chat(texts, number)
    if place == 3:
        documents = [{"id": str(number + i), "content": texts.cut(600)} for i in range(3)]
        return {
            "gen_ai.operation.name": "retrieval",
            "gen_ai.retrieval.query.text": texts.cut(80),
            "gen_ai.retrieval.documents": json.dumps(documents),
            "gen_ai.retrieval.top_k": 3,
        }
    return {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": ("search", "calculator", "weather")[number % 3],
        "gen_ai.tool.call.arguments": json.dumps({"query": texts.cut(300)}),
        "gen_ai.tool.call.result": json.dumps(texts.cut(1500)),
    }


def span_records(count: int, seed: int = 7, start_ns: int = START_NS) -> Iterator[dict[str, Any]]:
    """Start and end record of each span, in the order in which a program writes them."""
    texts = Texts(seed)
    step_ns = DAYS_NS // max(count, 1)
    for number in range(count):
        place = number % SPANS_PER_TRACE
        if place == 0:
            trace_id = f"{texts.random.getrandbits(128):032x}"
            root_id = f"{texts.random.getrandbits(64):016x}"
        begin = start_ns + number * step_ns
        span_id = root_id if place == 0 else f"{texts.random.getrandbits(64):016x}"
        ids = {
            "trace_id": trace_id,
            "span_id": span_id,
            "parent_span_id": None if place == 0 else root_id,
            "name": ("answer", "chat", "chat", "retrieval", "execute_tool")[place],
            "span_kind": "CLIENT" if place in {1, 2} else "INTERNAL",
            "start_ns": begin,
            "session_id": f"session-{number // 50}",
            "experiment": "Default",
        }
        yield {"kind": "start", **ids}
        yield {
            "kind": "span",
            **ids,
            "end_ns": begin + 10**6 * (5 + number % 2000),
            "status": "ERROR" if number % 211 == 0 else "UNSET",
            "scope": "tracekit.openai",
            "attributes": attributes(texts, place, number),
            "events": [],
            "links": [],
        }


def write_spool(store: Store, records: Iterator[dict[str, Any]]) -> int:
    spool = Spool(store.spool_folder)
    for record in records:
        spool.append(record)
    spool.close()
    return sum(path.stat().st_size for path in store.spool_folder.iterdir())


def metric_records(values: int, keys: int = 10) -> Iterator[dict[str, Any]]:
    for step in range(values // keys):
        yield {
            "kind": "metrics",
            "run_id": f"run-{step % 20}",
            "at_ns": START_NS + step,
            "step": step // 20,
            "values": {f"metric_{key}": step * 0.5 + key for key in range(keys)},
            "seq": step,
        }


def measure(work: Callable[[], Any], repeat: int = 1) -> tuple[float, float]:
    """CPU and wall seconds, the smallest of some tries."""
    tries: list[tuple[float, float]] = []
    for _ in range(repeat):
        cpu, wall = time.process_time(), time.perf_counter()
        work()
        tries.append((time.process_time() - cpu, time.perf_counter() - wall))
    return min(tries)


def read(store: Store, query: str = "SELECT 1") -> list[Any]:
    with store.reading() as connection:
        return connection.execute(query).fetchall()


QUERIES = {
    "newest 50 roots": "SELECT trace_id, name, start_time FROM store.span "
    "WHERE parent_span_id IS NULL ORDER BY start_time DESC LIMIT 50",
    "newest 50 through view spans": "SELECT trace_id, name, status FROM spans "
    "WHERE parent_span_id IS NULL ORDER BY start_time DESC LIMIT 50",
    "traces by model, tokens": "SELECT model, count(*), sum(input_tokens) FROM traces GROUP BY 1",
    "p95 by model": "SELECT request_model, quantile_cont(duration_ms, 0.95) FROM spans GROUP BY 1",
}


def run(spans: int, metric_values: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(folder)
        results: dict[str, Any] = {}
        read(store)
        spool_bytes = write_spool(store, span_records(spans))
        cpu, wall = measure(lambda: read(store))
        results["ingest"] = {
            "spans": spans,
            "bytes_a_span": round(spool_bytes / spans),
            "cpu_s": cpu,
            "wall_s": wall,
            "spans_per_cpu_s": round(spans / cpu),
            "spans_per_wall_s": round(spans / wall),
            "database_mb": store.database.stat().st_size / 1e6,
        }
        small: list[tuple[float, float]] = []
        for seed in range(5):
            begin = START_NS + DAYS_NS + seed * 10**9
            write_spool(store, span_records(100, seed=1000 + seed, start_ns=begin))
            small.append(measure(lambda: read(store)))
        results["small_ingest_100_spans"] = {
            "cpu_ms": statistics.median(cpu for cpu, _ in small) * 1e3,
            "wall_ms": statistics.median(wall for _, wall in small) * 1e3,
        }
        cpu, wall = measure(lambda: read(store), repeat=5)
        results["open_nothing_new"] = {"cpu_ms": cpu * 1e3, "wall_ms": wall * 1e3}
        for name, query in QUERIES.items():
            with store.reading() as connection:
                cpu, wall = measure(lambda: connection.execute(query).fetchall(), repeat=3)  # noqa: B023
            results[name] = {"cpu_ms": cpu * 1e3, "wall_ms": wall * 1e3}
        write_spool(store, metric_records(metric_values))
        cpu, wall = measure(lambda: read(store))
        results["metrics"] = {"values": metric_values, "cpu_s": cpu, "wall_s": wall}
    return results


def tables(results: dict[str, Any]) -> measuring.Tables:
    """The first reading in, then what is asked of the database afterwards."""
    whole = {"ingest": results.pop("ingest"), "metrics": results.pop("metrics")}
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows = [{"": name, "peak MB": peak_mb, **facts} for name, facts in whole.items()]
    later = [{"": name, **facts} for name, facts in results.items()]
    return {"Reading the spool into the database": rows, "Afterwards": later}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, default=60_000)
    parser.add_argument("--metric-values", type=int, default=200_000)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    facts = measuring.machine()
    results = run(arguments.spans, arguments.metric_values)
    measuring.publish(tables(results), facts, arguments.json)


if __name__ == "__main__":
    main()
