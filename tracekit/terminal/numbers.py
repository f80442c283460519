"""Numbers as people read them, in the forms that the report uses too."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime

UNKNOWN = "–"


def duration(ns: int | None) -> str:
    """A time to three digits.

    >>> [duration(n) for n in (412_000, 408_000_000, 3_254_000_000, 12_400_000_000)]
    ['412 µs', '408 ms', '3.25 s', '12.4 s']
    >>> duration(460_000_000_000)
    '7 min 40 s'
    """
    if ns is None:
        return UNKNOWN
    if ns < 999_500:
        return f"{max(1, round(ns / 1e3))} µs"
    if ns < 999_500_000:
        return f"{round(ns / 1e6)} ms"
    if ns < 59_950_000_000:
        return f"{ns / 1e9:.1f} s" if ns >= 9_995_000_000 else f"{ns / 1e9:.2f} s"
    minutes, seconds = divmod(round(ns / 1e9), 60)
    return f"{minutes} min {seconds} s"


def cost(usd: float | None, decimals: int = 4) -> str:
    """Dollars; an unknown price is a dash.

    >>> cost(None), cost(0.00001), cost(0.0072), cost(8.69, decimals=2)
    ('–', '<$0.0001', '$0.0072', '$8.69')
    """
    if usd is None:
        return UNKNOWN
    if 0 < usd < 10**-decimals:
        return f"<${10**-decimals:.{decimals}f}"
    return f"${usd:,.{decimals}f}"


def cost_column(usd: Sequence[float | None]) -> list[str]:
    """A column of dollars, all with as many decimals as the smallest needs."""
    known = [value for value in usd if value]
    decimals = 2 if known and min(known) >= 1 else 4
    return [cost(value, decimals) for value in usd]


def tokens(count: int | None) -> str:
    """A number of tokens, exact to 9,999.

    >>> tokens(9_999), tokens(12_480), tokens(6_170_000)
    ('9,999', '12.5 k', '6.17 M')
    """
    if count is None:
        return UNKNOWN
    if count < 10_000:
        return f"{count:,}"
    value, unit = (count / 1e3, "k") if count < 999_500 else (count / 1e6, "M")
    return f"{value:#.3g}".rstrip(".") + f" {unit}" if value < 1_000 else f"{value:,.0f} {unit}"


def number(value: float | None) -> str:
    """A metric, to four digits.

    >>> number(0.91666), number(12.0), number(None)
    ('0.9167', '12', '–')
    """
    return UNKNOWN if value is None else f"{value:.4g}"


def size(count: int) -> str:
    """A number of bytes.

    >>> size(81), size(5_517_312), size(2_500_000_000)
    ('81 B', '5.52 MB', '2.50 GB')
    """
    if count < 1_000:
        return f"{count} B"
    value, units = count / 1e3, ["kB", "MB", "GB", "TB"]
    while value >= 999.5 and len(units) > 1:
        value /= 1e3
        units.pop(0)
    return f"{value:#.3g}".rstrip(".") + f" {units[0]}"


def timestamp(ns: int) -> str:
    """A time in UTC.

    >>> timestamp(1_795_570_412_000_000_000)
    '2026-11-25 01:33:32Z'
    """
    return datetime.fromtimestamp(ns / 1e9, tz=UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def age(ns: int) -> str:
    """How long ago a time was."""
    seconds = max(0.0, time.time() - ns / 1e9)
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"
