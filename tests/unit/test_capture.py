import dataclasses
import json
import math
import time
from collections import namedtuple
from decimal import Decimal
from typing import Any

import numpy as np
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracekit import capture


class Hostile:
    """Everything that a serialiser might be tempted to call."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__

    def __iter__(self) -> Any:
        raise RuntimeError

    @property
    def value(self) -> Any:
        raise RuntimeError

    def json(self) -> Any:
        raise RuntimeError

    model_dump = dict = json


def cyclic() -> Any:
    value: dict[str, Any] = {"a": [1]}
    value["self"] = value
    return value


def deep(levels: int) -> Any:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


@dataclasses.dataclass(slots=True)
class Slotted:
    name: str
    secret: str = dataclasses.field(default="hidden", repr=False)


Point = namedtuple("Point", "x y")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": (1, 2.5, None, True)}, {"a": [1, 2.5, None, True]}),
        ({1: "x", None: "y", (1, 2): "z"}, None),
        (2**80, "<integer of 81 bits>"),
        ("\ud800", "?"),
        (Decimal("1.10"), "1.10"),
        (Slotted("n"), {"name": "n"}),
        (Point(1, 2), {"x": 1, "y": 2}),
        (b"abc", {"base64": "YWJj"}),
        (b"x" * 5000, "<5000 bytes>"),
        (np.float64(1.5), 1.5),
        (np.zeros((100, 3)), "<numpy.ndarray of shape (100, 3)>"),
        (float("nan"), None),
        (ValueError("no"), {"type": "<builtins.ValueError>", "args": ["no"]}),
        (range(3), "<builtins.range>"),
        ((i for i in ()), "<builtins.generator>"),
    ],
)
def test_any_value_becomes_json(value: Any, expected: Any) -> None:
    plain = json.loads(capture.to_json(value))
    if expected is not None:
        assert plain == expected


def test_nothing_of_an_object_of_the_programs_own_is_called() -> None:
    assert capture.to_json({"x": [Hostile()]}) == '{"x":["<test_capture.Hostile>"]}'


@pytest.mark.parametrize("value", [cyclic(), deep(5000), [cyclic()] * 3, {"x": [deep(400)] * 50}])
def test_cycles_and_depth_are_cut(value: Any) -> None:
    start = time.perf_counter()
    text = capture.to_json(value)
    json.loads(text)
    assert len(text) < 100_000
    assert time.perf_counter() - start < 5


def test_a_pydantic_model_becomes_its_fields() -> None:
    class Order(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra="allow")
        number: int
        key: pydantic.SecretStr

    order = Order.model_validate({"number": 1, "key": "hidden", "more": [2]})
    expected = {"number": 1, "key": "**********", "more": [2]}
    assert json.loads(capture.to_json(order)) == expected
    assert capture.plain({"order": order}) == {"order": expected}


def test_a_repeated_value_is_not_a_cycle() -> None:
    shared = {"a": 1}
    assert capture.plain([shared, shared, {1, 2}]) == [shared, shared, [1, 2]]


def test_long_text_is_cut_and_its_length_told() -> None:
    text = json.loads(capture.to_json({"t": "x" * 2_000_000}, 1000))["t"]
    assert text == "x" * 1000 + "… [cut: 2000000 characters in all]"


def test_a_huge_value_is_bounded() -> None:
    assert len(capture.to_json([[i] * 10 for i in range(200_000)])) < 2_000_000


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def stored(value: Any) -> Any:
    """What JSON that others can read has room for."""
    match value:
        case float() if not math.isfinite(value):
            return None
        case int() if not -(2**63) <= value < 2**64:
            return f"<integer of {value.bit_length()} bits>"
        case list():
            return [stored(inner) for inner in value]
        case dict():
            return {key: stored(inner) for key, inner in value.items()}
        case _:
            return value


@given(json_values)
def test_json_values_survive(value: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(capture, "MAX_SECONDS", 60)
        assert json.loads(capture.to_json(value)) == stored(value)


@given(st.text(st.characters(codec="utf-8")))
def test_text_comes_back_exactly(value: str) -> None:
    assert json.loads(capture.to_json(value)) == value
