"""Plays recorded exchanges to the unmodified client, one after another, in four ways."""

import contextlib
import email.parser
import email.policy
import importlib.util
import inspect
import json
import os
import re
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import httpx2
import openai

import tracekit

Exchange = dict[str, Any]
WAYS = ("sync", "async", "raw", "streaming")
"""Plain call, `AsyncOpenAI`, `with_raw_response`, `with_streaming_response`."""


def corpus() -> Path | None:
    """The folder of recorded data, from `TRACEKIT_CORPUS`."""
    folder = os.environ.get("TRACEKIT_CORPUS")
    return Path(folder) if folder else None


def exchanges() -> dict[str, Exchange]:
    """All recorded exchanges by id; none without a corpus."""
    folder = corpus()
    paths = [] if folder is None else sorted((folder / "openai").glob("*.json"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}


@contextlib.contextmanager
def replay() -> Iterator[int]:
    """The port of the replay server."""
    folder = corpus()
    assert folder is not None
    server = _replay_module(folder).serve(str(folder / "openai"))
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def _replay_module(folder: Path) -> ModuleType:
    path = folder.parent / "tools" / "replay_server.py"
    spec = importlib.util.spec_from_file_location("replay_server", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class _ToReplay(httpx2.HTTPTransport):
    """Sends what is meant for any host to the replay server."""

    def __init__(self, port: int) -> None:
        super().__init__(verify=False)  # plain HTTP: no certificates to load
        self.port = port

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.url = request.url.copy_with(scheme="http", host="127.0.0.1", port=self.port)
        return super().handle_request(request)


class _AsyncToReplay(httpx2.AsyncHTTPTransport):
    def __init__(self, port: int) -> None:
        super().__init__(verify=False)  # plain HTTP: no certificates to load
        self.port = port

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        request.url = request.url.copy_with(scheme="http", host="127.0.0.1", port=self.port)
        return await super().handle_async_request(request)


def host_of(exchange: Exchange) -> str:
    """Whom the recorded client talked to."""
    return str(exchange["request"].get("host") or "api.openai.com").lower()


def _client(exchange: Exchange, port: int, *, is_async: bool) -> Any:
    host = host_of(exchange)
    http: Any = (
        httpx2.AsyncClient(transport=_AsyncToReplay(port))
        if is_async
        else httpx2.Client(transport=_ToReplay(port))
    )
    common: Any = {"api_key": "test", "max_retries": 0, "http_client": http}
    if host.endswith(".azure.com"):
        azure = openai.AsyncAzureOpenAI if is_async else openai.AzureOpenAI
        return azure(azure_endpoint=f"https://{host}", api_version="2026-01-01", **common)
    plain = openai.AsyncOpenAI if is_async else openai.OpenAI
    return plain(base_url=f"https://{host}/v1", **common)


_METHODS = {
    "chat/completions": "chat.completions.create",
    "completions": "completions.create",
    "responses": "responses.create",
    "responses/compact": "responses.compact",
    "responses/input_tokens": "responses.input_tokens.count",
    "embeddings": "embeddings.create",
    "images/generations": "images.generate",
    "images/edits": "images.edit",
    "audio/speech": "audio.speech.create",
    "audio/transcriptions": "audio.transcriptions.create",
    "audio/translations": "audio.translations.create",
    "moderations": "moderations.create",
    "files": "files.create",
    "conversations": "conversations.create",
    "realtime/client_secrets": "realtime.client_secrets.create",
}


def endpoint_of(exchange: Exchange) -> str:
    """The path without version and deployment."""
    path = urlsplit(exchange["request"]["path"]).path.strip("/")
    path = re.sub(r"^(?:api/|openai/)*(?:v1/)?(?:deployments/[^/]+/)?", "", path)
    return path


def _target(client: Any, exchange: Exchange, way: str) -> tuple[Any, dict[str, Any]]:
    """The method of the client, and its arguments."""
    endpoint, request = endpoint_of(exchange), exchange["request"]
    headers = {"x-replay-id": exchange["id"]}
    method = _METHODS.get(endpoint) if request["method"] == "POST" else None
    if method is None:
        send = client.get if request["method"] == "GET" else client.post
        arguments: Any = {"cast_to": object, "options": {"headers": headers}}
        if request["method"] != "GET":
            arguments["body"] = request["body"] or None
        return lambda **_: send(f"/{endpoint}", **arguments), {}
    *path, name = method.split(".")
    resource = client
    for step in path:
        resource = getattr(resource, step)
    if way in {"raw", "streaming"}:
        resource = getattr(
            resource, "with_raw_response" if way == "raw" else "with_streaming_response"
        )
    function = getattr(resource, name)
    return function, {**_arguments(function, exchange), "extra_headers": headers}


def _arguments(function: Any, exchange: Exchange) -> dict[str, Any]:
    body = exchange["request"]["body"]
    if not isinstance(body, dict):
        return form_of(exchange)
    known = inspect.signature(function).parameters
    extra = {key: value for key, value in body.items() if key not in known}
    arguments = {key: value for key, value in body.items() if key in known}
    return {**arguments, "extra_body": extra} if extra else arguments


def form_of(exchange: Exchange) -> dict[str, Any]:
    """The fields of an upload: texts, and files as (name, bytes, media type)."""
    request = exchange["request"]
    body = request["body"]
    data = b64decode(body) if request.get("body_encoding") == "base64" else body.encode()
    kind = request["headers"].get("content-type", "")
    if "boundary" not in kind:
        kind = f"multipart/form-data; boundary={data[2:].splitlines()[0].decode()}"
    parser = email.parser.BytesParser(policy=email.policy.HTTP)
    form = parser.parsebytes(f"content-type: {kind}\r\n\r\n".encode() + data)
    fields: dict[str, Any] = {}
    for part in form.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        file = part.get_filename()
        fields[str(name)] = (file, content, part.get_content_type()) if file else content.decode()
    return fields


def play(exchange: Exchange, way: str, port: int) -> None:
    """One exchange, through the public methods of the client, until its answer is read."""
    client = _client(exchange, port, is_async=False)
    function, arguments = _target(client, exchange, way)
    with client, tracekit.session(f"{way}:{exchange['id']}"), contextlib.suppress(openai.APIError):
        result = function(**arguments)
        if hasattr(result, "__enter__") and way == "streaming":
            with result as response:
                _read(response.parse())
        else:
            _read(result.parse() if way == "raw" and hasattr(result, "parse") else result)


def _read(result: Any) -> None:
    if isinstance(result, openai.Stream):
        for _ in result:
            pass


async def play_async(exchange: Exchange, port: int) -> None:
    """The same with `AsyncOpenAI`."""
    client = _client(exchange, port, is_async=True)
    function, arguments = _target(client, exchange, "async")
    with tracekit.session(f"async:{exchange['id']}"), contextlib.suppress(openai.APIError):
        async with client:
            result = await function(**arguments)
            if isinstance(result, openai.AsyncStream):
                async for _ in result:
                    pass
