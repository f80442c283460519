"""What the spool of a store holds, read without the store's own code."""

import json
from typing import Any

from tracekit.store.store import Store


def records(store: Store, kind: str | None = None) -> list[dict[str, Any]]:
    """All records in the order in which they were written (one process)."""
    lines = [
        json.loads(line)
        for path in sorted(store.spool_folder.glob("*.ndjson"))
        for line in path.read_bytes().splitlines()
    ]
    return [record for record in lines if kind is None or record["kind"] == kind]


def spans(store: Store) -> dict[str, dict[str, Any]]:
    """Ended spans by name."""
    return {record["name"]: record for record in records(store, "span")}
