"""One trace for reading: its facts, its spans as a tree, its conversation, what was said of it."""

from collections.abc import Iterable
from typing import TypeVar

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text
from rich.tree import Tree

from tracekit.model import Assessment, Span, Trace
from tracekit.semconv import MODEL_CALLS
from tracekit.terminal.messages import compact, message_text, read_messages
from tracekit.terminal.numbers import UNKNOWN, cost, duration, tokens
from tracekit.terminal.output import clean, is_terminal, one_line
from tracekit.terminal.tables import moment, status_text

Number = TypeVar("Number", int, float)

_SHAPES = {
    "invoke_agent": "■",
    "agent": "■",
    "chat": "●",
    "text_completion": "●",
    "generate_content": "●",
    "execute_tool": "◆",
    "tool": "◆",
    "retrieval": "▲",
    "retriever": "▲",
    "embeddings": "⬢",
    "guardrail": "⛊",
}
"""The shapes that the report has for kinds of spans."""


def trace_view(trace: Trace) -> list[RenderableType]:
    """What there is to read of a trace."""
    head = one_line(trace.root.name)
    head.stylize("bold")
    title = Text("  ").join([head, status_text(trace.status), Text(trace.trace_id, style="dim")])
    parts: list[RenderableType] = [title, _facts(trace), Text(), _tree(trace), Text()]
    for role, said in _said(trace):
        parts += _paragraph(role, said)
    return parts + [_assessment(assessment) for assessment in trace.assessments]


def _facts(trace: Trace) -> Text:
    root = trace.root
    belongings = {
        "experiment": root.experiment,
        "run": root.run_id,
        "session": root.session_id,
        "user": root.user_id,
        **trace.tags,
    }
    facts = [
        moment(root.start_ns),
        duration(_duration_ns(trace)),
        *_usage([span for span in trace.spans if span.operation in MODEL_CALLS]),
        *(f"{name} {value}" for name, value in belongings.items() if value),
    ]
    return one_line(" · ".join(facts))


def _usage(calls: list[Span]) -> list[str]:
    if not calls:
        return []
    asked = tokens(_total(span.input_tokens for span in calls))
    answered = tokens(_total(span.output_tokens for span in calls))
    usd = _total(span.cost_usd for span in calls)
    return [f"{asked} tokens in, {answered} out", cost(usd)]


def _duration_ns(trace: Trace) -> int | None:
    ends = [span.end_ns for span in trace.spans if span.end_ns is not None]
    if trace.status == "UNFINISHED" or not ends:
        return None
    return max(ends) - min(span.start_ns for span in trace.spans)


def _total(values: Iterable[Number | None]) -> Number | None:
    known = [value for value in values if value is not None]
    return sum(known[1:], known[0]) if known else None


def _tree(trace: Trace) -> Tree:
    ids = {span.span_id for span in trace.spans}
    children: dict[str | None, list[Span]] = {}
    for span in trace.spans:
        parent = span.parent_span_id if span.parent_span_id in ids else None
        children.setdefault(parent, []).append(span)
    top = Tree("", hide_root=True, guide_style="dim")
    waiting = [(top, span) for span in reversed(children.get(None, []))]
    while waiting:  # not by recursion: a trace may be deeper than Python's stack
        place, span = waiting.pop()
        branch = place.add(_line(span))
        waiting += [(branch, child) for child in reversed(children.get(span.span_id, []))]
    return top


def _line(span: Span) -> Text:
    shape = _SHAPES.get(span.operation or "") or _SHAPES.get(span.span_type or "") or "○"
    line = Text(f"{shape} ").append(one_line(span.name)).append(f"  {duration(span.duration_ns)}")
    if span.operation in MODEL_CALLS:
        count = f"{tokens(span.input_tokens)} → {tokens(span.output_tokens)} tokens"
        line.append(f"  {count}  {cost(span.cost_usd)}", style="dim")
    if span.status in {"ERROR", "UNFINISHED"}:
        why = ": ".join(filter(None, (span.error_type, span.status_message)))
        line.append("  ").append(status_text(span.status)).append("  ").append(one_line(why))
    return line


def _said(trace: Trace) -> list[tuple[str, str]]:
    """The messages of the last model call, which was sent what had been said; else in and out."""
    calls = [span for span in trace.spans if span.input_messages or span.output_messages]
    if not calls:
        given = {"input": trace.root.input, "output": trace.root.output}
        return [(name, text) for name, text in given.items() if text is not None]
    last = max(calls, key=lambda span: span.start_ns)
    messages = read_messages(last.input_messages) + read_messages(last.output_messages)
    return [(str(message.get("role", "?")), message_text(message)) for message in messages]


def _paragraph(head: str, text: str) -> list[RenderableType]:
    title = one_line(head)
    title.stylize("bold")
    if is_terminal():
        return [title, Padding(clean(text or UNKNOWN), (0, 0, 0, 2))]
    return [title, clean("\n".join(f"  {line}" for line in (text or UNKNOWN).splitlines()))]


def _assessment(assessment: Assessment) -> Text:
    source = assessment.source_type.lower().replace("_", " ")
    said = f"{assessment.kind} {assessment.name}: {compact(assessment.value)} (by {source})"
    return one_line(f"{said} {assessment.rationale or ''}")
