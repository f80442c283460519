"""The tools beside which tracekit is measured: how each is installed, and run in its environment.

Environments are made once and kept in `~/.cache/tracekit-benchmarks`, or where
`TRACEKIT_BENCHMARKS_CACHE` says. Telemetry of all tools is off, and no connection but to this
machine succeeds while one is measured.
"""

import argparse
import hashlib
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A tool and what it is made of."""

    requirements: tuple[str, ...]
    """The first is the tool itself; the last versions that these scripts were run with."""
    langchain: tuple[str, ...] = ()
    """What it needs besides for LangChain."""
    module: str
    """What a program imports."""
    folders: tuple[str, ...]
    """Its own code within site-packages."""


_SDK = "opentelemetry-sdk==1.45.2"
_INSTRUMENTATION = "opentelemetry/instrumentation"
PEERS = {
    "mlflow": Peer(requirements=("mlflow==3.17.2",), module="mlflow", folders=("mlflow",)),
    "langfuse": Peer(
        requirements=("langfuse==5.0.4",),
        langchain=("langchain==1.5.2",),
        module="langfuse",
        folders=("langfuse",),
    ),
    "openinference": Peer(
        requirements=("openinference-instrumentation-openai==0.1.66", _SDK),
        langchain=("openinference-instrumentation-langchain==0.1.80",),
        module="openinference.instrumentation.openai",
        folders=("openinference",),
    ),
    "traceloop": Peer(
        requirements=("opentelemetry-instrumentation-openai==0.62.4", _SDK),
        langchain=("opentelemetry-instrumentation-langchain==0.62.4",),
        module="opentelemetry.instrumentation.openai",
        folders=(_INSTRUMENTATION, "opentelemetry/semconv_ai"),
    ),
    "genai-openai": Peer(
        requirements=("opentelemetry-instrumentation-genai-openai==1.3b0", _SDK),
        module="opentelemetry.instrumentation.genai.openai",
        folders=(_INSTRUMENTATION, "opentelemetry/util/genai"),
    ),
    "logfire": Peer(requirements=("logfire==5.4.0",), module="logfire", folders=("logfire",)),
    "langsmith": Peer(
        requirements=("langsmith==0.15.1",), module="langsmith", folders=("langsmith",)
    ),
    "opik": Peer(requirements=("opik==2.2.122",), module="opik", folders=("opik",)),
}

OURS = {
    "bare": "bare again: the noise",
    "run collector": "LangChain's run collector",
    "tracekit": "tracekit",
    "tracekit, read": "tracekit, spool and database",
}
"""What runs in the environment of this script, which has the project and its `dev` extra."""


def parser(documentation: str | None) -> argparse.ArgumentParser:
    """The options that all scripts have."""
    options = argparse.ArgumentParser(
        description=documentation, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--peers", default="all", help="all, none, or names with commas between")
    options.add_argument("--repeats", type=int, default=3, help="processes for each tool")
    options.add_argument("--json", type=Path, metavar="FILE")
    options.add_argument("--inside", metavar="TOOL", help=argparse.SUPPRESS)
    return options


def chosen(peers: str, offered: Sequence[str]) -> list[str]:
    """Those of the tools on offer that `--peers` names; `mlflow` means each way to run it."""
    names = [one for one in offered if one not in OURS]
    if peers == "all":
        return names
    wanted = [] if peers == "none" else peers.split(",")
    if unknown := set(wanted) - set(PEERS):
        sys.exit(f"--peers: {', '.join(sorted(unknown))} unknown; there are {', '.join(PEERS)}")
    return [name for name in names if name.partition(" ")[0] in wanted]


def run(tool: str, script: str, *arguments: object) -> Any:
    """What `script --inside TOOL` gives to `answer`, run in the tool's environment.

    None, and the reason on standard error, if it fails: one peer less, not no figures at all.
    """
    try:
        python = sys.executable if tool in OURS else python_of(tool)
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [python, "-W", "ignore", script, "--inside", tool, *map(str, arguments)],
                cwd=folder,
                env=quiet_environment(),
                capture_output=True,
                text=True,
                check=True,
                timeout=900,
            )
        return json.loads(done.stdout.splitlines()[-1])
    except (subprocess.SubprocessError, IndexError, ValueError) as error:
        said = str(getattr(error, "stderr", "") or error).strip().splitlines()
        print(f"{tool} is left out: {said[-1]}", file=sys.stderr)
        return None


def run_all(
    tools: Sequence[str], script: str, repeats: int, *arguments: object
) -> dict[str, list[Any]]:
    """`run` for each tool, so many times in turn; tools that failed are left out."""
    results: dict[str, list[Any]] = {tool: [] for tool in tools}
    for _ in range(repeats):
        for tool in tools:
            if (result := run(tool, script, *arguments)) is not None:
                results[tool].append(result)
    return {tool: some for tool, some in results.items() if some}


def answer(result: object) -> NoReturn:
    """Give the result to `run`, and end without waiting for services that are not there."""
    print(json.dumps(result), flush=True)
    os._exit(0)


_QUIET = {
    "DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "OPIK_SENTRY_ENABLE": "false",
    "LOGFIRE_SEND_TO_LOGFIRE": "false",
    "TRACELOOP_TELEMETRY": "false",
    "OPENAI_API_KEY": "none",
}


def quiet_environment() -> dict[str, str]:
    """The environment with all telemetry off and nobody's settings."""
    settings = ("TRACEKIT_", "OTEL_", "MLFLOW_", "LANGFUSE_", "LANGSMITH_", "OPIK_", "LOGFIRE_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(settings)}
    return kept | _QUIET


def stay_here() -> None:
    """Let no socket of this process reach another machine."""
    connect, look_up = socket.socket.connect, socket.getaddrinfo
    local = {"127.0.0.1", "::1", "localhost", None}

    def checked_connect(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and address[0] not in local:
            raise ConnectionRefusedError(f"benchmarks stay on this machine: {address[0]}")
        connect(self, address)

    def checked_look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host not in local:
            raise socket.gaierror(f"benchmarks stay on this machine: {host}")
        return look_up(host, *args, **kwargs)

    socket.socket.connect = checked_connect  # type: ignore[method-assign,assignment]
    socket.getaddrinfo = checked_look_up


def with_version(tool: str) -> str:
    """The tool's name with its version."""
    if tool in OURS:
        return OURS[tool]
    first, *_ = PEERS[tool.partition(" ")[0]].requirements
    name, _, way = tool.partition(" ")
    return f"{name} {first.partition('==')[2]} {way}".rstrip()


def python_of(tool: str) -> str:
    """The interpreter of a peer's environment, with the clients that are in this one."""
    peer = PEERS[tool.partition(" ")[0]]
    clients = [f"{name}=={version(name)}" for name in ("openai", "langchain-core")]
    return environment(*peer.requirements, *peer.langchain, *clients)


def python_for_size(tool: str) -> str:
    """The interpreter of an environment with nothing but the peer and the OpenAI client."""
    return environment(*PEERS[tool].requirements, f"openai=={version('openai')}")


def environment(*requirements: str) -> str:
    """The interpreter of an environment that has these, made if there is none yet."""
    key = "\n".join((platform.python_version(), *requirements)).encode()
    tool = Path(requirements[0]).name.partition("==")[0]
    folder = cache() / f"{tool}-{hashlib.sha256(key).hexdigest()[:8]}"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        print(f"installing {', '.join(requirements)}", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        install(folder, python, requirements)
        (folder / "complete").touch()
    return str(python)


def cache() -> Path:
    named = os.environ.get("TRACEKIT_BENCHMARKS_CACHE")
    return Path(named) if named else Path.home() / ".cache" / "tracekit-benchmarks"


def install(folder: Path, python: Path, requirements: Sequence[str]) -> None:
    """With uv if there is one, for it takes seconds; else with venv and pip."""
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv:
        _do(uv, "venv", "--quiet", "--python", sys.executable, str(folder))
        _do(uv, "pip", "install", "--quiet", "--python", str(python), *requirements)
    else:
        venv.create(folder, with_pip=True)
        _do(str(python), "-m", "pip", "install", "--quiet", *requirements)


def _do(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=900)
