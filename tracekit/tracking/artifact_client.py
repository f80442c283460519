"""Files of runs: logged under a name, listed, downloaded."""

import mimetypes
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from tracekit import config
from tracekit.errors import ArtifactError, NotFoundError
from tracekit.model import Artifact
from tracekit.store import queries
from tracekit.store.artifacts import Artifacts, Blob, below, check_name, files_below, one_level
from tracekit.tracking import files
from tracekit.tracking.access import StoreAccess


class ArtifactClient(StoreAccess):
    """The part of `TracekitClient` that deals with artifacts."""

    def log_artifact(
        self, run_id: str, local_path: str | os.PathLike[str], artifact_path: str | None = None
    ) -> None:
        """Store a file as it is now, or a folder with all below it.

        Args:
            artifact_path: The folder within the run's artifacts. None: the topmost.

        Raises:
            ArtifactError: There is no such file, or it can't be stored.
        """
        path = Path(local_path)
        if path.is_dir():
            self.log_artifacts(run_id, path, f"{artifact_path or '.'}/{path.name}")
            return
        name = check_name(f"{artifact_path or '.'}/{path.name}")
        if config.settings().enabled:
            self._record_artifact(run_id, name, self._artifacts().put_file(path))

    def log_artifacts(
        self, run_id: str, local_dir: str | os.PathLike[str], artifact_path: str | None = None
    ) -> None:
        """Store all files below a folder; see `log_artifact`."""
        folder = Path(local_dir)
        if not folder.is_dir():
            raise ArtifactError(f"{folder} is no folder: log_artifact takes a single file")
        for name, path in files_below(folder):
            checked = check_name(f"{artifact_path or '.'}/{name}")
            if config.settings().enabled:
                self._record_artifact(run_id, checked, self._artifacts().put_file(path))

    def log_text(self, run_id: str, text: str, artifact_file: str) -> None:
        """Store a text as a file."""
        self._log_bytes(run_id, artifact_file, text.encode("utf-8", "replace"))

    def log_dict(self, run_id: str, dictionary: Any, artifact_file: str) -> None:
        """Store plain data as JSON."""
        self._log_bytes(run_id, artifact_file, files.dict_bytes(dictionary))

    def log_figure(self, run_id: str, figure: Any, artifact_file: str) -> None:
        """Store a figure of Matplotlib or Plotly; the ending of the name says as what."""
        self._log_bytes(run_id, artifact_file, files.figure_bytes(figure, artifact_file))

    def log_image(self, run_id: str, image: Any, artifact_file: str) -> None:
        """Store an image of Pillow, or an array of height, width and channels."""
        self._log_bytes(run_id, artifact_file, files.image_bytes(image, artifact_file))

    def log_table(self, run_id: str, data: Any, artifact_file: str) -> None:
        """Store a DataFrame or a dict of columns as JSON; rows are added to a table of that name."""
        table = files.table_of(data)
        found = [a for a in self._list(run_id) if a.path == check_name(artifact_file)]
        if found:
            table = files.joined_tables(orjson.loads(self._content(found[0])), table)
        self._log_bytes(run_id, artifact_file, files.dict_bytes(table))

    def list_artifacts(self, run_id: str, path: str | None = None) -> list[Artifact]:
        """Files and folders directly in a folder of the run, by name."""
        return one_level(self._list(run_id), path)

    def download_artifacts(
        self, run_id: str, path: str = "", dst_path: str | os.PathLike[str] | None = None
    ) -> str:
        """The local path of a copy of a file or folder of the run.

        Args:
            path: Empty: everything.
            dst_path: The folder to write to. None: a new one.

        Raises:
            NotFoundError: The run has nothing there.
            ArtifactError: The content is gone or damaged, or can't be written.
        """
        found = below(self._list(run_id), path)
        if not found:
            raise NotFoundError(f"run {run_id} has no artifact {path!r} in {self.tracking_uri}")
        folder = Path(dst_path or tempfile.mkdtemp(prefix="tracekit-"))
        for artifact in found:
            self._artifacts().download(artifact.sha256 or "", artifact.path, folder)
        return str(folder / check_name(path) if path else folder)

    def _artifacts(self) -> Artifacts:
        return Artifacts(config.artifacts_uri() or str(self._store.artifacts))

    def _list(self, run_id: str) -> Sequence[Artifact]:
        return self._read(lambda connection: queries.read_artifacts(connection, run_id))

    def _content(self, artifact: Artifact) -> bytes:
        return self._artifacts().read(artifact.sha256 or "")

    def _log_bytes(self, run_id: str, artifact_file: str, data: bytes) -> None:
        name = check_name(artifact_file)
        if config.settings().enabled:
            self._record_artifact(run_id, name, self._artifacts().put_bytes(data))

    def _record_artifact(self, run_id: str, name: str, blob: Blob) -> None:
        self._record(
            "artifact",
            run_id=run_id,
            path=name,
            sha256=blob.sha256,
            bytes=blob.size,
            media_type=mimetypes.guess_type(name)[0],
        )
