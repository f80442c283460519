"""What the benchmarks share: taking turns, figures with their noise, tables, the machine's facts.

Only the standard library is imported, since the scripts also run inside the environments of the
peers. No figure here is ever a test: tests count, benchmarks time.
"""

import json
import math
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Tables = dict[str, list[Row]]


def cpu_us(call: Callable[[], object], calls: int, finish: Callable[[], object] = int) -> float:
    """CPU microseconds a call, of all threads, with what `finish` waits for."""
    began = time.process_time_ns()
    for _ in range(calls):
        call()
    finish()
    return (time.process_time_ns() - began) / calls / 1e3


def cpu_us_of_children(work: Callable[[], object]) -> float:
    """CPU microseconds of the processes that `work` starts and waits for."""

    def spent() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    began = spent()
    work()
    return (spent() - began) * 1e6


def by_turns(ways: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """What each way measures in each round, after one that does not count.

    The order is turned round from one to the next, so that nobody always comes second.
    """
    taken: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(rounds + 1):
        for way in list(ways)[:: -1 if number % 2 else 1]:
            value = ways[way]()
            if number:
                taken[way].append(value)
    return taken


def interval(values: Sequence[float]) -> tuple[float, float]:
    """95 % interval of the median, by order statistics; smallest and largest of fewer than six."""
    ordered, count = sorted(values), len(values)
    below = max(0, math.floor((count - 1.96 * math.sqrt(count)) / 2))
    return ordered[below], ordered[count - 1 - below]


def added(bare: Sequence[float], other: Sequence[float]) -> Row:
    """What `other` takes above `bare`: median of the differences, round by round."""
    differences = [one - base for one, base in zip(other, bare, strict=True)]
    low, high = interval(differences)
    return {
        "bare µs": statistics.median(bare),
        "added µs": statistics.median(differences),
        "from": low,
        "to": high,
        "ratio": statistics.median(other) / statistics.median(bare),
    }


def added_row(name: str, repeats: Sequence[Mapping[str, Any]]) -> Row:
    """`added` over the rounds of several processes, with the spans that arrived for a call."""
    bare, on = ([value for one in repeats for value in one[way]] for way in ("bare", "on"))
    return {"": name, **added(bare, on), "spans": repeats[0]["spans"]}


def machine() -> Row:
    """What the figures depend on. The load is that of the last minute, when the script starts."""
    return {
        "CPU": _cpu_model(),
        "cores": os.cpu_count(),
        "load at start": round(os.getloadavg()[0], 2),
        "system": platform.platform(),
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "at": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    }


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "?")


def publish(tables: Tables, facts: Row, json_file: Path | None) -> None:
    """Print the tables, and write them as JSON if a file is named."""
    for title, rows in tables.items():
        print(f"\n{title}")
        print_table(rows)
    print("\n" + ", ".join(f"{name}: {value}" for name, value in facts.items()))
    if json_file:
        text = json.dumps({"machine": facts, "tables": tables}, indent=2, ensure_ascii=False)
        json_file.write_text(text + "\n", encoding="utf-8")


def print_table(rows: Sequence[Row]) -> None:
    """Columns as wide as what is in them, names to the left, figures to the right."""
    cells = grid(rows)
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    for line in cells:
        first, *others = zip(line, widths, strict=True)
        figures = "  ".join(text.rjust(width) for text, width in others)
        print(f"{first[0]:{first[1]}}  {figures}".rstrip())


def grid(rows: Sequence[Row]) -> list[list[str]]:
    """A line of column names, then one a row, all as text."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    return [columns, *([shown(row.get(column)) for column in columns] for row in rows)]


def shown(value: Any) -> str:
    """A figure with three digits that count; nothing for None."""
    if not isinstance(value, float):
        return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(digits, 3)}f}"
