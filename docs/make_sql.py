"""Writes docs/sql.md from the comments in the database: `python docs/make_sql.py`."""

import tempfile
from pathlib import Path

from tracekit.store.connection import Connection
from tracekit.store.store import Store

PAGE = Path(__file__).with_name("sql.md")

INTRODUCTION = """\
# SQL

All that tracekit stores is in one DuckDB file, `tracekit.duckdb` in the folder of the store, and
you may query it. The views below are a public interface: their columns keep their names and
meanings. Tables in the schema `store` are private and may change with any version.

```python
import tracekit

tracekit.sql("SELECT model, count(*), sum(cost_usd) FROM traces GROUP BY model")
```

```bash
tracekit sql "SELECT name, error_type FROM spans WHERE status = 'ERROR'"
```

Queries can read and not change anything, reach no file and no network, and see all that was
written before they began. Times are `TIMESTAMP_NS` in UTC. Attributes without a column of their
own are in `attributes`, a `VARIANT`: `attributes."app.route"`, or with a name given as a value
`variant_extract(attributes, ?)`.

(This page is made from the comments in the database by `docs/make_sql.py`.)
"""

VIEWS = """
SELECT view_name, comment FROM duckdb_views() WHERE schema_name = 'main' AND NOT internal
ORDER BY list_position(['traces', 'spans', 'runs', 'metrics_last', 'metrics', 'params', 'tags',
  'assessments', 'experiments'], view_name) NULLS LAST, view_name
"""
COLUMNS = """
SELECT column_name, data_type, coalesce(comment, '') FROM duckdb_columns()
WHERE schema_name = 'main' AND table_name = ? ORDER BY column_index
"""


def page() -> str:
    """The whole page."""
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder)).reading() as connection:
        views = connection.execute(VIEWS).fetchall()
        parts = [section(connection, name, comment) for name, comment in views]
    return "\n".join([INTRODUCTION, *parts])


def section(connection: Connection, view: str, comment: str) -> str:
    """One view: what it is, and its columns."""
    rows = [
        f"| `{name}` | {kind} | {meaning} |"
        for name, kind, meaning in connection.execute(COLUMNS, [view]).fetchall()
    ]
    head = ["| column | type | meaning |", "|---|---|---|"]
    return "\n".join([f"## {view}", "", comment, "", *head, *rows, ""])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
