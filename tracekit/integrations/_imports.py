"""Running something when a library has been imported: at once, or whenever that happens.

Nothing is ever imported here, so an application pays only for what it uses.
"""

import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from tracekit import guard


def is_installed(library: str) -> bool:
    """Whether `import library` can work."""
    try:
        return library in sys.modules or importlib.util.find_spec(library) is not None
    except (ImportError, ValueError):
        return False


def when_imported(library: str, install: Callable[[], None]) -> None:
    """Call `install` once `library` is imported: now, if it is."""
    if library in sys.modules:
        install()
        return
    _finder.waiting[library] = install
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def forget(library: str) -> None:
    """Take back `when_imported`."""
    _finder.waiting.pop(library, None)
    if not _finder.waiting and _finder in sys.meta_path:
        sys.meta_path.remove(_finder)


class _Finder(MetaPathFinder):
    """Finds nothing itself: has the others find the library, and is told when it has run."""

    def __init__(self) -> None:
        self.waiting: dict[str, Callable[[], None]] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self.waiting:
            return None
        for finder in list(sys.meta_path):
            find: Any = None if finder is self else getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = find and find(fullname, path, target)
            if spec is not None:
                _watch(spec)
                return spec
        return None


def _watch(spec: ModuleSpec) -> None:
    """Have the loader call back after this module; the loader keeps its type and is not wrapped."""
    loader: Any = spec.loader
    execute = getattr(loader, "exec_module", None)
    if execute is None:
        return

    def exec_module(module: ModuleType) -> None:
        execute(module)
        if module.__name__ == spec.name:
            del loader.exec_module  # ours, of this object; the class keeps its own
            _imported(spec.name)

    try:
        loader.exec_module = exec_module
    except AttributeError:  # a loader in C or with slots: this library stays untraced
        guard.warn(f"{spec.name} is loaded in a way that can't be watched; import it first")


def _imported(library: str) -> None:
    install = _finder.waiting.get(library)
    forget(library)
    if install is None:
        return
    try:
        install()
    except Exception:
        guard.failed(f"patching {library}")


_finder = _Finder()
