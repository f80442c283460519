"""A user's own SQL, run so that it can't harm what is stored nor run for ever."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from tracekit.errors import QueryError
from tracekit.store.connection import Connection, DatabaseError, explain_query


def run_query(
    connection: Connection,
    query: str,
    params: Sequence[Any] | Mapping[str, Any] | None,
    timeout_s: float,
) -> pd.DataFrame:
    """The rows of `query`, over a connection that is read-only and hardened.

    Raises:
        QueryError: The query can't be understood or run, or took too long.
    """
    timer = threading.Timer(timeout_s, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        result = connection.execute(query, params)
        if result is None or result.description is None:
            raise QueryError("the query gives no rows: write a SELECT")
        return result.df()
    except DatabaseError as error:
        raise explain_query(error) from error
    finally:
        timer.cancel()
