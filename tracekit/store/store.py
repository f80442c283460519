"""A store: one folder with a spool, a database and artifacts."""

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracekit import config
from tracekit.store.lock import DEFAULT_TIMEOUT_S
from tracekit.store.spool import Spool

if TYPE_CHECKING:
    import pandas as pd

    from tracekit.store.connection import Connection


@dataclass(frozen=True, slots=True)
class Store:
    """Where the spool, the database and the artifacts of one tracking URI are."""

    folder: Path

    @property
    def database(self) -> Path:
        """The DuckDB file."""
        return self.folder / "tracekit.duckdb"

    @property
    def spool_folder(self) -> Path:
        """Where each process appends to a file of its own."""
        return self.folder / "spool"

    @property
    def artifacts(self) -> Path:
        """Where files of runs and media of spans are kept, by their content."""
        return self.folder / "artifacts"

    @property
    def exists(self) -> bool:
        """Whether anything was ever recorded here."""
        return self.database.exists() or self.spool_folder.exists()

    def spool(self, process: Callable[[], Mapping[str, Any]] = dict) -> Spool:
        """This process's spool here; the same object each time.

        Args:
            process: Facts for the first line of its files; only those of the first call count.
        """
        with _lock:
            if self.folder not in _spools:
                _spools[self.folder] = Spool(self.spool_folder, process=process)
            return _spools[self.folder]

    def reading(self, timeout_s: float = DEFAULT_TIMEOUT_S) -> AbstractContextManager["Connection"]:
        """A read-only connection that sees all that any process wrote before this call.

        Within the block of another one, in the same thread, it sees what that one sees.

        Args:
            timeout_s: Seconds to wait for another process or thread that holds the store.

        Raises:
            StoreError: The store can't be opened; see its subclasses.

        Example:
            >>> with open_store("./.tracekit").reading() as connection:  # doctest: +SKIP
            ...     connection.execute("SELECT count(*) FROM traces").fetchone()
        """
        from tracekit.store.reading import open_reading  # noqa: PLC0415  duckdb is for readers

        return open_reading(self.folder, timeout_s)

    def sql(
        self,
        query: str,
        params: Sequence[Any] | Mapping[str, Any] | None = None,
        *,
        timeout_s: float = 300.0,
    ) -> "pd.DataFrame":
        """The rows that a query gives. It can read all that is stored, and change nothing.

        Args:
            query: SQL of DuckDB over the views, such as `spans` and `runs` (docs/sql.md).
            params: Values for `?` or `$name` in the query.
            timeout_s: Seconds after which the query is stopped.

        Raises:
            QueryError: The query can't be understood or run.
            StoreError: The store can't be opened.
        """
        from tracekit.store.query import run_query  # noqa: PLC0415  duckdb is for readers

        with self.reading() as connection:
            return run_query(connection, query, params, timeout_s)


def open_store(uri: str | os.PathLike[str] | None = None) -> Store:
    """The store of a tracking URI. Nothing is created or opened yet.

    Args:
        uri: A path or `file:` URL. None: the one in use (`tracekit.set_tracking_uri`).

    Raises:
        ConfigError: The URI is of a kind that is not supported.
    """
    return Store(config.store_folder(config.get_tracking_uri() if uri is None else uri))


_spools: dict[Path, Spool] = {}
_lock = threading.Lock()


def _new_lock() -> None:
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_new_lock)
