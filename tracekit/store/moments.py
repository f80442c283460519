"""The time of a record that changes something: what was said last holds, so it must be the latest."""

import time

_last_ns = 0


def moment_ns() -> int:
    """Nanoseconds since the Unix epoch; within a process later than all before.

    A clock may be set back while a run is open; its end must still come after its start.
    """
    global _last_ns
    _last_ns = max(time.time_ns(), _last_ns + 1)
    return _last_ns
