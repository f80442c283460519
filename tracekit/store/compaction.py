"""Gives the space of deleted rows back to the disk, which DuckDB does not do by itself."""

import os
import shutil
from pathlib import Path

from tracekit.errors import StoreError
from tracekit.store.connection import log_of, start_engine
from tracekit.store.failpoint import reach


def compact(database: Path) -> None:
    """Write the database anew, without gaps, and put it in the place of the old one.

    Killed anywhere, either the old or the new one is there, whole. The caller holds the lock,
    exclusively, and no connection is open.

    Raises:
        StoreError: There is no room for the copy, or it can't be written; nothing was changed.
    """
    log = log_of(database)
    if log.exists() and log.stat().st_size:
        raise StoreError(f"{log} is not folded in yet")
    part = database.with_name(f"{database.name}.compact")
    remove_part(part)
    try:
        with start_engine(database) as engine:
            engine.copy_to(part)
        reach("compacted")
        shutil.copymode(database, part)
        put_in_place(part, database)
    finally:
        remove_part(part)
    reach("swapped")


def remove_part(part: Path) -> None:
    """Remove an unfinished database, which a process that was killed may have left."""
    for path in (part, log_of(part)):
        path.unlink(missing_ok=True)


def put_in_place(part: Path, database: Path) -> None:
    """Replace the database by a new one, durably. No connection to either may be open."""
    _sync(part)
    os.replace(part, database)
    _sync(database.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
