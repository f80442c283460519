"""The schema says what it means, moves forward only, and never half way."""

import runpy
from pathlib import Path

import pytest

from tracekit.errors import StoreNewer
from tracekit.store import schema
from tracekit.store.connection import Connection, start_engine
from tracekit.store.schema import Migration
from tracekit.store.store import Store

ROOT = Path(__file__).parents[3]


def columns_without_comment(connection: Connection) -> list[tuple[str, str]]:
    return connection.execute(
        "SELECT table_name, column_name FROM duckdb_columns() "
        "WHERE database_name = 'tracekit' AND NOT internal AND comment IS NULL"
    ).fetchall()


def test_every_column_says_what_it_means(store: Store) -> None:
    with store.reading() as connection:
        assert columns_without_comment(connection) == []


def test_the_page_on_sql_is_current() -> None:
    page = runpy.run_path(str(ROOT / "docs" / "make_sql.py"))["page"]()
    assert (ROOT / "docs" / "sql.md").read_text(encoding="utf-8") == page


NEWEST = schema.migrations()[-1].number


def one_more_migration(monkeypatch: pytest.MonkeyPatch, sql: str) -> None:
    known = (*schema.migrations(), Migration(NEWEST + 1, sql))
    monkeypatch.setattr(schema, "migrations", lambda: known)


def test_an_older_database_is_copied_and_moved_forward(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.reading():
        pass
    one_more_migration(monkeypatch, "ALTER TABLE store.meta ADD COLUMN note VARCHAR")
    with store.reading() as connection:
        assert schema.version(connection) == NEWEST + 1
        assert connection.execute("SELECT note FROM store.meta").fetchall() == [(None,)] * 2
    copy = store.database.with_name(f"tracekit.duckdb.schema-{NEWEST}")
    with start_engine(copy) as engine, engine.reading() as connection:
        assert schema.version(connection) == NEWEST


def test_a_migration_that_fails_changes_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.reading():
        pass
    with monkeypatch.context() as patch:
        one_more_migration(patch, "CREATE TABLE store.half (a INTEGER); SELECT broken")
        with pytest.raises(OSError, match="broken"), store.reading():
            pass
    with store.reading() as connection:
        assert schema.version(connection) == NEWEST
        tables = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        assert ("half",) not in tables


def test_a_newer_database_is_refused_and_not_touched(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        one_more_migration(patch, "SELECT 1")
        with store.reading():
            pass
    before = store.database.read_bytes()
    said = f"has schema {NEWEST + 1}, this tracekit knows {NEWEST}; upgrade"
    refused = pytest.raises(StoreNewer, match=said)
    with refused, store.reading():
        pass
    assert store.database.read_bytes() == before


def test_what_was_applied_is_recorded_with_its_checksum(store: Store) -> None:
    with store.reading() as connection:
        rows = connection.execute("SELECT number, sha256 FROM store.migration").fetchall()
    assert rows == [(m.number, m.sha256) for m in schema.migrations()]
