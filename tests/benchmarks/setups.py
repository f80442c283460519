"""How each tool is switched on, within its own environment, as its documentation has it.

Tools that send their spans to a service get an exporter behind their own processor that counts
and drops the spans, or writes them to a file, so that what is measured needs no service.
"""

import importlib
import os
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import measuring

NOWHERE = "http://127.0.0.1:9"
DURABLE = "openai, durable"
"""The OpenAI client again, with spans that end in a file, not in a counter."""


@dataclass(kw_only=True)
class Setup:
    """A tool that is set up and switched off."""

    goes_to: str = "a counter"
    """What the spans are in once they have arrived."""
    turn: Callable[[bool], object] = bool
    """Switches the tool on or off."""
    flush: Callable[[], object] = int
    """Waits until the spans have arrived."""
    recorded: Callable[[], int] | None = None
    """How many spans have, where that can be known."""
    wrap: Callable[[Any], Any] = lambda client: client
    """The tool's client around an OpenAI client, where it wants to wrap."""
    callbacks: Callable[[], list[Any]] = list
    """What LangChain is handed for a call, where the tool wants to be handed over."""

    def rounds(
        self, bare: Callable[[], object], traced: Callable[[], object], calls: int, rounds: int
    ) -> dict[str, Any]:
        """CPU microseconds a call, off and on by turns, and the spans that arrived for each call."""

        def on() -> float:
            self.turn(True)
            try:
                return measuring.cpu_us(traced, calls, self.flush)
            finally:
                self.turn(False)

        arrived = self.recorded or int
        before = arrived()
        ways = {"bare": lambda: measuring.cpu_us(bare, calls), "on": on}
        taken = measuring.by_turns(ways, rounds)
        spans = (arrived() - before) / (calls * (rounds + 1))
        return {**taken, "spans": spans if self.recorded else None}


def switch(library: str, set_up: Callable[[], object]) -> Callable[[bool], None]:
    """Sets a tool up and puts what it replaces in the library's classes in and out of place.

    So the bare library and the tool alternate in one process, whether the tool can undo or not.
    """
    before = _attributes(library)
    set_up()
    changes = [
        (owner, name, before[owner].get(name, _ABSENT), value)
        for owner, values in _attributes(library).items()
        for name, value in values.items()
        if owner in before and before[owner].get(name, _ABSENT) is not value
    ]

    def turn(on: bool) -> None:
        for owner, name, old, new in changes:
            if (value := new if on else old) is not _ABSENT:
                setattr(owner, name, value)
            elif name in vars(owner):
                delattr(owner, name)

    turn(False)
    return turn


_ABSENT = object()


def _attributes(library: str) -> dict[type, dict[str, Any]]:
    """What the classes of a library have; the special names only pydantic changes."""
    modules = [vars(m) for name, m in list(sys.modules.items()) if name.startswith(library)]
    classes = {value for names in modules for value in names.values() if isinstance(value, type)}
    return {
        one: {n: v for n, v in vars(one).items() if n == "__init__" or not n.startswith("__")}
        for one in classes
    }


def opentelemetry(file: Path | None) -> tuple[Any, Any]:
    """A provider behind the batch processor, as services have it, and its counting exporter."""
    exporter = counting_exporter(file)
    trace = importlib.import_module("opentelemetry.sdk.trace")
    export = importlib.import_module("opentelemetry.sdk.trace.export")
    provider = trace.TracerProvider()
    provider.add_span_processor(export.BatchSpanProcessor(exporter))
    importlib.import_module("opentelemetry.trace").set_tracer_provider(provider)
    return provider, exporter


def counting_exporter(file: Path | None) -> Any:
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    class Counting(SpanExporter):
        count = 0

        def export(self, spans: Any) -> SpanExportResult:
            self.count += len(spans)
            if file:
                with file.open("a", encoding="utf-8") as lines:
                    lines.writelines(span.to_json(indent=None) + "\n" for span in spans)
            return SpanExportResult.SUCCESS

    return Counting()


def set_up(tool: str, library: str, folder: Path) -> Setup:
    """A tool for `openai`, `langchain` or `DURABLE`; `folder` is for what it stores."""
    setup = SETUPS[tool, library](folder, folder / "spans" if library == DURABLE else None)
    if library == DURABLE and setup.goes_to == "a counter":
        setup.goes_to = "a file of JSON lines"
    return setup


def _bare(folder: Path, file: Path | None) -> Setup:
    """Nothing: on and off are the same, so what it seems to add is noise."""
    return Setup()


def _tracekit(folder: Path) -> tuple[Any, Callable[[], int]]:
    import tracekit

    tracekit.set_tracking_uri(folder / "store")

    def recorded() -> int:
        files = (folder / "store" / "spool").glob("*.ndjson")
        return sum(path.read_bytes().count(b'"kind":"span"') for path in files)

    return tracekit, recorded


def _tracekit_openai(folder: Path, file: Path | None) -> Setup:
    tracekit, recorded = _tracekit(folder)
    turn = switch("openai", tracekit.openai.autolog)
    return Setup(turn=turn, recorded=recorded, goes_to="the spool")


def _tracekit_read(folder: Path, file: Path | None) -> Setup:
    """Read into the database as well, as the next report or search does."""
    setup = _tracekit_openai(folder, file)
    from tracekit.store.store import open_store

    def flush() -> int:
        with open_store().reading() as connection:
            (count,) = connection.execute("SELECT count(*) FROM spans").fetchall()[0]
        return int(count)

    return Setup(turn=setup.turn, flush=flush, recorded=flush, goes_to="the database")


def _tracekit_langchain(folder: Path, file: Path | None) -> Setup:
    tracekit, recorded = _tracekit(folder)
    return Setup(turn=lambda on: tracekit.langchain.autolog(disable=not on), recorded=recorded)


def _run_collector(folder: Path, file: Path | None) -> Setup:
    """LangChain's own tracer, which keeps the runs of one call in memory."""
    from langchain_core.tracers.run_collector import RunCollectorCallbackHandler

    return Setup(callbacks=lambda: [RunCollectorCallbackHandler()])


def _mlflow(library: str, *, is_async: bool = True) -> Callable[[Path, Path | None], Setup]:
    def set_up(folder: Path, file: Path | None) -> Setup:
        os.environ["MLFLOW_ENABLE_ASYNC_TRACE_LOGGING"] = str(is_async).lower()
        import mlflow

        database = folder / "mlflow.db"
        mlflow.set_tracking_uri(f"sqlite:///{database}")
        mlflow.set_experiment("benchmark")

        def recorded() -> int:
            found = sqlite3.connect(database).execute("SELECT count(*) FROM spans").fetchone()
            return int(found[0])

        package = "langchain_core" if library == "langchain" else library
        turn = switch(package, getattr(mlflow, library).autolog)
        flush = mlflow.flush_trace_async_logging if is_async else int
        return Setup(turn=turn, flush=flush, recorded=recorded, goes_to="SQLite")

    return set_up


def _langfuse(file: Path | None) -> tuple[Any, Any]:
    from langfuse import Langfuse

    exporter = counting_exporter(file)
    keys = {"public_key": "pk-lf-none", "secret_key": "sk-lf-none", "base_url": NOWHERE}
    return Langfuse(**keys, span_exporter=exporter), exporter


def _langfuse_openai(folder: Path, file: Path | None) -> Setup:
    client, exporter = _langfuse(file)
    turn = switch("openai", lambda: importlib.import_module("langfuse.openai"))
    return Setup(turn=turn, flush=client.flush, recorded=lambda: exporter.count)


def _langfuse_langchain(folder: Path, file: Path | None) -> Setup:
    client, exporter = _langfuse(file)
    from langfuse.langchain import CallbackHandler

    return Setup(
        flush=client.flush,
        recorded=lambda: exporter.count,
        callbacks=lambda: [CallbackHandler()],
    )


def _instrumentor(
    module: str, name: str, library: str, **environment: str
) -> Callable[[Path, Path | None], Setup]:
    """A package built as OpenTelemetry's instrumentors are."""

    def set_up(folder: Path, file: Path | None) -> Setup:
        os.environ.update(environment)
        provider, exporter = opentelemetry(file)
        instrumentor = getattr(importlib.import_module(module), name)()
        turn = switch(library, lambda: instrumentor.instrument(tracer_provider=provider))
        return Setup(turn=turn, flush=provider.force_flush, recorded=lambda: exporter.count)

    return set_up


def _logfire_openai(folder: Path, file: Path | None) -> Setup:
    import logfire
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    exporter = counting_exporter(file)
    processors = [BatchSpanProcessor(exporter)]
    logfire.configure(send_to_logfire=False, console=False, additional_span_processors=processors)
    turn = switch("openai", logfire.instrument_openai)
    return Setup(turn=turn, flush=logfire.force_flush, recorded=lambda: exporter.count)


def _langsmith_client() -> tuple[Any, Callable[[], int]]:
    """Its client, which would queue and send, counting and dropping instead."""
    os.environ.update(LANGSMITH_TRACING="true", LANGSMITH_API_KEY="none")
    import langsmith

    class Dropping(langsmith.Client):
        count = 0

        def create_run(self, *args: Any, **kwargs: Any) -> None:
            pass

        def update_run(self, *args: Any, **kwargs: Any) -> None:
            Dropping.count += 1

    client = Dropping(api_url=NOWHERE, api_key="none", auto_batch_tracing=False)
    return client, lambda: Dropping.count


def _langsmith_openai(folder: Path, file: Path | None) -> Setup:
    client, recorded = _langsmith_client()
    from langsmith.wrappers import wrap_openai

    extra = {"client": client}
    return Setup(wrap=lambda one: wrap_openai(one, tracing_extra=extra), recorded=recorded)


def _langsmith_langchain(folder: Path, file: Path | None) -> Setup:
    client, recorded = _langsmith_client()
    os.environ["LANGSMITH_TRACING"] = "false"
    from langchain_core.tracers import LangChainTracer

    return Setup(callbacks=lambda: [LangChainTracer(client=client)], recorded=recorded)


def _opik_openai(folder: Path, file: Path | None) -> Setup:
    import opik
    from opik.integrations.openai import track_openai

    return Setup(wrap=track_openai, flush=opik.flush_tracker)


_GENAI = {
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY",
    "OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental",
}
_OPENINFERENCE, _OTEL = "openinference.instrumentation", "opentelemetry.instrumentation"

SETUPS: dict[tuple[str, str], Callable[[Path, Path | None], Setup]] = {
    ("bare", "openai"): _bare,
    ("bare", "langchain"): _bare,
    ("run collector", "langchain"): _run_collector,
    ("tracekit", "openai"): _tracekit_openai,
    ("tracekit", "langchain"): _tracekit_langchain,
    ("mlflow", "openai"): _mlflow("openai"),
    ("mlflow", "langchain"): _mlflow("langchain"),
    ("langfuse", "openai"): _langfuse_openai,
    ("langfuse", "langchain"): _langfuse_langchain,
    ("openinference", "openai"): _instrumentor(
        f"{_OPENINFERENCE}.openai", "OpenAIInstrumentor", "openai"
    ),
    ("openinference", "langchain"): _instrumentor(
        f"{_OPENINFERENCE}.langchain", "LangChainInstrumentor", "langchain_core"
    ),
    ("traceloop", "openai"): _instrumentor(f"{_OTEL}.openai", "OpenAIInstrumentor", "openai"),
    ("traceloop", "langchain"): _instrumentor(
        f"{_OTEL}.langchain", "LangchainInstrumentor", "langchain_core"
    ),
    ("genai-openai", "openai"): _instrumentor(
        f"{_OTEL}.genai.openai", "OpenAIInstrumentor", "openai", **_GENAI
    ),
    ("logfire", "openai"): _logfire_openai,
    ("langsmith", "openai"): _langsmith_openai,
    ("langsmith", "langchain"): _langsmith_langchain,
    ("opik", "openai"): _opik_openai,
}
SETUPS |= {
    ("bare", DURABLE): _bare,
    ("tracekit", DURABLE): _tracekit_openai,
    ("tracekit, read", DURABLE): _tracekit_read,
    ("mlflow", DURABLE): _mlflow("openai"),
    ("mlflow synchronous", DURABLE): _mlflow("openai", is_async=False),
    ("langfuse", DURABLE): _langfuse_openai,
    ("openinference", DURABLE): SETUPS["openinference", "openai"],
}


def tools_for(library: str) -> list[str]:
    """Ours and the peers that trace it."""
    return [tool for tool, traced in SETUPS if traced == library]
