"""The text of the page around its data: head, styles, script, and a table without JavaScript."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from tracekit.ui.bundle import script, style
from tracekit.ui.view import ReportFacts, TraceRow

_ROWS_WITHOUT_SCRIPT = 200


@dataclass(frozen=True, slots=True)
class PageText:
    """What stands before and after the data blocks."""

    head: str
    tail: str


def render(facts: ReportFacts, newest: Sequence[TraceRow], index: str) -> PageText:
    """The page around its data.

    Args:
        facts: What the report says of itself.
        newest: The rows that are shown where JavaScript is off; at most 200 of them.
        index: The index, already fit for a script element (base64).
    """
    text = _template().render(
        facts=facts,
        rows=newest[:_ROWS_WITHOUT_SCRIPT],
        index=Markup(index),
        script=Markup(script()),
        style=Markup(style()),
        policy=content_security_policy(script(), style()),
        moment=moment,
    )
    head, _, tail = text.partition("<!--data-->")
    return PageText(head, tail)


def content_security_policy(code: str, styles: str) -> str:
    """A policy under which nothing runs but this script and nothing is fetched at all."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_hash(code)}'",
            f"style-src '{_hash(styles)}'",
            "img-src blob: data:",
            "media-src blob:",
            "connect-src 'none'",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
        )
    )


def moment(ms: int) -> str:
    """A time as text, in UTC.

    >>> moment(0)
    '1970-01-01 00:00:00 UTC'
    """
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("tracekit.ui"), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("report.html")
