"""The only door to DuckDB: opens it hardened, and says in one sentence what went wrong."""

import ctypes
import os
import re
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import duckdb

from tracekit.errors import QueryError, StoreCorrupt, StoreError, StoreLocked, StoreNewer
from tracekit.store.aside import free_name
from tracekit.store.failpoint import reach

Connection = duckdb.DuckDBPyConnection
DatabaseError = duckdb.Error

# Whoever may write SQL may not read files, reach the network or load code. See
# https://duckdb.org/docs/stable/operations_manual/securing_duckdb/overview
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoload_known_extensions": "false",
    "autoinstall_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_unsigned_extensions": "false",
    "python_enable_replacements": "false",
    "threads": "2",
    "memory_limit": "512MB",
    "max_temp_directory_size": "4GB",
    "checkpoint_threshold": "256MB",
}

ROW_GROUP_ROWS = 10_240
"""An insert of at least so many rows is compressed at once and written once, without passing
through the write-ahead log. DuckDB's own 122,880 would need twelve times the memory for that."""

_WRITABLE = f"TYPE duckdb, ROW_GROUP_SIZE {ROW_GROUP_ROWS}"
_MAGIC_AT, _MAGIC = 8, b"DUCK"
_DAMAGE = (
    *("orrupt", "checksum", "not a valid DuckDB", "Could not read enough bytes"),
    *("INTERNAL Error", "deserialize"),
)
_UNWRITABLE = {
    "No space left": "the disk is full",
    "Disk quota exceeded": "the disk quota is used up",
    "File too large": "the file would be larger than this user's files may be",
    "Input/output error": "the disk fails",
}


class Engine:
    """DuckDB, started, with the database attached for writing or for reading.

    To start it costs 25 ms, to attach a file 3 ms: so one engine first writes, then reads.
    """

    def __init__(self, connection: Connection, database: Path) -> None:
        self.connection = connection
        self.database = database

    @contextmanager
    def writing(self) -> Generator[Connection]:
        """The database, made if it isn't there; checkpointed at the end of the block."""
        if not self.database.exists():
            self._create()
        check_magic(self.database)
        self._attach(self.database, _WRITABLE)
        try:
            yield self.connection
        except BaseException:
            with suppress(duckdb.Error):  # what went wrong first is what has to be told
                self._detach()
            raise
        self._detach()

    @contextmanager
    def reading(self) -> Generator[Connection]:
        """The database, read-only; from here on the engine reaches nothing else."""
        self._attach(self.database, "TYPE duckdb, READ_ONLY")
        self.connection.execute("SET enable_external_access = false")
        self.connection.execute("SET lock_configuration = true")
        yield cast("Connection", _OfOneProcess(self.connection, self.database))

    def _create(self) -> None:
        """An empty database: whole, or not there, whenever this process is killed."""
        begun = self.database.with_name(f"{self.database.name}.new")
        begun.unlink(missing_ok=True)
        self._attach(begun, _WRITABLE)
        self._detach()
        begun.chmod(0o600)
        reach("created")
        log = log_of(self.database)
        if log.exists():  # of a database that was taken away: DuckDB would delete it
            log.rename(free_name(log, "corrupt"))
        begun.replace(self.database)

    def copy_to(self, target: Path) -> None:
        """Write a new database with all that is in this one, and without its gaps."""
        self._attach(self.database, "TYPE duckdb, READ_ONLY")
        try:
            self.connection.execute(f"ATTACH '{_quoted(target)}' AS target ({_WRITABLE})")
            self.connection.execute("COPY FROM DATABASE tracekit TO target")
            self.connection.execute("DETACH target")
        finally:
            self._detach()

    def _attach(self, database: Path, options: str) -> None:
        self.connection.execute(f"ATTACH '{_quoted(database)}' AS tracekit ({options})")
        self.connection.execute("USE tracekit")

    def _detach(self) -> None:
        self.connection.execute("USE memory")
        self.connection.execute("DETACH tracekit")


class _OfOneProcess:
    """A connection that a forked child can't use: DuckDB's threads stayed with the parent."""

    def __init__(self, connection: Connection, database: Path) -> None:
        self._connection = connection
        self._database = database
        self._pid = os.getpid()

    def __getattr__(self, name: str) -> Any:
        if os.getpid() != self._pid:
            raise StoreError(
                f"{self._database} was opened by process {self._pid}, of which this one is a fork; "
                "open the store anew in this process"
            )
        return getattr(self._connection, name)

    def cursor(self) -> "_OfOneProcess":
        """Another one of the same process; it needs no lock."""
        cursor: Connection = self.__getattr__("cursor")()
        cursor.execute("USE tracekit")
        return _OfOneProcess(cursor, self._database)


_open: set[Connection] = set()


def _leave_to_parent() -> None:
    """A child must not end what it inherited: DuckDB would wait for threads that aren't there."""
    for connection in _open:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


os.register_at_fork(after_in_child=_leave_to_parent)


@contextmanager
def start_engine(database: Path) -> Generator[Engine]:
    """An engine for the block. The caller holds the store's lock.

    Raises:
        StoreError: DuckDB can't do it; `StoreLocked`, `StoreNewer` and `StoreCorrupt` say why.
    """
    owner = os.getpid()
    connection = duckdb.connect(config=_SETTINGS)
    _open.add(connection)
    try:
        connection.execute("SET enable_progress_bar = false")  # not an option of the config
        connection.execute(f"SET temp_directory = '{_quoted(database)}.tmp'")
        yield Engine(connection, database)
    except duckdb.Error as error:
        raise explain(error, database) from error
    finally:
        if os.getpid() == owner:  # a forked child must not write the parent's checkpoint
            _open.discard(connection)
            connection.close()


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def log_of(database: Path) -> Path:
    """DuckDB's write-ahead log, which is there only after a process was killed."""
    return database.with_name(f"{database.name}.wal")


def check_magic(database: Path) -> None:
    """Refuse a file that is no DuckDB database, which DuckDB might take for another format.

    Only to be called while no connection of this process is open: to open and close the file
    a second time would drop DuckDB's lock on it.

    Raises:
        StoreCorrupt: It is something else.
    """
    try:
        with database.open("rb") as file:
            head = file.read(_MAGIC_AT + len(_MAGIC))
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(f"{database} can't be read: {error.strerror}") from error
    if head and head[_MAGIC_AT:] != _MAGIC:
        what = "an SQLite database" if head.startswith(b"SQLite") else "no DuckDB database"
        raise _corrupt(database, f"it is {what}")


def explain(error: duckdb.Error, database: Path) -> StoreError:
    """DuckDB's error as one of ours, in one sentence."""
    text = str(error)
    if "Could not set lock" in text or "Conflicting lock" in text:
        pid = re.search(r"PID (\d+)", text)
        who = f"process {pid[1]}" if pid else "another process"
        return StoreLocked(f"{database} is held by {who}; close it there and try again")
    if "database file with version number" in text:
        return StoreNewer(
            f"{database} was written by another version of DuckDB than {duckdb.__version__}; "
            "upgrade with: pip install --upgrade duckdb"
        )
    reason = next((words for sign, words in _UNWRITABLE.items() if sign in text), None)
    if reason is not None:
        return StoreError(
            f"{database} can't be written: {reason}; nothing was lost: what is recorded meanwhile "
            "waits in the spool, and the next command takes it up"
        )
    if "Permission denied" in text or "Read-only file system" in text:
        return StoreError(f"{database} can't be opened: permission denied")
    if isinstance(error, duckdb.OutOfMemoryException):
        return StoreError(f"{database}: the query needs too much memory; ask for fewer rows")
    if isinstance(error, duckdb.SerializationException) or any(word in text for word in _DAMAGE):
        return _corrupt(database, _first_line(text))
    return StoreError(f"{database}: {_first_line(text)}")


def is_about_data(error: duckdb.Error) -> bool:
    """Whether the database refused a value, and not the whole undertaking."""
    return isinstance(
        error, (duckdb.DataError, duckdb.IntegrityError, duckdb.InvalidInputException)
    )


def explain_query(error: duckdb.Error) -> QueryError:
    """What is wrong with a user's query: DuckDB's sentence, and its pointer at the place."""
    kind, _, text = str(error).partition(": ")
    if isinstance(error, duckdb.InterruptException):
        return QueryError("the query was stopped; it took too long")
    if (
        "external access" in text
        or "read-only mode" in text
        or "configuration has been locked" in text
    ):
        return QueryError(f"the query is not allowed here: {_first_line(text)}")
    return QueryError(f"{_first_line(kind)}: {text.strip()}" if text else kind)


def _corrupt(database: Path, why: str) -> StoreCorrupt:
    return StoreCorrupt(
        f"{database} is damaged ({why}); nothing was changed: run `tracekit doctor --repair` to "
        "set it aside and build a new one from the spool"
    )


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0].rstrip(".")
