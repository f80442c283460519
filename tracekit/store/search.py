"""Runs and traces that a filter admits: from its tree to SQL, and on to wide frames.

First the ids in order, then the wide rows of those ids alone. Columns come from the closed
tables below; whatever a user wrote, keys of params included, is bound as a value.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tracekit import semconv
from tracekit.errors import ConfigError, FilterError
from tracekit.filters import (
    RUNS,
    TRACES,
    And,
    Comparison,
    Condition,
    Field,
    Not,
    Or,
    Order,
    Scope,
    Vocabulary,
    parse_filter,
    parse_order,
)
from tracekit.store.connection import Connection, DatabaseError
from tracekit.store.queries import newest_trace_ids


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL and the values of its `?`, in their order."""

    text: str
    values: tuple[Any, ...] = ()


def find_run_ids(
    connection: Connection,
    filter_string: str | None = None,
    *,
    experiment_names: Sequence[str] | None = None,
    experiment_ids: Sequence[str] | None = None,
    order_by: Sequence[str] | str | None = None,
    max_results: int | None = None,
) -> list[str]:
    """Ids of the runs that the filter admits; the newest first unless `order_by` says otherwise.

    Raises:
        FilterError: The filter or the order can't be understood.
    """
    scope = [*_one_of("experiment", experiment_names), *_one_of("experiment_id", experiment_ids)]
    return _find(connection, _RUNS, scope, filter_string, order_by, max_results)


def find_trace_ids(
    connection: Connection,
    filter_string: str | None = None,
    *,
    experiment_names: Sequence[str] | None = None,
    run_id: str | None = None,
    order_by: Sequence[str] | str | None = None,
    max_results: int | None = None,
) -> list[str]:
    """Ids of the traces that the filter admits; the newest first unless `order_by` says otherwise.

    Raises:
        FilterError: The filter or the order can't be understood.
    """
    scope = [
        *_one_of("experiment", experiment_names),
        *_one_of("run_id", None if run_id is None else [run_id]),
    ]
    if not scope and not filter_string and not order_by and (max_results or 0) >= 0:
        return newest_trace_ids(connection, max_results)  # without grouping all spans
    return _find(connection, _TRACES, scope, filter_string, order_by, max_results)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """A view that is searched, and the SQL of its fields."""

    vocabulary: Vocabulary
    view: str
    key: str
    columns: Mapping[str, str]
    """SQL of each attribute of the vocabulary."""
    times: Mapping[str, str]
    """SQL of those that are times: compared in milliseconds, sorted to the nanosecond."""


_SPAN_TEXT = "concat_ws(chr(10), input, output, input_messages, output_messages)"

_RUNS = _Source(
    vocabulary=RUNS,
    view="runs",
    key="run_id",
    columns={
        "run_id": "run_id",
        "run_name": "run_name",
        "status": "status",
        "duration_ms": "duration_ms",
        "experiment": "experiment",
        "experiment_id": "experiment_id",
        "parent_run_id": "parent_run_id",
        "user_id": "user_name",
        "kind": "kind",
    },
    times={"start_time": "start_time", "end_time": "end_time"},
)
_TRACES = _Source(
    vocabulary=TRACES,
    view="traces",
    key="trace_id",
    columns={
        "trace_id": "trace_id",
        "name": "name",
        "status": "status",
        "duration_ms": "duration_ms",
        "input": "input",
        "output": "output",
        "model": "model",
        "input_tokens": "input_tokens",
        "output_tokens": "output_tokens",
        "total_tokens": "coalesce(input_tokens + output_tokens, input_tokens, output_tokens)",
        "cost_usd": "cost_usd",
        "span_count": "span_count",
        "error_count": "error_count",
        "error_type": "error_type",
        "session_id": "session_id",
        "user_id": "user_id",
        "run_id": "run_id",
        "experiment": "experiment",
    },
    times={
        "start_time": "start_time",
        "end_time": "make_timestamp_ns(epoch_ns(start_time) + round(duration_ms * 1e6)::BIGINT)",
    },
)
_SPAN_COLUMNS = {
    "name": "name",
    "type": "coalesce(span_type, operation)",
    "status": "status",
    "operation": "operation",
    "model": "coalesce(response_model, request_model)",
    "provider": "provider",
    "tool_name": "tool_name",
    "error_type": "error_type",
    "content": _SPAN_TEXT,
    "duration_ms": "duration_ms",
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cost_usd": "cost_usd",
}


def _find(
    connection: Connection,
    source: _Source,
    scope: Iterable[Sql],
    filter_string: str | None,
    order_by: Sequence[str] | str | None,
    max_results: int | None,
) -> list[str]:
    if max_results is not None and max_results < 0:
        raise ConfigError(f"`max_results` must not be negative, got {max_results!r}")
    condition = parse_filter(filter_string, source.vocabulary)
    order = parse_order(order_by, source.vocabulary)
    terms = [*scope, *([] if condition is None else [_condition(source, condition)])]
    keys = [_sort_key(source, by) for by in order]
    query = Sql(
        f"SELECT {source.key} FROM {source.view} AS found"
        f" WHERE {_joined(' AND ', (term.text for term in terms)) or 'true'}"
        f" ORDER BY {', '.join([*(key.text for key in keys), 'start_time DESC', source.key])}"
        " LIMIT ?",
        (
            *(value for part in (*terms, *keys) for value in part.values),
            max_results,
        ),
    )
    try:
        rows = connection.execute(query.text, query.values).fetchall()
    except DatabaseError as error:
        if filter_string and "Invalid Input" in str(error):  # no regular expression, no Unicode
            reason = str(error).partition(": ")[2]
            raise FilterError(f"a value of the filter can't be used: {reason}") from error
        raise
    return [row[0] for row in rows]


def _one_of(column: str, values: Sequence[str] | None) -> list[Sql]:
    if values is None:
        return []
    values = [values] if isinstance(values, str) else values  # one name, and not its letters
    return [Sql(f"{column} IN (SELECT unnest(?::VARCHAR[]))", (list(values),))]


def _joined(word: str, texts: Iterable[str]) -> str:
    return word.join(f"({text})" for text in texts)


def _condition(source: _Source, node: Condition) -> Sql:
    """SQL that is true or false, never null, so that NOT means what people expect."""
    match node:
        case And(terms):
            return _all(" AND ", [_condition(source, term) for term in terms])
        case Or(terms):
            return _all(" OR ", [_condition(source, term) for term in terms])
        case Not(term):
            inner = _condition(source, term)
            return Sql(f"NOT ({inner.text})", inner.values)
        case Comparison(field):
            return _comparison(source, field, node)


def _all(word: str, terms: Sequence[Sql]) -> Sql:
    return Sql(
        _joined(word, (term.text for term in terms)),
        tuple(value for term in terms for value in term.values),
    )


def _comparison(source: _Source, field: Field, node: Comparison) -> Sql:
    if field.scope is Scope.ATTRIBUTE:
        test = _test(_attribute(source, field.name), node)
        return Sql(f"coalesce({test.text}, false)", test.values)
    rows = _rows(source, field)
    if node.operator == "IS NULL":
        return Sql(f"NOT EXISTS ({rows.text} AND value IS NOT NULL)", rows.values)
    by_number = isinstance(node.values[0], int | float) and not isinstance(node.values[0], bool)
    test = _test("number" if by_number else "value", node)
    return Sql(f"EXISTS ({rows.text} AND {test.text})", (*rows.values, *test.values))


def _attribute(source: _Source, name: str) -> str:
    time = source.times.get(name)
    return source.columns[name] if time is None else f"epoch_ns({time}) // 1000000"


def _rows(source: _Source, field: Field, selected: str = "1") -> Sql:
    """What a run or trace has under that key: any number of rows of `value` and `number`."""
    if field.scope is Scope.SPAN:
        column = _SPAN_COLUMNS[field.name]
        relation = Sql(f"SELECT trace_id AS id, {column} AS value, {column} AS number FROM spans")
    else:
        prefix = semconv.METADATA_PREFIX if field.scope is Scope.METADATA else ""
        relation = Sql(_KEYED[field.scope], (prefix + field.name,))
    if field.scope is Scope.TAG:
        relation = Sql(relation.text, (source.vocabulary.subject, *relation.values))
    text = f"SELECT {selected} FROM ({relation.text}) AS rows WHERE id = found.{source.key}"
    return Sql(text, relation.values)


_ATTRIBUTE_ROWS = (
    "SELECT trace_id AS id, variant_extract(attributes, ?)::VARCHAR AS value,"
    " try_cast(value AS DOUBLE) AS number FROM spans"
)
_ASSESSMENT_ROWS = "SELECT trace_id AS id, value ->> '$' AS value, score AS number FROM assessments"
_KEYED = {
    Scope.PARAM: "SELECT run_id AS id, value, try_cast(value AS DOUBLE) AS number FROM params"
    " WHERE key = ?",
    # NaN is neither above nor below anything; DuckDB would have it above
    Scope.METRIC: "SELECT run_id AS id, value, nullif(value, 'NaN'::DOUBLE) AS number"
    " FROM metrics_last WHERE key = ?",
    Scope.TAG: "SELECT subject_id AS id, value, try_cast(value AS DOUBLE) AS number FROM tags"
    " WHERE subject = ? AND key = ?",
    Scope.FEEDBACK: f"{_ASSESSMENT_ROWS} WHERE kind = 'feedback' AND name = ?",
    Scope.EXPECTATION: f"{_ASSESSMENT_ROWS} WHERE kind = 'expectation' AND name = ?",
    Scope.METADATA: _ATTRIBUTE_ROWS,
    Scope.SPAN_ATTRIBUTE: _ATTRIBUTE_ROWS,
}
_OPERATORS = {
    **{operator: operator for operator in ("=", ">", ">=", "<", "<=", "LIKE", "ILIKE")},
    "!=": "<>",
}


def _test(column: str, node: Comparison) -> Sql:
    values = tuple(str(v).lower() if isinstance(v, bool) else v for v in node.values)
    match node.operator:
        case "IS NULL":
            return Sql(f"{column} IS NULL")
        case "IN":
            return Sql(f"{column} IN ({', '.join('?' * len(values))})", values)
        case "RLIKE":
            return Sql(f"regexp_matches({column}, ?)", values)
        case operator:
            return Sql(f"{column} {_OPERATORS[operator]} ?", values)


def _sort_key(source: _Source, order: Order) -> Sql:
    """Numbers before text, and what is missing last in both directions."""
    direction = "DESC NULLS LAST" if order.descending else "ASC NULLS LAST"
    if order.field.scope is Scope.ATTRIBUTE:
        name = order.field.name
        return Sql(f"{source.times.get(name) or source.columns[name]} {direction}")
    numbers = _rows(source, order.field, "max(number)")
    texts = _rows(source, order.field, "max(value)")
    return Sql(
        f"({numbers.text}) {direction}, ({texts.text}) {direction}",
        (*numbers.values, *texts.values),
    )
