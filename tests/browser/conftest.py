"""A real browser. Whatever a page does, it must log no error and reach for no network."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import report_data as data
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request, sync_playwright
from report_reader import Open, Reader

from tracekit.model import Trace

CHROMIUM = "/usr/bin/chromium"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def watch(page: Page, address: str, note: Callable[[str], None]) -> None:
    """Have all that must not happen in a page noted."""

    def on_console(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            note(message.text)

    def on_dialog(dialog: Dialog) -> None:
        note(f"dialog {dialog.message}")
        dialog.dismiss()

    def on_request(request: Request) -> None:
        if not request.url.startswith((address, "blob:null/")):
            note(f"request {request.url}")

    page.on("console", on_console)
    page.on("pageerror", lambda error: note(str(error)))
    page.on("dialog", on_dialog)
    page.on("request", on_request)


@pytest.fixture
def read(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Writes a report and opens it; at the end asserts that nothing went wrong in the page."""
    readers: list[Reader] = []

    def open_report(traces: list[Trace], with_runs: bool = False, **options: Any) -> Reader:
        path = data.write(tmp_path / "report.html", traces, with_runs=with_runs)
        options = {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light", **options}
        context = browser.new_context(**options)
        context.set_default_timeout(10_000)
        reader = Reader(context.new_page(), path)
        watch(reader.page, path.as_uri(), reader.faults.append)
        reader.go("#/overview")
        readers.append(reader)
        return reader

    yield open_report
    for reader in readers:
        faults = list(reader.faults)
        reader.page.context.close()
        assert faults == []
