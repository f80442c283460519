"""What users' SQL can't do, and what people read when the file is not as it should be."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tracekit.errors import QueryError, StoreCorrupt, StoreError, StoreLocked, StoreNewer
from tracekit.store.connection import explain, start_engine
from tracekit.store.store import Store


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM store.span",
        "DROP VIEW traces",
        "UPDATE store.run SET name = 'x'",
        "INSERT INTO store.meta VALUES ('a', 'b')",
        "CREATE TABLE mine (a INTEGER)",
        "FROM read_text('/etc/passwd')",
        "FROM glob('/*')",
        "COPY (SELECT 1) TO 'leak.csv'",
        "EXPORT DATABASE 'leak'",
        "ATTACH 'other.duckdb'",
        "INSTALL httpfs",
        "SET threads = 8",
        "SET enable_external_access = true",
        "PRAGMA memory_limit = '64GB'",
        "FROM secret_variable",
    ],
)
def test_a_query_can_change_nothing_and_reach_nothing(store: Store, query: str) -> None:
    secret_variable = [1]
    with pytest.raises(QueryError):
        store.sql(query)
    assert secret_variable == [1]
    assert [path.name for path in Path.cwd().iterdir()] == ["store"]


def test_a_mistake_in_a_query_is_pointed_at(store: Store) -> None:
    with pytest.raises(QueryError, match=r"modle[\s\S]*LINE 1: SELECT modle[\s\S]*\^"):
        store.sql("SELECT modle FROM traces")


def test_an_empty_query_is_a_query_error(store: Store) -> None:
    with pytest.raises(QueryError, match="gives no rows"):
        store.sql("")


def test_a_query_that_takes_too_long_is_stopped(store: Store) -> None:
    with pytest.raises(QueryError, match="stopped"):
        store.sql("SELECT count(*) FROM range(100000000) a, range(1000000) b", timeout_s=0.2)


def test_values_are_bound(store: Store) -> None:
    assert store.sql("SELECT ? AS a", ["'; DROP VIEW traces"])["a"][0] == "'; DROP VIEW traces"
    assert store.sql("SELECT $x + 1 AS a", {"x": 1})["a"][0] == 2


def test_writing_loads_no_duckdb() -> None:
    code = """
import sys
from tracekit.store.store import open_store
open_store("s").spool().append({"kind": "tag"})
print(*sorted({"duckdb", "pandas"} & set(sys.modules)))
"""
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "\n"


def make(store: Store) -> None:
    with store.reading():
        pass


def open_and_expect(store: Store, kind: type[StoreError], words: str) -> str:
    before = store.database.read_bytes()
    with pytest.raises(kind, match=words) as raised, store.reading():
        pass
    assert store.database.read_bytes() == before
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_another_kind_of_database_is_refused(store: Store) -> None:
    store.folder.mkdir()
    foreign = sqlite3.connect(store.database)
    foreign.execute("CREATE TABLE a (b)")
    foreign.commit()
    foreign.close()
    open_and_expect(store, StoreCorrupt, "it is an SQLite database")


@pytest.mark.parametrize("content", [b"x" * 5000, b"short", b"\0" * 20000])
def test_a_file_of_something_else_is_refused(store: Store, content: bytes) -> None:
    store.folder.mkdir()
    store.database.write_bytes(content)
    open_and_expect(store, StoreCorrupt, "it is no DuckDB database.*nothing was changed")


@pytest.mark.parametrize("place", [0.0, 0.3, 0.6])
def test_a_damaged_database_is_one_sentence(store: Store, place: float) -> None:
    make(store)
    content = bytearray(store.database.read_bytes())
    at = 4096 * 3 + int(place * 4096)
    content[at : at + 4096] = os.urandom(4096)
    store.database.write_bytes(bytes(content))
    open_and_expect(store, StoreCorrupt, "is damaged .*doctor --repair")


def test_a_truncated_database_is_one_sentence(store: Store) -> None:
    make(store)
    content = store.database.read_bytes()
    store.database.write_bytes(content[: len(content) // 3])
    open_and_expect(store, StoreCorrupt, "is damaged")


def test_a_database_of_a_newer_duckdb_is_refused(tmp_path: Path) -> None:
    told = "Trying to read a database file with version number 99, but we can only read versions"
    error = explain(duckdb.IOException(told), tmp_path / "tracekit.duckdb")
    assert isinstance(error, StoreNewer)
    assert "pip install --upgrade duckdb" in str(error)


def test_lost_rows_are_noticed(store: Store) -> None:
    make(store)
    with start_engine(store.database) as engine, engine.writing() as connection:
        connection.execute("INSERT INTO store.ingest VALUES (1, 1, 7, 7)")
    open_and_expect(store, StoreCorrupt, "has 0 spans where 7 were written")


HOLD = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def test_a_database_open_elsewhere_names_the_process(store: Store) -> None:
    make(store)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, store.database], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StoreLocked, match=f"held by process {holder.pid}"), store.reading():
            pass
        holder.communicate()
