"""What autologging adds to a call of the OpenAI client: CPU time, by turns in one process.

    python tests/benchmarks/capture.py [--peers none] [--repeats 3] [--rounds 25] [--calls 20]

The transport answers within the process, so nothing but CPU is spent; that of background threads
counts, until all spans have arrived. In each round the bare and the autologged client make so many
calls each. What the bare client seems to add to itself is the noise: what lies within it ranks
nobody. The floor is one span of the bare OpenTelemetry SDK with the same attributes, behind a
batch processor whose exporter drops it.
"""

import argparse
import json
import statistics
import sys
import threading
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import measuring
import peers
import setups
import transport

QUESTION, ANSWER = "What is the capital of France, and why? " * 8, "Paris. " * 90
KINDS = {"plain": "One call, about 1 KB", "stream": f"One stream of {transport.CHUNKS} chunks"}


def measure(tool: str, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Figures of each round, in the tool's own environment."""
    client, to_wrap = transport.client(), transport.client()
    for call in (transport.plain, transport.stream):  # loads what the client loads late
        call(client)
    setup = setups.set_up(tool, "openai", folder)
    wrapped, result = setup.wrap(to_wrap), dict[str, Any]()
    for kind, calls in {"plain": options.calls, "stream": max(1, options.calls // 4)}.items():
        call = getattr(transport, kind)
        bare, traced = partial(call, client), partial(call, wrapped)
        result[kind] = setup.rounds(bare, traced, calls, options.rounds)
    if tool == "tracekit":
        result["floor"] = floor(options, folder)
    return result


def floor(options: argparse.Namespace, folder: Path) -> dict[str, list[float]]:
    """A bare span and a traced function, with the same attributes in pairs."""
    import tracekit

    def plain(question: str) -> str:
        return ANSWER

    traced = tracekit.trace(name="traced")(plain)
    traced(QUESTION)
    of_function, of_call = (
        recorded_attributes(folder, "traced"),
        recorded_attributes(folder, "chat"),
    )
    provider, _ = setups.opentelemetry(None)
    tracer = provider.get_tracer("floor")

    def span(name: str, attributes: dict[str, Any]) -> None:
        with tracer.start_as_current_span(name) as inner:
            inner.set_attributes(attributes)

    work = {
        "bare span as of a call": partial(span, "chat gpt-5-mini", of_call),
        "bare span as of a function": partial(span, "traced", of_function),
        "traced function": partial(traced, QUESTION),
    }
    count, flush = 10 * options.calls, provider.force_flush

    def disabled() -> float:
        tracekit.configure(enabled=False)
        try:
            return measuring.cpu_us(partial(traced, QUESTION), count)
        finally:
            tracekit.configure(enabled=True)

    ways = {name: partial(measuring.cpu_us, one, count, flush) for name, one in work.items()}
    ways["traced function, disabled"] = disabled
    ways["the function alone"] = partial(measuring.cpu_us, partial(plain, QUESTION), count)
    return measuring.by_turns(ways, options.rounds)


def recorded_attributes(folder: Path, name: str) -> dict[str, Any]:
    """The attributes of a span in the spool whose name begins so."""
    for file in (folder / "store" / "spool").glob("*.ndjson"):
        for record in map(json.loads, file.read_bytes().splitlines()):
            if record["kind"] == "span" and record["name"].startswith(name):
                return dict(record["attributes"])
    raise LookupError(name)


def count_code(tool: str, folder: Path) -> dict[str, Any]:
    """The functions that one autologged call runs and a bare one does not, of all threads."""
    seen: set[tuple[str, int]] = set()

    def note(frame: Any, event: str, _: object) -> None:
        if event == "call" and not frame.f_code.co_name.startswith("<"):
            seen.add((frame.f_code.co_filename, frame.f_code.co_firstlineno))

    threading.setprofile(note)  # for threads that start from here on
    client, to_wrap = transport.client(), transport.client()

    def functions(call: Callable[[], object]) -> set[tuple[str, int]]:
        call()
        seen.clear()
        sys.setprofile(note)
        call()
        sys.setprofile(None)
        return set(seen)

    bare = functions(partial(transport.plain, client))
    setup = setups.set_up(tool, "openai", folder)
    wrapped = setup.wrap(to_wrap)
    setup.turn(True)

    def logged() -> None:
        transport.plain(wrapped)
        setup.flush()

    more = functions(logged) - bare
    own = {one for one in more if is_own(tool, one[0])}
    return {
        "own functions": len(own),
        "in files": len({file for file, _ in own}),
        "all functions": len(more),
    }


def is_own(tool: str, file: str) -> bool:
    if tool == "tracekit":
        import tracekit

        return Path(file).is_relative_to(Path(tracekit.__file__).parent)
    folders = peers.PEERS[tool.partition(" ")[0]].folders
    return any(f"/site-packages/{folder}/" in file for folder in folders)


def floor_rows(repeats: list[dict[str, Any]]) -> Iterable[measuring.Row]:
    rounds = {
        name: [value for one in repeats for value in one["floor"][name]]
        for name in repeats[0]["floor"]
    }
    for name, values in rounds.items():
        row = {"": name, "µs": statistics.median(values)}
        if name == "traced function":
            of = rounds["bare span as of a function"]
            ratios = [one / floor for one, floor in zip(values, of, strict=True)]
            low, high = measuring.interval(ratios)
            row |= {"of its floor": statistics.median(ratios), "from": low, "to": high}
        yield row


def main() -> None:
    parser = peers.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--calls", type=int, default=20)
    parser.add_argument("--count", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        peers.stay_here()
        if options.count:
            peers.answer(count_code(options.inside, Path.cwd()))
        peers.answer(measure(options.inside, options, Path.cwd()))
    facts = measuring.machine()
    tools = ["bare", "tracekit", *peers.chosen(options.peers, setups.tools_for("openai"))]
    results = peers.run_all(
        tools, __file__, options.repeats, "--rounds", options.rounds, "--calls", options.calls
    )
    tables = {
        title: [
            measuring.added_row(peers.with_version(tool), [one[kind] for one in repeats])
            for tool, repeats in results.items()
        ]
        for kind, title in KINDS.items()
    }
    tables["The floor, and a traced function"] = list(floor_rows(results["tracekit"]))
    tables["Functions that one autologged call runs through"] = [
        {"": peers.with_version(tool), **counted}
        for tool in results
        if tool != "bare" and (counted := peers.run(tool, __file__, "--count"))
    ]
    measuring.publish(tables, facts, options.json)


if __name__ == "__main__":
    main()
