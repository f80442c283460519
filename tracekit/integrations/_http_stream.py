"""Following an answer that is read piece by piece, by the program, in its own time.

The HTTP response, the client's stream and all that is built on them stay as they are. Only the
innermost source of bytes is replaced, by one that passes everything on and keeps a copy.
"""

import sys
import time
import weakref
import zlib
from asyncio import CancelledError
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from functools import lru_cache
from typing import Any

from tracekit import guard

MAX_BYTES = 16 * 1024 * 1024
"""Of one answer that are kept; the rest is counted."""

_INTERRUPTS = (CancelledError, KeyboardInterrupt, SystemExit)


class Copy:
    """What has come of an answer so far, and how it ended: told once, to `on_end`."""

    __slots__ = (
        *("_ended", "_on_end", "chunks", "encoding", "error", "first_chunk_ns", "is_cancelled"),
        *("is_events", "is_exhausted", "is_json", "size"),
    )

    def __init__(self, response: Any, on_end: Callable[["Copy"], None]) -> None:
        headers = response.headers
        self.encoding = str(headers.get("content-encoding") or "").lower()
        kind = str(headers.get("content-type") or "")
        self.is_events = "event-stream" in kind
        self.is_json = "json" in kind
        self.chunks: list[bytes] = []
        self.size = 0
        """Bytes that came over the wire."""
        self.first_chunk_ns: int | None = None
        """When the first of its data came, by `time.perf_counter_ns`."""
        self.is_exhausted = False
        self.is_cancelled = False
        self.error: BaseException | None = None
        self._on_end = on_end
        self._ended = False

    def add(self, chunk: bytes) -> None:
        """One more piece. Comments that keep a connection alive are not a first piece."""
        try:
            if self.first_chunk_ns is None and (
                not self.is_events or self.encoding or b"data:" in chunk
            ):
                self.first_chunk_ns = time.perf_counter_ns()
            self.size += len(chunk)
            if self.size <= MAX_BYTES:
                self.chunks.append(chunk)
        except Exception:
            guard.failed("a piece of a stream")

    def end(self) -> None:
        """Nothing more comes. Only the first call counts."""
        try:
            if not self._ended:
                self._ended = True
                self._on_end(self)
                self.chunks.clear()
        except Exception:
            guard.failed("the end of a stream")

    def closed(self) -> None:
        """The program closed it, perhaps because it is being cancelled itself."""
        try:
            self.is_cancelled = isinstance(sys.exception(), _INTERRUPTS)
            self.end()
        except Exception:
            guard.failed("the closing of a stream")

    def broke(self, error: BaseException) -> None:
        """Reading it raised."""
        try:
            if isinstance(error, GeneratorExit):  # left in the middle; its closing follows
                return
            self.is_cancelled = isinstance(error, _INTERRUPTS)
            self.error = error
            self.end()
        except Exception:
            guard.failed("an error in a stream")

    @property
    def is_cut(self) -> bool:
        """More came than is kept."""
        return self.size > MAX_BYTES

    def content(self) -> bytes:
        """What came, decoded; of a broken encoding as much as can be read."""
        data = b"".join(self.chunks)
        if self.encoding in {"", "identity"}:
            return data
        return _decoded(data, self.encoding)


def follow(response: Any, on_end: Callable[[Copy], None], *, is_async: bool) -> bool:
    """Have `on_end` called once with what came of an answer, when it is at its end.

    Exhausted, closed, broken, cancelled, or forgotten: then when the garbage is collected, or
    the interpreter ends.

    Returns:
        False if this response can't be followed.
    """
    source = response.stream
    library_class, made = _source_classes(response.__class__, is_async)
    if made is None or not isinstance(source, library_class):
        return False
    copy = Copy(response, on_end)
    response.stream = made(source, copy)
    weakref.finalize(response.stream, copy.end)
    return True


@lru_cache(maxsize=16)
def _source_classes(response_type: type, is_async: bool) -> tuple[Any, Any]:
    """The byte stream of the HTTP library that a response is of (httpx, httpx2), and ours of it."""
    name = "AsyncByteStream" if is_async else "SyncByteStream"
    for base in response_type.__mro__:
        library_class = getattr(sys.modules.get(base.__module__.partition(".")[0]), name, None)
        if library_class is not None:
            ours = _AsyncSource if is_async else _SyncSource
            return library_class, type(ours.__name__, (ours, library_class), {})
    return None, None


class _Source:
    def __init__(self, source: Any, copy: Copy) -> None:
        self.source: Any = source
        self.copy: Copy = copy

    def __getattr__(self, name: str) -> Any:  # `elapsed`, and what a library may add
        if name in {"source", "copy"}:
            raise AttributeError(name)
        return getattr(self.source, name)


class _SyncSource(_Source):
    def __iter__(self) -> Iterator[bytes]:
        copy = self.copy
        try:
            for chunk in self.source:
                copy.add(chunk)
                yield chunk
        except BaseException as error:
            copy.broke(error)
            raise
        copy.is_exhausted = True
        copy.end()

    def close(self) -> None:
        try:
            self.source.close()
        finally:
            self.copy.closed()


class _AsyncSource(_Source):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        copy = self.copy
        chunks = self.source.__aiter__()
        try:
            async for chunk in chunks:
                copy.add(chunk)
                yield chunk
        except BaseException as error:
            copy.broke(error)
            raise
        finally:
            if isinstance(chunks, AsyncGenerator):
                await chunks.aclose()
        copy.is_exhausted = True
        copy.end()

    async def aclose(self) -> None:
        try:
            await self.source.aclose()
        finally:
            self.copy.closed()


def _decoded(data: bytes, encoding: str) -> bytes:
    if encoding in {"gzip", "deflate"}:
        try:
            wrapped = 47 if encoding == "gzip" or data[:1] == b"\x78" else -15
            return zlib.decompressobj(wrapped).decompress(data, MAX_BYTES)
        except zlib.error:
            return b""
    return _decoded_by_library(data, encoding)


def _decoded_by_library(data: bytes, encoding: str) -> bytes:
    """Brotli and zstandard, which httpx and httpx2 read where their packages are installed."""
    library = sys.modules.get("httpx2") or sys.modules.get("httpx")
    if library is None:
        return b""
    try:
        response = library.Response(200, headers={"content-encoding": encoding}, content=data)
        return bytes(response.content)
    except library.DecodingError:
        return b""
