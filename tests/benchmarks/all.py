"""Runs all benchmarks and writes their tables into docs/performance.md.

    python tests/benchmarks/all.py [--only capture,imports] [--peers none] [--json FILE]

About a quarter of an hour on two quiet cores, peers' environments once installed. A table replaces
what stands between its two markers in the page, `<!-- figures: NAME -->` and `<!-- end -->`. With
`--quick` the scripts only prove that they run, and the page stays as it is.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import measuring

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "performance.md"
QUICK: dict[str, list[str]] = {
    "capture": ["--repeats", "1", "--rounds", "1", "--calls", "4"],
    "langchain": ["--repeats", "1", "--rounds", "1", "--calls", "4"],
    "imports": ["--repeats", "1", "--no-install"],
    "durability": ["--repeats", "1", "--rounds", "1", "--calls", "4"],
    "tracking": ["--points", "2000", "--runs", "10", "--count", "20"],
    "ingest": ["--spans", "500", "--metric-values", "1000"],
}
"""Every script, with the arguments that make it short."""
WITHOUT_PEERS = {"ingest"}


def run(script: str, arguments: list[str]) -> dict[str, Any]:
    """The machine and the tables of one script, which prints them as well."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "figures.json"
        command = [sys.executable, str(HERE / f"{script}.py"), "--json", str(file), *arguments]
        subprocess.run(command, check=True)
        result: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return result


def markdown(rows: list[measuring.Row]) -> str:
    names, *lines = measuring.grid(rows)
    rule = ["---", *["---:"] * (len(names) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (names, rule, *lines))


def filled(page: str, figures: dict[str, str]) -> str:
    """The page with the figures between their markers.

    Raises:
        LookupError: There is no place for a table.
    """
    for name, text in figures.items():
        marked = re.compile(rf"(<!-- figures: {re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL)
        page, count = marked.subn(lambda found: f"{found[1]}\n{text}\n\n{found[2]}", page)  # noqa: B023
        if not count:
            raise LookupError(f"{PAGE.name} has no place for {name!r}")
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default=",".join(QUICK), help="scripts, with commas between")
    parser.add_argument("--peers", default="all", help="all, none, or names with commas between")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    figures, results = dict[str, str](), dict[str, Any]()
    for script in options.only.split(","):
        began = time.perf_counter()
        arguments = QUICK[script] if options.quick else []
        peers = [] if script in WITHOUT_PEERS else ["--peers", options.peers]
        results[script] = result = run(script, [*arguments, *peers])
        figures |= {name: markdown(rows) for name, rows in result["tables"].items()}
        facts = result["machine"]
        figures[f"machine of {script}"] = ", ".join(f"{k}: {v}" for k, v in facts.items())
        print(f"\n{script} took {time.perf_counter() - began:.0f} s\n", flush=True)
        if options.json:
            text = json.dumps(results, indent=2, ensure_ascii=False)
            options.json.write_text(text + "\n", encoding="utf-8")
        if not options.quick:
            PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), figures), encoding="utf-8")


if __name__ == "__main__":
    main()
