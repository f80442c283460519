"""What is written to the spool is in the tables, once, in whatever order it came."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from tracekit.errors import PriceError, StoreError
from tracekit.store import ingest, spool
from tracekit.store.connection import Connection, start_engine
from tracekit.store.store import Store

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
NOW = 1_760_000_000_000_000_000


def span(span_id: str = SPAN, **fields: Any) -> dict[str, Any]:
    return {
        "kind": "span",
        "trace_id": TRACE,
        "span_id": span_id,
        "parent_span_id": None,
        "name": "answer",
        "start_ns": NOW,
        "end_ns": NOW + 5_000_000,
        "status": "UNSET",
        "attributes": {},
        **fields,
    }


def start(span_id: str = SPAN, **fields: Any) -> dict[str, Any]:
    ids = {"kind": "start", "trace_id": TRACE, "span_id": span_id, "name": "answer"}
    return {**ids, "start_ns": NOW, **fields}


def write(store: Store, *records: Any, name: str = "1-a") -> Path:
    """A spool file of a process that is gone; text and bytes go in as they are."""
    store.spool_folder.mkdir(parents=True, exist_ok=True)
    path = store.spool_folder / f"{name}.ndjson"
    header = {"kind": "process", "schema": 1, "pid": 2**22 + 1, "host": "far", "at_ns": NOW}
    lines = [record if isinstance(record, bytes) else orjson.dumps(record) for record in records]
    path.write_bytes(b"\n".join([orjson.dumps(header), *lines]) + b"\n")
    return path


def ask(store: Store, query: str, *values: Any) -> list[tuple[Any, ...]]:
    with store.reading() as connection:
        return connection.execute(query, values).fetchall()


def bad_reasons(store: Store) -> list[str]:
    return [reason for (reason,) in ask(store, "SELECT reason FROM store.bad_record ORDER BY 1")]


def test_a_reader_sees_what_was_written_before_it_asked(store: Store) -> None:
    store.spool().append(span())
    assert ask(store, "SELECT count(*) FROM spans") == [(1,)]
    store.spool().append(span("b7ad6b7169203332"))
    assert ask(store, "SELECT count(*) FROM spans") == [(2,)]


def test_the_facts_of_a_model_call_are_columns(store: Store) -> None:
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.response.model": "gpt-4o-2024-08-06",
        "gen_ai.response.finish_reasons": ["stop", "length"],
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 100,
        "gen_ai.response.time_to_first_chunk": 0.25,
        "gen_ai.input.messages": '[{"role":"user","parts":[]}]',
        "app.route": "/ask",
    }
    write(store, span(attributes=attributes))
    row = ask(
        store,
        "SELECT operation, provider, response_model, finish_reasons, input_tokens, cost_usd, "
        "cost_source LIKE 'prices:%', time_to_first_token_ms, input_messages, attributes FROM spans",
    )
    assert row == [
        ("chat", "openai", "gpt-4o-2024-08-06", ["stop", "length"], 1000, 0.0035, True, 250.0)
        + ('[{"role":"user","parts":[]}]', {"app.route": "/ask"})
    ]


def test_a_cost_that_the_provider_reports_goes_before_the_price_table(store: Store) -> None:
    write(store, span(attributes={"gen_ai.operation.name": "chat", "operation.cost": 0.5}))
    assert ask(store, "SELECT cost_usd, cost_source FROM spans") == [(0.5, "provider")]


def test_nanoseconds_are_kept(store: Store) -> None:
    write(store, span(start_ns=NOW + 1, end_ns=NOW + 3))
    query = "SELECT epoch_ns(start_time), epoch_ns(end_time), duration_ms FROM spans"
    assert ask(store, query) == [(NOW + 1, NOW + 3, 2e-6)]


def test_a_clock_that_jumped_back_gives_no_negative_duration(store: Store) -> None:
    write(store, span(end_ns=NOW - 10))
    assert ask(store, "SELECT duration_ms FROM spans") == [(0.0,)]


def test_a_running_span_shows_as_unfinished_until_it_ends(store: Store) -> None:
    store.spool().append(start())
    assert ask(store, "SELECT status, process_gone FROM spans") == [("UNFINISHED", False)]
    store.spool().append(span())
    assert ask(store, "SELECT status, process_gone FROM spans") == [("UNSET", False)]


def test_a_span_whose_process_is_gone_says_so(store: Store) -> None:
    write(store, start())
    assert ask(store, "SELECT status, process_gone FROM spans") == [("UNFINISHED", True)]


def test_a_start_read_after_its_end_opens_nothing(store: Store) -> None:
    write(store, span(), name="1-a")
    assert ask(store, "SELECT status FROM spans") == [("UNSET",)]
    write(store, start(), name="1-b")
    assert ask(store, "SELECT status FROM spans") == [("UNSET",)]


def test_a_span_written_twice_is_stored_once(store: Store) -> None:
    event = {"name": "retry", "at_ns": NOW, "attributes": {"attempt": 1}}
    write(store, span(events=[event]), span(events=[event]), name="1-a")
    ask(store, "SELECT 1")
    write(store, span(events=[event]), name="1-b")
    assert ask(store, "SELECT count(*) FROM spans") == [(1,)]
    assert ask(store, "SELECT count(*) FROM span_events") == [(1,)]


def test_a_finished_file_is_removed_and_a_live_one_stays(store: Store) -> None:
    gone = write(store, span())
    store.spool().append(span("b7ad6b7169203332"))
    ask(store, "SELECT 1")
    assert not gone.exists()
    assert len(list(store.spool_folder.iterdir())) == 1


def test_a_rotated_file_is_removed_while_its_process_lives(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "ROTATE_BYTES", 500)
    for number in range(10):
        store.spool().append(start(f"{number:016x}"))
    assert len(list(store.spool_folder.iterdir())) > 1
    states = ask(store, "SELECT status, process_gone FROM spans")
    assert states == [("UNFINISHED", False)] * 10
    assert len(list(store.spool_folder.iterdir())) == 1


def test_a_file_read_again_from_the_start_adds_nothing(store: Store) -> None:
    metrics = {"kind": "metrics", "run_id": "r", "at_ns": NOW, "values": {"loss": 1}, "seq": 1}
    content = write(store, span(), metrics).read_bytes()
    ask(store, "SELECT 1")
    (store.spool_folder / "1-a.ndjson").write_bytes(content)
    with writing(store) as connection:
        connection.execute("DELETE FROM store.spool_file")
    assert ask(store, "SELECT count(*) FROM spans") == [(1,)]
    assert ask(store, "SELECT count(*) FROM metrics") == [(1,)]


@contextmanager
def writing(store: Store) -> Generator[Connection]:
    """A connection that may change the database behind the ingest's back."""
    with start_engine(store.database) as engine, engine.writing() as connection:
        yield connection


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"kind":"span"', "not JSON"),
        (b"[1]", "no record"),
        (b"null", "no record"),
        (b'{"kind":7}', "no record"),
        (b'{"kind":"from the future"}', "unknown kind 'from the future'"),
        (b'{"kind":"span","trace_id":"x"}', "missing"),
        (orjson.dumps(span(span_id="XYZ")), "hexadecimal"),
        (orjson.dumps(span(name=7)), "`name` is no text"),
        (orjson.dumps(span(start_ns=-1)), "no time"),
        (orjson.dumps(span(end_ns=2**63)), "no time"),
        (orjson.dumps(span(scope=[1])), "`scope` is no text"),
        (b'{"kind":"param","run_id":"r","key":"k","value":1,"at_ns":1}', "`value` is no text"),
        (b'{"kind":"metrics","run_id":"r","at_ns":1,"values":{"a":"wide"}}', "missing or of"),
        (b'{"kind":"run","run_id":"r","at_ns":1,"start_ns":"now"}', "`start_ns` is of the wrong"),
        (b'{"kind":"artifact","path":"p","at_ns":1}', "no run and no trace"),
        (b'{"kind":"assessment","assessment_id":"a","at_ns":1}', "without `assessment_kind`"),
        (b'"\\ud800"', "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 3000, "not JSON"),
    ],
)
def test_a_bad_line_is_kept_aside_with_its_reason(store: Store, line: bytes, reason: str) -> None:
    write(store, line, span())
    assert ask(store, "SELECT count(*) FROM spans") == [(1,)]
    (found,) = bad_reasons(store)
    assert reason in found


def test_a_record_that_only_the_database_refuses_harms_no_other(store: Store) -> None:
    ask(store, "SELECT 1")
    with writing(store) as connection:
        connection.execute("CREATE UNIQUE INDEX picky ON store.span (name)")
    names = [f"span {number % 19}" for number in range(20)]
    write(store, *(span(f"{number:016x}", name=name) for number, name in enumerate(names)))
    assert ask(store, "SELECT count(*) FROM spans") == [(19,)]
    (reason,) = bad_reasons(store)
    assert reason.startswith("refused by the database: Constraint Error")
    assert ask(store, "SELECT sum(records), sum(bad_records) FROM store.spool_file") == [(21, 1)]


def test_a_torn_end_waits_while_its_process_lives(store: Store) -> None:
    spool_of_this_process = store.spool()
    spool_of_this_process.append(span())
    (path,) = store.spool_folder.iterdir()
    whole = orjson.dumps(span("b7ad6b7169203332")) + b"\n"
    with path.open("ab") as file:
        file.write(whole[:100])
    assert ask(store, "SELECT count(*) FROM spans") == [(1,)]
    with path.open("ab") as file:
        file.write(whole[100:])
    assert ask(store, "SELECT count(*) FROM spans") == [(2,)]
    assert bad_reasons(store) == []


def test_a_torn_end_of_a_gone_process_is_one_bad_record(store: Store) -> None:
    path = write(store, span())
    path.write_bytes(path.read_bytes() + b'{"kind":"sp')
    assert ask(store, "SELECT count(*) FROM spans") == [(1,)]
    assert bad_reasons(store) == ["torn: its process ended while writing it"]


def test_a_replaced_file_is_left_alone(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    store.spool().append(span())
    ask(store, "SELECT 1")
    (path,) = store.spool_folder.iterdir()
    path.write_bytes(b"x" * (path.stat().st_size + 10) + b"\n")
    assert ask(store, "SELECT count(*) FROM spans") == [(1,)]
    assert "is not the file that was read before" in caplog.text
    assert path.exists()


def test_a_file_of_a_newer_format_is_left_alone(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(store, span())
    path.write_bytes(path.read_bytes().replace(b'"schema":1', b'"schema":9'))
    assert ask(store, "SELECT count(*) FROM spans") == [(0,)]
    assert "newer tracekit" in caplog.text
    assert path.exists()


def test_blocks_are_as_good_as_one(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "BLOCK_RECORDS", 3)
    records = [record(f"{number:016x}") for number in range(20) for record in (start, span)]
    write(store, *records)
    assert ask(store, "SELECT count(*), count(DISTINCT span_id) FROM spans") == [(20, 20)]
    assert ask(store, "SELECT max(total_rows) FROM store.ingest") == [(20,)]


def test_run_fields_merge_by_time_and_not_by_arrival(store: Store) -> None:
    base = {"kind": "run", "run_id": "r"}
    late = {**base, "at_ns": NOW + 9, "status": "FINISHED", "end_ns": NOW + 9}
    early = {**base, "at_ns": NOW, "name": "first", "status": "RUNNING", "start_ns": NOW}
    write(store, late, name="1-a")
    ask(store, "SELECT 1")
    write(store, early, {**base, "at_ns": NOW + 1, "name": "renamed"}, name="1-b")
    query = "SELECT run_name, status, epoch_ns(start_time), duration_ms FROM runs"
    assert ask(store, query) == [("renamed", "FINISHED", NOW, 9e-6)]


def test_a_run_whose_process_is_gone_has_failed(store: Store) -> None:
    running = {"kind": "run", "status": "RUNNING", "at_ns": NOW, "start_ns": NOW}
    write(store, {**running, "run_id": "theirs"})
    store.spool().append({**running, "run_id": "ours"})
    rows = ask(store, "SELECT run_id, status, end_time IS NULL FROM runs ORDER BY 1")
    assert rows == [("ours", "RUNNING", True), ("theirs", "FAILED", False)]


def test_the_first_value_of_a_param_stays(store: Store) -> None:
    param = {"kind": "param", "run_id": "r", "key": "lr", "at_ns": NOW}
    write(store, {**param, "value": "1"}, {**param, "value": "1"}, name="1-a")
    ask(store, "SELECT 1")
    write(store, {**param, "value": "2"}, name="1-b")
    assert ask(store, "FROM params") == [("r", "lr", "1")]
    assert bad_reasons(store) == ["param 'lr' of this run is '1' already"]


def test_a_deleted_tag_is_not_brought_back_by_an_older_record(store: Store) -> None:
    tag = {"kind": "tag", "subject": "run", "subject_id": "r", "key": "k"}
    write(store, {**tag, "value": None, "at_ns": NOW + 5}, name="1-a")
    ask(store, "SELECT 1")
    write(store, {**tag, "value": "old", "at_ns": NOW}, name="1-b")
    assert ask(store, "FROM tags") == []


def test_metrics_keep_what_is_not_finite(store: Store) -> None:
    values = {"a": "NaN", "b": "-Infinity", "c": 1}
    write(store, {"kind": "metrics", "run_id": "r", "at_ns": 1, "step": 2, "values": values})
    rows = ask(store, "SELECT key, value::VARCHAR, step FROM metrics ORDER BY key")
    assert rows == [("a", "nan", 2), ("b", "-inf", 2), ("c", "1.0", 2)]


def test_the_last_metric_is_by_step_then_time_then_order(store: Store) -> None:
    base = {"kind": "metrics", "run_id": "r", "at_ns": NOW}
    write(
        store,
        {**base, "step": 2, "values": {"loss": 0.2}, "seq": 1},
        {**base, "step": 1, "values": {"loss": 0.9}, "seq": 2},
        {**base, "step": 2, "values": {"loss": 0.1}, "seq": 3},
    )
    assert ask(store, "SELECT value, step, points FROM metrics_last") == [(0.1, 2, 3)]


def test_a_renamed_experiment_renames_its_spans(store: Store) -> None:
    experiment = {"kind": "experiment", "experiment_id": "1"}
    write(store, {**experiment, "name": "old", "at_ns": NOW}, span(experiment="old"), name="1-a")
    ask(store, "SELECT 1")
    write(store, {**experiment, "name": "new", "at_ns": NOW + 1}, name="1-b")
    assert ask(store, "SELECT experiment FROM spans") == [("new",)]


def test_a_replaced_or_deleted_assessment_is_not_in_force(store: Store) -> None:
    base = {"kind": "assessment", "assessment_kind": "feedback", "name": "good", "trace_id": TRACE}
    write(
        store,
        {**base, "assessment_id": "1", "at_ns": 1, "value": False},
        {**base, "assessment_id": "2", "at_ns": 2, "value": True, "replaces_id": "1"},
        {**base, "assessment_id": "3", "at_ns": 3, "value": True},
        {"kind": "assessment", "assessment_id": "3", "at_ns": 4, "deleted_ns": 4},
    )
    assert ask(store, "SELECT assessment_id, value FROM assessments") == [("2", "true")]


def test_losses_that_a_process_reports_are_counted_once(store: Store) -> None:
    lost = {"kind": "lost", "reason": "", "at_ns": 1}
    write(store, {**lost, "records": 3}, {**lost, "records": 8})
    assert ask(store, "SELECT lost_records FROM processes") == [(8,)]


def test_trace_sums_are_over_model_calls_alone(store: Store) -> None:
    tokens = {"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 2}
    agent = {"gen_ai.operation.name": "invoke_agent", **tokens}
    chat = {"gen_ai.operation.name": "chat", **tokens}
    write(
        store,
        span(attributes=agent),
        span("b7ad6b7169203332", parent_span_id=SPAN, attributes=chat),
        span("b7ad6b7169203333", parent_span_id=SPAN, attributes=chat),
    )
    assert ask(store, "SELECT span_count, input_tokens, output_tokens FROM traces") == [(3, 20, 4)]


def test_a_bad_price_file_stops_before_anything_is_read(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(store, span())
    (tmp_path / "prices.json").write_text("[")
    monkeypatch.setenv("TRACEKIT_PRICES", str(tmp_path / "prices.json"))
    with pytest.raises(PriceError):
        ask(store, "SELECT 1")
    monkeypatch.delenv("TRACEKIT_PRICES")
    assert ask(store, "SELECT count(*) FROM spans") == [(1,)]


def test_no_file_is_removed_that_another_process_may_still_begin(store: Store) -> None:
    store.spool_folder.mkdir(parents=True)
    path = store.spool_folder / f"{os.getpid()}-unborn.ndjson"
    path.touch()
    ask(store, "SELECT 1")
    assert path.exists()


def test_an_attribute_that_names_another_session_is_kept(store: Store) -> None:
    write(store, span(session_id="ours", attributes={"session.id": "theirs"}))
    (row,) = ask(store, "SELECT session_id, attributes FROM spans")
    assert row == ("ours", {"session.id": "theirs"})


def test_a_spool_that_can_not_be_read_is_one_sentence(store: Store) -> None:
    store.folder.mkdir()
    store.spool_folder.write_text("a file in its place")
    with pytest.raises(StoreError, match="up to date: .*spool: Not a directory"):
        ask(store, "SELECT 1")
