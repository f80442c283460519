"""How long a report takes to write and to open, and how large it is.

    python tests/benchmarks/report.py 1000 10000

Usable: from navigation until rows are painted. Loaded: the whole file parsed. Traces have five
spans and about 10 kB of text each; numbers depend on the machine, so compare on one.
"""

import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import report_data as data
from playwright.sync_api import Browser, Page, sync_playwright

from tracekit.model import Trace, TraceSummary
from tracekit.ui.file import ReportContents, write_report

CHROMIUM = "/usr/bin/chromium"
FRAMES = """async () => {
  const host = document.querySelector('.rows');
  const work = [];
  for (let i = 0; i < 120; i++) {
    host.scrollTop += 120;
    host.dispatchEvent(new Event('scroll'));
    work.push(await new Promise(done => requestAnimationFrame(begun => {
      host.offsetHeight;
      done(performance.now() - begun);
    })));
  }
  work.sort((a, b) => a - b);
  return [work[60], work[114]];
}"""  # work of the main thread within a frame, layout included


def write(path: Path, count: int) -> dict[str, Any]:
    """Seconds of all threads, megabytes, and the growth of the process while writing."""
    waited = 0.0

    def traces() -> Iterator[tuple[TraceSummary, Trace]]:
        nonlocal waited
        begun = time.process_time()
        for trace in data.many(count):
            pair = data.summary(trace), trace
            waited += time.process_time() - begun
            yield pair
            begun = time.process_time()

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    size = write_report(path, data.facts(traces_stored=count), ReportContents(traces=traces()))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {
        "write CPU s": time.process_time() - start - waited,
        "MB": size / 1e6,
        "grown MB": grown / 1e3,
    }


def open_page(browser: Browser, address: str, ready: str) -> tuple[Page, dict[str, Any]]:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.add_init_script(
        f"""new MutationObserver((_, self) => {{
          if (!document.querySelector({ready!r})) return;
          self.disconnect();
          requestAnimationFrame(() => setTimeout(() => {{ window.usable = performance.now(); }}));
        }}).observe(document, {{ childList: true, subtree: true }})"""
    )
    page.goto(address)
    page.evaluate(
        "new Promise(done => { const look = () => window.usable ? done() : setTimeout(look, 20); look() })"
    )
    usable, loaded, heap = page.evaluate(
        """() => [window.usable, performance.getEntriesByType('navigation')[0].domInteractive,
        performance.memory.usedJSHeapSize / 1e6]"""
    )
    return page, {"usable ms": usable, "loaded ms": loaded, "heap MB": heap}


def show(name: str, figures: dict[str, Any]) -> None:
    print(f"{name:24}", *(f"{key} {value:.4g}" for key, value in figures.items()), sep="  ")


def main(counts: list[int]) -> None:
    folder = Path(tempfile.mkdtemp())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for count in counts:
            path = folder / f"{count}.html"
            show(f"{count} traces", write(path, count))
            page, figures = open_page(browser, path.as_uri() + "#/traces", ".trace-row")
            show("  list", figures)
            page.locator(".trace-row").nth(3).click()
            page.wait_for_selector(".span-body > *")
            page.close()
        trace = data.large(10_000)
        path = data.write(folder / "large.html", [trace])
        page, figures = open_page(browser, f"{path.as_uri()}#/trace/{trace.trace_id}", ".span-row")
        show("trace of 10,000 spans", figures)
        median, p95 = page.evaluate(FRAMES)
        show("  scrolling", {"work a frame ms": median, "p95 ms": p95})
        browser.close()


if __name__ == "__main__":
    main([int(count) for count in sys.argv[1:]] or [1_000])
