"""One process writes, any number read, and who waits in vain learns for whom."""

import subprocess
import sys
from pathlib import Path

import pytest

from tracekit.errors import StoreError, StoreLocked
from tracekit.store import lock
from tracekit.store.lock import locked

HOLD = """
import sys
from pathlib import Path
from tracekit.store.lock import locked
with locked(Path(sys.argv[1])) as held:
    if sys.argv[2] == "shared":
        held.share()
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(path: Path, mode: str) -> subprocess.Popen[bytes]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, path, mode], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    return holder


def test_a_second_writer_is_told_who_holds_the_store(tmp_path: Path) -> None:
    with hold(tmp_path / "lock", "exclusive") as holder:
        told = pytest.raises(StoreLocked, match=rf"process {holder.pid} \(-c")
        with told, locked(tmp_path / "lock", timeout_s=0.05):
            pass
        holder.communicate()
    with locked(tmp_path / "lock", timeout_s=0):
        pass


def test_readers_share_and_keep_writers_out(tmp_path: Path) -> None:
    with hold(tmp_path / "lock", "shared") as holder:
        with locked(tmp_path / "lock", shared=True, timeout_s=0):
            pass
        with pytest.raises(StoreLocked), locked(tmp_path / "lock", timeout_s=0.05):
            pass
        holder.communicate()


def test_a_killed_holder_frees_the_store(tmp_path: Path) -> None:
    with hold(tmp_path / "lock", "exclusive") as holder:
        holder.kill()
        with locked(tmp_path / "lock", timeout_s=5):
            pass
        holder.communicate()


FORK = """
import os, sys
from pathlib import Path
from tracekit.errors import StoreLocked
from tracekit.store.lock import locked
with locked(Path(sys.argv[1])):
    child = os.fork()
    if child == 0:
        sys.exit()  # leaves the block, as the child of a web server would
    os.waitpid(child, 0)
    try:
        with locked(Path(sys.argv[1]), timeout_s=0):
            print("free")
    except StoreLocked as error:
        print(error)
"""


def test_a_forked_child_does_not_free_the_lock_of_its_parent(tmp_path: Path) -> None:
    answer = subprocess.check_output([sys.executable, "-c", FORK, tmp_path / "lock"], text=True)
    assert "this process" in answer


def test_locks_that_are_granted_twice_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock.fcntl, "flock", lambda descriptor, mode: None)
    refused = pytest.raises(StoreError, match="without working file locks")
    with refused, locked(tmp_path / "lock"):
        pass


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="can't be locked"), locked(tmp_path / "no" / "lock"):
        pass
