"""Foreign values read with care: of whatever type, JSON or not, and never an error."""

from collections.abc import Mapping
from typing import Any, cast

import orjson

from tracekit.capture import from_json

Object = dict[str, Any]


def as_object(value: Any) -> Object:
    """A JSON object, given as such or as its text; an empty one for anything else."""
    parsed = from_json(value)
    return cast("Object", parsed) if isinstance(parsed, dict) else {}


def as_list(value: Any) -> list[Any]:
    """A JSON array, given as such or as its text; an empty one for anything else."""
    parsed = from_json(value)
    return cast("list[Any]", parsed) if isinstance(parsed, list) else []


def to_json(value: Any) -> str:
    """As JSON text."""
    return orjson.dumps(value).decode()


def as_json_text(value: Any) -> str | None:
    """JSON text as it is, other text quoted, a structure as JSON text."""
    if value is None:
        return None
    if isinstance(value, str) and not isinstance(from_json(value), str):
        return value
    return to_json(value)


def as_count(value: Any) -> int | None:
    """A whole number that is not negative, also where it came as a float or a text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**63:
        return None
    return int(value) if int(value) == value else None


def as_number(value: Any) -> float | None:
    """A number, also where it came as a text."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def as_text(value: Any) -> str | None:
    """A text that says something."""
    return value if isinstance(value, str) and value else None


def first(source: Mapping[str, Any], *names: str) -> Any:
    """The value of the first of these names that has one."""
    for name in names:
        value = source.get(name)
        if value is not None:
            return value
    return None


def known(facts: Mapping[str, Any]) -> Object:
    """Without what is None or empty."""
    return {name: value for name, value in facts.items() if value not in (None, "", [], {})}
