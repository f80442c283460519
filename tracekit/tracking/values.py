"""What may be logged: keys, numbers and texts as they are stored."""

import hashlib
import math
from typing import Any

from tracekit.config import DEFAULT_EXPERIMENT
from tracekit.errors import ConfigError

MAX_KEY_LENGTH = 250
"""Characters, as in MLflow."""

_known_keys: set[str] = set()


def checked_key(key: str, what: str) -> str:
    """The key of a param, metric or tag, if it can be one.

    Raises:
        ConfigError: It is empty, too long, or no printable text.
    """
    if key in _known_keys:
        return key
    if not isinstance(key, str) or not key.strip() or len(key) > MAX_KEY_LENGTH:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigError(
            f"the {what} key {key!r} can't be used: give a text of 1 to {MAX_KEY_LENGTH} characters"
        )
    if not key.isprintable():
        raise ConfigError(
            f"the {what} key {key!r} can't be used: it has characters that can't be shown"
        )
    if len(_known_keys) < 10_000:
        _known_keys.add(key)
    return key


def stored_number(key: str, value: Any) -> float | str:
    """A metric's value as the spool has it: JSON knows no NaN, so that is a text.

    >>> stored_number("loss", True), stored_number("loss", float("-inf"))
    (1.0, '-Infinity')

    Raises:
        ConfigError: It is no number.
    """
    number: float = value if type(value) is float else _as_float(key, value)
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def stored_step(step: Any) -> int:
    """A step as a whole number that the store can hold.

    Raises:
        ConfigError: It is none.
    """
    return _whole_number("step", step, -(2**63), 2**63 - 1)


def stored_time_ns(timestamp: Any) -> int:
    """Nanoseconds of a time in milliseconds, both since the Unix epoch.

    Raises:
        ConfigError: It is no number, or no time that the store can hold (1970 to 2262).
    """
    return _whole_number("timestamp", timestamp, 0, (2**63 - 1) // 1_000_000) * 1_000_000


def _whole_number(what: str, value: Any, least: int, most: int) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        number = None
    if number is None or not least <= number <= most:
        raise ConfigError(
            f"`{what}` must be a whole number from {least} to {most}, got {str(value)[:100]!r}"
        )
    return number


def stored_text(value: Any) -> str:
    """A param or tag as text that can be stored."""
    return str(value).encode("utf-8", "replace").decode()


def experiment_id(name: str) -> str:
    """The id of the experiment of that name, the same in every process.

    It follows from the name, so that two processes which begin an experiment at once, or two
    stores that are joined, have one experiment and not two.

    >>> experiment_id("Default")
    '0'
    >>> len(experiment_id("tuning"))
    18
    """
    if name == DEFAULT_EXPERIMENT:
        return "0"
    digest = int.from_bytes(hashlib.sha256(name.encode("utf-8", "replace")).digest())
    return str(10**17 + digest % (9 * 10**17))


def _as_float(key: str, value: Any) -> float:
    """Also of NumPy's, PyTorch's and TensorFlow's scalars: they all answer to float()."""
    try:
        if not isinstance(value, str | bytes):
            return float(value)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        pass
    raise ConfigError(f"metric {key!r} must be a number, got {str(value)[:100]!r}")
