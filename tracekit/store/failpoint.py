"""Places where a test can kill the process, to prove that nothing is lost there.

Each lies between two effects that outlive the process, such as a commit and a removed file.
"""

import os
import signal

_armed: list[str] = []
"""The name of a place, as often as it is to be reached before the process is killed."""


def arm(place: str) -> None:
    """Have this process killed at the place of that name; `name:n` at the n-th time there."""
    name, _, times = place.partition(":")
    _armed[:] = [name] * (int(times) if times.isdigit() else 1)


def reach(name: str) -> None:
    """Kill this process if that place is armed."""
    if name in _armed:
        _armed.pop()
        if not _armed:
            os.kill(os.getpid(), signal.SIGKILL)


arm(os.environ.get("TRACEKIT_FAILPOINT", ""))
