"""What a store holds and what is wrong with it. Nothing is changed here: see `repair`."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tracekit import config
from tracekit.errors import StoreError
from tracekit.store import schema
from tracekit.store.aside import FOLDER as ASIDE
from tracekit.store.ingest import known_files
from tracekit.store.location import network_type, network_warning
from tracekit.store.references import damaged_blobs, referenced, stored_blobs
from tracekit.store.salvage import damaged_tables
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
    """writing, closed, gone, replaced, newer or unreadable: see `tracekit.store.spool_files`."""
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
    """Facts of a store, and as sentences its problems and what else is worth knowing of it.

    A problem keeps something from being read, now or later; without any, all is well.
    """

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
    notes: tuple[str, ...] = ()


def diagnose(store: Store) -> Diagnosis:
    """What the store holds, after reading in what is new, and what is wrong with it.

    All of the database and of the artifacts is read, so this takes its time in a large store.
    Raises nothing for a store that can't be opened: the reason is among the problems.
    """
    try:
        with store.reading() as connection:
            found = _examined(store, connection)
            damaged = damaged_tables(connection)
            named = {} if damaged else _named(connection)
    except StoreError as error:
        problems = (*_place_problems(store), _as_problem(str(error)))
        sizes, spool = _sizes(store), _spool(_survey_alone(store))
        notes = tuple(_kept_aside(store))
        return Diagnosis(
            folder=store.folder, sizes=sizes, spool=spool, problems=problems, notes=notes
        )
    problems = (*found.problems, *_damage(damaged), *_artifact_problems(store, named))
    return replace(found, problems=problems)


def _as_problem(error: str) -> str:
    return error.replace("; nothing was changed: run `tracekit", ": run `tracekit")


def _survey_alone(store: Store) -> list[SpoolFile]:
    try:
        return survey(store.spool_folder, [])
    except OSError:  # it is among the problems already
        return []


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
        problems=(*_place_problems(store), *_spool_problems(files)),
        notes=tuple(_notes(store, lost=int(lost), bad=bad, gone=gone)),
    )


def _place_problems(store: Store) -> Iterator[str]:
    kind = network_type(store.folder)
    if kind is not None:
        yield network_warning(store.folder, kind)


def _spool_problems(files: Iterable[SpoolFile]) -> Iterator[str]:
    for file in files:
        if file.state == "replaced":
            yield (
                f"{file.path} is not the file that was read before, so nothing more is read from "
                "it: run `tracekit doctor --repair` to read it from its start"
            )
        elif file.state == "newer":
            yield f"{file.path} was written by a newer tracekit; upgrade to read it"
        elif file.state == "unreadable":
            yield f"{file.path} can't be read by this user, so what is in it is not shown"


def _damage(tables: dict[str, str]) -> Iterator[str]:
    for table, error in tables.items():
        yield (
            f"the table store.{table} is damaged ({error}): run `tracekit doctor --repair` to "
            "save what can be read"
        )


def _named(connection: "Connection") -> dict[str, str]:
    """SHA-256 of the contents that are named, and what for."""
    named = dict.fromkeys(referenced(connection), "a message")
    elsewhere = config.artifacts_uri() is not None
    rows = connection.execute(
        "SELECT sha256, path, coalesce(run_id, trace_id) FROM artifacts WHERE sha256 IS NOT NULL"
    ).fetchall()
    for sha256, path, owner in rows:
        if elsewhere:
            named.pop(sha256, None)
        else:
            named[sha256] = f"the artifact {path} of {owner}"
    return named


def _artifact_problems(store: Store, named: dict[str, str]) -> Iterator[str]:
    stored = {blob.sha256 for blob in stored_blobs(store.artifacts)}
    for sha256 in sorted(named.keys() - stored):
        yield f"the content {sha256[:12]}… of {named[sha256]} is missing"
    for blob in damaged_blobs(store.artifacts):
        yield (
            f"{blob.path} is damaged: run `tracekit doctor --repair` to set it aside, so that the "
            "same content can be stored again"
        )


def _notes(store: Store, *, lost: int, bad: int, gone: int) -> Iterator[str]:
    if lost:
        yield f"{lost:,} records could not be written by the programs (disk full, or read-only)"
    if bad:
        yield f"{bad:,} records were kept out of the tables; the table store.bad_record says why"
    if gone:
        yield f"{gone:,} spans never ended: their processes were killed"
    yield from _kept_aside(store)


def _kept_aside(store: Store) -> Iterator[str]:
    aside = [path for path in (store.folder / ASIDE).glob("*") if path.is_file()]
    if aside:
        yield f"the lines that are in no table are kept in {store.folder / ASIDE}"
    for kept in sorted(store.folder.glob("*.corrupt-*")):
        yield f"{kept} was damaged and is kept aside"
    for copy in sorted(store.folder.glob(f"{store.database.name}.schema-*")):
        yield f"{copy} is a copy from before the schema changed"


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
