"""What lies in the spool folder: files, how far each is read, and whether its writer lives."""

import fcntl
import itertools
import os
import socket
import time
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import orjson

from tracekit.store.fields import as_record
from tracekit.store.spool import SCHEMA, boot_id, pid_start

SUFFIX = ".ndjson"

State = Literal["writing", "closed", "gone", "replaced", "newer", "unreadable"]
"""`closed`: its process went on to another file. `gone`: its process no longer runs.
`replaced`: not the file that was read before. `newer`: of a format that this reader can't know.
`unreadable`: the system refuses it, as it does a file of another user."""

_TAIL_BYTES = 64
_HEADER_BYTES = 1 << 20
_UNBORN_S = 86_400
"""A file without a first line is left alone that long: its process may be about to write it."""


class Process(NamedTuple):
    """Which process, over restarts of the machine and reuse of ids."""

    host: str | None
    pid: int | None
    boot_id: str | None
    pid_start: int | None


NOBODY = Process(None, None, None, None)


@dataclass(slots=True, kw_only=True)
class SpoolFile:
    """One file of the spool, and what the database knows of it."""

    path: Path
    size: int
    read_bytes: int = 0
    """First byte that is not yet in the database."""
    tail_crc: int | None = None
    is_known: bool = False
    """Whether the database has a row for it."""
    is_ended: bool = False
    """Whether it was found closed or gone before, and dealt with."""
    process: Process = NOBODY
    service: str | None = None
    resource: str | None = None
    """JSON text."""
    first_ns: int | None = None
    state: State = "writing"

    @property
    def name(self) -> str:
        """Without the folder."""
        return self.path.name

    @property
    def is_readable(self) -> bool:
        """Whether records may be taken from it."""
        return self.state not in {"replaced", "newer", "unreadable"}

    @property
    def is_finished(self) -> bool:
        """Whether nothing will be written to it any more."""
        return self.state in {"closed", "gone"}


class Line(NamedTuple):
    """One line of a spool file, newline included unless it is the torn end of a finished file."""

    file: SpoolFile
    offset: int
    data: bytes


def survey(folder: Path, known: Iterable[SpoolFile]) -> list[SpoolFile]:
    """All spool files, oldest first, with their states."""
    by_name = {file.name: file for file in known}
    files: list[SpoolFile] = []
    for path, size in _listed(folder):
        file = by_name.get(path.name) or SpoolFile(path=path, size=size)
        file.size = size
        files.append(file)
    held = [_examine_if_readable(file) for file in files]
    running: defaultdict[Process, int] = defaultdict(int)
    for file, is_held in zip(files, held, strict=True):
        running[file.process] += is_held
    for file, is_held in zip(files, held, strict=True):
        if file.is_readable and not is_held:
            file.state = _state_of_unheld(file, running[file.process] > 0)
            file.size = file.path.stat().st_size  # it may have grown until its process ended
    return files


@dataclass(slots=True)
class Part:
    """Lines of one file that follow each other."""

    file: SpoolFile
    start: int
    end: int
    """First byte after them."""
    records: int = 0


def read_lines(file: SpoolFile) -> Iterator[Line]:
    """The lines that are not yet read; the torn end only where it is final."""
    if file.size == file.read_bytes or not file.is_readable:
        return
    for line in _lines_from(file, file.read_bytes):
        if not line.data.endswith(b"\n") and not file.is_finished:
            return
        yield line


def read_part(part: Part) -> Iterator[Line]:
    """The lines of a part, once more."""
    return itertools.islice(_lines_from(part.file, part.start), part.records)


def _lines_from(file: SpoolFile, offset: int) -> Iterator[Line]:
    with file.path.open("rb", buffering=1 << 20) as stream:
        stream.seek(offset)
        for data in stream:
            yield Line(file, offset, data)
            offset += len(data)


def tail_crc(path: Path, end: int) -> int:
    """Checksum of the bytes just before `end`, by which a replaced file is noticed."""
    with path.open("rb") as stream:
        start = max(0, end - _TAIL_BYTES)
        stream.seek(start)
        return zlib.crc32(stream.read(end - start))


def is_running(process: Process) -> bool:
    """Whether that very process runs on this machine. False where that can't be seen from here."""
    if process.pid is None or process.host != socket.gethostname():
        return False
    if process.boot_id != boot_id():
        return False
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # it runs, as another user
    return pid_start(process.pid) == process.pid_start


def _listed(folder: Path) -> list[tuple[Path, int]]:
    try:
        entries = [entry for entry in os.scandir(folder) if entry.name.endswith(SUFFIX)]
    except FileNotFoundError:
        return []
    found = [(entry.stat(), Path(entry.path)) for entry in entries if entry.is_file()]
    return [(path, stat.st_size) for stat, path in sorted(found, key=lambda pair: pair[0].st_mtime)]


def _examine_if_readable(file: SpoolFile) -> bool:
    try:
        return _examine(file)
    except OSError:
        file.state = "unreadable"
        return False


def _examine(file: SpoolFile) -> bool:
    """Read what the file says of its process. True if a process holds it open."""
    if file.read_bytes:
        if file.size < file.read_bytes or tail_crc(file.path, file.read_bytes) != file.tail_crc:
            file.state = "replaced"
            return False
        return _is_held(file.path)
    header = _read_header(file.path)
    if header is None:
        age_s = time.time() - file.path.stat().st_mtime
        return age_s < _UNBORN_S or _is_held(file.path)
    _take_header(file, header)
    # the lock is taken before the first line is written: only now is its absence a sign
    return _is_held(file.path)


def _state_of_unheld(file: SpoolFile, goes_on: bool) -> State:
    """A process that began another file closed this one; without locks its id has to tell."""
    if goes_on:
        return "closed"
    return "writing" if is_running(file.process) else "gone"


def _is_held(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _read_header(path: Path) -> dict[str, Any] | None:
    """The first line, or None while it is not complete; empty if it is no process record."""
    with path.open("rb") as stream:
        line = stream.readline(_HEADER_BYTES)
    if not line.endswith(b"\n"):
        return None
    try:
        header = as_record(orjson.loads(line)) or {}
    except orjson.JSONDecodeError:
        return {}
    return header if header.get("kind") == "process" else {}


def _take_header(file: SpoolFile, header: dict[str, Any]) -> None:
    schema = _integer(header, "schema")
    if schema is not None and schema > SCHEMA:
        file.state = "newer"
    file.process = Process(
        _text(header, "host"),
        _integer(header, "pid"),
        _text(header, "boot_id"),
        _integer(header, "pid_start"),
    )
    resource = header.get("resource")
    file.resource = orjson.dumps(resource).decode() if isinstance(resource, dict) else None
    file.service = _text(header, "service")
    file.first_ns = _integer(header, "at_ns")


def _text(record: dict[str, Any], key: str) -> str | None:
    value = record.get(key)
    return value if isinstance(value, str) else None


def _integer(record: dict[str, Any], key: str) -> int | None:
    value = record.get(key)
    return value if type(value) is int and abs(value) < 2**63 else None
