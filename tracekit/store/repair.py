"""Mends a store that can't be read as it is. What can't be mended is kept aside, never deleted."""

import os
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import orjson

from tracekit.errors import StoreCorrupt
from tracekit.store.aside import FOLDER as ASIDE
from tracekit.store.aside import free_name
from tracekit.store.compaction import put_in_place, remove_part
from tracekit.store.connection import Connection, log_of, start_engine
from tracekit.store.failpoint import reach
from tracekit.store.fields import BadRecordError, SpanKey, as_record, span_key
from tracekit.store.ingest import known_files
from tracekit.store.lock import locked
from tracekit.store.reading import LOCK, update
from tracekit.store.references import damaged_blobs
from tracekit.store.salvage import Saved, damaged_tables, salvage
from tracekit.store.spool_files import SUFFIX, survey
from tracekit.store.store import Store

PRUNED_BEFORE = "pruned_before_ns"
"""The key in `store.meta` of the time before which traces were pruned last."""

_BOOKKEEPING = frozenset({"meta", "migration", "spool_file", "bad_record", "ingest"})


def repair(store: Store) -> list[str]:
    """Make the store readable again, if it isn't. Says what was done, a sentence each.

    A damaged database and a damaged log are kept under other names; what can be read of them,
    and what is left in the spool, makes the new database.

    Raises:
        StoreError: The store can't be opened for another reason than damage.
    """
    with locked(store.folder / LOCK):
        done = [
            *_mend_database(store),
            *_read_replaced_files_again(store),
            *_set_damaged_blobs_aside(store),
        ]
    return done or ["the store is sound; nothing was changed"]


def _mend_database(store: Store) -> Iterator[str]:
    damage = _damage(store)
    if damage is None:
        return
    yield damage
    log = log_of(store.database)
    if log.exists():
        kept = free_name(log, "corrupt")
        log.rename(kept)
        yield f"its write-ahead log is kept as {kept.name}; what it held is still in the spool"
        damage = _damage(store)
    if damage is None:
        yield f"the database is sound without it: {_count_spans(store):,} spans"
        return
    yield from _rebuild(store)


def _damage(store: Store) -> str | None:
    """Why the database can't be used, after all of it was read; None if it can."""
    try:
        with start_engine(store.database) as engine:
            update(engine, store.spool_folder)
            with engine.reading() as connection:
                damaged = damaged_tables(connection)
    except StoreCorrupt as error:
        return str(error).partition("; nothing was changed")[0]
    if not damaged:
        return None
    return f"{store.database} is damaged ({'; '.join(damaged.values())})"


def _rebuild(store: Store) -> Iterator[str]:
    """A new database in place of the damaged one, by one rename: killed anywhere, one is there."""
    kept = free_name(store.database, "corrupt")
    _keep(store.database, kept)
    part = store.database.with_name(f"{store.database.name}.repair")
    remove_part(part)
    saved = salvage(kept, part, _spans_in(store.spool_folder))
    unread = [path.name for path in store.spool_folder.glob("*")]
    with start_engine(part) as engine, engine.writing() as connection:
        pruned = _forget_offsets(connection, unread)
    part.chmod(0o600)
    reach("salvaged")
    put_in_place(part, store.database)
    reach("rebuilt")
    yield f"the damaged database is kept as {kept.name}"
    yield from _tell(saved)
    before = _count_spans(store)
    with start_engine(store.database) as engine:
        update(engine, store.spool_folder)
    yield f"read again from the spool: {_count_spans(store) - before:,} spans"
    if pruned and unread:
        yield "what was pruned but still lay in the spool is back: run `tracekit prune` again"


def _spans_in(spool: Path) -> Iterator[SpanKey]:
    for file in spool.glob(f"*{SUFFIX}"):
        with file.open("rb") as lines:
            for line in lines:
                try:
                    record = as_record(orjson.loads(line)) or {}
                    if record.get("kind") == "span":
                        yield span_key(record)
                except (orjson.JSONDecodeError, BadRecordError, KeyError, TypeError):
                    continue  # the ingest will say so


def _keep(database: Path, kept: Path) -> None:
    try:
        os.link(database, kept)
    except OSError:  # a file system without hard links
        shutil.copy2(database, kept)


def _forget_offsets(connection: Connection, files: list[str]) -> bool:
    """Have the files that are left be read from their start. Whether traces were ever pruned.

    Each record says of itself whether it is stored already.
    """
    for table in ("spool_file", "bad_record"):
        connection.execute(
            f"DELETE FROM store.{table} WHERE file IN (SELECT unnest(?::VARCHAR[]))", [files]
        )
    connection.execute(
        "INSERT INTO store.ingest SELECT coalesce(greatest(max(ingest_id), "
        "(SELECT max(ingest_id) FROM store.span)), 0) + 1, ?, 0, "
        "(SELECT count(*) FROM store.span) FROM store.ingest",
        [time.time_ns()],
    )
    row = connection.execute("SELECT 1 FROM store.meta WHERE key = ?", [PRUNED_BEFORE]).fetchone()
    return row is not None


def _tell(saved: Iterable[Saved]) -> Iterator[str]:
    tables = [table for table in saved if table.table not in _BOOKKEEPING]
    rows = [f"{table.rows:,} {_plural(table)}" for table in tables if table.rows]
    if not tables:
        yield "nothing could be read from it"
        return
    yield f"saved from it: {', '.join(rows) or 'nothing'}"
    for table in tables:
        if table.lost_rows:
            yield f"{table.lost_rows:,} {_plural(table)} can't be read any more"
        for column, count in table.blank.items():
            yield f"`{column}` of {count:,} {_plural(table)} can't be read any more"


def _plural(saved: Saved) -> str:
    if saved.table == "span_open":
        return "unfinished spans"
    return f"{saved.table.replace('_', ' ')}s".replace("aliass", "aliases")


def _count_spans(store: Store) -> int:
    with start_engine(store.database) as engine, engine.reading() as connection:
        ((count,),) = connection.execute("SELECT count(*) FROM store.span").fetchall()
    return int(count)


def _read_replaced_files_again(store: Store) -> Iterator[str]:
    """Files that are not what they were: what is in them and not yet stored is taken over."""
    with start_engine(store.database) as engine:
        with engine.writing() as connection:
            files = survey(store.spool_folder, known_files(connection, store.spool_folder))
            names = [file.name for file in files if file.state == "replaced"]
            for name in names:
                connection.execute(
                    "UPDATE store.spool_file SET read_bytes = 0, tail_crc = NULL WHERE file = ?",
                    [name],
                )
                connection.execute("DELETE FROM store.bad_record WHERE file = ?", [name])
        if names:
            update(engine, store.spool_folder)
    for name in names:
        yield f"{name} had changed since it was read; it was read again from its start"


def _set_damaged_blobs_aside(store: Store) -> Iterator[str]:
    for blob in damaged_blobs(store.artifacts):
        folder = store.folder / ASIDE
        folder.mkdir(mode=0o700, exist_ok=True)
        kept = free_name(folder / blob.sha256, "damaged")
        blob.path.rename(kept)
        yield f"the damaged content {blob.sha256[:12]}… is kept as {ASIDE}/{kept.name}"
