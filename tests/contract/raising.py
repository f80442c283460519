"""Every function of tracekit, made to raise in turn.

Each function's code is exchanged, once, for the same code with one call more: at its beginning,
or, where the function guards itself (`try: … except Exception: guard.failed(…)`), at the
beginning of what it guards. That call raises in the one function that is the target.

A function without a guard that was called by the program, or by a library, is its own call: no
guard of ours is around it. There it does not raise. `Faults.outermost` tells which these are.
Nor does it below a function that gives back what only it can make (`GIVING_BACK`): such a one
tells of a failure by raising.
"""

import ast
import builtins
import contextlib
import gc
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

from observing import OURS

_HOOK = "__tracekit_fault__"
_FREE = ("guard.py",)
"""Modules that stay as they are: what catches a failure is not the one that fails."""
GIVING_BACK = frozenset({"start_run", "log_feedback", "log_expectation"})


class Faults:
    """Which of our functions are called, and the one that is to raise."""

    def __init__(self) -> None:
        self.target: str | None = None
        self.error: type[Exception] = RuntimeError
        self.raised = 0
        self.inside: set[str] = set()
        """Functions that could have raised where they were called."""
        self.outermost: set[str] = set()
        """Functions that could not: the program's own calls."""
        self.giving_back: set[str] = set()
        """Functions that could not, as they are part of one that gives back what it makes."""
        self.is_listening = False
        self._former: list[tuple[FunctionType, CodeType]] = []

    def reached(self, name: str, *, is_guarded: bool) -> None:
        """What each function calls first."""
        if not self.is_listening:
            return
        if not is_guarded and not _is_ours(sys._getframe(2)):
            self.outermost.add(name)
        elif not is_guarded and _is_giving_back(sys._getframe(2)):
            self.giving_back.add(name)
        elif self.target is None:
            self.inside.add(name)
        elif self.target == name:
            self.raised += 1
            raise self.error(OF_OURS)

    def install(self) -> None:
        setattr(builtins, _HOOK, self.reached)
        codes = dict(_codes_with_hook())
        for function in _our_functions():
            code = function.__code__
            hooked = codes.get(_key(code))
            if hooked is not None and hooked.co_freevars == code.co_freevars:
                self._former.append((function, code))
                function.__code__ = hooked

    def remove(self) -> None:
        for function, code in self._former:
            function.__code__ = code
        self.target = None


OF_OURS = "tracekit fails on purpose"


def _is_ours(caller: FrameType | None) -> bool:
    while caller is not None and caller.f_code.co_filename == contextlib.__file__:
        caller = caller.f_back
    return caller is not None and caller.f_code.co_filename.startswith(OURS)


def _is_giving_back(caller: FrameType | None) -> bool:
    while caller is not None and caller.f_code.co_filename.startswith(OURS):
        if caller.f_code.co_qualname in GIVING_BACK:
            return True
        caller = caller.f_back
    return False


def _our_functions() -> list[FunctionType]:
    gc.unfreeze()
    found = [each for each in gc.get_objects() if type(each) is FunctionType]
    gc.freeze()
    return [each for each in found if each.__code__.co_filename.startswith(OURS)]


def forget_what_is_kept() -> None:
    """Empty the caches of our functions, so that they are called."""
    for cache in _caches:
        cache.cache_clear()


def find_caches() -> None:
    gc.unfreeze()
    _caches[:] = [
        each
        for each in gc.get_objects()
        if type(each).__name__ == "_lru_cache_wrapper"
        and getattr(each.__wrapped__, "__module__", "").startswith("tracekit")
    ]
    gc.freeze()


_caches: list[Any] = []


def _codes_with_hook() -> Iterator[tuple[tuple[str, str, int], CodeType]]:
    for module in [m for name, m in sys.modules.items() if name.startswith("tracekit")]:
        path = getattr(module, "__file__", None)
        if path and path.endswith(".py") and not path.endswith(_FREE):
            tree = ast.parse(Path(path).read_bytes())
            hooked = _Hooking(module.__name__.removeprefix("tracekit.")).visit(tree)
            code = compile(ast.fix_missing_locations(hooked), path, "exec")
            yield from ((_key(inner), inner) for inner in _codes_in(code))


def _codes_in(code: CodeType) -> Iterator[CodeType]:
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield inner
            yield from _codes_in(inner)


def _key(code: CodeType) -> tuple[str, str, int]:
    return code.co_filename, code.co_qualname, code.co_firstlineno


class _Hooking(ast.NodeTransformer):
    def __init__(self, module: str) -> None:
        self.path = [module]

    def visit_ClassDef(self, node: ast.ClassDef) -> Any:
        self.path.append(node.name)
        self.generic_visit(node)
        self.path.pop()
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        self.path.append(node.name)
        self.generic_visit(node)
        guarded = next((each for each in node.body if _is_guard(each)), None)
        call = ast.Expr(self.hook(is_guarded=guarded is not None))
        if isinstance(guarded, ast.Try | ast.With):
            guarded.body.insert(0, call)
        else:
            node.body.insert(1 if ast.get_docstring(node) is not None else 0, call)
        self.path.pop()
        return node

    visit_AsyncFunctionDef = visit_FunctionDef  # type: ignore[assignment]

    def hook(self, *, is_guarded: bool) -> ast.expr:
        name = ".".join(self.path)
        known = [ast.keyword("is_guarded", ast.Constant(is_guarded))]
        return ast.Call(ast.Name(_HOOK, ast.Load()), [ast.Constant(name)], known)


def _is_guard(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.With):
        return "guard.harmless(" in ast.unparse(statement.items[0])
    return isinstance(statement, ast.Try) and any(
        ast.unparse(handler.type or ast.Constant(None)) == "Exception"
        and "guard.failed(" in ast.unparse(handler)
        for handler in statement.handlers
    )
