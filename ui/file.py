"""Writes the one file: the index in memory, everything else streamed past in blocks.

Layout: head, index, script, then blocks `<script type="text/plain" id="c0">`, each the base64 of
a gzipped JSON array: traces (at most 32, or about 0.3 MB before compression), contents of a
trace that is larger than that, runs. Media follow as `id="b-<sha256>"`, base64 as they are. The
script runs while the browser still reads the blocks, hence the index before them.
"""

import base64
import gzip
import os
import re
import secrets
import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import orjson

from tracekit import media
from tracekit.model import Artifact, Metric, Run, Trace, TraceSummary
from tracekit.ui.page import render
from tracekit.ui.view import (
    ReportFacts,
    RunRow,
    TraceRow,
    TraceView,
    run_row,
    run_view,
    trace_columns,
    trace_row,
    trace_view,
)

FORMAT = 1
Histories = Mapping[str, Sequence[Metric]]
"""All values of each metric of a run, by step."""
RunParts = tuple[Run, Histories, Sequence[Artifact]]
_MOST_ITEMS = 32
_MOST_BYTES = 300_000
_MOST_BLOB_BYTES = 10_000_000
_REFUSED = frozenset({"image/svg+xml"})
"""Opened by itself, an SVG runs the scripts in it, with the rights of the report."""
_THREADS = 2
_BLOB = re.compile(rb'"sha256":"([0-9a-f]{64})"')


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportContents:
    """Where a report gets what it shows; each is gone through once."""

    traces: Iterable[tuple[TraceSummary, Trace]]
    """In the order of the list, commonly the newest first."""
    runs: Iterable[RunParts] = ()
    blob: Callable[[str], bytes | None] = field(default=lambda _: None)
    """The bytes with that SHA-256, or None where they are gone."""


def write_report(path: Path, facts: ReportFacts, contents: ReportContents) -> int:
    """Write the report and give its size in bytes. A report that can't be finished is removed.

    Memory: the index, and a block for each of two threads.

    Raises:
        OSError: The file can't be written.
    """
    with (
        tempfile.TemporaryFile(dir=path.parent) as blocks_file,
        ThreadPoolExecutor(_THREADS, thread_name_prefix="tracekit-report") as pool,
    ):
        blocks = _Blocks(blocks_file, pool)
        rows = [_write_trace(blocks, summary, trace) for summary, trace in contents.traces]
        blocks.flush()
        runs = [_write_run(blocks, *run) for run in contents.runs]
        blocks.finish()
        index = _index(facts, rows, runs, _write_blobs(blocks, contents.blob))
        text = render(facts, rows, _packed(index).decode())
        blocks_file.seek(0)
        with _replacing(path) as file:
            file.write(text.head.encode())
            shutil.copyfileobj(blocks_file, file, 1 << 20)
            file.write(text.tail.encode())
            return file.tell()


def _index(
    facts: ReportFacts, rows: list[TraceRow], runs: list[RunRow], blobs: dict[str, Any]
) -> bytes:
    return orjson.dumps(
        {
            "format": FORMAT,
            "report": facts,
            "traces": trace_columns(rows),
            "runs": runs,
            "blobs": blobs,
        }
    )


def _write_trace(blocks: "_Blocks", summary: TraceSummary, trace: Trace) -> TraceRow:
    view = trace_view(trace)
    item = orjson.dumps({**view.head, "contents": view.contents})
    if len(item) > _MOST_BYTES and len(view.contents) > 1:
        item = orjson.dumps({**view.head, "parts": _write_parts(blocks, view)})
    return trace_row(summary, trace, blocks.add(item))


def _write_parts(blocks: "_Blocks", view: TraceView) -> list[tuple[int, int]]:
    """Contents in blocks of their own: number of the first span, number of the block."""
    blocks.flush()
    parts: list[tuple[int, int]] = []
    for i, content in enumerate(view.contents):
        number = blocks.add(orjson.dumps(content), most_items=len(view.contents))
        if not parts or parts[-1][1] != number:
            parts.append((i, number))
    blocks.flush()
    return parts


def _write_run(
    blocks: "_Blocks", run: Run, histories: Histories, artifacts: Sequence[Artifact]
) -> RunRow:
    return run_row(run, blocks.add(orjson.dumps(run_view(run, histories, artifacts))))


def _write_blobs(blocks: "_Blocks", read: Callable[[str], bytes | None]) -> dict[str, Any]:
    """Media that a browser shows without danger, each once. Gives type and size by hash."""
    written: dict[str, Any] = {}
    for sha256 in blocks.blobs:
        data = read(sha256)
        kind = data and media.kind_of(data)
        if data and kind and kind not in _REFUSED and len(data) <= _MOST_BLOB_BYTES:
            blocks.write(f"b-{sha256}", base64.b64encode(data))
            written[sha256] = {"type": kind, "bytes": len(data)}
    return written


class _Blocks:
    """Gathers items into blocks, which threads compress and which are written in their order."""

    def __init__(self, file: IO[bytes], pool: ThreadPoolExecutor) -> None:
        self.blobs: dict[str, None] = {}
        self._file, self._pool = file, pool
        self._items: list[bytes] = []
        self._size = self._number = 0
        self._waiting: deque[tuple[int, Future[bytes]]] = deque()

    def add(self, item: bytes, most_items: int = _MOST_ITEMS) -> int:
        """Put an item into the current block and give the number of that."""
        if self._items and (self._size + len(item) > _MOST_BYTES or len(self._items) >= most_items):
            self.flush()
        self._items.append(item)
        self._size += len(item)
        return self._number

    def flush(self) -> None:
        """End the current block."""
        if not self._items:
            return
        text = b"[" + b",".join(self._items) + b"]"
        self.blobs.update(dict.fromkeys(sha.decode() for sha in _BLOB.findall(text)))
        self._waiting.append((self._number, self._pool.submit(_packed, text)))
        self._items, self._size = [], 0
        self._number += 1
        while len(self._waiting) > _THREADS:
            self._write_next()

    def finish(self) -> None:
        """Write all that is still waiting."""
        self.flush()
        while self._waiting:
            self._write_next()

    def write(self, name: str, data: bytes) -> None:
        """Write a block that is base64 already."""
        self._file.writelines(
            (f'<script type="text/plain" id="{name}">'.encode(), data, b"</script>\n")
        )

    def _write_next(self) -> None:
        number, packed = self._waiting.popleft()
        self.write(f"c{number}", packed.result())


def _packed(text: bytes) -> bytes:
    # level 6 would save 14 % of the size for 2.5 times the time
    return base64.b64encode(gzip.compress(text, compresslevel=1, mtime=0))


@contextmanager
def _replacing(path: Path) -> Generator[IO[bytes]]:
    """A file that takes the place of `path` when the block ends well, and else is removed."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
