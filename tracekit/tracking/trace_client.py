"""Traces: found, read, tagged and assessed."""

import math
import re
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

from tracekit import capture
from tracekit.errors import ConfigError, NotFoundError
from tracekit.model import Assessment, AssessmentKind, SourceType, Trace
from tracekit.store import queries
from tracekit.tracking.access import StoreAccess
from tracekit.tracking.values import checked_key

if TYPE_CHECKING:
    from tracekit.store.connection import Connection


_WHOLE_ID = re.compile(r"[0-9a-f]{32}").fullmatch


class TraceClient(StoreAccess):
    """The part of `TracekitClient` that deals with traces."""

    def get_trace(self, trace_id: str) -> Trace:
        """The trace of that id, or the only one whose id begins so.

        Raises:
            NotFoundError: There is none, or there are several.
        """
        trace = self._read(lambda connection: queries.read_trace(connection, trace_id))
        if trace is None:
            raise NotFoundError(f"there is no trace {trace_id!r} in {self.tracking_uri}")
        return trace

    def read_traces(self, trace_ids: Sequence[str]) -> list[Trace]:
        """Whole traces by their ids, in that order; ids that are not in the store are left out.

        All are in memory at once: ask for some hundred at a time.
        """
        return self._read(lambda connection: queries.read_traces(connection, trace_ids))

    def search_traces(
        self,
        experiment_names: Sequence[str] | None = None,
        filter_string: str | None = None,
        max_results: int | None = 100,
        order_by: Sequence[str] | None = None,
        *,
        run_id: str | None = None,
    ) -> list[Trace]:
        """Whole traces that a filter admits, the newest first unless `order_by` says otherwise.

        Args:
            experiment_names: None: of all experiments.
            filter_string: Such as `status = 'ERROR' AND span.model LIKE 'gpt%'`.
            max_results: All are in memory at once. None: all of them.
            order_by: Such as `["duration_ms DESC"]`.

        Raises:
            FilterError: The filter or the order can't be understood.
        """
        from tracekit.store import search  # noqa: PLC0415  the parser is for readers

        def find(connection: "Connection") -> list[Trace]:
            ids = search.find_trace_ids(
                connection,
                filter_string,
                experiment_names=experiment_names,
                run_id=run_id,
                order_by=order_by,
                max_results=max_results,
            )
            return queries.read_traces(connection, ids)

        return self._read(find)

    def set_trace_tag(self, trace_id: str, key: str, value: Any) -> None:
        """Tag a trace; a later value replaces an earlier one."""
        self._tag("trace", self._whole_id(trace_id), key, value)

    def delete_trace_tag(self, trace_id: str, key: str) -> None:
        """Remove a tag from a trace."""
        self._tag("trace", self._whole_id(trace_id), key, None)

    def _whole_id(self, trace_id: str) -> str:
        """The id itself if it is whole (the trace may be of another service); else the trace's."""
        return trace_id if _WHOLE_ID(str(trace_id)) else self.get_trace(trace_id).trace_id

    def log_feedback(
        self,
        trace_id: str,
        name: str = "feedback",
        value: Any = None,
        *,
        span_id: str | None = None,
        rationale: str | None = None,
        source: str | None = None,
        source_type: SourceType = "HUMAN",
        error: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Assessment:
        """Record what someone thinks of a trace or one of its spans.

        Args:
            value: Any JSON value: true, a number, a text.
            rationale: Why.
            source: Who: a person, the name of a judge or function.
            source_type: HUMAN, LLM_JUDGE or CODE.
            error: Why there is no value.
        """
        return self._assess(
            "feedback",
            trace_id,
            name,
            value,
            span_id=span_id,
            rationale=rationale,
            source_id=source,
            source_type=source_type,
            error=error,
            metadata=metadata,
        )

    def log_expectation(
        self,
        trace_id: str,
        name: str,
        value: Any,
        *,
        span_id: str | None = None,
        source: str | None = None,
        source_type: SourceType = "HUMAN",
        metadata: Mapping[str, Any] | None = None,
    ) -> Assessment:
        """Record what the right answer would have been; see `log_feedback`."""
        return self._assess(
            "expectation",
            trace_id,
            name,
            value,
            span_id=span_id,
            source_id=source,
            source_type=source_type,
            metadata=metadata,
        )

    def _assess(
        self,
        kind: AssessmentKind,
        trace_id: str,
        name: str,
        value: Any,
        *,
        source_type: SourceType,
        metadata: Mapping[str, Any] | None,
        **facts: str | None,
    ) -> Assessment:
        if source_type not in get_args(SourceType):
            known = ", ".join(get_args(SourceType))
            raise ConfigError(f"`source_type` is one of {known}, got {source_type!r}")
        trace_id = self._whole_id(trace_id)
        assessment = Assessment(
            assessment_id=uuid.uuid4().hex,
            kind=kind,
            name=checked_key(name, kind),
            value=capture.plain(value),
            score=_score(value),
            label=value if isinstance(value, str) else None,
            source_type=source_type,
            trace_id=trace_id,
            at_ns=time.time_ns(),
            metadata=capture.plain(dict(metadata or {})),
            **facts,
        )
        self._record(
            "assessment",
            assessment_id=assessment.assessment_id,
            assessment_kind=kind,
            trace_id=trace_id,
            name=name,
            value=assessment.value,
            score=assessment.score,
            label=assessment.label,
            source_type=source_type,
            metadata=assessment.metadata,
            **facts,
        )
        return assessment


def _score(value: Any) -> float | None:
    """The value as a number where it is one; true is 1."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
