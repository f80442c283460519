"""Moves the spool into the database: each record exactly once, whatever is killed when.

The rows of a block and the place up to which its files are read are written in one transaction,
and a file is only removed after the checkpoint that follows. The caller holds the store's lock.
"""

import itertools
import logging
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from tracekit.errors import StoreCorrupt
from tracekit.pricing import default_prices
from tracekit.store import tables
from tracekit.store.aside import keep_bad_lines
from tracekit.store.connection import DatabaseError, is_about_data
from tracekit.store.failpoint import reach
from tracekit.store.records import Batch, parse
from tracekit.store.spool_files import (
    Line,
    Process,
    SpoolFile,
    read_lines,
    read_part,
    survey,
    tail_crc,
)
from tracekit.store.stage import Stage

if TYPE_CHECKING:
    from tracekit.store.connection import Connection

logger = logging.getLogger(__name__)

BLOCK_RECORDS = 40_000
BLOCK_BYTES = 32 * 1024 * 1024
CHECKPOINT_BYTES = 16 * 1024 * 1024
"""A write-ahead log over this is folded in at once: every reader would have to replay it."""

_REASON_LENGTH = 1000


def ingest(connection: "Connection", database: Path, folder: Path) -> None:
    """Read what is new in the spool folder, and settle what processes that are gone left open.

    Raises:
        StoreCorrupt: Rows that were once committed are missing.
    """
    ingest_id, total_rows = _watermark(connection, database)
    files = survey(folder, known_files(connection, folder))
    _warn(files)
    lines = itertools.chain.from_iterable(map(read_lines, files))
    with _Writer(connection, database, ingest_id, total_rows) as writer:
        for line in lines:
            writer.write(_block(line, lines))
    finished = [file for file in files if file.is_finished and not file.is_ended]
    if finished:
        _settle(connection, finished)
    _tidy(connection, database, [file for file in files if file.is_finished])


class _Writer:
    """Writes batches, one transaction each.

    While DuckDB writes one batch in a thread of its own, the next one is parsed here.
    """

    def __init__(
        self, connection: "Connection", database: Path, ingest_id: int, total_rows: int
    ) -> None:
        self._connection = connection
        self._stages = itertools.cycle([Stage(database, 1), Stage(database, 2)])
        self._ingest_id = ingest_id
        self._total_rows = total_rows
        self._prices = default_prices()
        self._writing: threading.Thread | None = None
        self._error: BaseException | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._wait()
        finally:
            for _ in range(2):
                next(self._stages).remove()

    def write(self, lines: Iterator[Line]) -> None:
        """Write some of the lines; those before are written by then, these need not be yet."""
        batch = self._parsed(lines, next(self._stages))
        self._wait()
        writing = threading.Thread(target=self._attempt, args=(batch,))
        try:
            writing.start()
        except RuntimeError:  # while the interpreter shuts down it starts no more threads
            self._attempt(batch)
        else:
            self._writing = writing

    def _wait(self) -> None:
        if self._writing is not None:
            self._writing.join()
            self._writing = None
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _attempt(self, batch: Batch) -> None:
        try:
            self._finish(batch)
        except BaseException as error:
            self._error = error

    def _parsed(self, lines: Iterable[Line], stage: Stage) -> Batch:
        batch = Batch(time.time_ns(), self._prices, stage)
        with stage:
            parse(lines, batch)
        return batch

    def _finish(self, batch: Batch) -> None:
        """Commit the batch; if the database refuses it, find out which line it is."""
        try:
            self._commit(batch)
        except DatabaseError as error:
            with suppress(DatabaseError):  # a commit that fails has rolled back already
                self._connection.execute("ROLLBACK")
            if not is_about_data(error):
                raise
            self._sort_out(batch, error)

    def _sort_out(self, batch: Batch, refusal: DatabaseError) -> None:
        lines = list(itertools.chain.from_iterable(map(read_part, batch.parts)))
        if len(lines) > 1:
            middle = len(lines) // 2
            for half in (lines[:middle], lines[middle:]):
                self._finish(self._parsed(half, batch.stage))
            return
        refused = Batch(batch.seen_ns, self._prices, batch.stage, batch.parts)
        refused.reject(lines[0], f"refused by the database: {refusal}"[:_REASON_LENGTH])
        self._commit(refused)

    def _commit(self, batch: Batch) -> None:
        connection, ingest_id = self._connection, self._ingest_id + 1
        connection.execute("BEGIN")
        rows = tables.write(connection, batch, ingest_id)
        _mark_read(connection, batch)
        connection.execute(
            "INSERT INTO store.ingest VALUES (?, ?, ?, ?)",
            [ingest_id, batch.seen_ns, rows, self._total_rows + rows],
        )
        reach("before_commit")
        connection.execute("COMMIT")
        reach("after_commit")
        self._ingest_id = ingest_id
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
        elif file.state == "unreadable":
            logger.warning("%s can't be read by this user; it is left alone", file.path)


def _block(first: Line, others: Iterator[Line]) -> Iterator[Line]:
    """As many lines as one transaction takes, read as they are asked for."""
    yield first
    size = len(first.data)
    for line in itertools.islice(others, BLOCK_RECORDS - 1):
        yield line
        size += len(line.data)
        if size >= BLOCK_BYTES:
            return


def _mark_read(connection: "Connection", batch: Batch) -> None:
    """Record how far each file is read: in the same transaction as its rows."""
    bad = Counter(rejected.line.file.name for rejected in batch.bad)
    for part in batch.parts:
        file = part.file
        if not file.is_known:
            _add_file(connection, file)
        connection.execute(
            "UPDATE store.spool_file SET read_bytes = ?, tail_crc = ?, records = records + ?, "
            "bad_records = bad_records + ?, lost_records = greatest(lost_records, ?), last_ns = ? "
            "WHERE file = ?",
            [
                *(part.end, tail_crc(file.path, part.end), part.records, bad[file.name]),
                *(batch.lost.get(file.name, 0), batch.seen_ns, file.name),
            ],
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
        try:
            keep_bad_lines(connection, file)
        except OSError as error:
            logger.warning("%s stays, its bad lines can't be kept: %s", file.path, error.strerror)
            continue
        reach("set_aside")
        file.path.unlink(missing_ok=True)
        reach("unlinked")
