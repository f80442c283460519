"""The command line: what it prints for people and programs, and how it fails."""

import json
import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import tracekit
from tracekit import semconv
from tracekit.cli import cli, main
from tracekit.store.store import Store

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """What a command left behind."""

    code: int
    out: str
    err: str

    def json_lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


Run = Callable[..., Printed]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> Printed:
        code = 0
        try:
            main(arguments)
        except SystemExit as left:
            code = int(left.code or 0)
        out, err = capsys.readouterr()
        return Printed(code=code, out=out, err=err)

    return call


def record_trace(question: str = "Where is my order?", error: Exception | None = None) -> str:
    """A trace of an agent that calls a model and a tool; gives back its id."""
    call = {
        semconv.OPERATION: "chat",
        semconv.PROVIDER: "openai",
        semconv.REQUEST_MODEL: "gpt-4o-mini",
        semconv.INPUT_TOKENS: 12_000,
        semconv.OUTPUT_TOKENS: 150,
        semconv.INPUT_MESSAGES: _message("user", question),
        semconv.OUTPUT_MESSAGES: _message("assistant", "It is on its way."),
    }
    with tracekit.start_span("agent", span_type="agent") as span:
        span.set_inputs({"question": question})
        with tracekit.start_span("chat gpt-4o-mini", attributes=call):
            pass
        with tracekit.start_span("get_order", span_type="tool"):
            pass
        if error is not None:
            span.record_exception(error)
            span.fail(error)
        return span.trace_id


def _message(role: str, text: str) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_each_command_explains_itself_with_examples(run: Run, name: str) -> None:
    shown = run(name, "--help")
    assert shown.code == 0
    assert shown.out.startswith(f"Usage: tracekit {name}")
    if name != "version":
        assert f"\n    tracekit {name}" in shown.out.split("Examples:")[1]


def test_help_lists_the_commands_and_the_exit_codes(run: Run) -> None:
    shown = run("--help")
    assert run().out == shown.out
    for name in ("demo", "report", "traces", "trace", "runs", "sql", "doctor", "version"):
        assert f"\n  {name} " in shown.out
    assert "Exit codes:" in shown.out
    assert "..." not in shown.out.split("Commands:")[1]


def test_traces_are_listed_newest_first_with_whole_ids(run: Run, store: Store) -> None:
    ids = [record_trace("first"), record_trace("second")]
    shown = run("traces")
    assert (shown.code, shown.err) == (0, "")
    header, *lines = shown.out.splitlines()
    assert header.split()[:4] == ["trace", "started", "status", "duration"]
    assert [line.split()[0] for line in lines] == ids[::-1]
    assert "12.0 k → 150" in lines[0]
    assert "$0.0019" in lines[0]
    assert lines[0].endswith("agent  second")


def test_a_list_that_stops_says_so(run: Run, store: Store) -> None:
    for number in range(3):
        record_trace(str(number))
    shown = run("traces", "--limit", "2")
    assert len(shown.out.splitlines()) == 3
    assert shown.err == "The list stops here: showing 2 of 3 traces; --limit shows more.\n"


def test_traces_are_filtered_and_ordered(run: Run, store: Store) -> None:
    record_trace("fine")
    bad = record_trace("bad", ValueError("no"))
    shown = run("traces", "--filter", "status = 'ERROR'", "--json")
    assert [line["trace_id"] for line in shown.json_lines()] == [bad]
    by_age = run("traces", "--order-by", "start_time ASC", "--json").json_lines()
    assert by_age[-1]["trace_id"] == bad
    assert run("traces", "--filter", "name = 'x'").err == "no traces match\n"


def test_traces_of_one_experiment_or_run(run: Run, store: Store) -> None:
    record_trace("elsewhere")
    with tracekit.start_run(experiment="tuning") as active:
        inside = record_trace("inside")
    for option in (["--experiment", "tuning"], ["--run", active.info.run_id]):
        assert [t["trace_id"] for t in run("traces", *option, "--json").json_lines()] == [inside]


def test_what_was_recorded_is_neither_markup_nor_terminal_control(run: Run, store: Store) -> None:
    trace_id = record_trace("[red]x[/red] \x1b[2J\x1b]0;title\x07 \u202e end")
    for shown in (run("traces"), run("trace", trace_id)):
        assert "[red]x[/red]" in shown.out
        assert not set("\x1b\x07\u202e") & set(shown.out)


def test_a_trace_shows_its_tree_and_its_conversation(run: Run, store: Store) -> None:
    trace_id = record_trace("Where is it?", ValueError("lost [it]"))
    tracekit.log_feedback(trace_id=trace_id, name="helpful", value=False, rationale="too late")
    shown = run("trace", trace_id[:20])
    assert shown.out.startswith(f"agent  ERROR  {trace_id}\n")
    assert "├── ● chat gpt-4o-mini" in shown.out
    assert "└── ◆ get_order" in shown.out
    assert "ValueError: lost [it]" in shown.out
    assert "user\n  Where is it?\nassistant\n  It is on its way.\n" in shown.out
    assert "feedback helpful: false" in shown.out
    assert "too late" in shown.out
    assert "12.0 k tokens in, 150 out · $0.0019" in shown.out


def test_a_trace_as_json_has_everything(run: Run, store: Store) -> None:
    trace_id = record_trace()
    (whole,) = run("trace", trace_id, "--json").json_lines()
    assert whole["trace_id"] == trace_id
    assert len(whole["spans"]) == 3
    messages = whole["spans"][1]["input_messages"]
    assert messages[0]["parts"][0]["content"] == "Where is my order?"


def test_a_very_deep_trace_is_shown(run: Run, store: Store) -> None:
    with tracekit.start_span("top") as top:
        spans = [tracekit.start_span(f"level {number}") for number in range(1_100)]
        for span in spans:
            span.__enter__()
        for span in reversed(spans):
            span.__exit__(None, None, None)
    shown = run("trace", top.trace_id)
    assert (shown.code, shown.err) == (0, "")
    assert "level 1099" in shown.out


def test_runs_are_listed_with_params_and_metrics(run: Run, store: Store) -> None:
    with tracekit.start_run(run_name="one") as active:
        tracekit.log_param("model", "small")
        tracekit.log_metric("accuracy", 0.91666)
    shown = run("runs")
    header, line = (text.split() for text in shown.out.splitlines())
    assert header[-2:] == ["model", "accuracy"]
    assert line[-2:] == ["small", "0.9167"]
    assert line[:2] == [active.info.run_id, "one"]
    (data,) = run("runs", "--filter", "metrics.accuracy > 0.9", "--json").json_lines()
    assert data["info"]["run_id"] == active.info.run_id
    assert data["data"]["metrics"] == {"accuracy": 0.91666}


def test_sql_speaks_table_json_and_csv(run: Run, store: Store, tmp_path: Path) -> None:
    record_trace()
    query = "SELECT 1 AS n, NULL AS nothing, 'a,b' AS text, [1, 2] AS list"
    assert run("sql", query).out == "n  nothing  text  list\n1  NULL     a,b   [1, 2]\n"
    assert run("sql", query, "--csv").out == 'n,nothing,text,list\n1,,"a,b","[1, 2]"\n'
    assert run("sql", query, "--json").json_lines() == [
        {"n": 1, "nothing": None, "text": "a,b", "list": [1, 2]}
    ]
    file = tmp_path / "query.sql"
    file.write_text("SELECT count(*) AS traces FROM traces")
    assert run("sql", "--file", str(file), "--json").json_lines() == [{"traces": 1}]


def test_json_is_valid_where_a_number_is_not(run: Run, store: Store) -> None:
    record_trace()
    shown = run("sql", "SELECT 'nan'::DOUBLE AS a, [1.5, 'inf'::DOUBLE] AS b, 1.5::DECIMAL AS c")
    assert shown.code == 0
    printed = run("sql", "SELECT 'nan'::DOUBLE AS a, 1.5::DECIMAL(3, 1) AS b", "--json")
    assert printed.out == '{"a": null, "b": 1.5}\n'


def test_sql_reads_standard_input(
    run: Run, store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    record_trace()
    (tmp_path / "in").write_text("SELECT 42 AS answer")
    with (tmp_path / "in").open() as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        assert run("sql", "-").out.split() == ["answer", "42"]


def test_doctor_says_what_the_store_holds(run: Run, store: Store) -> None:
    record_trace()
    shown = run("doctor")
    assert shown.code == 0
    assert str(store.folder) in shown.out
    assert "1 trace, 3 spans" in shown.out
    assert f"process {os.getpid()} on" in shown.out
    assert shown.out.endswith("\nAll is well.\n")
    (found,) = run("doctor", "--json").json_lines()
    assert found["counts"]["spans"] == 3
    assert found["problems"] == []


def test_doctor_names_what_is_wrong_and_repairs(run: Run, store: Store) -> None:
    record_trace()
    store.database.write_bytes(b"not a database" * 1_000)
    sick = run("doctor")
    assert sick.code == 1
    assert "• " in sick.out
    assert "--repair" in sick.out
    assert sick.err == ""
    healed = run("doctor", "--repair")
    assert healed.code == 0
    assert "read again from the spool: 3 spans" in healed.out
    assert len(run("traces", "--json").json_lines()) == 1


def test_doctor_shows_the_newest_bad_records_and_how_many_there_are(run: Run, store: Store) -> None:
    record_trace()
    (spool,) = store.spool_folder.glob("*.ndjson")
    with spool.open("ab") as file:
        file.write(b'{"kind":"odd"}\n' * 25)
    shown = run("doctor").out.split("\nThe newest 20 of 25 records kept out of the tables:\n")[1]
    assert len(shown.splitlines()) == 20
    assert all(line.endswith("unknown kind 'odd'") for line in shown.splitlines())


def test_version_names_what_matters(run: Run) -> None:
    (found,) = run("version", "--json").json_lines()
    assert found["tracekit"] == tracekit.__version__
    assert {"python", "duckdb", "openai", "langchain-core", "prices"} <= set(found)
    assert run("--version").out == f"tracekit {tracekit.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["frobnicate"], "No such command 'frobnicate'; see 'tracekit --help'"),
        (["traces", "--frob"], "; see 'tracekit traces --help'"),
        (["traces", "--limit", "0"], "Invalid value for '-n' / '--limit': 0 is not in"),
        (["trace"], "Missing argument 'ID'; see 'tracekit trace --help'"),
        (["trace", "abcd"], "no trace in"),
        (["traces", "--filter", "status ="], "the filter"),
        (["traces", "--order-by", "nonsense"], "nonsense"),
        (["runs", "--filter", "metrics.a = 'x"], "has no closing '"),
        (["sql"], "give a QUERY, '-' or --file"),
        (["sql", "SELECT 1", "--json", "--csv"], "--json and --csv exclude each other"),
        (["sql", "SELEC 1"], "syntax error"),
        (["sql", "DROP TABLE store.span"], "not allowed"),
        (["sql", "SELECT * FROM read_csv('/etc/passwd')"], ""),
        (["sql", "--file", "/nowhere.sql"], "No such file"),
        (["traces", "--store", "/nowhere/at/all"], "nothing has been recorded in /nowhere/at/all"),
        (["traces", "--store", "postgres://me:secret@host/db"], "'postgres' is not supported"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_told_in_a_sentence(
    run: Run, store: Store, arguments: list[str], complaint: str
) -> None:
    record_trace()
    shown = run(*arguments)
    assert shown.code == 2
    assert shown.out == ""
    assert shown.err.startswith("tracekit: ")
    assert complaint in shown.err
    assert "Traceback" not in shown.err
    assert "secret" not in shown.err


def test_a_bad_price_file_is_told_in_a_sentence(
    run: Run, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_trace()
    monkeypatch.setenv("TRACEKIT_PRICES", "/nowhere/prices.json")
    shown = run("traces")
    assert shown.code == 2
    assert shown.err.startswith("tracekit: the price table '/nowhere/prices.json' can't be read")
    monkeypatch.delenv("TRACEKIT_PRICES")
    assert len(run("traces", "--json").json_lines()) == 1  # nothing was lost


def test_a_store_that_is_no_database_is_told_in_a_sentence(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "tracekit.duckdb").write_bytes(b"not a database" * 1_000)
    shown = run("traces", "--store", str(folder))
    assert shown.code == 2
    assert shown.err.startswith("tracekit: ")
    assert len(shown.err.splitlines()) == 1
    assert (folder / "tracekit.duckdb").read_bytes() == b"not a database" * 1_000


def test_the_store_is_chosen_by_option_and_by_environment(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracekit.set_tracking_uri(tmp_path / "elsewhere")
    trace_id = record_trace()
    tracekit.set_tracking_uri(None)
    by_option = run("traces", "--store", str(tmp_path / "elsewhere"), "--json")
    tracekit.set_tracking_uri(None)
    monkeypatch.setenv("TRACEKIT_TRACKING_URI", str(tmp_path / "elsewhere"))
    by_environment = run("traces", "--json")
    assert by_option.out == by_environment.out
    assert by_option.json_lines()[0]["trace_id"] == trace_id


def spawn(*arguments: str, **options: Any) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", "from tracekit.cli import main; main()", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, text=True, **{**pipes, **options})


def test_a_reader_that_leaves_is_no_error(store: Store) -> None:
    record_trace()
    query = "SELECT range, repeat('x', 1000) FROM range(2000)"
    with spawn("sql", query, "--store", str(store.folder)) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(60) == 141
        assert process.stderr.read() == ""


def test_interrupted_leaves_with_130(store: Store) -> None:
    record_trace()
    endless = "SELECT count(*) FROM range(1000000000) a, range(1000000000) b"
    with spawn("sql", endless, "--store", str(store.folder)) as process:
        assert process.stderr is not None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(3)
        os.kill(process.pid, 2)
        assert process.wait(30) == 130
        assert "Traceback" not in process.stderr.read()


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom tracekit.cli import main\n"
        "try: main(['--help'])\n"
        "finally: print(*{m.partition('.')[0] for m in sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"duckdb", "pandas", "rich", "openai", "opentelemetry"} & set(done.stderr.split())


def test_the_page_on_the_command_line_is_current() -> None:
    page = runpy.run_path(str(ROOT / "docs" / "make_command_line.py"))["page"]()
    assert (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8") == page
