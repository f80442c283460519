"""The store's own lock: one process writes, any number read.

DuckDB's lock alone does not do: closing the file a second time in one process drops it
silently, and it answers at once instead of waiting. `flock` belongs to the open file, so it
ends with the process however that ends, and a forked child can't free it by closing.
"""

import errno
import fcntl
import os
import random
import socket
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import orjson

from tracekit.errors import StoreError, StoreLocked

DEFAULT_TIMEOUT_S = 10.0
"""How long a command waits for another one before it gives up."""

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.01, 0.2


class Lock:
    """A held lock, exclusive at first."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def share(self) -> None:
        """Let other readers in: from now on only writers are kept out."""
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)


@contextmanager
def locked(
    path: Path, *, shared: bool = False, timeout_s: float = DEFAULT_TIMEOUT_S
) -> Generator[Lock]:
    """Hold the lock file `path` while the block runs.

    Args:
        path: The lock file; made if it isn't there.
        shared: Only keep writers out, as a reader does who writes nothing.
        timeout_s: Seconds to wait for others.

    Raises:
        StoreLocked: Others held it for that long; the message says who.
        StoreError: The file can't be opened, or its file system has no working locks.
    """
    owner = os.getpid()
    descriptor = _open(path, shared=shared)
    _descriptors.add(descriptor)
    try:
        _acquire(path, descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX, timeout_s)
        if not shared:
            _refuse_idle_locks(path)
            _sign(descriptor)
        yield Lock(descriptor)
    finally:
        if os.getpid() == owner:
            _descriptors.discard(descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)


_descriptors: set[int] = set()


def _leave_to_parent() -> None:
    """A forked child closes its copies: else it would hold the lock when its parent is killed."""
    for descriptor in _descriptors:
        os.close(descriptor)
    _descriptors.clear()


os.register_at_fork(after_in_child=_leave_to_parent)


def holder(path: Path) -> str:
    """Who last took the lock for writing, as words for a message."""
    try:
        signed = orjson.loads(path.read_bytes())
        pid, host, command = int(signed["pid"]), str(signed["host"]), str(signed["command"])
        age_s = max(0.0, time.time() - signed["at_ns"] / 1e9)
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
    if host != socket.gethostname():
        return f"process {pid} on {host} ({command}), since {age_s:.0f} s"
    if pid == os.getpid():
        return f"this process ({pid}), since {age_s:.0f} s"
    if not _runs(pid):
        return "another process"  # who only reads does not sign; the signature is an older one
    return f"process {pid} ({command}), since {age_s:.0f} s"


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # it runs, as another user
    return True


def _open(path: Path, *, shared: bool) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if shared and path.exists():
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        raise StoreError(
            f"the store {path.parent} can't be locked: {path.name}: {error.strerror}"
        ) from error


def _acquire(path: Path, descriptor: int, mode: int, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    pause = _FIRST_PAUSE_S
    while True:
        try:
            fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
        except BlockingIOError as error:
            left = deadline - time.monotonic()
            if left <= 0:
                raise StoreLocked(
                    f"the store {path.parent} has been in use for {timeout_s:g} s: {holder(path)}; "
                    "try again, or end that process"
                ) from error
            time.sleep(min(left, pause * random.uniform(0.5, 1.5)))
            pause = min(pause * 1.6, _LONGEST_PAUSE_S)
        except OSError as error:
            raise _no_locks(path, error) from error
        else:
            return


def _refuse_idle_locks(path: Path) -> None:
    """Some network mounts say yes to every lock; two writers would then lose rows unseen."""
    second = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(second, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    finally:
        os.close(second)
    raise _no_locks(path, OSError(errno.ENOLCK, "locks are granted twice"))


def _no_locks(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"the store {path.parent} is on a file system without working file locks "
        f"({error.strerror}), where two readers could lose what is stored; nothing was touched: "
        "copy the folder to a local disk and read it there"
    )


def _sign(descriptor: int) -> None:
    signature = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "command": " ".join([Path(sys.argv[0] if sys.argv else "python").name, *sys.argv[1:2]]),
        "at_ns": time.time_ns(),
    }
    with suppress(OSError):  # on a full disk there is no room even for this
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, orjson.dumps(signature), 0)
