"""Recorded exchanges, played through LangChain: each is counted once, with what it holds."""

import asyncio
import contextlib
import functools
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from langchain_core.messages import convert_to_messages
from langchain_openai import AzureChatOpenAI, ChatOpenAI
from openai_player import Exchange, endpoint_of, exchanges, host_of, replay
from openai_reader import Atom, Facts, read
from stored_atoms import stored_atoms

import tracekit
from tracekit import config, guard

pytestmark = pytest.mark.corpus
UNREADABLE = {
    "030_azure_content_filter": "langchain-openai fails on a choice without a message",
    "062_responses_compact": "another endpoint",
    "063_responses_input_tokens": "another endpoint",
}
EXCHANGES = {
    key: exchange
    for key, exchange in exchanges().items()
    if endpoint_of(exchange) in {"chat/completions", "responses"}
    and exchange["request"]["method"] == "POST"
    and key not in UNREADABLE
}
WAYS = ("both", "both async", "alone", "alone async")
"""Which libraries record: the OpenAI client and LangChain, or LangChain alone."""
Row = dict[str, Any]
Rows = dict[tuple[str, str], list[Row]]


def model_of(exchange: Exchange, port: int, **http: Any) -> Any:
    """LangChain's model for the recorded endpoint."""
    body = exchange["request"]["body"]
    known: Any = {
        "api_key": "test",
        "max_retries": 0,
        "default_headers": {"x-replay-id": exchange["id"]},
        "model": body.get("model") or "deployed",
        "stream_usage": bool((body.get("stream_options") or {}).get("include_usage")),
        **({"temperature": body["temperature"]} if "temperature" in body else {}),
        **http,
    }
    url = f"http://127.0.0.1:{port}"
    if host_of(exchange).endswith(".azure.com"):
        return AzureChatOpenAI(azure_endpoint=url, api_version="2026-01-01", **known)
    is_responses = endpoint_of(exchange) == "responses"
    return ChatOpenAI(base_url=f"{url}/v1", use_responses_api=is_responses, **known)


def messages_of(exchange: Exchange) -> list[Any]:
    """The recorded messages of a chat; a word in place of a Responses API's input."""
    messages = exchange["request"]["body"].get("messages")
    said = [{"content": None, **message} for message in messages or []]
    return convert_to_messages(said or [{"role": "user", "content": "Hi"}])


def play_all(way: str, port: int) -> None:
    """Each exchange through LangChain, until its answer is read."""
    with openai.DefaultHttpxClient() as http:
        for key, exchange in EXCHANGES.items():
            model, messages = model_of(exchange, port, http_client=http), messages_of(exchange)
            with tracekit.session(f"{way}:{key}"), contextlib.suppress(Exception):
                if exchange["request"]["body"].get("stream"):
                    list(model.stream(messages))
                else:
                    model.invoke(messages)


async def play_all_async(way: str, port: int) -> None:
    async with openai.DefaultAsyncHttpxClient() as http:
        for key, exchange in EXCHANGES.items():
            model, messages = (
                model_of(exchange, port, http_async_client=http),
                messages_of(exchange),
            )
            with tracekit.session(f"{way} async:{key}"), contextlib.suppress(Exception):
                if exchange["request"]["body"].get("stream"):
                    _ = [part async for part in model.astream(messages)]
                else:
                    await model.ainvoke(messages)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rows]:
    """All spans, by way and exchange, after each was played in all ways."""
    config.set_tracking_uri(tmp_path_factory.mktemp("langchain-corpus"))
    guard.strict, failures = True, guard.failures
    try:
        with replay() as port:
            for way in ("both", "alone"):
                tracekit.autolog(openai=way == "both")
                play_all(way, port)
                asyncio.run(play_all_async(way, port))
                tracekit.autolog(disable=True)
        assert guard.failures == failures
        yield _stored()
    finally:
        tracekit.autolog(disable=True)
        guard.strict = False
        config.reset()


def _stored() -> Rows:
    frame = tracekit.sql(
        "SELECT * REPLACE (attributes::JSON AS attributes) FROM spans ORDER BY start_time"
    )
    found: Rows = {}
    for record in frame.to_dict("records"):
        way, _, exchange_id = str(record["session_id"]).partition(":")
        row = {str(key): _known(value) for key, value in record.items()}
        row["attributes"] = json.loads(row["attributes"] or "{}")
        found.setdefault((way, exchange_id), []).append(row)
    return found


def _known(value: Any) -> Any:
    if value is None or (
        not isinstance(value, list | dict | str) and str(value) in {"nan", "NaT", "<NA>"}
    ):
        return None
    value = value.tolist() if hasattr(value, "tolist") else value
    return int(value) if isinstance(value, float) and value.is_integer() else value


@functools.cache
def known(exchange_id: str) -> Facts:
    return read(EXCHANGES[exchange_id])


def counted(rows: Rows, way: str, exchange_id: str) -> Row:
    """The one span that is a model call."""
    (row,) = [row for row in rows[way, exchange_id] if row["operation"] == "chat"]
    return row


each = pytest.mark.parametrize("exchange_id", EXCHANGES)


@each
def test_an_exchange_is_one_call_below_langchain(rows: Rows, exchange_id: str) -> None:
    for way in WAYS:
        spans = rows[way, exchange_id]
        call = counted(rows, way, exchange_id)
        assert len(spans) == (2 if way.startswith("both") else 1)
        if len(spans) == 2:
            (outer,) = [span for span in spans if span is not call]
            assert call["parent_span_id"] == outer["span_id"]
            assert outer["span_type"] == "chat_model"
            assert not [key for key in outer if key.endswith("_tokens") and outer[key] is not None]
            assert outer["cost_usd"] is None


@each
def test_with_both_the_call_holds_all_facts(rows: Rows, exchange_id: str) -> None:
    facts = known(exchange_id)
    for way in ("both", "both async"):
        call = counted(rows, way, exchange_id)
        assert call["response_id"] == facts.response_id
        assert call["response_model"] == facts.response_model
        assert call["finish_reasons"] == facts.finish_reasons
        assert stored_atoms(call["output_messages"]) == facts.answered
        assert usage_of(call) == {k: v for k, v in facts.usage.items() if k in COUNTED}


COUNTED = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cache_read": "cache_read_tokens",
    "reasoning": "reasoning_tokens",
}


def usage_of(row: Row) -> dict[str, int]:
    return {name: row[key] for name, key in COUNTED.items() if row[key] is not None}


def joins_candidates(exchange_id: str) -> bool:
    """LangChain adds the candidates of one stream to one message."""
    body = EXCHANGES[exchange_id]["request"]["body"]
    return bool(body.get("stream")) and (body.get("n") or 1) > 1


def is_chat(exchange_id: str) -> bool:
    return endpoint_of(EXCHANGES[exchange_id]) == "chat/completions"


def is_dropped(atom: Atom, exchange_id: str) -> bool:
    """`langchain-openai` drops what compatible services add to this API: their reasoning."""
    return atom[0] == "reasoning" and is_chat(exchange_id)


def solid(atoms: list[Atom]) -> list[Atom]:
    """LangChain drops nulls inside the items of built-in tools."""
    return [tuple(str(f).replace('"output_schema": null, ', "") for f in atom) for atom in atoms]


def spoken(atoms: list[Atom]) -> list[Atom]:
    """LangChain makes an empty text of no content."""
    return [atom for atom in atoms if atom != ("text", "assistant", "")]


@each
def test_alone_langchain_holds_the_facts(rows: Rows, exchange_id: str) -> None:
    facts = known(exchange_id)
    for way in ("alone", "alone async"):
        call = counted(rows, way, exchange_id)
        assert call["provider"] == ("azure.ai.openai" if "azure" in facts.provider else "openai")
        assert call["status"] == ("ERROR" if facts.failed else "UNSET")
        if facts.model is not None:
            assert call["request_model"] == facts.model
        if not facts.failed:
            assert call["response_model"] == facts.response_model
        if not joins_candidates(exchange_id):
            assert call["finish_reasons"] == (None if facts.failed else facts.finish_reasons)
            assert usage_of(call) == {k: v for k, v in facts.usage.items() if k in COUNTED}
            said = [atom for atom in facts.answered if not is_dropped(atom, exchange_id)]
            assert solid(stored_atoms(call["output_messages"])) == solid(said)
        if is_chat(exchange_id):
            assert spoken(stored_atoms(call["input_messages"])) == spoken(facts.asked)
