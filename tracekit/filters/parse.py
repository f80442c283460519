"""From the text of a filter to its tree, with errors that point at the column."""

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import NoReturn, cast

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from tracekit.errors import FilterError
from tracekit.filters.fields import RUNS, Vocabulary
from tracekit.filters.tree import (
    And,
    Comparison,
    Condition,
    Field,
    Not,
    Or,
    Order,
    Scope,
    Type,
    Value,
)

MAX_DEPTH = 100
"""Levels of AND, OR and NOT within each other."""

_KEY_TYPES = {Scope.METRIC: Type.NUMBER, Scope.METADATA: Type.TEXT}


def parse_filter(text: str | None, vocabulary: Vocabulary) -> Condition | None:
    """The filter as a tree, or None for an empty one, which everything passes.

    >>> parse_filter("metrics.loss < 0.5", RUNS).operator
    '<'

    Raises:
        FilterError: With a caret below the column where the filter stops making sense.
    """
    if not text or not text.strip():
        return None
    return _Reader(text, vocabulary).condition(_parse(text, "filter"))


def parse_order(items: Sequence[str] | str | None, vocabulary: Vocabulary) -> tuple[Order, ...]:
    """What to sort by, such as `["metrics.accuracy DESC", "start_time"]`.

    Raises:
        FilterError: With a caret below the column where the order stops making sense.
    """
    texts = [items] if isinstance(items, str) else items or ()
    return tuple(_Reader(text, vocabulary).order(_parse(text, "order")) for text in texts)


_GRAMMAR = r"""
?filter: any
?any: all (_OR all)*
?all: not (_AND not)*
?not: _NOT not -> negation
    | "(" any ")"
    | FIELD COMPARE value -> compare
    | FIELD MATCH text -> compare
    | FIELD _NOT MATCH text -> compare_not
    | FIELD _IN "(" value ("," value)* ","? ")" -> member
    | FIELD _NOT _IN "(" value ("," value)* ","? ")" -> member_not
    | FIELD _IS _NULL -> null
    | FIELD _IS _NOT _NULL -> null_not
order: FIELD DIRECTION?
?value: text | NUMBER | BOOLEAN
?text: TEXT

COMPARE: ">=" | "<=" | "!=" | "<>" | "=" | ">" | "<"
MATCH.2: /(?:[ri]?like)\b/i
DIRECTION.2: /(?:asc|desc)\b/i
BOOLEAN.2: /(?:true|false)\b/i
_AND.2: /and\b/i
_OR.2: /or\b/i
_NOT.2: /not\b(?!\.)/i
_IN.2: /in\b/i
_IS.2: /is\b/i
_NULL.2: /null\b/i
NUMBER: /[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?(?![\w.])/i
TEXT: /'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"/s
FIELD: /(?:[^\W\d]\w*|`[^`]+`|"(?:[^"\\]|\\.)+")(?:\.(?:`[^`]+`|"(?:[^"\\]|\\.)+"|[\w@:\/-]+))*/
%ignore /\s+/
"""

_NAMES = {
    "FIELD": "a field",
    "COMPARE": "an operator (= != > >= < <=)",
    "MATCH": "LIKE, ILIKE or RLIKE",
    "TEXT": "quoted text",
    "NUMBER": "a number",
    "BOOLEAN": "true or false",
    "DIRECTION": "ASC or DESC",
    "LPAR": "`(`",
    "RPAR": "`)`",
    "COMMA": "`,`",
    "$END": "the end",
}


@cache
def _parser() -> Callable[[str, str], Tree[Token]]:
    grammar = Lark(_GRAMMAR, parser="lalr", start=["filter", "order"], maybe_placeholders=False)
    return cast("Callable[[str, str], Tree[Token]]", grammar.parse)  # pyright: ignore[reportUnknownMemberType]


def _parse(text: str, start: str) -> Tree[Token]:
    try:
        return _parser()(text, start)
    except UnexpectedInput as error:
        _fail_syntax(error, text)


@dataclass(frozen=True, slots=True)
class _Reader:
    """From lark's tree to the typed one, with the text at hand for the caret."""

    text: str
    vocabulary: Vocabulary

    def condition(self, tree: Tree[Token], depth: int = 0) -> Condition:
        if depth > MAX_DEPTH:
            raise FilterError(f"the filter is nested more than {MAX_DEPTH} levels deep")
        match tree.data:
            case "any":
                return Or(tuple(self.condition(child, depth + 1) for child in _subtrees(tree)))
            case "all":
                return And(tuple(self.condition(child, depth + 1) for child in _subtrees(tree)))
            case "negation":
                return Not(self.condition(_subtrees(tree)[0], depth + 1))
            case "compare_not" | "member_not" | "null_not":
                return Not(self.comparison(tree))
            case _:
                return self.comparison(tree)

    def comparison(self, tree: Tree[Token]) -> Comparison:
        name, *rest = _tokens(tree)
        field = self.field(name)
        if tree.data.startswith("null"):
            return Comparison(field, "IS NULL")
        if tree.data.startswith("member"):
            return Comparison(field, "IN", self.values(name, field, "IN", rest))
        operator = rest[0].upper().replace("<>", "!=")
        return Comparison(field, operator, self.values(name, field, operator, rest[1:]))

    def order(self, tree: Tree[Token]) -> Order:
        name, *direction = _tokens(tree)
        field = self.field(name)
        if field.scope in {Scope.SPAN, Scope.SPAN_ATTRIBUTE}:
            self.fail(name, f"a trace has many spans, so it can't be sorted by `{name}`")
        return Order(field, descending=bool(direction) and direction[0].upper() == "DESC")

    def field(self, token: Token) -> Field:
        """The field of that name, through aliases and quotes."""
        words = _parts(token)
        scope = self.vocabulary.scopes.get(words[0].lower()) if len(words) > 1 else Scope.ATTRIBUTE
        if scope is None:
            self.fail(token, f"there are no `{words[0]}`", self.vocabulary.scopes, words[0])
        key = ".".join(words[1:] if len(words) > 1 else words)
        if scope is Scope.ATTRIBUTE:
            return self.attribute(token, key)
        if scope is Scope.SPAN:
            return self.span_field(token, words[1:])
        return Field(scope, key, _KEY_TYPES.get(scope, Type.ANY))

    def attribute(self, token: Token, key: str) -> Field:
        name = key.lower()
        if name in self.vocabulary.span_aliases:
            return self.span_field(token, [self.vocabulary.span_aliases[name]])
        name = self.vocabulary.aliases.get(name, name)
        kind = self.vocabulary.attributes.get(name)
        if kind is None:
            self.fail_unknown(token, key)
        return Field(Scope.ATTRIBUTE, name, kind)

    def fail_unknown(self, token: Token, key: str) -> NoReturn:
        vocabulary = self.vocabulary
        known = [*vocabulary.attributes, *vocabulary.aliases]
        reason = f"a {vocabulary.subject} has no field `{key}`"
        if vocabulary is RUNS and not difflib.get_close_matches(key, known):
            reason += f"; a metric is written `metrics.{key}`, a param `params.{key}`"
        self.fail(token, reason, known, key)

    def span_field(self, token: Token, words: list[str]) -> Field:
        if words[0] in {"attributes", "attribute"} and len(words) > 1:
            return Field(Scope.SPAN_ATTRIBUTE, ".".join(words[1:]), Type.ANY)
        kind = self.vocabulary.span_fields.get(words[0])
        if kind is None or len(words) > 1:
            known = [f"span.{name}" for name in self.vocabulary.span_fields]
            self.fail(token, f"a span has no field `{'.'.join(words)}`", known, str(token))
        return Field(Scope.SPAN, words[0], kind)

    def values(
        self, name: Token, field: Field, operator: str, tokens: list[Token]
    ) -> tuple[Value, ...]:
        values = tuple(self.value(name, field, operator, token) for token in tokens)
        if field.name == "status" and field.scope in {Scope.ATTRIBUTE, Scope.SPAN}:
            return tuple(_status(str(value)) for value in values)
        if len({isinstance(value, str) for value in values}) > 1:
            self.fail(tokens[0], "the values of IN must be all text or all numbers")
        return values

    def value(self, name: Token, field: Field, operator: str, token: Token) -> Value:
        """The value, if it is of a kind that the field and the operator can take."""
        value = _literal(token)
        if operator in _PATTERNS and field.type in {Type.NUMBER, Type.TIME}:
            self.fail(token, f"{operator} compares text, and `{name}` is {field.type.value}")
        if field.type is Type.TIME:
            return self.milliseconds(name, token, value)
        if isinstance(value, bool):
            if field.scope not in {Scope.FEEDBACK, Scope.EXPECTATION, Scope.SPAN_ATTRIBUTE}:
                self.fail(token, f"`{name}` is {field.type.value}: write '{token}' in quotes")
        elif isinstance(value, str):
            if field.type is Type.NUMBER:
                self.fail(token, f"`{name}` is a number and is here compared with text")
            if operator in _ORDERINGS:
                mend = "leave out the quotes" if field.type is Type.ANY else f"`{name}` is text"
                self.fail(token, f"`{operator}` compares numbers: {mend}")
        elif field.type is Type.TEXT:
            self.fail(token, f"`{name}` is text: put quotes around {token}")
        return value

    def milliseconds(self, name: Token, token: Token, value: Value) -> Value:
        if not isinstance(value, str):
            return value
        try:
            when = datetime.fromisoformat(value)
        except ValueError:
            hint = "milliseconds since 1970, or as '2026-11-25' or '2026-11-25T12:30:00'"
            self.fail(token, f"`{name}` is a time, written in {hint}")
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1000

    def fail(
        self, token: Token, reason: str, known: Iterable[str] = (), word: str = ""
    ) -> NoReturn:
        near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
        hint = f"; did you mean `{near[0]}`?" if near else ""
        _fail(self.text, token.start_pos or 0, reason + hint)


_PATTERNS = frozenset({"LIKE", "ILIKE", "RLIKE"})
_ORDERINGS = frozenset({">", ">=", "<", "<="})


def _fail(text: str, position: int, reason: str) -> NoReturn:
    """Raise with a caret below the column, in a window of the text if it is long."""
    begin = max(0, position - 60)
    window = "".join(" " if c.isspace() else c for c in text[begin : position + 40])
    raise FilterError(
        f"{reason} (column {position + 1})\n    {window}\n    {' ' * (position - begin)}^"
    )


def _fail_syntax(error: UnexpectedInput, text: str) -> NoReturn:
    position = len(text.rstrip()) if _at_end(error) else error.pos_in_stream or 0
    expected: set[str] = set()
    if isinstance(error, UnexpectedToken):
        expected = set(error.accepts or error.expected)
    elif isinstance(error, UnexpectedCharacters):
        expected = set(error.allowed)
    words = sorted({_NAMES.get(name, name.strip("_")) for name in expected})
    listed = " or ".join(filter(None, [", ".join(words[:-1]), words[-1] if words else ""]))
    _fail(text, position, f"{_found(text, position, expected)}; expected {listed}")


def _at_end(error: UnexpectedInput) -> bool:
    return isinstance(error, UnexpectedToken) and cast("Token", error.token).type == "$END"  # pyright: ignore[reportUnknownMemberType]


def _found(text: str, position: int, expected: set[str]) -> str:
    """What stands where the filter stops making sense."""
    rest = text[position:]
    if not rest.strip():
        return "the filter ends too early"
    if rest[0] in "'\"`" and (len(rest) < 2 or rest[0] not in rest[1:]):
        return f"the {rest[0]} has no closing {rest[0]}"
    word = re.match(r"[\w.]+|\W", rest)
    found = f"`{word.group() if word else rest[0]}` can't stand here"
    if "TEXT" in expected and rest[0].isalpha():
        return f"{found}, text needs quotes"
    return found


def _tokens(tree: Tree[Token]) -> list[Token]:
    return [child for child in tree.children if isinstance(child, Token)]


def _subtrees(tree: Tree[Token]) -> list[Tree[Token]]:
    return [child for child in tree.children if isinstance(child, Tree)]


_PART = re.compile(r'`([^`]+)`|"((?:[^"\\]|\\.)+)"|([^.]+)')
_ESCAPE = re.compile(r"\\([\\'\"])")


def _parts(token: Token) -> list[str]:
    """The words between the dots of a field, without their quotes."""
    return [
        back or bare or _ESCAPE.sub(r"\1", double) for back, double, bare in _PART.findall(token)
    ]


def _literal(token: Token) -> Value:
    if token.type == "BOOLEAN":
        return token.lower() == "true"
    if token.type == "NUMBER":
        return int(token) if token.lstrip("+-").isdigit() and len(token) < 20 else float(token)
    quote = token[0]
    return _ESCAPE.sub(r"\1", token[1:-1].replace(quote * 2, quote))


def _status(value: str) -> str:
    """The status as it is stored: upper case, and with MLflow's word for unfinished traces."""
    return "UNFINISHED" if value.upper() == "IN_PROGRESS" else value.upper()
