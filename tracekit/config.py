"""Settings: where they come from and what they are now; what a user may set is read here.

Argument over environment over default. An error names where the bad value came from.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tracekit.errors import ConfigError

DEFAULT_STORE = ".tracekit"
DEFAULT_EXPERIMENT = "Default"
MAX_TEXT_LENGTH = 1_000_000

STORE_MEND = "give the path of a folder, such as './.tracekit', or a 'file:' URL"

Mask = Callable[[str, str], str]
"""Given the attribute's name and its text, the text to store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How spans are captured in this process."""

    enabled: bool = True
    capture_content: bool = True
    """Off: messages, arguments and results are not recorded, only facts about them."""
    sampling_ratio: float | None = None
    """Share of traces recorded, in [0, 1]. None: all."""
    mask: Mask | None = None
    max_text_length: int = MAX_TEXT_LENGTH
    """Characters of one text; what is longer is cut and its length kept."""


@dataclass(slots=True)
class _State:
    settings: Settings | None = None
    tracking_uri: str | None = None
    experiment: str | None = None
    resolved: tuple[str, str] | None = None
    """The last text that named the store, and the absolute path it meant when first seen."""


_state = _State()
_listeners: list[Callable[[], None]] = []


def settings() -> Settings:
    """The settings in force."""
    if _state.settings is None:
        _state.settings = _from_environment()
    return _state.settings


def configure(
    *,
    enabled: bool | None = None,
    capture_content: bool | None = None,
    sampling_ratio: float | None = None,
    mask: Mask | None = None,
    max_text_length: int | None = None,
) -> None:
    """Change how spans are captured from now on. What is not given stays as it is.

    Args:
        enabled: False records nothing; patched libraries run as if they were not.
            Environment: `TRACEKIT_DISABLED=1`.
        capture_content: False leaves out messages, arguments and results.
            Environment: `TRACEKIT_CAPTURE_CONTENT=0`, or OpenTelemetry's
            `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=NO_CONTENT`.
        sampling_ratio: Share of traces recorded, in [0, 1]; whole traces, by their id.
            Environment: OpenTelemetry's `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG`.
        mask: Called with an attribute's name and its text (JSON for messages) before it is
            stored; gives the text to store. If it raises, the content is withheld and the span
            carries `tracekit.masking_error`.
        max_text_length: Characters of one text that are kept.
            Environment: OpenTelemetry's `OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT`.

    Raises:
        ConfigError: A value is out of its range.

    Example:
        >>> import tracekit
        >>> tracekit.configure(mask=lambda name, text: text.replace("Alice", "A."))
        >>> tracekit.configure(mask=lambda name, text: text)
    """
    if sampling_ratio is not None and not 0.0 <= sampling_ratio <= 1.0:
        raise ConfigError(f"`sampling_ratio` must be from 0 to 1, got {sampling_ratio!r}")
    if mask is not None and not callable(mask):
        raise ConfigError(f"`mask` must be a function of a name and a text, got {mask!r}")
    if max_text_length is not None and max_text_length < 1:
        raise ConfigError(f"`max_text_length` must be at least 1, got {max_text_length!r}")
    given: dict[str, Any] = {
        "enabled": enabled,
        "capture_content": capture_content,
        "sampling_ratio": sampling_ratio,
        "mask": mask,
        "max_text_length": max_text_length,
    }
    _state.settings = replace(settings(), **{k: v for k, v in given.items() if v is not None})
    for listener in _listeners:
        listener()


def on_change(listener: Callable[[], None]) -> None:
    """Have `listener` called after `configure` and `reset`."""
    _listeners.append(listener)


def reset() -> None:
    """Forget every argument: the environment and the defaults hold again."""
    _state.settings = _state.tracking_uri = _state.experiment = _state.resolved = None
    for listener in _listeners:
        listener()


def set_tracking_uri(uri: str | Path | None) -> None:
    """Choose the store: a folder, as a path or `file:` URL. None: as the environment says.

    The folder is made when the first record is written.

    Raises:
        ConfigError: An address of another kind.
    """
    _state.tracking_uri = None if uri is None else str(store_folder(uri))


def get_tracking_uri() -> str:
    """The store in use: set_tracking_uri, else `TRACEKIT_TRACKING_URI`, else `./.tracekit`.

    A relative path means the working directory in which it was first seen, so that a later
    change of directory does not split the store.
    """
    if _state.tracking_uri is not None:
        return _state.tracking_uri
    text = os.environ.get("TRACEKIT_TRACKING_URI") or DEFAULT_STORE
    if _state.resolved is None or _state.resolved[0] != text:
        _state.resolved = (text, str(store_folder(text)))
    return _state.resolved[1]


def set_experiment_name(name: str | None) -> None:
    """Choose the experiment for runs and traces from now on."""
    _state.experiment = name


def get_experiment_name() -> str:
    """The experiment in use: set_experiment, else `TRACEKIT_EXPERIMENT`, else `Default`."""
    return _state.experiment or os.environ.get("TRACEKIT_EXPERIMENT") or DEFAULT_EXPERIMENT


def prices_path() -> Path | None:
    """A price table of the user's own, from `TRACEKIT_PRICES`."""
    text = os.environ.get("TRACEKIT_PRICES")
    return Path(text).expanduser() if text else None


def artifacts_uri() -> str | None:
    """Where artifacts of runs go if not into the store's folder, from `TRACEKIT_ARTIFACTS`.

    A folder, or a URL such as `s3://bucket/prefix`.
    """
    text = os.environ.get("TRACEKIT_ARTIFACTS")
    if not text or "://" in text:
        return text or None
    return str(Path(text).expanduser().absolute())


def store_folder(uri: str | os.PathLike[str]) -> Path:
    """The absolute path of the folder that a tracking URI names. Nothing is created.

    Args:
        uri: A path (`~` is the home folder), or a `file:` URL.

    Raises:
        ConfigError: Another kind of address, or none at all.

    >>> store_folder("file:///var/lib/tracekit").as_posix()
    '/var/lib/tracekit'
    """
    try:
        text = os.fspath(uri)
    except TypeError:
        raise ConfigError(f"the tracking URI {uri!r} is no text; {STORE_MEND}") from None
    if not text.strip() or "\0" in text:
        raise ConfigError(f"the tracking URI {text!r} names no folder; {STORE_MEND}")
    if isinstance(uri, str):
        text = _path_of_url(text)
    try:
        return Path(os.path.abspath(Path(text).expanduser()))
    except RuntimeError as error:
        raise ConfigError(f"the tracking URI {uri!r} can't be expanded: {error}") from error


def _path_of_url(text: str) -> str:
    scheme, colon, rest = text.partition(":")
    if not colon or not scheme.isalnum() or len(scheme) == 1:
        return text
    if scheme.lower() == "file":
        url = urlsplit(text)
        if url.netloc not in {"", "localhost"}:
            raise ConfigError(
                f"the tracking URI {text!r} names the host {url.netloc!r}; "
                "a 'file:' URL has three slashes, as in 'file:///data/traces'"
            )
        return unquote(url.path)
    if rest.startswith("//") or scheme.lower() in {"sqlite", "databricks", "duckdb"}:
        raise ConfigError(
            f"the tracking URI {_without_secrets(text)!r} can't be used: "
            f"{scheme.lower()!r} is not supported; {STORE_MEND}"
        )
    return text


def _without_secrets(text: str) -> str:
    """An address may carry a password, which no message may repeat."""
    head, at, tail = text.rpartition("@")
    return f"{head.partition('://')[0]}://...@{tail}" if at else text


_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})


def _flag(name: str, default: bool) -> bool:
    text = os.environ.get(name)
    if text is None:
        return default
    if text.strip().lower() in _TRUE:
        return True
    if text.strip().lower() in _FALSE:
        return False
    raise ConfigError(f"{name}={text!r} in the environment is neither true nor false: use 1 or 0")


def _from_environment() -> Settings:
    content_mode = os.environ.get("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "")
    return Settings(
        enabled=not (
            _flag("TRACEKIT_DISABLED", default=False)
            or os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
        ),
        capture_content=_flag(
            "TRACEKIT_CAPTURE_CONTENT",
            default=content_mode.strip().upper() not in {"NO_CONTENT", "EVENT_ONLY", "FALSE"},
        ),
        sampling_ratio=_sampling_ratio(),
        max_text_length=_length_limit() or MAX_TEXT_LENGTH,
    )


# OpenTelemetry's own variables: what they can't mean is passed over, as its specification says


def _sampling_ratio() -> float | None:
    sampler = os.environ.get("OTEL_TRACES_SAMPLER", "").strip().lower().removeprefix("parentbased_")
    if sampler == "always_off":
        return 0.0
    try:
        ratio = float(os.environ.get("OTEL_TRACES_SAMPLER_ARG", ""))
    except ValueError:
        return None
    return ratio if sampler == "traceidratio" and 0.0 <= ratio <= 1.0 else None


def _length_limit() -> int | None:
    for name in ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"):
        text = os.environ.get(name, "").strip()
        if text.isdecimal() and int(text):
            return int(text)
    return None


def resource() -> dict[str, str]:
    """What OpenTelemetry's environment variables say of this service; no command line, no host."""
    given = os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "").split(",")
    pairs = [pair.partition("=") for pair in given if "=" in pair]
    known = {key.strip(): unquote(value.strip()) for key, _, value in pairs}
    name = os.environ.get("OTEL_SERVICE_NAME") or known.get("service.name") or "unknown_service"
    return {**known, "service.name": name}
