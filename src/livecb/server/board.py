"""The list of runs: a row for each, pushed when it changes.

A row is a fold of a whole log, so rows are kept: in memory while the server lives, and beside the log of a
run that is over, where the next server finds them. What a kept row was made of (the logs' sizes and times,
the labels) is looked at anew each time; folding goes on from where it stood. A store full of long logs is
folded a while at each look, newest first; until a log's turn comes, its row is what its beginning and its
end say. What somebody waits for goes first.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from livecb import __version__
from livecb.errors import LivecbError
from livecb.events import decode_lines
from livecb.server import beside
from livecb.server.frames import as_event
from livecb.server.hub import Hub
from livecb.server.index import FoldError, Index
from livecb.server.kept import Mark, mark_of, stamp_of
from livecb.state import State
from livecb.store import APPENDED, StoredRun

__all__ = ["Board", "Row"]

_CACHE = ".row.json"
_MADE_BY = f"{__version__}+5"  # counts up when a row says something else
_LOOK_SECONDS = 0.7
_GLANCE = 128 << 10

_log = logging.getLogger("livecb.server")


class _Kept(msgspec.Struct):
    """A row as it is kept beside a log."""

    version: str
    mark: Mark
    row: dict[str, Any]


@dataclass
class Row:
    """One run in the list.

    Attributes:
        mark: What the row was made of.
        alive: Whether the writer lived then.
        data: The row as the API says it.
        changed: The number of the change that made it what it is.
        index: The fold of a log that may go on.
        edition: Which fold of the log the row was made by; empty if by none.
    """

    run: StoredRun
    mark: Mark = ()
    alive: bool = False
    data: dict[str, Any] = field(default_factory=dict)
    changed: int = 0
    index: Index | None = None
    edition: str = ""


class Board:
    """The rows of a store's runs, brought up to date when asked, once a second at most."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.change = 0
        self.rows: dict[str, Row] = {}
        self.gone: dict[str, int] = {}
        self._making = 0
        self._lock = asyncio.Lock()
        self._looked = 0.0

    async def refresh(self) -> None:
        """Look at all runs anew, if the last look is a second ago.

        Raises:
            StoreError: The store cannot be listed.
        """
        async with self._lock:
            if self.hub.stale or time.monotonic() - self._looked >= self.hub.pace.rows or not self._looked:
                self.hub.stale = False
                await self.hub.rows.do(self._look)
                self._looked = time.monotonic()

    def since(self, change: int) -> tuple[list[dict[str, Any]], list[str]]:
        """Return the rows that changed after a change, newest first, and the runs that are gone."""
        rows = [row.data for row in list(self.rows.values()) if row.changed > change and row.data]
        # As `livecb ls`, by when they began: an id that somebody chose says nothing of it.
        rows.sort(key=lambda row: (row["started"] or 0.0, row["run"]), reverse=True)
        return rows, [run for run, when in list(self.gone.items()) if when > change]

    def _look(self) -> None:
        ids = self.hub.store.run_ids()
        self._making = self.change + 1  # not told to anybody before all of it is there
        for run in self.rows.keys() - set(ids):
            del self.rows[run]
            self.gone[run] = self._making
        # Who opens the list first waits less: what is not folded by then says less.
        until = time.monotonic() + (_LOOK_SECONDS if self.change else _LOOK_SECONDS / 2)
        for run in reversed(ids):
            self.gone.pop(run, None)
            if self.hub.closing:
                return
            try:
                self._look_at(run, until)
            except FoldError as error:
                self._mark_bad(run, str(error))
            except (LivecbError, OSError):
                continue  # it went while we looked, or cannot be read: the others stay readable
            except Exception as error:
                if run not in self.rows or "error" not in self.rows[run].data:
                    _log.exception("cannot show %s", run)
                self._mark_bad(run, f"this run cannot be shown: {type(error).__name__}: {error}")
        self.change = self._making

    def _mark_bad(self, run: str, why: str) -> None:
        """Show a run that cannot be folded as what it is, and the others as ever."""
        stored = StoredRun(self.hub.store.root / run)
        row = self.rows.get(run) or Row(stored)
        try:
            row.mark, row.alive = (), stored.alive()  # its index says when it is tried again
        except (LivecbError, OSError):
            return
        words = "" if row.alive else stored.last_words()
        data = State(run).row(alive=row.alive, now=time.time(), last_words=words, labels=stored.labels)
        data["error"] = why
        if data != row.data:
            row.data, row.changed = data, self._making
        self.rows[run] = row

    def _look_at(self, run: str, until: float) -> None:
        row = self.rows.get(run) or Row(self.hub.store.run(run))
        mark = _mark_of(row.run)
        if mark == row.mark and not row.alive:
            return
        alive = row.run.alive()
        if mark == row.mark and alive == row.alive:
            return
        data = self._kept(row.run, mark) if not alive and not row.data else None
        if data is None:
            data, whole = self._fold(row, alive, until)
            if not whole:
                mark = ()  # to be gone on with at the next look
            elif not alive:
                _keep(row.run, mark, data)
        if mark and not alive and row.index is not None:
            row.index.close()
            row.index = None
        row.mark, row.alive = mark, alive
        if data != row.data:
            row.data, row.changed = data, self._making
        self.rows[run] = row

    def _fold(self, row: Row, alive: bool, until: float) -> tuple[dict[str, Any], bool]:
        """Return a run's row, and whether all of the log is in it."""
        index = row.index or self.hub.indexes.known(row.run.id)
        if index is None:
            index = row.index = Index(row.run)
            self.rows[row.run.id] = row
        data, whole = index.row(alive, stop=self._stops(until, known=row.edition == index.edition))
        # What the same fold says later is newer, though it may not be up to now.
        if data is not None and (whole or row.edition == index.edition):
            row.edition = index.edition
            return data, whole
        return row.data or glance(row.run, alive), False

    def _stops(self, until: float, known: bool) -> Callable[[], bool]:
        """Return what tells, before each piece of a log, whether folding it ends for now.

        What somebody waits for goes first, except before a first piece: the list would stand still for as
        long as somebody waits. Of a log that was folded before, that is mostly all there is to fold.
        """
        first = True

        def stop() -> bool:
            nonlocal first
            late = time.monotonic() > until
            if first:
                first = False
                return self.hub.closing or (late and not known)
            return self.hub.closing or late or self.hub.indexes.busy

        return stop

    @staticmethod
    def _kept(run: StoredRun, mark: Mark) -> dict[str, Any] | None:
        try:
            kept = msgspec.json.decode((run.folder / _CACHE).read_bytes(), type=_Kept)
        except (OSError, msgspec.DecodeError):
            return None
        return kept.row if kept.version == _MADE_BY and kept.mark == mark else None


def glance(run: StoredRun, alive: bool) -> dict[str, Any]:
    """Return about what a run's row will be, from the first and the last of its log.

    Only a metric that was last measured long ago, or an attempt that began in between, is missing.
    """
    with run.part_path().open("rb") as log:
        head = log.read(_GLANCE)
        log.seek(max(len(head), log.seek(0, os.SEEK_END) - _GLANCE))
        tail = log.read()
    lines = [*head.split(b"\n")[:-1], *tail.split(b"\n")[1:-1]]
    state = State(run.id)
    state.feed(decode_lines([event for line in lines if (event := as_event(line)) is not None]))
    words = "" if alive else run.last_words()
    return state.row(alive=alive, now=time.time(), last_words=words, labels=run.labels)


def _mark_of(run: StoredRun) -> Mark:
    """Return what a row depends on: beside what it tells, when a writer elsewhere was heard of last."""
    return (*mark_of(run), stamp_of(run.folder / APPENDED))


def _keep(run: StoredRun, mark: Mark, row: dict[str, Any]) -> None:
    if run.part_path().exists():
        beside.keep(run.folder / _CACHE, msgspec.json.encode(_Kept(_MADE_BY, mark, row)))
