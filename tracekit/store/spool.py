"""The log that a traced program writes: one file a process, one JSON record a line.

The only part of the store that runs inside the traced program. A record is one `write` on an
`O_APPEND` descriptor, so a kill of the process loses nothing that had ended, any number of
processes write at once, and nothing has to be flushed. The reader (`tracekit.store.ingest`)
moves whole lines into DuckDB.

Record kinds, by `kind`; times are nanoseconds since the Unix epoch, ids lower-case hex:

    process     schema, pid, host, boot_id, pid_start, at_ns, service, resource{}   first line of a file
    start       trace_id, span_id, parent_span_id, name, span_kind, operation, start_ns,
                session_id, user_id, run_id, experiment
    span        trace_id, span_id, parent_span_id, name, span_kind, start_ns, end_ns, status,
                status_message, scope, session_id, user_id, run_id, experiment,
                attributes{} (flat, OpenTelemetry's), events[{name, at_ns, attributes}],
                links[{trace_id, span_id, attributes}], resource{} (only where not the process's)
    experiment  experiment_id, name, at_ns, deleted_ns
    run         run_id, at_ns, and those that are set of: experiment_id, experiment, name,
                parent_run_id, run_kind, status, start_ns, end_ns, user_name, source{}, deleted_ns
                (a later record updates the fields that it names)
    param       run_id, key, value (text), at_ns          the first value of a key stays
    metrics     run_id, at_ns, step, values{key: number}, seq    not finite: "NaN" "Infinity" "-Infinity"
    tag         subject (run | trace | experiment), subject_id, key, value (null deletes), at_ns
    assessment  the fields of `model.Assessment` (its kind as assessment_kind), and replaces_id,
                deleted_ns (a later record updates the fields that it names)
    artifact    run_id or trace_id, path, sha256, bytes, media_type, at_ns, deleted_ns
    evaluation_row  evaluation_row_id, run_id, row_id, trial, ordinal, status, at_ns, inputs, outputs,
                expectations, the columns of `evaluation_rows`, and scores[{name, status, value,
                score, label, rationale, source_type, source_id, evaluator_version, error, metadata}]
    dataset     dataset_id, name, version, content_hash, source{}, at_ns
    dataset_row dataset_id, row_id, ordinal, inputs{}, outputs, expectations{}, context[], row_group,
                split, tags{}, metadata{}, source_trace_id
    lost        records, reason, at_ns                    what could not be written before

A missing field is null. Unknown kinds and fields are kept out of the tables and counted, so
that an older reader survives a newer writer.
"""

import atexit
import errno
import fcntl
import logging
import math
import os
import secrets
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from tracekit import capture, guard
from tracekit.redaction import hide_secrets
from tracekit.store.slow_disk import SlowDisk

logger = logging.getLogger(__name__)

SCHEMA = 1
"""Version of the record format. Readers refuse a higher one."""

ROTATE_BYTES = 64 * 1024 * 1024
"""A file is closed and a new one begun here, so that a long-lived process can be tidied after."""

_OPEN_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_ENCODE = orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE


class Spool:
    """Appends records of this process to a file of its own below `folder`.

    Safe to use from any thread and after a fork. Never raises and never blocks on anything
    but the write itself, nor on that while the disk is slow (`tracekit.store.slow_disk`): a record
    that can't be written is counted in `dropped`.
    """

    def __init__(self, folder: Path, *, process: Callable[[], Mapping[str, Any]] = dict) -> None:
        self.folder = folder
        self.dropped = 0
        """Records lost since this object was made."""
        self._process = process
        self._descriptor: int | None = None
        self._size = math.inf
        """Bytes in the file; infinite while there is none to write to."""
        self._torn = False
        self.losing = False
        """True from the first record that can't be written until one can be again."""
        self._retry_at = 0.0
        self._lock = threading.RLock()
        self._news: deque[str] = deque()
        """Warnings to log when the lock is free: a log handler may wait for who waits for it."""
        self._disk = SlowDisk(self._write, self._lose)
        _spools.append(self)

    def append(self, record: Mapping[str, Any]) -> bool:
        """True if the record is in the file, so survives the process."""
        if self._disk.is_full:
            return self._lose(1)
        return self.write(encoded(record))

    def write(self, line: bytes) -> bool:
        """`append` of a record that is one line of JSON already, `encoded`."""
        if self._disk.is_full:
            return self._lose(1)
        is_written = self._disk.write(line)
        if self._news:
            self._tell()
        return is_written

    def flush(self, timeout_s: float) -> bool:
        """Whether no record waits any more, after at most that many seconds.

        Records wait only while the disk is slow.
        """
        is_drained = self._disk.wait(timeout_s)
        if is_drained and self.losing:
            self._write(b"", 0)  # perhaps the loss is over
        self._tell()
        return is_drained

    def give_up(self, timeout_s: float) -> None:
        """At the end of the program: wait that long, and count what is not written as lost."""
        if not self.flush(timeout_s):
            self._lose(self._disk.records)
            lost = f"{self.dropped} records of this process were lost, some of them at its end"
            self._news.append(f"tracekit: below {self.folder}, {lost}")
        self._tell()

    def _write(self, line: bytes, records: int, *, may_be_closed: bool = True) -> bool:
        descriptor = self._descriptor
        if descriptor is None or self.losing or self._size > ROTATE_BYTES:
            with self._lock:
                descriptor = self._ready()
            if descriptor is None:
                return self._drop(records)
        if self._torn:
            line = b"\n" + line
        try:
            written = os.write(descriptor, line)
        except OSError as error:
            if error.errno == errno.EBADF and may_be_closed:  # by another thread, just now
                with self._lock:
                    self._size = math.inf
                    return self._write(line, records, may_be_closed=False)
            return self._drop(records, _reason(error))
        self._size += written
        if written == len(line):
            self._torn = False
            return True
        return self._finish(descriptor, line[written:])

    def close(self) -> None:
        """Close the file. The next record opens a new one.

        The descriptor's number stays reserved: a thread that is about to write would else write
        into whatever file the program opens under that number next.
        """
        with self._lock:
            if self._descriptor is not None:
                with suppress(OSError):  # no descriptor left to do it with: then it stays open
                    _redirect(self._descriptor, os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
                    self._size = math.inf

    def after_fork(self) -> None:
        """In the child: leave the parent's file alone, begin one of one's own on first use."""
        self._lock = threading.RLock()
        if self._descriptor is not None:  # the lock belongs to the parent's description and stays
            os.close(self._descriptor)
            self._descriptor = None
        self._size = math.inf
        self.dropped = 0
        self.losing = self._torn = False
        self._disk.after_fork()

    def _finish(self, descriptor: int, rest: bytes) -> bool:
        try:
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        except OSError as error:
            self._torn = True  # the reader skips the half line; the next record starts a new one
            return self._drop(rest.count(b"\n"), _reason(error))
        return True

    def _ready(self) -> int | None:
        """A descriptor to write to, after opening, rotating, or recovering from a loss."""
        if self._size > ROTATE_BYTES and not self._has_begun() and self._size == math.inf:
            return None
        if self.losing and self._descriptor is not None and not self._disk.is_full:
            self._recover(self._descriptor)
        return self._descriptor

    def _has_begun(self) -> bool:
        """Try to begin a new file, at most once a second; the old one goes on meanwhile."""
        if time.monotonic() < self._retry_at:
            return False
        try:
            self._open()
        except OSError as error:
            self._retry_at = time.monotonic() + 1.0
            if self._size == math.inf:
                self._say_once(_reason(error))
            return False
        return True

    def _open(self) -> None:
        for folder in (self.folder.parent, self.folder):  # the mode is only of the last of a path
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self.folder / f"{os.getpid()}-{secrets.token_hex(8)}.ndjson"
        descriptor = os.open(path, _OPEN_FLAGS, 0o600)
        try:
            size = self._sign(descriptor)
        except OSError:
            os.close(descriptor)
            path.unlink()
            raise
        if self._descriptor is None:
            self._descriptor = descriptor
        else:
            _redirect(self._descriptor, descriptor)
        self._size = size

    def _sign(self, descriptor: int) -> int:
        """Lock a new file and write its first line. Gives the length of that."""
        with suppress(OSError):  # where there are no locks, its process's id has to tell
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)  # held for life: see ingest
        header = orjson.dumps(_process_record(self._process()), option=_ENCODE)
        if os.write(descriptor, header) < len(header):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return len(header)

    def _recover(self, descriptor: int) -> None:
        lost = {"kind": "lost", "records": self.dropped, "reason": "", "at_ns": time.time_ns()}
        line = b"\n" * self._torn + orjson.dumps(lost, option=_ENCODE)
        try:
            if os.write(descriptor, line) != len(line):
                self._torn = True
                return
        except OSError:
            return
        self.losing = self._torn = False
        self._news.append(
            f"tracekit records again below {self.folder}; {self.dropped} records were lost"
        )

    def _drop(self, records: int, reason: str | None = None) -> bool:
        self.dropped += records
        if reason is not None:
            self._say_once(reason)
        return False

    def _lose(self, records: int) -> bool:
        return self._drop(records, "the disk is too slow")

    def _say_once(self, reason: str) -> None:
        if not self.losing:
            self.losing = True
            self._news.append(f"tracekit can't record below {self.folder}: {reason}")

    def _tell(self) -> None:
        while self._news:
            with suppress(IndexError):  # another thread was faster
                guard.log(logger, logging.WARNING, self._news.popleft())


def _redirect(number: int, descriptor: int) -> None:
    """Let a descriptor's number mean another file: at once, for all threads."""
    os.dup2(descriptor, number, inheritable=False)
    os.close(descriptor)


def encoded(record: Mapping[str, Any]) -> bytes:
    """A record as one line of JSON, with what looks like a credential hidden."""
    try:
        line = orjson.dumps(record, option=_ENCODE)
    except (orjson.JSONEncodeError, RecursionError):  # a lone surrogate, a huge integer …
        line = orjson.dumps(capture.plain(record, sys.maxsize), option=_ENCODE)
    return hide_secrets(line)


_spools: list[Spool] = []


def _after_fork() -> None:
    for spool in _spools:
        spool.after_fork()


os.register_at_fork(after_in_child=_after_fork)

EXIT_S = 2.0
"""What a slow disk may add to the end of the program."""


@atexit.register
def _at_exit() -> None:
    deadline = time.monotonic() + EXIT_S
    for spool in _spools:
        spool.give_up(max(0.0, deadline - time.monotonic()))


def _reason(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return "the disk is full"
    return error.strerror or str(error)


def _process_record(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "kind": "process",
        "schema": SCHEMA,
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "boot_id": boot_id(),
        "pid_start": pid_start(os.getpid()),
        "at_ns": time.time_ns(),
        "python": sys.version.split()[0],
        **facts,
    }


def boot_id() -> str | None:
    """Which boot of the machine this is, so that a process id is not mistaken after a restart."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return None


def pid_start(pid: int) -> int | None:
    """When that process began, in clock ticks since the boot; None where that can't be known."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    return int(stat.rpartition(b")")[2].split()[19])
