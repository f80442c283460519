"""The spans of LangChain's runs: how each kind begins, what is recorded on it, how it fails."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

from tracekit import config, recording, semconv, tracing
from tracekit.integrations import _langchain_model as model
from tracekit.integrations import _langchain_runs as runs
from tracekit.integrations._langchain_labels import labels
from tracekit.integrations._langchain_read import plain
from tracekit.integrations._langchain_runs import Place, Run
from tracekit.integrations._messages import as_list, as_object
from tracekit.tracing import Span, error_type

Content = tuple[str, Callable[[Any], Any], Any]
"""A content attribute: key, reader, and what it is to read, so that nothing is read in vain."""

_NOT_BEGUN = cast("Span", None)


def run_of(event: Mapping[str, Any], serialized: Any) -> Run:
    """The run that an event tells of."""
    return Run(
        id=event["run_id"],
        span=_NOT_BEGUN,
        name=event.get("name") or _name(serialized),
        tags=event.get("tags") or (),
        metadata=event.get("metadata") or {},
    )


def _name(serialized: Any) -> str:
    known = as_object(serialized)
    path = as_list(known.get("id"))
    return str(known.get("name") or (path[-1] if path else "run"))


def begin(
    run: Run,
    above: Place,
    label: str,
    facts: Mapping[str, Any],
    *,
    operation: str | None = None,
    kind: str = "INTERNAL",
) -> None:
    """Begin the span of a run."""
    run.parent = above.run
    run.agent = None if above.run is None else above.run.agent
    attributes = {**_known(facts), **labels(run, above.span)}
    parent = tracing.NO_SPAN if above.span is None and not recording.joined else above.span
    run.span = tracing.begin(
        label, operation=operation, kind=kind, attributes=attributes, parent=parent
    )
    runs.opened(run)


def hide(run: Run, parent: Run) -> None:
    """Give a run no span: what is below it hangs on its parent."""
    run.parent, run.span, run.agent, run.is_shown = parent, parent.span, parent.agent, False
    runs.opened(run)


_NOISE = ("ChannelWrite", "ChannelRead", "Branch<", "branch:", "_write", "__start__")
"""How LangGraph's own steps between nodes are named."""


def is_noise(run: Run) -> bool:
    """Whether a run tells nothing that the program's author wrote."""
    return run.name.startswith(_NOISE) or "langsmith:hidden" in run.tags


def mark_graph(run: Run, metadata: Mapping[str, Any]) -> None:
    """Say what a run is that turns out to be a graph: an agent, a workflow, a part of either.

    Args:
        run: The graph.
        metadata: Of its first node.
    """
    run.is_graph = True
    agent = metadata.get("lc_agent_name")
    is_agent = metadata.get("ls_integration") == "langchain_create_agent"
    if is_agent and agent in {None, run.name}:
        mark_agent(run, agent)
    elif any(above.is_graph for above in _above(run)):
        tell(run, {semconv.SPAN_TYPE: "graph"})
    else:
        tell(run, {semconv.OPERATION: "invoke_workflow", semconv.SPAN_TYPE: "workflow"})
        tell(run, {semconv.WORKFLOW_NAME: run.name})
        run.span.update_name(f"invoke_workflow {run.name}")


def mark_agent(run: Run, name: str | None) -> None:
    """Say that a run is an agent."""
    run.agent = name
    tell(run, {semconv.OPERATION: "invoke_agent", semconv.SPAN_TYPE: "agent"})
    tell(run, {semconv.AGENT_NAME: name})
    run.span.update_name(f"invoke_agent {name}" if name else "invoke_agent")


def _above(run: Run) -> Iterator[Run]:
    while run.parent is not None:
        run = run.parent
        yield run


def begin_model(span_type: str, serialized: Any, event: Mapping[str, Any]) -> Run:
    """Begin the span of a model's call.

    It has no operation until it is clear that no span of the model's client counts the call.
    """
    run, parameters = run_of(event, serialized), event.get("invocation_params")
    run.is_model = True
    run.operation = "chat" if span_type == "chat_model" else "text_completion"
    facts = {semconv.SPAN_TYPE: span_type, **model.asked(serialized, parameters, run.metadata)}
    run.model = facts.get(semconv.REQUEST_MODEL)
    together = event.get("batch_size") or 1
    above = runs.place_of_model(event.get("parent_run_id"), together)
    begin(run, above, run.name, facts, kind="CLIENT")
    if span_type == "llm" and together == 1:
        runs.enter_apart(run, above)
    else:
        runs.enter(run, above, together)
    if run.span.is_recording():
        _put(run, model.asked_contents(parameters))
    return run


def answer(run: Run, response: Any) -> None:
    """Record what a model answered, and count the call if nobody else does."""
    if not run.span.is_recording():
        return
    facts = model.answered(response)
    if run.first_token:
        facts[semconv.REQUEST_STREAM] = True
        facts[semconv.RESPONSE_TIME_TO_FIRST_CHUNK] = (run.first_token - run.began) / 1e9
    if run.is_counted_inside:
        facts = model.without_usage(facts)
    elif model.is_cached(response, run.id):
        facts = {**model.without_usage(facts), semconv.CACHED: True}
    else:
        facts[semconv.OPERATION] = run.operation
        if run.model:
            run.span.update_name(f"{run.operation} {run.model}")
    run.span.set_attributes(facts)
    record(run, (semconv.OUTPUT_MESSAGES, model.answers, response))


def tell(run: Run, facts: Mapping[str, Any]) -> None:
    """Record facts; those that are None are not known."""
    if run.is_shown:
        run.span.set_attributes(_known(facts))


def record(run: Run, *contents: Content) -> None:
    """Record what went in or came out; None: nothing did."""
    if config.settings().capture_content and run.span.is_recording():
        read = [(key, reader(value)) for key, reader, value in contents if value is not None]
        _put(run, read)


def _put(run: Run, contents: Iterable[tuple[str, Any]]) -> None:
    for key, value in contents:
        if value is not None:
            recording.put_content(run.span.attributes, key, value)


def fail(run: Run, error: BaseException) -> None:
    """Record how a run failed, or that it was broken off, or that LangGraph redirected it."""
    if _is_control_flow(error):
        told: dict[str, Any] = {"exception.type": error_type(error)}
        recording.put_content(told, "tracekit.event.data", plain(error.args))
        run.span.add_event("langgraph.control_flow", told)
    elif isinstance(error, GeneratorExit):
        tell(run, {semconv.INCOMPLETE: True})
    else:
        run.span.fail(error)
    if not isinstance(error, Exception):
        runs.give_up_below(run)


def _is_control_flow(error: BaseException) -> bool:
    """LangGraph interrupts and redirects a graph by exceptions, which are no errors."""
    return any(kind.__name__ == "GraphBubbleUp" for kind in type(error).__mro__)


def _known(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if value is not None}
