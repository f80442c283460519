"""The examples run as they are, and record what they promise."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import tracekit
from tracekit.demo.server import DemoServer, serve

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def server() -> Iterator[DemoServer]:
    with serve() as running:
        yield running


def run_example(name: str, folder: Path, server: DemoServer) -> str:
    """What an example prints, run in an empty folder against the demo's server."""
    environment = {
        **os.environ,
        "OPENAI_API_KEY": "key",
        "OPENAI_BASE_URL": server.base_url,
        "NO_PROXY": "127.0.0.1",
        "TRACEKIT_STRICT": "1",
    }
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", EXAMPLES / name],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def recorded(query: str, folder: Path) -> list[tuple[object, ...]]:
    tracekit.set_tracking_uri(folder / ".tracekit")
    return [tuple(row) for row in tracekit.sql(query).to_numpy().tolist()]


def test_each_example_has_a_test() -> None:
    tests = Path(__file__).read_text(encoding="utf-8")
    assert [p.name for p in EXAMPLES.glob("*.py") if f'run_example("{p.name}"' not in tests] == []


def test_quickstart(tmp_path: Path, server: DemoServer) -> None:
    assert run_example("quickstart_openai.py", tmp_path, server).count("\n") == 2
    query = "SELECT name, session_id, output_tokens > 0, cost_usd > 0 FROM spans"
    call = ("chat gpt-5.4-mini", "chat-42", True, True)
    assert recorded(query, tmp_path) == [call, call]


def test_agent_with_tools(tmp_path: Path, server: DemoServer) -> None:
    printed = run_example("agent_with_tools.py", tmp_path, server)
    assert printed == "Order A1042 (tent) is in transit, tomorrow.\n"
    query = "SELECT name FROM spans ORDER BY start_time"
    names = ["support_agent", "chat gpt-5.4-mini", "get_order", "chat gpt-5.4-mini"]
    assert recorded(query, tmp_path) == [(name,) for name in names]


def test_langchain_rag(tmp_path: Path, server: DemoServer) -> None:
    assert run_example("langchain_rag.py", tmp_path, server) == (
        "Unused items can be returned within 60 days of delivery.\n"
        "The workshop repairs a zip for 35 EUR.\n"
    )
    query = (
        "SELECT operation, count(*) FROM spans WHERE operation IS NOT NULL"
        " AND operation <> 'invoke_workflow' GROUP BY 1 ORDER BY 1"
    )
    assert recorded(query, tmp_path) == [("chat", 2), ("embeddings", 3), ("retrieval", 2)]


def test_runs(tmp_path: Path, server: DemoServer) -> None:
    best = run_example("runs.py", tmp_path, server).splitlines()[1]
    assert best.split() == ["rate", "0.1", "0.1", "0.055023"]
    assert recorded("SELECT count(*) FROM metrics", tmp_path) == [(90,)]


def test_sql(tmp_path: Path, server: DemoServer) -> None:
    assert run_example("sql.py", tmp_path, server).splitlines()[1].split()[:2] == ["answer", "20"]


def test_feedback(tmp_path: Path, server: DemoServer) -> None:
    printed = run_example("feedback.py", tmp_path, server).splitlines()
    assert len(printed) == 2
    query = "SELECT trace_id FROM assessments WHERE value = 'false'"
    ((judged_badly,),) = recorded(query, tmp_path)
    assert printed[1].split()[0] == judged_badly
