"""What happens when tracekit itself fails inside a call of the traced program.

Nothing, as far as the program can tell: the failure is counted, and each kind of it is logged
once. In strict mode (tests, `TRACEKIT_STRICT=1`) it is raised instead, so that a test sees it.
"""

import logging
import os
import sys
from contextlib import suppress

from tracekit.errors import TracekitError

logger = logging.getLogger(__name__)

strict = os.environ.get("TRACEKIT_STRICT", "") not in {"", "0"}
"""Raise failures of our own instead of swallowing them."""

failures: int = 0
"""Failures of our own since the process began."""

_logged: set[tuple[str, str]] = set()


def failed(what: str) -> None:
    """To be called in `except Exception:` around our own work: count it, log each kind once."""
    global failures
    failures += 1
    error = sys.exc_info()[1]
    if strict and error is not None:
        raise error
    kind = (what, type(error).__qualname__)
    if kind in _logged or len(_logged) > 100:
        return
    _logged.add(kind)
    log(logger, logging.ERROR, f"tracekit failed in {what}; the program is not affected", error)


class harmless:
    """A `with` block of our own work for a caller who wants nothing of it but that it be done.

    A `TracekitError` passes, since it tells of a mistake of the caller's own.
    """

    __slots__ = ("_what",)

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _stack: object) -> bool:
        if not isinstance(error, Exception) or isinstance(error, TracekitError):
            return False
        failed(self._what)
        return True


def warn(message: str) -> None:
    """Log once that a callback of the user's (a mask, a hook) misbehaved; never raises."""
    if message not in _warned and len(_warned) < 100:
        _warned.add(message)
        log(logger, logging.WARNING, message, sys.exc_info()[1])


_warned: set[str] = set()


def log(
    logger: logging.Logger, level: int, message: str, error: BaseException | None = None
) -> None:
    """Log, whatever the program's log handlers do; to be called while no lock of ours is held."""
    with suppress(Exception):
        logger.log(level, "%s", message, exc_info=error)
