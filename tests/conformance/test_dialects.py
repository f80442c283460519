"""Spans that other instrumentations really sent mean the same in whatever dialect.

Three of them recorded the same exchanges: one in the conventions' own words, which is the
reference, two in dialects. The raw attributes and bodies are read here a second time, without
the code under test.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tracekit.convert import span_columns
from tracekit.model import Span
from tracekit.store.queries import read_traces
from tracekit.store.store import Store

pytestmark = pytest.mark.corpus

OTLP = Path(os.environ["TRACEKIT_CORPUS"]) / "otlp"
SETS = ("otel-genai-openai", "openinference-openai", "openllmetry-openai")


def plain(value: dict[str, Any]) -> Any:
    """An OTLP/JSON value."""
    ((kind, content),) = value.items() or [("", None)]
    if kind == "arrayValue":
        return [plain(item) for item in content.get("values", [])]
    return int(content) if kind == "intValue" else content


def flat(pairs: list[dict[str, Any]]) -> dict[str, Any]:
    return {pair["key"]: plain(pair["value"]) for pair in pairs}


def recorded(name: str) -> list[dict[str, Any]]:
    """The spans of a set as spool records."""
    content = json.loads((OTLP / name / "traces.otlp.json").read_text(encoding="utf-8"))
    return [
        {
            "kind": "span",
            "trace_id": span["traceId"],
            "span_id": span["spanId"],
            "parent_span_id": span.get("parentSpanId") or None,
            "name": span["name"],
            "start_ns": int(span["startTimeUnixNano"]),
            "end_ns": int(span["endTimeUnixNano"]),
            "status": ("UNSET", "OK", "ERROR")[span.get("status", {}).get("code", 0)],
            "scope": scope["scope"]["name"],
            "resource": flat(resource["resource"]["attributes"]),
            "attributes": flat(span["attributes"]),
            "events": [
                {
                    "name": event["name"],
                    "at_ns": int(event["timeUnixNano"]),
                    "attributes": flat(event.get("attributes", [])),
                }
                for event in span.get("events", [])
            ],
        }
        for resource in content["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]


def stored(store: Store, records: list[dict[str, Any]]) -> list[Span]:
    for record in records:
        store.spool().append(record)
    with store.reading() as connection:
        traces = read_traces(connection, [record["trace_id"] for record in records])
        assert connection.execute("SELECT count(*) FROM store.bad_record").fetchone() == (0,)
    return [span for trace in traces for span in trace.spans]


def text_of(messages: str | None) -> str:
    parts = [part for message in json.loads(messages or "[]") for part in message["parts"]]
    return "".join(str(part["content"]) for part in parts if part["type"] == "text")


def calls_of(messages: str | None) -> list[tuple[str, Any]]:
    parts = [part for message in json.loads(messages or "[]") for part in message["parts"]]
    return [(part["name"], part.get("arguments")) for part in parts if part["type"] == "tool_call"]


@pytest.mark.parametrize("name", [*SETS, "openinference-langchain"])
def test_every_span_is_stored_with_all_its_attributes(store: Store, name: str) -> None:
    records = recorded(name)
    spans = {(span.trace_id, span.span_id): span for span in stored(store, records)}
    assert len(spans) == len(records)
    for record in records:
        span = spans[record["trace_id"], record["span_id"]]
        own = {key for key in record["attributes"] if not key.startswith("gen_ai.")}
        moved = {"session.id", "user.id", "error.type"}
        assert own - moved <= span.attributes.keys()
        assert (span.start_ns, span.end_ns) == (record["start_ns"], record["end_ns"])
        assert span.service == record["resource"]["service.name"]


def by_response(spans: list[Span]) -> dict[str, Span]:
    return {
        span.response_id: span
        for span in spans
        if span.response_id is not None and span.operation == "chat"
    }


@pytest.mark.parametrize("dialect", SETS[1:])
def test_dialects_agree_with_the_conventions(store: Store, dialect: str) -> None:
    reference = by_response(stored(store, recorded(SETS[0])))
    found = by_response(stored(store, recorded(dialect)))
    shared = reference.keys() & found.keys()
    assert len(shared) > 35
    texts = 0
    for response_id in shared:
        theirs, ours = found[response_id], reference[response_id]
        assert theirs.provider == ours.provider
        assert ours.response_model is not None
        assert ours.response_model.endswith(theirs.response_model or "?")  # "google/" cut off
        if theirs.input_tokens is not None and ours.input_tokens is not None:
            assert theirs.input_tokens == ours.input_tokens
            assert theirs.output_tokens == ours.output_tokens
        if text := text_of(theirs.output_messages):  # neither records a refusal
            assert text == text_of(ours.output_messages)
            texts += 1
    assert texts > 15


def bodies(records: list[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Records of model calls whose answer was recorded as an OpenAI body."""
    pairs = [(record, record["attributes"].get("output.value")) for record in records]
    parsed = [
        (record, json.loads(value)) for record, value in pairs if value and value.startswith("{")
    ]
    return [(record, body) for record, body in parsed if body.get("object") == "chat.completion"]


def test_openinference_says_what_the_recorded_bodies_say(store: Store) -> None:
    records = recorded("openinference-openai")
    spans = {(span.trace_id, span.span_id): span for span in stored(store, records)}
    compared = bodies(records)
    assert len(compared) > 15
    for record, body in compared:
        span = spans[record["trace_id"], record["span_id"]]
        message = body["choices"][0]["message"]
        assert span.response_id == body["id"]
        assert span.response_model == body["model"]
        assert span.input_tokens == body["usage"]["prompt_tokens"]
        assert span.output_tokens == body["usage"]["completion_tokens"]
        expected = [
            (call["function"]["name"], json.loads(call["function"]["arguments"]))
            for call in message.get("tool_calls") or []
        ]
        assert calls_of(span.output_messages)[: len(expected)] == expected
        if len(body["choices"]) == 1 and not message.get("refusal"):
            assert text_of(span.output_messages) == (message.get("content") or "")


def test_vercel_spans_keep_models_usage_and_texts(store: Store) -> None:
    content = (OTLP / "recorded_vercel_v6_spans" / "all-spans.json").read_text(encoding="utf-8")
    spans = json.loads(content)
    records = [
        {
            "kind": "span",
            "trace_id": f"{number + 1:032x}",
            "span_id": f"{number + 1:016x}",
            "name": span["name"],
            "start_ns": 1,
            "end_ns": 2,
            "attributes": span["attributes"],
        }
        for number, span in enumerate(spans)
    ]
    for raw, span in zip(spans, stored(store, records), strict=True):
        attributes = raw["attributes"]
        assert span.provider == "openai"
        assert span.request_model == attributes["ai.model.id"]
        if text := attributes.get("ai.response.text"):
            assert text_of(span.output_messages) == text
        if raw["name"].endswith(("doGenerate", "doStream")):
            assert span.operation == "chat"
            assert span.input_tokens == attributes["gen_ai.usage.input_tokens"]
            assert text_of(span.input_messages)


@pytest.mark.parametrize(
    "path", sorted((OTLP / "recorded_langfuse_exports").glob("*.trace.json")), ids=lambda p: p.name
)
def test_langfuse_read_the_same_models_and_tokens(store: Store, path: Path) -> None:
    """The exports carry the raw attributes, and how Langfuse itself understood them."""
    observations = json.loads(path.read_text(encoding="utf-8"))["observations"]
    for observation in observations:
        metadata = observation["metadata"]
        metadata = json.loads(metadata) if isinstance(metadata, str) else metadata
        attributes = metadata.get("attributes") or {}
        if observation["type"] != "GENERATION" or not attributes:
            continue
        columns, _ = span_columns(attributes)
        models = {columns.get("request_model"), columns.get("response_model")}
        assert observation["model"] in models
        usage = observation["usageDetails"]
        if usage.get("output") and "output_tokens" in columns:
            assert columns["output_tokens"] >= usage["output"]
