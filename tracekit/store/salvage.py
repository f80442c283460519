"""Saves from a damaged database what can still be read of it.

DuckDB keeps a checksum with each block, and a block holds a part of one column of at most
122,880 rows. So damage is found for certain, and is seldom larger than that.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tracekit.errors import StoreError
from tracekit.store import schema
from tracekit.store.connection import Connection, DatabaseError, check_magic, start_engine
from tracekit.store.fields import SpanKey
from tracekit.store.tables import append

_GROUP_ROWS = 122_880
"""Rows of a group in DuckDB's files: https://duckdb.org/docs/stable/internals/storage"""

_NOT_COPIED = frozenset({"migration"})
"""Tables of the new database that are right as they are."""


@dataclass(slots=True, kw_only=True)
class Saved:
    """What was saved of one table."""

    table: str
    rows: int = 0
    lost_rows: int = 0
    blank: dict[str, int] = field(default_factory=dict[str, int])
    """Columns that can't be read, and in how many of the saved rows they are therefore empty."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing."""
        return not self.lost_rows and not self.blank


def damaged_tables(connection: Connection) -> dict[str, str]:
    """The tables of a store that can't be read to the end, each with what DuckDB says of it."""
    found: dict[str, str] = {}
    for table in _tables(connection, "tracekit"):
        try:
            connection.execute(f"SELECT bit_xor(hash(t)) FROM store.{table} t").fetchall()
        except DatabaseError as error:
            found[table] = str(error).partition("\n")[0]
    return found


def salvage(damaged: Path, target: Path, spooled: Iterable[SpanKey]) -> list[Saved]:
    """Copy what can be read of a damaged database into a new one. The caller holds the lock.

    Nothing at all if the file can't be opened; then the new database is empty.

    Args:
        damaged: The database, which is not changed.
        target: The new one.
        spooled: Spans that the spool still has whole; they are not copied with gaps.
    """
    with start_engine(target) as engine, engine.writing() as connection:
        schema.migrate(connection, 0)
        connection.execute("CREATE TEMP TABLE spooled (trace_id VARCHAR, span_id VARCHAR)")
        append(connection, "spooled", ("trace_id", "span_id"), spooled)
        try:
            check_magic(damaged)
            path = str(damaged).replace("'", "''")
            connection.execute(f"ATTACH '{path}' AS damaged (TYPE duckdb, READ_ONLY)")
            tables = _tables(connection, "damaged")
        except (DatabaseError, StoreError):
            return []
        known = set(_tables(connection, "tracekit")) - _NOT_COPIED
        saved = [_copy(connection, table) for table in tables if table in known]
        connection.execute("DETACH damaged")
        for table in ("span_event", "span_link"):  # these come again with their spans
            connection.execute(
                f"DELETE FROM store.{table} WHERE (trace_id, span_id) IN (FROM spooled "
                "ANTI JOIN store.span USING (trace_id, span_id))"
            )
        return saved


def _tables(connection: Connection, database: str) -> list[str]:
    rows = connection.execute(
        "SELECT table_name FROM duckdb_tables() "
        "WHERE database_name = ? AND schema_name = 'store' ORDER BY ALL",
        [database],
    ).fetchall()
    return [name for (name,) in rows]


def _copy(connection: Connection, table: str) -> Saved:
    saved = Saved(table=table)
    columns = _columns(connection, table)
    connection.execute("BEGIN")
    try:
        connection.execute(f"DELETE FROM store.{table}")  # what a new database begins with
        saved.rows = _insert(connection, table, list(columns), "true")
        connection.execute("COMMIT")
    except DatabaseError:
        connection.execute("ROLLBACK")
        for rows in _groups(connection, table):
            _copy_group(connection, saved, columns, rows)
    return saved


def _copy_group(
    connection: Connection, saved: Saved, columns: dict[str, bool], rows: range
) -> None:
    where = f"rowid >= {rows.start} AND rowid < {rows.stop}"
    readable = [name for name in columns if _is_readable(connection, saved.table, name, where)]
    lost = columns.keys() - readable
    if lost and saved.table == "span":
        where += " AND (trace_id, span_id) NOT IN (FROM spooled)"
    if any(columns[name] for name in lost) or not readable:
        saved.lost_rows += len(rows)
        return
    try:
        count = _insert(connection, saved.table, readable, where)
    except DatabaseError:
        saved.lost_rows += len(rows)
        return
    saved.rows += count
    for name in lost if count else ():
        saved.blank[name] = saved.blank.get(name, 0) + count


def _columns(connection: Connection, table: str) -> dict[str, bool]:
    """Columns that both databases have, and whether a row needs them."""
    rows = connection.execute(
        "SELECT column_name, bool_or(NOT is_nullable) FROM duckdb_columns() "
        "WHERE database_name IN ('tracekit', 'damaged') AND schema_name = 'store' "
        "AND table_name = ? GROUP BY column_name HAVING count(*) = 2",
        [table],
    ).fetchall()
    return dict(rows)


def _groups(connection: Connection, table: str) -> Iterator[range]:
    try:
        (last,) = connection.execute(f"SELECT max(rowid) FROM damaged.store.{table}").fetchall()[0]
    except DatabaseError:
        return
    rows = 0 if last is None else last + 1
    for start in range(0, rows, _GROUP_ROWS):
        yield range(start, min(start + _GROUP_ROWS, rows))


def _is_readable(connection: Connection, table: str, column: str, where: str) -> bool:
    try:
        connection.execute(
            f'SELECT bit_xor(hash("{column}")) FROM damaged.store.{table} WHERE {where}'
        ).fetchall()
    except DatabaseError:
        return False
    return True


def _insert(connection: Connection, table: str, columns: list[str], where: str) -> int:
    names = ", ".join(f'"{name}"' for name in columns)
    ((count,),) = connection.execute(
        f"INSERT INTO store.{table} BY NAME SELECT {names} FROM damaged.store.{table} WHERE {where}"
    ).fetchall()
    return int(count)
