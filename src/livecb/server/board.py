"""The list of runs: a row for each, pushed when it changes.

A row is a fold of a whole log, so rows are kept: in memory while the server lives, and beside the log of a
run that is over, where the next server finds them. What a kept row was made of (the logs' sizes and times,
the labels) is looked at anew each time; folding goes on from where it stood.
"""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass, field
from typing import Any

import msgspec

from livecb import __version__
from livecb.errors import LivecbError
from livecb.server.hub import Hub
from livecb.server.index import Index
from livecb.store import StoredRun

__all__ = ["Board", "Row"]

_ENDED = frozenset({"completed", "failed", "stopped", "killed", "crashed"})
_CACHE = ".row.json"

Mark = tuple[tuple[int, int], ...]


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
    """

    run: StoredRun
    mark: Mark = ()
    alive: bool = False
    data: dict[str, Any] = field(default_factory=dict)
    changed: int = 0
    index: Index | None = None


class Board:
    """The rows of a store's runs, brought up to date when asked, once a second at most."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.change = 0
        self.rows: dict[str, Row] = {}
        self.gone: dict[str, int] = {}
        self._lock = asyncio.Lock()
        self._looked = 0.0

    async def refresh(self) -> None:
        """Look at all runs anew, if the last look is a second ago.

        Raises:
            StoreError: The store cannot be listed.
        """
        async with self._lock:
            if time.monotonic() - self._looked >= self.hub.pace.rows or not self._looked:
                await self.hub.indexes.in_thread(self._look)
                self._looked = time.monotonic()

    def since(self, change: int) -> tuple[list[dict[str, Any]], list[str]]:
        """Return the rows that changed after a change, newest first, and the runs that are gone."""
        rows = [row.data for row in self.rows.values() if row.changed > change and row.data]
        rows.sort(key=lambda row: str(row["run"]), reverse=True)
        return rows, [run for run, when in self.gone.items() if when > change]

    def _look(self) -> None:
        ids = self.hub.store.run_ids()
        self.change += 1
        for run in [run for run in self.rows if run not in set(ids)]:
            del self.rows[run]
            self.gone[run] = self.change
        for run in reversed(ids):
            self.gone.pop(run, None)
            if self.hub.closing:
                return
            try:
                self._look_at(run)
            except (LivecbError, OSError):
                continue  # it went while we looked, or cannot be read: the others stay readable

    def _look_at(self, run: str) -> None:
        row = self.rows.get(run) or Row(self.hub.store.run(run))
        mark = mark_of(row.run)
        if row.data and mark == row.mark and not row.alive:
            return
        alive = row.run.alive()
        if row.data and mark == row.mark and alive == row.alive:
            return
        data = self._kept(row.run, mark) if not alive and not row.data else None
        if data is None:
            row.index = row.index or Index(row.run)
            data = row.index.row(alive, stop=lambda: self.hub.closing)
            if not alive:
                _keep(row.run, mark, data)
        if not alive and row.index is not None:
            row.index.close()
            row.index = None
        row.mark, row.alive = mark, alive
        if data != row.data:
            row.data, row.changed = data, self.change
        self.rows[run] = row

    @staticmethod
    def _kept(run: StoredRun, mark: Mark) -> dict[str, Any] | None:
        try:
            kept = msgspec.json.decode((run.folder / _CACHE).read_bytes(), type=_Kept)
        except (OSError, msgspec.DecodeError):
            return None
        return kept.row if kept.version == __version__ and kept.mark == mark else None


def mark_of(run: StoredRun) -> Mark:
    """Return what a row depends on: sizes and times of the logs, and the labels' time."""
    paths = [run.part_path(name) for name in run.part_names()]
    marks = []
    for path in [*paths, run.folder / "labels.json"]:
        try:
            status = path.stat()
            marks.append((status.st_size, status.st_mtime_ns))
        except OSError:
            marks.append((-1, 0))
    return tuple(marks)


def _keep(run: StoredRun, mark: Mark, row: dict[str, Any]) -> None:
    spare = run.folder / f"{_CACHE}.{os.getpid()}"
    try:
        spare.write_bytes(msgspec.json.encode(_Kept(__version__, mark, row)))
        os.replace(spare, run.folder / _CACHE)
    except OSError:
        pass  # a store that we may only read
