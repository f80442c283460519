"""Whatever was recorded stays text: no script runs, nothing is fetched, no link is a trap."""

import json
import os
import runpy
from pathlib import Path
from typing import Any

import pytest
import report_data as data
from playwright.sync_api import expect
from report_reader import Open, Reader

from tracekit.model import Artifact, Assessment, Metric, Run, RunData, RunInfo, SpanEvent, Trace
from tracekit.ui.file import ReportContents, write_report

pytestmark = pytest.mark.browser
MARK = "document.documentElement.setAttribute('data-hit','1')"
PAYLOADS = [
    f"<script>{MARK}</script>",
    f"</script><script>{MARK}</script>",
    f'<img src=x onerror="{MARK}">',
    f'"><svg onload="{MARK}">',
    f"javascript:{MARK}",
    f"[click](javascript:{MARK})",
    "![tracker](https://evil.example/pixel.png)",
    "[ok](https://user:secret@evil.example/)",
    "<iframe src='https://evil.example/'></iframe><base href='https://evil.example/'>",
    "\u202egpj.exe\u2028\u2029\u0000\u001b[31m",
    "__proto__",
]


def everywhere(payload: str, number: int) -> Trace:
    """A trace with that text in every place that a recorder can fill."""
    t = data.TraceBuilder(number)
    parts: list[dict[str, Any]] = [
        {"type": "text", "content": payload},
        {"type": "reasoning", "content": payload},
        {"type": "refusal", "content": payload},
        {"type": "tool_call", "id": payload, "name": payload, "arguments": {payload: payload}},
        {"type": "uri", "modality": payload, "uri": payload},
        {"type": "blob", "mime_type": payload, "sha256": "a" * 64, "bytes": 3},
        {"type": "file", "file_id": payload},
        {"type": payload, payload: payload},
    ]
    answer = {"type": "tool_call_response", "id": payload, "response": {payload: [payload]}}
    message = {"role": payload, "name": payload, "parts": parts}
    fields: dict[str, Any] = dict.fromkeys(("status_message", "error_type", "provider", "response_model", "response_id", "tool_name", "agent_name", "prompt_name", "session_id", "user_id", "scope", "service", "host"), payload)  # fmt: skip
    exception = {"exception.type": payload, "exception.message": payload, "exception.stacktrace": payload, payload: payload}  # fmt: skip
    t.add(payload, 0, 9, operation="chat", request_model=payload, status="ERROR", finish_reasons=(payload,), input={payload: payload}, output=payload, input_messages=[message, {"role": "tool", "parts": [answer]}], output_messages=[message], system_instructions=[{"type": "text", "content": payload}], tool_definitions=[{"name": payload}], attributes={payload: payload, "gen_ai.tool.call.id": payload}, run_id=f"run {payload}", experiment=payload, events=(SpanEvent(name="exception", at_ns=t.start_ms * data.MS, attributes=exception),), **fields)  # fmt: skip
    t.add(payload, 1, 2, "b" * 16, operation="retrieval", output=[{"title": payload, "content": payload, payload: payload}])  # fmt: skip
    said = Assessment(assessment_id=payload, kind="feedback", name=payload, value=payload, label=payload, rationale=payload, source_id=payload, trace_id=t.trace_id, at_ns=0)  # fmt: skip
    return t.build(said, tags={payload: payload}, metadata={payload: payload})


def run_with(payload: str) -> tuple[Run, dict[str, list[Metric]], list[Artifact]]:
    info = RunInfo(run_id=f"run {payload}", run_name=payload, experiment_id=payload, experiment=payload, status="FINISHED", start_time=data.NOW_MS, end_time=data.NOW_MS + 1, user_id=payload, source={payload: payload})  # fmt: skip
    run = Run(info=info, data=RunData(params={payload: payload}, metrics={payload: 1.0}, tags={payload: payload}))  # fmt: skip
    history = [Metric(key=payload, value=float(i), step=i, timestamp=i) for i in range(3)]
    return (
        run,
        {payload: history},
        [Artifact(path=payload, is_dir=False, file_size=1, media_type=payload)],
    )


def look_everywhere(reader: Reader, trace: Trace) -> None:
    page = reader.page
    for hash_ in ("#/overview", "#/traces", "#/runs?cols=all", f"#/run/{trace.spans[0].run_id}"):
        page.evaluate("hash => { location.hash = hash }", hash_)
        page.wait_for_timeout(60)
    for span in trace.spans:
        for tab in ("content", "assessments", "attributes", "events", "raw"):
            page.evaluate(
                "h => { location.hash = h }", f"#/trace/{trace.trace_id}/{span.span_id}?tab={tab}"
            )
            page.wait_for_selector(f'[role=tab][aria-controls="span-body"][aria-selected=true]')  # noqa: F541
            page.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true })")
            page.wait_for_timeout(20)
            assert harm(reader) == []


def harm(reader: Reader) -> list[str]:
    """What must never be in the document."""
    found: list[str] = reader.page.evaluate(
        """() => [...document.querySelectorAll('*')].flatMap(e => [
            ...[...e.attributes].filter(a => a.name.startsWith('on') || a.name === 'style' && !e.style.length).map(a => a.name),
            ...(/^(IFRAME|BASE|OBJECT|EMBED|FORM|LINK)$/.test(e.tagName) && e.method !== 'dialog' ? [e.tagName] : []),
            ...(e.tagName === 'IMG' && !e.src.startsWith('blob:') ? ['img ' + e.src] : []),
            ...(e.tagName === 'SCRIPT' && e.type !== 'text/plain' && e.type !== 'module' ? ['script'] : []),
            ...(e.href && !/^(https?:\\/\\/(?!.*@)|file:[^#]*#)/.test(String(e.href.baseVal ?? e.href).replace(/^#/, 'file:#')) ? ['href ' + e.href] : []),
        ]).concat(document.documentElement.dataset.hit ? ['script ran'] : [])"""
    )
    return found


def open_hostile(read: Open, payloads: list[str]) -> tuple[Reader, list[Trace]]:
    reader = read([])
    traces = [everywhere(payload, i) for i, payload in enumerate(payloads)]
    contents = ReportContents(
        traces=[(data.summary(trace), trace) for trace in traces],
        runs=[run_with(payload) for payload in payloads],
    )
    write_report(
        reader.path,
        data.facts(title=payloads[0], filter=payloads[0], notes=tuple(payloads)),
        contents,
    )
    reader.go("#/overview")
    return reader, traces


@pytest.mark.parametrize("number", range(len(PAYLOADS)))
def test_a_payload_in_every_place_stays_text(read: Open, number: int) -> None:
    reader, traces = open_hostile(read, [PAYLOADS[number]])
    look_everywhere(reader, traces[0])


@pytest.mark.corpus
@pytest.mark.timeout(400)
def test_the_recorded_payloads_in_every_place_stay_text(read: Open) -> None:
    corpus = Path(os.environ["TRACEKIT_CORPUS"]).parent / "tools" / "faults" / "payloads.py"
    payloads: list[str] = runpy.run_path(str(corpus))["XSS"]
    reader, traces = open_hostile(read, payloads)
    for trace in traces:
        look_everywhere(reader, trace)
    assert reader.page.evaluate("document.documentElement.dataset.pwn") is None


LINKS = {
    "[a](https://example.com/x?y=1#z)": "https://example.com/x?y=1#z",
    "[a](http://例え.jp/)": "http://xn--r8jz45g.jp/",
    "[a](javascript:alert(1))": None,
    "[a](JaVaScRiPt:alert(1))": None,
    "[a](java\tscript:alert(1))": None,
    "[a](data:text/html,x)": None,
    "[a](//example.com)": None,
    "[a](/etc/passwd)": None,
    "[a](https://u:p@example.com)": None,
    "[a](file:///etc/passwd)": None,
    "[a](vbscript:x)": None,
    "[a](https:example.com)": None,
    "<https://example.com>": None,
    '<a href="https://example.com">a</a>': None,
}


def test_only_plain_web_addresses_become_links(read: Open) -> None:
    t = data.TraceBuilder(1)
    text = "\n\n".join(LINKS)
    t.add("chat", 0, 1, operation="chat", output_messages=[data.text("assistant", text)])
    reader = read([t.build()])
    reader.go(f"#/trace/{t.trace_id}")
    links = reader.page.locator(".markdown a").evaluate_all(
        "all => all.map(e => [e.href, e.rel, e.title])"
    )
    assert [link[0] for link in links] == [url for url in LINKS.values() if url]
    assert {link[1] for link in links} == {"noopener noreferrer"}
    assert links[1][2] == "xn--r8jz45g.jp"


def test_marks_that_turn_or_hide_text_are_seen_in_names(read: Open) -> None:
    t = data.TraceBuilder(1)
    t.add("invoice\u202efdp.exe\u200b", 0, 1)
    reader = read([t.build()])
    reader.go(f"#/trace/{t.trace_id}")
    expect(reader.page.locator(".span-row")).to_contain_text("invoice⟨202E⟩fdp.exe⟨200B⟩")


def test_deep_wide_and_long_values_do_not_hold_the_page_up(read: Open) -> None:
    deep: Any = "bottom"
    for _ in range(190):
        deep = {"a": [deep]}
    t = data.TraceBuilder(1)
    t.add("deep", 0, 1, input=deep, output="[" * 5000 + "]" * 5000)
    t.add(
        "wide", 1, 1, input=[{"k": i} for i in range(20_000)], output=json.dumps("*a_`[(" * 30_000)
    )
    reader = read([t.build()])
    for span in t.spans:
        reader.go(f"#/trace/{t.trace_id}/{span.span_id}")
        expect(reader.page.locator(".panel")).to_have_count(2)
    reader.page.get_by_role("button", name="characters more").click()
    expect(reader.page.get_by_role("button", name="show 19,800 more")).to_be_visible()
