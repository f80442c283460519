"""Traces of rows for the evaluators that ask for them, read from the store many at a time."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from tracekit.model import Trace
from tracekit.tracking.client import TracekitClient

_GATHERING_S = 0.02


@dataclass(slots=True)
class TraceReader:
    """Reads the traces that many rows wait for in one reading of the store."""

    client: TracekitClient
    _waiting: dict[str, "asyncio.Future[Trace | None]"] = field(
        default_factory=dict[str, "asyncio.Future[Trace | None]"]
    )
    _reading: "asyncio.Task[None] | None" = None

    async def trace(self, trace_id: str) -> Trace | None:
        """The trace of that id; None if it is not in the store (it was not sampled)."""
        future = self._waiting.get(trace_id)
        if future is None:
            future = self._waiting[trace_id] = asyncio.get_running_loop().create_future()
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        return await asyncio.shield(future)

    async def session(self, trace_id: str) -> tuple[Trace, ...] | None:
        """The traces of the conversation that a trace belongs to, in order."""
        trace = await self.trace(trace_id)
        session_id = None if trace is None else trace.root.session_id
        if session_id is None:
            return None if trace is None else (trace,)
        return await asyncio.to_thread(self._session, session_id)

    def _session(self, session_id: str) -> tuple[Trace, ...]:
        quoted = session_id.replace("'", "''")
        return tuple(
            self.client.search_traces(
                filter_string=f"session_id = '{quoted}'",
                max_results=None,
                order_by=["start_time ASC"],
            )
        )

    async def _read(self) -> None:
        while self._waiting:
            await asyncio.sleep(_GATHERING_S)
            waiting, self._waiting = self._waiting, {}
            try:
                found = await asyncio.to_thread(self._traces, list(waiting))
            except Exception as error:
                for future in waiting.values():
                    if not future.done():
                        future.set_exception(error)
                continue
            for trace_id, future in waiting.items():
                if not future.done():
                    future.set_result(found.get(trace_id))

    def _traces(self, trace_ids: Sequence[str]) -> dict[str, Trace]:
        return {trace.trace_id: trace for trace in self.client.read_traces(trace_ids)}
