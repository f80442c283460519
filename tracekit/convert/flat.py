"""Attributes that spell a list in their names: `llm.input_messages.0.message.role`.

Names come from whoever sent the span, so an index is only a key to sort by, is capped, and never
the size of anything.
"""

from collections.abc import Mapping
from typing import Any, cast

MAX_INDEX = 1000
MAX_DEPTH = 16
_DIGITS = len(str(MAX_INDEX))

Tree = dict[str, Any]


def tree_of(attributes: Mapping[str, Any], prefix: str) -> list[Any]:
    """The list below a prefix, in order of its indexes.

    >>> tree_of({"p.1.a": "y", "p.0.a": "x", "p.30000000.a": "z"}, "p")
    [{'a': 'x'}, {'a': 'y'}]
    """
    root: Tree = {}
    start = f"{prefix}."
    for key, value in attributes.items():
        if key.startswith(start):
            _put(root, key[len(start) :].split(".", MAX_DEPTH), value)
    found = _lists(root)
    return cast("list[Any]", found) if isinstance(found, list) else []


def _put(tree: Tree, path: list[str], value: Any) -> None:
    for name in path[:-1]:
        below = tree.setdefault(name, {})
        if not isinstance(below, dict):
            return  # a name that is both a value and a parent: the first one stays
        tree = cast("Tree", below)
    tree.setdefault(path[-1], value)


def _lists(tree: Any) -> Any:
    """Dicts whose keys are all indexes become lists."""
    if not isinstance(tree, dict):
        return tree
    below = {name: _lists(value) for name, value in cast("Tree", tree).items()}
    if not below or not all(_is_number(name) for name in below):
        return below
    indexes = sorted(int(name) for name in below if len(name) <= _DIGITS)
    return [below[str(index)] for index in indexes if index <= MAX_INDEX and str(index) in below]


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdigit()
