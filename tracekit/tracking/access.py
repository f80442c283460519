"""One store: records go to its spool, questions are read from its database."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tracekit import config
from tracekit.recording import spool_of
from tracekit.store.moments import moment_ns
from tracekit.store.store import open_store
from tracekit.tracking.values import checked_key, stored_text

if TYPE_CHECKING:
    from tracekit.store.connection import Connection

T = TypeVar("T")


class StoreAccess:
    """What each part of the client stands on."""

    def __init__(self, tracking_uri: str | Path | None = None) -> None:
        self.tracking_uri = str(tracking_uri or config.get_tracking_uri())
        self._store = open_store(self.tracking_uri)
        self._spool = spool_of(self.tracking_uri)

    def _read(self, query: "Callable[[Connection], T]") -> T:
        with self._store.reading() as connection:
            return query(connection)

    def _record(self, kind: str, **fields: Any) -> None:
        if config.settings().enabled:
            self._spool.append({"kind": kind, **fields, "at_ns": moment_ns()})

    def _tag(self, subject: str, subject_id: str, key: str, value: Any) -> None:
        """Set a tag; None removes it."""
        text = None if value is None else stored_text(value)
        checked_key(key, "tag")
        self._record("tag", subject=subject, subject_id=subject_id, key=key, value=text)
