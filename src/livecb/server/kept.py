"""Answers that stay true while nothing is written: kept as bytes, the ones asked for last within a bound.

What an answer is made of, the logs' sizes and times, is looked at before it is made. So an answer is never
older than its mark: a log that grew meanwhile has another one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from pathlib import Path

from livecb.store import StoredRun

__all__ = ["Kept", "Mark", "mark_of", "stamp_of"]

Mark = tuple[tuple[int, int], ...]

_EACH = 8
"""An answer that is larger than this part of the bound would put out too many others."""


class Kept:
    """Answers by what was asked.

    Args:
        limit: Bytes that they may take in all.
    """

    def __init__(self, limit: int = 64 << 20) -> None:
        self._limit = limit
        self._answers: OrderedDict[Hashable, tuple[Hashable, bytes]] = OrderedDict()
        self.nbytes = 0

    def get(self, asked: Hashable, mark: Hashable) -> bytes | None:
        """Return the answer that was made of exactly this; None if there is none."""
        mark_then, answer = self._answers.get(asked, (None, b""))
        if mark_then is None or mark_then != mark:
            return None
        self._answers.move_to_end(asked)
        return answer

    def put(self, asked: Hashable, mark: Hashable, answer: bytes) -> None:
        """Keep an answer, and forget those that nobody asked for lately."""
        self.nbytes -= len(self._answers.pop(asked, (None, b""))[1])
        if len(answer) * _EACH > self._limit:
            return
        self._answers[asked] = mark, answer
        self.nbytes += len(answer)
        while self.nbytes > self._limit:
            _, (_, old) = self._answers.popitem(last=False)
            self.nbytes -= len(old)


def mark_of(run: StoredRun) -> Mark:
    """Return what an answer about a run depends on: sizes and times of the logs, and the labels' time."""
    paths = [run.part_path(name) for name in run.part_names()]
    return tuple(map(stamp_of, [*paths, run.folder / "labels.json"]))


def stamp_of(path: Path) -> tuple[int, int]:
    """Return a file's size and time; -1 and 0 if it is not there."""
    try:
        status = path.stat()
    except OSError:
        return -1, 0
    return status.st_size, status.st_mtime_ns
