"""Work of the user's that may block, in a thread, with the context of the row it is for."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any


async def in_thread(executor: Executor, function: Callable[..., Any], *args: Any) -> Any:
    """What `function(*args)` gives, once a thread of the executor has called it."""
    context = contextvars.copy_context()

    def call() -> Any:
        try:
            return context.run(function, *args)
        except StopIteration as error:  # a future can't carry it: it would never be done
            raise RuntimeError("StopIteration was raised outside a generator") from error

    return await asyncio.get_running_loop().run_in_executor(executor, call)
