"""Spans of OpenTelemetry's SDK: an application's provider, and other instrumentations.

tracekit makes its own spans without a tracer provider, so that it neither captures nor disturbs
an application's other telemetry. `join` makes them part of the application's provider, and
`SpanProcessor` brings the spans of any provider into the store.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.sdk.trace import SpanProcessor as SdkSpanProcessor
from opentelemetry.trace import SpanContext

from tracekit import config, guard, recording, semconv
from tracekit._version import __version__


class SpanProcessor(SdkSpanProcessor):
    """Writes each span to the store when it starts (a small record) and when it ends.

    Add it to any OpenTelemetry tracer provider, and every instrumentation's spans land beside
    tracekit's own. Safe in any thread and after a fork; never raises, never blocks on anything
    but one `write` to a file.

    Args:
        tracking_uri: The store. None: the one in use when a trace begins.

    Example:
        >>> from opentelemetry.sdk.trace import TracerProvider
        >>> provider = TracerProvider()
        >>> provider.add_span_processor(SpanProcessor())
    """

    def __init__(self, tracking_uri: str | None = None) -> None:
        self._recorder = recording.Recorder(tracking_uri)
        self._closed = False

    def on_start(self, span: SdkSpan, parent_context: Context | None = None) -> None:
        """Write the start record; what is still running at a crash then shows as unfinished."""
        try:
            if not self._closed and config.settings().enabled:
                self._started(span)
        except Exception:
            guard.failed("SpanProcessor.on_start")

    def on_end(self, span: ReadableSpan) -> None:
        """Write the whole span."""
        try:
            if not self._closed and config.settings().enabled:
                self._ended(span)
        except Exception:
            guard.failed("SpanProcessor.on_end")

    def shutdown(self) -> None:
        """Ignore all spans from now on. What was written stays."""
        self._closed = True

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """True if everything is in the file, and nothing was lost."""
        try:
            return recording.flush(timeout_millis / 1000).success
        except Exception:
            guard.failed("SpanProcessor.force_flush")
            return False

    def _started(self, span: SdkSpan) -> None:
        recorded = _recorded(span)
        self._recorder.opened(recorded, span).write_start(recorded)

    def _ended(self, span: ReadableSpan) -> None:
        status, scope = span.status, span.instrumentation_scope
        recorded, description = _recorded(span), status.description
        attributes = recorded.attributes
        events = [_event(event) for event in span.events]
        if scope is None or not scope.name.startswith(recording.SCOPE):
            attributes = _filtered(attributes)
            description = None if description is None else recording.message(description)
            events = [_without_message(event) for event in events]
        record: dict[str, Any] = {
            "name": span.name,
            "end_ns": span.end_time,
            "status": status.status_code.name,
            "status_message": description,
            "scope": None if scope is None else scope.name,
            "attributes": attributes,
            "resource": dict(span.resource.attributes),
        }
        if events:
            record["events"] = events
        if span.links:
            record["links"] = [_link(link.context, link.attributes) for link in span.links]
        self._recorder.closed(recorded, span).write_end(recorded, record)


@dataclass(slots=True)
class _Recorded:
    """What each record of a span tells."""

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    kind: str
    start_ns: int
    attributes: dict[str, Any]


def _recorded(span: ReadableSpan) -> _Recorded:
    own, parent = span.get_span_context(), span.parent
    assert own is not None
    return _Recorded(
        trace_id=f"{own.trace_id:032x}",
        span_id=f"{own.span_id:016x}",
        parent_id=None if parent is None else f"{parent.span_id:016x}",
        name=span.name,
        kind=span.kind.name,
        start_ns=span.start_time or 0,
        attributes=_plain_attributes(span),
    )


def _plain_attributes(span: ReadableSpan) -> dict[str, Any]:
    """The span's attributes without a copy where the SDK allows it."""
    bounded = getattr(span, "_attributes", None)
    plain = getattr(bounded, "_dict", None)
    return cast("dict[str, Any]", plain) if isinstance(plain, dict) else dict(span.attributes or {})


def _filtered(attributes: dict[str, Any]) -> dict[str, Any]:
    """Attributes of another instrumentation, under the same switches as tracekit's own."""
    settings = config.settings()
    if settings.capture_content and settings.mask is None:
        return attributes
    kept: dict[str, Any] = {}
    for key, value in attributes.items():
        if not (key in semconv.CONTENT or key.startswith(semconv.FOREIGN_CONTENT)):
            kept[key] = value
        elif settings.capture_content and isinstance(value, str):
            text = recording.masked(key, value)
            kept[key if text is not None else semconv.MASKING_ERROR] = text or True
    return kept


def _without_message(event: dict[str, Any]) -> dict[str, Any]:
    """An exception of another instrumentation: what it says is content, in its stack as well."""
    said = event["attributes"].get("exception.message")
    kept = None if said is None else recording.message(str(said))
    if said is None or kept == said:
        return event
    facts = {k: v for k, v in event["attributes"].items() if k not in _SAYING}
    return {**event, "attributes": facts if kept is None else {**facts, "exception.message": kept}}


_SAYING = frozenset({"exception.message", "exception.stacktrace"})


def _event(event: Any) -> dict[str, Any]:
    attributes = dict(event.attributes or {})
    return {"name": event.name, "at_ns": event.timestamp, "attributes": attributes}


def _link(linked: SpanContext, attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "trace_id": f"{linked.trace_id:032x}",
        "span_id": f"{linked.span_id:016x}",
        "attributes": dict(attributes or {}),
    }


class _JoinedProcessor(SpanProcessor):
    """What the spans of a joined provider pass, tracekit's own among them."""

    def __init__(self) -> None:
        super().__init__()
        self._recorder = recording.recorder


_processor = _JoinedProcessor()


def join(provider: TracerProvider) -> None:
    """Make tracekit's spans part of an application's provider: its exporters receive them too.

    Args:
        provider: OpenTelemetry SDK's; tracekit's processor is added to it once.
    """
    if provider not in _joined_providers:
        provider.add_span_processor(_processor)
        _joined_providers.append(provider)
    recording.joined = provider.get_tracer(recording.SCOPE, __version__)


_joined_providers: list[TracerProvider] = []
