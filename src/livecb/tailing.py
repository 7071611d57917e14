"""Tailing: a run's lines as they come, until the run has ended."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Collection, Iterator

from livecb.attempt import fate
from livecb.events import RunEnded, RunStarted, decode_lines, type_of
from livecb.logs.base import START
from livecb.store import StoredRun

__all__ = ["Tailing"]

_LINES = 2000
_IDLE_SECONDS = 0.1
_DEAD_LOOKS = 2  # a writer that starts anew holds no lock for a moment


class Tailing:
    """Reads a run from its beginning to its end.

    Args:
        run: The run.
        types: The event types to show; all if None.
        without: Event types not to show; lines that are no events are not shown either where some are named.

    Attributes:
        status: How the run ended, `crashed` or `killed` included; None while it has not.
    """

    def __init__(
        self, run: StoredRun, types: Collection[str] | None = None, without: Collection[str] = ()
    ) -> None:
        self.run = run
        self.status: str | None = None
        self._types = types
        self._without = frozenset((*without, "")) if without else frozenset()
        self._cursor = START
        self._names: list[str] = []

    def past(self) -> Iterator[bytes]:
        """Yield the lines that are there."""
        while lines := self._read():
            yield from self._sift(lines)

    def last(self, count: int) -> list[bytes]:
        """Return the last lines of what is there to be shown."""
        return list(deque(self.past(), maxlen=count))

    def follow(self) -> Iterator[list[bytes]]:
        """Yield what comes, until the run has ended and all is read."""
        dead = 0
        while True:
            gone = self.status is not None or not self.run.alive()
            if lines := self._read():
                yield list(self._sift(lines))
                dead = 0
            elif gone and (dead := dead + 1) > _DEAD_LOOKS:
                self.settle()
                return
            else:
                time.sleep(_IDLE_SECONDS)

    def settle(self) -> None:
        """Find out how a run ended that did not say so."""
        if self.status is None and self._cursor != START and not self.run.alive():
            self.status = fate(self.run.last_words())

    def _read(self) -> tuple[bytes, ...]:
        names = self.run.part_names()
        if names != self._names:
            self._names, self._log = names, self.run.log()
        batch = self._log.read(self._cursor, _LINES)
        self._cursor = batch.cursor
        for line in batch.lines:
            if type_of(line) in ("run_started", "run_ended"):
                self._note(line)
        return batch.lines

    def _note(self, line: bytes) -> None:
        for event in decode_lines([line]):
            if isinstance(event, RunStarted) and not event.rank:
                self.status = None
            elif isinstance(event, RunEnded) and not event.rank:
                self.status = event.status

    def _sift(self, lines: tuple[bytes, ...]) -> Iterator[bytes]:
        if self._types is None and not self._without:
            yield from lines
            return
        for line in lines:
            kind = type_of(line)
            if kind not in self._without and (self._types is None or kind in self._types):
                yield line
