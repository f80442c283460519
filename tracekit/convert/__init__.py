"""From OpenTelemetry attributes, in whatever dialect, to the columns of a span."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tracekit import semconv
from tracekit.convert import langfuse, logfire, openinference, openllmetry, vercel
from tracekit.convert.dialect import Facts
from tracekit.convert.native import Columns, to_columns
from tracekit.convert.reading import Object

__all__ = ["Columns", "span_columns"]

_OWN_SCOPES = "tracekit"

_DIALECTS: tuple[tuple[Callable[[Mapping[str, Any]], bool], Callable[[Facts], Object]], ...] = (
    tuple(
        (dialect.speaks, dialect.translate)
        for dialect in (langfuse, openinference, vercel, logfire, openllmetry)
    )
)
"""Those that say more go first; what one has said stands."""


def span_columns(
    attributes: Mapping[str, Any],
    *,
    scope: str | None = None,
    events: Iterable[Mapping[str, Any]] = (),
    start_ns: int = 0,
) -> tuple[Columns, dict[str, Any]]:
    """The columns of a span, and the attributes that have no column.

    Attributes of other instrumentations are translated to the conventions' names first; their
    own names stay among the attributes.

    Args:
        attributes: Flat, as OpenTelemetry records them.
        scope: The instrumentation that made the span.
        events: The span's events, `{"name", "at_ns", "attributes"}`.
        start_ns: The span's start.
    """
    columns, rest = to_columns(attributes)
    if not (scope or "").startswith(_OWN_SCOPES):
        _add(columns, rest, _translated(Facts(attributes, events, start_ns)))
    if "session_id" not in columns and type(rest.get(semconv.CONVERSATION_ID)) is str:
        columns["session_id"] = rest.pop(semconv.CONVERSATION_ID)
    return columns, rest


def _translated(facts: Facts) -> Object:
    said: Object = {}
    for speaks, translate in _DIALECTS:
        if not speaks(facts.attributes):
            continue
        try:
            said = {**translate(facts), **said}
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
            continue  # a span of a shape nobody foresaw is kept with its attributes as they are
    return said


def _add(columns: Columns, rest: dict[str, Any], said: Object) -> None:
    """What the span said in the conventions' own names stands."""
    more, others = to_columns(said)
    for name, value in more.items():
        columns.setdefault(name, value)
    for name, value in others.items():
        rest.setdefault(name, value)
