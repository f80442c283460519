import dataclasses
import json
import time
from collections import namedtuple
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracekit import capture


class Hostile:
    """Everything that a serialiser might be tempted to call."""

    def __getattr__(self, name: str) -> Any:
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


@given(json_values)
def test_json_values_survive(value: Any) -> None:
    json.loads(capture.to_json(value))


@given(st.text(st.characters(codec="utf-8")))
def test_text_comes_back_exactly(value: str) -> None:
    assert json.loads(capture.to_json(value)) == value


SECRETS = {
    "openai": "sk-proj-" + "A1b2" * 10,
    "anthropic": "sk-ant-api03-" + "A1b2" * 8,
    "aws": "AKIA" + "IOSFODNN7EXAMPLE",
    "github": "ghp_" + "a" * 36,
    "google": "AIza" + "Sy" + "b" * 33,
    "huggingface": "hf_" + "c" * 34,
    "slack": "xoxb-1-1-AAAAAAAA",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.AbCdEf",
    "bearer": "Bearer tok_123456",
    "url user": "postgres://u:p4ss@host/db",
    "query": "https://h/p?api_key=tok_123456&x=1",
    "signature": "X-Amz-Signature=abcdef0123",
    "private key": "-----BEGIN PRIVATE KEY-----\nMIIEabc\n",
}


SECRET_PARTS = {
    "bearer": ("tok_123456",),
    "private key": ("MIIEabc",),
    "url user": ("p4ss",),
    "query": ("tok_123456",),
    "signature": ("abcdef0123",),
}


@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.parametrize("frame", ["{}", "before {} after", "line\n{}\nline", '{{"k": "{}"}}'])
def test_credentials_are_hidden_wherever_they_stand(kind: str, frame: str) -> None:
    secret = SECRETS[kind]
    line = json.dumps({"content": json.dumps({"text": frame.format(secret)})}).encode()
    hidden = capture.scrub(line)
    assert b"[secret hidden]" in hidden
    json.loads(hidden)
    for part in SECRET_PARTS.get(kind, (secret,)):
        assert part.encode() not in hidden


@pytest.mark.parametrize("name", ["api_key", "password", "Authorization", "openai_api_key"])
def test_fields_that_are_named_like_secrets_are_hidden(name: str) -> None:
    line = json.dumps({"args": json.dumps({name: "s3cr3t value"}), "n": 1}).encode()
    assert b"s3cr3t" not in capture.scrub(line)


@pytest.mark.parametrize(
    "text",
    [
        "task-force-one-two-three is skipped",
        "the api_key parameter; passwords expire",
        "chatcmpl-9abcdefghijklmnopqrstuvwxyz",
        "https://example.org/a@b and me@example.org",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ",
        "primary_key: id, foreign-key: x",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    line = json.dumps({"content": text}).encode()
    assert capture.scrub(line) == line


@pytest.mark.parametrize(
    "unit", [b"a", b"a-", b"sk-", b"://", b"eyJ", b"xoxb-", b'password":"', b"AKIA"]
)
def test_scrubbing_is_linear(unit: bytes) -> None:
    start = time.process_time()
    capture.scrub(unit * (1_000_000 // len(unit)))
    assert time.process_time() - start < 3
