"""From OpenTelemetry attributes, in whatever dialect, to the columns of a span."""

from collections.abc import Mapping
from typing import Any

from tracekit import semconv
from tracekit.convert.native import COLUMN_NAMES, Columns, to_columns

__all__ = ["COLUMN_NAMES", "Columns", "span_columns"]


def span_columns(
    attributes: Mapping[str, Any], *, scope: str | None = None
) -> tuple[Columns, dict[str, Any]]:
    """The columns of a span, and the attributes that have no column.

    Args:
        attributes: Flat, as OpenTelemetry records them.
        scope: The instrumentation that made the span.
    """
    columns, rest = to_columns(attributes)
    if columns["session_id"] is None and type(rest.get(semconv.CONVERSATION_ID)) is str:
        columns["session_id"] = rest.pop(semconv.CONVERSATION_ID)
    return columns, rest
