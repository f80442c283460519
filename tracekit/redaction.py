"""Credentials hidden in what is about to be written.

A net for well-known formats, over every record, since what a program passes around may hold a
key anywhere: in a prompt, an error's text, a URL.
"""

import re

_RUN = b"a" * 16
_CLASSES = bytes(97 if chr(byte).isascii() and (chr(byte).isalnum() or byte in b"_-") else 32
                 for byte in range(256))  # fmt: skip
_KEY = re.compile(
    rb"(?P<kept>sk-|rk-|ek_|AKIA|gh[pousr]_|github_pat_|AIza|hf_|xox[abeprs]-|eyJ)"
    rb"(?:(?<=AKIA)[A-Z0-9]{16}|(?<=AIza)[\w-]{30,}|(?<=hf_)\w{28,}|(?<=xox.-)[\w-]{8,}"
    rb"|(?<=[srk]k[-_])[\w-]{16,}|(?<=gh._)\w{16,}|(?<=github_pat_)\w{16,}"
    rb"|(?<=eyJ)[\w-]{10,8192}\.[\w-]{4,8192}\.[\w-]{2,8192})",
    re.ASCII,
)
_FIRST = frozenset(b"srekAghx")
_BACKSLASH = ord("\\")
_VALUE = rb"(?:[^\"\\]|\\+[^\"\\]){1,8192}"
"""Up to the quote that ends the text, however deep it is escaped."""
_NAMED: tuple[tuple[bytes, re.Pattern[bytes]], ...] = tuple(
    (sign, re.compile(rb"(?P<kept>" + sign + kept + rb")" + hidden))
    for sign, kept, hidden in (
        (rb"earer ", rb"", rb"[A-Za-z0-9._~+/=-]{6,}"),
        (rb"PRIVATE KEY-----", rb"", rb"(?:[A-Za-z0-9+/=\s-]|\\+[nr]){1,8192}"),
        (rb"://", rb"", rb"[^\s/@\"\\]{1,256}(?=@)"),
        (rb"api_key", rb"(?:=|\\*\"\s*:\s*\\*\")", rb"[^&\s\"\\]{1,8192}"),
        (rb"assword", rb"(?:=|\\*\"\s*:\s*\\*\")", _VALUE),
        (rb"uthorization", rb"\\*\"\s*:\s*\\*\"", _VALUE),
        (rb"ignature=", rb"", rb"[^&\s\"\\]{1,512}"),
    )
)
"""What a secret follows, and how it goes on from there. Each pattern begins with its sign."""
_HIDDEN = b"[secret hidden]"


def hide_secrets(line: bytes) -> bytes:
    """`line` with what looks like a credential hidden.

    Known formats of keys, bearer tokens, user info and signatures in URLs, and text fields that
    are named like secrets. Linear in the length of the line, a few nanoseconds a byte.

    >>> hide_secrets(b'{"x":"key sk-proj-AAAAAAAAAAAAAAAAAAAAAAAA"}')
    b'{"x":"key sk-[secret hidden]"}'
    """
    runs = line.translate(_CLASSES)
    start = runs.find(_RUN)
    if start != -1:
        line = _without_keys(line, runs, start)
    if (
        (b"@" in line and b"://" in line)
        or b"api_key" in line
        or b"assword" in line
        or b"earer " in line
        or b"uthorization" in line
        or b"PRIVATE KEY-----" in line
        or (b"=" in line and b"ignature=" in line)
    ):
        for sign, pattern in _NAMED:
            if sign in line:
                line = pattern.sub(rb"\g<kept>" + _HIDDEN, line)
    return line


def _without_keys(line: bytes, runs: bytes, start: int) -> bytes:
    """Look at each long run of letters and digits alone: is it a key?"""
    pieces: list[bytes] = []
    done = 0
    while start != -1:
        end = runs.find(b" ", start)
        end = len(line) if end == -1 else end
        word = start + (start > 0 and line[start - 1] == _BACKSLASH)  # the n of \n is no letter
        found = _KEY.match(line, word) if line[word] in _FIRST else None
        if found:
            pieces += [line[done : found.end("kept")], _HIDDEN]
            done = end = max(end, found.end())
        start = runs.find(_RUN, end)
    return line if not pieces else b"".join([*pieces, line[done:]])
