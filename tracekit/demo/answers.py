"""What the demo's server says: rules that read a conversation like a simple support model.

Tools are called when their required parameters can be read from the conversation; questions
are answered from tool results, or from the sentences of a given context that fit best.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tracekit.demo.shop import GUIDE, PRODUCTS

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message of a conversation, whichever API it came by."""

    role: Role
    text: str
    calls: tuple[tuple[str, str], ...] = ()
    """Tool calls that an assistant made: name and arguments as JSON text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A function that the model may call."""

    name: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the model does next: says something, or calls tools."""

    text: str = ""
    calls: tuple[tuple[str, dict[str, Any]], ...] = ()
    reasoning: str | None = None


_WORD = re.compile(r"[a-z]{3,}")
_STOP = re.compile(
    "the|and|for|are|can|you|your|our|with|have|has|how|what|when|where|which|does|this|that|much"
    "|many|long|will|would|from|not|was|into|than|them|they|there|about|please|tell|order"
)
_COUNTRIES = ("Austria", "France", "Germany", "Italy", "Norway", "Spain", "Switzerland")
_KINDS = tuple(dict.fromkeys(product["kind"] for product in PRODUCTS))
_REASONS = ("damaged", "too small", "too large", "wrong item", "broken", "faulty")
_CATEGORIES = {
    "return": ("return", "refund", "money back", "exchange"),
    "delivery": ("delivery", "deliver ", "ship", "late", "transit", "where is"),
    "product": ("size", "stock", "recommend", "which", "fit", "wash"),
    "warranty": ("broken", "damaged", "seam", "zip", "faulty", "tore"),
    "payment": ("pay", "invoice", "card", "charged"),
    "high": ("urgent", "tomorrow", "immediately", "asap", "third time"),
    "negative": ("disappointed", "angry", "damaged", "broken", "late", "again", "third time"),
    "positive": ("thank", "great", "love"),
}


def answer(
    turns: Sequence[Turn],
    tools: Sequence[Tool] = (),
    schema: Mapping[str, Any] | None = None,
    *,
    thinks: bool = False,
) -> Answer:
    """The next step of the assistant in that conversation."""
    question = next((turn.text for turn in reversed(turns) if turn.role == "user"), "")
    reasoning = _reasoning(question, tools) if thinks else None
    if schema is not None:
        value = fill(schema, question)
        return Answer(text=json.dumps(value, ensure_ascii=False), reasoning=reasoning)
    calls = _calls(turns, tools)
    if calls:
        return Answer(calls=calls, reasoning=reasoning)
    since = _since_question(turns)
    results = [turn.text for turn in since if turn.role == "tool"]
    system = " ".join(turn.text for turn in turns if turn.role == "system")
    text = _from_results(results) if results else _from_context(question, system)
    return Answer(text=text, reasoning=reasoning)


def _since_question(turns: Sequence[Turn]) -> Sequence[Turn]:
    for index in range(len(turns) - 1, -1, -1):
        if turns[index].role == "user":
            return turns[index:]
    return turns


def _calls(turns: Sequence[Turn], tools: Sequence[Tool]) -> tuple[tuple[str, dict[str, Any]], ...]:
    """Tools whose required parameters are known by now and that were not called with them."""
    since = _since_question(turns)
    made = {(name, _canonical(text)) for turn in since for name, text in turn.calls}
    asked = " ".join(turn.text for turn in since if turn.role == "user")
    found = " ".join(turn.text for turn in since if turn.role == "tool")
    calls: list[tuple[str, dict[str, Any]]] = []
    for tool in tools:
        arguments = _arguments(tool, asked, found)
        if arguments is not None and (tool.name, _canonical(json.dumps(arguments))) not in made:
            calls.append((tool.name, arguments))
    return tuple(calls)


def _canonical(arguments: str) -> str:
    try:
        return json.dumps(json.loads(arguments), sort_keys=True)
    except ValueError:
        return arguments


def _arguments(tool: Tool, asked: str, found: str) -> dict[str, Any] | None:
    """The tool's arguments: what the user said, and article numbers that other tools found."""
    names: Iterable[str] = tool.parameters.get("properties") or {}
    required: Sequence[str] = tool.parameters.get("required") or ()
    texts = {"sku": f"{asked} {found}"}
    known = {
        name: value
        for name in names
        if (value := extract(name, texts.get(name, asked))) is not None
    }
    return known if required and all(name in known for name in required) else None


def extract(name: str, text: str) -> str | None:
    """The value of a parameter or field of that name in a text, or None."""
    patterns = {"order_id": r"\b[A-Z]\d{4}\b", "sku": r"\b[A-Z]{2}-\d{3}\b"}
    choices = {
        "country": _COUNTRIES,
        "reason": _REASONS,
        "query": _KINDS,
        "product": _KINDS,
        "kind": _KINDS,
    }
    if name in patterns:
        found = re.search(patterns[name], text)
        return found[0] if found else None
    lowered = text.lower()
    return next((word for word in choices.get(name, ()) if word.lower() in lowered), None)


def _from_results(results: Sequence[str]) -> str:
    """Sentences for what tools gave back."""
    sentences: list[str] = []
    for text in results:
        try:
            value: list[Any] | dict[str, Any] | str = json.loads(text)
        except ValueError:
            value = text
        items = value if isinstance(value, list) else [value]
        sentences += [_sentence(item) for item in items]
    return " ".join(dict.fromkeys(sentences)) or "I found nothing on that."


def _sentence(item: Any) -> str:
    match item:
        case {"error": error}:
            return f"I could not look that up: {error}."
        case {"return_id": number, "order_id": order}:
            return f"Return {number} for order {order} is open; the label is in your mailbox."
        case {"order_id": order, "status": status, "item": name, "date": date}:
            return f"Order {order} ({name}) is {status}, {date}."
        case {"name": name, "stock": 0}:
            return f"{name}: sold out at the moment."
        case {"name": name, "stock": stock, "price": price}:
            return f"{name}: in stock ({stock} left), {price:.2f} EUR."
        case {"country": country, "days": days}:
            return f"Delivery to {country} takes {days} working days."
        case _:
            return str(item)


def _from_context(question: str, system: str) -> str:
    """An answer from the context that the prompt carries, as long as the prompt asks for."""
    context, ask = question, question
    if "Context:" in system:
        context = system.partition("Context:")[2]
    elif "Question:" in question:
        context, _, ask = question.partition("Question:")
    else:
        context = ""
    if "guide" in ask.lower():
        return "\n\n".join(GUIDE)
    best = _best_sentences(ask, context, 1 if "one sentence" in system.lower() else 2)
    if not best:
        return "I am not sure about that, so I am handing you over to a colleague."
    return " ".join(best)


def _best_sentences(question: str, context: str, count: int) -> list[str]:
    asked = _words(question)
    sentences = [part.strip() for part in re.split(r"(?<=[.!?])\s+|\n+", context)]
    scored = [
        (len(asked & _words(sentence)), -index, sentence)
        for index, sentence in enumerate(sentences)
        if sentence.endswith(".")
    ]
    best = sorted((entry for entry in scored if entry[0]), reverse=True)[:count]
    return [sentence for _, _, sentence in sorted(best, key=lambda entry: -entry[1])]


def _words(text: str) -> set[str]:
    return {stem(word) for word in _WORD.findall(text.lower()) if not _STOP.fullmatch(word)}


def stem(word: str) -> str:
    """A word without its commonest endings, so that `returned` and `returns` meet."""
    for ending in ("ing", "ies", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def _reasoning(question: str, tools: Sequence[Tool]) -> str:
    offered = ", ".join(tool.name for tool in tools) or "no tools"
    topic = ", ".join(sorted(_words(question))[:6]) or "nothing in particular"
    return (
        f"The customer asks about {topic}. I can use {offered}. "
        "I should answer from what I know for certain and say so where I do not."
    )


def fill(schema: Mapping[str, Any], text: str) -> Any:
    """A value of that JSON schema, read from the text."""
    kind = schema.get("type")
    if "enum" in schema:
        return _choice(schema["enum"], text)
    if kind == "object":
        properties: Mapping[str, Any] = schema.get("properties", {})
        return {name: _field(name, part, text) for name, part in properties.items()}
    if kind == "array":
        return sorted(_words(text))[:3]
    return {"boolean": False, "integer": 1, "number": 0.5, "null": None}.get(str(kind), text)


def _field(name: str, schema: Mapping[str, Any], text: str) -> Any:
    if "anyOf" in schema:
        value = extract(name, text)
        return value if value is not None else _nullable(schema["anyOf"], text)
    kind = schema.get("type")
    optional = isinstance(kind, list)
    if kind == "boolean":
        return any(word in text.lower() for word in _CATEGORIES["high"])
    if kind == "string" or optional:
        if "enum" in schema:
            return _choice(schema["enum"], text)
        value = extract(name, text)
        return value if value is not None or optional else text.split(".")[0].strip()
    return fill(schema, text)


def _nullable(options: Sequence[Mapping[str, Any]], text: str) -> Any:
    if any(option.get("type") == "null" for option in options):
        return None
    return fill(options[0], text)


def _choice(options: Sequence[Any], text: str) -> Any:
    lowered = text.lower()

    def fit(option: Any) -> int:
        return sum(word in lowered for word in _CATEGORIES.get(str(option), (str(option),)))

    best = max(options, key=fit)
    return best if fit(best) else options[-1]
