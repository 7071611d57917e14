"""A sink that copies a run's log into one file of JSON lines."""

from __future__ import annotations

import os
from pathlib import Path

from livecb.logs.file import FileLog
from livecb.sinks.base import ReaderSink
from livecb.store import StoredRun

__all__ = ["File"]


class File(ReaderSink):
    """Copies every line, as it stands, to the end of a file.

    Args:
        path: The file; its folder is made if need be.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__()
        self.path = Path(path)

    def open(self, run: StoredRun) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._copy = FileLog(self.path)

    def take(self, lines: tuple[bytes, ...]) -> None:
        self._copy.append(b"\n".join(lines) + b"\n")

    def close(self) -> None:
        self._copy.close()
