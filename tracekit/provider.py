"""Spans on their way from the program to the spool.

tracekit keeps a tracer provider of its own, so that it neither captures nor disturbs an
application's other telemetry. `join` makes it use the application's provider instead, and
`SpanProcessor` brings the spans of any provider into the store.
"""

import os
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.sdk.trace import SpanProcessor as SdkSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import SpanContext, SpanKind, StatusCode, Tracer

from tracekit import capture, config, context, guard, semconv
from tracekit._version import __version__
from tracekit.store.spool import Spool
from tracekit.store.store import open_store

SCOPE = "tracekit"

_KINDS = {kind: kind.name for kind in SpanKind}
_STATUSES = {code: code.name for code in StatusCode}


@dataclass(slots=True)
class Belonging:
    """What the spans of one trace belong to; shared by them while it is the same for all."""

    run_id: str | None
    experiment: str
    session_id: str | None
    user_id: str | None
    root: SdkSpan


class SpanProcessor(SdkSpanProcessor):
    """Writes each span to the store when it starts (a small record) and when it ends.

    Add it to any OpenTelemetry tracer provider, and every instrumentation's spans land beside
    tracekit's own. Safe in any thread and after a fork; never raises, never blocks on anything
    but one `write` to a file.

    Args:
        tracking_uri: The store. None: the one in use when the span starts or ends.

    Example:
        >>> from opentelemetry.sdk.trace import TracerProvider
        >>> provider = TracerProvider()
        >>> provider.add_span_processor(SpanProcessor())
    """

    def __init__(self, tracking_uri: str | None = None) -> None:
        self._tracking_uri = tracking_uri
        self._belongings: dict[int, Belonging] = {}
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
        """True if nothing was lost: each record is in the file when its span has ended."""
        return flush().success

    def belonging(self, span_id: int) -> Belonging | None:
        """What an open span belongs to."""
        return self._belongings.get(span_id)

    def _started(self, span: SdkSpan) -> None:
        own, parent = span.get_span_context(), span.parent
        assert own is not None
        inherited = self._belongings.get(parent.span_id) if parent is not None else None
        attributes = _plain_attributes(span)
        belonging = _belonging(span, attributes, inherited)
        self._belongings[own.span_id] = belonging
        self._spool().append(
            {
                "kind": "start",
                "trace_id": f"{own.trace_id:032x}",
                "span_id": f"{own.span_id:016x}",
                "parent_span_id": None if parent is None else f"{parent.span_id:016x}",
                "name": span.name,
                "span_kind": _KINDS[span.kind],
                "operation": attributes.get(semconv.OPERATION),
                "start_ns": span.start_time,
                "session_id": belonging.session_id,
                "user_id": belonging.user_id,
                "run_id": belonging.run_id,
                "experiment": belonging.experiment,
            }
        )

    def _ended(self, span: ReadableSpan) -> None:
        own, parent, status = span.get_span_context(), span.parent, span.status
        assert own is not None
        attributes = _plain_attributes(span)
        belonging = self._belongings.pop(own.span_id, None) or _belonging(span, attributes, None)
        scope, description = span.instrumentation_scope, status.description
        events = [_event(event) for event in span.events]
        if scope is None or not scope.name.startswith(SCOPE):
            attributes = _filtered(attributes)
            description = None if description is None else message(description)
            events = [_without_message(event) for event in events]
        record: dict[str, Any] = {
            "kind": "span",
            "trace_id": f"{own.trace_id:032x}",
            "span_id": f"{own.span_id:016x}",
            "parent_span_id": None if parent is None else f"{parent.span_id:016x}",
            "name": span.name,
            "span_kind": _KINDS[span.kind],
            "start_ns": span.start_time,
            "end_ns": span.end_time,
            "status": _STATUSES[status.status_code],
            "status_message": description,
            "scope": None if scope is None else scope.name,
            "session_id": belonging.session_id,
            "user_id": belonging.user_id,
            "run_id": belonging.run_id,
            "experiment": belonging.experiment,
            "attributes": attributes,
        }
        if events:
            record["events"] = events
        if span.links:
            record["links"] = [_link(link.context, link.attributes) for link in span.links]
        if span.resource is not _resource:
            record["resource"] = dict(span.resource.attributes)
        self._spool().append(record)

    def _spool(self) -> Spool:
        return spool_of(self._tracking_uri or config.get_tracking_uri())


def _belonging(
    span: ReadableSpan, attributes: Mapping[str, Any], inherited: Belonging | None
) -> Belonging:
    """What a new span belongs to: what its context says, else what its parent does."""
    runs = context.active_runs.get()
    session = context.session_id.get() or attributes.get(semconv.SESSION_ID)
    user = context.user_id.get() or attributes.get(semconv.USER_ID)
    if inherited is None:
        return Belonging(
            run_id=runs[-1].run_id if runs else None,
            experiment=runs[-1].experiment if runs else config.get_experiment_name(),
            session_id=None if session is None else str(session),
            user_id=None if user is None else str(user),
            root=span,  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        )
    same_run = not runs or runs[-1].run_id == inherited.run_id
    if same_run and session in {None, inherited.session_id} and user in {None, inherited.user_id}:
        return inherited
    return Belonging(
        run_id=inherited.run_id if same_run else runs[-1].run_id,
        experiment=inherited.experiment if same_run else runs[-1].experiment,
        session_id=inherited.session_id if session is None else str(session),
        user_id=inherited.user_id if user is None else str(user),
        root=inherited.root,
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
            text = masked(key, value)
            kept[key if text is not None else semconv.MASKING_ERROR] = text or True
    return kept


def masked(key: str, text: str) -> str | None:
    """`text` as the user's mask gives it back; None if the mask failed, so nothing is stored."""
    mask = config.settings().mask
    if mask is None:
        return text
    try:
        result = mask(key, text)
    except Exception:
        guard.warn(f"the mask raised for {key!r}; the content is withheld")
        return None
    if not isinstance(result, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        guard.warn(f"the mask gave no text for {key!r}; the content is withheld")
        return None
    return result


def message(text: str) -> str | None:
    """What an error says, under the switches of content: it may repeat what people wrote."""
    settings = config.settings()
    if not settings.capture_content:
        return None
    return masked("exception.message", capture.cut(text, settings.max_text_length))


def _without_message(event: dict[str, Any]) -> dict[str, Any]:
    """An exception of another instrumentation: what it says is content, in its stack as well."""
    said = event["attributes"].get("exception.message")
    kept = None if said is None else message(str(said))
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


_spools: dict[str, Spool] = {}


def spool_of(tracking_uri: str) -> Spool:
    """The spool of a store, opened on first use."""
    spool = _spools.get(tracking_uri)
    if spool is None:
        spool = _spools[tracking_uri] = open_store(tracking_uri).spool(_process_facts)
    return spool


def _process_facts() -> dict[str, Any]:
    return {
        "service": str(_resource.attributes.get("service.name", "")),
        "resource": dict(_resource.attributes),
    }


class TimeOrderedIds(IdGenerator):
    """Trace ids that begin with the time, so that the store finds one without an index.

    48 bits of milliseconds, then 80 random bits; the last 7 bytes are random, as W3C Trace
    Context level 2 wants of a sampler's input.
    """

    def generate_span_id(self) -> int:
        """64 random bits, never zero."""
        return _random.getrandbits(64) or 1

    def generate_trace_id(self) -> int:
        """48 bits of time, 80 random bits."""
        return (time.time_ns() // 1_000_000 << 80) | _random.getrandbits(80) or 1


_random = random.Random()
os.register_at_fork(after_in_child=_random.seed)


def _resource_of_process() -> Resource:
    """What OpenTelemetry's environment variables say of this service; no command line, no host."""
    return Resource.create({"telemetry.distro.name": "tracekit", "process.pid": os.getpid()})


_resource = _resource_of_process()
_unlimited = SpanLimits.UNSET
_limits = SpanLimits(
    max_span_attributes=_unlimited,
    max_events=1000,
    max_links=1000,
    max_event_attributes=_unlimited,
    max_link_attributes=_unlimited,
)

processor = SpanProcessor()
"""The processor behind tracekit's own spans."""

_tracer: Tracer | None = None
joined = False
"""Whether spans join an application's provider, and so OpenTelemetry's own current span."""


def tracer() -> Tracer:
    """The tracer in use: tracekit's own, or the joined provider's."""
    global _tracer
    if _tracer is None:
        _tracer = _own_provider().get_tracer(SCOPE, __version__)
    return _tracer


def _own_provider() -> TracerProvider:
    ratio = config.settings().sampling_ratio
    provider = TracerProvider(
        sampler=None if ratio is None else ParentBased(TraceIdRatioBased(ratio)),
        resource=_resource,
        shutdown_on_exit=False,
        id_generator=TimeOrderedIds(),
        span_limits=_limits,
    )
    provider.add_span_processor(processor)
    return provider


def join(provider: TracerProvider) -> None:
    """Make tracekit's spans part of an application's provider: its exporters receive them too.

    Args:
        provider: OpenTelemetry SDK's; tracekit's processor is added to it once.
    """
    global _tracer, joined
    if provider not in _joined_providers:
        provider.add_span_processor(processor)
        _joined_providers.append(provider)
    _tracer, joined = provider.get_tracer(SCOPE, __version__), True


_joined_providers: list[TracerProvider] = []


def leave() -> None:
    """Go back to tracekit's own provider."""
    global _tracer, joined
    _tracer, joined = None, False


config.on_change(leave)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlushResult:
    """Whether everything recorded so far is in the spool."""

    drained: bool
    """False while a store can't be written: what ends now is lost."""
    dropped: int
    """Records that could not be written since the process began (disk full, read-only)."""
    failed: int
    """Errors inside tracekit that were caught since the process began."""
    timed_out: bool
    """Always False: there is nothing to wait for."""

    @property
    def success(self) -> bool:
        """True only if everything was written and nothing was ever dropped."""
        return self.drained and self.dropped == 0

    def __bool__(self) -> bool:
        return self.success


def flush() -> FlushResult:
    """Whether everything recorded so far is in the store's files.

    Nothing waits in memory, so there is nothing to wait for: a record is in its file when the
    span has ended. The result tells what could not be written, since the process began.

    Example:
        >>> bool(flush())
        True
    """
    spools = _spools.values()
    return FlushResult(
        drained=not any(spool.losing for spool in spools),
        dropped=sum(spool.dropped for spool in spools),
        failed=guard.failures,
        timed_out=False,
    )


def shutdown() -> FlushResult:
    """Close this process's files. Spans that end later are recorded in a new one."""
    result = flush()
    for spool in _spools.values():
        spool.close()
    return result


def content(key: str, value: Any) -> dict[str, Any]:
    """The attribute that records `value` under `key`: as JSON text, masked, or not at all.

    Args:
        key: One of `semconv.CONTENT`.
        value: Anything. Text that is JSON already comes as `JsonText`.
    """
    settings = config.settings()
    if not settings.capture_content:
        return {}
    text = (
        value.text
        if isinstance(value, JsonText)
        else capture.to_json(value, settings.max_text_length)
    )
    kept = masked(key, text)
    return {semconv.MASKING_ERROR: True} if kept is None else {key: kept}


@dataclass(frozen=True, slots=True)
class JsonText:
    """A text that is JSON already."""

    text: str


def contents(values: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """`content` of several; values that are None are left out."""
    attributes: dict[str, Any] = {}
    for key, value in values:
        if value is not None:
            attributes.update(content(key, value))
    return attributes
