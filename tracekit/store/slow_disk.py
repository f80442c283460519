"""What to do when the disk is slow: let a thread wait for it in place of the program.

As a rule a record is written by the thread that made it, at once, so that a kill of the process
loses nothing. A program that waits for its disk again and again hands its records over: they
wait in memory, at most `MAX_BYTES` of them, until a thread has written them, in the same order.
When the disk has been fast for a while, records are written at once as before.
"""

import platform
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue

SLOW_S = 0.001
"""A write that takes longer is slow. One on a good disk takes 10 to 40 microseconds."""
PATIENCE_S = 0.25
"""The program waits that long for slow writes, altogether; or for one that does not return."""
COUNTED_S = 0.2
"""At most that much for one write: it takes two, for one may have waited for something else."""
FORGIVEN_S = 0.0002
"""By so much of that each fast write makes up for slow ones: 1 in 50 of 10 ms is borne."""
WATCHED_S = 1.0
"""Slow writes are looked at for that long, to find out what they wait for."""
SEEN_WAITING = 5
"""So often a write has to be seen waiting for the disk before the disk is held to be slow."""
CALM_S = 2.0
"""The thread has to find the disk fast for that long."""
MAX_BYTES = 64 * 1024 * 1024
"""Of records that wait; what comes beyond is lost, and counted."""
BATCH_BYTES = 1024 * 1024
"""What the thread writes in one step."""

_WAIT_FOR_LOCK = {"x86_64": "202", "aarch64": "98", "riscv64": "98"}.get(platform.machine())
"""The number of the system call `futex`, by which a thread waits for the interpreter."""
_OVERHEAD_BYTES = 80
"""Memory of a waiting record beside its text."""
_BYTES_PER_S = 100e6
"""A large step takes as long as its bytes do on a disk that is not slow."""


class SlowDisk:
    """Stands between those who write and the disk; watches how long each write takes.

    Safe in any thread, and where a record is made in the middle of making another (a log handler,
    a signal, the garbage collection). Nothing is logged and no user's code run under its lock.

    Args:
        write: Writes lines to the file: their bytes and their number. Never raises.
        lose: Told how many records are lost because too many wait.
    """

    def __init__(self, write: Callable[[bytes, int], bool], lose: Callable[[int], object]) -> None:
        self._write = write
        self._lose = lose
        self.after_fork()

    def after_fork(self) -> None:
        """In a forked child: what waits is its parent's to write, whose thread there is not."""
        self.is_slow = False
        self.is_full = False
        """Whether records are being lost, since the thread can't keep up."""
        self.records = 0
        """That wait, or are being written."""
        self._bytes = 0
        self._lines: SimpleQueue[bytes] = SimpleQueue()
        self._lock = threading.RLock()
        self._waited_s = 0.0
        self._is_watched = False
        self._writer = 0
        """The thread of the oldest write that has not returned, as the system numbers it."""
        self._since = 0.0
        """When the oldest write began that has not returned; 0: none is under way."""

    def write(self, line: bytes) -> bool:
        """Write a line at once; while the disk is slow, leave it to the thread.

        Returns:
            Whether it is in the file.
        """
        began, since = time.perf_counter(), self._since
        if since and began - since > PATIENCE_S and not self.is_slow and self._hangs(since):
            self._hand_over()
        if self.is_slow and self._put(line):
            return False
        if not since:
            self._writer, self._since = threading.get_native_id(), began
        is_written = self._write(line, 1)
        took = time.perf_counter() - began
        if not since:
            self._since = 0.0
        if took > SLOW_S or self._waited_s:
            self._judge(took)
        return is_written

    def wait(self, timeout_s: float) -> bool:
        """Whether nothing waits any more, after at most that many seconds."""
        deadline = time.monotonic() + timeout_s
        while self.records and time.monotonic() < deadline:
            time.sleep(0.002)
        return not self.records

    def _hangs(self, since: float) -> bool:
        """Whether that write has not returned, and it is the disk that it waits for."""
        seen = [self._is_seen_waiting(since) for _ in range(SEEN_WAITING)]
        return self._since == since and sum(seen) > len(seen) // 2

    def _is_seen_waiting(self, since: float) -> bool:
        time.sleep(SLOW_S)
        return _waits_for_disk(self._writer) and self._since == since

    def _judge(self, took: float) -> None:
        """Hand over if slow writes outweigh the fast ones."""
        if took <= SLOW_S:
            self._waited_s = max(0.0, self._waited_s - FORGIVEN_S)
            return
        self._waited_s += min(took, COUNTED_S)
        if self._waited_s > PATIENCE_S:
            self._waited_s = 0.0
            if not self._is_watched and _is_by_disk(took):
                self._is_watched = _has_started(self._watch)

    def _watch(self) -> None:
        """Hand over if most of the writes that take long are seen to wait for the disk."""
        until = time.perf_counter() + WATCHED_S
        seen = {True: 0, False: 0}
        while time.perf_counter() < until and not self.is_slow:
            since = self._since
            if since and time.perf_counter() - since > SLOW_S:
                seen[self._is_seen_waiting(since)] += 1
                if seen[True] >= max(SEEN_WAITING, seen[False]):
                    self._hand_over()
            else:
                time.sleep(SLOW_S)
        self._is_watched = False

    def _hand_over(self) -> None:
        with self._lock:
            if not self.is_slow:
                self.is_slow = True  # before the thread looks
                self.is_slow = _has_started(self._work)

    def _put(self, line: bytes) -> bool:
        """False if the disk is not slow any more."""
        size = len(line) + _OVERHEAD_BYTES
        with self._lock:
            if not self.is_slow:
                return False
            if self._bytes + size > MAX_BYTES:
                self.is_full = True
            else:
                self._bytes += size
                self.records += 1
                self._lines.put(line)
                return True
        self._lose(1)
        return True

    def _work(self) -> None:
        slow_at = time.perf_counter()
        while True:
            lines = self._next()
            if lines:
                data, began = b"".join(lines), time.perf_counter()
                self._write(data, len(lines))
                took = time.perf_counter() - began
                self._written(lines)
                if took > SLOW_S + len(data) / _BYTES_PER_S and _is_by_disk(took):
                    slow_at = time.perf_counter()
            if time.perf_counter() - slow_at > CALM_S and self._is_over():
                return

    def _next(self) -> list[bytes]:
        """Lines for one step; none if none come for a while."""
        lines: list[bytes] = []
        size = 0
        try:
            while size < BATCH_BYTES:
                lines.append(self._lines.get(block=not lines, timeout=0.1))
                size += len(lines[-1])
        except Empty:
            pass
        return lines

    def _written(self, lines: list[bytes]) -> None:
        with self._lock:
            self.records -= len(lines)
            self._bytes -= sum(map(len, lines)) + len(lines) * _OVERHEAD_BYTES
            if self._bytes < MAX_BYTES // 2:
                self.is_full = False

    def _is_over(self) -> bool:
        """Whether the program may write again itself: only when nothing waits, for the order."""
        with self._lock:
            self.is_slow = self.records > 0
        return not self.is_slow


def _has_started(work: Callable[[], None]) -> bool:
    thread = threading.Thread(target=work, name="tracekit-disk", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # the interpreter is ending, or there are too many threads
        return False
    return True


def _waits_for_disk(thread: int) -> bool:
    """Whether a thread that is writing is held up in the system, and by no lock.

    See https://man7.org/linux/man-pages/man5/proc_pid_syscall.5.html
    """
    try:
        call = Path(f"/proc/self/task/{thread}/syscall").read_text(encoding="ascii").split()[0]
    except OSError:
        return True  # it can't be known here
    return call not in {"running", _WAIT_FOR_LOCK}


def _is_by_disk(took: float) -> bool:
    """Whether it was the disk that took the time.

    Who writes gives the interpreter up meanwhile, and waits for it among busy threads, and for a
    processor among busy processes. So does who sleeps.
    """
    return took > 3 * max(_nap() for _ in range(3))


def _nap() -> float:
    began = time.perf_counter()
    time.sleep(0.0001)  # long enough for another thread to take over
    return time.perf_counter() - began
