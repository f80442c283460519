"""The modules of ui/static as the one script and the one style sheet that a page carries.

A page opened from a file can't import its neighbours. So each module becomes a function that
gives back what it exports, in the order in which they need each other; names stay private to
their module, as they are in the sources. Only two forms are understood, and that is a rule for
the sources: `import { a, b } from "./module.js";` and `export` before a declaration. Comments
(`/** … */`, and `//` on a line of its own) and the space before a line stay behind, half of the
size; so no text may span lines.
"""

import re
from functools import cache
from importlib.resources import files
from typing import Any

_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([a-z_]+)\.js";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|class)\*? ?(\w+))", re.MULTILINE)
_OTHER = re.compile(r"^(?:import\b|export\b)[^\n]*", re.MULTILINE)
_BLOCK = r"/\*\*(?:(?!\*/).)*\*/"
_COMMENT = re.compile(
    rf"^[ \t]*{_BLOCK}[ \t]*\n|{_BLOCK} ?|^[ \t]*//[^\n]*\n", re.MULTILINE | re.DOTALL
)
_INDENT = re.compile(r"^[ \t\n]+", re.MULTILINE)
_STYLES = ("tokens", "base", "list", "trace", "message", "chart", "print")


@cache
def script() -> str:
    """All modules that app.js needs, as one module script."""
    sources = {
        path.name.removesuffix(".js"): path.read_text("utf-8")
        for path in _static().iterdir()
        if path.name.endswith(".js")
    }
    return bundle(sources, "app")


@cache
def style() -> str:
    """All style sheets, one after the other."""
    return "\n".join((_static() / f"{name}.css").read_text("utf-8") for name in _STYLES)


def bundle(sources: dict[str, str], start: str) -> str:
    r"""The modules that `start` needs, itself the last, as one script.

    Args:
        sources: Text of each module by its name, without `.js`.
        start: The module to begin with.

    Raises:
        ValueError: An import or export that is written otherwise, an unknown module, or modules
            that import each other.

    >>> modules = {"a": 'import { b } from "./b.js";\nb();', "b": "export const b = Date;"}
    >>> print(bundle(modules, "a"))
    const b_js = (() => {
    const b = Date;
    return { b };
    })();
    const a_js = (() => {
    const { b } = b_js;
    b();
    return {  };
    })();
    """
    return "\n".join(_as_function(name, sources[name]) for name in _in_order(sources, start))


def _static() -> Any:
    return files("tracekit.ui") / "static"


def _in_order(sources: dict[str, str], start: str) -> list[str]:
    order: list[str] = []
    path: list[str] = []

    def visit(name: str) -> None:
        if name in path:
            raise ValueError(f"modules import each other: {' > '.join([*path, name])}")
        if name in order:
            return
        if name not in sources:
            raise ValueError(
                f"{path[-1] if path else 'nobody'} imports {name}.js, which is missing"
            )
        path.append(name)
        for found in _IMPORT.finditer(sources[name]):
            visit(found[2])
        order.append(path.pop())

    visit(start)
    return order


def _as_function(name: str, source: str) -> str:
    exports = [found[1] for found in _EXPORT.finditer(source)]
    body = _IMPORT.sub(_destructured, source)
    body = _INDENT.sub("", _COMMENT.sub("", _EXPORT.sub("", body))).strip()
    if other := _OTHER.search(body):
        raise ValueError(f"{name}.js: this form can't be bundled: {other[0]}")
    return f"const {name}_js = (() => {{\n{body}\nreturn {{ {', '.join(exports)} }};\n}})();"


def _destructured(found: re.Match[str]) -> str:
    names = " ".join(found[1].split()).replace(" as ", ": ").rstrip(",")
    return f"const {{ {names} }} = {found[2]}_js;"
