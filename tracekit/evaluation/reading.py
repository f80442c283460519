"""Data to evaluate out of lists, data frames, files, and recorded traces."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, cast

import orjson

from tracekit.errors import DatasetError
from tracekit.evaluation.rows import Row, Rows, row_of
from tracekit.model import Trace
from tracekit.store.files import parquet_rows

_SUFFIXES = ".csv, .tsv, .jsonl, .ndjson, .json, .parquet"


def read_rows(data: Any, columns: Mapping[str, str] | None = None) -> Rows:
    """The rows of whatever people have their data in.

    Args:
        data: A list of dicts, a pandas DataFrame, the path of a CSV, JSON Lines, JSON or Parquet
            file, a list of traces, the result of `tracekit.search_traces`, or `Rows`.
        columns: Column -> the part of a row that it is: `inputs`, `outputs`, `expectations`,
            `expectations.<key>`, `context`, `row_id`, `group`, `split`, `tags`, `metadata`, or
            `ignore`.

    Raises:
        DatasetError: It can't be read; the message names file, row and column.

    >>> rows = read_rows([{"inputs": {"q": "2+2?"}, "expectations": {"expected_response": "4"}}])
    >>> len(rows), rows[0].inputs
    (1, {'q': '2+2?'})
    """
    if isinstance(data, Rows):
        return data
    if isinstance(data, str | PathLike):
        path = Path(cast("str | PathLike[str]", data))
        return _not_empty(_rows_of(_records_of(path), str(path), columns or {}))
    if hasattr(data, "to_dict") and hasattr(data, "columns"):
        records = cast("list[dict[str, Any]]", data.to_dict("records"))
        found = _rows_of(_numbered("data frame row", records), "data frame", columns or {})
        return _not_empty(found)
    if isinstance(data, Mapping) or not isinstance(data, Iterable):
        raise DatasetError(
            f"`data` is a {type(cast('object', data)).__name__}, which has no rows: give a list of dicts, a "
            f"DataFrame, traces, or the path of a file ({_SUFFIXES})"
        )
    items = cast("Iterable[Any]", data)
    return _not_empty(_rows_of(_numbered("data row", items), "data", columns or {}))


def _not_empty(rows: Rows) -> Rows:
    if not len(rows):
        raise DatasetError(f"{rows.source} has no rows: there is nothing to evaluate")
    return rows


def _rows_of(records: Iterator[tuple[str, Any]], source: str, columns: Mapping[str, str]) -> Rows:
    return Rows((_row(record, columns, where) for where, record in records), source)


def _row(record: Any, columns: Mapping[str, str], where: str) -> Row:
    if isinstance(record, Row):
        return record
    if isinstance(record, Trace):
        return row_of_trace(record)
    if not isinstance(record, Mapping):
        raise DatasetError(f"{where}: expected an object with `inputs`, got {str(record)[:100]!r}")
    named = {str(key): value for key, value in cast("Mapping[Any, Any]", record).items()}
    if {"trace_id", "duration_ms", "input"} <= named.keys():
        return _row_of_summary(named)
    return row_of(named, columns, where)


def row_of_trace(trace: Trace) -> Row:
    """A recorded trace as a row: its root's input and output, its expectations, its context."""
    root = trace.root.to_dict()
    said = {a.name: a.value for a in trace.assessments if a.kind == "expectation"}
    context = [
        document
        for span in trace.search_spans(span_type="retrieval")
        for document in _as_list(span.to_dict()["output"])
    ]
    return Row(
        row_id=trace.trace_id,
        trace_id=trace.trace_id,
        inputs=_as_inputs(root["input"] if root["input"] is not None else root["input_messages"]),
        outputs=root["output"] if root["output"] is not None else root["output_messages"],
        expectations=said,
        context=context or None,
        group=trace.root.session_id,
        tags=dict(trace.tags),
    )


def _row_of_summary(record: Mapping[str, Any]) -> Row:
    """A row of the frame that `tracekit.search_traces` gives."""
    session = record.get("session_id")
    return Row(
        row_id=record["trace_id"],
        trace_id=record["trace_id"],
        inputs=_as_inputs(_parsed(record["input"])),
        outputs=_parsed(record["output"]),
        group=session if isinstance(session, str) else None,
    )


def _as_inputs(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {"input": value}


def _as_list(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [] if value is None else [value]


def _parsed(text: Any) -> Any:
    try:
        return json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return text


def _numbered(what: str, records: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    return ((f"{what} {number}", record) for number, record in enumerate(records, 1))


def _records_of(path: Path) -> Iterator[tuple[str, Any]]:
    readers = {
        ".csv": lambda: _csv(path, ","),
        ".tsv": lambda: _csv(path, "\t"),
        ".jsonl": lambda: _json_lines(path),
        ".ndjson": lambda: _json_lines(path),
        ".json": lambda: _json(path),
        ".parquet": lambda: _numbered(f"{path}: row", parquet_rows(path)),
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DatasetError(f"{path} is no file that can be read as data: give one of {_SUFFIXES}")
    if not path.is_file():
        raise DatasetError(f"there is no file {path}: give the path of a file with data")
    try:
        yield from reader()
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} is not UTF-8 text: {error.reason}") from error
    except OSError as error:
        raise DatasetError(f"{path} can't be read: {error.strerror or error}") from error


def _csv(path: Path, delimiter: str) -> Iterator[tuple[str, Any]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, delimiter=delimiter, strict=True)
        try:
            for record in reader:
                where = f"{path}:{reader.line_num}"
                yield where, _cells(record, where, len(reader.fieldnames or ()))
        except csv.Error as error:
            raise DatasetError(f"{path}:{reader.line_num}: no CSV: {error}") from error


def _cells(record: Mapping[str | None, Any], where: str, width: int) -> dict[str, Any]:
    """A cell that is empty is missing; one that begins like JSON and is JSON is that."""
    if None in record:
        raise DatasetError(f"{where}: this row has more cells than the {width} column names")
    return {
        (name or "").strip(): _cell(text)
        for name, text in record.items()
        if text not in (None, "") and (name or "").strip()
    }


def _cell(text: str) -> Any:
    return _parsed(text) if text.lstrip()[:1] in {"{", "["} else text


def _json_lines(path: Path) -> Iterator[tuple[str, Any]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield f"{path}:{number}", _loads(line, f"{path}:{number}")


def _json(path: Path) -> Iterator[tuple[str, Any]]:
    whole = _loads(path.read_bytes(), str(path))
    if not isinstance(whole, list):
        raise DatasetError(f"{path}: expected a JSON array of rows")
    yield from _numbered(f"{path}: row", cast("list[Any]", whole))


def _loads(data: bytes, where: str) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise DatasetError(f"{where}: not JSON: {error}") from error
