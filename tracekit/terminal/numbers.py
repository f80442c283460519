"""Numbers as people read them, by the rules of the report (`ui/static/format.js`).

Both are tested by `tests/number_formats.json`.
"""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Context, Decimal

UNKNOWN = "–"

_EXACT = Context(prec=400, rounding=ROUND_HALF_UP)
"""Room for any float; a half goes up, as in the browser."""


def duration(ns: float | None) -> str:
    """A time to three digits; hours to the minute.

    >>> [duration(n) for n in (412_000, 2_500_000, 3_254_000_000, 12_400_000_000)]
    ['412 µs', '2.50 ms', '3.25 s', '12.4 s']
    >>> duration(460_000_000_000), duration(7_400_000_000_000)
    ('7 min 40 s', '2 h 3 min')
    """
    if ns is None or math.isnan(ns):
        return UNKNOWN
    if ns < 0:
        return "−" + duration(-ns)
    if ns == 0:
        return "0 ms"
    if ns < 1e3:
        return "<1 µs"
    for limit, unit, name in ((999_500, 1e3, "µs"), (999.5e6, 1e6, "ms"), (59.95e9, 1e9, "s")):
        if ns < limit:
            return f"{_significant(ns / unit)} {name}"
    seconds = _rounded(ns / 1e9)
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    minutes = _rounded(seconds / 60)
    return f"{minutes // 60:,} h {minutes % 60} min"


def cost(usd: float | None, decimals: int | None = None) -> str:
    """Dollars; an unknown price is a dash, never zero.

    >>> cost(None), cost(0), cost(0.00001), cost(0.0072), cost(8.69)
    ('–', '$0', '<$0.0001', '$0.0072', '$8.69')
    """
    if usd is None or math.isnan(usd):
        return UNKNOWN
    if usd == 0:
        return "$0"
    places = decimals if decimals is not None else _decimals(usd)
    least = 10**-places
    return f"<${_fixed(least, places)}" if usd < least / 2 else f"${_fixed(usd, places)}"


def cost_column(usd: Sequence[float | None]) -> list[str]:
    """A column of dollars, all with as many decimals as the middle one needs."""
    known = sorted(value for value in usd if value and value > 0)
    decimals = _decimals(known[len(known) // 2] if known else 0)
    return [cost(value, decimals) for value in usd]


def tokens(count: float | None) -> str:
    """A number of tokens, exact to 9,999.

    >>> tokens(9_999), tokens(12_480), tokens(6_170_000)
    ('9,999', '12.5 k', '6.17 M')
    """
    if count is None or math.isnan(count):
        return UNKNOWN
    if count < 10_000:
        return _fixed(count, 0)
    if count < 999_500:
        return f"{_fixed(count / 1e3, 1 if count < 99_950 else 0)} k"
    return f"{_fixed(count / 1e6, 2)} M"


def metric(value: float | None) -> str:
    """A metric or score, to four digits; whole numbers exact below a thousand million.

    >>> metric(0.91666), metric(12345), metric(1.5e-7), metric(None)
    ('0.9167', '12,345', '1.500e−7', '–')
    """
    if value is None:
        return UNKNOWN
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    size = abs(value)
    if size and (size < 1e-4 or size >= 1e9):
        short = Context(prec=4, rounding=ROUND_HALF_UP).create_decimal(value)
        return _signed(f"{short:.3e}".replace("e+", "e"))
    if value == int(value):
        return _fixed(value, 0)
    digits = max(4, len(str(int(size))))
    short = Context(prec=digits, rounding=ROUND_HALF_UP).create_decimal(repr(value))
    return _signed(f"{short.normalize():,f}")


def size(count: int) -> str:
    """A number of bytes, to three digits.

    >>> size(81), size(5_517_312), size(2_500_000_000)
    ('81 B', '5.52 MB', '2.50 GB')
    """
    if count < 1_000:
        return f"{count} B"
    for unit, name in ((1e3, "kB"), (1e6, "MB")):
        if count < 999.5 * unit:
            return f"{_significant(count / unit)} {name}"
    return f"{_significant(count / 1e9)} GB"


def timestamp(ns: int) -> str:
    """A time in UTC.

    >>> timestamp(1_795_570_412_000_000_000)
    '2026-11-25 01:33:32Z'
    """
    return datetime.fromtimestamp(ns / 1e9, tz=UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def age(ns: int, now_ns: int) -> str:
    """How long before now a time was.

    >>> age(0, 5_400_000_000_000), age(0, 0)
    ('1 h', 'now')
    """
    seconds = (now_ns - ns) // 1_000_000_000
    if seconds < 1:
        return "now"
    if seconds < 60:
        return f"{seconds} s"
    minutes = seconds // 60
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440:,} d"


def _decimals(usd: float) -> int:
    return 4 if usd < 0.1 else 2


def _significant(value: float) -> str:
    """Three digits of a value from 0.9995 up."""
    return _fixed(value, 2 if value < 9.995 else 1 if value < 99.95 else 0)


def _fixed(value: float, digits: int) -> str:
    rounded = Decimal(repr(value)).quantize(Decimal(1).scaleb(-digits), context=_EXACT)
    return _signed(f"{rounded:,f}")


def _rounded(value: float) -> int:
    return math.floor(value + 0.5)


def _signed(text: str) -> str:
    return text.replace("-", "−")
