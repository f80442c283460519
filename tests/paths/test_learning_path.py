"""The learning path of MLflow, with the import changed: each example as a program of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

import tracekit
from tracekit.demo.server import serve
from tracekit.model import Run
from tracekit.store.store import Store

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "learning_path"


def run_example(store: Store, name: str, environment: Mapping[str, str] | None = None) -> str:
    """What the example prints."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env={
            **os.environ,
            "TRACEKIT_TRACKING_URI": str(store.folder),
            "TRACEKIT_STRICT": "1",
            **(environment or {}),
        },
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def runs_of(experiment: str) -> list[Run]:
    """The oldest first."""
    client = tracekit.TracekitClient()
    found = client.get_experiment_by_name(experiment)
    assert found is not None
    runs = client.search_runs([found.experiment_id], order_by=["start_time ASC"])
    assert all(run.info.status == "FINISHED" for run in runs)
    return runs


def test_every_example_is_tried() -> None:
    here = Path(__file__).read_text(encoding="utf-8")
    assert [path.name for path in EXAMPLES.glob("*.py") if f'"{path.name}"' not in here] == []


def test_hello(store: Store) -> None:
    assert "learning_rate=0.01" in run_example(store, "hello.py")
    [run] = runs_of("Default")
    assert run.data.params == {"learning_rate": "0.01"}
    assert run.data.metrics == {"accuracy": 0.95}
    assert run.info.source["name"].endswith("hello.py")


def test_several_runs(store: Store) -> None:
    run_example(store, "several_runs.py")
    runs = runs_of("Default")
    assert [run.data.params["learning_rate"] for run in runs] == ["0.001", "0.01", "0.1"]
    assert [run.data.metrics["accuracy"] for run in runs] == pytest.approx([0.948, 0.93, 0.75])


def test_experiments(store: Store) -> None:
    run_example(store, "experiments.py")
    names = {experiment.name for experiment in tracekit.search_experiments()}
    assert names == {"iris_classification_v2", "iris_random_forest", "iris_xgboost"}
    depths = [run.data.params["max_depth"] for run in runs_of("iris_classification_v2")]
    assert depths == ["3", "5", "10", "20"]
    assert [run.info.run_name for run in runs_of("iris_xgboost")] == ["xgb_baseline"]


@pytest.mark.parametrize(
    ("name", "experiment", "metric"),
    [
        ("train_iris.py", "Default", "accuracy"),
        ("train_wine.py", "wine_classification", "test_f1"),
    ],
)
def test_training(store: Store, name: str, experiment: str, metric: str) -> None:
    run_example(store, name)
    [run] = runs_of(experiment)
    assert run.data.metrics[metric] > 0.8
    assert run.data.params["n_estimators"] == "20"
    assert "scikit-learn" in run.info.source["packages"]


def test_nested_tuning(store: Store) -> None:
    run_example(store, "nested_tuning.py")
    parent, *children = runs_of("wine_hyperparameter_tuning")
    assert len(children) == 8
    assert {child.info.parent_run_id for child in children} == {parent.info.run_id}
    best = max(child.data.metrics["accuracy"] for child in children)
    assert parent.data.metrics["best_accuracy"] == best
    assert parent.data.params in [child.data.params for child in children]


def test_tuning_with_optuna(store: Store) -> None:
    run_example(store, "optuna_tuning.py")
    parent, *trials = runs_of("optuna_tuning")
    assert [trial.info.run_name for trial in trials] == [f"trial_{number}" for number in range(5)]
    assert all(trial.data.params.keys() == {"n_estimators", "max_depth"} for trial in trials)
    best = max(trial.data.metrics["accuracy"] for trial in trials)
    assert parent.data.metrics["best_accuracy"] == best


def test_comparison_with_search(store: Store) -> None:
    printed = run_example(store, "model_comparison.py")
    runs = runs_of("model_comparison")
    best = max(run.data.metrics["accuracy"] for run in runs)
    assert len(runs) == 3
    assert f"accuracy: {best:.3f}" in printed.splitlines()[-1]


def test_llm_tracing(store: Store) -> None:
    with serve() as server:
        environment = {"OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": "none"}
        printed = run_example(store, "llm_tracing.py", environment)
    [run] = runs_of("customer_support_chatbot")
    [trace] = tracekit.TracekitClient().search_traces(run_id=run.info.run_id)
    call = trace.root
    assert call.experiment == "customer_support_chatbot"
    assert (call.operation, call.request_model) == ("chat", "gpt-4")
    assert "reset my password" in (call.input_messages or "")
    assert run.data.metrics["response_tokens"] == call.output_tokens
    assert "Assistant: " in printed


def test_langchain_pipeline(store: Store) -> None:
    with serve() as server:
        environment = {"OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": "none"}
        run_example(store, "langchain_pipeline.py", environment)
    [run] = runs_of("rag_pipeline")
    [trace] = tracekit.TracekitClient().search_traces(run_id=run.info.run_id)
    [model_call] = trace.search_spans(span_type="chat")
    assert model_call.parent_span_id == trace.root.span_id
    assert "What is tracekit?" in (model_call.input_messages or "")
    assert (model_call.output_tokens or 0) > 0
