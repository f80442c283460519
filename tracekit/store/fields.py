"""Fields of a spool record, checked: what the database would refuse must not reach it."""

import re
from collections.abc import Callable, Mapping
from typing import Any, cast

import orjson

Record = dict[str, Any]
SpanKey = tuple[str, str]

LATEST_NS = 2**63 - 2
"""The value after it means infinity to DuckDB."""

_TRACE_ID = re.compile(r"[0-9a-f]{32}").fullmatch
_SPAN_ID = re.compile(r"[0-9a-f]{16}").fullmatch
_NOT_FINITE = {text: text for text in ("NaN", "Infinity", "-Infinity")}
_TEXT_OR_NONE = frozenset({str, type(None)})


class BadRecordError(Exception):
    """A record that has no place in the tables; the message says why."""


def as_record(value: Any) -> Record | None:
    """A JSON object as a record; None for any other value."""
    return cast("Record", value) if type(value) is dict else None


def required_text(record: Record, name: str) -> str:
    """The text of a field that must be there."""
    value = record[name]
    if type(value) is not str:
        raise BadRecordError(f"`{name}` is no text")
    return value


def optional_text(record: Record, name: str) -> str | None:
    """The text of a field, or None."""
    value = record.get(name)
    if value is None or type(value) is str:
        return value
    raise BadRecordError(f"`{name}` is no text")


def optional_texts(record: Record, names: tuple[str, ...]) -> list[str | None]:
    """The texts of several fields, or None; one check for all, since spans have many."""
    values = list(map(record.get, names))
    if not _TEXT_OR_NONE.issuperset(map(type, values)):
        for name in names:
            optional_text(record, name)
    return values


def time_ns(value: Any) -> int:
    """Nanoseconds since the Unix epoch."""
    if type(value) is int and 0 <= value <= LATEST_NS:
        return value
    raise BadRecordError(f"{value!r} is no time in nanoseconds")


def integer(value: Any) -> int:
    """An integer of 64 bits."""
    if type(value) is int and -(2**63) <= value < 2**63:
        return value
    raise BadRecordError(f"{value!r} is no integer of 64 bits")


def as_number(value: Any) -> float | str:
    """A number; one that is not finite stays the text it comes as, since JSON has none."""
    return _NOT_FINITE[value] if type(value) is str else float(value)


def span_key(record: Record) -> SpanKey:
    """Trace and span id."""
    trace_id, span_id = record["trace_id"], record["span_id"]
    if _TRACE_ID(trace_id) and _SPAN_ID(span_id):
        return trace_id, span_id
    raise BadRecordError("`trace_id` or `span_id` is not lower-case hexadecimal of its length")


def parent_id(record: Record) -> str | None:
    """The id of the parent span, or None for a root."""
    parent: str | None = record.get("parent_span_id")
    if parent is None or _SPAN_ID(parent):
        return parent
    raise BadRecordError("`parent_span_id` is not lower-case hexadecimal of its length")


def json_text(value: Any) -> str | None:
    """A structure as JSON text; nothing for one that is empty."""
    return orjson.dumps(value).decode() if value else None


def is_text(value: Any) -> bool:
    """Whether it is a text."""
    return type(value) is str


def is_time(value: Any) -> bool:
    """Whether it can be a time, or another count, of 64 bits."""
    return type(value) is int and 0 <= value <= LATEST_NS


def is_number(value: Any) -> bool:
    """Whether it is a number."""
    return type(value) in {int, float}


def is_object(value: Any) -> bool:
    """Whether it is a JSON object."""
    return type(value) is dict


def named_fields(record: Record, kinds: Mapping[str, Callable[[Any], bool]]) -> dict[str, Any]:
    """Those of the fields that the record names; objects as JSON text."""
    fields: dict[str, Any] = {}
    for name, fits in kinds.items():
        if name not in record:
            continue
        value = record[name]
        if value is not None and not fits(value):
            raise BadRecordError(f"`{name}` is of the wrong type")
        fields[name] = json_text(value) if fits is is_object else value
    return fields
