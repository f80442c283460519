"""Files of runs: kept once by their content, under names that are nothing but metadata.

`<root>/sha256/ab/abcdef…`, where the root is a folder or any URL that fsspec knows
(`s3://bucket/prefix`). What a user calls a file is never part of a path that is opened here.
"""

import hashlib
import importlib
import os
import re
import secrets
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from tracekit.errors import ArtifactError
from tracekit.model import Artifact
from tracekit.store.blobs import blob_path, touch

_CHUNK = 1024 * 1024
_MAX_NAME = 1000
_BAD_NAME = re.compile(r"[\\\x00-\x1f\x7f]|^[/~]|^[A-Za-z]:|%(?:2e|2f|5c|25|0)", re.IGNORECASE)


def check_name(name: str) -> str:
    """The name of an artifact as it is stored: relative, with forward slashes.

    >>> check_name("plots//loss.png")
    'plots/loss.png'

    Raises:
        ArtifactError: It could be taken for a place outside the run.
    """
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if not parts or ".." in parts or _BAD_NAME.search(name) or not _is_storable(name):
        raise ArtifactError(
            f"{name!r} can't name an artifact: give a relative path with forward slashes, "
            "such as 'plots/loss.png'"
        )
    return "/".join(parts)


def files_below(folder: Path) -> Iterator[tuple[str, Path]]:
    """The files of a folder in order: name relative to it, and path. Links to folders are left."""
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(parent, name)
            if path.is_file():
                yield path.relative_to(folder).as_posix(), path


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """Content that is stored."""

    sha256: str
    size: int
    """Bytes."""


@dataclass(frozen=True, slots=True)
class Artifacts:
    """The content below one root: a folder, or a URL such as `s3://bucket/prefix`."""

    root: str

    def put_file(self, source: Path) -> Blob:
        """Store what the file holds now.

        Raises:
            ArtifactError: It can't be read or stored.
            MissingExtraError: The package for this kind of URL is not installed.
        """
        try:
            with source.open("rb") as file:
                return self._put(iter(lambda: file.read(_CHUNK), b""))
        except OSError as error:
            raise _unusable(str(source), error) from error

    def put_bytes(self, data: bytes) -> Blob:
        """Store `data`.

        Raises:
            ArtifactError: It can't be stored.
        """
        try:
            return self._put([data])
        except OSError as error:
            raise _unusable(f"{len(data)} bytes", error) from error

    def read(self, sha256: str) -> bytes:
        """The content with that hash.

        Raises:
            ArtifactError: It is not there, or it is damaged.
        """
        with self._open(sha256) as file:
            data = file.read()
        _check(sha256, hashlib.sha256(data).hexdigest())
        return data

    def download(self, sha256: str, name: str, folder: Path) -> Path:
        """Write the content below `folder` under a name, which is checked once more.

        Raises:
            ArtifactError: The name leads elsewhere, or the content is gone or damaged.
        """
        target = folder / check_name(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.parent.resolve().is_relative_to(folder.resolve()):
            raise ArtifactError(f"{target} is not written: a link leads out of {folder}")
        with (
            self._open(sha256) as source,
            _temporary_copy(iter(lambda: source.read(_CHUNK), b""), target.parent) as (copy, blob),
        ):
            _check(sha256, blob.sha256)
            os.replace(copy, target)
        return target

    def _put(self, chunks: Iterator[bytes] | Sequence[bytes]) -> Blob:
        if "://" in self.root:
            return self._upload(chunks)
        folder = Path(self.root)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _temporary_copy(chunks, folder) as (copy, blob):
            target = blob_path(folder, blob.sha256)
            if not touch(target):
                target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                os.replace(copy, target)
        return blob

    def _upload(self, chunks: Iterator[bytes] | Sequence[bytes]) -> Blob:
        files, root = _remote(self.root)
        with (
            tempfile.TemporaryDirectory(prefix="tracekit-") as folder,
            _temporary_copy(chunks, Path(folder)) as (copy, blob),
        ):
            target = str(blob_path(Path(root), blob.sha256))
            if not files.exists(target):
                files.makedirs(os.path.dirname(target), exist_ok=True)
                files.put_file(str(copy), target)
        return blob

    def _open(self, sha256: str) -> BinaryIO:
        try:
            if "://" not in self.root:
                return blob_path(Path(self.root), sha256).open("rb")
            files, root = _remote(self.root)
            return cast("BinaryIO", files.open(str(blob_path(Path(root), sha256)), "rb"))
        except OSError as error:
            raise _unusable(f"the content {sha256[:12]}…", error) from error


def below(artifacts: Sequence[Artifact], path: str | None) -> list[Artifact]:
    """The file at `path`, or the files in the folder of that name; all without a path."""
    if not path:
        return list(artifacts)
    name = check_name(path)
    return [each for each in artifacts if each.path == name or each.path.startswith(f"{name}/")]


def one_level(artifacts: Sequence[Artifact], path: str | None) -> list[Artifact]:
    """The files and folders directly in the folder `path`, by name."""
    prefix = f"{check_name(path)}/" if path else ""
    found: dict[str, Artifact] = {}
    for artifact in artifacts:
        if artifact.path.startswith(prefix):
            head, slash, _ = artifact.path.removeprefix(prefix).partition("/")
            folder = Artifact(path=prefix + head, is_dir=True, file_size=None)
            found[head] = folder if slash else artifact
    return [found[name] for name in sorted(found)]


@contextmanager
def _temporary_copy(
    chunks: Iterator[bytes] | Sequence[bytes], folder: Path
) -> Generator[tuple[Path, Blob]]:
    """A copy beside its later place, hashed as it is written: the source may change meanwhile."""
    copy = folder / f".{secrets.token_hex(8)}.part"
    digest, size = hashlib.sha256(), 0
    try:
        with open(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                file.write(chunk)
        yield copy, Blob(sha256=digest.hexdigest(), size=size)
    finally:
        copy.unlink(missing_ok=True)


def _remote(root: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it."""
    fsspec: Any = importlib.import_module("fsspec")  # 100 ms, which local stores need not spend
    try:
        files, path = fsspec.url_to_fs(root)
    except ImportError as error:
        protocol = root.partition("://")[0]
        raise ArtifactError(
            f"artifacts at {protocol}:// need another package: pip install 'fsspec[{protocol}]'"
        ) from error
    except ValueError as error:
        raise ArtifactError(f"artifacts can't be kept at {root!r}: {error}") from error
    return files, str(path)


def _check(expected: str, found: str) -> None:
    if expected != found:
        raise ArtifactError(
            f"the content {expected[:12]}… is damaged: its SHA-256 is now {found[:12]}…"
        )


def _unusable(what: str, error: OSError) -> ArtifactError:
    if isinstance(error, ArtifactError):
        return error
    return ArtifactError(f"{what} can't be used as an artifact: {error.strerror or error}")


def _is_storable(name: str) -> bool:
    try:
        return len(name.encode()) <= _MAX_NAME
    except UnicodeEncodeError:
        return False
