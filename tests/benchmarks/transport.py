"""An OpenAI client whose answers come from within the process, so that nothing but CPU is spent.

A completion of about 1 KB, or a stream of 50 chunks.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import openai

MESSAGES: Any = [
    {"role": "system", "content": "You are a helpful assistant. " * 8},
    {"role": "user", "content": "What is the capital of France, and why? " * 8},
]
CHUNKS = 50
USAGE = {
    "prompt_tokens": 120,
    "completion_tokens": 130,
    "total_tokens": 250,
    "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 64, "audio_tokens": 0},
}
HEAD = {"id": "chatcmpl-1", "created": 1, "model": "gpt-5-mini-2025-08-07"}
COMPLETION = {
    **HEAD,
    "object": "chat.completion",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Paris. " * 60, "refusal": None},
            "finish_reason": "stop",
        }
    ],
    "usage": USAGE,
    "service_tier": "default",
    "system_fingerprint": "fp_1",
}


class _Pieces(httpx2.SyncByteStream):
    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        yield from self.pieces


def _pieces() -> list[bytes]:
    def chunk(delta: dict[str, str], finish_reason: str | None) -> dict[str, Any]:
        return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}

    said = [chunk({"content": "word "}, None) for _ in range(CHUNKS - 2)]
    chunks = [*said, chunk({}, "stop"), {"choices": [], "usage": USAGE}]
    whole = [{**HEAD, "object": "chat.completion.chunk", **one} for one in chunks]
    return [b"data: %s\n\n" % json.dumps(one).encode() for one in whole] + [b"data: [DONE]\n\n"]


def client(meanwhile: Callable[[], object] = int) -> openai.OpenAI:
    """The client; `meanwhile` is called while a request is on its way."""
    whole, pieces = json.dumps(COMPLETION).encode(), _pieces()

    def answer(request: httpx2.Request) -> httpx2.Response:
        meanwhile()
        if b'"stream":true' in request.content:
            headers = {"content-type": "text/event-stream"}
            return httpx2.Response(200, headers=headers, stream=_Pieces(pieces))
        headers = {"content-type": "application/json"}
        return httpx2.Response(200, headers=headers, content=whole)

    http = httpx2.Client(transport=httpx2.MockTransport(answer))
    return openai.OpenAI(api_key="none", base_url="http://127.0.0.1:9/v1", http_client=http)


def plain(one: openai.OpenAI) -> None:
    one.chat.completions.create(model="gpt-5-mini", messages=MESSAGES)


def stream(one: openai.OpenAI) -> None:
    for _ in one.chat.completions.create(model="gpt-5-mini", messages=MESSAGES, stream=True):
        pass
