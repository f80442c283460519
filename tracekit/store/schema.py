"""The database's schema: numbered SQL files, each applied once, in one transaction."""

import hashlib
import secrets
import shutil
import time
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from tracekit.errors import StoreNewer
from tracekit.store.failpoint import reach

if TYPE_CHECKING:
    from tracekit.store.connection import Connection


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema."""

    number: int
    sql: str

    @property
    def sha256(self) -> str:
        """Of its text: what was applied must never change afterwards."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


@cache
def migrations() -> tuple[Migration, ...]:
    """All that this version knows, in order."""
    folder = resources.files("tracekit.store") / "migrations"
    return tuple(
        Migration(int(file.name.removesuffix(".sql")), file.read_text(encoding="utf-8"))
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.removesuffix(".sql").isdigit()
    )


def comments() -> str:
    """What each column means, as SQL; applied anew after each migration."""
    return (resources.files("tracekit.store") / "migrations" / "comments.sql").read_text("utf-8")


def version(connection: "Connection") -> int:
    """The number of the last migration applied; 0 for an empty database."""
    known = connection.execute(
        "SELECT count(*) FROM duckdb_tables() "
        "WHERE schema_name = 'store' AND table_name = 'migration'"
    ).fetchone()
    if known == (0,):
        return 0
    last = connection.execute("SELECT max(number) FROM store.migration").fetchone()
    return int(last[0] or 0) if last else 0


def check(found: int, database: Path) -> bool:
    """Whether the database has to be migrated.

    Raises:
        StoreNewer: A newer tracekit wrote it.
    """
    newest = migrations()[-1].number
    if found > newest:
        raise StoreNewer(
            f"{database} has schema {found}, this tracekit knows {newest}; "
            "upgrade with: pip install --upgrade tracekit"
        )
    return found < newest


def migrate(connection: "Connection", found: int) -> None:
    """Apply what is missing after number `found`. The caller holds the lock, exclusively."""
    missing = [migration for migration in migrations() if migration.number > found]
    for migration in missing:
        _apply(connection, migration, comments() if migration is missing[-1] else "")
    reach("migrated")
    connection.execute("CHECKPOINT")


def keep_copy(database: Path, found: int) -> Path | None:
    """A copy of a database that is about to be migrated, beside it. No connection may be open."""
    if found == 0:
        return None
    copy = database.with_name(f"{database.name}.schema-{found}")
    partial = copy.with_name(f"{copy.name}.part")
    shutil.copy2(database, partial)
    reach("copying")
    partial.replace(copy)
    return copy


def _apply(connection: "Connection", migration: Migration, comment: str) -> None:
    connection.execute("BEGIN")
    try:
        if migration.number == 1:
            _begin_history(connection)
        connection.execute(migration.sql)
        connection.execute(comment)
        reach("migrate")
        connection.execute(
            "INSERT INTO store.migration VALUES (?, ?, ?)",
            [migration.number, migration.sha256, time.time_ns()],
        )
        if migration.number == 1:
            _identify(connection)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _begin_history(connection: "Connection") -> None:
    connection.execute(
        "CREATE SCHEMA store; CREATE TABLE store.migration (number INTEGER NOT NULL, "
        "sha256 VARCHAR NOT NULL, applied_ns BIGINT NOT NULL)"
    )


def _identify(connection: "Connection") -> None:
    connection.execute(
        "INSERT INTO store.meta VALUES ('store_id', ?), ('created_ns', ?)",
        [secrets.token_hex(16), str(time.time_ns())],
    )
