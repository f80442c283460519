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
from tracekit.store.spool_files import Line, Process, SpoolFile, read_lines, survey, tail_crc

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
    with _Writer(connection, ingest_id, total_rows) as writer:
        for line in lines:
            writer.write(_block(line, lines))
    finished = [file for file in files if file.is_finished and not file.is_ended]
    if finished:
        _settle(connection, finished)
    _tidy(connection, database, [file for file in files if file.is_finished])


class _Writer:
    """Writes blocks of lines, one transaction each.

    While DuckDB writes one block in a thread of its own, the next one is parsed here: two lanes
    with a stage each, since a stage is seen by its own connection only.
    """

    def __init__(self, connection: "Connection", ingest_id: int, total_rows: int) -> None:
        self._lanes = itertools.cycle([_lane(connection), _lane(connection)])
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
                next(self._lanes).close()

    def write(self, lines: Iterator[Line]) -> None:
        """Write the lines; the ones before are written by then, these need not be yet."""
        lane = next(self._lanes)
        batch, refusal = self._parsed(lane, lines)
        self._wait()
        writing = threading.Thread(target=self._attempt, args=(lane, batch, refusal))
        try:
            writing.start()
        except RuntimeError:  # while the interpreter shuts down it starts no more threads
            self._attempt(lane, batch, refusal)
        else:
            self._writing = writing

    def _wait(self) -> None:
        if self._writing is not None:
            self._writing.join()
            self._writing = None
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _attempt(self, lane: "Connection", batch: Batch, refusal: DatabaseError | None) -> None:
        try:
            self._finish(lane, batch, refusal)
        except BaseException as error:
            self._error = error

    def _parsed(
        self, lane: "Connection", lines: Iterator[Line]
    ) -> tuple[Batch, DatabaseError | None]:
        """The lines as a batch, and why the database would not even take its rows, if so."""
        stage = tables.SpanStage(lane)
        batch = Batch(time.time_ns(), self._prices, stage.add)
        try:
            parse(lines, batch)
            stage.finish()
        except DatabaseError as error:
            batch.lines += lines
            return batch, error
        return batch, None

    def _finish(self, lane: "Connection", batch: Batch, refusal: DatabaseError | None) -> None:
        """Commit the batch; if the database refuses it, find out which line it is."""
        if refusal is None:
            try:
                self._commit(lane, batch)
            except DatabaseError as error:
                with suppress(DatabaseError):  # a commit that fails has rolled back already
                    lane.execute("ROLLBACK")
                refusal = error
        if refusal is not None:
            self._sort_out(lane, batch, refusal)

    def _sort_out(self, lane: "Connection", batch: Batch, refusal: DatabaseError) -> None:
        if not is_about_data(refusal):
            raise refusal
        if len(batch.lines) > 1:
            middle = len(batch.lines) // 2
            for lines in (batch.lines[:middle], batch.lines[middle:]):
                self._finish(lane, *self._parsed(lane, iter(lines)))
            return
        (line,) = batch.lines
        refused = Batch(batch.seen_ns, self._prices, tables.SpanStage(lane).add, [line])
        refused.reject(line, f"refused by the database: {refusal}"[:_REASON_LENGTH])
        self._commit(lane, refused)

    def _commit(self, lane: "Connection", batch: Batch) -> None:
        ingest_id = self._ingest_id + 1
        lane.execute("BEGIN")
        rows = tables.write(lane, batch, ingest_id)
        _mark_read(lane, batch)
        lane.execute(
            "INSERT INTO store.ingest VALUES (?, ?, ?, ?)",
            [ingest_id, batch.seen_ns, rows, self._total_rows + rows],
        )
        reach("before_commit")
        lane.execute("COMMIT")
        reach("after_commit")
        self._ingest_id = ingest_id
        self._total_rows += rows


def _lane(connection: "Connection") -> "Connection":
    """Another connection to the same database, with temporary tables of its own."""
    lane = connection.cursor()
    lane.execute("USE tracekit")
    return lane


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
        try:
            keep_bad_lines(connection, file)
        except OSError as error:
            logger.warning("%s stays, its bad lines can't be kept: %s", file.path, error.strerror)
            continue
        reach("set_aside")
        file.path.unlink(missing_ok=True)
        reach("unlinked")
