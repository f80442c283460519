"""What people and models wrote, made fit for the page: parsed, exact, without base64."""

import json
import re
import string
from collections.abc import Callable
from functools import cache
from typing import Any, cast

import orjson

# The look-behind keeps the search linear, whatever the text.
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{2000,}={0,2}")
_BASE64_CHARACTERS = (string.ascii_letters + string.digits + "+/_-").encode()
_MARKS = re.compile(r"\*\*|`|^#+ ", re.MULTILINE)
_EXACT = 2**53
_DEEPEST = 200
"""orjson writes at most 254 levels, and nobody reads more."""


def parsed(text: str | None) -> Any:
    """The value of a JSON text as the page may hold it; the text itself where it is no JSON.

    Base64 is replaced by a few words, since a browser would draw megabytes of it as text. An
    integer that JavaScript can't hold becomes `{"$number": "…"}`.

    >>> parsed('{"id": 12345678901234567890}')
    {'id': {'$number': '12345678901234567890'}}
    >>> parsed("not JSON")
    'not JSON'
    """
    if text is None:
        return None
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return without_base64(text)
    if _is_deep(text, value):
        return without_base64(text)
    if _has_run(text, b"0123456789", 16):
        value = json.loads(text, parse_int=_exact)
    if _has_base64(text):
        value = _with_texts(value, without_base64)
    return value


def plain(value: Any) -> Any:
    """A stored value, such as the attributes of a span, as the page may hold it."""
    try:
        text = orjson.dumps(value, default=str).decode()
    except TypeError:  # an integer of more than 64 bits
        text = json.dumps(value, default=str)
    return parsed(text)


def without_base64(text: str) -> str:
    """`text` with long runs of base64 named instead of shown.

    >>> without_base64("see " + "QUJD" * 1000)
    'see QUJDQUJDQUJDQUJD… [4,000 characters of base64 left out]'
    """
    if not _has_base64(text):
        return text
    return _BASE64.sub(
        lambda run: f"{run[0][:16]}… [{len(run[0]):,} characters of base64 left out]", text
    )


def _has_base64(text: str) -> bool:
    return _has_run(text, _BASE64_CHARACTERS, 2000)


def _has_run(text: str, characters: bytes, length: int) -> bool:
    """Whether so many of these follow each other; 30 times as fast as a regular expression."""
    if len(text) < length:
        return False
    table = _table(characters)
    return b"\1" * length in text.encode("utf-8", "replace").translate(table)


@cache
def _table(characters: bytes) -> bytes:
    return bytes(code in characters for code in range(256))


def preview(text: str | None, most: int = 120) -> str:
    """The gist of an input or output in one line: what was asked, not how it was wrapped.

    >>> preview('[{"role": "user", "parts": [{"type": "text", "content": "Where is it?"}]}]')
    'Where is it?'
    >>> preview('{"question": "Where is it?"}')
    'Where is it?'
    """
    if text is None:
        return ""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = text
    line = " ".join(_MARKS.sub("", _gist(value)[: most * 4]).split())
    return line if len(line) <= most else line[: most - 1] + "…"


_ASKED = ("messages", "input", "inputs", "question", "query", "prompt", "text", "content", "parts")


def _gist(value: Any, depth: int = 0) -> str:
    if isinstance(value, str):
        return value
    if depth < 6:
        if isinstance(value, list):
            return _gist_of_list(cast("list[Any]", value), depth)
        if isinstance(value, dict):
            wrapped = cast("dict[str, Any]", value)
            asked = next((wrapped[key] for key in _ASKED if wrapped.get(key)), None)
            if asked is None and len(wrapped) == 1:
                asked = next(iter(wrapped.values()))
            if asked is not None:
                return _gist(asked, depth + 1)
    return json.dumps(value, ensure_ascii=False, default=str)


def _gist_of_list(items: list[Any], depth: int) -> str:
    objects = [cast("dict[str, Any]", item) for item in items if isinstance(item, dict)]
    users = [item for item in objects if (item.get("role") or item.get("type")) in _USERS]
    if users:
        return _gist(users[-1], depth + 1)
    texts = [item for item in objects if item.get("type") == "text"]
    if texts:
        return _gist(texts[0], depth + 1)
    return _gist(items[0], depth + 1) if items else ""


_USERS = {"user", "human"}


def _exact(digits: str) -> Any:
    number = int(digits) if len(digits) < 20 else None
    return number if number is not None and abs(number) <= _EXACT else {"$number": digits}


def _is_deep(text: str, value: Any) -> bool:
    if text.count("[") + text.count("{") <= _DEEPEST:
        return False
    level: list[Any] = [value]
    for _ in range(_DEEPEST):
        level = [item for node in level for item in _items(node)]
        if not level:
            return False
    return True


def _items(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return list(cast("dict[str, Any]", node).values())
    return cast("list[Any]", node) if isinstance(node, list) else []


def _with_texts(value: Any, change: Callable[[str], str]) -> Any:
    """`value`, freshly parsed and changed in place; without recursion, as it may be deep."""
    holder: list[Any] = [value]
    open_nodes: list[Any] = [holder]
    while open_nodes:
        node = open_nodes.pop()
        for key in _keys(node):
            item = node[key]
            if isinstance(item, str):
                node[key] = change(item)
            elif isinstance(item, dict | list):
                open_nodes.append(item)
    return holder[0]


def _keys(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return list(cast("dict[str, Any]", node))
    return list(range(len(node)))
