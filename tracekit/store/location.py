"""Where a store is: from a tracking URI to a folder."""

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tracekit.errors import ConfigError, StoreError

_MEND = "give the path of a folder, such as './.tracekit', or a 'file:' URL"


def store_folder(uri: str | os.PathLike[str]) -> Path:
    """The absolute path of the folder that a tracking URI names. Nothing is created.

    Args:
        uri: A path (`~` is the home folder), or a `file:` URL.

    Raises:
        ConfigError: Another kind of address, or none at all.

    >>> store_folder("file:///var/lib/tracekit").as_posix()
    '/var/lib/tracekit'
    """
    text = os.fspath(uri)
    if not text.strip() or "\0" in text:
        raise ConfigError(f"the tracking URI {text!r} names no folder; {_MEND}")
    if isinstance(uri, str):
        text = _path_of_url(text)
    try:
        return Path(os.path.abspath(Path(text).expanduser()))
    except RuntimeError as error:
        raise ConfigError(f"the tracking URI {uri!r} can't be expanded: {error}") from error


def create_folder(folder: Path) -> None:
    """Make the folder of a store, and its parents.

    Raises:
        StoreError: There is a file in its place, or it can't be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        blocker = next(
            (p for p in (folder, *folder.parents) if p.exists() and not p.is_dir()), None
        )
        if blocker is not None:
            raise StoreError(
                f"the store {folder} can't be made: {blocker} is a file; {_MEND}"
            ) from error
        raise StoreError(
            f"the store {folder} can't be made: {error.strerror}; "
            "choose another folder with TRACEKIT_TRACKING_URI or set_tracking_uri"
        ) from error


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
            f"{scheme.lower()!r} is not supported; {_MEND}"
        )
    return text


def _without_secrets(text: str) -> str:
    """An address may carry a password, which no message may repeat."""
    head, at, tail = text.rpartition("@")
    return f"{head.partition('://')[0]}://...@{tail}" if at else text
