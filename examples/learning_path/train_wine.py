"""A training script with an experiment, a named run and several metrics."""

from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score, f1_score, precision_score
from sklearn.model_selection import train_test_split

import tracekit

tracekit.set_experiment("wine_classification")

X, y = load_wine(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=42)

with tracekit.start_run(run_name="random_forest_baseline"):
    model = RandomForestClassifier(n_estimators=20, max_depth=10, random_state=42)
    tracekit.log_params({"n_estimators": 20, "max_depth": 10})
    model.fit(X_train, y_train)

    predictions = model.predict(X_test)
    accuracy = accuracy_score(y_test, predictions)
    f1 = f1_score(y_test, predictions, average="weighted")
    precision = precision_score(y_test, predictions, average="weighted")
    tracekit.log_metric("test_accuracy", accuracy)
    tracekit.log_metric("test_f1", f1)
    tracekit.log_metric("test_precision", precision)
    print(f"accuracy: {accuracy:.3f}, F1: {f1:.3f}")
