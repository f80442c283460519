"""A small HTTP server that answers like a model service, as a test tells it to."""

import contextlib
import itertools
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

USAGE = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}


def completion(text: str = "Hello!", **more: Any) -> dict[str, Any]:
    """A chat completion."""
    message = {"role": "assistant", "content": text}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-test-2026",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": USAGE,
        **more,
    }


def chunks(*texts: str, usage: Any = USAGE) -> list[dict[str, Any]]:
    """The chunks of a streamed chat completion."""
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m-2026"}
    deltas = [{"role": "assistant", "content": ""}, *({"content": text} for text in texts)]
    parts = [
        {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
        for delta in deltas
    ]
    parts.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    return [*parts, {**head, "choices": [], "usage": usage}] if usage else parts


Handler = BaseHTTPRequestHandler
Answer = Callable[[Handler], None]


def answer(
    body: Any, status: int = 200, headers: Mapping[str, str] | None = None, kind: str | None = None
) -> Answer:
    """A whole body: JSON of a value, or bytes as they are."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()

    def send(handler: Handler) -> None:
        handler.send_response(status)
        handler.send_header("content-type", kind or "application/json")
        handler.send_header("content-length", str(len(data)))
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(data)

    return send


def events(
    parts: Sequence[Any],
    *,
    done: bool = True,
    reset: bool = False,
    wait: threading.Event | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Server-sent events; then `[DONE]`, or a reset connection, or silence until `wait` is set."""

    def send(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("content-type", "text/event-stream")
        handler.send_header("transfer-encoding", "chunked")
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.end_headers()
        for part in parts:
            data = part if isinstance(part, bytes) else b"data: %s\n\n" % json.dumps(part).encode()
            _send_chunk(handler, data)
        if wait is not None:
            wait.wait(20)
        if reset:
            linger = struct.pack("ii", 1, 0)
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            handler.close_connection = True
            handler.connection.close()
            return
        if done:
            _send_chunk(handler, b"data: [DONE]\n\n")
        _send_chunk(handler, b"")

    return send


def _send_chunk(handler: Handler, data: bytes) -> None:
    handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
    handler.wfile.flush()


@dataclass
class Service:
    """A running server: what it is to answer, and what it was asked."""

    url: str
    answers: list[Answer] = field(default_factory=list)
    """One for each request; the last one again and again."""
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    """Path, headers and body."""
    wire: list[tuple[int, str, list[tuple[str, str]], bytes]] = field(default_factory=list)
    """The same as it came: number of the connection, first line, headers in order, body."""

    def will(self, *answers: Answer) -> None:
        """From now on answer so."""
        self.answers[:] = answers


@contextlib.contextmanager
def running_service() -> Iterator[Service]:
    """A service on a free local port."""
    service = Service(url="")
    connections = itertools.count(1)

    class _Handler(Handler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            self.number = next(connections)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            service.requests.append((self.path, dict(self.headers), body))
            headers = list(self.headers.items())
            service.wire.append((self.number, self.requestline, headers, body))
            several = len(service.answers) > 1
            with contextlib.suppress(ConnectionError):
                (service.answers.pop(0) if several else service.answers[0])(self)

        do_GET = do_DELETE = do_POST

        def log_message(self, *_: object) -> None:
            pass

    class _Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            pass

    server = _Server(("127.0.0.1", 0), _Handler)
    service.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
