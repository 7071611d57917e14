"""A log in memory: for tests, and for runs that nobody keeps."""

from __future__ import annotations

import threading

from livecb.errors import CursorError, LogError
from livecb.logs.base import START, Batch, Log

__all__ = ["MemoryLog"]


class MemoryLog(Log):
    """Lines in a list; the cursor counts them, with the number of times the log was replaced."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self._generation = 0
        self._lock = threading.Lock()

    def append(self, lines: bytes) -> str:
        if not lines.endswith(b"\n"):
            raise LogError(f"expected whole lines ended by a newline, got {lines[-40:]!r}")
        with self._lock:
            self._lines.extend(lines[:-1].split(b"\n"))
            return self._cursor(len(self._lines))

    def read(self, cursor: str = START, limit: int = 10_000) -> Batch:
        with self._lock:
            at, reset = self._place(cursor)
            lines = tuple(self._lines[at : at + limit])
            cursors = tuple(self._cursor(at + i + 1) for i in range(len(lines)))
            return Batch(lines, cursors, cursors[-1] if cursors else self._cursor(at), reset)

    def end(self) -> str:
        with self._lock:
            return self._cursor(len(self._lines))

    def clear(self) -> None:
        """Forget all lines; every cursor given out so far leads to a `reset`."""
        with self._lock:
            self._lines = []
            self._generation += 1

    def _cursor(self, at: int) -> str:
        return f"{at}.{self._generation}" if at or self._generation else START

    def _place(self, cursor: str) -> tuple[int, bool]:
        at, _, generation = cursor.partition(".")
        if not (at + generation).isdecimal() or not at or len(cursor) > 30:
            raise CursorError(f"expected a cursor this log gave out, got {cursor!r}; start from {START!r}")
        if cursor == START:
            return 0, False
        if int(generation or 0) != self._generation or int(at) > len(self._lines):
            return 0, True
        return int(at), False
