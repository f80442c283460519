"""The store: an append-only spool that programs write, and the database that readers query.

Writing loads neither DuckDB nor pandas: `tracekit.store.connection` is the only door to DuckDB
and is loaded with the first read.
"""
