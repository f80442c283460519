"""Whatever a program passes around: no value hangs, crashes or fails the capture of it."""

import asyncio
import collections
import dataclasses
import datetime
import decimal
import enum
import itertools
import json
import pathlib
import socket
import subprocess
import sys
import textwrap
import threading
import time
import types
import unittest.mock
import uuid
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spool_reading import spans

import tracekit
from tracekit import capture
from tracekit.store.store import Store

MOMENT_S = 0.25
"""What any value may take; the bound is 5 ms, and this machine may be slow."""


class Called(BaseException):
    """Code of the program was run, which no guard of ours would hold up."""


def refuse(*_: Any, **__: Any) -> Any:
    raise Called


class Refusing:
    """An object that nothing may be asked."""

    __getattribute__ = __getattr__ = __iter__ = __len__ = __bool__ = __hash__ = refuse
    __str__ = __repr__ = __eq__ = __format__ = __getitem__ = __call__ = refuse
    json = model_dump = dict = to_dict = refuse


def refusing(kind: type) -> Any:
    """A subclass of a builtin class that answers no question itself."""
    names = ("__iter__", "__len__", "__str__", "__repr__", "__hash__", "__eq__", "__getitem__")
    more = ("keys", "items", "values", "copy", "__bool__", "__index__", "__float__", "encode")
    return type("Sub", (kind,), {name: refuse for name in (*names, *more, "__getattribute__")})


class RefusingClass(type):
    """The class of a class that nothing may be asked."""

    __hash__ = __eq__ = __getattribute__ = __instancecheck__ = __subclasscheck__ = refuse  # type: ignore[assignment]


class Anything:
    """Answers every question with itself, without end."""

    def __getattr__(self, _name: str) -> Any:
        return self

    def __iter__(self) -> Iterator[Any]:
        return itertools.repeat(self)

    def __getitem__(self, _key: Any) -> Any:
        return self


class Slow:
    """Takes its time over whatever it is asked: an attribute that loads from a database."""

    @property
    def rows(self) -> Any:
        time.sleep(5)

    __str__ = __repr__ = lambda _: time.sleep(5) or ""  # type: ignore[assignment]


@dataclasses.dataclass
class Lazy:
    number: int = 1

    @property
    def rows(self) -> Any:
        raise Called

    def __repr__(self) -> str:
        raise Called


class Model(pydantic.BaseModel):
    number: int = 1
    role: Any = None

    @pydantic.computed_field  # type: ignore[prop-decorator]
    @property
    def late(self) -> int:
        raise Called

    @pydantic.field_serializer("number")
    def say(self, _value: int) -> int:
        raise Called

    @pydantic.model_serializer
    def say_all(self) -> Any:
        raise Called


class Role(enum.Enum):
    USER = "user"

    @property
    def value(self) -> Any:
        raise Called


class Colliding:
    def __hash__(self) -> int:
        return 1

    def __eq__(self, _other: object) -> bool:
        time.sleep(0.01)
        return False


class Endless(collections.UserDict[str, Any]):
    def __iter__(self) -> Any:
        return (str(number) for number in itertools.count())


def deep(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = {"in": [value]}
    return value


def wide(levels: int) -> Any:
    """Few objects that make 2 ** levels when each is written out."""
    value: Any = ["end"]
    for _ in range(levels):
        value = [value, value]
    return value


def cyclic(kind: str) -> Any:
    inner: dict[str, Any] = {"n": 1}
    inner["self"] = {"list": [inner], "tuple": (inner,), "dict": inner}[kind]
    return inner


def keyed(*keys: Any) -> dict[Any, int]:
    return {key: number for number, key in enumerate(keys)}


def slow_keys() -> dict[Any, int]:
    with unittest.mock.patch.object(Colliding, "__eq__", object.__eq__):
        return keyed(*(Colliding() for _ in range(200)))


async def _coroutine() -> None:
    pass


def waiting() -> Any:
    coroutine = _coroutine()
    weakref.finalize(coroutine, lambda: None)
    return coroutine


async def _stream() -> Any:
    yield 1


HOSTILE: dict[str, Any] = {
    "cycle in a list": lambda: cyclic("list"),
    "cycle in a tuple": lambda: cyclic("tuple"),
    "cycle in a dict": lambda: cyclic("dict"),
    "depth 5000": lambda: deep(2500),
    "exponential": lambda: wide(60),
    "refusing": Refusing,
    "refusing list": lambda: refusing(list)([1]),
    "refusing tuple": lambda: refusing(tuple)([1]),
    "refusing dict": lambda: refusing(dict)(a=1),
    "refusing set": lambda: refusing(set)([1]),
    "refusing frozenset": lambda: refusing(frozenset)([1]),
    "refusing str": lambda: refusing(str)("text"),
    "refusing int": lambda: refusing(int)(7),
    "refusing float": lambda: refusing(float)(7.5),
    "refusing bytes": lambda: refusing(bytes)(b"abc"),
    "refusing bytearray": lambda: refusing(bytearray)(b"abc"),
    "refusing deque": lambda: refusing(collections.deque)([1]),
    "refusing error": lambda: refusing(ValueError)("text"),
    "refusing class": lambda: RefusingClass("Made", (), {}),
    "of a refusing class": lambda: object.__new__(RefusingClass("Made", (), {})),
    "tuple of a refusing class": lambda: tuple.__new__(RefusingClass("Made", (tuple,), {}), [1]),
    "anything": Anything,
    "slow": Slow,
    "lazy dataclass": Lazy,
    "model": lambda: Model(role=Role.USER),
    "enum": lambda: Role.USER,
    "10 MB of text": lambda: "x" * 10_000_000,
    "10 MB deep within": lambda: {"a": [{"b": "é" * 10_000_000}]},
    "many texts": lambda: ["x" * 500_000] * 500,
    "many keys": lambda: {f"{number}": "x" * 100 for number in range(500_000)},
    "many numbers": lambda: [0.5] * 5_000_000,
    "many rows": lambda: [{"n": number, "t": "text"} for number in range(200_000)],
    "many objects": lambda: [object() for _ in range(200_000)],
    "many models": lambda: [Lazy() for _ in range(50_000)],
    "big set": lambda: set(range(2_000_000)),
    "lone surrogate": lambda: {"\ud800": ["\udfff" * 1000]},
    "huge integer": lambda: [2**80, -(2**63) - 1, 10**5000],
    "no numbers": lambda: [float("nan"), float("inf"), float("-inf")],
    "numpy": lambda: [np.zeros((1000, 1000)), np.float32(1), np.int64(3), np.str_("a")],
    "numpy's own": lambda: [np.complex128(1j), np.longdouble(1), np.datetime64("2026-01-01", "ns")],
    "numpy record": lambda: np.array([(1, 2.5)], dtype=[("a", int), ("b", float)])[0],
    "pandas": lambda: [pd.DataFrame({"a": range(100_000)}), pd.Timestamp(0), pd.Series([1])],
    "bytes": lambda: [b"x" * 10_000_000, bytearray(b"abc"), memoryview(b"abc")],
    "strided view": lambda: memoryview(b"abcdef")[::2],
    "generator": lambda: (number for number in itertools.count()),
    "endless": lambda: [itertools.count(), itertools.repeat(1), Endless(), iter([1])],
    "endless fields": lambda: type("P", (tuple,), {"_fields": itertools.count()})([1]),
    "proxy": lambda: types.MappingProxyType({"a": 1}),
    "proxy of another's": lambda: types.MappingProxyType(Endless(a=1)),
    "views": lambda: [{"a": 1}.keys(), {"a": 1}.values(), {"a": 1}.items()],
    "mock": unittest.mock.MagicMock,
    "strict mock": lambda: unittest.mock.create_autospec(Model),
    "keys": lambda: keyed(1, 1.5, None, True, (1, 2), Role.USER, b"k", frozenset({1}), object()),
    "colliding keys": slow_keys,
    "times": lambda: [datetime.datetime.now(datetime.UTC), datetime.date.today(), datetime.time(1)],
    "durations": lambda: [datetime.timedelta(1), decimal.Decimal("1.10"), uuid.UUID(int=1)],
    "path": lambda: pathlib.Path("/etc/passwd"),
    "module": lambda: [sys, pytest],
    "class": lambda: [Model, Role, int],
    "function": lambda: [len, cyclic, Model().model_dump],
    "handles": lambda: [threading.Lock(), threading.current_thread(), sys.stderr, asyncio.Event()],
    "async": lambda: [_stream(), asyncio.Queue()],
    "error": lambda: ValueError("no", Refusing()),
    "weak": lambda: [weakref.WeakValueDictionary(), weakref.WeakSet()],
    "counters": lambda: [collections.Counter("aab"), collections.ChainMap({"a": 1})],
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_any_value_is_written_in_a_moment(kind: str) -> None:
    value = HOSTILE[kind]()
    began = time.thread_time()
    text = capture.to_json([value])
    took = time.thread_time() - began
    json.loads(text)
    assert len(text.encode()) < 8_000_000
    assert took < MOMENT_S, took


@pytest.mark.parametrize("kind", ["refusing", "slow", "anything", "colliding keys", "endless"])
def test_what_is_not_asked_is_named(kind: str, store: Store) -> None:
    value = HOSTILE[kind]()
    began = time.perf_counter()
    with tracekit.start_span("work", attributes={"fact": value}) as span:
        span.set_inputs(value)
        span.set_outputs({"in": value})
        span.set_attribute("late", value)
        span.set_attribute("several", [value, 1])
        span.add_event("happened", {"with": value})
        tracekit.update_current_trace(metadata={"of": value}, tags={"of": value})
    assert time.perf_counter() - began < 5
    attributes = spans(store)["work"]["attributes"]
    assert set(attributes) >= {"fact", "tracekit.input", "tracekit.output", "late", "several"}


SUBCLASSES = {list: ([1], "[1]"), str: ("text", "text"), int: (7, 7), float: (7.5, 7.5)}


@pytest.mark.parametrize("kind", SUBCLASSES)
def test_an_attribute_of_a_subclass_is_read_as_what_it_is(kind: type, store: Store) -> None:
    plain, expected = SUBCLASSES[kind]
    with tracekit.start_span("work") as span:
        span.set_attribute("fact", refusing(kind)(plain))
    assert spans(store)["work"]["attributes"] == {"fact": expected}


def test_what_is_used_twice_is_shown_twice() -> None:
    shared = {"a": [1]}
    model = Lazy()
    value = {"x": shared, "y": [shared, shared], "z": (model, model)}
    written = json.loads(capture.to_json(value))
    one, other = {"a": [1]}, {"number": 1}
    assert written == {"x": one, "y": [one, one], "z": [other, other]}


def test_a_generator_is_not_consumed() -> None:
    generator = (number for number in range(3))
    capture.to_json({"rows": generator, "again": [generator]})
    assert list(generator) == [0, 1, 2]


def test_a_coroutine_is_not_awaited() -> None:
    coroutine = _coroutine()
    assert capture.to_json(coroutine) == '"<builtins.coroutine>"'
    asyncio.run(coroutine)


def test_nothing_is_copied_or_changed() -> None:
    class Unique:
        def __deepcopy__(self, _memo: Any) -> Any:
            raise Called

        __copy__ = __reduce_ex__ = __deepcopy__

    value = {"client": Unique(), "rows": bytearray(b"abc"), "socket": socket.socket()}
    before = list(value.values())
    capture.to_json(value)
    assert list(map(id, value.values())) == list(map(id, before))
    value["rows"].extend(b"more")  # a view left behind would forbid it
    value["socket"].close()


def test_the_bounds_are_told_where_they_cut() -> None:
    assert json.loads(capture.to_json(list(range(50_000))))[-1] == "<cut>"
    assert "<cut>" in capture.to_json([deep(50), object()])
    assert "[cut: 3000000 characters in all]" in capture.to_json(["x" * 3_000_000])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(capture, "MAX_SECONDS", -1.0)
        assert capture.to_json([[Lazy()] * 100] * 100).endswith('"<cut>"]')


CHANGING = """
    import faulthandler, sys, threading, time
    faulthandler.enable()
    sys.setswitchinterval(1e-6)
    from tracekit import capture

    class Thing:
        pass

    rows = [{"text": "words " * 5, "thing": Thing()} for _ in range(200)]
    value = {"rows": rows, "set": set(range(50)), "buffer": bytearray(100)}
    stop = False

    def change():
        while not stop:
            del rows[20:]
            rows.extend({"text": "others " * 6, "thing": Thing()} for _ in range(180))
            value["set"].clear(); value["set"].update(range(60))
            value["buffer"].extend(b"x" * 10); del value["buffer"][50:]
            value.pop("more", None); value["more"] = list(range(100))
    thread = threading.Thread(target=change); thread.start()
    end = time.monotonic() + 3
    while time.monotonic() < end:
        capture.to_json(value)
    stop = True
    thread.join()
    print("whole")
"""


def test_a_value_that_another_thread_changes_is_written_all_the_same() -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(CHANGING)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "whole\n", "")


Maker = Callable[[], Any]
"""Makes a hostile value, which Hypothesis itself could not be given."""

leaves = st.sampled_from([kind for kind in HOSTILE if "many" not in kind]).map(HOSTILE.__getitem__)
keys = st.text() | st.integers() | st.floats() | st.none() | st.tuples(st.integers()) | st.binary()


def around(inner: st.SearchStrategy[Maker]) -> st.SearchStrategy[Maker]:
    """Values that hold others."""
    several = st.lists(inner, max_size=4)
    return (
        several.map(lambda makers: lambda: [make() for make in makers])
        | several.map(lambda makers: lambda: tuple(make() for make in makers))
        | several.map(lambda makers: lambda: collections.deque(make() for make in makers))
        | several.map(lambda makers: lambda: Exception(*(make() for make in makers)))
        | st.dictionaries(keys, inner, max_size=4).map(
            lambda makers: lambda: {key: make() for key, make in makers.items()}
        )
        | inner.map(lambda make: lambda: types.MappingProxyType({"in": make()}))
        | inner.map(lambda make: lambda: Model.model_construct(role=make()))
    )


@settings(max_examples=300, deadline=None)
@given(st.recursive(leaves, around, max_leaves=12), st.integers(1, 50))
def test_no_value_fails(make: Maker, limit: int) -> None:
    text = capture.to_json(make(), limit)
    json.loads(text)
    assert len(text.encode()) < 8_000_000
