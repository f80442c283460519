"""Where a run comes from: script, user, git commit, versions, machine.

Found once per process. No arguments, no values of the environment, no credentials.
"""

import getpass
import logging
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from tracekit import guard
from tracekit._version import __version__

logger = logging.getLogger(__name__)

GIT_TIMEOUT_S = 0.5
_PACKAGES = (
    *("anthropic", "keras", "langchain", "langchain-core", "lightgbm", "numpy", "openai", "optuna"),
    *("pandas", "scikit-learn", "tensorflow", "torch", "transformers", "xgboost"),
)
_MODULE_OF = {"scikit-learn": "sklearn"}


@cache
def user_name() -> str | None:
    """Who runs this process."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return None
    except Exception:
        guard.failed("the user of a run")
        return None


@cache
def source() -> dict[str, Any]:
    """The facts of this process's runs; what can't be found is left out."""
    facts: dict[str, Any] = {}
    try:
        name, kind = _entry_point()
        facts = {
            "name": name,
            "type": kind,
            "tracekit": __version__,
            "python": platform.python_version(),
            "platform": platform.platform(),
            "cpu_count": os.cpu_count(),
            "packages": _versions(),
            "git": _git(_source_folder(name)),
        }
    except Exception:
        guard.failed("the facts of a run")
    return {key: value for key, value in facts.items() if value}


def tags() -> dict[str, str]:
    """Those of the facts that people filter by."""
    named: dict[str, str | None] = {}
    try:
        found = source()
        git = found.get("git", {})
        named = {
            "tracekit.user": user_name(),
            "tracekit.source.name": found.get("name"),
            "tracekit.git.commit": git.get("commit"),
            "tracekit.git.branch": git.get("branch"),
        }
    except Exception:
        guard.failed("the tags of a run")
    return {key: value for key, value in named.items() if value}


def _entry_point() -> tuple[str, str]:
    if "ipykernel" in sys.modules:
        return "notebook", "NOTEBOOK"
    path = sys.argv[0] if sys.argv else ""
    return (path if path not in {"", "-c"} else "python"), "LOCAL"


def _source_folder(name: str) -> Path:
    path = Path(name)
    return path.absolute().parent if path.is_file() else Path.cwd()


def _versions() -> dict[str, str]:
    """Of the packages in use that results may depend on."""
    found: dict[str, str] = {}
    for package in _PACKAGES:
        if _MODULE_OF.get(package, package.replace("-", "_")) in sys.modules:
            try:
                found[package] = metadata.version(package)
            except metadata.PackageNotFoundError:
                continue
    return found


def _git(folder: Path) -> dict[str, Any]:
    """Commit, branch, whether files differ from it, and the origin; empty outside a repository."""
    try:
        if not any((parent / ".git").exists() for parent in (folder, *folder.parents)):
            return {}
        status = _run_git(folder, "status", "--porcelain=v2", "--branch", "--untracked-files=no")
        lines = status.splitlines()
        facts: dict[str, Any] = {
            "commit": _field(lines, "# branch.oid "),
            "branch": _field(lines, "# branch.head "),
            "dirty": any(not line.startswith("#") for line in lines),
        }
        origin = _run_git(folder, "config", "--get", "remote.origin.url").strip()
    except (OSError, subprocess.SubprocessError, UnicodeError) as error:
        logger.debug("no facts from git: %s", error)
        return {}
    return {**facts, "origin": without_credentials(origin)} if origin else facts


def _field(lines: Sequence[str], start: str) -> str:
    return next((line.removeprefix(start) for line in lines if line.startswith(start)), "")


def _run_git(folder: Path, *arguments: str) -> str:
    """Output of git, which may neither wait for anyone nor run or lock anything."""
    command = ["git", "-c", "core.fsmonitor=false", "-C", str(folder), *arguments]
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    done = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=GIT_TIMEOUT_S,
        check=False,
    )
    return done.stdout


def without_credentials(url: str) -> str:
    """The address of a repository without user, password and query.

    >>> without_credentials("https://me:secret@host.org/a/b.git?token=x")
    'https://host.org/a/b.git'
    >>> without_credentials("git@host.org:a/b.git")
    'host.org:a/b.git'
    """
    if "://" not in url:
        return url.rpartition("@")[2]
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
