"""A search by Optuna: a nested run for each trial, since the params of a run don't change."""

import optuna
from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split

import tracekit

X, y = load_wine(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=42)


def objective(trial: optuna.Trial) -> float:
    """The accuracy of one forest."""
    with tracekit.start_run(run_name=f"trial_{trial.number}", nested=True):
        n_estimators = trial.suggest_int("n_estimators", 2, 20)
        max_depth = trial.suggest_int("max_depth", 2, 32)
        model = RandomForestClassifier(
            n_estimators=n_estimators, max_depth=max_depth, random_state=42
        )
        model.fit(X_train, y_train)
        accuracy = float(accuracy_score(y_test, model.predict(X_test)))

        tracekit.log_params(trial.params)
        tracekit.log_metric("accuracy", accuracy)
    return accuracy


tracekit.set_experiment("optuna_tuning")
with tracekit.start_run():
    study = optuna.create_study(direction="maximize")
    study.optimize(objective, n_trials=5)
    tracekit.log_metric("best_accuracy", study.best_value)

    print(f"best accuracy: {study.best_value:.3f}")
    print(f"best params: {study.best_params}")
