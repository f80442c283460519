"""The doctor says what is there and what is wrong, and deletes nothing."""

from pathlib import Path
from typing import Any

import orjson

from tracekit.store.doctor import diagnose
from tracekit.store.repair import repair
from tracekit.store.schema import migrations
from tracekit.store.store import Store

TRACE = "0af7651916cd43dd8448eb211c80319c"


def write(store: Store, *records: Any, name: str = "1-a") -> Path:
    """A spool file of a process that is gone."""
    store.spool_folder.mkdir(parents=True, exist_ok=True)
    header = {"kind": "process", "schema": 1, "pid": 2**22 + 1, "host": "far", "at_ns": 1}
    path = store.spool_folder / f"{name}.ndjson"
    path.write_bytes(b"\n".join(map(orjson.dumps, (header, *records))) + b"\n")
    return path


def span(span_id: str = "b7ad6b7169203331") -> dict[str, Any]:
    ids = {"kind": "span", "trace_id": TRACE, "span_id": span_id, "name": "x"}
    return {**ids, "start_ns": 10**18, "end_ns": 10**18 + 1}


def test_an_empty_store_is_well(store: Store) -> None:
    found = diagnose(store)
    assert found.problems == ()
    assert found.schema == migrations()[-1].number
    assert set(found.counts.values()) == {0}


def test_counts_and_problems_are_told(store: Store) -> None:
    start = {**span("b7ad6b7169203332"), "kind": "start"}
    lost = {"kind": "lost", "records": 4, "at_ns": 1}
    write(store, span(), start, {"kind": "odd"}, lost)
    found = diagnose(store)
    assert (found.counts["traces"], found.counts["spans"]) == (1, 2)
    assert (found.unfinished_spans, found.gone_spans, found.lost_records) == (1, 1, 4)
    assert [bad.reason for bad in found.newest_bad_records] == ["unknown kind 'odd'"]
    assert len(found.notes) == 4
    assert found.problems == ()
    assert found.sizes["database"] > 0


def test_the_spool_of_a_running_process_is_told(store: Store) -> None:
    store.spool().append(span())
    (facts,) = diagnose(store).spool
    assert (facts.state, facts.unread_bytes) == ("writing", 0)


def damage(store: Store) -> bytes:
    content = store.database.read_bytes()
    broken = content[: len(content) // 3]
    store.database.write_bytes(broken)
    return broken


def test_a_damaged_database_is_a_problem_and_not_an_error(store: Store) -> None:
    diagnose(store)
    damage(store)
    found = diagnose(store)
    assert found.schema is None
    assert "is damaged" in found.problems[0]


def test_repair_keeps_the_damaged_file_and_rebuilds_from_the_spool(store: Store) -> None:
    store.spool().append(span())
    diagnose(store)
    broken = damage(store)
    done = repair(store)
    assert done[-1] == "read again from the spool: 1 spans"
    (kept,) = store.folder.glob("*.corrupt-*")
    assert kept.read_bytes() == broken
    found = diagnose(store)
    assert (found.problems, found.counts["spans"]) == ((), 1)
    assert found.notes == (f"{kept} was damaged and is kept aside",)


def test_repair_of_a_sound_store_changes_nothing(store: Store) -> None:
    diagnose(store)
    assert repair(store) == ["the store is sound; nothing was changed"]
