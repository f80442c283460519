"""What an evaluator is: what it may ask for, and what it may give back.

An evaluator is a function, or any callable object, whose parameters name what it wants:

    inputs         the row's inputs, a dict
    outputs        what the target gave (also `predictions`, `output`)
    expectations   what is known of the right answer, a dict (also `targets`, `ground_truth`:
                   its `expected_response` alone)
    context        the texts that were retrieved, in rank order
    trace          the row's `tracekit.model.Trace`
    session        the traces of the row's conversation, in order
    row            the row itself: `row_id`, `group`, `split`, `tags`, `metadata`
    model          the judge model: `await model.ask(...)` (see `tracekit.evaluators.judging`)

A parameter without a default that the row can't supply means that the row is skipped, which is
known before anything is paid for. MLflow's scorers, which name `inputs`, `outputs`,
`expectations` and `trace`, are evaluators as they are.
"""

import hashlib
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Literal, cast

from tracekit.errors import EvaluatorError

Direction = Literal["maximize", "minimize"]
Scalar = bool | int | float | str

ARGUMENTS = {
    "inputs": "inputs",
    "outputs": "outputs",
    "predictions": "outputs",
    "output": "outputs",
    "expectations": "expectations",
    "targets": "expectations.expected_response",
    "ground_truth": "expectations.expected_response",
    "context": "context",
    "trace": "trace",
    "session": "session",
    "row": "row",
    "model": "model",
}
"""Name of a parameter -> what of the row it is given."""

_WORDS = {
    **dict.fromkeys(("yes", "true", "pass"), 1.0),
    **dict.fromkeys(("no", "false", "fail"), 0.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """One judgement of one row (MLflow's name and fields).

    Args:
        value: True or false, a number, or a label. None with an `error`: it could not be judged.
        name: None: the evaluator's own. Otherwise the score is called `evaluator/name`.
        rationale: Why.
        error: Why there is no value, such as `judge_refused`.
        metadata: More facts, as JSON values.
    """

    value: Scalar | None = None
    name: str | None = None
    rationale: str | None = None
    error: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def score(self) -> float | None:
        """The value as a number: true, `yes` and `pass` are 1; None for any other label.

        >>> Feedback(value="yes").score, Feedback(value=False).score, Feedback(value="blue").score
        (1.0, 0.0, None)
        """
        if isinstance(self.value, str):
            return _WORDS.get(self.value.strip().lower())
        return None if self.value is None else float(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluator:
    """An evaluator with all that the engine has to know of it; made by `as_evaluator`."""

    name: str
    function: Callable[..., Any]
    """Gives a `Feedback`, a value, several of them, None (not applicable), or awaits one."""
    version: str = "1"
    needs: tuple[str, ...] = ()
    """What the row must have, as dotted names: `outputs`, `expectations.expected_facts`."""
    arguments: Mapping[str, str] = field(default_factory=dict[str, str])
    """Parameter -> what it is given; see `ARGUMENTS`."""
    range: tuple[float, float] | None = None
    """The least and the greatest score, where they are known."""
    direction: Direction | None = "maximize"
    """None: neither more nor less is better, such as a length."""
    aggregations: tuple[str, ...] = ("mean",)
    pass_if: Callable[[Any], bool] | None = None
    """Whether a value is good enough for its row."""
    summarise: Callable[[Sequence[Feedback]], Mapping[str, float]] | None = None
    """Scores of the whole that are not means of the rows' scores, such as a corpus BLEU."""
    source_digest: str = ""
    """Changes with the code of the evaluator and with its settings."""

    @property
    def needs_model(self) -> bool:
        """Whether it asks a judge model, which costs money."""
        return "model" in self.arguments.values()


def evaluator(
    function: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    version: str = "1",
    range: tuple[float, float] | None = None,
    direction: Direction | None = "maximize",
    aggregations: Sequence[str] = ("mean",),
    pass_if: Callable[[Any], bool] | None = None,
) -> Any:
    """Make an evaluator of a function; also a decorator (MLflow's `@scorer`).

    Args:
        function: Its parameters name what it wants: `outputs`, `expectations`, `trace` …
        name: None: the function's name.
        version: Say another one when the meaning changes: scores are compared by it.
        range: The least and the greatest score: a bounded score has the better interval.
        direction: `maximize`, `minimize`, or None where neither is better.
        aggregations: Of `mean`, `median`, `min`, `max`, `sum`, `std`, `variance`, `p50`, `p90`,
            `p95`, `p99`, `count`, `ratio`, `pass_rate`.
        pass_if: Whether a value is good enough for its row.

    Raises:
        EvaluatorError: A parameter asks for something that no row has.

    Example:
        >>> @evaluator(range=(0, 1))
        ... def brevity(outputs):
        ...     return min(1.0, 50 / max(1, len(outputs)))
        >>> brevity.name, brevity.arguments
        ('brevity', {'outputs': 'outputs'})
    """

    def decorate(wrapped: Callable[..., Any]) -> Evaluator:
        made = as_evaluator(wrapped)
        return replace(
            made,
            name=name or made.name,
            version=version,
            range=range,
            direction=direction,
            aggregations=tuple(aggregations),
            pass_if=pass_if,
        )

    return decorate if function is None else decorate(function)


def as_evaluator(thing: Any) -> Evaluator:
    """The evaluator that a function or a callable object is.

    An object's attributes of the names of `Evaluator`'s fields (`name`, `version`, `needs`,
    `range`, …) say what can't be seen from its parameters.

    Raises:
        EvaluatorError: It can't be called, or a parameter asks for something that no row has.
    """
    if isinstance(thing, Evaluator):
        return thing
    if not callable(thing):
        raise EvaluatorError(
            f"an evaluator is a function, an object that can be called, or a name; got {thing!r}"
        )
    called = thing if inspect.isroutine(thing) or inspect.isclass(thing) else type(thing).__call__
    name = str(getattr(thing, "name", None) or getattr(thing, "__name__", type(thing).__name__))
    arguments, needed = _arguments(name, thing)
    declared: dict[str, Any] = {k: getattr(thing, k) for k in _DECLARED if hasattr(thing, k)}
    declared["needs"] = tuple(dict.fromkeys((*declared.get("needs", ()), *needed)))
    return Evaluator(
        name=name,
        function=thing,
        arguments=arguments,
        source_digest=_digest(called, thing),
        **declared,
    )


_DECLARED = ("version", "needs", "range", "direction", "aggregations", "pass_if", "summarise")


def _arguments(name: str, function: Callable[..., Any]) -> tuple[dict[str, str], tuple[str, ...]]:
    arguments: dict[str, str] = {}
    needed: list[str] = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            continue
        source = ARGUMENTS.get(parameter.name)
        required = parameter.default is parameter.empty
        if source is None and required:
            known = ", ".join(ARGUMENTS)
            raise EvaluatorError(
                f"the evaluator {name!r} asks for `{parameter.name}`, which no row has: "
                f"its parameters are among {known}"
            )
        if source is not None:
            arguments[parameter.name] = source
            if required and source != "model":
                needed.append(source)
    return arguments, tuple(dict.fromkeys(needed))


def _digest(called: Any, thing: Any) -> str:
    """Of the source where there is one, else of the name; and of an object's settings."""
    try:
        source = inspect.getsource(called)
    except (OSError, TypeError):
        source = f"{getattr(called, '__module__', '')}.{getattr(called, '__qualname__', called)}"
    settings = "" if inspect.isroutine(thing) else repr(thing)
    return hashlib.blake2b(f"{source}\n{settings}".encode(), digest_size=16).hexdigest()


def feedbacks_of(name: str, returned: Any) -> list[Feedback]:
    """What an evaluator gave back, as feedback with names; empty if it was not applicable.

    Args:
        name: The evaluator's. A dict gives scores `name/key`.

    Raises:
        EvaluatorError: It is nothing that a row can have: NaN, infinity, another type.

    >>> [f.name for f in feedbacks_of("rouge", {"precision": 0.5, "recall": 1.0})]
    ['rouge/precision', 'rouge/recall']
    >>> feedbacks_of("tone", None)
    []
    """
    if returned is None:
        return []
    if isinstance(returned, Mapping):
        named = cast("Mapping[Any, Any]", returned)
        return [_feedback(f"{name}/{key}", value) for key, value in named.items()]
    if isinstance(returned, list | tuple):
        found = [_feedback(name, item) for item in cast("list[Any]", returned)]
        names = [feedback.name for feedback in found]
        if len(set(names)) < len(names):
            raise EvaluatorError(f"the evaluator {name!r} gave two scores of one name: {names}")
        return found
    return [_feedback(name, returned)]


def _feedback(name: str, value: Any) -> Feedback:
    if isinstance(value, Feedback) or hasattr(value, "rationale"):
        return _checked(_named(name, value))
    return _checked(Feedback(name=name, value=_scalar(value)))


def _named(name: str, given: Any) -> Feedback:
    """A `Feedback`, a `tracekit.model.Assessment`, or MLflow's own, under its full name."""
    own = given.name
    full = name if own in {None, "", "feedback", name} else f"{name}/{own}"
    error = getattr(given, "error", None)
    return Feedback(
        name=full,
        value=_scalar(given.value),
        rationale=given.rationale,
        error=None if error is None else str(getattr(error, "error_code", error)),
        metadata=dict(given.metadata or {}),
    )


def _scalar(value: Any) -> Any:
    """Also of NumPy's scalars and of enumerations (MLflow's `CategoricalRating`)."""
    if isinstance(value, Enum):
        return value.value
    is_plain = isinstance(value, bool | int | float | str)
    return value.item() if not is_plain and hasattr(value, "item") else value


def _checked(feedback: Feedback) -> Feedback:
    value: Any = feedback.value
    if value is None and feedback.error is not None:
        return feedback
    if not isinstance(value, bool | int | float | str):
        raise EvaluatorError(
            f"the evaluator {feedback.name!r} gave {str(value)[:100]!r} of type "
            f"{type(value).__name__}: give true or false, a number, a text, or a Feedback"
        )
    if isinstance(value, float) and not math.isfinite(value):
        raise EvaluatorError(
            f"the evaluator {feedback.name!r} gave {value}, which is no score: "
            "give None where there is nothing to score"
        )
    return feedback
