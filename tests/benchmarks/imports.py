"""What importing costs, what switching on costs, and how much there is to install.

    python tests/benchmarks/imports.py [--peers none] [--repeats 5] [--no-install]

CPU milliseconds of a fresh interpreter above `python -c pass`, by turns; each in an environment
of its own with the compiled files there already. Sizes are of what the environment has in
site-packages, without compiled files, pip and setuptools.
"""

import shutil
import statistics
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import measuring
import peers

ROOT = Path(__file__).parents[2]
SDK = "import opentelemetry.sdk.trace"
PROGRAMS = {
    "openai": "import openai",
    "opentelemetry-sdk": SDK,
    "tracekit": "import tracekit",
    "tracekit, autolog()": "import tracekit; tracekit.autolog()",
    "tracekit, autolog(), one span": (
        "import tracekit; tracekit.autolog(); tracekit.start_span('first').__enter__()"
    ),
}
BESIDE_OPENAI = {
    "opentelemetry-sdk": SDK,
    "tracekit.openai.autolog()": "import tracekit; tracekit.openai.autolog()",
    "the same, TRACEKIT_DISABLED=1": (
        "import os; os.environ['TRACEKIT_DISABLED'] = '1';"
        "import tracekit; tracekit.openai.autolog()"
    ),
}


def cpu_ms(python: str, code: str) -> float:
    command = [python, "-I", "-W", "ignore", "-c", code]
    run = partial(subprocess.run, command, env=peers.quiet_environment(), check=True)
    with tempfile.TemporaryDirectory() as folder:
        work = partial(run, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return measuring.cpu_us_of_children(work) / 1e3


def modules(python: str, code: str) -> int:
    counting = f"import sys; before = len(sys.modules); {code}; print(len(sys.modules) - before)"
    command = [python, "-I", "-W", "ignore", "-c", counting]
    with tempfile.TemporaryDirectory() as folder:
        said = subprocess.run(
            command, env=peers.quiet_environment(), cwd=folder, capture_output=True, check=True
        )
    return int(said.stdout.split()[-1])


def import_row(
    name: str, python: str, code: str, repeats: int, base: str = "pass"
) -> measuring.Row:
    ways = {"base": partial(cpu_ms, python, base), "on": partial(cpu_ms, python, code)}
    taken = measuring.by_turns(ways, repeats)
    more = [one - other for one, other in zip(taken["on"], taken["base"], strict=True)]
    low, high = measuring.interval(more)
    loaded = modules(python, code) - (0 if base == "pass" else modules(python, base))
    return {"": name, "ms": statistics.median(more), "from": low, "to": high, "modules": loaded}


def size_row(name: str, python: str) -> measuring.Row:
    site_packages = next(Path(python).parents[1].glob("lib/python*/site-packages"))
    tools = {"pip", "setuptools", "wheel", "_virtualenv.py", "_virtualenv.pth"}
    own = [
        one
        for one in site_packages.iterdir()
        if one.name.partition("-")[0] not in tools and one.name != "__pycache__"
    ]
    files = (path for one in own for path in (one.rglob("*") if one.is_dir() else [one]))
    total = sum(path.stat().st_size for path in files if path.is_file() and path.suffix != ".pyc")
    installed = sum(one.suffix == ".dist-info" for one in own)
    return {"": name, "MB": total / 1e6, "distributions": installed}


def installed_tracekit(folder: Path) -> Iterator[tuple[str, str]]:
    """Fresh environments with the project as it is here, without and with each extra."""
    source = folder / "source"
    shutil.copytree(
        ROOT, source, symlinks=True, ignore=shutil.ignore_patterns(".*", "build", "tests")
    )
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for extra in ["", *sorted(set(project["optional-dependencies"]) - {"dev"})]:
        name = f"tracekit[{extra}]" if extra else "tracekit"
        python = folder / name / "bin" / "python"
        peers.install(python.parents[1], python, [f"{name} @ {source.as_uri()}"])
        yield name, str(python)


def main() -> None:
    parser = peers.parser(__doc__)
    parser.set_defaults(repeats=5)
    parser.add_argument("--no-install", action="store_true", help="this interpreter, no sizes")
    options = parser.parse_args()
    facts, repeats = measuring.machine(), options.repeats
    tables: measuring.Tables = {}
    with tempfile.TemporaryDirectory() as folder:
        if options.no_install:
            alone = with_openai = sys.executable
        else:
            pythons = dict(installed_tracekit(Path(folder)))
            alone, with_openai = pythons["tracekit"], pythons["tracekit[openai]"]
        imports = [
            import_row(name, with_openai if name == "openai" else alone, code, repeats)
            for name, code in PROGRAMS.items()
        ]
        beside = [
            import_row(name, with_openai, f"import openai; {code}", repeats, "import openai")
            for name, code in BESIDE_OPENAI.items()
        ]
        sizes = [] if options.no_install else [size_row(*one) for one in pythons.items()]
    for tool in peers.chosen(options.peers, list(peers.PEERS)):
        python, name = peers.python_for_size(tool), peers.with_version(tool)
        imports.append(import_row(name, python, f"import {peers.PEERS[tool].module}", repeats))
        sizes.append(size_row(f"{name}, with openai", python))
    tables["Importing, above an empty program"] = imports
    tables["Beyond the import of openai"] = beside
    if sizes:
        tables["What is installed"] = sizes
    measuring.publish(tables, facts, options.json)


if __name__ == "__main__":
    main()
