"""What `tracekit version` says."""

from importlib import metadata
from platform import platform, python_version

import tracekit
from tracekit.pricing import default_prices

_PACKAGES = (
    *("openai", "langchain-core", "langchain", "langgraph", "langchain-openai"),
    *("opentelemetry-sdk", "duckdb", "pandas", "orjson"),
)


def versions() -> dict[str, str]:
    """The versions of tracekit and of what it stands on, by name."""
    found = {"tracekit": tracekit.__version__, "prices": default_prices().version}
    found |= {"python": python_version(), "platform": platform()}
    return found | {package: _installed(package) for package in _PACKAGES}


def _installed(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
