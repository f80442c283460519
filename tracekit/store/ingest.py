"""Moves the spool into the database: each record exactly once, whatever is killed when.

The rows of a block and the place up to which its files are read are written in one transaction,
and a file is only removed after the checkpoint that follows. The caller holds the store's lock.
"""

import itertools
import logging
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tracekit.errors import StoreCorrupt
from tracekit.pricing import default_prices
from tracekit.store import tables
from tracekit.store.connection import DatabaseError, is_about_data
from tracekit.store.failpoint import reach
from tracekit.store.records import Batch, parse
from tracekit.store.spool_files import Line, Process, SpoolFile, read_lines, survey, tail_crc

if TYPE_CHECKING:
    from tracekit.store.connection import Connection

logger = logging.getLogger(__name__)

BLOCK_RECORDS = 20_000
BLOCK_BYTES = 32 * 1024 * 1024
CHECKPOINT_BYTES = 16 * 1024 * 1024
"""A write-ahead log over this is folded in at once: every reader would have to replay it."""

_STAGES = ("span_stage", "open_stage", "metric_stage")


def ingest(connection: "Connection", database: Path, folder: Path) -> None:
    """Read what is new in the spool folder, and settle what processes that are gone left open.

    Raises:
        StoreCorrupt: Rows that were once committed are missing.
    """
    ingest_id, total_rows = _watermark(connection, database)
    files = survey(folder, known_files(connection, folder))
    _warn(files)
    writer = _Writer(connection, ingest_id, total_rows)
    for lines in _blocks(itertools.chain.from_iterable(map(read_lines, files))):
        writer.write(lines)
    finished = [file for file in files if file.is_finished and not file.is_ended]
    if finished:
        _settle(connection, finished)
    for stage in _STAGES:
        connection.execute(f"DROP TABLE IF EXISTS {stage}")
    _tidy(connection, database, [file for file in files if file.is_finished])


class _Writer:
    """Writes blocks of lines, one transaction each."""

    def __init__(self, connection: "Connection", ingest_id: int, total_rows: int) -> None:
        self._connection = connection
        self._ingest_id = ingest_id
        self._total_rows = total_rows
        self._prices = default_prices()

    def write(self, lines: list[Line]) -> None:
        """Write the lines; if the database refuses them together, find out which one it is."""
        batch = parse(lines, self._ingest_id + 1, time.time_ns(), self._prices)
        try:
            self._commit(batch)
        except DatabaseError as error:
            self._connection.execute("ROLLBACK")
            if not is_about_data(error):
                raise
            if len(lines) > 1:
                middle = len(lines) // 2
                self.write(lines[:middle])
                self.write(lines[middle:])
                return
            refused = parse([], self._ingest_id + 1, time.time_ns(), self._prices)
            refused.lines = lines
            refused.reject(lines[0], f"refused by the database: {error}"[:1000])
            self._commit(refused)

    def _commit(self, batch: Batch) -> None:
        self._connection.execute("BEGIN")
        rows = tables.write(self._connection, batch)
        _mark_read(self._connection, batch)
        self._connection.execute(
            "INSERT INTO store.ingest VALUES (?, ?, ?, ?)",
            [batch.ingest_id, batch.seen_ns, rows, self._total_rows + rows],
        )
        reach("before_commit")
        self._connection.execute("COMMIT")
        reach("after_commit")
        self._ingest_id += 1
        self._total_rows += rows


def _watermark(connection: "Connection", database: Path) -> tuple[int, int]:
    """The last ingest and the number of spans then, which must still be there.

    DuckDB opens a database whose write-ahead log is damaged without a word.
    """
    last = connection.execute(
        "SELECT ingest_id, total_rows, (SELECT count(*) FROM store.span) FROM store.ingest "
        "ORDER BY ingest_id DESC LIMIT 1"
    ).fetchone()
    ingest_id, expected, found = last or (0, 0, 0)
    if found != expected:
        raise StoreCorrupt(
            f"{database} has {found} spans where {expected} were written; nothing was changed: "
            "run `tracekit doctor --repair` to set it aside and build a new one from the spool"
        )
    return ingest_id, expected


def known_files(connection: "Connection", folder: Path) -> list[SpoolFile]:
    """What the database knows of spool files, those that were removed since among them."""
    rows = connection.execute(
        "SELECT file, read_bytes, tail_crc, ended, host, pid, boot_id, pid_start, service, "
        "resource, first_ns FROM store.spool_file"
    ).fetchall()
    return [
        SpoolFile(
            path=folder / name,
            size=0,
            read_bytes=read_bytes,
            tail_crc=crc,
            is_known=True,
            is_ended=ended,
            process=Process(*process),
            service=service,
            resource=resource,
            first_ns=first_ns,
        )
        for name, read_bytes, crc, ended, *process, service, resource, first_ns in rows
    ]


def _warn(files: Iterable[SpoolFile]) -> None:
    for file in files:
        if file.state == "replaced":
            logger.warning("%s is not the file that was read before; it is left alone", file.path)
        elif file.state == "newer":
            logger.warning("%s was written by a newer tracekit; it is left alone", file.path)


def _blocks(lines: Iterable[Line]) -> Iterator[list[Line]]:
    block: list[Line] = []
    size = 0
    for line in lines:
        block.append(line)
        size += len(line.data)
        if len(block) >= BLOCK_RECORDS or size >= BLOCK_BYTES:
            yield block
            block, size = [], 0
    if block:
        yield block


def _mark_read(connection: "Connection", batch: Batch) -> None:
    """Record how far each file is read: in the same transaction as its rows."""
    counts = Counter(line.file.name for line in batch.lines)
    bad = Counter(rejected.line.file.name for rejected in batch.bad)
    for line in {line.file.name: line for line in batch.lines}.values():  # the last of each
        file = line.file
        end = line.offset + len(line.data)
        changes = [end, tail_crc(file.path, end), counts[file.name], bad[file.name]]
        lost = batch.lost.get(file.name, 0)
        if not file.is_known:
            _add_file(connection, file)
        connection.execute(
            "UPDATE store.spool_file SET read_bytes = ?, tail_crc = ?, records = records + ?, "
            "bad_records = bad_records + ?, lost_records = greatest(lost_records, ?), last_ns = ? "
            "WHERE file = ?",
            [*changes, lost, batch.seen_ns, file.name],
        )


def _add_file(connection: "Connection", file: SpoolFile) -> None:
    connection.execute(
        "INSERT INTO store.spool_file SELECT ?, 0, 0, 0, 0, 0, ?, ?, ?, ?, ?, ?, ?, NULL, false "
        "WHERE NOT EXISTS (SELECT 1 FROM store.spool_file WHERE file = ?)",
        [file.name, *file.process, file.service, file.resource, file.first_ns, file.name],
    )


def _settle(connection: "Connection", finished: Iterable[SpoolFile]) -> None:
    """Files that will not grow any more; and what ended with their process without saying so."""
    connection.execute("BEGIN")
    for file in finished:
        _add_file(connection, file)
        connection.execute("UPDATE store.spool_file SET ended = true WHERE file = ?", [file.name])
        if file.state == "gone":
            _close_process(connection, file)
    connection.execute("COMMIT")
    reach("settled")


def _close_process(connection: "Connection", file: SpoolFile) -> None:
    """Its open spans stay, as of a process that is gone; the runs that it began have failed."""
    files = [file.name, *_other_files(connection, file)]
    connection.execute(
        "UPDATE store.span_open SET process_gone = true WHERE file IN (SELECT unnest(?::VARCHAR[]))",
        [files],
    )
    tables.fail_runs(connection, files, file.path.stat().st_mtime_ns)


def _other_files(connection: "Connection", file: SpoolFile) -> list[str]:
    """A process that wrote much began several files."""
    if file.process.pid is None:
        return []
    rows = connection.execute(
        "SELECT file FROM store.spool_file WHERE host IS NOT DISTINCT FROM ? AND pid = ? "
        "AND boot_id IS NOT DISTINCT FROM ? AND pid_start IS NOT DISTINCT FROM ?",
        file.process,
    ).fetchall()
    return [name for (name,) in rows]


def _tidy(connection: "Connection", database: Path, finished: list[SpoolFile]) -> None:
    """Remove files that are wholly in the database: commit, then checkpoint, then unlink."""
    log = database.with_name(f"{database.name}.wal")
    if finished or (log.exists() and log.stat().st_size > CHECKPOINT_BYTES):
        reach("before_checkpoint")
        connection.execute("CHECKPOINT")
    reach("before_unlink")
    for file in finished:
        file.path.unlink(missing_ok=True)
