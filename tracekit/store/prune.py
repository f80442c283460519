"""Retention: removes what is older than a time, and gives its space back to the disk."""

import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tracekit.errors import ConfigError, StoreError
from tracekit.store.aside import FOLDER as ASIDE
from tracekit.store.compaction import compact
from tracekit.store.connection import Connection, start_engine
from tracekit.store.failpoint import reach
from tracekit.store.ingest import known_files
from tracekit.store.location import check_folder
from tracekit.store.lock import locked
from tracekit.store.reading import LOCK, update
from tracekit.store.references import referenced, stored_blobs
from tracekit.store.repair import PRUNED_BEFORE
from tracekit.store.retention import check_keep, choose, delete
from tracekit.store.spool_files import survey
from tracekit.store.store import Store, open_store

_UNITS = {"h": 3600, "d": 86_400, "w": 7 * 86_400}
_HOUR_NS = 3_600_000_000_000
_COUNTS = """
SELECT (SELECT count(DISTINCT trace_id) FROM (
          SELECT trace_id FROM store.span UNION ALL SELECT trace_id FROM store.span_open)),
  (SELECT count(*) FROM store.span) + (SELECT count(*) FROM store.span_open),
  (SELECT count(*) FROM store.run),
  (SELECT count(*) FROM store.artifact WHERE deleted_ns IS NULL)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSize:
    """How much a store holds."""

    traces: int
    spans: int
    """Unfinished ones included."""
    runs: int
    """Deleted ones that could still be restored included."""
    artifacts: int
    bytes: int
    """Of all its files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What was removed, or would be."""

    cutoff: datetime
    """What is older went."""
    before: StoreSize
    after: StoreSize
    """After a dry run its bytes are an estimate."""
    spared: dict[str, int]
    """How many older traces were kept, by reason."""
    files: int
    """Contents of artifacts, and files that were set aside, that went."""
    dry_run: bool
    note: str | None = None
    """Why less space was given back than could be."""

    @property
    def is_nothing(self) -> bool:
        """Whether there was nothing to remove."""
        counts = [replace(each, bytes=0) for each in (self.before, self.after)]
        return counts[0] == counts[1] and not self.files


def prune(
    older_than: str | timedelta | datetime,
    *,
    keep: str | Sequence[str] = (),
    runs: bool = False,
    dry_run: bool = False,
    everything: bool = False,
    tracking_uri: str | os.PathLike[str] | None = None,
) -> Pruned:
    """Remove traces older than a time, with all that belongs to them, and shrink the files.

    Always kept: traces of a run that is kept, traces that a dataset names as its source, traces
    that people assessed, traces of judges of what is kept, runs and traces with the tag
    `tracekit.keep`, and what processes that run now have not ended. Runs that were deleted before
    that time go with their metrics and artifacts; other runs only if `runs` says so.

    Programs may record meanwhile. Readers wait.

    Args:
        older_than: An age such as `"30d"` (h, d, w) or a timedelta; or the time itself, as a
            datetime or as a date, `"2026-01-31"`.
        keep: Traces to keep besides: `"errors"`, `"tagged"`, or filters as of `search_traces`.
            `"none"` also lets go what people assessed.
        runs: Also remove runs that ended before, in whole families of parents and children.
        dry_run: Change nothing, only say what would go.
        everything: Allow that nothing is left, which otherwise is refused: it is the sign of
            a wrong clock.
        tracking_uri: The store. None: the one in use.

    Raises:
        ConfigError: The age can't be understood, or nothing would be left.
        FilterError: A filter can't be understood.
        StoreError: The store can't be opened or written.

    Example:
        >>> import tracekit
        >>> with tracekit.start_span("hello"):
        ...     pass
        >>> found = tracekit.prune("30d", dry_run=True)
        >>> found.before.traces, found.after.traces
        (1, 1)
    """
    cutoff = cutoff_of(older_than)
    kept = [keep] if isinstance(keep, str) else list(keep)
    check_keep(kept)
    store = open_store(tracking_uri)
    check_folder(store.folder)
    if not store.exists:
        raise StoreError(f"nothing has been recorded in {store.folder} yet")
    plan = _Plan(
        store=store,
        cutoff_ns=int(cutoff.timestamp() * 1e9),
        keep=kept,
        runs=runs,
        dry_run=dry_run,
        everything=everything,
    )
    with locked(store.folder / LOCK):
        return _prune(plan, cutoff)


def cutoff_of(older_than: str | timedelta | datetime) -> datetime:
    """The time before which things are older than that.

    >>> cutoff_of(datetime(2026, 1, 2, tzinfo=UTC)).isoformat()
    '2026-01-02T00:00:00+00:00'

    Raises:
        ConfigError: It is no age, or a time to come.
    """
    now = datetime.now(UTC)
    if isinstance(older_than, datetime):
        cutoff = older_than.astimezone(UTC)
    else:
        cutoff = _date(older_than) or now - _age(older_than)
    if cutoff > now:
        raise ConfigError(f"`older_than` is a time to come: {cutoff:%Y-%m-%d %H:%M:%S}Z")
    return cutoff


def _date(text: str | timedelta) -> datetime | None:
    """A day begins at midnight, UTC."""
    try:
        return datetime.strptime(str(text), "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None


def _age(text: str | timedelta) -> timedelta:
    if isinstance(text, timedelta):
        return text
    found = re.fullmatch(r"(\d{1,6})\s*([hdw])", text.strip(), re.ASCII)
    if found is None:
        raise ConfigError(
            f"the age {text!r} can't be understood; give a number of hours, days or weeks, "
            "such as '12h', '30d' or '8w', or a date such as '2026-01-31'"
        )
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    store: Store
    cutoff_ns: int
    keep: Sequence[str]
    runs: bool
    dry_run: bool
    everything: bool


def _prune(plan: _Plan, cutoff: datetime) -> Pruned:
    store = plan.store
    with start_engine(store.database) as engine:
        update(engine, store.spool_folder)
        has_gaps = False
        bytes_before = _bytes(store)
        database_before = store.database.stat().st_size
        with engine.writing() as connection:
            before = _counts(connection)
            connection.execute("BEGIN")
            spared = choose(connection, plan.cutoff_ns, keep=plan.keep, runs=plan.runs)
            delete(connection, plan.cutoff_ns)
            after = _counts(connection)
            if not plan.dry_run:
                _refuse_to_leave_nothing(plan, before, after)
            files = [*_unused_blobs(connection, plan), *_old_files(plan)]
            if plan.dry_run:
                connection.execute("ROLLBACK")
            else:
                _write_down(connection, plan.cutoff_ns)
                reach("pruning")
                connection.execute("COMMIT")
                reach("pruned")
                has_gaps = before != after or _has_gaps(connection)
    freed = sum(path.stat().st_size for path in files)
    note = None
    if plan.dry_run:
        share = after[1] / before[1] if before[1] else 1.0
        bytes_after = bytes_before - freed - int(database_before * (1 - share))
    else:
        note = _shrink(store.database) if has_gaps else None
        for path in files:
            _remove(path, plan.cutoff_ns)
        bytes_after = _bytes(store)
    return Pruned(
        cutoff=cutoff,
        before=_size(before, bytes_before),
        after=_size(after, bytes_after),
        spared=spared,
        files=len(files),
        dry_run=plan.dry_run,
        note=note,
    )


def _has_gaps(connection: Connection) -> bool:
    """Whether an earlier prune could not shrink the file, say for want of room."""
    connection.execute("CHECKPOINT")
    ((total, free),) = connection.execute(
        "SELECT total_blocks, free_blocks FROM pragma_database_size() "
        "WHERE database_name = 'tracekit'"
    ).fetchall()
    return bool(free > 8 and free > total // 10)


def _shrink(database: Path) -> str | None:
    """Why the file could not be made smaller, if so: what was removed is removed all the same."""
    try:
        compact(database)
    except (StoreError, OSError) as error:
        return f"the database file keeps its size for now, run this again later: {error}"
    return None


def _remove(path: Path, cutoff_ns: int) -> None:
    """Unless a program has stored the same content again meanwhile."""
    with suppress(OSError):
        if path.stat().st_mtime_ns < cutoff_ns:
            path.unlink()
    reach("removed")


def _counts(connection: Connection) -> tuple[int, int, int, int]:
    ((traces, spans, runs, artifacts),) = connection.execute(_COUNTS).fetchall()
    return traces, spans, runs, artifacts


def _size(counts: tuple[int, int, int, int], size: int) -> StoreSize:
    traces, spans, runs, artifacts = counts
    return StoreSize(traces=traces, spans=spans, runs=runs, artifacts=artifacts, bytes=size)


def _bytes(store: Store) -> int:
    return sum(path.stat().st_size for path in store.folder.rglob("*") if path.is_file())


def _refuse_to_leave_nothing(
    plan: _Plan, before: tuple[int, int, int, int], after: tuple[int, int, int, int]
) -> None:
    if plan.everything:
        return
    if before[0] and not after[0]:
        what = f"trace would be left, all of {before[0]:,} are"
    elif before[2] and not after[2] and not after[0]:
        what = f"run would be left, all of {before[2]:,} are"
    else:
        return
    when = datetime.fromtimestamp(plan.cutoff_ns / 1e9, UTC)
    raise ConfigError(
        f"not one {what} older than {when:%Y-%m-%d %H:%M}Z; nothing was removed: if the clock of "
        "this machine is right, allow it by --all (in Python `everything=True`)"
    )


def _write_down(connection: Connection, cutoff_ns: int) -> None:
    connection.execute("DELETE FROM store.meta WHERE key = ?", [PRUNED_BEFORE])
    connection.execute("INSERT INTO store.meta VALUES (?, ?)", [PRUNED_BEFORE, str(cutoff_ns)])


def _unused_blobs(connection: Connection, plan: _Plan) -> Iterator[Path]:
    """Contents that nothing names any more, and that no running process can be about to name."""
    store = plan.store
    blobs = list(stored_blobs(store.artifacts))
    files = survey(store.spool_folder, known_files(connection, store.spool_folder))
    if not blobs or not all(file.is_readable for file in files):
        return  # what can't be read may name any of them
    named = referenced(connection) | _named_aside(store)
    unused_since = _unused_since(connection, plan.cutoff_ns)
    for blob in blobs:
        if blob.sha256 not in named and blob.touched_ns < unused_since:
            yield blob.path


def _unused_since(connection: Connection, cutoff_ns: int) -> int:
    """A process writes a content first and the span that names it when that ends."""
    ((first_open,),) = connection.execute(
        "SELECT epoch_ns(min(start_time)) FROM store.span_open WHERE NOT process_gone"
    ).fetchall()
    times = [cutoff_ns, time.time_ns() - _HOUR_NS]
    return min(times if first_open is None else [*times, first_open])


def _named_aside(store: Store) -> set[str]:
    """What lines name that are in no table."""
    return {
        found.decode()
        for path in (store.folder / ASIDE).glob("*")
        for found in re.findall(rb"[0-9a-f]{64}", path.read_bytes())
    }


def _old_files(plan: _Plan) -> Iterator[Path]:
    """Lines, databases and copies that were set aside before that time."""
    folder = plan.store.folder
    name = plan.store.database.name
    for pattern in (f"{ASIDE}/*", f"{name}.corrupt-*", f"{name}.wal.corrupt-*", f"{name}.schema-*"):
        for path in folder.glob(pattern):
            if path.stat().st_ctime_ns < plan.cutoff_ns:
                yield path
