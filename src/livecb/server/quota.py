"""How much the files of a run that is appended to may come to: no token fills the server's disk with one run.

A thread may look through a folder; counting is for the event loop alone, which needs no lock for it.

Training's own runs have no bound here: what they keep is theirs to decide.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from livecb.errors import ServerError
from livecb.server.replies import Problem

__all__ = ["BYTES", "FILES", "Quota", "Share", "sizes_in"]

FILES = 100_000
"""How many files a run may have (`LIVECB_RUN_FILES`)."""

BYTES = 100 << 30
"""How many bytes they may be together (`LIVECB_RUN_BYTES`)."""

_KNOWN_SECONDS = 60.0
_MOST_RUNS = 1000
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


@dataclass
class _Used:
    """What the files of a run come to, with those that are on their way."""

    seen: float
    files: int
    size: int = 0
    under_way: int = 0


class Quota:
    """Counts the files of runs.

    Args:
        files: How many a run may have.
        size: How many bytes they may be together.
    """

    def __init__(self, files: int = FILES, size: int = BYTES) -> None:
        self.files = files
        self.size = size
        self._used: dict[str, _Used] = {}

    @classmethod
    def from_environment(cls) -> Quota:
        """Return the one that the environment asks for.

        Raises:
            ServerError: A variable is no number; the message says what was expected.
        """
        return cls(_number("LIVECB_RUN_FILES", FILES), _number("LIVECB_RUN_BYTES", BYTES))

    def knows(self, run: str) -> bool:
        """Whether a run's files were looked through lately, or more of them are on their way."""
        known = self._used.get(run)
        return known is not None and bool(known.under_way or time.monotonic() - known.seen < _KNOWN_SECONDS)

    def share(self, run: str, sizes: Sequence[int] | None = None) -> Share:
        """Return the room for one more file of a run.

        Args:
            run: Its id.
            sizes: Those of its files, where it was not known; it may have become so since.

        Raises:
            Problem: It has as many as it may.
        """
        used = self._used[run] if sizes is None or self.knows(run) else self._counted(run, sizes)
        if used.files >= self.files:
            cure = "the server's owner may allow more with LIVECB_RUN_FILES"
            raise _full(f"run {run} has {used.files} files and may have {self.files}: {cure}")
        used.files += 1
        used.under_way += 1
        return Share(run, used, self.size)

    def _counted(self, run: str, sizes: Sequence[int]) -> _Used:
        used = self._used[run] = _Used(time.monotonic(), len(sizes), sum(sizes))
        for old in [name for name, it in self._used.items() if not it.under_way][:-_MOST_RUNS]:
            del self._used[old]
        return used


class Share:
    """The room that one file takes, byte by byte as they come."""

    def __init__(self, run: str, used: _Used, most: int) -> None:
        self._run = run
        self._used = used
        self._most = most
        self._size = 0

    def take(self, size: int) -> None:
        """Take room for so many more bytes.

        Raises:
            Problem: There is none.
        """
        if self._used.size + size > self._most:
            cure = "send less, or the server's owner may allow more with LIVECB_RUN_BYTES"
            raise _full(f"the files of run {self._run} may be {self._most} bytes together: {cure}")
        self._used.size += size
        self._size += size

    def end(self, *, kept: bool) -> None:
        """Give the room back, unless a file that was not there before has it now."""
        self._used.under_way -= 1
        if not kept:
            self._used.files -= 1
            self._used.size -= self._size


def _full(detail: str) -> Problem:
    return Problem(507, "No room in the run", f"{detail}; nothing was kept")


def sizes_in(folder: Path) -> list[int]:
    """Return the sizes of the files in a folder, which takes its time where they are many."""
    try:
        with os.scandir(folder) as entries:
            return [entry.stat(follow_symlinks=False).st_size for entry in entries]
    except OSError:
        return []


def _number(variable: str, default: int) -> int:
    said = os.environ.get(variable, "").strip()
    if not said:
        return default
    found = re.fullmatch(r"([0-9]{1,15})\s*([KMGT]?)i?B?", said, re.IGNORECASE)
    if found is None:
        raise ServerError(f"{variable}: expected a whole number such as 5000 or 20G, got {said!r}")
    return int(found[1]) * _UNITS[found[2].upper()]
