"""The terminal and the report write a number the same way: one table of cases for both."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tracekit.terminal import numbers

TABLE = json.loads((Path(__file__).parents[2] / "number_formats.json").read_text(encoding="utf-8"))
FORMATS: dict[str, Callable[[Any], Any]] = {
    "duration": numbers.duration,
    "tokens": numbers.tokens,
    "cost": numbers.cost,
    "cost_column": numbers.cost_column,
    "metric": numbers.metric,
    "size": numbers.size,
    "age": lambda ms: numbers.age(0, ms * 1_000_000),
}
CASES = [(name, value, text) for name, cases in TABLE.items() for value, text in cases]


@pytest.mark.parametrize(("name", "value", "text"), CASES)
def test_numbers_are_written_as_in_the_report(name: str, value: Any, text: Any) -> None:
    given = float(value) if isinstance(value, str) else value  # JSON has no NaN, no infinity
    assert FORMATS[name](given) == text


def test_a_time_is_in_utc() -> None:
    assert numbers.timestamp(1_795_570_412_000_000_000) == "2026-11-25 01:33:32Z"
