"""A search over a grid: one parent run, a nested run for each combination."""

from itertools import product

from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split

import tracekit

tracekit.set_experiment("wine_hyperparameter_tuning")

X, y = load_wine(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=42)

with tracekit.start_run(run_name="hyperparameter_tuning_session") as parent_run:
    best_accuracy = 0.0
    best_params = {}

    for n_est, max_d, min_split in product([5, 10], [2, 5], [2, 10]):
        with tracekit.start_run(run_name=f"n{n_est}_d{max_d}_s{min_split}", nested=True):
            model = RandomForestClassifier(
                n_estimators=n_est, max_depth=max_d, min_samples_split=min_split, random_state=42
            )
            model.fit(X_train, y_train)
            accuracy = accuracy_score(y_test, model.predict(X_test))

            tracekit.log_param("n_estimators", n_est)
            tracekit.log_param("max_depth", max_d)
            tracekit.log_param("min_samples_split", min_split)
            tracekit.log_metric("accuracy", accuracy)

            if accuracy > best_accuracy:
                best_accuracy = accuracy
                best_params = {
                    "n_estimators": n_est,
                    "max_depth": max_d,
                    "min_samples_split": min_split,
                }
            print(f"n_est={n_est}, max_d={max_d}, min_split={min_split}: {accuracy:.3f}")

    tracekit.log_params(best_params)
    tracekit.log_metric("best_accuracy", best_accuracy)
    print(f"best: {best_accuracy:.3f} with {best_params}")
