"""Rows of evaluations and of datasets: from records of the spool into tables.

A record of an evaluation row carries all its scores, so that one write keeps the whole row.
Ids follow from what they name, so that a row which is run again replaces what it was.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import orjson

from tracekit.store.fields import (
    BadRecordError,
    Record,
    integer,
    is_number,
    is_object,
    is_text,
    named_fields,
    required_text,
    time_ns,
)

if TYPE_CHECKING:
    from tracekit.store.connection import Connection

Row = tuple[Any, ...]

_ROW_COLUMNS = (
    *("evaluation_row_id", "run_id", "dataset_id", "row_id", "ordinal", "trial", "row_group"),
    *("status", "reason", "error_type", "trace_id", "inputs", "outputs", "expectations"),
    *("duration_ms", "time_to_first_piece_ms", "cost_usd", "at_ns"),
)
_SCORE_COLUMNS = (
    *("assessment_id", "trace_id", "run_id", "evaluation_row_id", "kind", "name", "status"),
    *("value", "score", "label", "rationale", "source_type", "source_id", "evaluator_version"),
    *("error", "judge_trace_id", "cost_usd", "at_ns", "metadata"),
)
_DATASET_COLUMNS = ("dataset_id", "name", "version", "content_hash", "created_ns", "source")
_DATASET_ROW_COLUMNS = (
    *("dataset_id", "row_id", "ordinal", "inputs", "outputs", "expectations", "context"),
    *("row_group", "split", "tags", "metadata", "source_trace_id"),
)
_ROW_FIELDS = {
    **dict.fromkeys(("dataset_id", "row_group", "reason", "error_type", "trace_id"), is_text),
    **dict.fromkeys(("duration_ms", "time_to_first_piece_ms", "cost_usd"), is_number),
}
_SCORE_FIELDS = {
    **dict.fromkeys(("label", "rationale", "source_type", "source_id", "error"), is_text),
    **dict.fromkeys(("status", "evaluator_version", "judge_trace_id"), is_text),
    **dict.fromkeys(("score", "cost_usd"), is_number),
    "metadata": is_object,
}
_DATASET_ROW_FIELDS: Mapping[str, Callable[[Any], bool]] = dict.fromkeys(
    ("row_group", "split", "source_trace_id"), is_text
)


@dataclass(slots=True)
class Evaluations:
    """Rows out of many records; of one id, the last one holds."""

    rows: dict[str, Row] = field(default_factory=dict[str, Row])
    scores: dict[str, list[Row]] = field(default_factory=dict[str, list[Row]])
    """Of each evaluation row."""
    datasets: dict[str, Row] = field(default_factory=dict[str, Row])
    dataset_rows: dict[tuple[str, str], Row] = field(default_factory=dict[tuple[str, str], Row])

    def __bool__(self) -> bool:
        return bool(self.rows or self.datasets or self.dataset_rows)

    def add_row(self, record: Record) -> None:
        """An evaluated row with its scores."""
        row_id = required_text(record, "evaluation_row_id")
        facts = {
            **named_fields(record, _ROW_FIELDS),
            **{key: _json(record, key) for key in ("inputs", "outputs", "expectations")},
            "evaluation_row_id": row_id,
            "run_id": required_text(record, "run_id"),
            "row_id": required_text(record, "row_id"),
            "status": required_text(record, "status"),
            "trial": integer(record.get("trial") or 0),
            "ordinal": integer(record.get("ordinal") or 0),
            "at_ns": time_ns(record["at_ns"]),
        }
        scores = [_score(facts, score) for score in record.get("scores") or ()]
        known = self.rows.get(row_id)
        if known is None or known[-1] <= facts["at_ns"]:
            self.rows[row_id] = tuple(facts.get(column) for column in _ROW_COLUMNS)
            self.scores[row_id] = scores

    def add_dataset(self, record: Record) -> None:
        """A version of a dataset."""
        dataset_id = required_text(record, "dataset_id")
        self.datasets[dataset_id] = (
            dataset_id,
            required_text(record, "name"),
            integer(record["version"]),
            required_text(record, "content_hash"),
            time_ns(record["at_ns"]),
            _json(record, "source"),
        )

    def add_dataset_row(self, record: Record) -> None:
        """A row of a dataset."""
        dataset_id, row_id = required_text(record, "dataset_id"), required_text(record, "row_id")
        facts = {
            **named_fields(record, _DATASET_ROW_FIELDS),
            **{key: _json(record, key) for key in ("inputs", "outputs", "expectations")},
            **{key: _json(record, key) for key in ("context", "tags", "metadata")},
            "dataset_id": dataset_id,
            "row_id": row_id,
            "ordinal": integer(record.get("ordinal") or 0),
        }
        self.dataset_rows[dataset_id, row_id] = tuple(
            facts.get(column) for column in _DATASET_ROW_COLUMNS
        )


def _score(row: Mapping[str, Any], score: Any) -> Row:
    if not isinstance(score, dict):
        raise BadRecordError("a score that is no object")
    record = cast("Record", score)
    name = required_text(record, "name")
    identity = f"{row['evaluation_row_id']}\n{name}".encode()
    facts = {
        **named_fields(record, _SCORE_FIELDS),
        "assessment_id": hashlib.blake2b(identity, digest_size=16).hexdigest(),
        "kind": "feedback",
        "name": name,
        "value": _json(record, "value"),
        **{key: row.get(key) for key in ("trace_id", "run_id", "evaluation_row_id", "at_ns")},
    }
    return tuple(facts.get(column) for column in _SCORE_COLUMNS)


def _json(record: Record, key: str) -> str | None:
    value = record.get(key)
    return None if value is None else orjson.dumps(value).decode()


def write_evaluations(connection: "Connection", found: Evaluations) -> None:
    """Put the rows into the tables, in place of those of the same ids."""
    scores = (score for scores in found.scores.values() for score in scores)
    judged = "CASE WHEN source_type IS DISTINCT FROM 'HUMAN' THEN evaluation_row_id END"
    for table, identity, ids, columns, rows in (
        ("evaluation_row", "evaluation_row_id", found.rows, _ROW_COLUMNS, found.rows.values()),
        ("assessment", judged, found.rows, _SCORE_COLUMNS, scores),
        ("dataset", "dataset_id", found.datasets, _DATASET_COLUMNS, found.datasets.values()),
    ):
        _write(connection, table, columns, rows, identity, list(ids))
    _write(
        connection,
        "dataset_row",
        _DATASET_ROW_COLUMNS,
        found.dataset_rows.values(),
        "dataset_id || chr(10) || row_id",
        ["\n".join(key) for key in found.dataset_rows],
    )


def _write(
    connection: "Connection",
    table: str,
    columns: Sequence[str],
    rows: Iterable[Row],
    identity: str,
    ids: list[str],
) -> None:
    if not ids:
        return
    connection.execute(
        f"DELETE FROM store.{table} WHERE {identity} IN (SELECT unnest(?::VARCHAR[]))", [ids]
    )
    appender = connection.appender(f"store.{table}", columns=list(columns))
    appender.append_rows(rows)
    appender.flush()
