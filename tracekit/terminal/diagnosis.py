"""What `tracekit doctor` and `tracekit prune` say of a store."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from tracekit.store.doctor import Diagnosis
from tracekit.store.prune import Pruned
from tracekit.terminal.numbers import UNKNOWN, size
from tracekit.terminal.output import facts, one_line
from tracekit.terminal.tables import moment


def diagnosis_view(found: Diagnosis) -> list[RenderableType]:
    """The facts of a store, then its problems, then what else is worth knowing."""
    named = {
        "Store": str(found.folder),
        "Schema": UNKNOWN if found.schema is None else f"version {found.schema}",
        "Holds": ", ".join(_counts(found)) or UNKNOWN,
        "Size": ", ".join(f"{size(count)} {part}" for part, count in found.sizes.items() if count),
        "Last read": UNKNOWN if found.last_ingest_ns is None else moment(found.last_ingest_ns),
        "Running": ", ".join(_writers(found)) or "no process writes here now",
    }
    return [facts(named), Text(), *_verdict(found), *_bad_records(found)]


def _verdict(found: Diagnosis) -> Iterator[Text]:
    if found.problems:
        yield Text("Problem:" if len(found.problems) == 1 else "Problems:", style="bold")
        yield from (Text("• ") + one_line(problem) for problem in found.problems)
    else:
        yield Text("All is well.")
    if found.notes:
        yield Text("\nTo know:", style="bold")
        yield from (Text("• ") + one_line(note) for note in found.notes)


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


def pruned_view(found: Pruned) -> list[RenderableType]:
    """Before and after, and what was kept although it is older."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column()
    for _ in range(3):
        table.add_column(justify="right")
    heads = ("", "before", "after", "would go" if found.dry_run else "gone")
    table.add_row(*(Text(head, style="bold") for head in heads))
    for name in ("traces", "spans", "runs", "artifacts"):
        before, after = getattr(found.before, name), getattr(found.after, name)
        table.add_row(name, *(f"{count:,}" for count in (before, after, before - after)))
    before, after = found.before.bytes, found.after.bytes
    about = "about " if found.dry_run else ""
    table.add_row("size", size(before), about + size(after), about + size(max(0, before - after)))
    spared = [f"{count:,} {reason}" for reason, count in found.spared.items()]
    kept = [one_line(f"Older, but kept: {', '.join(spared)}.")] if spared else []
    note = [one_line(found.note)] if found.note else []
    return [f"Older than {found.cutoff:%Y-%m-%d %H:%M}Z", Text(), table, *kept, *note]
