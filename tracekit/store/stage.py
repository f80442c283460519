"""Rows on their way into the database: JSON lines, in files that DuckDB reads itself.

That takes a fifth of the time that handing over values of Python does, leaves the interpreter to
others meanwhile, and needs no memory: rows kept until their transaction would cost more in page
faults than all that is done with them.
"""

import glob
import os
from collections.abc import Mapping
from io import BufferedWriter, FileIO
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

_BUFFER_BYTES = 1 << 20
_SHORT_ROW = 1 << 20
"""DuckDB's buffers are twice as large as the longest row that it is told to expect."""


class StageFile:
    """Rows of one table."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BufferedWriter | None = None
        self._longest = _SHORT_ROW

    def add(self, row: Mapping[str, Any]) -> None:
        """Add a row: values by the names of their columns."""
        data = orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
        if self._file is None:
            self._file = self._open()
        self._longest = max(self._longest, len(data))
        self._file.write(data)

    def close(self) -> None:
        """Have all rows in the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def remove(self) -> None:
        """Remove the file, if there is one."""
        self._path.unlink(missing_ok=True)

    @property
    def arguments(self) -> tuple[str, int]:
        """For the two `?` of `reader`."""
        return glob.escape(str(self._path)), self._longest

    def _open(self) -> BufferedWriter:
        descriptor = os.open(
            self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600
        )
        return BufferedWriter(FileIO(descriptor, "wb"), _BUFFER_BYTES)


class Stage:
    """The rows of one batch that are many."""

    def __init__(self, database: Path, number: int) -> None:
        self.spans = StageFile(database.with_name(f"{database.name}.spans-{number}"))
        self.metrics = StageFile(database.with_name(f"{database.name}.metrics-{number}"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.spans.close()
        self.metrics.close()

    def remove(self) -> None:
        """Remove the files."""
        self.spans.remove()
        self.metrics.remove()


def reader(columns: Mapping[str, str]) -> str:
    """SQL for the rows of a stage file, of columns of those types."""
    types = ", ".join(f"{name}: '{kind}'" for name, kind in columns.items())
    return (
        f"read_json(?, format = 'newline_delimited', columns = {{{types}}}, "
        "maximum_object_size = 2 * ?)"
    )
