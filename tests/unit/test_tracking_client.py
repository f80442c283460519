"""TracekitClient: explicit work by ids, and what the searches give back."""

import math
from pathlib import Path

import pandas as pd
import pytest

import tracekit
from tracekit.errors import ConfigError, FilterError, NotFoundError
from tracekit.model import Metric
from tracekit.store.store import Store


@pytest.fixture
def client(store: Store) -> tracekit.TracekitClient:
    return tracekit.TracekitClient(str(store.folder))


def test_a_run_by_hand_from_start_to_end(client: tracekit.TracekitClient) -> None:
    experiment_id = client.create_experiment("by-hand", tags={"team": "a"})
    run = client.create_run(experiment_id, start_time=1_000, tags={"k": "v"}, run_name="one")
    run_id = run.info.run_id
    client.log_batch(
        run_id,
        metrics=[Metric(key="loss", value=0.5, step=1, timestamp=2_000)],
        params={"lr": 0.1},
        tags={"more": 1},
    )
    client.update_run(run_id, name="two")
    client.set_terminated(run_id, "FAILED", end_time=3_000)
    found = client.get_run(run_id)
    assert (found.info.run_name, found.info.status) == ("two", "FAILED")
    assert (found.info.start_time, found.info.end_time) == (1_000, 3_000)
    assert found.info.experiment == "by-hand"
    assert found.data.params == {"lr": "0.1"}
    assert found.data.metrics == {"loss": 0.5}
    assert found.data.tags.items() >= {"k": "v", "more": "1"}.items()
    assert client.get_experiment(experiment_id).tags == {"team": "a"}


def test_an_experiment_can_be_made_once_renamed_deleted_and_restored(
    client: tracekit.TracekitClient,
) -> None:
    experiment_id = client.create_experiment("first")
    with pytest.raises(ConfigError, match="there is an experiment 'first' already"):
        client.create_experiment("first")
    client.rename_experiment(experiment_id, "second")
    assert [experiment.name for experiment in client.search_experiments()] == ["second"]
    client.delete_experiment(experiment_id)
    assert client.search_experiments() == []
    assert client.get_experiment(experiment_id).lifecycle_stage == "deleted"
    client.restore_experiment(experiment_id)
    assert [experiment.name for experiment in client.search_experiments()] == ["second"]


def test_a_deleted_run_is_not_found_by_searches_until_it_is_restored(
    client: tracekit.TracekitClient,
) -> None:
    run_id = client.create_run("0").info.run_id
    client.delete_run(run_id)
    assert client.search_runs() == []
    assert client.get_run(run_id).info.lifecycle_stage == "deleted"
    client.restore_run(run_id)
    assert [run.info.run_id for run in client.search_runs()] == [run_id]


def test_a_typing_error_in_an_id_makes_no_ghost(client: tracekit.TracekitClient) -> None:
    for change in (client.set_terminated, client.delete_run, client.update_run, client.restore_run):
        with pytest.raises(NotFoundError, match="there is no run 'nope'"):
            change("nope")
    with pytest.raises(NotFoundError, match="no experiment with id '5'"):
        client.create_run("5")
    assert client.search_runs() == []


def test_a_bad_status_is_refused(client: tracekit.TracekitClient) -> None:
    run_id = client.create_run("0").info.run_id
    with pytest.raises(ConfigError, match="one of RUNNING, SCHEDULED, FINISHED, FAILED, KILLED"):
        client.set_terminated(run_id, "DONE")  # type: ignore[arg-type]


@pytest.fixture
def runs(client: tracekit.TracekitClient) -> dict[str, str]:
    """Three runs by name: ids."""
    made: dict[str, str] = {}
    for number, name in enumerate(("low", "high", "nan")):
        with tracekit.start_run(run_name=name, experiment=f"exp-{number % 2}") as run:
            tracekit.log_param("model", name)
            tracekit.log_metric("accuracy", (0.1, 0.9, math.nan)[number])
        made[name] = run.info.run_id
    return made


def test_search_filters_and_sorts(client: tracekit.TracekitClient, runs: dict[str, str]) -> None:
    best = client.search_runs(order_by=["metrics.accuracy DESC"], max_results=1)
    assert [run.data.params["model"] for run in best] == ["high"]
    found = client.search_runs(filter_string="metrics.accuracy < 0.5 OR params.model = 'nan'")
    assert {run.info.run_name for run in found} == {"low", "nan"}
    experiment = client.get_experiment_by_name("exp-1")
    assert experiment is not None
    only = client.search_runs(experiment_ids=[experiment.experiment_id])
    assert [run.info.run_id for run in only] == [runs["high"]]


def test_search_runs_gives_mlflows_columns_in_the_order_asked_for(runs: dict[str, str]) -> None:
    frame = tracekit.search_runs(order_by=["metrics.accuracy ASC"])
    assert list(frame.columns[:8]) == [
        *("run_id", "experiment_id", "experiment", "status"),
        *("artifact_uri", "start_time", "end_time", "run_name"),
    ]
    assert {"params.model", "metrics.accuracy", "tags.tracekit.user"} <= set(frame.columns)
    assert frame["run_name"].tolist() == ["low", "high", "nan"]
    assert frame["metrics.accuracy"].tolist()[:2] == [0.1, 0.9]
    assert str(frame["start_time"].dtype) == "datetime64[ns, UTC]"
    only = tracekit.search_runs(experiment_names=["exp-1"])
    assert only["run_id"].tolist() == [runs["high"]]


def test_an_empty_search_has_the_columns_all_the_same(store: Store) -> None:
    assert "run_id" in tracekit.search_runs().columns
    frame = tracekit.search_traces()
    assert list(frame.columns) == [
        *("trace_id", "name", "status", "start_time", "duration_ms", "input", "output", "model"),
        *("input_tokens", "output_tokens", "cost_usd", "session_id", "user_id", "tags", "run_id"),
        "experiment",
    ]
    assert str(frame["input_tokens"].dtype) == "Int64"


def test_a_bad_filter_is_one_sentence_and_a_caret(client: tracekit.TracekitClient) -> None:
    with pytest.raises(FilterError, match=r"\(column 13\)\n    metrics.a = 'x'\n {16}\^"):
        tracekit.search_runs(filter_string="metrics.a = 'x'")
    with pytest.raises(ConfigError, match="must not be negative"):
        tracekit.search_runs(max_results=-1)


@pytest.fixture
def trace_ids(client: tracekit.TracekitClient) -> list[str]:
    """Two traces: one that worked, one that did not."""
    made: list[str] = []
    for name in ("good", "bad"):
        try:
            with tracekit.start_span(name, span_type="chain") as span:
                made.append(span.trace_id)
                span.set_inputs({"question": name})
                tracekit.update_current_trace(
                    tags={"kind": name}, user_id=f"u-{name}", metadata={"version": 2}
                )
                if name == "bad":
                    raise ValueError("no")
        except ValueError:
            pass
    return made


@pytest.mark.parametrize(
    ("filter_string", "names"),
    [
        ("status = 'ERROR'", ["bad"]),
        ("trace.status = 'OK' AND trace.name = 'good'", ["good"]),
        ("tags.kind = 'good' OR user_id = 'u-bad'", ["bad", "good"]),
        ("metadata.version = '2' AND NOT tag.kind = 'bad'", ["good"]),
        ("input LIKE '%good%'", ["good"]),
        ("NOT text LIKE '%good%' AND text IS NOT NULL", ["bad"]),
        ("span.type = 'chain' AND span.status = 'error'", ["bad"]),
        ("error_type = 'ValueError'", ["bad"]),
        ("execution_time_ms > 100000", []),
    ],
)
def test_traces_are_found_by_what_they_are(
    trace_ids: list[str], filter_string: str, names: list[str]
) -> None:
    assert tracekit.search_traces(filter_string=filter_string)["name"].tolist() == names


def test_traces_come_newest_first_or_as_asked(
    client: tracekit.TracekitClient, trace_ids: list[str]
) -> None:
    assert tracekit.search_traces(max_results=1)["name"].tolist() == ["bad"]
    by_name = tracekit.search_traces(order_by=["name DESC"])
    assert by_name["name"].tolist() == ["good", "bad"]
    assert by_name["tags"].tolist() == [{"kind": "good"}, {"kind": "bad"}]
    found = client.search_traces(filter_string="name = 'bad'")
    assert [trace.root.error_type for trace in found] == ["ValueError"]


def test_feedback_and_expectations_are_kept_and_searched_for(
    client: tracekit.TracekitClient, trace_ids: list[str]
) -> None:
    good, bad = trace_ids
    tracekit.log_feedback(
        trace_id=good, name="helpful", value=True, rationale="clear", source="alice"
    )
    tracekit.log_feedback(trace_id=bad, name="score", value=0.2, source_type="CODE")
    tracekit.log_expectation(trace_id=bad, name="answer", value={"text": "42"})
    client.set_trace_tag(good, "reviewed", "yes")
    client.set_trace_tag(bad, "reviewed", "yes")
    client.delete_trace_tag(bad, "reviewed")

    [feedback] = tracekit.get_trace(good).assessments
    assert (feedback.name, feedback.value, feedback.score) == ("helpful", True, 1.0)
    assert (feedback.rationale, feedback.source_id) == ("clear", "alice")
    assert {a.name: a.value for a in tracekit.get_trace(bad).assessments} == {
        "score": 0.2,
        "answer": {"text": "42"},
    }

    def found(filter_string: str) -> list[str]:
        return tracekit.search_traces(filter_string=filter_string)["trace_id"].tolist()

    assert found("feedback.helpful = true") == [good]
    assert found("feedback.score < 0.5") == [bad]
    assert found("expectation.answer IS NOT NULL") == [bad]
    assert found("tags.reviewed = 'yes'") == [good]
    assert found("feedback.helpful IS NULL") == [bad]


def test_feedback_inside_a_span_is_on_its_trace(store: Store) -> None:
    with tracekit.start_span("answer") as span:
        tracekit.log_feedback(name="ok", value="yes")
    assert [a.label for a in tracekit.get_trace(span.trace_id).assessments] == ["yes"]
    with pytest.raises(tracekit.TracekitError, match="give `trace_id=`"):
        tracekit.log_feedback(name="ok", value="yes")
    with pytest.raises(ConfigError, match="one of HUMAN, LLM_JUDGE, CODE"):
        tracekit.log_feedback(
            trace_id=span.trace_id,
            value=1,
            source_type="GOD",  # type: ignore[arg-type]
        )


def test_an_unknown_trace_is_one_sentence(client: tracekit.TracekitClient) -> None:
    with pytest.raises(NotFoundError, match="there is no trace 'feed' in "):
        client.get_trace("feed")


def test_sql_reads_the_views(runs: dict[str, str]) -> None:
    frame = tracekit.sql("SELECT run_name FROM runs WHERE run_id = ?", [runs["low"]])
    pd.testing.assert_frame_equal(frame, pd.DataFrame({"run_name": ["low"]}))


def test_clients_of_two_stores_do_not_meet(tmp_path: Path) -> None:
    first = tracekit.TracekitClient(tmp_path / "one")
    second = tracekit.TracekitClient(tmp_path / "two")
    first.create_run("0")
    assert len(first.search_runs()) == 1
    assert second.search_runs() == []
