"""Documents and docstrings can't lie: their examples run."""

import doctest
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

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


def blocks(page: Path) -> list[str]:
    return re.findall(
        r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


@pytest.mark.parametrize(
    ("page", "code"),
    [pytest.param(p, code, id=f"{p.stem}-{i}") for p in PAGES for i, code in enumerate(blocks(p))],
)
@pytest.mark.usefixtures("provider", "store")
def test_each_python_block_of_the_documents_runs(
    page: Path, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    exec(compile(code, str(page), "exec"), {"__name__": "__main__"})  # noqa: S102  ours
    promised = re.findall(r"^#> ?(.*)$", code, re.MULTILINE)
    assert not promised or capsys.readouterr().out.splitlines() == promised


MODULES = sorted(
    {
        module.name
        for package in ("tracekit", "tracekit.ui", "tracekit.evaluators")
        for module in pkgutil.walk_packages(
            importlib.import_module(package).__path__, f"{package}."
        )
        if not module.name.endswith("__main__")
    }
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
