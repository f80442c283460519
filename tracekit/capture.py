"""Any value as JSON text, whatever it is: bounded, and without running code of the user.

What is put into a span comes from the traced program, so it may be cyclic, huge, lazy, broken
or secret. Nothing here calls `__str__`, `__repr__`, properties or methods of the program's own
classes, nor copies its objects.
"""

# The values handled here are anything at all, so their types stay unknown.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

import base64
import dataclasses
import time
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from decimal import Decimal
from pathlib import PurePath
from types import UnionType
from typing import Any, cast

import orjson

MAX_DEPTH = 32
MAX_NODES = 20_000
MAX_SECONDS = 0.005
"""A value that takes longer to walk is cut; a span must not slow the program down."""
PLAIN_BYTES = 256 * 1024
"""JSON up to this size is stored as it comes; larger values are walked and cut."""

_OPTIONS = (
    orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_SUBCLASS
)


def to_json(value: Any, max_text_length: int = 1_000_000) -> str:
    """`value` as JSON text. Never raises.

    Numbers, texts, lists and mappings keep their form; dataclasses and pydantic models become
    objects of their fields; bytes, arrays and data frames become a short description; all other
    objects become `"<module.Class>"`. Strings over `max_text_length` characters are cut, with
    their length told.

    >>> to_json({"a": [1, 2.5, None]})
    '{"a":[1,2.5,null]}'
    >>> to_json({"x": object()})
    '{"x":"<builtins.object>"}'
    """
    try:
        text = orjson.dumps(value, default=_Walk(max_text_length).shallow, option=_OPTIONS)
        if len(text) <= PLAIN_BYTES:
            return text.decode()
    except (orjson.JSONEncodeError, RecursionError, MemoryError, RuntimeError):
        pass  # cyclic, too deep, a lone surrogate, an integer over 64 bits: walked below
    return orjson.dumps(plain(value, max_text_length), option=_OPTIONS).decode()


def plain(value: Any, max_text_length: int = 1_000_000) -> Any:
    """`value` as plain JSON data, cut to the bounds of this module. Never raises.

    >>> cyclic = []
    >>> cyclic.append(cyclic)
    >>> plain(cyclic)
    ['<cycle>']
    """
    return _Walk(max_text_length).deep(value, 0)


def from_json(value: Any) -> Any:
    """What a JSON text says; any other value, and a text that is no JSON, as it is.

    >>> from_json('{"city": "Paris"}'), from_json('{"city": "Par')
    ({'city': 'Paris'}, '{"city": "Par')
    """
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value


def cut(text: str, limit: int) -> str:
    """`text` with at most `limit` characters kept, and its length told if it was cut.

    >>> cut("abcdef", 3)
    'abc… [cut: 6 characters in all]'
    """
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… [cut: {len(text)} characters in all]"


class _Walk:
    """One walk over one value: counts nodes, watches the clock, remembers the path."""

    def __init__(self, max_text_length: int) -> None:
        self.max_text_length = max_text_length
        self.nodes = 0
        self.deadline = 0.0
        self.path: set[int] = set()

    def shallow(self, value: Any) -> Any:
        """One object that orjson can't write itself, one level opened."""
        if not self.deadline:
            self.deadline = time.perf_counter() + MAX_SECONDS
        self.nodes += 1
        if self.nodes > MAX_NODES or time.perf_counter() > self.deadline:
            return "<cut>"
        return self.deep(value, 0) if _is(value, str | int) else _opened(value)

    def deep(self, value: Any, depth: int) -> Any:
        if value is None or value is True or value is False:
            return value
        if _is(value, str):
            return self.text(value)
        if _is(value, int):
            return _integer(int(value))
        if _is(value, float):
            return float(value)
        return self.inside(value, depth)

    def inside(self, value: Any, depth: int) -> Any:
        if not self.deadline:
            self.deadline = time.perf_counter() + MAX_SECONDS * 10
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES or time.perf_counter() > self.deadline:
            return "<cut>"
        identity = id(value)
        if identity in self.path:
            return "<cycle>"
        self.path.add(identity)
        try:
            return self.container(_opened(value), depth)
        except Exception:
            return _name(value)
        finally:
            self.path.discard(identity)

    def container(self, value: Any, depth: int) -> Any:
        if type(value) is dict:
            items = list(cast("dict[Any, Any]", value).items())[:MAX_NODES]
            return {_key(key): self.deep(item, depth + 1) for key, item in items}
        if type(value) is list:
            return [self.deep(item, depth + 1) for item in cast("list[Any]", value)[:MAX_NODES]]
        return self.deep(value, depth) if _is(value, str | int | float) else value

    def text(self, value: str) -> str:
        text = str.__str__(value)
        if len(text) > self.max_text_length:
            text = cut(text, self.max_text_length)
        return text.encode("utf-8", "replace").decode() if not _is_unicode(text) else text


def _is(value: Any, kinds: type | UnionType) -> bool:
    """`isinstance` by the type alone: the value's own `__class__` may be code of the program."""
    return issubclass(type(value), kinds)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _integer(value: int) -> int | str:
    return value if -(2**63) <= value < 2**64 else f"<integer of {value.bit_length()} bits>"


def _key(key: Any) -> str:
    if isinstance(key, str):
        text = str.__str__(key)
        return text if _is_unicode(text) else text.encode("utf-8", "replace").decode()
    if key is None or isinstance(key, bool | int | float):
        return str(key)
    return _name(key)


def _opened(value: Any) -> Any:
    """`value` as a dict, list or scalar, without running code of the program."""
    kind: type[Any] = type(value)
    if kind is dict or kind is list:
        return value
    if _is(value, tuple):
        fields = getattr(kind, "_fields", None)
        items: list[Any] = list(cast("tuple[Any, ...]", value))
        return dict(zip(fields, items, strict=False)) if fields else items
    if _is(value, dict):
        mapping: dict[Any, Any] = value
        return dict.copy(mapping)
    if _is(value, list):
        sequence: list[Any] = value
        return list.copy(sequence)
    if _is(value, set | frozenset):
        return list(cast("set[Any]", value))
    return _opened_object(value)


def _opened_object(value: Any) -> Any:
    if _is(value, bytes | bytearray | memoryview):
        return _bytes(value)
    if _is(value, Decimal | PurePath):
        return str(value)
    if _is(value, BaseException):
        return {"type": _name(value), "args": list(value.args)}
    if _is(value, type):
        return f"<class {value.__module__}.{value.__qualname__}>"
    if dataclasses.is_dataclass(value):
        fields = _instance_fields(value)
        return {f.name: fields.get(f.name) for f in dataclasses.fields(value) if f.repr}
    return _opened_foreign(value)


def _opened_foreign(value: Any) -> Any:
    """Objects of libraries that people pass around: pydantic, numpy, pandas, enum, datetime."""
    kind: type[Any] = type(value)
    names = {f"{base.__module__}.{base.__qualname__}" for base in kind.__mro__}
    if "pydantic.main.BaseModel" in names or "pydantic.v1.main.BaseModel" in names:
        fields = _instance_fields(value)
        extra = fields.get("__pydantic_extra__")
        fields = {name: item for name, item in fields.items() if not name.startswith("__")}
        return {**fields, **cast("dict[str, Any]", extra if type(extra) is dict else {})}
    if names & {"pydantic.types.SecretStr", "pydantic.types.SecretBytes"}:
        return "**********"
    if kind.__module__ in {"datetime", "uuid"}:
        return str(value)
    if "enum.Enum" in names:
        return value.value if isinstance(value.value, str | int | float) else _name(value)
    if names & {"numpy.ndarray", "pandas.DataFrame", "pandas.core.frame.DataFrame"}:
        return f"<{kind.__module__.partition('.')[0]}.{kind.__qualname__} of shape {value.shape}>"
    if "numpy.generic" in names:
        return value.item()
    if kind.__module__ in {"types", "collections", "builtins"}:
        if _is(value, Mapping):
            return dict(cast("Mapping[Any, Any]", value))
        if _is(value, AbstractSet):
            return list(cast("AbstractSet[Any]", value))
    return _name(value)


def _instance_fields(value: Any) -> dict[str, Any]:
    """The instance's own `__dict__`, or its slots, read past any `__getattribute__` of its class."""
    try:
        fields = dict(object.__getattribute__(value, "__dict__"))
    except AttributeError:
        fields = {}
    for base in type(value).__mro__:
        slots = base.__dict__.get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            descriptor = base.__dict__.get(slot)
            if descriptor is not None and type(descriptor) is _SLOT and slot not in fields:
                try:
                    fields[slot] = descriptor.__get__(value)
                except AttributeError:
                    continue
    return fields


class _Slotted:
    __slots__ = ("slot",)


_SLOT: type[Any] = type(_Slotted.__dict__["slot"])


def _bytes(value: bytes | bytearray | memoryview) -> Any:
    size = value.nbytes if isinstance(value, memoryview) else len(value)
    if size > 1024:
        return f"<{size} bytes>"
    return {"base64": base64.b64encode(bytes(value)).decode()}


def _name(value: Any) -> str:
    kind: type[Any] = type(value)
    return f"<{kind.__module__}.{kind.__qualname__}>"
