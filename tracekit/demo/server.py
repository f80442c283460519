"""A small server on this machine that speaks the OpenAI API, for the demo, examples and tests.

    with serve() as server:
        client = openai.OpenAI(base_url=server.base_url, api_key="none")

Chat completions and Responses (whole and streamed, with tools, JSON schemas and reasoning),
embeddings and models. The header `x-demo-fault` makes one call go wrong: `429` (once: the
client's retry succeeds), `429-always`, `500`, `slow`, `cut` (a stream that breaks off).
"""

import json
import re
import sys
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from tracekit.demo import wire
from tracekit.demo.answers import Answer, Turn, answer

Body = dict[str, Any]
_MODELS = re.compile(r"demo-|gpt-|o\d|text-embedding-|ft:")


@dataclass(slots=True)
class DemoServer:
    """A running server."""

    base_url: str
    """For the client, `/v1` included."""
    pace: float
    """How much of a real model's delay is acted out, in [0, 1]."""
    requests: list[str] = field(default_factory=list[str])
    """Paths asked for, in order."""
    _seen: set[str] = field(default_factory=set[str])
    _stored: dict[str, tuple[list[Turn], Body]] = field(
        default_factory=dict[str, tuple[list[Turn], Body]]
    )
    _count: int = 0

    def next_seed(self) -> str:
        """What the ids of one answer are made from."""
        self._count += 1
        return f"{self.base_url}{self._count}"

    def cached_tokens(self, turns: list[Turn]) -> int:
        """Tokens at the head of a conversation that an earlier request had as well."""
        prefix, cached, tokens = "", 0, 0
        for turn in turns:
            prefix += f"\0{turn.role}\0{turn.text}\0{turn.calls}"
            tokens += _tokens_of(turn)
            if prefix in self._seen:
                cached = tokens
            self._seen.add(prefix)
        return cached

    def remember(self, turns: list[Turn], made: Answer, response: Body) -> None:
        """Keep a response, so that a later request can go on from it."""
        calls = tuple((name, json.dumps(arguments)) for name, arguments in made.calls)
        said = Turn(role="assistant", text=made.text, calls=calls)
        self._stored[response["id"]] = ([*turns, said], response)

    def recall(self, response_id: str) -> tuple[list[Turn], Body] | None:
        """The conversation up to a response, and the response."""
        return self._stored.get(response_id)


@contextmanager
def serve(*, port: int = 0, pace: float = 0.0) -> Generator[DemoServer, None, None]:
    """A server for the time of the block; port 0 takes a free one.

    Args:
        port: Of 127.0.0.1.
        pace: 0 answers at once; 1 takes as long as a fast model does.
    """
    http = _Http(("127.0.0.1", port), _Handler)
    http.demo = DemoServer(base_url=f"http://127.0.0.1:{http.server_port}/v1", pace=pace)
    thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield http.demo
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    demo: DemoServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # a client that left is no error
            super().handle_error(request, client_address)


class _Refusal(Exception):
    """An error that the client gets."""

    def __init__(self, status: int, kind: str, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"message": message, "type": kind, "param": None, "code": code}}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @property
    def demo(self) -> DemoServer:
        return cast("_Http", self.server).demo

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the terminal belongs to the demo."""

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def _answer(self, handle: Any) -> None:
        self.demo.requests.append(self.path)
        length = int(self.headers.get("content-length") or 0)
        self._raw = self.rfile.read(length)  # always: the connection is used again
        try:
            handle()
        except _Refusal as refusal:
            self._send(refusal.status, refusal.body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _get(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/v1/models":
            data = [
                {"id": name, "object": "model", "created": 0, "owned_by": "tracekit"}
                for name in wire.PRICES
            ]
            self._send(200, {"object": "list", "data": data})
            return
        stored = self.demo.recall(path.rpartition("/")[2])
        if stored is None:
            raise _Refusal(404, "invalid_request_error", f"Nothing at {path}.")
        self._send(200, stored[1])

    def _post(self) -> None:
        routes = {
            "/v1/chat/completions": self._chat,
            "/v1/responses": self._responses,
            "/v1/embeddings": self._embeddings,
        }
        route = routes.get(self.path.partition("?")[0])
        if route is None:
            raise _Refusal(404, "invalid_request_error", f"Unknown request URL: POST {self.path}.")
        body = self._body()
        self._fault()
        route(body)

    def _body(self) -> Body:
        try:
            body: Body | None = json.loads(self._raw)
        except ValueError:
            raise _Refusal(400, "invalid_request_error", "The body is not JSON.") from None
        model = body.get("model") if body else None
        if body is None or not isinstance(model, str):
            raise _Refusal(400, "invalid_request_error", "You must provide a model parameter.")
        if not _MODELS.match(model):
            text = f"The model `{model}` does not exist or you do not have access to it."
            raise _Refusal(404, "invalid_request_error", text, "model_not_found")
        return body

    def _fault(self) -> None:
        fault = self.headers.get("x-demo-fault")
        retried = self.headers.get("x-stainless-retry-count", "0") != "0"
        if fault == "429-always" or (fault == "429" and not retried):
            text = "Rate limit reached for requests per minute. Please try again in 20ms."
            raise _Refusal(429, "requests", text, "rate_limit_exceeded")
        if fault == "500":
            raise _Refusal(500, "server_error", "The server had an error. Please try again.")
        if fault == "slow":
            self._wait(1.2)

    def _wait(self, seconds: float) -> None:
        time.sleep(seconds * self.demo.pace)

    def _chat(self, body: Body) -> None:
        if not body.get("messages"):
            raise _Refusal(400, "invalid_request_error", "`messages` must not be empty.")
        turns = wire.chat_turns(body)
        made, tokens = self._think(body, turns, thinks=bool(body.get("reasoning_effort")))
        seed = self.demo.next_seed()
        if body.get("stream"):
            self._stream(wire.chat_chunks(made, body, tokens, seed), named=False)
        else:
            self._wait(0.0025 * tokens.output)
            self._send(200, wire.chat_completion(made, body, tokens, seed))

    def _responses(self, body: Body) -> None:
        turns = wire.response_turns(body)
        previous = body.get("previous_response_id")
        if previous:
            before = self.demo.recall(previous)
            if before is None:
                text = f"Previous response with id '{previous}' not found."
                raise _Refusal(400, "invalid_request_error", text, "previous_response_not_found")
            turns = [*before[0], *turns]
        made, tokens = self._think(body, turns, thinks=bool(body.get("reasoning")))
        seed = self.demo.next_seed()
        whole = wire.response(made, body, tokens, seed)
        self.demo.remember(turns, made, whole)
        if body.get("stream"):
            self._stream(wire.response_events(made, body, tokens, seed), named=True)
        else:
            self._wait(0.0025 * tokens.output)
            self._send(200, whole)

    def _think(self, body: Body, turns: list[Turn], *, thinks: bool) -> tuple[Answer, wire.Tokens]:
        tools = wire.tools_of(body)
        made = answer(turns, tools, wire.schema_of(body), thinks=thinks)
        reasoning = wire.count_tokens(made.reasoning or "")
        output = wire.count_tokens(made.text + json.dumps(made.calls)) + reasoning
        offered = wire.count_tokens(json.dumps(body["tools"])) if body.get("tools") else 0
        cached = self.demo.cached_tokens(turns)
        total = sum(_tokens_of(turn) for turn in turns) + offered
        self._wait(0.08 + 0.0001 * total + 0.004 * reasoning)
        tokens = wire.Tokens(input=total, cached=cached, output=output, reasoning=reasoning)
        return made, tokens

    def _embeddings(self, body: Body) -> None:
        if not body.get("input"):
            raise _Refusal(400, "invalid_request_error", "`input` must not be empty.")
        self._wait(0.03)
        self._send(200, wire.embeddings(body))

    def _send(self, status: int, body: Mapping[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.send_header("x-request-id", wire.new_id("req_", self.demo.next_seed()))
        if status == 429:
            self.send_header("retry-after-ms", "20")
            self.send_header("retry-after", "1")
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, events: Iterator[Body], *, named: bool) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("transfer-encoding", "chunked")
        self.send_header("x-request-id", wire.new_id("req_", self.demo.next_seed()))
        self.end_headers()
        cut = self.headers.get("x-demo-fault") == "cut"
        for number, event in enumerate(events):
            if cut and number == 5:
                self.close_connection = True
                return
            name = f"event: {event['type']}\n" if named else ""
            self._write_chunk(f"{name}data: {json.dumps(event)}\n\n")
            self._wait(0.004)
        if not named:
            self._write_chunk("data: [DONE]\n\n")
        self._write_chunk("")

    def _write_chunk(self, text: str) -> None:
        data = text.encode()
        self.wfile.write(b"%X\r\n%s\r\n" % (len(data), data))


def _tokens_of(turn: Turn) -> int:
    return 4 + wire.count_tokens(turn.text + "".join(name + text for name, text in turn.calls))
