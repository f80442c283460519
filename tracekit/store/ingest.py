"""stub."""
from typing import Any
from pathlib import Path
def ingest(connection: Any, spool: Path) -> None: ...
