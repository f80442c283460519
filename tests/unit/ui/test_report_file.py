"""The file as a reader without a browser sees it: index, blocks, policy, plain table."""

import base64
import gzip
import hashlib
import json
import math
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import report_data as data

from tracekit.model import Metric, Trace, TraceSummary
from tracekit.ui.file import ReportContents, write_report
from tracekit.ui.view import run_view


def block(page: str, name: str) -> Any:
    found = re.search(rf'<script type="text/plain" id="{name}">([^<]*)</script>', page)
    assert found, name
    return json.loads(gzip.decompress(base64.b64decode(found[1])))


def test_every_trace_is_found_in_the_block_that_the_index_names(tmp_path: Path) -> None:
    traces = data.sample(70)
    page = data.write(tmp_path / "r.html", traces).read_text()
    index = block(page, "index")["traces"]
    assert index["id"] == [trace.trace_id for trace in traces]
    for trace, number in zip(traces, index["chunk"], strict=True):
        heads = {head["id"]: head for head in block(page, f"c{number}")}
        assert [s["id"] for s in heads[trace.trace_id]["spans"]] == [s.span_id for s in trace.spans]


def test_contents_of_a_large_trace_lie_in_blocks_of_their_own(tmp_path: Path) -> None:
    trace = data.large(4000)
    page = data.write(tmp_path / "r.html", [*data.many(3), trace]).read_text()
    head = block(page, f"c{block(page, 'index')['traces']['chunk'][3]}")[-1]
    assert "contents" not in head
    contents = [item for _, number in head["parts"] for item in block(page, f"c{number}")]
    assert len(contents) == len(trace.spans)
    chat = next(i for i, s in enumerate(trace.spans) if s.operation == "chat")
    assert contents[chat]["input_messages"] == json.loads(trace.spans[chat].input_messages or "")
    assert all(len(re.search(rf'id="c{n}">([^<]*)<', page)[1]) < 300_000 for _, n in head["parts"])  # type: ignore[index]


def test_the_index_holds_columns_as_differences_and_dictionaries(tmp_path: Path) -> None:
    traces = [data.support_agent(), data.failed_chain(), data.unfinished(8)]
    columns = block(data.write(tmp_path / "r.html", traces).read_text(), "index")["traces"]
    assert columns["start_ms"][1:] == [-900_000, 1_366_000]
    assert [columns["status"]["dict"][i] for i in columns["status"]["ids"]] == [
        "OK",
        "ERROR",
        "UNFINISHED",
    ]
    assert columns["model"]["dict"][columns["model"]["ids"][0]] == "gpt-5-mini"  # not the embedding
    assert columns["cost_usd"][0] == pytest.approx(0.00720076)
    assert columns["duration_us"] == [8_420_000, 1_910_000, None]
    assert columns["score"] == [0.5, None, None]


def test_pictures_are_embedded_once_and_other_files_not_at_all(tmp_path: Path) -> None:
    page = data.write(tmp_path / "r.html", [data.media(1), data.media(2)]).read_text()
    assert block(page, "index")["blobs"] == {
        data.PICTURE_SHA: {"type": "image/png", "bytes": len(data.PICTURE)}
    }
    assert page.count(base64.b64encode(data.PICTURE).decode()) == 1


def test_what_a_record_calls_a_picture_is_shown_only_if_it_is_one(tmp_path: Path) -> None:
    trace = data.media()
    contents = ReportContents(
        traces=[(data.summary(trace), trace)], blob=lambda _: b"<svg onload='alert(1)'/>"
    )
    write_report(tmp_path / "r.html", data.facts(), contents)
    assert block((tmp_path / "r.html").read_text(), "index")["blobs"] == {}


class Elements(HTMLParser):
    """Start tags with their attributes, and the text of scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self.inside: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self.inside = tag if tag == "style" or dict(attrs).get("type") == "module" else None

    def handle_endtag(self, tag: str) -> None:
        self.inside = None

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.texts[self.inside] = self.texts.get(self.inside, "") + data


def test_the_policy_admits_exactly_the_script_and_style_that_are_there(tmp_path: Path) -> None:
    parser = Elements()
    parser.feed(data.write(tmp_path / "r.html", data.sample(2)).read_text())
    tags = [tag for tag, _ in parser.found]
    assert tags[:5] == ["html", "head", "meta", "meta", "meta"]
    policy = parser.found[3][1]["content"] or ""
    for tag in ("script", "style"):
        digest = hashlib.sha256(parser.texts[tag].encode()).digest()
        assert f"{tag}-src 'sha256-{base64.b64encode(digest).decode()}'" in policy
    assert "default-src 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert not {"link", "iframe", "img", "base", "form", "object"} & set(tags)
    assert not any("src" in attrs or "style" in attrs for _, attrs in parser.found)


HOSTILE = [
    "<script>x()</script>",
    "</script><img src=x onerror=x()>",
    "--><b>",
    '"><b onclick=x()>',
]


def test_the_table_without_script_escapes_what_it_shows(tmp_path: Path) -> None:
    traces = []
    for i, text in enumerate(HOSTILE):
        t = data.TraceBuilder(i)
        t.add(
            text,
            0,
            1,
            input=json.dumps(text),
            operation="chat",
            request_model=text,
            status="ERROR",
            error_type=text,
        )
        traces.append(t.build())
    page = data.write(tmp_path / "r.html", traces, title=HOSTILE[0], filter=HOSTILE[1]).read_text()
    table = page[page.index("<noscript>") : page.index("</noscript>")]
    assert not re.search(r"<(?:script|img|b)\b", table)
    assert table.count("&lt;script&gt;x()&lt;/script&gt;") == 5  # status, name, input, model, title
    assert page.count("<title>&lt;script&gt;") == 1


def test_at_most_200_rows_without_script(tmp_path: Path) -> None:
    page = data.write(tmp_path / "r.html", list(data.many(230))).read_text()
    assert page.count("<tr>") == 201


def test_a_report_that_fails_leaves_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    path = data.write(tmp_path / "r.html", [data.support_agent()])
    before = path.read_bytes()

    def failing() -> Iterator[tuple[TraceSummary, Trace]]:
        yield data.summary(data.media()), data.media()
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        write_report(path, data.facts(), ReportContents(traces=failing()))
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["r.html"]


def test_the_same_data_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = (data.write(tmp_path / name, data.sample(40), with_runs=True) for name in "ab")
    assert first.read_bytes() == second.read_bytes()


def test_an_empty_report_is_a_report(tmp_path: Path) -> None:
    page = data.write(tmp_path / "r.html", []).read_text()
    assert block(page, "index")["traces"]["count"] == 0


def test_curves_keep_what_json_has_no_word_for() -> None:
    run, histories, files = data.runs(1)[0]
    view = run_view(run, histories, files)
    assert view["curves"]["loss"]["values"][20] == "NaN"
    assert view["curves"]["loss"]["points"] == 60
    assert json.dumps(view, allow_nan=False)


def test_a_long_curve_keeps_its_extremes() -> None:
    run, _, _ = data.runs(1)[0]
    points = [
        Metric(key="m", value=math.sin(i / 50) + (9 if i == 7777 else 0), step=i, timestamp=i)
        for i in range(20_000)
    ]
    curve = run_view(run, {"m": points}, [])["curves"]["m"]
    assert curve["points"] == 20_000
    assert len(curve["steps"]) <= 2000
    assert max(curve["values"]) > 8
    assert curve["steps"] == sorted(curve["steps"])
