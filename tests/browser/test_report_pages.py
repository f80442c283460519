"""Each page shows what is stored, and its state is in the address."""

import re
from itertools import pairwise

import pytest
import report_data as data
from playwright.sync_api import expect
from report_reader import Open

pytestmark = pytest.mark.browser
AGENT = data.support_agent().trace_id


def test_the_overview_says_how_many_how_slow_and_how_dear(read: Open) -> None:
    page = read(data.sample(200), with_runs=True).page
    totals = page.locator(".totals").inner_text()
    assert re.search(r"Traces\s+206", totals)
    assert re.search(r"Failed\s+[\d.]+ %", totals)
    assert re.search(r"Cost\s+\$\d+\.\d\d", totals)
    page.locator(".total", has_text="Failed").click()
    expect(page.locator("h1")).to_have_text("Traces")
    shown = page.locator(".trace-row:visible .status").evaluate_all(
        "all => all.map(e => e.ariaLabel)"
    )
    assert set(shown) == {"error"}


def test_a_bar_of_the_overview_leads_to_its_rows(read: Open) -> None:
    reader = read(data.sample(200))
    bar = reader.page.locator(".chart a").nth(2)
    number = re.search(r"([\d,]+) traces", bar.get_attribute("aria-label") or "")
    assert number
    bar.dispatch_event("click")
    expect(reader.page.locator(".toolbar [role=status]")).to_have_text(f"{number[1]} of 206 traces")


def test_filter_facet_and_sort_narrow_the_list_and_are_in_the_address(read: Open) -> None:
    reader = read(data.sample(200))
    reader.go("#/traces")
    page = reader.page
    expect(page.locator("[role=status]")).to_have_text("206 traces")
    page.get_by_role("checkbox", name="error", exact=False).first.check()
    page.get_by_role("button", name="Sort by Took").click()
    page.get_by_role("searchbox", name="Filter traces by text").fill("boots")
    assert reader.hash() == "#/traces?status=ERROR&q=boots&sort=-dur"
    count = page.locator("[role=status]").inner_text()
    reader.go(reader.hash())
    expect(page.locator("[role=status]")).to_have_text(count)
    expect(page.get_by_role("checkbox", name="error").first).to_be_checked()


def test_a_filter_that_finds_nothing_says_which_part_is_at_fault(read: Open) -> None:
    reader = read(data.sample(20))
    reader.go("#/traces?q=zebra&status=OK")
    page = reader.page
    expect(page.locator(".nothing")).to_contain_text("No trace passes this filter")
    page.get_by_role("button", name="Without text “zebra”").click()
    expect(page.locator(".trace-row").first).to_be_visible()


def test_only_the_rows_in_sight_are_in_the_document(read: Open) -> None:
    reader = read(list(data.many(2000)))
    reader.go("#/traces")
    rows = reader.page.locator(".trace-row")
    assert rows.count() < 70
    reader.page.locator("[role=listbox]").evaluate("e => e.scrollTo(0, e.scrollHeight)")
    expect(reader.page.locator('.trace-row[aria-posinset="2000"]')).to_be_visible()
    assert rows.count() < 70


def test_escape_leads_back_to_the_same_row(read: Open) -> None:
    reader = read(list(data.many(500)))
    reader.go("#/traces?sort=-cost")
    page = reader.page
    page.locator("[role=listbox]").evaluate("e => e.scrollTo(0, 4000)")
    row = page.locator('.trace-row[aria-posinset="131"]')
    href = row.get_attribute("href")
    row.click()
    expect(page.locator(".trace")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator('.trace-row[aria-selected="true"]')).to_have_attribute("href", href or "")
    assert reader.hash() == "#/traces?sort=-cost"
    expect(page.locator('.trace-row[aria-selected="true"]')).to_be_in_viewport()


def test_a_trace_shows_its_spans_and_what_was_waited_for(read: Open) -> None:
    reader = read(data.sample(5), with_runs=True)
    reader.go(f"#/trace/{AGENT}")
    page = reader.page
    assert page.locator(".span-row").count() == 12
    expect(page.locator("h1")).to_contain_text("My parcel says delivered but it is not here")
    head = page.locator(".trace-head").inner_text()
    for fact in (
        "8.42 s",
        "68 % models · 9 % tools",
        "$0.0072",
        "s-2001",
        "prompt v7",
        "1 of 12 spans",
    ):
        assert fact in head
    expect(page.locator(".span-row", has_text="try 2")).to_have_count(1)
    assert page.locator(".span-row .first:visible").count() == 2


@pytest.mark.parametrize("width", [1440, 1320, 1210, 1000])
def test_times_above_the_bars_never_overlap(read: Open, width: int) -> None:
    reader = read(data.sample(5), viewport={"width": width, "height": 900})
    reader.go(f"#/trace/{AGENT}")
    marks = reader.page.locator(".ruler div span")
    expect(marks.last).to_have_text("8.42 s")
    boxes = [box for mark in marks.all() if (box := mark.bounding_box())]
    assert len(boxes) >= 3
    for left, right in pairwise(boxes):
        assert left["x"] + left["width"] < right["x"]


def test_a_tool_call_and_its_result_stand_in_one_box(read: Open) -> None:
    reader = read(data.sample(1))
    reader.go(f"#/trace/{AGENT}")
    box = reader.page.get_by_role("region", name="Call of get_shipment")
    expect(box).to_contain_text('"carrier": "auto"')
    expect(box).to_contain_text("parcel locker 0412")
    expect(box).to_contain_text("370123456789012345678")  # more digits than a number of JavaScript
    box.get_by_role("button", name="go to the span").click()
    expect(reader.page.locator('.span-row[aria-selected="true"]')).to_contain_text("get_shipment")


def test_a_later_call_shows_only_what_is_new_since_the_one_before(read: Open) -> None:
    reader = read(data.sample(1))
    reader.go(f"#/trace/{AGENT}/{data.support_agent().spans[9].span_id}")
    page = reader.page
    expect(page.locator(".earlier")).to_contain_text("3 messages as in the call before")
    expect(page.locator(".since")).to_have_text("New since the call before")
    expect(page.locator(".message.is-user")).to_have_count(0)
    expect(page.get_by_role("region", name="Call of lookup_order")).to_contain_text("A-58120")
    page.locator(".earlier > summary").click()
    expect(page.locator(".message.is-user")).to_contain_text("My parcel says delivered")


def test_a_failed_trace_opens_where_the_failure_began(read: Open) -> None:
    reader = read([data.failed_chain()])
    reader.go(f"#/trace/{data.failed_chain().trace_id}")
    page = reader.page
    expect(page.locator('.span-row[aria-selected="true"]')).to_contain_text("chat gpt-5-mini")
    expect(page.locator(".failure")).to_contain_text("Rate limit reached for gpt-5-mini")


def test_an_error_shows_its_stack_and_what_came_of_it(read: Open) -> None:
    reader = read([data.support_agent()])
    reader.go(f"#/trace/{AGENT}/{data.support_agent().spans[7].span_id}")
    page = reader.page
    expect(page.locator(".failure pre")).to_contain_text('File "shop/shipping.py", line 88')
    page.get_by_role("button", name="try 2").click()
    expect(page.locator(".span-panel h2")).to_have_text("HTTP GET api.bring.com")


def test_pictures_are_shown_from_the_file_and_others_are_named(read: Open) -> None:
    reader = read([data.media()])
    trace = data.media()
    reader.go(f"#/trace/{trace.trace_id}/{trace.spans[1].span_id}")
    page = reader.page
    picture = page.locator(".media img")
    expect(picture).to_be_visible()
    assert picture.evaluate("e => e.decode().then(() => [e.naturalWidth, e.src.slice(0, 5)])") == [
        240,
        "blob:",
    ]
    expect(page.locator(".span-body")).to_contain_text(
        "application/pdf · 482 kB · not shown in this file"
    )
    expect(page.get_by_role("link", name="https://example.com/jacket.jpg")).to_be_visible()
    expect(page.locator(".banner")).to_contain_text("Stopped at the limit of tokens")
    reader.go(f"#/trace/{trace.trace_id}/{trace.spans[2].span_id}")
    expect(page.locator(".banner")).to_have_text("The model refused.")


def test_unfinished_orphaned_and_circular_spans_are_shown_as_such(read: Open) -> None:
    reader = read([data.unfinished(8), data.unfinished(9, gone=True), data.broken()])
    page = reader.page
    reader.go(f"#/trace/{data.unfinished(9, gone=True).trace_id}")
    expect(page.locator(".span-row", has_text="cut short")).to_have_count(2)
    expect(page.locator(".banner")).to_have_text("Never ended: its process is gone.")
    reader.go(f"#/trace/{data.broken().trace_id}")
    rows = page.locator(".span-row:visible").all_inner_texts()
    text = "\n".join(rows)
    for mark in (
        "parent not recorded",
        "circle of parents, cut here",
        "before its parent",
        "× 60",
        "1 failed",
    ):
        assert mark in text


@pytest.mark.parametrize("width", ["tokens", "cost"])
def test_bars_are_shares_of_tokens_or_cost(read: Open, width: str) -> None:
    reader = read([data.support_agent()])
    reader.go(f"#/trace/{AGENT}?w={width}")
    row = reader.page.locator(".span-row").filter(has_text="support-agent")
    expect(row.locator("b")).to_have_text("100 %")
    expect(reader.page.locator(".span-row", has_text="check_input").locator(".bar")).to_be_hidden()


def test_assessments_attributes_events_and_raw_have_their_tabs(read: Open) -> None:
    reader = read([data.support_agent()])
    reader.go(f"#/trace/{AGENT}?tab=assessments")
    page = reader.page
    expect(page.locator(".assessment")).to_have_count(3)
    expect(page.locator(".span-body")).to_contain_text(
        "does not say what happens if it is not there"
    )
    page.locator(".span-row", has_text="HTTP GET").first.click()
    page.get_by_role("tab", name="Events 1").click()
    expect(page.locator(".span-body")).to_contain_text("exception.stacktrace")
    page.locator(".span-row", has_text="HTTP GET").last.click()
    page.get_by_role("tab", name="Attributes").click()
    expect(page.locator(".facts-list")).to_contain_text(["url.full"])
    page.get_by_role("tab", name="Raw").click()
    expect(page.locator(".span-body pre")).to_contain_text('"http.response.status_code": 200')
    assert "tab=raw" in reader.hash()


def test_runs_show_what_differs_and_nest(read: Open) -> None:
    reader = read(data.sample(5), with_runs=True)
    reader.go("#/runs")
    page = reader.page
    heads = page.locator(".runs thead th").all_inner_texts()
    assert "temperature" in heads
    assert "seed" not in heads
    page.get_by_role("button", name="3 constant columns hidden").click()
    assert "seed" in page.locator(".runs thead th").all_inner_texts()
    names = page.locator(".runs tbody th").all_inner_texts()
    assert names.index("prompt v5 · polar-otter") + 1 == names.index("prompt v1 · polar-otter")
    page.get_by_role("button", name="faithfulness").click()
    assert "sort=-metrics.faithfulness" in reader.hash()


def test_a_run_shows_curves_params_files_source_and_traces(read: Open) -> None:
    reader = read(data.sample(40), with_runs=True)
    reader.go("#/run/run-2")
    page = reader.page
    expect(page.locator(".chart")).to_have_count(2)
    expect(page.get_by_role("region", name="loss")).to_contain_text("60 values · 1 not finite")
    text = page.locator("main").inner_text()
    for fact in ("support@v6", "plots/reward.png", "4f1d0c9a77e2", "Apply code WINTER"):
        assert fact in text


def test_an_address_that_leads_nowhere_says_so(read: Open) -> None:
    reader = read([data.support_agent()])
    for hash_, text in (
        ("#/trace/constructor", "not in this file"),
        ("#/run/__proto__", "not in this file"),
        ("#/constructor", "no page"),
        (f"#/trace/{AGENT}/nothing", "support-agent"),
        ("#/trace/%E0%A4%A", "not in this file"),
    ):
        reader.go(hash_)
        expect(reader.page.locator("main")).to_contain_text(text)


def test_empty_pages_teach_how_to_fill_them(read: Open) -> None:
    reader = read([])
    for hash_, text in (
        ("#/overview", "tracekit.autolog()"),
        ("#/traces", "tracekit.autolog()"),
        ("#/runs", "tracekit.start_run("),
    ):
        reader.go(hash_)
        expect(reader.page.locator("main pre")).to_contain_text(text)


def test_without_javascript_there_is_a_table(read: Open) -> None:
    reader = read(data.sample(10))
    context = reader.page.context.browser.new_context(java_script_enabled=False)  # type: ignore[union-attr]
    page = context.new_page()
    page.goto(reader.path.as_uri())
    expect(page.locator("tbody tr")).to_have_count(16)
    expect(page.locator("tbody")).to_contain_text("My parcel says delivered")
    context.close()
