"""A trained model: its settings as params, its quality as a metric."""

from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split

import tracekit

X, y = load_iris(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=42)

with tracekit.start_run():
    n_estimators = 20
    max_depth = 5
    model = RandomForestClassifier(n_estimators=n_estimators, max_depth=max_depth, random_state=42)
    model.fit(X_train, y_train)
    accuracy = accuracy_score(y_test, model.predict(X_test))

    tracekit.log_param("n_estimators", n_estimators)
    tracekit.log_param("max_depth", max_depth)
    tracekit.log_metric("accuracy", accuracy)
    print(f"accuracy: {accuracy:.3f}")
