"""Runs without any model: params, metrics with steps, artifacts, and a search over them.

python examples/runs.py && tracekit runs
"""

import math

import tracekit

tracekit.set_experiment("learning rate")

for rate in (0.01, 0.1, 0.5):
    with tracekit.start_run(run_name=f"rate {rate}"):
        tracekit.log_params({"rate": rate, "optimizer": "sgd"})
        for step in range(30):
            loss = math.exp(-rate * step) + (0.3 if rate > 0.4 else 0.0)
            tracekit.log_metric("loss", loss, step=step)
        tracekit.log_dict({"rate": rate, "final_loss": loss}, "summary.json")
        tracekit.set_tag("stage", "draft")

best = tracekit.search_runs(
    experiment_names=["learning rate"],
    filter_string="metrics.loss < 0.9 AND params.optimizer = 'sgd'",
    order_by=["metrics.loss ASC"],
)
print(best[["run_name", "params.rate", "metrics.loss"]].to_string(index=False))
