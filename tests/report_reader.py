"""Someone who reads a report in a browser."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Page


@dataclass
class Reader:
    """Someone who reads a report."""

    page: Page
    path: Path
    faults: list[str] = field(default_factory=list)

    def go(self, hash: str) -> None:
        self.page.goto("about:blank")
        self.page.goto(f"{self.path.as_uri()}{hash}")
        self.page.wait_for_selector("main > *")

    def hash(self) -> str:
        return str(self.page.evaluate("location.hash"))

    def text(self, selector: str) -> str:
        return self.page.locator(selector).inner_text()


Open = Callable[..., Reader]
