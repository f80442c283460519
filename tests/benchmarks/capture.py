"""What autologging adds to a call of the OpenAI client: CPU time, in one process, by turns.

    python tests/benchmarks/capture.py [--calls 2000] [--json FILE]

The transport answers within the process, so nothing but CPU is spent. The floor is a bare
OpenTelemetry SDK span with the attributes that tracekit records, given to no exporter.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any

import httpx2
import openai
from opentelemetry.sdk.trace import TracerProvider

import tracekit
from tracekit.store.store import open_store

MESSAGES: Any = [
    {"role": "system", "content": "You are a helpful assistant. " * 8},
    {"role": "user", "content": "What is the capital of France, and why? " * 8},
]
COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-5-mini-2025-08-07",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Paris. " * 60, "refusal": None},
            "finish_reason": "stop",
        }
    ],
    "usage": {
        "prompt_tokens": 120,
        "completion_tokens": 130,
        "total_tokens": 250,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 64, "audio_tokens": 0},
    },
    "service_tier": "default",
    "system_fingerprint": "fp_1",
}


class _Pieces(httpx2.SyncByteStream):
    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        yield from self.pieces


def _pieces(count: int) -> list[bytes]:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    chunks = [
        {**head, "choices": [{"index": 0, "delta": {"content": "word "}, "finish_reason": None}]}
        for _ in range(count - 2)
    ]
    chunks.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    chunks.append({**head, "choices": [], "usage": COMPLETION["usage"]})
    return [b"data: %s\n\n" % json.dumps(chunk).encode() for chunk in chunks] + [
        b"data: [DONE]\n\n"
    ]


def _client() -> openai.OpenAI:
    whole, pieces = json.dumps(COMPLETION).encode(), _pieces(50)
    kinds = {True: "text/event-stream", False: "application/json"}

    def answer(request: httpx2.Request) -> httpx2.Response:
        is_stream = b'"stream":true' in request.content
        headers = {"content-type": kinds[is_stream]}
        if is_stream:
            return httpx2.Response(200, headers=headers, stream=_Pieces(pieces))
        return httpx2.Response(200, headers=headers, content=whole)

    http = httpx2.Client(transport=httpx2.MockTransport(answer))
    return openai.OpenAI(api_key="k", http_client=http)


def _cpu_us(work: Callable[[], object], calls: int) -> float:
    began = time.thread_time_ns()
    for _ in range(calls):
        work()
    return (time.thread_time_ns() - began) / calls / 1e3


def _by_turns(work: Callable[[], object], calls: int, rounds: int = 20) -> dict[str, float]:
    """Medians over rounds of microseconds a call, bare and autologged."""
    bare, logged = [], []
    for _ in range(rounds):
        bare.append(_cpu_us(work, calls // rounds))
        tracekit.openai.autolog()
        logged.append(_cpu_us(work, calls // rounds))
        tracekit.openai.autolog(disable=True)
    added = [one - other for one, other in zip(logged, bare, strict=True)]
    return {
        "bare_us": statistics.median(bare),
        "autologged_us": statistics.median(logged),
        "added_us": statistics.median(added),
        "ratio": statistics.median(logged) / statistics.median(bare),
    }


def _floor_us(attributes: dict[str, Any], calls: int) -> float:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("floor")

    def span() -> None:
        inner = tracer.start_span("chat gpt-5-mini")
        inner.set_attributes(attributes)
        inner.end()

    return statistics.median(_cpu_us(span, calls // 20) for _ in range(20))


def _recorded_attributes() -> dict[str, Any]:
    for path in open_store().spool_folder.glob("*.ndjson"):
        for line in path.read_bytes().splitlines():
            record = json.loads(line)
            if record["kind"] == "span":
                return dict(record["attributes"])
    raise SystemExit("nothing was recorded")


def measure(calls: int) -> dict[str, Any]:
    """All figures, with what they were measured on."""
    client = _client()
    create: Any = client.chat.completions.create

    def plain() -> None:
        create(model="gpt-5-mini", messages=MESSAGES)

    def stream() -> None:
        for _ in create(model="gpt-5-mini", messages=MESSAGES, stream=True):
            pass

    _by_turns(plain, 40)
    return {
        "plain call": _by_turns(plain, calls),
        "stream of 50 chunks": _by_turns(stream, calls // 4),
        "floor: bare OpenTelemetry span": {"bare_us": _floor_us(_recorded_attributes(), calls)},
        "machine": {
            "cpus": os.cpu_count(),
            "load": os.getloadavg()[0],
            "platform": platform.platform(),
            "python": platform.python_version(),
            "openai": version("openai"),
            "opentelemetry-sdk": version("opentelemetry-sdk"),
        },
    }


def main() -> None:
    """Measure, print a table, and write the figures as JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tracekit.set_tracking_uri(folder)
        figures = measure(options.calls)
    for name, row in figures.items():
        values = "  ".join(
            f"{k} {v:.1f}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items()
        )
        print(f"{name:32} {values}")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(figures, file, indent=2)


if __name__ == "__main__":
    sys.exit(main())
