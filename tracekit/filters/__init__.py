"""MLflow's filter language, parsed into a small typed tree.

    metrics.accuracy > 0.9 AND (params.model LIKE 'gpt%' OR NOT tags.stage IN ('dev', 'test'))

The language of MLflow's `search_runs` and `search_traces`, with OR, NOT, parentheses and IS NULL
for every field. Nothing here knows SQL: `tracekit.store.search` turns the tree into a query
whose values are bound and whose columns come from a closed table.

A comparison with something that is not there is false, so that NOT of it is true;
`IS NULL` asks whether it is there.
"""

from tracekit.filters.fields import RUNS, TRACES, Vocabulary
from tracekit.filters.parse import parse_filter, parse_order
from tracekit.filters.tree import And, Comparison, Condition, Field, Not, Or, Order, Scope, Type

__all__ = [
    "RUNS",
    "TRACES",
    "And",
    "Comparison",
    "Condition",
    "Field",
    "Not",
    "Or",
    "Order",
    "Scope",
    "Type",
    "Vocabulary",
    "parse_filter",
    "parse_order",
]
