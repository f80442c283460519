"""Replacing functions of other libraries, and putting the very same ones back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast


@dataclass(frozen=True, slots=True)
class _Patch:
    owner: Any
    name: str
    original: Any
    replacement: Any

    @property
    def is_outermost(self) -> bool:
        return _present(self.owner, self.name) is self.replacement


def _present(owner: Any, name: str) -> Any:
    """What a class or module has under that name itself; None if nothing."""
    return cast("Mapping[str, Any]", vars(owner)).get(name)


class Patches:
    """The replacements of one integration. They do nothing while `on` is False."""

    def __init__(self) -> None:
        self.on = False
        self._patches: list[_Patch] = []

    def replace(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        """Put `make(original)` in place of `owner.name`; nothing if that was done already."""
        original = _present(owner, name)
        if original is None or any(p.owner is owner and p.name == name for p in self._patches):
            return
        replacement = make(original)
        setattr(owner, name, replacement)
        self._patches.append(_Patch(owner, name, original, replacement))

    def restore(self) -> None:
        """Put the originals back.

        Where somebody has wrapped our function since, theirs stays, with ours inside: switched
        off, and used again by the next `replace`.
        """
        self.on = False
        for patch in self._patches:
            if patch.is_outermost:
                setattr(patch.owner, patch.name, patch.original)
        self._patches = [p for p in self._patches if _present(p.owner, p.name) is not p.original]
