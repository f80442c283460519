"""docs/statistics.md holds what its scripts print, and that is what the project promises."""

import importlib
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(params=["make_coverage", "make_gate_rates"])
def script(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(sys, "path", [str(DOCS), *sys.path])
    return importlib.import_module(request.param)


def printed(name: str) -> str:
    page = (DOCS / "statistics.md").read_text(encoding="utf-8")
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- end -->", page, re.DOTALL)
    assert found, name
    return found[1]


def test_a_part_of_each_page_is_made_again(script: ModuleType) -> None:
    if script.__name__ == "make_coverage":
        assert script.proportions() == printed("proportions")
        assert script.pairs() == printed("pairs")
        wanted = script.scores(names=("1: 80 %, 0.75: 15 %, 0: 5 %",))
    else:
        wanted = script.rates(kinds=("yes or no",), sizes=(20, 50)) + script.predicted()
    lines = {line for name in script.TABLES for line in printed(name).splitlines()}
    assert set(wanted.splitlines()) <= lines


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_whole_page_is_made_again(script: ModuleType) -> None:
    for name, made in script.TABLES.items():
        assert made() == printed(name), name


def test_exact_coverage_is_as_promised() -> None:
    said = re.search(
        r"mean ([\d.]+) / ([\d.]+), least ([\d.]+) / (\d+\.\d)", printed("proportions")
    )
    assert said
    wilson, _, wilson_least, exact_least = map(float, said.groups())
    assert wilson >= 94
    assert wilson_least >= 90
    assert exact_least >= 95


def cells(name: str) -> list[list[str]]:
    lines = printed(name).splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line]


def test_other_intervals_cover_within_simulation_error() -> None:
    for name in ("scores", "clusters", "trials", "corrected"):
        for row in cells(name):
            ours = [float(cell.split("/")[1]) for cell in row[1:]]
            assert min(ours) >= 92.5, row
            assert sum(ours) / len(ours) >= 94, row


def test_the_gate_errs_as_rarely_as_it_says() -> None:
    for kind, _, change, _, _, *gates in cells("rates"):
        most = 5.3 if kind == "yes or no" else 6.4  # exact, and simulated: 4 standard errors
        for margin, gate in zip((0.05, 0.1), gates, strict=True):
            passed, failed, _ = map(float, gate.split("/"))
            if float(change) == 0:
                assert failed <= most
            if float(change) == -margin:
                assert passed <= most
