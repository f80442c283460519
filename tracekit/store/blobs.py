"""Bytes kept once, under the name of their SHA-256: `<root>/sha256/ab/abcdef…`.

Used inside the traced program (media cut out of messages), so plain file calls only.
"""

import hashlib
import os
import secrets
from pathlib import Path


def blob_path(root: Path, sha256: str) -> Path:
    """Where the bytes with that hash lie below `root`."""
    return root / "sha256" / sha256[:2] / sha256


def touch(path: Path) -> bool:
    """Whether a content is there already; if so, it counts as written now: see `prune`."""
    try:
        os.utime(path)
    except OSError:
        return path.exists()
    return True


def write_blob(root: Path, data: bytes) -> str:
    """The SHA-256 of `data`, which is stored below `root` when this returns.

    Raises:
        OSError: The bytes can't be written.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    path = blob_path(root, sha256)
    if touch(path):
        return sha256
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{sha256}.{secrets.token_hex(4)}")
    try:
        temporary.write_bytes(data)
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return sha256
