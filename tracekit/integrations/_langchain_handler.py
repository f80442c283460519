"""The callback handler: LangChain's events become spans."""

import functools
import inspect
import time
from collections.abc import Callable
from typing import Any

from langchain_core.callbacks import AsyncCallbackManager, BaseCallbackHandler
from langchain_core.messages import ToolMessage
from opentelemetry.trace import StatusCode

from tracekit import guard, semconv
from tracekit.integrations import _langchain_runs as runs
from tracekit.integrations import _langchain_spans as spans
from tracekit.integrations._langchain_model import is_empty
from tracekit.integrations._langchain_read import (
    documents,
    fields_of,
    plain,
    prompts,
    query,
    question,
    tool_result,
)
from tracekit.integrations._langchain_runs import Run
from tracekit.integrations._messages import as_object


def _begins(callback: Callable[..., None]) -> Callable[..., None]:
    """A guarded callback, which is called while autologging is on."""

    @functools.wraps(callback)
    def guarded(self: "Handler", *args: Any, **event: Any) -> None:
        try:
            if runs.is_on():
                callback(self, *args, **event)
        except Exception:
            guard.failed(f"LangChain's {callback.__name__}")

    return guarded


def _ends(callback: Callable[..., None]) -> Callable[..., None]:
    """A guarded callback, which is given the run that ends, once, in place of its id."""

    @functools.wraps(callback)
    def guarded(self: "Handler", *args: Any, run_id: Any, **event: Any) -> None:
        try:
            run = runs.closed(run_id)
            if run is not None and run.is_shown:
                try:
                    callback(self, run, *args, **event)
                finally:
                    run.span.end()
        except Exception:
            guard.failed(f"LangChain's {callback.__name__}")

    return guarded


class Handler(BaseCallbackHandler):
    """Records runs. There is one in the process, and copies of it are itself."""

    @property
    def raise_error(self) -> bool:  # type: ignore[override]  # pyright: ignore[reportIncompatibleVariableOverride]
        """LangChain keeps what a handler raises from the program; tests are to see it."""
        return guard.strict

    @property
    def run_inline(self) -> bool:  # type: ignore[override]  # pyright: ignore[reportIncompatibleVariableOverride]
        """True, so that callbacks run in the context of the code that they tell of.

        Save where `AsyncCallbackManager.on_llm_start` asks: it forgets the handlers that are not
        inline as soon as one is (langchain-core 0.3 to 1.8), and those would be the program's.
        """
        frame = inspect.currentframe()
        asking = frame and frame.f_back
        if asking is not None and asking.f_code.co_name == "<listcomp>":
            asking = asking.f_back
        if asking is None or asking.f_code is not _ASYNC_LLM_START:
            return True
        others = [other for other in asking.f_locals["self"].handlers if other is not self]
        return not others or any(other.run_inline for other in others)

    def __reduce__(self) -> str:
        return "handler"

    @_begins
    def on_chain_start(self, serialized: Any, inputs: Any, **event: Any) -> None:
        """A chain, prompt, parser, graph, node of a graph, or agent begins."""
        run = spans.run_of(event, serialized)
        above = runs.place(event.get("parent_run_id"))
        if above.run is not None and spans.is_noise(run):
            spans.hide(run, above.run)
            return
        is_node = any(tag.startswith("graph:step:") for tag in run.tags)
        if is_node and above.run is not None and not above.run.is_graph:
            spans.mark_graph(above.run, run.metadata)
        kind = "node" if is_node else event.get("run_type") or "chain"
        spans.begin(run, above, run.name, {semconv.SPAN_TYPE: kind})
        if run.name == "AgentExecutor":
            spans.mark_agent(run, None)
        if not _is_placeholder(inputs):
            spans.record(run, (semconv.INPUT, plain, inputs))

    @_ends
    def on_chain_end(self, run: Run, outputs: Any, *, inputs: Any = None, **_: Any) -> None:
        """It has given its result; the input of a stream is known only now."""
        spans.record(run, (semconv.INPUT, plain, inputs), (semconv.OUTPUT, plain, outputs))

    @_ends
    def on_chain_error(
        self, run: Run, error: BaseException, *, inputs: Any = None, **_: Any
    ) -> None:
        """It has failed."""
        spans.record(run, (semconv.INPUT, plain, inputs))
        spans.fail(run, error)

    @_begins
    def on_tool_start(self, serialized: Any, input_str: str, **event: Any) -> None:
        """A tool is called."""
        tool, above = as_object(serialized), runs.place(event.get("parent_run_id"))
        name = str(tool.get("name") or event.get("name") or "tool")
        facts = {
            semconv.TOOL_NAME: name,
            semconv.TOOL_TYPE: "function",
            semconv.TOOL_DESCRIPTION: tool.get("description"),
            semconv.TOOL_CALL_ID: event.get("tool_call_id"),
            semconv.AGENT_NAME: None if above.run is None else above.run.agent,
        }
        run = spans.run_of(event, serialized)
        label = f"execute_tool {name}"
        spans.begin(run, above, label, facts, operation="execute_tool")
        given = event.get("inputs")
        arguments = input_str if given is None else given
        spans.record(run, (semconv.TOOL_CALL_ARGUMENTS, plain, arguments))

    @_ends
    def on_tool_end(self, run: Run, output: Any, **_: Any) -> None:
        """It has given its result, which may say that it failed."""
        if issubclass(type(output), ToolMessage):
            fields = fields_of(output)
            output = fields.get("content")
            spans.tell(run, {semconv.TOOL_CALL_ID: fields.get("tool_call_id")})
            if fields.get("status") == "error":
                spans.tell(run, {semconv.ERROR_TYPE: "_OTHER"})
                run.span.set_status(StatusCode.ERROR, output if isinstance(output, str) else None)
        spans.record(run, (semconv.TOOL_CALL_RESULT, tool_result, output))

    @_ends
    def on_tool_error(self, run: Run, error: BaseException, **_: Any) -> None:
        """It has failed."""
        spans.fail(run, error)

    @_begins
    def on_retriever_start(self, serialized: Any, query_text: str, /, **event: Any) -> None:
        """Documents are looked for."""
        run = spans.run_of(event, serialized)
        facts = {semconv.DATA_SOURCE_ID: run.metadata.get("ls_vector_store_provider")}
        above, label = runs.place(event.get("parent_run_id")), f"retrieval {run.name}"
        known: Any = {"operation": "retrieval", "kind": "CLIENT"}
        spans.begin(run, above, label, facts, **known)
        runs.enter(run, above)
        spans.record(run, (semconv.RETRIEVAL_QUERY, query, query_text))

    @_ends
    def on_retriever_end(self, run: Run, found: Any, **_: Any) -> None:
        """They were found."""
        spans.record(run, (semconv.RETRIEVAL_DOCUMENTS, documents, found))

    @_ends
    def on_retriever_error(self, run: Run, error: BaseException, **_: Any) -> None:
        """The search has failed."""
        spans.fail(run, error)

    @_begins
    def on_chat_model_start(self, serialized: Any, messages: Any, **event: Any) -> None:
        """A chat model is called."""
        run = spans.begin_model("chat_model", serialized, event)
        spans.record(run, (semconv.INPUT_MESSAGES, question, messages))

    @_begins
    def on_llm_start(self, serialized: Any, prompts_: Any, /, **event: Any) -> None:
        """A model that completes texts is called."""
        run = spans.begin_model("llm", serialized, event)
        spans.record(run, (semconv.INPUT_MESSAGES, prompts, prompts_))

    def on_llm_new_token(self, token: Any, *, run_id: Any, **_: Any) -> None:
        """A part of a stream has come; the program may act before the next."""
        run = runs.find(run_id)
        if run is not None and not run.first_token:
            run.first_token = time.perf_counter_ns()

    def on_stream_event(self, event: Any, *, run_id: Any, **_: Any) -> None:
        """The same, in the protocol of langchain-core 1."""
        self.on_llm_new_token(event, run_id=run_id)

    @_ends
    def on_llm_end(self, run: Run, response: Any, **_: Any) -> None:
        """The model has answered."""
        spans.answer(run, response)

    @_ends
    def on_llm_error(
        self, run: Run, error: BaseException, *, response: Any = None, **_: Any
    ) -> None:
        """The call has failed, perhaps after a part of the answer."""
        spans.answer(run, None if is_empty(response) else response)
        spans.tell(run, {semconv.HTTP_STATUS_CODE: fields_of(error).get("status_code")})
        spans.fail(run, error)


handler = Handler()
_ASYNC_LLM_START = AsyncCallbackManager.on_llm_start.__code__


def _is_placeholder(inputs: Any) -> bool:
    """What a stream says in place of its input, which it tells at its end."""
    given = as_object(inputs)
    return len(given) == 1 and type(given.get("input")) is str and not given["input"]
