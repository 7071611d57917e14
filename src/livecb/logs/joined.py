"""Several logs read as one: the ranks of a run, or several runs in one stream.

A composite cursor holds one cursor per part, `name@cursor` joined by commas (`a@120,b@77`). A
part that it does not name has not been read yet. Within a part order is kept; between parts lines
come in the order in which they are found. Where one part is the `main` one, a bare cursor means a
place in it, so that a run with one writer has the plain cursors of its only log.
"""

from __future__ import annotations

from collections.abc import Mapping

from livecb.errors import CursorError, LogError
from livecb.logs.base import START, Batch, Log

__all__ = ["JoinedLog", "join_cursors", "split_cursor"]


def split_cursor(cursor: str, main: str | None = None) -> dict[str, str]:
    """Take a composite cursor apart.

    Raises:
        CursorError: It is not of the form `name@cursor,name@cursor`.
    """
    if cursor in (START, ""):
        return {}
    if main is not None and "@" not in cursor:
        return {main: cursor}
    parts: dict[str, str] = {}
    for piece in cursor.split(","):
        name, at, place = piece.partition("@")
        if not name or not at or not place or name in parts:
            raise CursorError(f"expected a cursor like 'a@120,b@77', got {cursor!r}; start from {START!r}")
        parts[name] = place
    return parts


def join_cursors(parts: Mapping[str, str], main: str | None = None) -> str:
    """Put a composite cursor together; parts at their start are left out."""
    if main is not None and all(at == START for name, at in parts.items() if name != main):
        return parts.get(main, START)
    return ",".join(f"{name}@{at}" for name, at in parts.items() if at != START) or START


class JoinedLog(Log):
    """A view on several logs; it is read, never appended to."""

    def __init__(self, parts: Mapping[str, Log], main: str | None = None) -> None:
        self.parts = dict(parts)
        self.main = main

    def append(self, lines: bytes) -> str:
        raise LogError("a joined log is a view; append to one of its parts")

    def read(self, cursor: str = START, limit: int = 10_000) -> Batch:
        places = split_cursor(cursor, self.main)
        # A part that is gone: what the cursor said of it cannot be honoured any more.
        if any(name not in self.parts for name in places):
            batch = self.read(START, limit)
            return Batch(batch.lines, batch.cursors, batch.cursor, True)
        lines: list[bytes] = []
        cursors: list[str] = []
        for name, log in self.parts.items():
            if len(lines) >= limit:
                break
            batch = log.read(places.get(name, START), limit - len(lines))
            if batch.reset:
                # One part starts anew: the reader must forget it, and cannot forget a part only.
                return self._read_anew(limit)
            for line, place in zip(batch.lines, batch.cursors, strict=True):
                places[name] = place
                lines.append(line)
                cursors.append(join_cursors(places, self.main))
        return Batch(tuple(lines), tuple(cursors), join_cursors(places, self.main))

    def end(self) -> str:
        return join_cursors({name: log.end() for name, log in self.parts.items()}, self.main)

    def _read_anew(self, limit: int) -> Batch:
        batch = self.read(START, limit)
        return Batch(batch.lines, batch.cursors, batch.cursor, True)
