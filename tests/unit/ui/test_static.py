"""The scripts of the page: each parses, their logic holds, and nothing in them is unsafe."""

import re
import subprocess
from pathlib import Path

import pytest
from playwright._impl._driver import compute_driver_executable

from tracekit.ui.bundle import bundle, script, style

ROOT = Path(__file__).parents[3]
NODE = compute_driver_executable()[0]
MODULES = sorted((ROOT / "ui" / "static").glob("*.js"))


def node(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [NODE, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    "path", sorted(Path(__file__).parent.glob("*.test.mjs")), ids=lambda path: path.name
)
def test_logic_of_the_page(path: Path) -> None:
    result = node("--test", path)
    assert result.returncode == 0, result.stdout


def test_the_bundled_script_parses(tmp_path: Path) -> None:
    path = tmp_path / "page.mjs"
    path.write_text(script())
    result = node("--check", path)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_no_way_from_text_to_markup_or_code(path: Path) -> None:
    forbidden = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function"
        r"|setAttribute\(\s*[\"'](?:on|style)|\.srcdoc|javascript:|(?<!\{)\bimport\("
    )
    assert not forbidden.search(path.read_text())


def test_script_and_style_stay_small() -> None:
    assert len(script()) < 150_000
    assert len(style()) < 32_000


def test_every_module_is_checked_and_used() -> None:
    for path in MODULES:
        assert path.read_text().startswith("// @ts-check\n"), path
        assert f"const {path.stem}_js" in script()


def test_nothing_in_script_or_style_ends_its_element() -> None:
    for text in (script(), style()):
        assert not re.search(r"</(?:script|style)|<!--|\r", text, re.IGNORECASE)


def test_comments_stay_behind_and_strings_do_not() -> None:
    source = '/** Says\n * what. */\nexport const a = "/* kept */"; // kept\n// gone\nconst b = /** @type {any} */ (a);'
    assert bundle({"m": source}, "m").split("\n")[1:3] == [
        'const a = "/* kept */"; // kept',
        "const b = (a);",
    ]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_no_text_spans_lines(path: Path) -> None:
    assert [line for line in path.read_text().splitlines() if line.count("`") % 2] == []


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ({"a": 'import { b } from "./b.js";', "b": 'import { a } from "./a.js";'}, "a > b > a"),
        ({"a": 'import { b } from "./b.js";'}, "a imports b.js, which is missing"),
        ({"a": 'import b from "./b.js";'}, "can't be bundled: import b"),
        ({"a": "export default 3;"}, "can't be bundled: export default"),
    ],
)
def test_modules_that_cant_be_bundled_are_refused(sources: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        bundle(sources, "a")
