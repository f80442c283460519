"""From a real store to the file: what is chosen, what is said, what is refused."""

import base64
import gzip
import json
import logging
import re
import stat
from pathlib import Path
from typing import Any

import pytest
from report_data import PICTURE, PICTURE_SHA

import tracekit
from tracekit import reporting
from tracekit.errors import ConfigError, FilterError, ReportError, StoreError
from tracekit.store.blobs import write_blob
from tracekit.store.store import Store


def index(path: Path) -> Any:
    found = re.search(r'id="index">([^<]*)<', path.read_text())
    assert found
    return json.loads(gzip.decompress(base64.b64decode(found[1])))


def block(path: Path, name: str) -> Any:
    found = re.search(rf'id="{name}">([^<]*)<', path.read_text())
    assert found
    return json.loads(gzip.decompress(base64.b64decode(found[1])))


def record(names: list[str]) -> None:
    for name in names:
        with tracekit.start_span(name) as span:
            span.set_inputs({"question": f"What of {name}?"})


def test_what_was_recorded_is_in_the_report(store: Store, tmp_path: Path) -> None:
    with tracekit.start_run(run_name="first try"):
        tracekit.log_param("top_k", 4)
        for step in range(3):
            tracekit.log_metric("loss", 1 / (step + 1), step=step)
        tracekit.log_text("hello", "notes.txt")
        record(["greet"])
    path = tracekit.report(tmp_path / "r.html")
    found = index(path)
    assert found["traces"]["input"] == ["What of greet?"]
    (run,) = found["runs"]
    assert (run["name"], run["params"], run["metrics"]["loss"]) == (
        "first try",
        {"top_k": "4"},
        1 / 3,
    )
    assert found["traces"]["run"]["dict"] == [None, run["id"]]
    (view,) = block(path, f"c{run['chunk']}")
    assert view["curves"]["loss"]["values"] == [1.0, 0.5, 1 / 3]
    assert view["artifacts"][0]["path"] == "notes.txt"


def test_a_filter_and_a_limit_choose_the_traces(store: Store, tmp_path: Path) -> None:
    record(["a", "b", "a", "c"])
    path = tracekit.report(tmp_path / "r.html", filter_string="name = 'a'")
    assert index(path)["traces"]["count"] == 2
    assert index(path)["report"]["filter"] == "name = 'a'"
    newest = index(tracekit.report(tmp_path / "r.html", max_traces=1))
    assert newest["traces"]["input"] == ["What of c?"]
    assert newest["report"]["traces_stored"] == 4


def test_a_run_brings_its_own_traces_and_the_runs_within_it(store: Store, tmp_path: Path) -> None:
    with tracekit.start_run(run_name="outer") as outer:
        record(["mine"])
        with tracekit.start_run(run_name="inner", nested=True):
            pass
    with tracekit.start_run(run_name="other"):
        record(["not mine"])
    found = index(tracekit.report(tmp_path / "r.html", run_id=outer.info.run_id))
    assert found["traces"]["input"] == ["What of mine?"]
    assert sorted(run["name"] for run in found["runs"]) == ["inner", "outer"]


def test_pictures_of_messages_come_along(store: Store, tmp_path: Path) -> None:
    write_blob(store.artifacts, PICTURE)
    part = {"type": "blob", "modality": "image", "mime_type": "image/png", "sha256": PICTURE_SHA}
    gone = {**part, "sha256": "0" * 64}
    messages = json.dumps([{"role": "user", "parts": [part, gone]}])
    with tracekit.start_span("look", attributes={"gen_ai.input.messages": messages}):
        pass
    assert list(index(tracekit.report(tmp_path / "r.html"))["blobs"]) == [PICTURE_SHA]


def test_another_store_can_be_named(store: Store, tmp_path: Path) -> None:
    record(["here"])
    tracekit.flush()
    tracekit.set_tracking_uri(tmp_path / "elsewhere")
    assert (
        index(tracekit.report(tmp_path / "r.html", tracking_uri=store.folder))["traces"]["count"]
        == 1
    )


def test_a_store_that_was_never_written_is_said_so_and_not_made(
    store: Store, tmp_path: Path
) -> None:
    with pytest.raises(StoreError, match="nothing has been recorded in .*store yet"):
        tracekit.report(tmp_path / "r.html")
    assert not store.folder.exists()


def test_what_cant_be_written_or_understood_is_refused_in_a_sentence(
    store: Store, tmp_path: Path
) -> None:
    record(["a"])
    with pytest.raises(ReportError, match="there is no folder .*missing"):
        tracekit.report(tmp_path / "missing" / "r.html")
    with pytest.raises(ReportError, match="it is a folder"):
        tracekit.report(tmp_path)
    with pytest.raises(FilterError, match="nonsense"):
        tracekit.report(tmp_path / "r.html", filter_string="nonsense = 1")
    with pytest.raises(ConfigError, match="must not be negative"):
        tracekit.report(tmp_path / "r.html", max_traces=-1)
    assert not list(tmp_path.glob("*.html"))


def test_a_report_too_large_for_mail_is_said_to_be(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    record(["a"])
    monkeypatch.setattr(reporting, "_LARGE_BYTES", 1000)
    with caplog.at_level(logging.WARNING):
        tracekit.report(tmp_path / "r.html")
    assert "more than mail commonly carries" in caplog.text


def test_a_report_is_readable_as_any_other_file(store: Store, tmp_path: Path) -> None:
    record(["a"])
    other = tmp_path / "other.txt"
    other.write_text("")
    path = tracekit.report(tmp_path / "r.html")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(other.stat().st_mode)
