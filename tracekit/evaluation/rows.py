"""The rows to evaluate, in one form whatever they came as.

Rows are held as JSON lines in a temporary file, which is in memory while it is small, so that
a large dataset costs eight bytes a row and can be read in any order.
"""

import hashlib
import tempfile
import weakref
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import orjson

from tracekit import capture
from tracekit.errors import DatasetError

_IN_MEMORY_BYTES = 32 * 1024 * 1024
_CANONICAL = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS

RESPONSE = "expected_response"
"""The key of `expectations` under which one expected answer lies (MLflow's name)."""

NAMES = {
    "inputs": "inputs",
    "outputs": "outputs",
    "predictions": "outputs",
    "output": "outputs",
    "expectations": "expectations",
    "targets": "expectations",
    "ground_truth": "expectations",
    "context": "context",
    "retrieved_context": "context",
    "contexts": "context",
    "trace_id": "trace_id",
    "row_id": "row_id",
    "id": "row_id",
    "group": "group",
    "split": "split",
    "tags": "tags",
    "metadata": "metadata",
}
"""Column -> the part of a row that it is. Columns of other names are inputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One case to evaluate."""

    row_id: str
    """Unique among the rows: given, or the digest of the inputs."""
    inputs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    outputs: Any = None
    """What the target gave; None while it has not been asked."""
    expectations: Mapping[str, Any] = field(default_factory=dict[str, Any])
    context: list[Any] | None = None
    """Retrieved texts in rank order, where the data has them."""
    trace_id: str | None = None
    """The trace that the row, or its output, comes from."""
    group: str | None = None
    """Rows of one group belong together (one document, one user) and count as one cluster."""
    split: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Rows:
    """Rows that can be read in any order, any number of times.

    Args:
        rows: Read once.
        source: Where they come from, for people: a path, a name.
    """

    def __init__(self, rows: Iterable[Row], source: str = "data") -> None:
        self.source = source
        self._offsets = array("Q")
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115  lives as long
        weakref.finalize(self, self._file.close)
        digests: list[bytes] = []
        seen: dict[str, int] = {}
        for row in rows:
            times = seen[row.row_id] = seen.get(row.row_id, 0) + 1
            stored = _stored(row, row.row_id if times == 1 else f"{row.row_id}-{times}")
            digests.append(_digest(stored))
            self._offsets.append(self._file.tell())
            self._file.write(orjson.dumps(stored, option=orjson.OPT_APPEND_NEWLINE))
        self._offsets.append(self._file.tell())
        self.digest = hashlib.blake2b(b"".join(sorted(digests)), digest_size=16).hexdigest()
        """Of ids, inputs, expectations and groups, whatever the order; not of outputs."""

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, index: int) -> Row:
        if not 0 <= index < len(self):
            raise IndexError(index)
        start, end = self._offsets[index], self._offsets[index + 1]
        self._file.seek(start)
        return Row(**orjson.loads(self._file.read(end - start)))

    def __iter__(self) -> Iterator[Row]:
        return (self[index] for index in range(len(self)))


def _stored(row: Row, row_id: str) -> dict[str, Any]:
    facts = {name: getattr(row, name) for name in Row.__slots__}
    said = {name: value for name, value in facts.items() if value or name == "outputs"}
    return said | {"row_id": row_id}


_IDENTITY = ("row_id", "inputs", "expectations", "group")


def _digest(stored: Mapping[str, Any]) -> bytes:
    return digest_of({key: stored.get(key) for key in _IDENTITY})


def digest_of(value: Any) -> bytes:
    """16 bytes that tell one JSON value from all others, whatever the order of its keys."""
    return hashlib.blake2b(orjson.dumps(value, option=_CANONICAL), digest_size=16).digest()


def row_of(record: Mapping[str, Any], columns: Mapping[str, str], where: str) -> Row:
    """One record of the user's data as a row.

    Args:
        record: Column -> value, as the file or the frame has it.
        columns: Column -> part of a row, for columns that don't have one of `NAMES`.
        where: Such as `data.csv:17`, for errors.

    Raises:
        DatasetError: A column has what it can't have; the message names row and column.

    >>> row_of({"question": "2+2?", "ground_truth": "4"}, {}, "data:1").expectations
    {'expected_response': '4'}
    """
    parts: dict[str, Any] = {}
    inputs: dict[str, Any] = {}
    expectations: dict[str, Any] = {}
    for column, given in record.items():
        value = _plain(given, where, column)
        part = columns.get(column) or NAMES.get(column)
        if value is None or part == "ignore":
            continue
        if part is None:
            inputs[column] = value
        elif part == "inputs":
            inputs.update(_named(value, column if column in columns else "input"))
        elif part == "expectations":
            expectations.update(_named(value, RESPONSE))
        elif part.startswith("expectations."):
            expectations[part.partition(".")[2]] = value
        else:
            parts[part] = _part(part, value, where, column)
    parts.setdefault("row_id", digest_of(inputs).hex() if inputs else parts.get("trace_id"))
    if parts["row_id"] is None:
        raise DatasetError(
            f"{where}: this row has no inputs and no id: give a column `inputs`, or any column "
            "whose name is none of tracekit's own"
        )
    return Row(inputs=inputs, expectations=expectations, **parts)


def _named(value: Any, name: str) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {name: value}


def _part(part: str, value: Any, where: str, column: str) -> Any:
    if part == "context":
        return cast("list[Any]", value) if isinstance(value, list) else [value]
    if part in {"tags", "metadata"}:
        if not isinstance(value, dict):
            raise DatasetError(
                f"{where}: column {column!r} must be an object of names and values, "
                f"got {str(value)[:100]!r}"
            )
        named = cast("dict[str, Any]", value)
        return {key: str(item) for key, item in named.items()} if part == "tags" else named
    if part == "outputs":
        return value
    if isinstance(value, dict | list):
        raise DatasetError(
            f"{where}: column {column!r} must be a text, got {str(cast('object', value))[:100]!r}"
        )
    return str(value)


def _plain(value: Any, where: str, column: str) -> Any:
    """As JSON data. NaN, which data frames have for what is missing, is None."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return None if value != value else value  # noqa: PLR0124  NaN alone differs from itself
    if hasattr(value, "item") and getattr(value, "ndim", 0) == 0:
        return _plain(value.item(), where, column)
    if hasattr(value, "tolist"):
        value = value.tolist()
    try:
        return orjson.loads(orjson.dumps(value, option=_CANONICAL, default=capture.plain))
    except (orjson.JSONEncodeError, RecursionError) as error:
        raise DatasetError(
            f"{where}: column {column!r} has a value that is no JSON: {error}"
        ) from error
