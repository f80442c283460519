"""The spans of a store as an outline, to be read and compared."""

from typing import Any

from spool_reading import records

from tracekit.store.store import Store


def outline(store: Store) -> list[str]:
    """Names of the ended spans in order of their start, each indented below its parent."""
    spans = sorted(records(store, "span"), key=lambda span: span["start_ns"])
    known = {span["span_id"] for span in spans}
    lines: list[str] = []

    def add(parent: str | None, depth: int) -> None:
        for span in spans:
            above = span["parent_span_id"]
            if (above if above in known else None) == parent:
                lines.append("  " * depth + span["name"])
                add(span["span_id"], depth + 1)

    add(None, 0)
    return lines


def path_to(store: Store, name: str) -> list[str]:
    """Names from the root to the span of that name; it must be the only one."""
    spans = {span["span_id"]: span for span in records(store, "span")}
    (span,) = [span for span in spans.values() if span["name"] == name]
    names = [span["name"]]
    while span["parent_span_id"] in spans:
        span = spans[span["parent_span_id"]]
        names.append(span["name"])
    return names[::-1]


def calls(store: Store) -> list[dict[str, Any]]:
    """The spans that are counted as model calls."""
    operations = {"chat", "text_completion", "embeddings"}
    found = [s for s in records(store, "span")]
    return [s for s in found if s["attributes"].get("gen_ai.operation.name") in operations]
