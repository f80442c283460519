"""Traces and runs as a store would give them, for tests of the report: small, rich, hostile, huge."""

import hashlib
import json
import math
import random
import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tracekit.model import (
    Artifact,
    Assessment,
    Metric,
    Run,
    RunData,
    RunInfo,
    Span,
    SpanEvent,
    Trace,
    TraceStatus,
    TraceSummary,
)
from tracekit.ui.file import ReportContents, write_report
from tracekit.ui.view import ReportFacts

NOW_MS = 1_795_600_000_000
MS = 1_000_000
CALLS = {"chat", "embeddings"}


def png(width: int = 240, height: int = 120) -> bytes:
    """A picture: stripes."""
    rows = b"".join(
        b"\0" + bytes(c for x in range(width) for c in ((x * 2) % 256, (y * 3) % 256, 160))
        for y in range(height)
    )

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


PICTURE = png()
PICTURE_SHA = hashlib.sha256(PICTURE).hexdigest()


def text(role: str, content: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": content}]}


class TraceBuilder:
    """Spans of one trace, by milliseconds since its start."""

    def __init__(self, number: int, start_ms: int = NOW_MS - 480_000) -> None:
        self.trace_id = hashlib.md5(f"trace {number}".encode()).hexdigest()
        self.start_ms = start_ms
        self.spans: list[Span] = []

    def add(
        self,
        name: str,
        at: float,
        took: float | None,
        parent: str | None = None,
        **fields: Any,
    ) -> str:
        """One span; values of message and JSON fields are given as data. Gives its id."""
        for key in (
            "input",
            "output",
            "input_messages",
            "output_messages",
            "system_instructions",
            "tool_definitions",
        ):
            if key in fields and not isinstance(fields[key], str):
                fields[key] = json.dumps(fields[key])
        start = round((self.start_ms + at) * MS)
        duration = None if took is None else round(took * MS)
        fields.setdefault("status", "UNFINISHED" if took is None else "UNSET")
        span = Span(
            trace_id=self.trace_id,
            span_id=f"{int(self.trace_id, 16) % 2**32 * 100_000 + len(self.spans) + 1:016x}",
            parent_span_id=parent,
            name=name,
            start_ns=start,
            end_ns=None if duration is None else start + duration,
            duration_ns=duration,
            **fields,
        )
        self.spans.append(span)
        return span.span_id

    def build(self, *assessments: Assessment, **fields: Any) -> Trace:
        root = next((s for s in self.spans if s.parent_span_id is None), self.spans[0])
        status: TraceStatus = "ERROR" if root.status == "ERROR" else "OK"
        if any(s.status == "UNFINISHED" for s in self.spans):
            status = "UNFINISHED"
        return Trace(
            trace_id=self.trace_id,
            status=status,
            spans=tuple(self.spans),
            assessments=assessments,
            **fields,
        )


def summary(trace: Trace) -> TraceSummary:
    """The row of the list, as the view `traces` makes it."""
    calls = [s for s in trace.spans if s.operation in CALLS]
    costs = [s.cost_usd for s in calls if s.cost_usd is not None]
    ends = [s.end_ns for s in trace.spans if s.end_ns is not None]
    start = min(s.start_ns for s in trace.spans)
    root = trace.root
    first = next((s for s in trace.spans if s.input_messages), None)
    return TraceSummary(
        trace_id=trace.trace_id,
        name=root.name,
        status=trace.status,
        span_count=len(trace.spans),
        error_count=sum(s.status == "ERROR" for s in trace.spans),
        start_ns=start,
        duration_ns=None if trace.status == "UNFINISHED" else max(ends) - start,
        input=root.input or root.input_messages or (first.input_messages if first else None),
        output=root.output or root.output_messages,
        model=next((s.request_model for s in calls if s.request_model), None),
        input_tokens=_total(s.input_tokens for s in calls),
        output_tokens=_total(s.output_tokens for s in calls),
        cost_usd=sum(costs) if costs else None,
        session_id=root.session_id,
        user_id=root.user_id,
        run_id=root.run_id,
        experiment=root.experiment,
        error_type=root.error_type
        or next((s.error_type for s in trace.spans if s.error_type), None),
        tags=dict(trace.tags),
    )


def _total(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


SYSTEM = (
    "You are the support agent of Fjellhaus, an outdoor shop.\n\n# Rules\n1. Look up the order "
    "before you promise anything.\n2. Refunds over 200 € need a human.\n3. Answer in the customer’s "
    "language, in at most 120 words.\n4. Never guess a delivery date: quote the carrier."
)
QUESTION = "My parcel says **delivered** but it is not here. Order A-58120. I need it on Friday."
THOUGHT = (
    "The customer says the parcel is marked as delivered. Rule 1: look up the order first. Shipment "
    "status can be fetched at the same time, the two calls do not depend on each other."
)
ORDER = {
    "order_id": "A-58120",
    "status": "shipped",
    "total_eur": 148.9,
    "items": [{"sku": "FH-TENT-2", "name": "Fell 2 tent", "qty": 1}],
    "promised": "2026-11-26",
}
SHIPMENT = {
    "carrier": "Bring",
    "state": "delivered",
    "at": "2026-11-23T14:12:00+01:00",
    "place": "parcel locker 0412, Storgata 9",
    "tracking": 370123456789012345678,
}
ANSWER = (
    "Good news: your tent was **not** lost. Bring put it into a parcel locker yesterday:\n\n"
    "- Locker **0412**, Storgata 9\n- Placed there on 23 November at 14:12\n- The PIN went by text "
    "message to the number ending in 118\n\nThe locker keeps it for five days, so you will have it by "
    "Friday. If the PIN did not reach you, [ask for a new one](https://example.com/locker/pin) and I "
    "will follow it up."
)
CALL = {
    "provider": "openai",
    "request_model": "gpt-5-mini",
    "response_model": "gpt-5-mini-2026-08-07",
    "operation": "chat",
    "kind": "CLIENT",
    "scope": "tracekit.openai",
    "cost_source": "price table 2026-11",
}
TOOLS = [
    {
        "type": "function",
        "name": name,
        "description": "…",
        "parameters": {"type": "object", "properties": {"order_id": {"type": "string"}}},
    }
    for name in ("lookup_order", "get_shipment")
]


def support_agent(number: int = 5, run_id: str | None = "run-1") -> Trace:
    """An agent: guardrails, retrieval, parallel tools, a try that failed, two streams."""
    t = TraceBuilder(number)
    common = {
        "session_id": "s-2001",
        "user_id": "u17",
        "run_id": run_id,
        "experiment": "support-bot",
    }
    calls = [
        {
            "type": "tool_call",
            "id": "call_1",
            "name": "lookup_order",
            "arguments": {"order_id": "A-58120"},
        },
        {
            "type": "tool_call",
            "id": "call_2",
            "name": "get_shipment",
            "arguments": {"order_id": "A-58120", "carrier": "auto"},
        },
    ]
    asked = [text("system", SYSTEM), text("user", QUESTION)]
    called = {"role": "assistant", "parts": [{"type": "reasoning", "content": THOUGHT}, *calls]}
    results = [
        {
            "role": "tool",
            "parts": [{"type": "tool_call_response", "id": "call_1", "response": ORDER}],
        },
        {
            "role": "tool",
            "parts": [{"type": "tool_call_response", "id": "call_2", "response": SHIPMENT}],
        },
    ]
    root = t.add(
        "support-agent",
        0,
        8420,
        operation="invoke_agent",
        agent_name="support-agent",
        input={"question": QUESTION},
        output=ANSWER,
        **common,
    )
    t.add(
        "check_input",
        12,
        260,
        root,
        span_type="guardrail",
        input={"text": QUESTION},
        output={"allowed": True},
    )
    found = t.add(
        "search_policies",
        285,
        610,
        root,
        operation="retrieval",
        input='"parcel delivered not here"',
        output=[
            {
                "id": "policy-14",
                "score": 0.83,
                "title": "Parcel marked as delivered",
                "content": "Ask the carrier for the place first. Most parcels are in a locker or with a neighbour.",
            },
            {
                "id": "policy-02",
                "score": 0.71,
                "title": "Refunds",
                "content": "Refunds over 200 € need a human.",
            },
        ],
    )
    t.add(
        "embeddings text-embedding-3-small",
        292,
        148,
        found,
        operation="embeddings",
        provider="openai",
        request_model="text-embedding-3-small",
        input_tokens=38,
        cost_usd=0.00000076,
    )
    t.add(
        "chat gpt-5-mini",
        905,
        2380,
        root,
        input_messages=asked,
        output_messages=[called],
        tool_definitions=TOOLS,
        finish_reasons=("tool_call",),
        input_tokens=4690,
        output_tokens=200,
        cache_read_tokens=3584,
        reasoning_tokens=64,
        cost_usd=0.0026,
        time_to_first_token_ns=640 * MS,
        prompt_name="support",
        prompt_version="7",
        **CALL,
    )
    t.add(
        "execute_tool lookup_order",
        3296,
        391,
        root,
        operation="execute_tool",
        tool_name="lookup_order",
        input={"order_id": "A-58120"},
        output=ORDER,
        attributes={"gen_ai.tool.call.id": "call_1"},
    )
    shipment = t.add(
        "execute_tool get_shipment",
        3299,
        1912,
        root,
        operation="execute_tool",
        tool_name="get_shipment",
        input={"order_id": "A-58120", "carrier": "auto"},
        output=SHIPMENT,
        attributes={"gen_ai.tool.call.id": "call_2"},
    )
    stack = 'Traceback (most recent call last):\n  File "shop/shipping.py", line 88, in get_shipment\n    response = client.get(url, timeout=1.0)\n  File "httpx/_client.py", line 1053, in get\nhttpx.ReadTimeout: timed out'
    t.add(
        "HTTP GET api.bring.com",
        3310,
        1000,
        shipment,
        status="ERROR",
        error_type="httpx.ReadTimeout",
        status_message="no answer within 1.0 s",
        events=(
            SpanEvent(
                name="exception",
                at_ns=round((t.start_ms + 4310) * MS),
                attributes={
                    "exception.type": "httpx.ReadTimeout",
                    "exception.message": "no answer within 1.0 s",
                    "exception.stacktrace": stack,
                },
            ),
        ),
    )
    t.add(
        "HTTP GET api.bring.com",
        4560,
        640,
        shipment,
        attributes={
            "http.response.status_code": 200,
            "url.full": "https://api.bring.com/v2/A-58120",
        },
    )
    t.add(
        "chat gpt-5-mini",
        5226,
        2890,
        root,
        input_messages=[*asked, {"role": "assistant", "parts": calls}, *results],
        output_messages=[text("assistant", ANSWER)],
        tool_definitions=TOOLS,
        finish_reasons=("stop",),
        input_tokens=6594,
        output_tokens=525,
        cache_read_tokens=4608,
        cost_usd=0.0043,
        time_to_first_token_ns=590 * MS,
        prompt_name="support",
        prompt_version="7",
        attributes={"gen_ai.request.temperature": 0.2, "server.address": "api.openai.com"},
        **CALL,
    )
    checked = t.add("check_output", 8128, 280, root, span_type="guardrail")
    t.add(
        "judge: faithfulness",
        8130,
        270,
        checked,
        input_messages=[text("user", "Is every statement supported?")],
        output_messages=[
            text(
                "assistant",
                '{"score": 1, "reason": "Every statement about the locker is in the tool result."}',
            )
        ],
        finish_reasons=("stop",),
        input_tokens=450,
        output_tokens=12,
        cost_usd=0.0003,
        **CALL,
    )
    return t.build(
        assessment(
            "faithfulness",
            1.0,
            "Every statement about the locker is in the tool result.",
            t,
            source="LLM_JUDGE",
            source_id="gpt-5 · v3",
        ),
        assessment(
            "answers the question",
            0.5,
            "Says where the parcel is; does not say what happens if it is not there on Friday.",
            t,
            source="LLM_JUDGE",
            source_id="gpt-5 · v2",
        ),
        assessment("helpful", True, "“Found it, thanks!”", t, source="HUMAN", source_id="u17"),
        tags={"channel": "chat", "release": "2026.11"},
        metadata={"customer_tier": "gold"},
    )


def assessment(
    name: str,
    value: Any,
    rationale: str | None,
    t: TraceBuilder,
    source: Any = "CODE",
    source_id: str | None = None,
    span_id: str | None = None,
) -> Assessment:
    score = float(value) if isinstance(value, int | float) else None
    return Assessment(
        assessment_id=f"{name}-{t.trace_id}",
        kind="feedback",
        name=name,
        value=value,
        score=score,
        rationale=rationale,
        source_type=source,
        source_id=source_id,
        trace_id=t.trace_id,
        span_id=span_id,
        at_ns=NOW_MS * MS,
    )


def failed_chain(number: int = 6) -> Trace:
    """A LangChain pipeline whose model call was refused for its rate."""
    t = TraceBuilder(number, NOW_MS - 1_380_000)
    root = t.add(
        "RunnableSequence",
        0,
        1910,
        span_type="chain",
        status="ERROR",
        error_type="openai.RateLimitError",
        status_message="Error code: 429",
        input={"question": "Apply code WINTER to my last order"},
        session_id="s-2002",
        user_id="u3",
        run_id="run-2",
        experiment="support-bot",
        scope="tracekit.langchain",
    )
    t.add(
        "ChatPromptTemplate",
        1,
        0.4,
        root,
        span_type="chain",
        input={"question": "Apply code WINTER to my last order"},
        output="System: …\nHuman: Apply code WINTER to my last order",
    )
    documents = [
        {
            "page_content": "Codes apply to orders that have not shipped.",
            "metadata": {"source": "policies.md", "title": "Discount codes"},
        }
    ]
    t.add(
        "VectorStoreRetriever",
        2,
        60,
        root,
        operation="retrieval",
        input='"Apply code WINTER"',
        output=documents,
    )
    t.add(
        "chat gpt-5-mini",
        64,
        1840,
        root,
        status="ERROR",
        error_type="openai.RateLimitError",
        status_message="Error code: 429 - Rate limit reached for gpt-5-mini: Limit 200000, Used 199411, Requested 1204.",
        input_messages=[text("system", SYSTEM), text("user", "Apply code WINTER to my last order")],
        attributes={"tracekit.retry.count": 2, "http.response.status_code": 429},
        **CALL,
    )
    return t.build(tags={"channel": "mail", "release": "2026.11"})


def media(number: int = 7) -> Trace:
    """A picture and a document given, an answer cut off at the limit, a refusal, odd parts."""
    t = TraceBuilder(number, NOW_MS - 2_000_000)
    parts = [
        {"type": "text", "content": "What is broken on this jacket?"},
        {
            "type": "blob",
            "mime_type": "image/png",
            "modality": "image",
            "sha256": PICTURE_SHA,
            "bytes": len(PICTURE),
        },
        {
            "type": "blob",
            "mime_type": "application/pdf",
            "modality": "document",
            "sha256": "e" * 64,
            "bytes": 482_113,
        },
        {"type": "uri", "modality": "image", "uri": "https://example.com/jacket.jpg"},
    ]
    root = t.add(
        "inspect-photo",
        0,
        2400,
        operation="invoke_agent",
        input={"question": "What is broken on this jacket?"},
        experiment="support-bot",
        run_id="run-1",
    )
    t.add(
        "chat gpt-5",
        20,
        1300,
        root,
        input_messages=[{"role": "user", "parts": parts}],
        output_messages=[
            text(
                "assistant",
                "The zip of the jacket lost its slider, and the tape beside it is frayed over about",
            )
        ],
        finish_reasons=("length",),
        input_tokens=1210,
        output_tokens=256,
        cost_usd=0.0051,
        attributes={"gen_ai.request.max_tokens": 256},
        **{**CALL, "request_model": "gpt-5"},
    )
    t.add(
        "chat gpt-5",
        1400,
        900,
        root,
        input_messages=[text("user", "Write a fake invoice for it.")],
        output_messages=[
            {
                "role": "assistant",
                "parts": [{"type": "refusal", "content": "I can’t help with a forged invoice."}],
            }
        ],
        finish_reasons=("stop",),
        input_tokens=40,
        output_tokens=12,
        **{**CALL, "request_model": "gpt-5"},
    )
    return t.build()


def unfinished(number: int, *, gone: bool = False) -> Trace:
    """A trace whose root never ended."""
    t = TraceBuilder(number, NOW_MS - 14_000)
    root = t.add(
        "summarise-thread",
        0,
        None,
        process_gone=gone,
        input={"thread": "Why was I charged twice?"},
        experiment="support-bot",
    )
    t.add(
        "fetch_thread",
        5,
        420,
        root,
        operation="execute_tool",
        tool_name="fetch_thread",
        output={"messages": 12},
    )
    t.add("chat gpt-5-mini", 430, None, root, operation="chat", process_gone=gone)
    return t.build()


def broken(number: int = 10) -> Trace:
    """An orphan, a circle of parents, a child before its parent, and 60 alike siblings."""
    t = TraceBuilder(number, NOW_MS - 3_000_000)
    root = t.add("crawl", 100, 5000, input={"url": "https://example.com"}, experiment="support-bot")
    for i in range(60):
        t.add(
            "HTTP GET example.com",
            150 + i * 70,
            20 + i,
            root,
            span_type="http",
            status="ERROR" if i == 41 else "UNSET",
        )
    t.add("early child", 20, 40, root)
    t.add("lost child", 900, 100, "f" * 16)
    first = t.add("circle a", 1000, 50, None)
    second = t.add("circle b", 1001, 40, first)
    t.spans[-2] = _with_parent(t.spans[-2], second)
    return t.build()


def _with_parent(span: Span, parent: str) -> Span:
    values = {name: getattr(span, name) for name in Span.__dataclass_fields__}
    return Span(**{**values, "parent_span_id": parent})


def large(spans: int = 10_000, number: int = 11) -> Trace:
    """A trace of very many spans with some text in each."""
    rng = random.Random(3)
    t = TraceBuilder(number, NOW_MS - 4_000_000)
    root = t.add(
        "crawl-and-summarise",
        0,
        spans * 30.0,
        operation="invoke_agent",
        input={"question": "Summarise the whole site"},
        experiment="support-bot",
    )
    page, at = root, 0.0
    for i in range(spans - 1):
        if i % 9 == 0:
            page = t.add(f"page {i // 9 + 1}", at, 9 * 30.0, root, span_type="chain")
            continue
        status = "ERROR" if rng.random() < 0.004 else "UNSET"
        if i % 3 == 1:
            t.add(
                "chat gpt-5-mini",
                at,
                28,
                page,
                status=status,
                input_messages=[text("user", f"Summarise page {i}: " + sentence(rng))],
                output_messages=[text("assistant", sentence(rng))],
                input_tokens=300,
                output_tokens=40,
                cost_usd=0.0002,
                **CALL,
            )
        else:
            t.add(
                "HTTP GET example.com",
                at,
                24,
                page,
                operation="execute_tool",
                tool_name="http_get",
                status=status,
                output=sentence(rng),
            )
        at += 30.0
    return t.build()


WORDS = [
    "order",
    "parcel",
    "tent",
    "refund",
    "boots",
    "carrier",
    "locker",
    "delivery",
    "address",
    "zip",
    "jacket",
    "stove",
    "warranty",
    "return",
    "card",
    "charge",
    "customer",
    "please",
    "today",
    "again",
    "never",
    "broken",
    "size",
    "colour",
    "answer",
    "policy",
    "human",
]
QUESTIONS = [
    "My parcel says delivered but it is not here",
    "Can I return boots after 40 days?",
    "Cancel order A-58213 please",
    "Why was I charged twice?",
    "Do you ship to Norway?",
    "The zip on my jacket broke after two weeks",
    "Is the Fell 2 tent freestanding?",
    "I want my money back for A-58120",
    "Wo bleibt meine Bestellung?",
    "Which sleeping bag for −10 °C?",
]


def sentence(rng: random.Random, words: int = 14) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(words)).capitalize() + "."


def many(count: int, seed: int = 11) -> Iterator[Trace]:
    """Traces of five spans with about 10 kB of text each, newest first."""
    rng = random.Random(seed)
    models = [
        ("gpt-5-mini", 0.42e-6),
        ("gpt-5-mini", 0.42e-6),
        ("gpt-5", 3.1e-6),
        ("claude-4.5-sonnet", 3.4e-6),
        ("gemini-3-flash", None),
    ]
    start = NOW_MS
    for i in range(count):
        start -= rng.randrange(1_000, 140_000)
        yield _one_of_many(100 + i, start, rng, *rng.choice(models))


def _one_of_many(
    number: int, start: int, rng: random.Random, model: str, price: float | None
) -> Trace:
    t = TraceBuilder(number, start)
    name = rng.choice(
        ["support-agent", "support-agent", "rag-answer", "summarise-thread", "route-ticket"]
    )
    failed = rng.random() < 0.05
    took = rng.lognormvariate(7.6, 0.7)
    question = rng.choice(QUESTIONS)
    error = (
        rng.choice(["openai.RateLimitError", "httpx.ReadTimeout", "json.JSONDecodeError"])
        if failed
        else None
    )
    common: dict[str, Any] = {
        "session_id": f"s-{2000 + number // 3}",
        "user_id": f"u{rng.randrange(90)}",
        "experiment": "support-bot",
        "run_id": f"run-{number % 4 + 1}" if number % 3 == 0 else None,
    }
    root = t.add(
        name,
        0,
        took,
        operation="invoke_agent",
        input={"question": question},
        output=sentence(rng, 60),
        status="ERROR" if failed else "UNSET",
        error_type=error,
        **common,
    )
    found = t.add(
        "search_policies",
        took * 0.02,
        took * 0.08,
        root,
        operation="retrieval",
        input=json.dumps(question),
        output=[
            {"id": f"policy-{k}", "score": 0.9 - k / 10, "content": sentence(rng, 120)}
            for k in range(4)
        ],
    )
    t.add(
        "embeddings text-embedding-3-small",
        took * 0.03,
        took * 0.05,
        found,
        operation="embeddings",
        input_tokens=30,
        cost_usd=6e-7,
    )
    messages = [text("system", SYSTEM), text("user", f"{question} {sentence(rng, 160)}")]
    for share in (0.12, 0.55):
        tokens = (round(400 + rng.random() * 5200), round(60 + rng.random() * 600))
        call = {**CALL, "request_model": model, "response_model": model}
        t.add(
            f"chat {model}",
            took * share,
            took * 0.38,
            root,
            input_messages=messages,
            output_messages=[text("assistant", sentence(rng, 160))],
            input_tokens=tokens[0],
            output_tokens=tokens[1],
            finish_reasons=("stop",),
            time_to_first_token_ns=round(took * 0.06 * MS),
            cost_usd=None if price is None else (tokens[0] + tokens[1] * 5) * price,
            status="ERROR" if failed and share > 0.5 else "UNSET",
            error_type=error if share > 0.5 else None,
            status_message="It failed." if failed and share > 0.5 else None,
            **call,
        )
        messages = [
            *messages,
            text("assistant", sentence(rng, 120)),
            text("user", sentence(rng, 20)),
        ]
    scores = (
        [assessment("faithfulness", round(0.4 + rng.random() * 0.6, 2), None, t)]
        if rng.random() < 0.3
        else []
    )
    return t.build(*scores, tags={"channel": rng.choice(["chat", "mail", "phone"])})


def runs(count: int = 8) -> list[tuple[Run, dict[str, list[Metric]], list[Artifact]]]:
    """Runs with params, curves, files; the last two within the first."""
    return [_run(i, random.Random(i)) for i in range(1, count + 1)]


def _run(i: int, rng: random.Random) -> tuple[Run, dict[str, list[Metric]], list[Artifact]]:
    start = NOW_MS - i * 5_400_000
    reward = [
        Metric(
            key="reward",
            value=0.9 * (1 - math.exp(-s / 20)) + rng.uniform(-0.04, 0.04),
            step=s * 10,
            timestamp=start + s * 1000,
        )
        for s in range(60)
    ]
    loss = [
        Metric(
            key="loss",
            value=2.2 * math.exp(-s / 15) + rng.uniform(0, 0.1) if s != 20 else math.nan,
            step=s * 10,
            timestamp=start + s * 1000,
        )
        for s in range(60)
    ]
    metrics = {
        "faithfulness": 0.78 + rng.random() * 0.2,
        "short_answers": rng.random(),
        "cost_per_1000": 1 + rng.random() * 9,
        "reward": reward[-1].value,
        "loss": loss[-1].value,
    }
    info = RunInfo(
        run_id=f"run-{i}",
        run_name=f"prompt v{8 - i} · {['calm', 'brave', 'fuzzy', 'polar'][i % 4]}-otter",
        experiment_id="1",
        experiment="support-bot",
        status=("FAILED" if i == 4 else "RUNNING" if i == 1 else "FINISHED"),
        start_time=start,
        end_time=None if i == 1 else start + 380_000 + i * 9000,
        parent_run_id="run-3" if i > 6 else None,
        user_id="ada",
        source={
            "entry": "tune.py",
            "git": {"commit": "4f1d0c9a77e2", "dirty": False},
            "python": "3.11.9",
        },
    )
    params = {
        "model": rng.choice(["gpt-5-mini", "gpt-5"]),
        "temperature": str(rng.choice([0, 0.2, 0.7])),
        "top_k": str(rng.choice([4, 8, 12])),
        "prompt": f"support@v{8 - i}",
        "seed": "7",
        "max_tokens": "512",
        "retriever": "policies",
    }
    files = [
        Artifact(path="plots/reward.png", is_dir=False, file_size=48_213, media_type="image/png"),
        Artifact(
            path="answers.jsonl", is_dir=False, file_size=1_204_113, media_type="application/jsonl"
        ),
    ]
    run = Run(info=info, data=RunData(params=params, metrics=metrics, tags={"team": "support"}))
    return (
        run,
        {
            "reward": reward,
            "loss": loss,
            "faithfulness": [
                Metric(key="faithfulness", value=metrics["faithfulness"], step=0, timestamp=start)
            ],
        },
        files,
    )


def facts(**changes: Any) -> ReportFacts:
    values: dict[str, Any] = {
        "title": "support-bot",
        "version": "0.1.0",
        "created_ms": NOW_MS,
        "traces_stored": 1,
        "source": ".tracekit",
    }
    return ReportFacts(**{**values, **changes})


def write(path: Path, traces: list[Trace], with_runs: bool = False, **changes: Any) -> Path:
    """A report of those traces."""
    contents = ReportContents(
        traces=((summary(trace), trace) for trace in traces),
        runs=runs() if with_runs else (),
        blob=lambda sha: PICTURE if sha == PICTURE_SHA else None,
    )
    write_report(path, facts(traces_stored=len(traces), **changes), contents)
    return path


def sample(more: int = 300) -> list[Trace]:
    """What a store of a small shop would hold."""
    return [
        unfinished(8),
        unfinished(9, gone=True),
        support_agent(),
        failed_chain(),
        media(),
        broken(),
        *many(more),
    ]
