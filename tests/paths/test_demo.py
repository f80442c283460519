"""`tracekit demo` as a new user runs it: a command in an empty folder, no key, no network."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import tracekit
from tracekit.demo.server import serve
from tracekit.model import Trace


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the demo ran, once for all tests of this file."""
    place = tmp_path_factory.mktemp("demo")
    unreachable = {f"{scheme}_proxy": "http://127.0.0.1:9" for scheme in ("http", "https", "all")}
    (place / "out.txt").write_text(run_demo(place, unreachable), encoding="utf-8")
    return place


def run_demo(place: Path, environment: dict[str, str]) -> str:
    """What `tracekit demo` writes to standard output; nothing may go to standard error."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("OPENAI_")}
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-m", "tracekit", "demo"],
        cwd=place,
        env={**kept, **environment, "TRACEKIT_STRICT": "1"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture(autouse=True)
def demo_store(folder: Path) -> Iterator[None]:
    tracekit.set_tracking_uri(folder / ".tracekit")
    yield
    tracekit.set_tracking_uri(None)


def first_trace(name: str) -> Trace:
    """The first trace of that name."""
    found = tracekit.search_traces(filter_string=f"name = '{name}'", order_by=["start_time ASC"])
    return tracekit.get_trace(found["trace_id"][0])


def operations(trace: Trace) -> list[str]:
    return [span.operation or span.span_type or "-" for span in trace.spans]


def test_it_says_where_the_report_is_and_what_to_do_next(folder: Path) -> None:
    out = (folder / "out.txt").read_text(encoding="utf-8")
    assert str(folder / "tracekit-demo.html") in out
    assert str(folder / ".tracekit") in out
    assert "demo-mini at http://127.0.0.1:" in out
    assert "  tracekit traces\n" in out


def test_the_report_holds_what_was_said(folder: Path) -> None:
    page = (folder / "tracekit-demo.html").read_text(encoding="utf-8")
    assert page.lstrip().lower().startswith("<!doctype html>")
    for said in ("arrived damaged", "first camping trip"):
        assert said in page


def test_every_kind_of_call_is_recorded() -> None:
    traces = tracekit.search_traces(max_results=1_000)
    assert set(traces["name"]) == {
        "chat turn",
        "triage mail",
        "order status",
        "write guide",
        "daily summary",
        "embeddings demo-embed",
        "policy question",
    }
    assert set(traces["status"]) == {"OK", "ERROR"}
    assert list(traces[traces["status"] == "ERROR"]["name"]) == ["daily summary"]


def test_an_agent_has_its_model_calls_and_tools_below_it() -> None:
    trace = first_trace("chat turn")
    assert operations(trace)[:4] == ["-", "invoke_agent", "chat", "execute_tool"]
    agent = trace.spans[1]
    assert {span.parent_span_id for span in trace.spans[2:]} == {agent.span_id}
    assert trace.root.session_id == "chat-ada-1"
    assert trace.root.user_id == "ada"
    assert trace.tags == {"channel": "chat"}
    assert [assessment.name for assessment in trace.assessments] == ["helpful"]


def test_a_langchain_call_counts_once() -> None:
    trace = first_trace("policy question")
    assert operations(trace).count("chat") == 1
    assert operations(trace).count("retrieval") == 1
    assert operations(trace).count("embeddings") == 1
    calls = [span for span in trace.spans if span.input_tokens is not None]
    assert {span.operation for span in calls} == {"chat", "embeddings"}


def test_a_langchain_tool_is_called_where_it_is_needed() -> None:
    found = tracekit.search_traces(filter_string="span.tool_name = 'delivery_time'")
    assert len(found) == 3
    assert all("Norway" in text for text in found["input"])


def test_the_stream_is_the_slow_call_and_knows_its_first_token() -> None:
    trace = first_trace("write guide")
    call = trace.spans[1]
    assert call.duration_ns is not None
    assert call.duration_ns > 500_000_000
    assert call.time_to_first_token_ns is not None
    assert 0 < call.time_to_first_token_ns < call.duration_ns
    assert call.output_tokens is not None
    assert call.output_tokens > 200


def test_the_failing_call_says_why() -> None:
    trace = first_trace("daily summary")
    assert trace.status == "ERROR"
    assert trace.root.error_type == "openai.NotFoundError"
    assert "retired-model-2023" in (trace.root.status_message or "")
    (run,) = tracekit.search_runs(filter_string="status = 'FAILED'").to_dict("records")
    assert run["run_name"] == "daily summary"


def test_runs_compare_three_ways_of_answering() -> None:
    runs = tracekit.search_runs(filter_string="tags.compares = 'answers to policies'")
    accuracy = dict(zip(runs["run_name"], runs["metrics.accuracy"], strict=True))
    assert set(accuracy) == {"one document", "two documents", "one sentence"}
    assert accuracy["two documents"] > accuracy["one sentence"] > 0.5
    points = tracekit.sql(
        "SELECT count(*) AS n FROM metrics WHERE key = 'accuracy' GROUP BY run_id"
    )
    assert list(points["n"]) == [12, 12, 12]
    traces = tracekit.search_traces(run_id=runs["run_id"][0])
    assert len(traces) == 12


def test_every_call_has_tokens_and_a_cost_but_the_failed_one() -> None:
    calls = tracekit.sql(
        "SELECT status, cost_usd, input_tokens FROM spans WHERE operation IN ('chat', 'embeddings')"
        " AND (cost_usd IS NULL OR input_tokens IS NULL)"
    )
    queries_embedded_by_langchain = calls[calls["status"] != "ERROR"]
    assert list(calls["status"]).count("ERROR") == 1
    assert len(queries_embedded_by_langchain) == 0


def test_nothing_is_left_in_the_spool(folder: Path) -> None:
    tracekit.search_traces(max_results=1)
    assert list((folder / ".tracekit" / "spool").iterdir()) == []


def test_a_key_in_the_environment_sends_it_to_that_provider(tmp_path: Path) -> None:
    with serve() as provider:
        environment = {
            "OPENAI_API_KEY": "key",
            "OPENAI_BASE_URL": provider.base_url,
            "OPENAI_MODEL": "gpt-5-mini",
        }
        out = run_demo(tmp_path, environment)
    assert f"gpt-5-mini at {provider.base_url}" in out
    assert len(provider.requests) > 80
    tracekit.set_tracking_uri(tmp_path / ".tracekit")
    models = tracekit.sql("SELECT DISTINCT request_model FROM spans WHERE operation = 'chat'")
    assert set(models["request_model"]) == {"gpt-5-mini", "retired-model-2023"}
