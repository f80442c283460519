"""How far an evaluation is, while it runs: a bar with scores, failures, cost and time left."""

from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from tracekit.evaluation.budget import Spending
from tracekit.evaluation.tally import Tally

_MOST_SCORES = 3


@contextmanager
def progress_bar(total: int, tally: Tally, spending: Spending) -> Generator[Callable[[], None]]:
    """A bar on standard error where that is a terminal; nothing elsewhere.

    Yields:
        To be called after each row.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda: None
        return
    columns = (
        TextColumn("Evaluating"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[said]}"),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=total, said="")

        def advance() -> None:
            progress.update(task, advance=1, said=_said(tally, spending))

        yield advance


def _said(tally: Tally, spending: Spending) -> str:
    """Such as `exact_match 0.81 · 2 failed · $0.0123`."""
    parts: list[str] = []
    for name in list(tally.series)[:_MOST_SCORES]:
        mean = tally.running_mean(name)
        if mean is not None:
            parts.append(f"{name} {mean:.2f}")
    if tally.rows["failed"]:
        parts.append(f"{tally.rows['failed']} failed")
    if spending.cost_usd:
        parts.append(f"${spending.cost_usd:.4f}")
    return " · ".join(parts)
