"""Writes docs/command-line.md from the help of each command: `python docs/make_command_line.py`."""

from pathlib import Path
from typing import Any

import click

from tracekit.cli import cli

PAGE = Path(__file__).with_name("command-line.md")

INTRODUCTION = """\
# The command line

Lists are tables in a terminal and plain aligned text when piped, then with whole ids and nothing
cut. `--json` gives one JSON object a line (`tracekit trace` and `tracekit doctor`: one object).
What a list leaves out is said on standard error.

`python -m tracekit` is the same as `tracekit`. (This page is made by `docs/make_command_line.py`.)
"""


def page() -> str:
    """The whole page as text."""
    settings: Any = {**cli.context_settings, "terminal_width": 100}
    with click.Context(cli, info_name="tracekit", **settings) as top:
        parts = [INTRODUCTION, _section("tracekit", cli.get_help(top))]
        for name, command in sorted(cli.commands.items()):
            with click.Context(command, info_name=name, parent=top, **settings) as context:
                parts.append(_section(f"tracekit {name}", command.get_help(context)))
    return "\n".join(parts)


def _section(title: str, text: str) -> str:
    return f"## {title}\n\n```text\n{text}\n```\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
