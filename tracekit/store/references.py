"""Which contents below `artifacts/` something in the database still names."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tracekit.store.connection import Connection

_TEXTS = (
    *(("span", column) for column in ("input", "output", "input_messages", "output_messages")),
    *(("span", column) for column in ("system_instructions", "attributes")),
    ("span_event", "attributes"),
    ("span_link", "attributes"),
    *(("evaluation_row", column) for column in ("inputs", "outputs", "expectations")),
    *(("dataset_row", column) for column in ("inputs", "expectations", "metadata")),
    *(("assessment", column) for column in ("value", "metadata")),
)
"""Where the JSON of a message may be, whose media are `{"type": "blob", "sha256": …}`."""

_NAMED = r"sha256\W{1,12}([0-9a-f]{64})"
"""Also within JSON that is a text of other JSON, its quotes escaped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBlob:
    """A file below `artifacts/`."""

    path: Path
    sha256: str
    size: int
    touched_ns: int
    """When it was written or last written anew."""


def stored_blobs(artifacts: Path) -> Iterator[StoredBlob]:
    """All contents that are there."""
    for path in artifacts.glob("sha256/??/*"):
        if len(path.name) == 64:
            stat = path.stat()
            yield StoredBlob(
                path=path, sha256=path.name, size=stat.st_size, touched_ns=stat.st_mtime_ns
            )


def damaged_blobs(artifacts: Path) -> Iterator[StoredBlob]:
    """Those whose content is not what their name says, or can't be read. All are read."""
    for blob in stored_blobs(artifacts):
        try:
            with blob.path.open("rb") as file:
                actual = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            actual = None
        if actual != blob.sha256:
            yield blob


def referenced(connection: Connection, *, in_messages: bool = True) -> set[str]:
    """SHA-256 of what artifacts and the media of messages name.

    Args:
        connection: To the store.
        in_messages: Off: only artifacts; on, the texts of all spans are searched.
    """
    queries = ["SELECT sha256 FROM store.artifact WHERE sha256 IS NOT NULL"]
    if in_messages:
        queries += [
            f"SELECT unnest(regexp_extract_all({column}::VARCHAR, '{_NAMED}', 1)) "
            f"FROM store.{table} WHERE contains({column}::VARCHAR, 'sha256')"
            for table, column in _TEXTS
        ]
    return {sha256 for query in queries for (sha256,) in connection.execute(query).fetchall()}
