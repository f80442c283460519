"""Every recorded exchange, played to the client, is in the store with every fact that it holds."""

import asyncio
import functools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from openai_player import WAYS, exchanges, play, play_async, replay
from openai_reader import Facts, answer_of, read
from stored_atoms import stored_atoms

import tracekit
from tracekit import config, guard

pytestmark = [pytest.mark.corpus, pytest.mark.timeout(600)]
EXCHANGES = exchanges()
Row = dict[str, Any]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[tuple[str, str], Row]]:
    """What the store gives back, by way and exchange, after all were played in all ways."""
    config.set_tracking_uri(tmp_path_factory.mktemp("corpus"))
    guard.strict = True
    tracekit.openai.autolog()
    try:
        with replay() as port:
            for exchange in EXCHANGES.values():
                for way in ("sync", "raw", "streaming"):
                    play(exchange, way, port)
                asyncio.run(play_async(exchange, port))
        stored = _stored()
        listed = tracekit.search_traces().set_index("trace_id").to_dict("index")
        for exchange_id in EXCHANGES:
            row = stored["sync", exchange_id]
            row["trace"] = tracekit.get_trace(row["trace_id"])
            row["listed"] = {str(k): _known(v) for k, v in listed[row["trace_id"]].items()}
        yield stored
    finally:
        tracekit.openai.autolog(disable=True)
        guard.strict = False
        config.reset()


def _stored() -> dict[tuple[str, str], Row]:
    frame = tracekit.sql("SELECT * REPLACE (attributes::JSON AS attributes) FROM spans")
    found: dict[tuple[str, str], Row] = {}
    for record in frame.to_dict("records"):
        way, _, exchange_id = str(record["session_id"]).partition(":")
        assert (way, exchange_id) not in found, "one exchange gave two spans"
        record["attributes"] = json.loads(record["attributes"])
        found[way, exchange_id] = {str(k): _known(v) for k, v in record.items()}
    return found


def _known(value: Any) -> Any:
    """None where a data frame has NaN, NaT or NA; whole numbers as such."""
    if value is None or (
        not isinstance(value, list | dict | str) and str(value) in {"nan", "NaT", "<NA>"}
    ):
        return None
    if hasattr(value, "tolist"):
        value = value.tolist()
    return int(value) if isinstance(value, float) and value.is_integer() else value


@functools.cache
def known(exchange_id: str) -> Facts:
    return read(EXCHANGES[exchange_id])


def in_every_way(rows: "Rows", exchange_id: str) -> list[Row]:
    return [rows[way, exchange_id] for way in WAYS]


each = pytest.mark.parametrize("exchange_id", EXCHANGES)
Rows = dict[tuple[str, str], Row]


def test_the_corpus_is_there(rows: Rows) -> None:
    assert len(EXCHANGES) > 0
    assert len(rows) == len(EXCHANGES) * len(WAYS)


@each
def test_model_provider_ids_and_status(rows: Rows, exchange_id: str) -> None:
    facts = known(exchange_id)
    for row in in_every_way(rows, exchange_id):
        extra = row["attributes"]
        assert row["provider"] == facts.provider
        assert row["kind"] == "CLIENT"
        assert row["status"] == ("ERROR" if facts.failed else "UNSET")
        assert row["response_model"] == facts.response_model
        assert row["response_id"] == facts.response_id or row["operation"] == "fetch_response"
        assert extra["http.response.status_code"] == facts.status
        assert extra.get("openai.response.service_tier") == facts.service_tier
        assert extra.get("openai.response.system_fingerprint") == facts.fingerprint
        if facts.model is not None:
            assert row["request_model"] == facts.model
        assert row["incomplete"] in {None, False} or facts.failed


@each
def test_errors(rows: Rows, exchange_id: str) -> None:
    facts = known(exchange_id)
    for row in in_every_way(rows, exchange_id):
        assert row["attributes"].get("tracekit.error.code") == facts.error_code
        assert row["attributes"].get("tracekit.error.type") == facts.error_type
        if not facts.failed:
            assert row["error_type"] is None
        elif facts.status >= 400:
            assert row["error_type"] == f"openai.{ERRORS[facts.status]}"
        else:
            assert row["error_type"] == facts.error_code


ERRORS = {
    400: "BadRequestError",
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    409: "ConflictError",
    422: "UnprocessableEntityError",
    429: "RateLimitError",
    500: "InternalServerError",
    502: "InternalServerError",
    503: "InternalServerError",
}


@each
def test_finish_reasons(rows: Rows, exchange_id: str) -> None:
    facts = known(exchange_id)
    for row in in_every_way(rows, exchange_id):
        assert row["finish_reasons"] == facts.finish_reasons


USAGE = {
    "cache_write": "cache_write.input_tokens",
    "audio_in": "audio.input_tokens",
    "text_in": "text.input_tokens",
    "image_in": "image.input_tokens",
    "audio_out": "audio.output_tokens",
    "text_out": "text.output_tokens",
    "image_out": "image.output_tokens",
}


@each
def test_usage_of_every_kind(rows: Rows, exchange_id: str) -> None:
    facts = known(exchange_id)
    for row in in_every_way(rows, exchange_id):
        extra = row["attributes"]
        stored = {
            "input": row["input_tokens"],
            "output": row["output_tokens"],
            "cache_read": row["cache_read_tokens"],
            "cache_write": row["cache_write_tokens"],
            "reasoning": row["reasoning_tokens"],
            "accepted": extra.get("tracekit.usage.accepted_prediction.output_tokens"),
            "rejected": extra.get("tracekit.usage.rejected_prediction.output_tokens"),
        }
        for name, key in USAGE.items():
            stored.setdefault(name, extra.get(f"gen_ai.usage.{key}"))
        assert {name: count for name, count in stored.items() if count is not None} == facts.usage


@each
def test_messages(rows: Rows, exchange_id: str) -> None:
    facts = known(exchange_id)
    for row in in_every_way(rows, exchange_id):
        assert stored_atoms(row["input_messages"]) == facts.asked
        assert stored_atoms(row["output_messages"]) == facts.answered
        instructions = json.loads(row["system_instructions"] or "[]")
        assert [part["content"] for part in instructions] == [
            text for text in [facts.instructions] if text
        ]
        tools = json.loads(row["tool_definitions"] or "[]")
        assert [tool["name"] for tool in tools] == facts.tools


@each
def test_a_stream_has_a_time_to_first_token(rows: Rows, exchange_id: str) -> None:
    facts = known(exchange_id)
    for row in in_every_way(rows, exchange_id):
        streamed = "event-stream" in EXCHANGES[exchange_id]["response"]["headers"]["content-type"]
        first = row["time_to_first_token_ms"]
        assert (first is not None and 0 < first <= row["duration_ms"]) == streamed
        assert bool(row["attributes"].get("gen_ai.request.stream")) == facts.stream


@each
def test_search_and_get_give_the_same(rows: Rows, exchange_id: str) -> None:
    row = rows["sync", exchange_id]
    root, listed = row["trace"].root, row["listed"]
    for name in ("provider", "request_model", "response_id", "input_tokens", "output_tokens"):
        assert getattr(root, name) == row[name], name
    assert list(root.finish_reasons or []) == (row["finish_reasons"] or [])
    assert root.output_messages == row["output_messages"]
    assert listed["session_id"] == row["session_id"]
    assert listed["status"] == ("ERROR" if row["status"] == "ERROR" else "OK")
    if row["operation"] in {"chat", "text_completion", "embeddings"}:
        assert listed["input_tokens"] == row["input_tokens"]
        assert listed["output_tokens"] == row["output_tokens"]


# Nothing of an answer is lost without a reason

IGNORED = {
    "object": "says which kind of answer it is; the operation does",
    "created": "the provider's clock; the span has times",
    "created_at": "the provider's clock",
    "completed_at": "the provider's clock",
    "obfuscation": "padding against traffic analysis",
    "sequence_number": "of one event within a stream",
    "embedding": "vectors are counted, not kept",
    "index": "order is kept by order",
    "type": "told by the kind of part",
    "role": "compared with the messages",
    "role_of_part": "the role of a message",
    "transcript": "compared with the messages",
    "value": "a credential, hidden",
    "url": "its signature is hidden; compared with the messages",
    "finish_reason": "compared, in the words of the conventions",
    "arguments": "parsed; compared with the messages",
    "data": "media are kept as artifacts",
    "b64_json": "media are kept as artifacts",
    "reason": "compared as finish reason",
    "status": "of an item: kept with it, or the response's own",
    "native_finish_reason": "kept with the choice",
}
ECHOED = {
    *("temperature", "top_p", "top_logprobs", "truncation", "parallel_tool_calls", "reasoning"),
    *("instructions", "tools", "tool_choice", "text", "metadata", "store", "user", "background"),
    *("max_output_tokens", "max_tool_calls", "prompt_cache_retention", "prompt_cache_key"),
    *("frequency_penalty", "presence_penalty", "safety_identifier", "prompt"),
}
"""Fields of a response that repeat its request."""


@each
def test_every_value_of_an_answer_is_stored_or_left_out_for_a_reason(
    rows: Rows, exchange_id: str
) -> None:
    exchange = EXCHANGES[exchange_id]
    if exchange["response"]["status"] >= 400:
        return
    row = {k: v for k, v in rows["sync", exchange_id].items() if k not in {"trace", "listed"}}
    stored = set(_leaves(_unpacked(row)))
    held = {str(value) for _, value in stored}
    missing = [
        (key, value)
        for key, value in _leaves(answer_of(exchange), echoes=ECHOED)
        if key not in IGNORED and str(value) not in held
    ]
    assert missing == []


def _unpacked(value: Any) -> Any:
    """Everything of a row, JSON texts opened."""
    if isinstance(value, dict):
        return {key: _unpacked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unpacked(item) for item in value]
    if isinstance(value, str) and value[:1] in {"{", "["}:
        try:
            return [value, _unpacked(json.loads(value))]
        except ValueError:
            return value
    return value


def _leaves(value: Any, key: str = "", echoes: set[str] = frozenset()) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        is_response = value.get("object") == "response"
        for name, item in value.items():
            if not (is_response and name in echoes):
                yield from _leaves(item, name, echoes)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, key, echoes)
    elif value not in (None, ""):
        yield key, value
