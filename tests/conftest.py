"""What every test stands on: a store of its own, no settings left over, no failure swallowed."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tracekit import config, context, guard, recording
from tracekit.store.store import Store, open_store


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What needs the recorded corpus or long runs are other suites, deselected until asked for."""
    others = {"corpus": bool(os.environ.get("TRACEKIT_CORPUS"))}
    others["slow"] = "slow" in config.option.markexpr
    apart = [
        item
        for item in items
        if any(not asked and item.get_closest_marker(mark) for mark, asked in others.items())
    ]
    config.hook.pytest_deselected(items=apart)
    items[:] = [item for item in items if item not in apart]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ours = {name for name in os.environ if name.startswith(("TRACEKIT_", "OTEL_"))}
    for name in (ours - {"TRACEKIT_CORPUS"}) | {"OPENAI_API_KEY", "OPENAI_BASE_URL"}:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def no_failure_of_our_own(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Iterator[None]:
    """Failures inside tracekit are raised; an ERROR that it logs fails the test."""
    monkeypatch.setattr(guard, "strict", True)
    yield
    errors = [
        record.getMessage()
        for phase in ("setup", "call")
        for record in caplog.get_records(phase)
        if record.name.startswith("tracekit") and record.levelno >= logging.ERROR
    ]
    assert not errors, errors


@pytest.fixture(autouse=True)
def no_settings_left_over(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    config.reset()
    monkeypatch.setattr(recording, "_spools", {})
    yield
    config.reset()
    assert context.current_span.get() is None
    context.active_runs.set(())


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store, in use for this test."""
    config.set_tracking_uri(tmp_path / "store")
    return open_store()
