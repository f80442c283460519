"""Rows out of files that DuckDB can read and Python can't."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from tracekit.errors import DatasetError

_ROWS_AT_ONCE = 1000


def parquet_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a Parquet file, a few at a time.

    Raises:
        DatasetError: It is no Parquet file.
    """
    with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection:
        try:
            found = connection.execute("SELECT * FROM read_parquet(?)", [str(path)])
            names = [column[0] for column in found.description]
            while rows := found.fetchmany(_ROWS_AT_ONCE):
                yield from (dict(zip(names, row, strict=True)) for row in rows)
        except duckdb.Error as error:
            raise DatasetError(f"{path} is no Parquet file that can be read: {error}") from error
