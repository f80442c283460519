"""What is recorded is a database: ask it by SQL. The views are described in docs/sql.md.

python examples/sql.py
"""

import tracekit

for number in range(20):
    with tracekit.start_span("answer", attributes={"shelf": number % 3}) as span:
        span.set_inputs({"number": number})
        span.set_outputs({"even": number % 2 == 0})

slowest = tracekit.sql(
    """
    SELECT name, count(*) AS calls, round(quantile_cont(duration_ms, 0.95), 3) AS p95_ms
    FROM spans WHERE name = $name GROUP BY name
    """,
    {"name": "answer"},
)
print(slowest.to_string(index=False))
