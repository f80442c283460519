"""What happens when tracekit itself fails inside a call of the traced program.

Nothing, as far as the program can tell: the failure is counted, and each kind of it is logged
once. In strict mode (tests, `TRACEKIT_STRICT=1`) it is raised instead, so that a test sees it.
"""

import logging
import os
import sys

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
    logger.error("tracekit failed in %s; the program is not affected", what, exc_info=error)


def warn(message: str) -> None:
    """Log once that a callback of the user's (a mask, a hook) misbehaved; never raises."""
    if message not in _warned and len(_warned) < 100:
        _warned.add(message)
        logger.warning("%s", message, exc_info=sys.exc_info()[1] is not None)


_warned: set[str] = set()
