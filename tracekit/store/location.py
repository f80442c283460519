"""The folder of a store on disk, and what kind of disk that is."""

import logging
import re
from pathlib import Path

from tracekit.config import STORE_MEND
from tracekit.errors import StoreError

logger = logging.getLogger(__name__)

_MOUNTS = Path("/proc/mounts")
_NETWORK = frozenset(
    {"9p", "afs", "beegfs", "ceph", "cifs", "drvfs", "gfs2", "glusterfs", "gpfs", "lustre"}
    | {"ncpfs", "nfs", "nfs4", "ocfs2", "prl_fs", "smb3", "smbfs", "vboxsf", "virtiofs"}
)
"""Types of file systems that several machines may write to, or that answer for another one."""


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
                f"the store {folder} can't be made: {blocker} is a file; {STORE_MEND}"
            ) from error
        raise StoreError(
            f"the store {folder} can't be made: {error.strerror}; "
            "choose another folder with TRACEKIT_TRACKING_URI or set_tracking_uri"
        ) from error


def check_folder(folder: Path) -> None:
    """See that no file lies where the folder of a store would be.

    Raises:
        StoreError: One does.
    """
    if folder.exists() and not folder.is_dir():
        raise StoreError(f"the store {folder} can't be used: it is a file; {STORE_MEND}")


def network_type(folder: Path) -> str | None:
    """The type of the file system, such as `nfs4`, if it is one of a network; None for a disk.

    FUSE counts as one, since what stands behind it can't be known; `fuseblk` is a disk.
    """
    kind = _mount_type(folder.resolve())
    return kind if kind in _NETWORK or kind.startswith("fuse.") or kind == "fuse" else None


def warn_of_network(folder: Path) -> None:
    """Log once for each folder that locks may not be what they seem there."""
    if folder in _seen:
        return
    _seen.add(folder)
    kind = network_type(folder)
    if kind is not None:
        logger.warning("%s", network_warning(folder, kind))


_seen: set[Path] = set()


def network_warning(folder: Path, kind: str) -> str:
    """Why a store should not lie there."""
    return (
        f"the store {folder} is on a network file system ({kind}), whose locks may not reach other "
        "machines: have one machine read it, or put it on a local disk"
    )


def _mount_type(folder: Path) -> str:
    """Of the innermost mount around the folder; the last one of those at the same place."""
    try:
        lines = _MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    found = (0, "")
    for _, point, kind, *_ in (line.split(" ") for line in lines if line.count(" ") >= 3):
        place = Path(_unescaped(point))
        if folder.is_relative_to(place) and len(place.parts) >= found[0]:
            found = (len(place.parts), kind)
    return found[1]


def _unescaped(text: str) -> str:
    """`/proc/mounts` writes spaces and the like as three octal digits."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
