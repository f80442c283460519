"""What is old goes whole and gives its space back; what someone may still want stays."""

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

import tracekit
from tracekit.errors import ConfigError, FilterError
from tracekit.store.blobs import blob_path, write_blob
from tracekit.store.connection import start_engine
from tracekit.store.doctor import diagnose
from tracekit.store.prune import Pruned, cutoff_of, prune
from tracekit.store.store import Store

DAY = 86_400_000_000_000
OLD = 40 * DAY
NEW = 5 * DAY


def append(store: Store, kind: str, **fields: Any) -> None:
    store.spool().append({"kind": kind, **fields})


def record(store: Store, name: str, age_ns: int = OLD, **fields: Any) -> str:
    """A trace of one span, that long ago; gives its id."""
    trace_id, start = os.urandom(16).hex(), time.time_ns() - age_ns
    ids = {"trace_id": trace_id, "span_id": os.urandom(8).hex(), "name": name}
    append(store, "span", **{**ids, "start_ns": start, "end_ns": start + 1000, **fields})
    return trace_id


def record_run(store: Store, run_id: str, age_ns: int = OLD, **fields: Any) -> None:
    at = time.time_ns() - age_ns
    facts = {"status": "FINISHED", "start_ns": at, "end_ns": at + 1000, **fields}
    append(store, "run", run_id=run_id, at_ns=at, **facts)


def gone_file(store: Store, *records: dict[str, Any]) -> Path:
    """A file of the spool whose process does not run any more."""
    header = {"kind": "process", "schema": 1, "pid": 2**22 + 1, "host": "far", "at_ns": 1}
    store.spool_folder.mkdir(parents=True, exist_ok=True)
    path = store.spool_folder / "1-gone.ndjson"
    path.write_bytes(b"\n".join(map(orjson.dumps, (header, *records))) + b"\n")
    return path


def names(store: Store) -> set[str]:
    with store.reading() as connection:
        return {name for (name,) in connection.execute("SELECT name FROM spans").fetchall()}


def ids(store: Store, query: str) -> set[Any]:
    with store.reading() as connection:
        return {value for (value,) in connection.execute(query).fetchall()}


def test_what_is_old_goes_and_what_is_new_stays(store: Store) -> None:
    record(store, "old")
    record(store, "new", NEW)
    done = tracekit.prune("30d")
    assert names(store) == {"new"}
    assert (done.before.traces, done.after.traces, done.spared) == (2, 1, {})


def test_a_trace_goes_whole_or_not_at_all(store: Store) -> None:
    trace_id = record(store, "begun long ago")
    record(store, "ended lately", NEW, trace_id=trace_id)
    assert prune("30d").after.spans == 2


def test_all_that_belongs_to_a_trace_goes_with_it(store: Store) -> None:
    at = time.time_ns() - OLD
    link = {"trace_id": "f" * 32, "span_id": "f" * 16}
    trace_id = record(store, "old", events=[{"name": "e", "at_ns": at}], links=[link])
    start = {"kind": "start", "trace_id": trace_id, "span_id": "a" * 16, "name": "cut"}
    gone_file(store, {**start, "start_ns": at})
    append(store, "tag", subject="trace", subject_id=trace_id, key="k", value="v", at_ns=at)
    judged = {"assessment_kind": "feedback", "name": "n", "source_type": "LLM_JUDGE"}
    append(store, "assessment", assessment_id="a", trace_id=trace_id, at_ns=at, **judged)
    append(store, "artifact", trace_id=trace_id, path="p", sha256="0" * 64, at_ns=at)
    record(store, "new", NEW)
    prune("30d")
    for table in ("span_event", "span_link", "span_open", "tag", "assessment", "artifact"):
        assert ids(store, f"SELECT count(*) FROM store.{table}") == {0}, table


def test_a_dry_run_says_what_would_go_and_changes_nothing(store: Store) -> None:
    for _ in range(3):
        record(store, "old")
    record(store, "new", NEW)
    would = prune("30d", dry_run=True)
    assert (would.before.traces, would.after.traces, would.dry_run) == (4, 1, True)
    assert names(store) == {"old", "new"}
    done = prune("30d")
    assert (done.before.traces, done.after.traces) == (would.before.traces, would.after.traces)


def test_the_space_goes_back_to_the_disk(store: Store) -> None:
    for number in range(300):
        text = os.urandom(5_000).hex()
        record(store, "old", OLD if number else NEW, attributes={"text": text})
    with store.reading():
        pass
    before = store.database.stat().st_size
    done = prune("30d")
    after = store.database.stat().st_size
    assert before > 2_500_000
    assert after < before - 1_000_000
    assert done.before.bytes - done.after.bytes == before - after
    assert store.database.stat().st_mode & 0o777 == 0o600


def test_what_people_assessed_is_kept_unless_none_is(store: Store) -> None:
    record(store, "new", NEW)
    trace_id = record(store, "judged by a person")
    fields = {"assessment_kind": "feedback", "name": "good", "value": True}
    at = time.time_ns() - OLD
    append(store, "assessment", assessment_id="a", trace_id=trace_id, at_ns=at,
           source_type="HUMAN", judge_trace_id=record(store, "its judge"), **fields)  # fmt: skip
    done = prune("30d")
    assert names(store) == {"new", "judged by a person", "its judge"}
    assert done.spared == {"assessed by people": 1, "of judges, for what is kept": 1}
    prune("30d", keep="none")
    assert names(store) == {"new"}


def test_errors_tagged_traces_and_a_filter_are_kept_when_asked(store: Store) -> None:
    at = time.time_ns() - OLD
    record(store, "new", NEW)
    record(store, "failed", status="ERROR")
    record(store, "vip", user_id="ann")
    tagged = record(store, "tagged")
    append(store, "tag", subject="trace", subject_id=tagged, key="k", value="v", at_ns=at)
    record(store, "plain")
    done = prune("30d", keep=["errors", "tagged", "user_id = 'ann'"])
    assert names(store) == {"new", "failed", "vip", "tagged"}
    assert done.spared == {"errors": 1, "tagged": 1, "user_id = 'ann'": 1}


@pytest.mark.parametrize(
    ("keep", "kind", "words"),
    [
        ("colour = 'red'", FilterError, "colour"),
        (["none", "errors"], ConfigError, "not both"),
    ],
)
def test_a_mistake_in_keep_removes_nothing(
    store: Store, keep: str | list[str], kind: type[Exception], words: str
) -> None:
    record(store, "old")
    record(store, "new", NEW)
    with pytest.raises(kind, match=words):
        prune("30d", keep=keep)
    assert names(store) == {"old", "new"}


def test_runs_and_their_traces_stay_unless_asked_for(store: Store) -> None:
    record(store, "new", NEW)
    record_run(store, "r")
    record(store, "of a run", run_id="r")
    append(store, "metrics", run_id="r", at_ns=1, step=0, values={"loss": 1.0}, seq=1)
    append(store, "param", run_id="r", key="k", value="v", at_ns=1)
    assert prune("30d").spared == {"of runs": 1}
    assert names(store) == {"new", "of a run"}
    done = prune("30d", runs=True)
    assert (done.before.runs, done.after.runs) == (1, 0)
    assert names(store) == {"new"}
    for table in ("run", "metric", "param"):
        assert ids(store, f"SELECT count(*) FROM store.{table}") == {0}, table


def test_a_family_of_runs_goes_together_or_stays(store: Store) -> None:
    record(store, "new", NEW)
    record_run(store, "old parent")
    record_run(store, "old child", parent_run_id="old parent")
    record_run(store, "parent")
    record_run(store, "new child", NEW, parent_run_id="parent")
    prune("30d", runs=True)
    assert ids(store, "SELECT run_id FROM runs") == {"parent", "new child"}


def test_a_run_or_trace_that_is_tagged_to_be_kept_is_never_removed(store: Store) -> None:
    at = time.time_ns() - OLD
    record(store, "new", NEW)
    kept, not_kept = record(store, "kept"), record(store, "not kept")
    for run_id in ("baseline", "other"):
        record_run(store, run_id)
    values = (("trace", kept, "yes"), ("trace", not_kept, "false"), ("run", "baseline", ""))
    for subject, subject_id, value in values:
        tag = {"subject": subject, "subject_id": subject_id, "key": "tracekit.keep"}
        append(store, "tag", **tag, value=value, at_ns=at)
    prune("30d", runs=True, keep="none")
    assert names(store) == {"new", "kept"}
    assert ids(store, "SELECT run_id FROM runs") == {"baseline"}


def test_a_run_that_was_deleted_goes_for_good_after_its_time(store: Store) -> None:
    now = time.time_ns()
    record(store, "new", NEW)
    record_run(store, "deleted long ago", deleted_ns=now - OLD)
    record_run(store, "deleted lately", deleted_ns=now - NEW)
    prune("30d")
    assert ids(store, "SELECT run_id FROM store.run") == {"deleted lately"}


def test_what_a_running_process_has_not_ended_stays(store: Store) -> None:
    start = {"trace_id": "a" * 32, "span_id": "b" * 16, "name": "running"}
    append(store, "start", **start, start_ns=time.time_ns() - OLD)
    record(store, "new", NEW)
    assert prune("30d").spared == {"still running": 1}
    assert names(store) == {"running", "new"}


def old_blob(store: Store, data: bytes) -> Path:
    path = blob_path(store.artifacts, write_blob(store.artifacts, data))
    os.utime(path, ns=(time.time_ns() - OLD,) * 2)
    return path


def test_contents_go_with_the_last_thing_that_names_them(store: Store) -> None:
    orphan, shared, escaped = (old_blob(store, data) for data in (b"1", b"2", b"3"))
    young = blob_path(store.artifacts, write_blob(store.artifacts, b"4"))
    part = f'[{{"parts":[{{"type":"blob","sha256":"{orphan.name}"}}]}}]'
    message = f'[{{"parts":[{{"type":"blob","sha256":"{shared.name}"}}]}}]'
    record(store, "old", attributes={"gen_ai.input.messages": part})
    record(store, "old too", attributes={"gen_ai.input.messages": message})
    record(store, "new", NEW, attributes={"gen_ai.input.messages": message})
    quoted = f'{{\\"sha256\\": \\"{escaped.name}\\"}}'
    record(store, "quoted", NEW, attributes={"tracekit.input": f'"{quoted}"'})
    assert prune("30d", dry_run=True).files == 1
    prune("30d")
    assert [path.exists() for path in (orphan, shared, escaped, young)] == [False, True, True, True]


def test_a_content_that_is_stored_again_counts_as_new(store: Store) -> None:
    path = old_blob(store, b"again")
    write_blob(store.artifacts, b"again")  # a program is about to name it
    record(store, "new", NEW)
    prune("30d")
    assert path.exists()


def test_no_content_goes_while_a_file_of_the_spool_can_not_be_read(store: Store) -> None:
    path = old_blob(store, b"named there, perhaps")
    record(store, "new", NEW)
    newer = b'{"kind":"process","schema":99}\n{"kind":"span"}\n'
    (store.spool_folder / "9-newer.ndjson").write_bytes(newer)
    prune("30d")
    assert path.exists()


def test_pruned_spans_do_not_come_back_with_their_spool(store: Store) -> None:
    record(store, "old")
    record(store, "new", NEW)
    (living,) = store.spool_folder.glob("*.ndjson")
    ids_ = {"trace_id": "d" * 32, "span_id": "d" * 16, "start_ns": 10**18, "end_ns": 10**18}
    gone = gone_file(store, {"kind": "span", "name": "old too", **ids_})
    content = gone.read_bytes()
    prune("30d")
    assert (living.exists(), gone.exists()) == (True, False)  # this process goes on
    record(store, "newer", NEW)
    assert names(store) == {"new", "newer"}
    gone.write_bytes(content)  # someone restores it
    assert names(store) == {"new", "newer"}


def test_a_clock_that_would_remove_everything_is_refused(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(store, "today", 0)
    future = cutoff_of(datetime.now(UTC))
    monkeypatch.setattr("tracekit.store.prune.cutoff_of", lambda _: future + timedelta(days=3650))
    with pytest.raises(ConfigError, match=r"not one trace would be left.*nothing was removed"):
        prune("30d")
    assert names(store) == {"today"}
    assert prune("30d", everything=True).after.traces == 0


def test_a_time_before_the_clock_was_set_is_no_age(store: Store) -> None:
    record(store, "1970", time.time_ns() - DAY)
    record(store, "new", NEW)
    prune("30d")
    assert names(store) == {"1970", "new"}


@pytest.mark.parametrize("age", ["30", "d", "30 months", "-3d", "", "2026-13-01", "９d"])
def test_an_age_that_is_none_is_refused(store: Store, age: str) -> None:
    with pytest.raises(ConfigError, match="can't be understood"):
        prune(age)


def test_ages_and_dates_are_understood() -> None:
    now = datetime.now(UTC)
    for age, days in (("12h", 0.5), (" 30d", 30), ("2w", 14), (timedelta(days=3), 3)):
        assert abs(now - cutoff_of(age) - timedelta(days=days)) < timedelta(minutes=1)
    assert cutoff_of("2026-01-31") == datetime(2026, 1, 31, tzinfo=UTC)
    with pytest.raises(ConfigError, match="a time to come"):
        cutoff_of(now + timedelta(days=1))


def test_what_is_set_aside_goes_when_it_is_old(store: Store) -> None:
    record(store, "new", NEW)
    prune("30d")
    kept = store.folder / "tracekit.duckdb.corrupt-20200101T000000"
    kept.write_bytes(b"damaged")
    assert prune("30d").files == 0  # set aside today, whatever its name says
    assert kept.exists()


def test_a_disk_without_room_for_the_copy_prunes_all_the_same(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(store, "old")
    record(store, "new", NEW)
    part = store.database.with_name("tracekit.duckdb.compact")

    def full(*_: object) -> None:
        part.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("tracekit.store.connection.Engine.copy_to", full)
        done = prune("30d")
    assert "keeps its size for now" in (done.note or "")
    assert not part.exists()
    assert names(store) == {"new"}


def test_the_watermark_and_the_tables_stay_consistent(store: Store) -> None:
    record(store, "old")
    record(store, "new", NEW)
    prune("30d")
    record(store, "newer", NEW)
    assert diagnose(store).problems == ()


def test_every_table_is_pruned_or_is_meant_to_stay(store: Store) -> None:
    from tracekit.store import retention

    stays = {"meta", "migration", "spool_file", "ingest", "dataset", "dataset_row"}
    stays |= {"prompt", "prompt_alias"}
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'store'"
        ).fetchall()
    pruned = " ".join(retention._DELETIONS)  # pyright: ignore[reportPrivateUsage]
    assert {name for (name,) in rows if f"store.{name} " not in pruned} == stays


def test_views_comments_and_compression_survive(store: Store) -> None:
    query = (
        "SELECT table_name, column_name, comment FROM duckdb_columns() "
        "WHERE database_name = 'tracekit' AND NOT internal ORDER BY ALL"
    )
    record(store, "old", attributes={"gen_ai.input.messages": "[]"})
    record(store, "new", NEW)

    def facts() -> tuple[list[Any], list[Any]]:
        with start_engine(store.database) as engine, engine.reading() as connection:
            tables = connection.execute("SELECT sql FROM duckdb_tables() ORDER BY 1").fetchall()
            return connection.execute(query).fetchall(), tables

    names(store)
    before = facts()
    pruned: Pruned = prune("30d")
    assert pruned.after.traces == 1
    assert facts() == before
