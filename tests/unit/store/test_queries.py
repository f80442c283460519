"""What is stored comes back whole, as plain data."""

import math
from pathlib import Path
from typing import Any

import orjson
import pytest

from tracekit.errors import NotFoundError
from tracekit.store import queries
from tracekit.store.store import Store

NOW = 1_760_000_000_000_000_000


def write(store: Store, *records: Any, name: str = "1-a") -> Path:
    """A spool file of a process that is gone."""
    store.spool_folder.mkdir(parents=True, exist_ok=True)
    header = {"kind": "process", "schema": 1, "pid": 2**22 + 1, "host": "far", "at_ns": 1}
    path = store.spool_folder / f"{name}.ndjson"
    path.write_bytes(b"\n".join(map(orjson.dumps, (header, *records))) + b"\n")
    return path


def span(trace: int, number: int, parent: int | None = None, **fields: Any) -> dict[str, Any]:
    return {
        "kind": "span",
        "trace_id": f"{trace:04x}" + "0" * 28,
        "span_id": f"{number:016x}",
        "parent_span_id": None if parent is None else f"{parent:016x}",
        "name": f"span {number}",
        "start_ns": NOW + trace * 1000 + number,
        "end_ns": NOW + trace * 1000 + number + 10,
        **fields,
    }


def trace_id(trace: int) -> str:
    return f"{trace:04x}" + "0" * 28


def test_a_trace_comes_back_whole(store: Store) -> None:
    event = {"name": "exception", "at_ns": NOW, "attributes": {"exception.type": "ValueError"}}
    link = {"trace_id": "a" * 32, "span_id": "b" * 16, "attributes": {"why": "batch"}}
    attributes = {"tracekit.metadata.team": "red", "nested": {"a": [1, None]}}
    tag = {"kind": "tag", "subject": "trace", "subject_id": trace_id(1), "key": "k", "value": "v"}
    feedback = {"kind": "assessment", "assessment_kind": "feedback", "assessment_id": "f"}
    write(
        store,
        span(1, 2, parent=1, status="ERROR", events=[event], links=[link]),
        span(1, 1, attributes=attributes),
        {**tag, "at_ns": 1},
        {**feedback, "trace_id": trace_id(1), "name": "good", "value": [1], "at_ns": 1},
    )
    with store.reading() as connection:
        trace = queries.read_trace(connection, trace_id(1))
    assert trace is not None
    assert [found.name for found in trace.spans] == ["span 1", "span 2"]
    assert trace.root.name == "span 1"
    assert (trace.tags, trace.metadata, trace.status) == ({"k": "v"}, {"team": "red"}, "OK")
    assert trace.root.attributes == attributes
    failed = trace.spans[1]
    assert (failed.error_type, failed.start_ns, failed.duration_ns) == (
        *("ValueError", NOW + 1002, 10),
    )
    assert failed.events[0].attributes == event["attributes"]
    assert failed.links[0].span_id == "b" * 16
    assert trace.assessments[0].value == [1]
    orjson.dumps(trace.to_dict())


def test_a_trace_is_found_by_the_beginning_of_its_id(store: Store) -> None:
    write(store, span(0xABCD, 1), span(0xABCE, 1))
    with store.reading() as connection:
        found = queries.read_trace(connection, "ABCD")
        assert found is not None
        assert found.trace_id == trace_id(0xABCD)
        assert queries.read_trace(connection, "abc") is None
        assert queries.read_trace(connection, "ffff") is None


def test_the_beginning_of_two_ids_is_refused(store: Store) -> None:
    write(store, span(0xABCD, 1), {**span(0xABCD, 1), "trace_id": "abcd" + "1" * 28})
    with store.reading() as connection, pytest.raises(NotFoundError, match="give more digits"):
        queries.read_trace(connection, "abcd")


def test_traces_come_in_the_order_of_their_ids(store: Store) -> None:
    write(store, *(span(trace, 1) for trace in range(1, 6)))
    wanted = [trace_id(4), trace_id(2), "f" * 32, trace_id(4), trace_id(5)]
    with store.reading() as connection:
        traces = queries.read_traces(connection, wanted)
        summaries = queries.read_trace_summaries(connection, wanted[:3])
    assert [trace.trace_id for trace in traces] == [trace_id(4), trace_id(2), trace_id(5)]
    assert [summary.trace_id for summary in summaries] == [trace_id(4), trace_id(2)]


def test_the_newest_traces_are_by_their_earliest_span(store: Store) -> None:
    """Late spans make no trace newer; one without a root is listed by its first span."""
    write(
        store,
        *(span(trace, 1) for trace in range(1, 8)),
        span(1, 99_000, parent=1),
        span(2, 99_001, parent=77),
        span(6, 5, parent=1),
        {**span(9, 3, parent=55), "kind": "start"},
    )
    with store.reading() as connection:
        everything = queries.newest_trace_ids(connection)
        assert everything == [trace_id(n) for n in (9, 7, 6, 5, 4, 3, 2, 1)]
        for limit in range(10):
            assert queries.newest_trace_ids(connection, limit) == everything[:limit]


def test_an_empty_store_has_nothing(store: Store) -> None:
    with store.reading() as connection:
        assert queries.read_trace_summaries(connection, limit=50) == []
        assert queries.read_traces(connection, []) == []
        assert queries.read_runs(connection) == []
        assert queries.read_experiments(connection) == []


def test_a_summary_says_what_a_list_shows(store: Store) -> None:
    tokens = {"gen_ai.usage.input_tokens": 3, "gen_ai.usage.output_tokens": 4}
    chat = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", **tokens}
    write(
        store,
        span(1, 1, attributes={"tracekit.input": "1", "tracekit.output": "2"}, session_id="s"),
        span(1, 2, parent=1, attributes=chat, status="ERROR"),
    )
    with store.reading() as connection:
        (summary,) = queries.read_trace_summaries(connection)
    assert (summary.input, summary.output, summary.model) == ("1", "2", "m")
    assert (summary.input_tokens, summary.output_tokens, summary.cost_usd) == (3, 4, None)
    assert (summary.span_count, summary.error_count, summary.status) == (2, 1, "OK")
    assert (summary.session_id, summary.duration_ns) == ("s", 11)


def test_a_run_comes_back_with_what_was_logged(store: Store) -> None:
    run = {"kind": "run", "run_id": "r", "at_ns": NOW, "start_ns": NOW, "status": "RUNNING"}
    metrics = {"kind": "metrics", "run_id": "r", "at_ns": NOW}
    write(
        store,
        {"kind": "experiment", "experiment_id": "e", "name": "first", "at_ns": NOW},
        {**run, "name": "n", "experiment_id": "e", "experiment": "first", "source": {"a": 1}},
        {"kind": "param", "run_id": "r", "key": "lr", "value": "0.1", "at_ns": NOW},
        {**metrics, "step": 1, "values": {"loss": 0.5}},
        {**metrics, "step": 2, "values": {"loss": "NaN"}},
        {"kind": "tag", "subject": "run", "subject_id": "r", "key": "t", "value": "v", "at_ns": 1},
        {**run, "at_ns": NOW + 10**9, "status": "FINISHED", "end_ns": NOW + 10**9},
    )
    with store.reading() as connection:
        (found,) = queries.read_runs(connection)
        history = queries.read_metric_history(connection, "r", "loss")
        assert queries.read_metric_histories(connection, ["r"])["r"]["loss"][0] == history[0]
        assert queries.read_runs(connection, ["other"]) == []
    assert (found.info.status, found.info.experiment, found.info.source) == (
        *("FINISHED", "first", {"a": 1}),
    )
    assert found.info.end_time == found.info.start_time + 1000
    assert (found.data.params, found.data.tags) == ({"lr": "0.1"}, {"t": "v"})
    assert math.isnan(found.data.metrics["loss"])
    assert [point.step for point in history] == [1, 2]


def test_deleted_runs_are_read_only_when_asked_for(store: Store) -> None:
    write(store, {"kind": "run", "run_id": "r", "at_ns": NOW, "deleted_ns": NOW})
    with store.reading() as connection:
        assert queries.read_runs(connection) == []
        (found,) = queries.read_runs(connection, ["r"])
    assert found.info.lifecycle_stage == "deleted"
