"""What a store holds and what is wrong with it. Nothing is ever deleted here."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tracekit.errors import StoreCorrupt, StoreError
from tracekit.store import schema
from tracekit.store.connection import start_engine
from tracekit.store.ingest import known_files
from tracekit.store.lock import locked
from tracekit.store.reading import LOCK, SPOOL, update
from tracekit.store.spool_files import SpoolFile, survey
from tracekit.store.store import Store

if TYPE_CHECKING:
    from tracekit.store.connection import Connection

_SHOWN = 20

_COUNTS = """
SELECT (SELECT count(DISTINCT trace_id) FROM spans), (SELECT count(*) FROM spans),
  (SELECT count(*) FROM runs), (SELECT count(*) FROM experiments), (SELECT count(*) FROM metrics),
  (SELECT count(*) FROM assessments), (SELECT count(*) FROM artifacts)
"""
_COUNTED = ("traces", "spans", "runs", "experiments", "metrics", "assessments", "artifacts")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolFacts:
    """One file of the spool."""

    name: str
    state: str
    """writing, closed, gone, replaced or newer: see `tracekit.store.spool_files`."""
    bytes: int
    unread_bytes: int
    host: str | None
    pid: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRecordFacts:
    """A line of the spool that was kept out of the tables."""

    file: str
    offset_bytes: int
    reason: str
    head: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Facts of a store, and its problems as sentences; without any, all is well."""

    folder: Path
    sizes: dict[str, int]
    """Bytes of the database, its log, the spool and the artifacts."""
    schema: int | None = None
    """None where the database can't be read; then there are no counts either."""
    counts: dict[str, int] = field(default_factory=dict[str, int])
    unfinished_spans: int = 0
    gone_spans: int = 0
    """Unfinished spans whose process no longer runs."""
    lost_records: int = 0
    """What processes reported that they could not write."""
    bad_records: int = 0
    newest_bad_records: tuple[BadRecordFacts, ...] = ()
    last_ingest_ns: int | None = None
    spool: tuple[SpoolFacts, ...] = ()
    problems: tuple[str, ...] = ()


def diagnose(store: Store) -> Diagnosis:
    """What the store holds, after reading in what is new, and what is wrong with it.

    Raises nothing for a store that can't be opened: the reason is among the problems.
    """
    try:
        with store.reading() as connection:
            return _examined(store, connection)
    except StoreError as error:
        return Diagnosis(
            folder=store.folder,
            sizes=_sizes(store),
            spool=_spool(survey(store.spool_folder, [])),
            problems=(str(error),),
        )


def repair(store: Store) -> list[str]:
    """Set a damaged database aside and build a new one from the spool. Says what was done.

    Raises:
        StoreError: The store can't be opened for another reason than damage.
    """
    with locked(store.folder / LOCK):
        try:
            with start_engine(store.database) as engine:
                update(engine, store.folder / SPOOL)
        except StoreCorrupt as error:
            kept = _set_aside(store.database)
            done = [str(error).partition(";")[0], f"it is kept as {kept}"]
        else:
            return ["the database is sound; nothing was changed"]
    with store.reading() as connection:
        row = connection.execute("SELECT count(*) FROM spans").fetchone()
    spans = row[0] if row else 0
    return [*done, f"a new one was built from the spool: {spans} spans"]


def _examined(store: Store, connection: "Connection") -> Diagnosis:
    counts = connection.execute(_COUNTS).fetchall()[0]
    unfinished, gone = connection.execute(
        "SELECT count(*), count(*) FILTER (process_gone) FROM store.span_open"
    ).fetchall()[0]
    (lost,) = connection.execute("SELECT coalesce(sum(lost_records), 0) FROM processes").fetchall()[
        0
    ]
    (bad,) = connection.execute("SELECT count(*) FROM store.bad_record").fetchall()[0]
    (last,) = connection.execute("SELECT max(at_ns) FROM store.ingest").fetchall()[0]
    files = survey(store.spool_folder, known_files(connection, store.spool_folder))
    return Diagnosis(
        folder=store.folder,
        sizes=_sizes(store),
        schema=schema.version(connection),
        counts=dict(zip(_COUNTED, counts, strict=True)),
        unfinished_spans=unfinished,
        gone_spans=gone,
        lost_records=int(lost),
        bad_records=bad,
        newest_bad_records=_bad_records(connection),
        last_ingest_ns=last,
        spool=_spool(files),
        problems=tuple(_problems(store, files, lost=int(lost), bad=bad, gone=gone)),
    )


def _problems(
    store: Store, files: Iterable[SpoolFile], *, lost: int, bad: int, gone: int
) -> Iterator[str]:
    if lost:
        yield f"{lost} records could not be written by the programs (disk full, or read-only)"
    if bad:
        yield f"{bad} records were kept out of the tables; the table store.bad_record says why"
    if gone:
        yield f"{gone} spans never ended: their processes were killed"
    for file in files:
        if file.state == "replaced":
            yield f"{file.path} is not the file that was read before; nothing is read from it"
        elif file.state == "newer":
            yield f"{file.path} was written by a newer tracekit; upgrade to read it"
    for kept in sorted(store.folder.glob("*.corrupt-*")):
        yield f"{kept} is a damaged database that was set aside"


def _bad_records(connection: "Connection") -> tuple[BadRecordFacts, ...]:
    rows = connection.execute(
        "SELECT file, offset_bytes, reason, head FROM store.bad_record "
        f"ORDER BY seen_ns DESC, file, offset_bytes LIMIT {_SHOWN}"
    ).fetchall()
    return tuple(
        BadRecordFacts(file=file, offset_bytes=offset, reason=reason, head=head)
        for file, offset, reason, head in rows
    )


def _spool(files: Sequence[SpoolFile]) -> tuple[SpoolFacts, ...]:
    return tuple(
        SpoolFacts(
            name=file.name,
            state=file.state,
            bytes=file.size,
            unread_bytes=max(0, file.size - file.read_bytes),
            host=file.process.host,
            pid=file.process.pid,
        )
        for file in files
    )


def _sizes(store: Store) -> dict[str, int]:
    log = store.database.with_name(f"{store.database.name}.wal")
    parts = {"database": store.database, "log": log}
    folders = {"spool": store.spool_folder, "artifacts": store.artifacts}
    return {
        **{name: path.stat().st_size if path.exists() else 0 for name, path in parts.items()},
        **{
            name: sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            for name, folder in folders.items()
        },
    }


def _set_aside(database: Path) -> Path:
    """Under another name, log included, so that both can still be looked at."""
    stamp = time.strftime("%Y%m%dT%H%M%S")
    kept = database.with_name(f"{database.name}.corrupt-{stamp}")
    log = database.with_name(f"{database.name}.wal")
    database.rename(kept)
    if log.exists():
        log.rename(kept.with_name(f"{kept.name}.wal"))
    return kept
