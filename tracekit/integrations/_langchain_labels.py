"""What LangChain's runs are labelled with, as attributes: tags, metadata, conversation."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tracekit import context, recording, semconv
from tracekit.integrations._langchain_runs import Run
from tracekit.tracing import Span

_THREADS = ("thread_id", "session_id", "conversation_id")
"""Keys of a run's metadata that name a conversation, as LangGraph and LangSmith have them."""
_INTERNAL = ("ls_", "lc_", "langgraph_", "checkpoint_", "__", *_THREADS)
_INTERNAL_TAGS = ("seq:step:", "map:key:", "graph:step:", "retry:", "langsmith:", "condition:")
_SECRET = re.compile(
    r"(?:^|[_-])(?:api_?key|key|token|secret|passw(?:or)?d|credentials?|auth(?:orization)?)$",
    re.IGNORECASE,
)
"""Before langchain-core 1, each value of `configurable` is metadata too."""


def labels(run: Run, above: Span | None) -> dict[str, Any]:
    """Labels of a run, where its parent has not the same."""
    parent, facts = run.parent, dict[str, Any]()
    if run.tags:
        _tags(facts, [tag for tag in run.tags if parent is None or tag not in parent.tags])
    if run.metadata:
        known: Mapping[str, Any] = {} if parent is None else parent.metadata
        _metadata(facts, run.metadata, known)
        _conversation(facts, run.metadata, known, above)
    return facts


def _tags(facts: dict[str, Any], tags: Sequence[str]) -> None:
    own = [tag for tag in tags if not tag.startswith(_INTERNAL_TAGS)]
    if own:
        facts[semconv.TAGS] = own
    for tag in tags:
        attempt = tag.removeprefix("retry:attempt:")
        if attempt != tag and attempt.isdigit():
            facts[semconv.RETRY_COUNT] = int(attempt) - 1


def _metadata(facts: dict[str, Any], metadata: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    for key, value in metadata.items():
        is_own = type(value) in {str, int, float, bool} and known.get(key) is not value
        if is_own and not key.startswith(_INTERNAL) and not _SECRET.search(key):
            facts[semconv.METADATA_PREFIX + key] = value


def _conversation(
    facts: dict[str, Any],
    metadata: Mapping[str, Any],
    known: Mapping[str, Any],
    above: Span | None,
) -> None:
    for key in _THREADS:
        thread = metadata.get(key)
        if type(thread) in {str, int}:
            if thread != known.get(key):
                facts[semconv.CONVERSATION_ID] = str(thread)
                if not _has_session(above):
                    facts[semconv.SESSION_ID] = str(thread)
            return


def _has_session(above: Span | None) -> bool:
    if context.session_id.get() is not None:
        return True
    belonging = None if above is None else recording.recorder.belonging(above.span_id)
    return belonging is not None and belonging.session_id is not None
