"""Tables: for people fitted to the terminal, piped as plain aligned text with nothing cut."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from tracekit.terminal.output import is_terminal, write

GAP = 2


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    name: str
    align: Literal["left", "right"] = "left"
    flexible: bool = False
    """Takes the room that is left in a terminal's line, and is cut at its end."""


class Grid:
    """A table of texts; those that were recorded must come from `one_line`."""

    def __init__(self, columns: Sequence[Column], rows: Iterable[Sequence[str | Text]]) -> None:
        self.columns = columns
        self.rows = [list(row) for row in rows]

    def write(self) -> None:
        """Write it to standard output."""
        if is_terminal():
            write(self._table())
        else:
            self._write_plain()

    def _widths(self) -> list[int]:
        return [
            max([cell_len(column.name), *(_width(row[at]) for row in self.rows)])
            for at, column in enumerate(self.columns)
        ]

    def _table(self) -> Table:
        made = Table(box=None, header_style="bold", pad_edge=False, padding=(0, GAP, 0, 0))
        for column, width in zip(self.columns, self._widths(), strict=True):
            made.add_column(
                column.name,
                justify=column.align,
                no_wrap=True,
                overflow="ellipsis",
                min_width=None if column.flexible else width,
                ratio=1 if column.flexible else None,
            )
        for row in self.rows:
            made.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in row))
        return made

    def _write_plain(self) -> None:
        # by hand: rich takes 0.3 ms a row, and a query may give many
        widths = self._widths()
        header: Sequence[str | Text] = [column.name for column in self.columns]
        for line in [header, *self.rows]:
            cells = [
                _padded(str(cell), width, column.align)
                for cell, width, column in zip(line, widths, self.columns, strict=True)
            ]
            sys.stdout.write((" " * GAP).join(cells).rstrip() + "\n")


def _width(cell: str | Text) -> int:
    return cell_len(str(cell))


def _padded(text: str, width: int, align: str) -> str:
    blanks = " " * (width - cell_len(text))
    return blanks + text if align == "right" else text + blanks
