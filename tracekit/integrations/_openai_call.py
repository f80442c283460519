"""One call of the OpenAI client: what it asks, what comes of it, and its span."""

import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast

import orjson
from opentelemetry.trace import StatusCode

from tracekit import config, context, guard, semconv
from tracekit.integrations._http_stream import Copy, follow
from tracekit.integrations._messages import Object, as_object
from tracekit.integrations._openai_endpoints import Endpoint, find_endpoint, provider_of
from tracekit.integrations._openai_request import (
    Contents,
    put_contents,
    request_contents,
    request_facts,
)
from tracekit.integrations._openai_response import Answer, error_extra, read_answer, read_media
from tracekit.integrations._openai_stream import fold
from tracekit.tracing import NO_SPAN, begin


class Call:
    """One request and what comes of it, from the beginning of its span to the end."""

    __slots__ = ("_copied", "_data", "_is_async", "endpoint", "options", "span", "started")

    def __init__(self, client: Any, options: Any, *, is_async: bool, is_stream: bool) -> None:
        """Begin the span, below the innermost one; a model call is announced to it."""
        self.options: Any = options
        self.endpoint = endpoint = find_endpoint(options.method, options.url)
        self.started = time.perf_counter_ns()
        self._is_async = is_async
        self._copied = False
        self._data: tuple[bytes, str] | None = None
        """Body and media type of an answer that was read at once."""
        body = as_object(options.json_data)
        if getattr(options, "extra_json", None):
            body = {**body, **as_object(options.extra_json)}
        facts = _server_facts(client, endpoint)
        facts.update(request_facts(endpoint, body))
        if endpoint.response_id is not None:
            facts.update(_cursor(options))
        if is_stream:
            facts[semconv.REQUEST_STREAM] = True
        operation, model = endpoint.operation, facts.get(semconv.REQUEST_MODEL)
        name = f"{operation} {model}" if operation and model else operation or endpoint.label
        parent = context.innermost_span() or NO_SPAN
        self.span = begin(name, operation=operation, kind="CLIENT", attributes=facts, parent=parent)
        if parent is not NO_SPAN and operation in _COUNTED:
            for tell in context.model_calls_seen:
                tell(parent)
        if self.span.is_open and config.settings().capture_content:
            self._read_request(body)

    def _read_request(self, body: Object) -> None:
        """What was asked, as text, before the program can change it."""
        try:
            contents = request_contents(self.endpoint, body, self.options.files)
            put_contents(self.span.attributes, contents)
        except Exception:
            guard.failed("reading a request of the openai client")

    def received(self, told: Mapping[str, Any]) -> None:
        """An HTTP response has come; its body has been read, or is still to be.

        Args:
            told: What `_process_response` of the client is given.
        """
        try:
            if self.span.is_open:
                response = told.get("response")
                self.span.attributes.update(_http_facts(response, told.get("retries_taken")))
                self._take(response)
        except Exception:
            guard.failed("a response of the openai client")

    def _take(self, response: Any) -> None:
        if response.is_closed:
            data = response.content
            self._data = (data, "" if data.startswith(_JSON) else _media_type(response))
        else:
            media_type = _media_type(response)
            self._copied = follow(
                response,
                lambda copy: self._finish(b"", media_type, copy),
                is_async=self._is_async,
            )

    def returned(self) -> None:
        """The request has given its result to the program."""
        try:
            self.options = None
            if not self._copied:
                data, media_type = self._data or (b"", "")
                self._finish(data, media_type, None)
        except Exception:
            guard.failed("an answer of the openai client")

    def failed(self, error: BaseException) -> None:
        """The request raised. An answer may have come all the same, and was not accepted."""
        try:
            self._copied = True
            if self.span.is_open:
                if self._data is not None:
                    self._record(*self._data, None)
                self.span.set_attributes(_error_facts(error))
                put_contents(self.span.attributes, _error_contents(error))
                self.span.fail(error)
        except Exception:
            guard.failed("an error of the openai client")
        finally:
            self.span.end()

    def retried(self, told: Mapping[str, Any], waited_s: float) -> None:
        """The client tries once more, after waiting.

        Args:
            told: What `_sleep_for_retry` of the client is given.
            waited_s: Seconds.
        """
        try:
            attempt, response = told.get("retries_taken"), told.get("response")
            status = {} if response is None else {"status": response.status_code}
            number = attempt + 1 if isinstance(attempt, int) else 1
            self.span.add_event("tracekit.retry", {"attempt": number, "wait_s": waited_s, **status})
        except Exception:
            guard.failed("a retry of the openai client")

    def _finish(self, data: bytes, media_type: str, copy: Copy | None) -> None:
        try:
            if self.span.is_open:
                self._record(data, media_type, copy)
        except Exception:
            guard.failed("an answer of the openai client")
        finally:
            self.span.end()

    def _record(self, data: bytes, media_type: str, copy: Copy | None) -> None:
        """Read the answer into attributes and status."""
        with_content = config.settings().capture_content
        if copy is not None:
            data = copy.content()
        is_complete = copy is None or copy.is_exhausted
        is_events = _is_events(data, media_type)
        if is_events:
            answer, is_complete = self._read_events(data, with_content=with_content)
        else:
            answer = _read_body(self.endpoint, data, media_type, with_content=with_content)
        attributes = self.span.attributes
        attributes.update(answer.facts)
        if copy is not None:
            attributes.update(self._stream_facts(copy, is_complete=is_complete))
        elif is_events:
            attributes.update(self._first_chunk(time.perf_counter_ns()))
            if not is_complete:
                attributes[semconv.INCOMPLETE] = True
        put_contents(attributes, answer.contents)
        if answer.error is not None:
            self._fail_by_answer(answer.error)
        elif copy is not None and copy.error is not None:  # what the program saw, also at the end
            self.span.fail(copy.error)

    def _read_events(self, data: bytes, *, with_content: bool) -> tuple[Answer, bool]:
        folded = fold(self.endpoint, data)
        answer = read_answer(self.endpoint, folded.body, with_content=with_content)
        answer.error = answer.error or folded.error
        return answer, folded.is_complete

    def _stream_facts(self, copy: Copy, *, is_complete: bool) -> dict[str, Any]:
        facts: dict[str, Any] = {semconv.STREAM_BYTES: copy.size}
        if copy.first_chunk_ns is not None and not copy.is_json:
            facts.update(self._first_chunk(copy.first_chunk_ns))
        if copy.is_cut:
            facts[semconv.STREAM_CUT] = True
        if not is_complete and not copy.is_cut:
            facts[semconv.INCOMPLETE] = True
        if copy.is_cancelled:
            facts[semconv.CANCELLED] = True
        return facts

    def _first_chunk(self, at_ns: int) -> dict[str, Any]:
        return {semconv.RESPONSE_TIME_TO_FIRST_CHUNK: (at_ns - self.started) / 1e9}

    def _fail_by_answer(self, error: Object) -> None:
        """An answer that came with status 200 and says that it went wrong."""
        facts = _provider_error(error)
        code = facts.get(semconv.ERROR_CODE) or facts.get(semconv.ERROR_KIND) or "_OTHER"
        self.span.set_attributes({**facts, semconv.ERROR_TYPE: str(code)})
        self.span.set_status(StatusCode.ERROR, str(error.get("message") or code))


def _cursor(options: Any) -> dict[str, Any]:
    """From where on a stored response is streamed again."""
    after = as_object(options.params).get("starting_after")
    return {} if after is None else {semconv.REQUEST_STREAM_CURSOR: str(after)}


_COUNTED = semconv.MODEL_CALLS - {"embeddings"}


def _server_facts(client: Any, endpoint: Endpoint) -> dict[str, Any]:
    url = getattr(client, "_base_url", None) or client.base_url  # the property is slow
    kind = cast("Any", type(client))
    known, deployment = _server(kind, str(url.host), url.port, str(url.path))
    facts = dict(known)
    if deployment and endpoint.operation is not None:
        facts[semconv.REQUEST_MODEL] = deployment  # unless the body says more
    return facts


@lru_cache(maxsize=512)
def _server(
    client: type[Any], host: str, port: int | None, path: str
) -> tuple[Mapping[str, Any], str]:
    """What is known of a server by its address: attributes, and the deployment of Azure's."""
    is_azure = any(kind.__name__ == "BaseAzureClient" for kind in client.__mro__)
    facts: dict[str, Any] = {
        semconv.PROVIDER: "azure.ai.openai" if is_azure else provider_of(host),
        semconv.SERVER_ADDRESS: host,
    }
    if port not in {None, 443}:
        facts[semconv.SERVER_PORT] = port
    return facts, path.partition("/deployments/")[2].partition("/")[0]


def _media_type(response: Any) -> str:
    return str(response.headers.get("content-type") or "").partition(";")[0].strip()


_JSON = (b"{", b"[")


def _is_events(data: bytes, media_type: str) -> bool:
    """Server-sent events, also from services that do not say so."""
    if media_type in {"text/event-stream", "application/json"}:
        return media_type == "text/event-stream"
    return data.startswith((b"data:", b"event:"))


def _read_body(endpoint: Endpoint, data: bytes, media_type: str, *, with_content: bool) -> Answer:
    if media_type.endswith("json") or data.startswith(_JSON):
        try:
            return read_answer(endpoint, orjson.loads(data), with_content=with_content)
        except orjson.JSONDecodeError:
            return Answer()
    return read_media(data, media_type, with_content=with_content)


def _http_facts(response: Any, retries: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {semconv.HTTP_STATUS_CODE: response.status_code}
    request_id = response.headers.get("x-request-id")
    if request_id:
        facts[semconv.HTTP_REQUEST_ID] = [request_id]
    if not isinstance(retries, int):
        sent = str(response.request.headers.get("x-stainless-retry-count") or "")
        retries = int(sent) if sent.isdecimal() else 0
    if retries:
        facts[semconv.RETRY_COUNT] = retries
    return facts


def _error_facts(error: BaseException) -> dict[str, Any]:
    """What an exception of the client knows: HTTP status, request id, the provider's words."""
    response = getattr(error, "response", None)
    request = getattr(error, "request", None) if response is None else None
    facts = {} if response is None else _http_facts(response, None)
    if request is not None:
        sent = str(request.headers.get("x-stainless-retry-count") or "0")
        if sent.isdecimal() and sent != "0":
            facts[semconv.RETRY_COUNT] = int(sent)
    return {**facts, **_provider_error(as_object(getattr(error, "body", None)))}


def _error_contents(error: BaseException) -> Contents:
    more = error_extra(as_object(getattr(error, "body", None)))
    return [(semconv.RESPONSE_EXTRA, {"error": more} if more else None)]


def _provider_error(error: Object) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    inner = as_object(error.get("error")) or error
    for key, name in _ERROR_FACTS:
        value = inner.get(key)
        if value is not None and isinstance(value, str | int):
            facts[name] = str(value)
    return facts


_ERROR_FACTS = (
    ("code", semconv.ERROR_CODE),
    ("type", semconv.ERROR_KIND),
    ("param", semconv.ERROR_PARAM),
)
