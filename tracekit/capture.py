"""Any value as JSON text, whatever it is: bounded, and without running code of the user.

What is put into a span comes from the traced program, so it may be cyclic, huge, lazy, broken
or secret. Nothing here calls `__str__`, `__repr__`, properties or methods of the program's own
classes, nor copies its objects.
"""

# The values handled here are anything at all, so their types stay unknown.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

import base64
import dataclasses
import datetime
import gc
import time
from collections import UserDict, UserList, deque
from collections.abc import Callable, Iterable
from decimal import Decimal
from itertools import islice
from pathlib import PurePath
from types import MappingProxyType, UnionType
from typing import Any, cast
from weakref import WeakKeyDictionary

import orjson

MAX_DEPTH = 32
MAX_NODES = 20_000
MAX_CHARACTERS = 4_000_000
"""Text of one value, all of it together."""
MAX_SECONDS = 0.005
"""Of the processor: a value that takes longer to walk is cut, so as not to slow the program."""


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
        is_text = type(value) is str and len(value) <= max_text_length
        if is_text or _is_plain(value, max_text_length):
            return orjson.dumps(value).decode()
    except Exception:  # noqa: S110  a lone surrogate, a huge integer, changed by another thread …
        pass
    return orjson.dumps(plain(value, max_text_length)).decode()


def plain(value: Any, max_text_length: int = 1_000_000) -> Any:
    """`value` as plain JSON data, cut to the bounds of this module. Never raises.

    >>> cyclic = []
    >>> cyclic.append(cyclic)
    >>> plain(cyclic)
    ['<cycle>']
    """
    return _Walk(max_text_length).read(value, 0)


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


_NONE = type(None)
_NUMBERS: frozenset[type[Any]] = frozenset({int, float, bool, _NONE})


def _is_plain(value: Any, max_characters: int) -> bool:
    """Whether `value` is JSON data within the bounds: nothing in it has to be opened or cut.

    Only that may be given to orjson as it is. While orjson calls back for an object, another
    thread may change the list or the dict that it is in the middle of, and the process crashes.
    """
    pending: list[Any] = [[value]]
    nodes = characters = 0
    for container in pending:  # which grows meanwhile
        nodes += len(container)
        if nodes > MAX_NODES or characters > max_characters:
            return False
        items: Any = container
        if type(container) is dict:
            for key in container:
                if type(key) is not str:
                    return False
                characters += len(key)
            items = container.values()
        elif len(container) > 8 and _NUMBERS.issuperset(map(type, container)):
            continue
        for item in items:
            kind = type(item)
            if kind is str:
                characters += len(item)
            elif kind is dict or kind is list or kind is tuple:
                pending.append(item)
            elif not (kind is int or kind is float or kind is bool or kind is _NONE):
                return False
    return characters <= max_characters


class _Walk:
    """One walk over one value: counts nodes and text, watches the clock, remembers the path."""

    __slots__ = ("deadline", "max_text_length", "nodes", "path", "room", "watched")

    def __init__(self, max_text_length: int) -> None:
        self.max_text_length = max_text_length
        self.room = max(MAX_CHARACTERS, max_text_length)
        self.nodes = 0
        self.watched = 64
        """Nodes until the next look at the clock."""
        self.deadline = time.thread_time() + MAX_SECONDS
        self.path: set[int] = set()

    def read(self, value: Any, depth: int) -> Any:
        kind: type[Any] = type(value)
        if kind is str or issubclass(kind, str):
            return self.text(value)
        if kind is float or kind is bool or kind is _NONE:
            return value
        if issubclass(kind, int):
            return _integer(int.__index__(value))
        if issubclass(kind, float):
            return float.__float__(value)
        if depth > MAX_DEPTH or self.is_over():
            return "<cut>"
        if id(value) in self.path:
            return "<cycle>"
        self.path.add(id(value))
        try:
            return self.inside(_opened(value, MAX_NODES - self.nodes), depth + 1)
        except Exception:
            return _name(value)
        finally:
            self.path.discard(id(value))

    def is_over(self) -> bool:
        self.nodes += 1
        if self.nodes > self.watched:
            self.watched = self.nodes + 64
            if time.thread_time() > self.deadline:
                self.nodes = MAX_NODES
        return self.nodes >= MAX_NODES

    def inside(self, opened: Any, depth: int) -> Any:
        if type(opened) is _Pairs:
            self.nodes += len(opened)
            return {self.key(key): self.read(item, depth) for key, item in opened}
        if type(opened) is _Items:
            self.nodes += len(opened)
            end = ["<cut>"] if self.nodes >= MAX_NODES else []
            return [self.read(item, depth) for item in opened] + end
        return self.read(opened, depth)

    def key(self, key: Any) -> str:
        if _is(key, str):
            return self.text(key)
        kind = type(key)
        if kind is int or kind is float or kind is bool or kind is _NONE:
            return str(key)
        return _name(key)

    def text(self, value: str) -> str:
        length, limit = str.__len__(value), min(self.max_text_length, self.room)
        if length <= limit and type(value) is str and value.isascii():
            self.room -= length
            return value
        text = str.__getitem__(value, slice(limit))
        self.room -= len(text)
        if len(text) < length:
            text = f"{text}… [cut: {length} characters in all]"
        return text if _is_unicode(text) else text.encode("utf-8", "replace").decode()


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


class _Pairs(list[tuple[Any, Any]]):
    """What an object or a mapping holds: names and values, in a list of our own."""


class _Items(list[Any]):
    """What a sequence or a set holds, in a list of our own."""


_Opener = Callable[[Any, int], Any]
"""Given an object, and for how many items there is room: what it holds, or something simpler.

By the methods of the builtin classes, since those of a subclass are code of the program. Each
copies in one step, so that no other thread changes the object meanwhile.
"""


def _opened(value: Any, room: int) -> Any:
    kind: type[Any] = type(value)
    if kind is dict:
        return _Pairs(islice(cast("dict[Any, Any]", value).items(), room))
    if kind is list:
        return _Items(islice(cast("list[Any]", value), room))
    if _of_class(type(kind), "__hash__") is not _HASH:  # the metaclass is the program's own
        return _opener_of(kind)(value, room)
    opener = _openers.get(kind)
    if opener is None:
        opener = _openers[kind] = _opener_of(kind)
    return opener(value, room)


_openers: WeakKeyDictionary[type, _Opener] = WeakKeyDictionary()


def _opener_of(kind: type[Any]) -> _Opener:
    """How objects of a class are opened: builtins, and what people pass around of libraries."""
    lineage: tuple[type[Any], ...] = _LINEAGE.__get__(kind)
    fields = _of_class(kind, "_fields")
    if type(fields) is tuple and issubclass(kind, tuple):
        names = cast("tuple[Any, ...]", fields)
        return lambda value, _: _Pairs(zip(names, tuple.__iter__(value), strict=False))
    for known, opener in _BUILTIN:
        if any(base is known for base in lineage):
            return opener
    if _of_class(kind, "__dataclass_fields__") is not None:
        shown = [field.name for field in dataclasses.fields(kind) if field.repr]
        return lambda value, _: _shown(value, shown)
    inherited = [_class_name(base) for base in lineage]
    for foreign, opener in _FOREIGN:
        if foreign in inherited:
            return opener
    name = f"<{inherited[0]}>"
    return lambda _value, _room: name


def _of_class(kind: type[Any], name: str) -> Any:
    """What a class, or one that it inherits from, has under a name."""
    owned = map(_NAMESPACE.__get__, _LINEAGE.__get__(kind))
    return next((names[name] for names in owned if name in names), None)


def _collection(kind: Any) -> tuple[type[Any], _Opener]:
    return kind, lambda value, room: _Items(islice(kind.__iter__(value), room))


def _text(kind: type[Any], write: Callable[[Any], str]) -> tuple[type[Any], _Opener]:
    return kind, lambda value, _: write(value)


def _bytes(kind: Any) -> tuple[type[Any], _Opener]:
    """By no view of a bytearray: while there is one, the program can't resize it."""

    def opened(value: Any, _: int) -> Any:
        size = kind.__len__(value)
        if size > 1024:
            return f"<{size} bytes>"
        data = kind.__getitem__(value, slice(size))
        return _Pairs([("base64", base64.b64encode(bytes(data)).decode())])

    return kind, opened


def _error(value: Any, _: int) -> Any:
    return _Pairs([("type", _name(value)), ("args", _ARGUMENTS.__get__(value))])


_HASH = object.__dict__["__hash__"]
_ARGUMENTS: Any = BaseException.__dict__["args"]

_BUILTIN: tuple[tuple[type[Any], _Opener], ...] = (
    (dict, lambda value, room: _Pairs(islice(dict.items(value), room))),
    *(_collection(kind) for kind in (tuple, list, set, frozenset, deque)),
    *map(_collection, (type({}.keys()), type({}.values()), type({}.items()))),
    *(_bytes(kind) for kind in (bytes, bytearray, memoryview)),
    _text(Decimal, Decimal.__str__),
    _text(PurePath, PurePath.__str__),
    _text(datetime.datetime, lambda value: datetime.datetime.isoformat(value, " ")),
    _text(datetime.date, datetime.date.isoformat),
    _text(datetime.time, datetime.time.isoformat),
    _text(datetime.timedelta, datetime.timedelta.__str__),
    _text(type, lambda value: f"<class {_class_name(value)}>"),
    (BaseException, _error),
    (MappingProxyType, lambda value, _: gc.get_referents(value)[0]),
    (UserDict, lambda value, _: _instance_fields(value).get("data")),
    (UserList, lambda value, _: _instance_fields(value).get("data")),
)


def _shown(value: Any, names: Iterable[str]) -> _Pairs:
    fields = _instance_fields(value)
    return _Pairs((name, fields.get(name)) for name in names)


def _model(value: Any, _: int) -> Any:
    fields = _instance_fields(value)
    extra = fields.get("__pydantic_extra__")
    own = _Pairs(pair for pair in fields.items() if not pair[0].startswith("__"))
    return _Pairs([*own, *dict.items(extra)]) if type(extra) is dict else own


def _member(value: Any, _: int) -> Any:
    inner = _instance_fields(value).get("_value_")
    return inner if _is(inner, str | int | float) else _name(value)


def _array(value: Any, _: int) -> str:
    library = _class_name(type(value)).partition(".")[0]
    return f"<{library}.{_QUALNAME.__get__(type(value))} of shape {value.shape}>"


def _number(value: Any, _: int) -> Any:
    inner = value.item()
    return _name(value) if type(inner) is type(value) else inner


_FOREIGN: tuple[tuple[str, _Opener], ...] = (
    ("pydantic.main.BaseModel", _model),
    ("pydantic.v1.main.BaseModel", _model),
    ("pydantic.types.SecretStr", lambda _value, _room: "**********"),
    ("pydantic.types.SecretBytes", lambda _value, _room: "**********"),
    ("enum.Enum", _member),
    ("uuid.UUID", lambda value, _: str(value)),
    ("numpy.ndarray", _array),
    ("pandas.DataFrame", _array),
    ("pandas.core.frame.DataFrame", _array),
    ("numpy.generic", _number),
)


def _instance_fields(value: Any) -> dict[str, Any]:
    """The instance's own `__dict__`, or its slots, read past any `__getattribute__` of its class."""
    try:
        fields = dict.copy(object.__getattribute__(value, "__dict__"))
    except AttributeError:
        fields = {}
    for names in map(_NAMESPACE.__get__, _LINEAGE.__get__(type(value))):
        slots = names.get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            descriptor = names.get(slot)
            if descriptor is not None and type(descriptor) is _SLOT and slot not in fields:
                try:
                    fields[slot] = descriptor.__get__(value)
                except AttributeError:
                    continue
    return fields


class _Slotted:
    __slots__ = ("slot",)


_SLOT: type[Any] = type(_Slotted.__dict__["slot"])


def _name(value: Any) -> str:
    return f"<{_class_name(type(value))}>"


def _class_name(kind: type[Any]) -> str:
    """Module and name of a class, past what its metaclass makes of them."""
    module, name = _MODULE.__get__(kind), _QUALNAME.__get__(kind)
    return f"{module}.{name}" if type(module) is str else name


_MODULE: Any = type.__dict__["__module__"]
_QUALNAME: Any = type.__dict__["__qualname__"]
_LINEAGE: Any = type.__dict__["__mro__"]
_NAMESPACE: Any = type.__dict__["__dict__"]
