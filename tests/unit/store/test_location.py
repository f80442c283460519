"""A tracking URI names a folder, or says clearly why it can't."""

from pathlib import Path

import pytest

from tracekit.config import store_folder
from tracekit.errors import ConfigError, StoreError
from tracekit.store.location import create_folder


def test_paths_and_file_urls_name_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert store_folder("traces") == Path.cwd() / "traces"
    assert store_folder(Path("a b")) == Path.cwd() / "a b"
    assert store_folder("~/x") == tmp_path / "x"
    assert store_folder("file:///data/my%20traces") == Path("/data/my traces")
    assert store_folder("file://localhost/data") == Path("/data")


@pytest.mark.parametrize(
    "uri", ["http://host/x", "s3://bucket/x", "sqlite:///m.db", "databricks:x", "postgresql://h/d"]
)
def test_other_addresses_are_refused_with_what_works(uri: str) -> None:
    with pytest.raises(ConfigError, match="is not supported; give the path of a folder"):
        store_folder(uri)


def test_no_message_repeats_a_password() -> None:
    with pytest.raises(ConfigError) as raised:
        store_folder("postgresql://user:hunter2@host/db")
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("uri", ["", "  ", "a\0b"])
def test_an_empty_uri_is_refused(uri: str) -> None:
    with pytest.raises(ConfigError, match="names no folder"):
        store_folder(uri)


def test_a_url_of_another_host_is_refused() -> None:
    with pytest.raises(ConfigError, match="three slashes"):
        store_folder("file://server/share")


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file is a file"):
        create_folder(tmp_path / "file" / "store")
