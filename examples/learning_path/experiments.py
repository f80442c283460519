"""Runs grouped into experiments."""

import tracekit

tracekit.set_experiment("iris_classification_v2")
for max_depth in [3, 5, 10, 20]:
    with tracekit.start_run():
        tracekit.log_param("max_depth", max_depth)

tracekit.set_experiment("iris_random_forest")
with tracekit.start_run(run_name="rf_baseline"):
    tracekit.log_param("model_type", "random_forest")

tracekit.set_experiment("iris_xgboost")
with tracekit.start_run(run_name="xgb_baseline"):
    tracekit.log_param("model_type", "xgboost")
