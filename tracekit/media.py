"""What an image or a sound is, by its first bytes: what a record says of them may be anything."""

UNKNOWN = "application/octet-stream"

_SIGNS = (
    (0, b"\x89PNG\r\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (0, b"<svg", "image/svg+xml"),
    (8, b"WEBP", "image/webp"),
    (8, b"WAVE", "audio/wav"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"\xff\xf3", "audio/mpeg"),
    (0, b"OggS", "audio/ogg"),
    (0, b"fLaC", "audio/flac"),
)


def kind_of(data: bytes) -> str | None:
    r"""The media type of an image or a sound; None for anything else.

    >>> kind_of(b"\xff\xd8\xff\xe0")
    'image/jpeg'
    """
    return next((kind for at, sign, kind in _SIGNS if data.startswith(sign, at)), None)
