"""What `tracekit doctor` says of a store."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from tracekit.store.doctor import Diagnosis
from tracekit.terminal.numbers import UNKNOWN, size
from tracekit.terminal.output import facts, one_line
from tracekit.terminal.tables import moment


def diagnosis_view(found: Diagnosis) -> list[RenderableType]:
    """The facts of a store, then its problems."""
    named = {
        "Store": str(found.folder),
        "Schema": UNKNOWN if found.schema is None else f"version {found.schema}",
        "Holds": ", ".join(_counts(found)) or UNKNOWN,
        "Size": ", ".join(f"{size(count)} {part}" for part, count in found.sizes.items() if count),
        "Last read": UNKNOWN if found.last_ingest_ns is None else moment(found.last_ingest_ns),
        "Running": ", ".join(_writers(found)) or "no process writes here now",
    }
    problems = [one_line(f"• {problem}") for problem in found.problems]
    return [facts(named), Text(), *(problems or [Text("All is well.")]), *_bad_records(found)]


def _bad_records(found: Diagnosis) -> Iterator[Text]:
    newest = found.newest_bad_records
    if newest:
        kept_out = f"{found.bad_records:,} records kept out of the tables"
        yield Text(f"\nThe newest {len(newest)} of {kept_out}:")
    for bad in newest:
        yield Text("  ") + one_line(f"{bad.file} at byte {bad.offset_bytes:,}: {bad.reason}")


def _counts(found: Diagnosis) -> Iterator[str]:
    for what, count in found.counts.items():
        yield f"{count:,} {what if count != 1 else what.removesuffix('s')}"
    if found.unfinished_spans:
        yield f"{found.unfinished_spans:,} unfinished spans"


def _writers(found: Diagnosis) -> Iterator[str]:
    for file in found.spool:
        if file.state == "writing":
            yield f"process {file.pid} on {file.host} ({size(file.unread_bytes)} to read)"
