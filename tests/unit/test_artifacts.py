"""Files of runs: names that can't lead anywhere, content that is kept once and checked."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import tracekit
from tracekit.errors import ArtifactError, NotFoundError
from tracekit.store.artifacts import Artifacts, check_name
from tracekit.store.store import Store

mpl.use("agg")


@pytest.fixture
def run_id(store: Store) -> Iterator[str]:
    with tracekit.start_run() as run:
        yield run.info.run_id


@pytest.fixture
def client(store: Store) -> tracekit.TracekitClient:
    return tracekit.TracekitClient()


def content(client: tracekit.TracekitClient, run_id: str, name: str) -> bytes:
    return Path(client.download_artifacts(run_id, name)).read_bytes()


BAD_NAMES = [
    *("", ".", "..", "/", "../x", "a/../../x", "/etc/passwd", "//etc/passwd", "~/.ssh/id"),
    *("a\\b", "..\\x", "a\x00b", "a\nb", "C:/x", "c:x", "%2e%2e/x", "..%2fx", "a%5cb", "a%00"),
    *("%252e%252e/x", "\ud800", "x" * 1001, "a/" * 600),
]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_could_lead_elsewhere_is_refused(store: Store, name: str) -> None:
    with pytest.raises(ArtifactError, match="can't name an artifact"):
        check_name(name)
    with tracekit.start_run(), pytest.raises(ArtifactError, match="can't name an artifact"):
        tracekit.log_text("x", name)


@pytest.mark.parametrize(
    "name", ["a.txt", "a/b/c.png", "ünï/日本.txt", "a b/100%.txt", "..x/y..", "epoch:1.bin"]
)
def test_an_ordinary_name_is_kept(client: tracekit.TracekitClient, run_id: str, name: str) -> None:
    tracekit.log_text("hello", name)
    assert content(client, run_id, name) == b"hello"


def test_a_file_and_a_folder_are_stored_as_they_are_now(
    client: tracekit.TracekitClient, run_id: str, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.txt").write_bytes(b"one")
    (folder / "deep" / "b.bin").write_bytes(bytes(range(256)))
    tracekit.log_artifact(folder / "a.txt")
    tracekit.log_artifacts(folder, "all")
    tracekit.log_artifact(folder, "nested")
    (folder / "a.txt").write_bytes(b"two")
    names = [artifact.path for artifact in client.list_artifacts(run_id)]
    assert names == ["a.txt", "all", "nested"]
    assert [(a.path, a.is_dir) for a in client.list_artifacts(run_id, "all")] == [
        ("all/a.txt", False),
        ("all/deep", True),
    ]
    assert content(client, run_id, "a.txt") == b"one"
    assert content(client, run_id, "all/deep/b.bin") == bytes(range(256))
    everything = Path(client.download_artifacts(run_id))
    assert (everything / "nested/out/a.txt").read_bytes() == b"one"


def test_the_same_content_is_kept_once(
    client: tracekit.TracekitClient, run_id: str, store: Store
) -> None:
    for name in ("a.txt", "b.txt", "c/d.txt"):
        tracekit.log_text("same", name)
    files = [path for path in store.artifacts.rglob("*") if path.is_file()]
    assert len(files) == 1
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600
    assert stat.S_IMODE(store.artifacts.stat().st_mode) == 0o700


def test_a_name_logged_again_has_the_new_content(
    client: tracekit.TracekitClient, run_id: str
) -> None:
    tracekit.log_text("one", "a.txt")
    tracekit.log_text("two", "a.txt")
    assert content(client, run_id, "a.txt") == b"two"
    [artifact] = client.list_artifacts(run_id)
    assert (artifact.file_size, artifact.media_type) == (3, "text/plain")


def test_what_is_not_there_is_said(
    client: tracekit.TracekitClient, run_id: str, tmp_path: Path
) -> None:
    with pytest.raises(ArtifactError, match=r"gone\.txt can't be used .* No such file"):
        tracekit.log_artifact(tmp_path / "gone.txt")
    with pytest.raises(ArtifactError, match="is no folder"):
        tracekit.log_artifacts(tmp_path / "gone")
    with pytest.raises(NotFoundError, match="has no artifact 'gone'"):
        client.download_artifacts(run_id, "gone")


def test_damaged_content_is_noticed(
    client: tracekit.TracekitClient, run_id: str, store: Store
) -> None:
    tracekit.log_text("hello", "a.txt")
    [file] = [path for path in store.artifacts.rglob("*") if path.is_file()]
    file.write_bytes(b"other")
    with pytest.raises(ArtifactError, match="is damaged"):
        client.download_artifacts(run_id, "a.txt")
    file.unlink()
    with pytest.raises(ArtifactError, match="can't be used as an artifact"):
        client.download_artifacts(run_id, "a.txt")


def test_a_download_does_not_follow_links_out_of_its_folder(
    client: tracekit.TracekitClient, run_id: str, tmp_path: Path
) -> None:
    tracekit.log_text("hello", "sub/a.txt")
    target, outside = tmp_path / "target", tmp_path / "outside"
    target.mkdir()
    outside.mkdir()
    (target / "sub").symlink_to(outside)
    with pytest.raises(ArtifactError, match="a link leads out of"):
        client.download_artifacts(run_id, "sub/a.txt", target)
    assert list(outside.iterdir()) == []


def test_plain_data_is_stored_as_json_under_any_ending(
    client: tracekit.TracekitClient, run_id: str
) -> None:
    data = {"a": [1, 2.5, None], "path": Path("x"), "text": "ü"}
    for name in ("a.json", "a.yaml"):
        tracekit.log_dict(data, name)
        assert json.loads(content(client, run_id, name)) == {**data, "path": "x"}


def test_figures_and_images_are_stored_as_their_ending_says(
    client: tracekit.TracekitClient, run_id: str
) -> None:
    from matplotlib.figure import Figure

    figure = Figure()
    figure.subplots().plot([1, 2])
    tracekit.log_figure(figure, "plot.png")
    tracekit.log_figure(figure, "plot.svg")
    tracekit.log_image(Image.new("RGB", (2, 3)), "image.png")
    tracekit.log_image(np.ones((4, 5, 3)), "array.png")
    assert content(client, run_id, "plot.png").startswith(b"\x89PNG")
    assert b"<svg" in content(client, run_id, "plot.svg")
    with Image.open(client.download_artifacts(run_id, "array.png")) as image:
        assert (image.size, image.getpixel((0, 0))) == ((5, 4), (255, 255, 255))
    with pytest.raises(ArtifactError, match="can't be saved as 'plot.nope'"):
        tracekit.log_figure(figure, "plot.nope")
    with pytest.raises(ArtifactError, match="no figure of Matplotlib or Plotly"):
        tracekit.log_figure("text", "plot.png")


class FakePlotly:
    """What Plotly's figures answer to."""

    def to_html(self, **_: Any) -> str:
        return "<html>plot</html>"

    def to_image(self, format: str) -> bytes:
        return format.encode()


def test_plotly_figures_are_html_or_images(client: tracekit.TracekitClient, run_id: str) -> None:
    tracekit.log_figure(FakePlotly(), "plot.html")
    tracekit.log_figure(FakePlotly(), "plot.png")
    assert content(client, run_id, "plot.html") == b"<html>plot</html>"
    assert content(client, run_id, "plot.png") == b"png"


def test_tables_grow_by_rows(client: tracekit.TracekitClient, run_id: str) -> None:
    tracekit.log_table({"q": ["a", "b"], "n": [1, 2]}, "table.json")
    tracekit.log_table(pd.DataFrame({"q": ["c"], "extra": [True]}), "table.json")
    assert json.loads(content(client, run_id, "table.json")) == {
        "columns": ["q", "n", "extra"],
        "data": [["a", 1, None], ["b", 2, None], ["c", None, True]],
    }
    with pytest.raises(ArtifactError, match="of one length, got a 1, b 2"):
        tracekit.log_table({"a": [1], "b": [1, 2]}, "bad.json")


def test_content_goes_to_any_root_that_fsspec_knows(
    client: tracekit.TracekitClient, run_id: str, monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    monkeypatch.setenv("TRACEKIT_ARTIFACTS", "memory://bucket/prefix")
    tracekit.log_text("far away", "a.txt")
    tracekit.log_text("far away", "b.txt")
    assert content(client, run_id, "a.txt") == b"far away"
    files = fsspec.filesystem("memory").find("/bucket/prefix")
    assert len(files) == 1
    assert not store.artifacts.exists()


def test_a_root_whose_package_is_missing_says_what_to_install() -> None:
    with pytest.raises(
        ArtifactError, match=r"s3:// need another package: pip install 'fsspec\[s3\]'"
    ):
        Artifacts("s3://bucket").put_bytes(b"x")
    with pytest.raises(ArtifactError, match="can't be kept at 'nope://bucket'"):
        Artifacts("nope://bucket").put_bytes(b"x")
