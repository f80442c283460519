"""Records of spans on their way to the spool: what they belong to, and what they may hold.

All that a span needs to be written down, whoever made it: tracekit itself, or another
instrumentation through `tracekit.SpanProcessor`.
"""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

import orjson

from tracekit import capture, config, context, guard, semconv
from tracekit.store.spool import Spool, encoded
from tracekit.store.store import open_store

SCOPE = "tracekit"

MAX_JSON_BYTES = 4_000_000
"""JSON data up to this size is stored whole; what is larger is cut."""

joined: Any = None
"""The OpenTelemetry tracer of an application's provider that spans are part of, if any."""


def leave() -> None:
    """Make spans without a provider again."""
    global joined
    joined = None


config.on_change(leave)


class Recorded(Protocol):
    """What each record of a span tells."""

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    kind: str
    """OpenTelemetry's `SpanKind`, by its name."""
    start_ns: int
    attributes: dict[str, Any]


@dataclass(slots=True)
class Belonging:
    """What the spans of one trace belong to; shared by them while it is the same for all."""

    run_id: str | None
    experiment: str
    session_id: str | None
    user_id: str | None
    spool: Spool
    root: Any
    """The span that keeps what is said of the whole trace."""

    def write_start(self, span: Recorded) -> None:
        """Append the start record; what is still running at a crash then shows as unfinished."""
        operation = str(span.attributes.get(semconv.OPERATION) or "") or None
        facts = span.name, operation, self.session_id, self.user_id, self.run_id, self.experiment
        rest = _start_records.get(facts) or _start_record(facts)
        self.spool.write(_head("start", span) + rest)

    def write_end(self, span: Recorded, record: dict[str, Any]) -> None:
        """Append the record of the whole span: the fields given, and who and where."""
        record["session_id"] = self.session_id
        record["user_id"] = self.user_id
        record["run_id"] = self.run_id
        record["experiment"] = self.experiment
        self.spool.write(_head("span", span) + encoded(record)[1:])


def _head(kind: str, span: Recorded) -> bytes:
    """What a record begins with: no text of the program, so nobody looks for secrets there."""
    parent = "null" if span.parent_id is None else f'"{span.parent_id}"'
    return (
        f'{{"kind":"{kind}","trace_id":"{span.trace_id}","span_id":"{span.span_id}",'
        f'"parent_span_id":{parent},"span_kind":"{span.kind}","start_ns":{span.start_ns},'
    ).encode()


_START_FIELDS = ("name", "operation", "session_id", "user_id", "run_id", "experiment")
_start_records: dict[tuple[str | None, ...], bytes] = {}
"""Ends of start records that were written lately; most are the same again and again."""


def _start_record(facts: tuple[str | None, ...]) -> bytes:
    rest = encoded(dict(zip(_START_FIELDS, facts, strict=True)))[1:]
    if len(_start_records) >= 256:
        _start_records.clear()
    if len(rest) < 1_000:
        _start_records[facts] = rest
    return rest


class Recorder:
    """What the open spans belong to.

    Args:
        tracking_uri: The store. None: the one in use when a trace begins.
    """

    def __init__(self, tracking_uri: str | None = None) -> None:
        self._tracking_uri = tracking_uri
        self._open: dict[str, Belonging] = {}

    def opened(self, span: Recorded, root: Any) -> Belonging:
        """What a span belongs to that begins: what its context says, else what its parent does.

        Args:
            span: It has begun.
            root: What keeps facts of the whole trace if this span has no parent.
        """
        runs = context.active_runs.get()
        session = context.session_id.get() or span.attributes.get(semconv.SESSION_ID)
        user = context.user_id.get() or span.attributes.get(semconv.USER_ID)
        belonging = self._open.get(span.parent_id or "")
        if belonging is None:
            uri = self._tracking_uri or config.get_tracking_uri()
            belonging = Belonging(
                run_id=runs[-1].run_id if runs else None,
                experiment=runs[-1].experiment if runs else config.get_experiment_name(),
                session_id=None if session is None else str(session),
                user_id=None if user is None else str(user),
                spool=_spools.get(uri) or spool_of(uri),
                root=root,
            )
        elif runs or session is not None or user is not None:
            belonging = _changed(belonging, runs, session, user)
        self._open[span.span_id] = belonging
        return belonging

    def closed(self, span: Recorded, root: Any) -> Belonging:
        """What a span belongs to that has ended."""
        if span.span_id not in self._open:
            self.opened(span, root)
        return self._open.pop(span.span_id)

    def belonging(self, span_id: str) -> Belonging | None:
        """What an open span belongs to."""
        return self._open.get(span_id)


def _changed(
    inherited: Belonging, runs: Sequence[context.RunContext], session: Any, user: Any
) -> Belonging:
    """What a span belongs to whose context says more than its parent's."""
    same_run = not runs or runs[-1].run_id == inherited.run_id
    if same_run and session in {None, inherited.session_id} and user in {None, inherited.user_id}:
        return inherited
    return Belonging(
        run_id=inherited.run_id if same_run else runs[-1].run_id,
        experiment=inherited.experiment if same_run else runs[-1].experiment,
        session_id=inherited.session_id if session is None else str(session),
        user_id=inherited.user_id if user is None else str(user),
        spool=inherited.spool,
        root=inherited.root,
    )


recorder = Recorder()
"""Of tracekit's own spans."""


def new_trace_id(at_ns: int) -> int:
    """An id that begins with the time, so that the store finds a trace without an index.

    48 bits of milliseconds, then 80 random bits; the last 7 bytes are random, as W3C Trace
    Context level 2 wants of a sampler's input.
    """
    return (at_ns // 1_000_000 << 80) | random.getrandbits(80) or 1


random = Random()
"""For ids: not the program's own, which it may seed."""
os.register_at_fork(after_in_child=random.seed)


# What a span may hold of what people wrote


@dataclass(slots=True)
class JsonText:
    """A text that is JSON already."""

    text: str


def put_content(attributes: dict[str, Any], key: str, value: Any, *, is_json: bool = False) -> None:
    """Put `value` into `attributes` under `key`: as JSON text, masked, or not at all.

    Args:
        attributes: Of a span.
        key: One of `semconv.CONTENT`.
        value: Anything; a `JsonText` as the text that it is.
        is_json: It is made of objects, lists, texts, and numbers alone, so needs no walk.
    """
    settings = config.settings()
    if not settings.capture_content:
        return
    if type(value) is JsonText:  # `isinstance` would ask the value itself
        text = value.text
    else:
        known = plain_json(value) if is_json else None
        text = known or capture.to_json(value, settings.max_text_length)
    kept = text if settings.mask is None else masked(key, text)
    if kept is None:
        attributes[semconv.MASKING_ERROR] = True
    else:
        attributes[key] = kept


def plain_json(value: Any) -> str | None:
    """JSON data as text; None where it has to be walked and cut."""
    try:
        text = orjson.dumps(value)
    except (orjson.JSONEncodeError, RecursionError):
        return None
    return text.decode() if len(text) <= MAX_JSON_BYTES else None


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


# Where records go


_spools: dict[str, Spool] = {}


def spool_of(tracking_uri: str) -> Spool:
    """The spool of a store, opened on first use."""
    spool = _spools.get(tracking_uri)
    if spool is None:
        spool = _spools[tracking_uri] = open_store(tracking_uri).spool(_process_facts)
    return spool


def _process_facts() -> dict[str, Any]:
    resource = {
        **config.resource(),
        "telemetry.distro.name": "tracekit",
        "process.pid": os.getpid(),
    }
    return {"service": resource["service.name"], "resource": resource}


@dataclass(frozen=True, slots=True, kw_only=True)
class FlushResult:
    """Whether everything recorded so far is in the spool."""

    drained: bool
    """False while records wait for a slow disk, or a store can't be written."""
    dropped: int
    """Records lost since the process began: disk full, read-only, or too slow for too long."""
    failed: int
    """Errors inside tracekit that were caught since the process began."""
    timed_out: bool
    """True if records still waited for a slow disk when the time was over."""

    @property
    def success(self) -> bool:
        """True only if everything was written and nothing was ever dropped."""
        return self.drained and self.dropped == 0

    def __bool__(self) -> bool:
        return self.success


def flush(timeout_s: float = 10.0) -> FlushResult:
    """Whether everything recorded so far is in the store's files.

    A record is in its file when the span has ended, so as a rule there is nothing to wait for.
    Only while the disk is slow, records wait in memory. The result tells what could not be
    written, since the process began.

    Args:
        timeout_s: Seconds to wait for a slow disk.

    Example:
        >>> bool(flush())
        True
    """
    deadline, spools = time.monotonic() + timeout_s, list(_spools.values())
    drained = is_in_time = False
    try:
        waits = [spool.flush(max(0.0, deadline - time.monotonic())) for spool in spools]
        is_in_time = all(waits)
        drained = is_in_time and not any(spool.losing for spool in spools)
    except Exception:
        guard.failed("flush")
    return FlushResult(
        drained=drained,
        dropped=sum(spool.dropped for spool in spools),
        failed=guard.failures,
        timed_out=not is_in_time,
    )


def shutdown(timeout_s: float = 2.0) -> FlushResult:
    """Close this process's files. Spans that end later are recorded in a new one.

    Args:
        timeout_s: Seconds to wait for a slow disk.
    """
    result = flush(timeout_s)
    for spool in list(_spools.values()):
        spool.close()
    return result
