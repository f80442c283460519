"""One run with one param and one metric."""

import tracekit

with tracekit.start_run():
    tracekit.log_param("learning_rate", 0.01)
    accuracy = 0.95
    tracekit.log_metric("accuracy", accuracy)
    print(f"logged: learning_rate=0.01, accuracy={accuracy}")

print("look at it with: tracekit report --open")
