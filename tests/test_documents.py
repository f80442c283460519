"""Documents and docstrings can't lie: their examples run."""

import doctest
import importlib
import os
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_examples import CodeExample, EvalExample, find_examples

import tracekit
from tracekit.demo.server import serve

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with serve() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "none")
        yield
    tracekit.autolog(disable=True)


@pytest.mark.parametrize("example", list(find_examples(*PAGES)), ids=str)
@pytest.mark.usefixtures("provider", "store")
def test_each_python_block_of_the_documents_runs(
    example: CodeExample, eval_example: EvalExample
) -> None:
    eval_example.run_print_check(example)


MODULES = sorted(
    module.name
    for package in ("tracekit", "tracekit.ui", "tracekit.evaluators")
    for module in pkgutil.walk_packages(
        importlib.import_module(package).__path__, f"{package}."
    )
)


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.usefixtures("store")
def test_examples_in_docstrings_run(name: str) -> None:
    results = doctest.testmod(
        importlib.import_module(name), optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    )
    assert results.failed == 0


def test_links_between_documents_lead_somewhere() -> None:
    for page in [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_each_command_is_documented_and_has_help() -> None:
    commands = subprocess.run(
        [sys.executable, "-m", "tracekit", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "100"},
    ).stdout
    documented = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    names = re.findall(r"^  (\w+)  ", commands, re.MULTILINE)
    assert len(names) >= 8
    for name in names:
        assert f"tracekit {name}" in documented
