"""What no linter checks: doors to third-party libraries, public names, packaging."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import tracekit

ROOT = Path(__file__).parents[1]
SOURCES = sorted(
    path
    for folder in ("tracekit", "evaluators", "ui")
    for path in (ROOT / folder).rglob("*.py")
    if not any(parent.is_symlink() for parent in path.parents)
)

GATES = {
    "duckdb": ("tracekit/store/",),
    "fsspec": ("tracekit/store/",),
    "pandas": ("tracekit/store/", "tracekit/tracking/", "tracekit/evaluation/"),
    "lark": ("tracekit/filters/",),
    "jinja2": ("ui/",),
    "openai": ("tracekit/integrations/", "tracekit/demo/"),
    "langchain_core": ("tracekit/integrations/", "tracekit/demo/"),
    "langchain_openai": ("tracekit/demo/",),
    "click": ("tracekit/cli.py",),
    "rich": ("tracekit/terminal/", "tracekit/reporting.py", "tracekit/evaluation/"),
    "opentelemetry": ("tracekit/provider.py", "tracekit/tracing/", "tracekit/integrations/", "tracekit/context.py"),
    "fcntl": ("tracekit/store/",),
    "scipy": ("tracekit/statistics/",),
}  # fmt: skip


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.partition(".")[0])
    return names


@pytest.mark.parametrize("library", GATES)
def test_each_library_has_one_door(library: str) -> None:
    strangers = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if library in imported(path) and not str(path.relative_to(ROOT)).startswith(GATES[library])
    ]
    assert strangers == []


def test_no_deserialiser_that_runs_code_and_no_shell() -> None:
    for path in SOURCES:
        assert not imported(path) & {"pickle", "cloudpickle", "joblib", "marshal", "shelve"}, path
        assert "shell=True" not in path.read_text(encoding="utf-8"), path


def test_importing_tracekit_loads_nothing_heavy() -> None:
    code = "import sys, tracekit; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    ).stdout.split()
    heavy = {"duckdb", "pandas", "numpy", "opentelemetry", "openai", "langchain_core", "rich",
             "click", "jinja2", "orjson", "fsspec", "lark", "logging", "scipy"}  # fmt: skip
    assert not heavy & set(loaded)


@pytest.mark.parametrize(
    "name", [n for n in tracekit.__all__ if n not in {"openai", "langchain", "statistics"}]
)
def test_public_names_resolve_and_are_documented(name: str) -> None:
    value = getattr(tracekit, name)
    assert name == "__version__" or value.__doc__


def test_a_public_name_is_never_also_a_module() -> None:
    modules = {path.stem for path in (ROOT / "tracekit").glob("*.py")}
    assert not modules & set(tracekit.__all__)


def test_packaging_lists_every_package_on_disk() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    top = {"tracekit": "tracekit", "tracekit.evaluators": "evaluators", "tracekit.ui": "ui"}
    on_disk = {
        ".".join([package, *path.parent.relative_to(ROOT / folder).parts])
        for package, folder in top.items()
        for path in (ROOT / folder).rglob("__init__.py")
        if not any(parent.is_symlink() for parent in path.parents)
    }
    assert set(settings["packages"]) == on_disk


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == tracekit.__version__
    assert f"## {tracekit.__version__}" in (ROOT / "CHANGELOG.md").read_text()
