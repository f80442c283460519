"""Standard output: for people in a terminal, for other programs when piped.

In a terminal: colour, fitted to its width. Piped: plain text, nothing cut. What was recorded is
never taken for markup, nor are its control characters sent.
"""

import csv
import io
import json
import math
import re
import sys
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def is_terminal() -> bool:
    """Whether a person reads standard output."""
    return sys.stdout.isatty()


def write(*things: RenderableType) -> None:
    """Write to standard output, as wide as the terminal or, piped, as wide as it takes."""
    if is_terminal():
        console = Console(highlight=False, markup=False)
        for thing in things:
            console.print(thing)
        return
    buffer = io.StringIO()
    console = Console(file=buffer, width=1_000_000, no_color=True, highlight=False, markup=False)
    for thing in things:
        console.print(thing)
    for line in buffer.getvalue().splitlines():
        sys.stdout.write(line.rstrip() + "\n")


def write_json(value: Any) -> None:
    """One line of JSON."""
    text = json.dumps(_finite(value), ensure_ascii=False, default=_plain)
    sys.stdout.write(text + "\n")


def write_lines(values: Iterable[Mapping[str, Any]]) -> None:
    """One JSON object a line."""
    for value in values:
        write_json(value)


def write_csv(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Comma-separated values, with a header; what is missing is empty."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)


def _finite(value: Any) -> Any:
    """Without NaN and infinities, which JSON does not know."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {
                str(key): _finite(inner) for key, inner in cast("dict[object, Any]", value).items()
            }
        case list() | tuple():
            return [_finite(inner) for inner in cast("list[Any]", value)]
        case _:
            return value


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def clean(text: str) -> Text:
    """A text that was recorded, without markup and without control characters."""
    return Text(_CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text))


def one_line(text: str) -> Text:
    """`clean`, on one line."""
    return clean(" ".join(text.split()))


def facts(named: Mapping[str, str]) -> Table:
    """Names and their values, one pair a line."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    for name, value in named.items():
        grid.add_row(Text(name, style="bold"), one_line(value))
    return grid


@contextmanager
def progress() -> Generator[Callable[[str, int, int], None], None, None]:
    """What to call before each step (title, how many are done, of how many); a bar in a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:  # a disabled bar of older rich writes an empty line at its end
        yield lambda _title, _done, _total: None
        return
    columns = (TextColumn("{task.description:<46}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console) as bar:
        task = bar.add_task("", total=None)

        def on_step(title: str, done: int, total: int) -> None:
            bar.update(task, description=title, completed=done, total=total)

        yield on_step
        bar.update(task, description="Done", completed=bar.tasks[0].total)
