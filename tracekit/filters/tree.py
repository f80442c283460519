"""The tree that a filter becomes: comparisons of typed fields, joined by AND, OR and NOT."""

from dataclasses import dataclass
from enum import Enum

Value = str | int | float | bool


class Scope(Enum):
    """Where a field lives."""

    ATTRIBUTE = "attributes"
    PARAM = "params"
    METRIC = "metrics"
    TAG = "tags"
    METADATA = "metadata"
    FEEDBACK = "feedback"
    EXPECTATION = "expectation"
    SPAN = "span"
    SPAN_ATTRIBUTE = "span.attributes"


class Type(Enum):
    """What a field may be compared with."""

    TEXT = "text"
    NUMBER = "a number"
    TIME = "a time"
    ANY = "text or a number"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a run or trace."""

    scope: Scope
    name: str
    """A name of the vocabulary in `ATTRIBUTE` and `SPAN`; elsewhere any key a user chose."""
    type: Type


@dataclass(frozen=True, slots=True)
class Comparison:
    """One field against one value, or against several for IN."""

    field: Field
    operator: str
    """`=` `!=` `>` `>=` `<` `<=` `LIKE` `ILIKE` `RLIKE` `IN` `IS NULL`."""
    values: tuple[Value, ...] = ()
    """One value; several for IN; none for IS NULL. A time is milliseconds since the Unix epoch."""


@dataclass(frozen=True, slots=True)
class And:
    """True if all are."""

    terms: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Or:
    """True if one is."""

    terms: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    """True if the other is not."""

    term: "Condition"


Condition = Comparison | And | Or | Not


@dataclass(frozen=True, slots=True)
class Order:
    """One field to sort by."""

    field: Field
    descending: bool
