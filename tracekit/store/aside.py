"""What can be put into no table is kept beside the store's files: nothing recorded is deleted."""

import os
import secrets
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from tracekit.store.spool_files import SpoolFile

if TYPE_CHECKING:
    from tracekit.store.connection import Connection

FOLDER = "set-aside"
"""Below the store's folder: lines of the spool that are in no table, in files of the same names."""


def keep_bad_lines(connection: "Connection", file: SpoolFile) -> None:
    """Copy the lines of a spool file that are in no table; to be called before it is removed.

    Raises:
        OSError: They can't be written; then the file has to stay.
    """
    rows = connection.execute(
        "SELECT DISTINCT offset_bytes FROM store.bad_record WHERE file = ? ORDER BY 1", [file.name]
    ).fetchall()
    if rows and file.path.exists():
        folder = file.path.parent.with_name(FOLDER)
        folder.mkdir(mode=0o700, exist_ok=True)
        _copy_lines(file.path, [offset for (offset,) in rows], folder / file.name)


def _copy_lines(source: Path, offsets: Iterable[int], target: Path) -> None:
    partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with source.open("rb") as lines, open(descriptor, "wb") as copy:
            for offset in offsets:
                lines.seek(offset)
                copy.write(lines.readline())
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def free_name(path: Path, why: str) -> Path:
    """A name beside `path` that is not in use, such as `tracekit.duckdb.corrupt-20260102T030405`."""
    first = path.with_name(f"{path.name}.{why}-{time.strftime('%Y%m%dT%H%M%S')}")
    found, number = first, 2
    while found.exists():
        found, number = first.with_name(f"{first.name}-{number}"), number + 1
    return found
