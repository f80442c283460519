"""A user's own SQL, run so that it can't harm what is stored nor run for ever."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from tracekit.errors import QueryError
from tracekit.store.connection import Connection, DatabaseError, explain_query

if TYPE_CHECKING:
    import pandas as pd

Params = Sequence[Any] | Mapping[str, Any] | None
T = TypeVar("T")

TIMEOUT_S = 300.0
"""Seconds after which a query is stopped unless it says otherwise."""


def run_query(
    connection: Connection, query: str, params: Params = None, timeout_s: float = TIMEOUT_S
) -> "pd.DataFrame":
    """The rows of `query`, over a connection that is read-only and hardened.

    Raises:
        QueryError: The query can't be understood or run, or took too long.
    """
    return _run(connection, query, params, timeout_s, lambda result: result.df())


def query_rows(
    connection: Connection, query: str, params: Params = None, timeout_s: float = TIMEOUT_S
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """`run_query` without pandas: the names of the columns, and the rows as plain values."""

    def read(result: Connection) -> tuple[list[str], list[tuple[Any, ...]]]:
        return [column[0] for column in result.description or ()], result.fetchall()

    return _run(connection, query, params, timeout_s, read)


def _run(
    connection: Connection,
    query: str,
    params: Params,
    timeout_s: float,
    read: Callable[[Connection], T],
) -> T:
    """In a thread of its own: DuckDB does not always notice a signal, this thread does."""

    def work() -> T:
        result = connection.execute(query, params)
        if result is None or result.description is None:  # pyright: ignore[reportUnnecessaryComparison]
            raise QueryError("the query gives no rows: write a SELECT")
        return read(result)

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="tracekit-query") as pool:
        future = pool.submit(work)
        try:
            return future.result(timeout_s)
        except DatabaseError as error:
            raise explain_query(error) from error
        except TimeoutError as error:
            connection.interrupt()
            raise QueryError(f"the query was stopped after {timeout_s:g} s") from error
        except KeyboardInterrupt:
            connection.interrupt()
            raise
