"""A run for each learning rate."""

import tracekit

for lr in [0.001, 0.01, 0.1]:
    with tracekit.start_run():
        tracekit.log_param("learning_rate", lr)
        accuracy = 0.95 - lr * 2
        tracekit.log_metric("accuracy", accuracy)
        print(f"run with lr={lr}: accuracy={accuracy:.3f}")
