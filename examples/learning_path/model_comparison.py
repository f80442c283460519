"""Several models in one experiment, and the best of them found by a search."""

import pandas as pd
from sklearn.datasets import load_wine
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import tracekit
from tracekit.tracking import TracekitClient

X, y = load_wine(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=42)

tracekit.set_experiment("model_comparison")

models = {
    "random_forest": RandomForestClassifier(n_estimators=20, random_state=42),
    "gradient_boosting": GradientBoostingClassifier(n_estimators=10, random_state=42),
    "logistic_regression": make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
}
results = []

for model_name, model in models.items():
    with tracekit.start_run(run_name=model_name):
        model.fit(X_train, y_train)
        predictions = model.predict(X_test)
        metrics = {
            "accuracy": accuracy_score(y_test, predictions),
            "f1_score": f1_score(y_test, predictions, average="weighted"),
            "precision": precision_score(y_test, predictions, average="weighted"),
            "recall": recall_score(y_test, predictions, average="weighted"),
        }
        for metric_name, metric_value in metrics.items():
            tracekit.log_metric(metric_name, metric_value)
        tracekit.log_param("model_type", model_name)
        results.append({"model": model_name, **metrics})
        print(f"{model_name}: accuracy={metrics['accuracy']:.3f}")

comparison_df = pd.DataFrame(results)
print(comparison_df.sort_values("accuracy", ascending=False))

client = TracekitClient()
experiment = client.get_experiment_by_name("model_comparison")
assert experiment is not None
runs = client.search_runs(
    experiment_ids=[experiment.experiment_id], order_by=["metrics.accuracy DESC"], max_results=1
)
best_run = runs[0]
print(f"best model: {best_run.data.params['model_type']}")
print(f"accuracy: {best_run.data.metrics['accuracy']:.3f}")
