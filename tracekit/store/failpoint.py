"""Places where a test can kill the process, to prove that nothing is lost there."""

import os
import signal

_armed = os.environ.get("TRACEKIT_FAILPOINT", "")
_name, _, _count = _armed.partition(":")
_left = [int(_count) if _count.isdigit() else 1]


def reach(name: str) -> None:
    """Kill this process if `TRACEKIT_FAILPOINT` is `name`, or `name:n` at the n-th time here."""
    if not _name or name != _name:
        return
    _left[0] -= 1
    if _left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
