"""From the spool to an open connection: lock, migrate, ingest, then let others read too."""

import logging
import os
import threading
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

from tracekit.errors import StoreError
from tracekit.store import schema
from tracekit.store.connection import Connection, Engine, check_magic, start_engine
from tracekit.store.failpoint import reach
from tracekit.store.ingest import ingest
from tracekit.store.location import create_folder, warn_of_network
from tracekit.store.lock import DEFAULT_TIMEOUT_S, locked

logger = logging.getLogger(__name__)

LOCK = "lock"
DATABASE = "tracekit.duckdb"
SPOOL = "spool"


@contextmanager
def open_reading(folder: Path, timeout_s: float = DEFAULT_TIMEOUT_S) -> Generator[Connection]:
    """A read-only connection that sees everything written before.

    Within another one of the same thread it sees what that one does: neither could wait for
    the other.

    Raises:
        StoreError: The store can't be opened; see its subclasses.
    """
    here = (os.getpid(), threading.get_ident(), folder)
    outer = _readings.get(here)
    if outer is not None:
        with closing(outer.cursor()) as connection:
            yield connection
        return
    with _reading(folder, timeout_s) as connection:
        _readings[here] = connection
        try:
            yield connection
        finally:
            del _readings[here]


_readings: dict[tuple[int, int, Path], Connection] = {}
"""By process and thread."""


@contextmanager
def _reading(folder: Path, timeout_s: float) -> Generator[Connection]:
    if _is_frozen(folder):
        with _reading_as_it_is(folder, timeout_s) as connection:
            yield connection
        return
    create_folder(folder)
    warn_of_network(folder)
    database = folder / DATABASE
    with locked(folder / LOCK, timeout_s=timeout_s) as lock, start_engine(database) as engine:
        update(engine, folder / SPOOL)
        lock.share()
        with engine.reading() as connection:
            yield connection


def update(engine: Engine, spool: Path) -> None:
    """Move what is new in the spool into the database. The caller holds the lock, exclusively.

    Raises:
        StoreError: The database can't be written or the spool can't be read.
    """
    try:
        _update(engine, spool)
    except StoreError:
        raise
    except OSError as error:
        raise StoreError(
            f"the store {spool.parent} can't be brought up to date: "
            f"{error.filename or spool}: {error.strerror}; nothing was lost"
        ) from error


def _update(engine: Engine, spool: Path) -> None:
    with engine.writing() as connection:
        found = schema.version(connection)
        if not schema.check(found, engine.database):
            ingest(connection, engine.database, spool)
            return
    schema.keep_copy(engine.database, found)
    reach("copied")
    with engine.writing() as connection:
        schema.migrate(connection, found)
        ingest(connection, engine.database, spool)


def _is_frozen(folder: Path) -> bool:
    return (folder / DATABASE).exists() and not os.access(folder, os.W_OK)


@contextmanager
def _reading_as_it_is(folder: Path, timeout_s: float) -> Generator[Connection]:
    """A store that this user may not change, such as an archive: without what is not ingested."""
    database = folder / DATABASE
    if not os.access(database, os.R_OK):
        raise StoreError(f"{database} can't be read: permission denied")
    logger.warning("%s is read-only: what was recorded since it was last read is not shown", folder)
    if not os.access(folder / LOCK, os.R_OK):
        with _checked(database) as connection:
            yield connection
        return
    with locked(folder / LOCK, shared=True, timeout_s=timeout_s), _checked(database) as connection:
        yield connection


@contextmanager
def _checked(database: Path) -> Generator[Connection]:
    check_magic(database)
    with start_engine(database) as engine, engine.reading() as connection:
        if schema.check(schema.version(connection), database):
            raise StoreError(
                f"{database} has an older schema and can't be changed; copy the store elsewhere"
            )
        yield connection
