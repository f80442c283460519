"""Figures, images, tables and plain data as the bytes of a file."""

import io
import json
from pathlib import PurePosixPath
from typing import Any, cast

from tracekit.capture import plain
from tracekit.errors import ArtifactError


def dict_bytes(data: Any) -> bytes:
    """JSON, which is also what a `.yaml` file may hold: every JSON text is YAML."""
    text = json.dumps(data, indent=2, ensure_ascii=False, default=plain)
    return text.encode("utf-8", "replace")


def figure_bytes(figure: Any, name: str) -> bytes:
    """A figure of Matplotlib as the kind of image that the name asks for, one of Plotly as HTML.

    Raises:
        ArtifactError: It is no such figure, or there is no such kind.
    """
    suffix = PurePosixPath(name).suffix.lstrip(".").lower()
    if hasattr(figure, "savefig"):
        buffer = io.BytesIO()
        try:
            figure.savefig(buffer, format=suffix or "png", bbox_inches="tight")
        except ValueError as error:
            raise ArtifactError(f"the figure can't be saved as {name!r}: {error}") from error
        return buffer.getvalue()
    if hasattr(figure, "to_html"):
        if suffix in {"html", "htm"}:
            return str(figure.to_html(include_plotlyjs=True)).encode()
        return bytes(figure.to_image(format=suffix or "png"))
    raise ArtifactError(f"{_type(figure)} is no figure of Matplotlib or Plotly")


def image_bytes(image: Any, name: str) -> bytes:
    """An image of Pillow, or an array of height, width and channels, as an image file.

    Raises:
        ArtifactError: It is no image, or there is no such kind of file.
    """
    suffix = PurePosixPath(name).suffix.lstrip(".").lower() or "png"
    if not hasattr(image, "save"):
        image = _image_of_array(image)
    buffer = io.BytesIO()
    try:
        image.save(buffer, format="JPEG" if suffix == "jpg" else suffix)
    except (KeyError, ValueError, OSError) as error:
        raise ArtifactError(f"the image can't be saved as {name!r}: {error}") from error
    return buffer.getvalue()


def table_of(data: Any) -> dict[str, Any]:
    """Rows and columns as `{"columns": [...], "data": [[...]]}`, pandas' form `split`.

    Args:
        data: A DataFrame, or a dict with a list for each column.

    Raises:
        ArtifactError: It is neither, or its columns differ in length.
    """
    if hasattr(data, "columns") and hasattr(data, "to_json"):
        split = json.loads(data.to_json(orient="split", date_format="iso"))
        return {"columns": split["columns"], "data": split["data"]}
    given: Any = data
    if not isinstance(data, dict):
        raise ArtifactError(f"a table is a DataFrame or a dict of columns, not {_type(data)}")
    columns = {str(key): _column(value) for key, value in given.items()}
    if len({len(column) for column in columns.values()}) > 1:
        sizes = ", ".join(f"{key} {len(column)}" for key, column in columns.items())
        raise ArtifactError(f"the columns of a table must be of one length, got {sizes}")
    return {"columns": list(columns), "data": [list(row) for row in zip(*columns.values())]}


def joined_tables(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """The rows of both; a column that one of them lacks is null there."""
    columns = list(dict.fromkeys([*first["columns"], *second["columns"]]))
    rows = [
        [dict(zip(table["columns"], row, strict=True)).get(column) for column in columns]
        for table in (first, second)
        for row in table["data"]
    ]
    return {"columns": columns, "data": rows}


def _column(value: Any) -> list[Any]:
    return list(cast("list[Any]", value)) if isinstance(value, list | tuple) else [value]


def _image_of_array(array: Any) -> Any:
    if not hasattr(array, "dtype") or not hasattr(array, "shape"):
        raise ArtifactError(f"{_type(array)} is no image: give one of Pillow, or a NumPy array")
    try:
        from PIL import Image  # noqa: PLC0415  only people who log arrays as images need Pillow
    except ImportError as error:
        raise ArtifactError("to log an array as an image: pip install pillow") from error
    if array.dtype.kind == "f":  # values in [0, 1], as in Matplotlib
        array = (array.clip(0, 1) * 255).round()
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    return Image.fromarray(array.astype("uint8"))


def _type(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"
