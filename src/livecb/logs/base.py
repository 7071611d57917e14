"""What every log can do: order lines, and give out cursors.

The law: a cursor is an opaque string that means "all up to here is seen"; it stands *after* its
line. `read` from any cursor that the log gave out returns what came after it, whole lines only,
each exactly once. A cursor that the log cannot honour any more (it was replaced or trimmed) gives
a batch with `reset` set that starts from the beginning: never a silent hole.

Two methods make a log, `append` and `read`; `follow` and `tail` come free.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

__all__ = ["START", "Batch", "Log"]

START = "0"
"""The cursor before the first line."""

_IDLE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines in order, without their newlines, each with the cursor that stands after it.

    Attributes:
        lines: The lines.
        cursors: As many cursors.
        cursor: Where to read on.
        reset: The asked cursor is no more; this batch begins at the log's start.
    """

    lines: tuple[bytes, ...]
    cursors: tuple[str, ...]
    cursor: str
    reset: bool = False


class Log(ABC):
    """Ordered lines with cursors."""

    @abstractmethod
    def append(self, lines: bytes) -> str:
        """Append one or more whole lines, each ended by a newline, all or none.

        Returns:
            The cursor after them.

        Raises:
            LogError: They could not be written; none of them is readable.
        """

    @abstractmethod
    def read(self, cursor: str = START, limit: int = 10_000) -> Batch:
        """Return up to `limit` lines after `cursor`; none if there is nothing new.

        A last line that is not yet whole is not returned. Lines come as they stand; what a line
        means, and whether it is broken, is for the reader to judge.

        Raises:
            CursorError: The cursor is none of this kind of log.
            LogError: The log cannot be read.
        """

    @abstractmethod
    def end(self) -> str:
        """Return the cursor after the last whole line."""

    def tail(
        self, cursor: str = START, *, limit: int = 10_000, until: Callable[[], bool] | None = None
    ) -> Iterator[Batch]:
        """Yield what is there, then what comes, until `until()` is true and all is read."""
        while True:
            done = until is not None and until()
            batch = self.read(cursor, limit)
            cursor = batch.cursor
            if batch.lines or batch.reset:
                yield batch
            elif done:
                return
            else:
                time.sleep(_IDLE_SECONDS)

    async def follow(self, cursor: str = START, *, limit: int = 10_000) -> AsyncIterator[Batch]:
        """Yield what is there, then what comes, for ever."""
        while True:
            batch = self.read(cursor, limit)
            cursor = batch.cursor
            if batch.lines or batch.reset:
                yield batch
                await asyncio.sleep(0)
            else:
                await asyncio.sleep(_IDLE_SECONDS)
