"""The folder of a store on disk."""

from pathlib import Path

from tracekit.config import STORE_MEND
from tracekit.errors import StoreError


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
