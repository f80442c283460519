"""The filter language: what it means, and where it points when it can't be understood."""

import math
import operator
import re
import string
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracekit.errors import FilterError
from tracekit.filters import (
    RUNS,
    TRACES,
    And,
    Comparison,
    Condition,
    Field,
    Not,
    Or,
    Scope,
    Type,
    Vocabulary,
    parse_filter,
    parse_order,
)
from tracekit.store import search
from tracekit.store.connection import Connection
from tracekit.store.schema import migrate


def metric(name: str, sign: str, value: float) -> Comparison:
    return Comparison(Field(Scope.METRIC, name, Type.NUMBER), sign, (value,))


def test_and_binds_closer_than_or_and_not_closest() -> None:
    found = parse_filter("NOT metrics.a > 1 AND metrics.b > 2 OR metrics.c > 3", RUNS)
    a, b, c = metric("a", ">", 1), metric("b", ">", 2), metric("c", ">", 3)
    assert found == Or((And((Not(a), b)), c))


def test_parentheses_come_first() -> None:
    found = parse_filter("metrics.a > 1 AND (metrics.b > 2 OR metrics.c > 3)", RUNS)
    a, b, c = metric("a", ">", 1), metric("b", ">", 2), metric("c", ">", 3)
    assert found == And((a, Or((b, c))))


@pytest.mark.parametrize(
    ("text", "scope", "name"),
    [
        ("metrics.acc = 1", Scope.METRIC, "acc"),
        ("metric.acc = 1", Scope.METRIC, "acc"),
        ("metrics.`a b` = 1", Scope.METRIC, "a b"),
        ('metrics."a b" = 1', Scope.METRIC, "a b"),
        ("metrics.val/acc@5 = 1", Scope.METRIC, "val/acc@5"),
        ("params.lr = '1'", Scope.PARAM, "lr"),
        ("parameters.model-name = '1'", Scope.PARAM, "model-name"),
        ("tags.mlflow.source.name = 'x'", Scope.TAG, "mlflow.source.name"),
        ("tags.`a.b`.c = 'x'", Scope.TAG, "a.b.c"),
        ("attributes.status = 'FAILED'", Scope.ATTRIBUTE, "status"),
        ("run_name = 'x'", Scope.ATTRIBUTE, "run_name"),
        ("name = 'x'", Scope.ATTRIBUTE, "run_name"),
        ("`run name` = 'x'", Scope.ATTRIBUTE, "run_name"),
        ("attribute.Start_Time > 5", Scope.ATTRIBUTE, "start_time"),
    ],
)
def test_field_is_found_under_all_its_names(text: str, scope: Scope, name: str) -> None:
    found = parse_filter(text, RUNS)
    assert isinstance(found, Comparison)
    assert (found.field.scope, found.field.name) == (scope, name)


@pytest.mark.parametrize(
    ("text", "scope", "name"),
    [
        ("trace.status = 'ERROR'", Scope.ATTRIBUTE, "status"),
        ("execution_time_ms > 5", Scope.ATTRIBUTE, "duration_ms"),
        ("timestamp_ms > 5", Scope.ATTRIBUTE, "start_time"),
        ("request LIKE '%x%'", Scope.ATTRIBUTE, "input"),
        ("text LIKE '%x%'", Scope.SPAN, "content"),
        ("metadata.version = '1'", Scope.METADATA, "version"),
        ("feedback.correct = true", Scope.FEEDBACK, "correct"),
        ("expectation.answer = 'x'", Scope.EXPECTATION, "answer"),
        ("span.name = 'x'", Scope.SPAN, "name"),
        ("span.attributes.http.status > 399", Scope.SPAN_ATTRIBUTE, "http.status"),
    ],
)
def test_traces_have_the_fields_of_mlflow(text: str, scope: Scope, name: str) -> None:
    found = parse_filter(text, TRACES)
    assert isinstance(found, Comparison)
    assert (found.field.scope, found.field.name) == (scope, name)


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("'it''s'", "it's"),
        (r"'it\'s'", "it's"),
        ('"it\'s"', "it's"),
        (r"'C:\dir\d+'", r"C:\dir\d+"),
        (r"'back\\slash'", r"back\slash"),
        ("'a AND b = \"c\"'", 'a AND b = "c"'),
        ("'über 日本'", "über 日本"),
        ("''", ""),
        ("1", 1),
        ("-1.5e-3", -0.0015),
        (".5", 0.5),
        ("99999999999999999999999", 1e23),
    ],
)
def test_literals_mean_what_is_written(literal: str, value: Any) -> None:
    found = parse_filter(f"params.x = {literal}", RUNS)
    assert isinstance(found, Comparison)
    assert found.values == (value,)


def test_negated_operators_are_the_negation_of_the_others() -> None:
    for text in ("params.a NOT IN ('x')", "params.a NOT LIKE 'x'", "params.a IS NOT NULL"):
        positive = text.replace("NOT ", "")
        assert parse_filter(text, RUNS) == Not(parse_filter(positive, RUNS))  # type: ignore[arg-type]


def test_keywords_may_be_lower_case_and_begin_names() -> None:
    found = parse_filter("params.a is null and not params.notes in ('in', 'or',) or name='x'", RUNS)
    assert isinstance(found, Or)


def test_status_is_compared_in_upper_case_with_mlflows_word_for_unfinished() -> None:
    found = parse_filter("status IN ('ok', 'IN_PROGRESS')", TRACES)
    assert isinstance(found, Comparison)
    assert found.values == ("OK", "UNFINISHED")


def test_times_are_milliseconds_or_dates() -> None:
    by_number = parse_filter("start_time >= 1767225600000", RUNS)
    assert by_number == parse_filter("start_time >= '2026-01-01'", RUNS)
    assert by_number == parse_filter("start_time >= '2026-01-01T01:00:00+01:00'", RUNS)


def test_an_empty_filter_admits_everything() -> None:
    assert parse_filter(None, RUNS) is None
    assert parse_filter("  ", RUNS) is None


BAD = [
    (RUNS, "metrics.a >", "the filter ends too early", 12),
    (RUNS, "metrics.a > 1 AN params.b = 'x'", "`AN` can't stand here; expected AND, OR", 15),
    (RUNS, "(metrics.a = 1", "expected `)`", 15),
    (RUNS, "metrics.a = 1)", "`)` can't stand here", 14),
    (RUNS, "params.a = forest", "`forest` can't stand here, text needs quotes", 12),
    (RUNS, "params.a = 'forest", "the ' has no closing '", 12),
    (RUNS, "params.a == 'x'", "`=` can't stand here", 11),
    (RUNS, "params.a IN ()", "`)` can't stand here", 14),
    (RUNS, "params.a IN ('x', 1)", "all text or all numbers", 14),
    (RUNS, "1 = metrics.a", "`1` can't stand here", 1),
    (RUNS, "metrics.a = '1'", "`metrics.a` is a number and is here compared with text", 13),
    (RUNS, "metrics.a LIKE 'x'", "LIKE compares text, and `metrics.a` is a number", 16),
    (RUNS, "status = 5", "`status` is text: put quotes around 5", 10),
    (RUNS, "params.a > '5'", "`>` compares numbers: leave out the quotes", 12),
    (RUNS, "params.flag = true", "write 'true' in quotes", 15),
    (RUNS, "stats = 'x'", "did you mean `status`?", 1),
    (RUNS, "attributes.stat_time > 1", "did you mean `start_time`?", 1),
    (RUNS, "accuracy > 0.9", "a metric is written `metrics.accuracy`", 1),
    (RUNS, "metrix.a = 1", "did you mean `metric`?", 1),
    (RUNS, "start_time > 'yesterday'", "`start_time` is a time", 14),
    (TRACES, "metrics.a = 1", "there are no `metrics`", 1),
    (TRACES, "name = 'x' AND span.nmae = 'x'", "did you mean `span.name`?", 16),
    (TRACES, "modle = 'x'", "did you mean `model`?", 1),
]


@pytest.mark.parametrize(("vocabulary", "text", "reason", "column"), BAD)
def test_error_says_why_and_points_at_the_column(
    vocabulary: Vocabulary, text: str, reason: str, column: int
) -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter(text, vocabulary)
    sentence, shown, caret = str(caught.value).split("\n")
    assert reason in sentence
    assert f"(column {column})" in sentence
    assert shown == f"    {text}"
    assert caret.index("^") == 4 + column - 1


def test_error_shows_the_place_in_a_long_filter_of_many_lines() -> None:
    text = "metrics.a = 1\nAND " * 500 + "metrics.b ! 1"
    with pytest.raises(FilterError) as caught:
        parse_filter(text, RUNS)
    _, shown, caret = str(caught.value).split("\n")
    assert len(shown) < 120
    assert shown[caret.index("^")] == "!"


def test_deep_nesting_is_refused_not_crashed_on() -> None:
    deep = "(metrics.a = 1 OR (metrics.a = 1 AND " * 2000 + "metrics.a = 1" + "))" * 2000
    with pytest.raises(FilterError, match="nested more than 100 levels"):
        parse_filter(deep, RUNS)
    flat = " OR ".join(["metrics.a = 1"] * 2000)
    assert isinstance(parse_filter(flat, RUNS), Or)


def test_order_names_a_field_and_a_direction() -> None:
    by_accuracy, by_time = parse_order(["metrics.accuracy DESC", "attributes.start_time"], RUNS)
    assert (by_accuracy.field.name, by_accuracy.descending) == ("accuracy", True)
    assert (by_time.field.name, by_time.descending) == ("start_time", False)
    with pytest.raises(FilterError, match="expected ASC or DESC"):
        parse_order(["metrics.accuracy DOWN"], RUNS)
    with pytest.raises(FilterError, match="a trace has many spans"):
        parse_order(["span.name"], TRACES)


# What the SQL admits is what plain Python admits, for any filter over any runs.

RUN_COUNT = 6
PARAMS = {"r0": {"lr": "0.1"}, "r1": {"lr": "0.2", "model": "gpt"}, "r2": {"model": "it's"}}
METRICS = {"r0": {"acc": 0.5}, "r1": {"acc": math.nan}, "r2": {"acc": -1.0}, "r3": {"acc": 0.5}}
NAMES = {f"r{i}": f"name-{i % 3}" for i in range(RUN_COUNT)}


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    with duckdb.connect(":memory:") as connection:
        migrate(connection, 0)
        for run_id, name in NAMES.items():
            connection.execute(
                "INSERT INTO store.run BY NAME SELECT ? AS run_id, ? AS name, 1 AS start_ns,"
                " 1 AS first_ns, '{}' AS field_ns, '0' AS experiment_id",
                [run_id, name],
            )
        for run_id, params in PARAMS.items():
            for key, value in params.items():
                connection.execute(
                    "INSERT INTO store.param VALUES (?, ?, ?, 1)", [run_id, key, value]
                )
        for run_id, metrics in METRICS.items():
            for key, number in metrics.items():
                connection.execute(
                    "INSERT INTO store.metric VALUES (?, ?, 0, 1, ?, 'f', 1)",
                    [run_id, key, number],
                )
        yield connection


OPERATORS = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


def admits(node: Condition, run_id: str) -> bool:
    """The language once more, in plain Python."""
    match node:
        case And(terms):
            return all(admits(term, run_id) for term in terms)
        case Or(terms):
            return any(admits(term, run_id) for term in terms)
        case Not(term):
            return not admits(term, run_id)
        case Comparison(field, sign, values):
            return compares(value_of(field, run_id), sign, values)


def value_of(field: Field, run_id: str) -> str | float | None:
    if field.scope is Scope.PARAM:
        return PARAMS.get(run_id, {}).get(field.name)
    if field.scope is Scope.METRIC:
        return METRICS.get(run_id, {}).get(field.name)
    return NAMES[run_id]


def compares(value: Any, sign: str, wanted: tuple[Any, ...]) -> bool:
    if sign == "IS NULL":
        return value is None
    if isinstance(value, str) and isinstance(wanted[0], int | float):
        try:
            value = float(value)
        except ValueError:
            return False
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return False
    if sign == "IN":
        return value in wanted
    if sign in {"LIKE", "ILIKE"}:
        pattern = re.escape(wanted[0]).replace("%", ".*").replace("_", ".")
        flags = re.DOTALL | (re.IGNORECASE if sign == "ILIKE" else 0)
        return re.fullmatch(pattern, value, flags) is not None
    return bool(OPERATORS[sign](value, wanted[0]))


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def texts() -> st.SearchStrategy[str]:
    known = st.sampled_from(
        ["gpt", "it's", "0.1", "name-0", "%", "g_t", "GPT", "'; DROP TABLE x--"]
    )
    return known | st.text(string.printable, max_size=4)


numbers = st.sampled_from([0, 0.1, 0.5, -1, 0.2, 2]).map(str)
text_fields = st.sampled_from(["params.lr", "params.model", "params.`no such`", "name"])
number_fields = st.sampled_from(["metrics.acc", "params.lr", 'metrics."no such"'])
comparisons = st.one_of(
    st.builds("{} {} {}".format, text_fields, st.sampled_from(["=", "!="]), texts().map(quoted)),
    st.builds(
        "{} {} {}".format,
        text_fields,
        st.sampled_from(["LIKE", "ILIKE", "NOT LIKE"]),
        st.sampled_from(["gpt", "g%", "%", "_p_", "G%", "name-_", ""]).map(quoted),
    ),
    st.builds("{} {} {}".format, number_fields, st.sampled_from(list(OPERATORS)), numbers),
    st.builds(
        "{} {} ({})".format,
        text_fields,
        st.sampled_from(["IN", "NOT IN"]),
        st.lists(texts().map(quoted), min_size=1, max_size=3).map(", ".join),
    ),
    st.builds("{} IS {}".format, text_fields, st.sampled_from(["NULL", "NOT NULL"])),
)
filters = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.builds("({} AND {})".format, inner, inner),
        st.builds("({} OR {})".format, inner, inner),
        st.builds("NOT ({})".format, inner),
    ),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None)
@given(filters)
def test_sql_admits_what_plain_python_admits(connection: Connection, text: str) -> None:
    condition = parse_filter(text, RUNS)
    assert condition is not None
    expected = {run_id for run_id in NAMES if admits(condition, run_id)}
    assert set(search.find_run_ids(connection, text)) == expected


INJECTIONS = [
    "'; DROP TABLE store.run; --",
    "' OR '1'='1",
    "x') OR 1=1 --",
    '" OR ""="',
    "\\' OR 1=1 --",
    "$1",
    "?",
    "{ids}",
    "%s",
    "\x00",
    "'||(SELECT value FROM store.meta)||'",
    "; ATTACH '/etc/passwd' AS p",
]


@pytest.mark.parametrize("payload", INJECTIONS)
def test_injections_are_literals_in_values_and_keys(connection: Connection, payload: str) -> None:
    key = payload.replace("`", "")
    for text in (
        f"params.model = {quoted(payload)}",
        f"name IN ({quoted(payload)})",
        f"name RLIKE {quoted(re.escape(payload.replace(chr(0), '')) + 'never')}",
        f"params.`{key}` = 'x'",
        f"metrics.`{key}` > 1",
        f"tags.`{key}` = 'x'",
    ):
        assert search.find_run_ids(connection, text) == []
    assert len(search.find_run_ids(connection, order_by=[f"params.`{key}` DESC"])) == RUN_COUNT


@pytest.mark.parametrize("payload", INJECTIONS)
def test_injections_outside_quotes_are_refused(connection: Connection, payload: str) -> None:
    with pytest.raises(FilterError):
        search.find_run_ids(connection, f"name = 'x' {payload}")
    with pytest.raises(FilterError):
        search.find_run_ids(connection, order_by=[f"name {payload}"])


def test_every_field_of_the_vocabularies_can_be_searched_and_sorted_by(
    connection: Connection,
) -> None:
    for name, kind in RUNS.attributes.items():
        value = "'x'" if kind is Type.TEXT else "1"
        assert search.find_run_ids(connection, f"{name} = {value}", order_by=[name]) == []
    for name, kind in TRACES.attributes.items():
        value = "'x'" if kind is Type.TEXT else "1"
        assert search.find_trace_ids(connection, f"{name} = {value}", order_by=[name]) == []
    for name, kind in TRACES.span_fields.items():
        value = "'x'" if kind is Type.TEXT else "1"
        assert search.find_trace_ids(connection, f"span.{name} = {value}") == []


def test_a_bad_regular_expression_is_the_filters_fault(connection: Connection) -> None:
    with pytest.raises(FilterError, match="can't be used"):
        search.find_run_ids(connection, "name RLIKE '['")


def test_nan_and_missing_metrics_come_last_in_both_directions(connection: Connection) -> None:
    for direction in ("ASC", "DESC"):
        found = search.find_run_ids(connection, order_by=[f"metrics.acc {direction}"])
        assert found[3:] == ["r1", "r4", "r5"]
