"""What all viewers of a store share: its feeds, its indexes, who lives, who watches."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Protocol

from livecb import __version__
from livecb.errors import LivecbError, StoreError
from livecb.leaderboard import MOST
from livecb.server.feed import Feed
from livecb.server.frames import Framing, Sieve
from livecb.server.indexes import Indexes
from livecb.server.pace import IN_A_PROCESS, Pace
from livecb.server.tail import Tail
from livecb.server.traffic import Traffic
from livecb.server.workers import Workers
from livecb.store import Store, StoredRun

__all__ = ["Hub"]

_END = frozenset({"run_ended"})
_UNUSED = 5.0


class Watcher(Protocol):
    """Someone who watches."""

    def leave(self, reason: str = "") -> None:
        """End soon; with a goodbye if there is a reason."""
        ...


class Hub:
    """The living part of a server. It works only while somebody watches.

    Attributes:
        rows: Who makes the rows of the list.
        work: Who writes for others, and reads what is soon read.
        reading: Who reads a log from end to end, to seek in it.
        exports: Who folds a run to take it along.
        packing: Who compresses answers.
        traffic: What goes out, counted.
        stale: Whether the list is to be made anew for the next who asks.
        last_seen: When somebody last asked for something (`time.monotonic`).
    """

    def __init__(self, store: Store, pace: Pace | None = None) -> None:
        self.store = store
        self.pace = pace or IN_A_PROCESS
        self.indexes = Indexes(store)
        # Each its own threads: the list, or what a training sends, does not wait while a log is read.
        self.rows = Workers(1, "livecb-rows")
        self.work = Workers(2, "livecb-work")
        self.reading = Workers(2, "livecb-read")
        self.exports = Workers(2, "livecb-export")
        self.packing = Workers(2, "livecb-pack")
        self.traffic = Traffic()
        self.stale = False
        self.last_seen = time.monotonic()
        self.closing = False
        self.name = f"livecb/{__version__}"
        self._feeds: dict[tuple[object, ...], Feed] = {}
        self._viewers: set[Watcher] = set()
        self._alive: dict[str, tuple[float, bool]] = {}

    @property
    def watched(self) -> bool:
        """Whether anybody watches."""
        return bool(self._viewers)

    def runs(self, ids: Iterable[str]) -> list[StoredRun]:
        """Return runs by their ids, each once.

        Raises:
            RunNotFound: There is no such run.
        """
        return [self.store.run(run) for run in dict.fromkeys(ids)]

    def feed(
        self,
        runs: Sequence[StoredRun],
        several: bool,
        framing: type[Framing],
        types: frozenset[str] | None,
        rows: int = MOST,
    ) -> Feed:
        """Return the feed that all share who ask for the same."""
        now = time.monotonic()
        for key in [key for key, it in self._feeds.items() if not it.viewers and now - it.used > _UNUSED]:
            del self._feeds[key]
        key = (tuple(run.id for run in runs), several, framing, types, rows)
        feed = self._feeds.get(key)
        if feed is None:
            feed = self._feeds[key] = Feed(
                Tail(runs, several, patient=True), framing(), Sieve(types), self.pace, self, rows
            )
        feed.used = now
        return feed

    def alive(self, run: str) -> bool:
        """Whether a run's writer lives; looked up twice a second at most."""
        now = time.monotonic()
        seen, alive = self._alive.get(run, (-1.0, False))
        if now - seen > self.pace.fresh * 0.9 or seen < 0:
            try:
                alive = self.store.run(run).alive()
            except StoreError:
                alive = False
            self._alive[run] = (now, alive)
        return alive

    def present(self, run: str) -> int:
        """Return how many streams of a run are open: browsers, whatever their tabs, and programs.

        Who asks for the end alone waits, and does not watch.
        """
        feeds = [feed for feed in self._feeds.values() if run in feed.tail.runs and feed.types != _END]
        return sum(len(feed.viewers) for feed in feeds)

    async def state_now(self, run: str, rows: int) -> bytes:
        """Return a run's State as JSON, and in it how many watch the run.

        Raises:
            RunNotFound: There is no such run.
        """
        state = await self.indexes.state(run, self.alive(run), rows)
        return b'%b,"viewers":%d}' % (state[:-1], self.present(run))

    async def state(self, run: str, rows: int) -> bytes:
        """Return what `state_now` does; empty if the run is gone or cannot be read."""
        try:
            return await self.state_now(run, rows)
        except LivecbError:
            return b""

    def enter(self, viewer: Watcher) -> None:
        """Take note of a viewer."""
        self._viewers.add(viewer)

    def leave(self, viewer: Watcher) -> None:
        """A viewer is gone."""
        self._viewers.discard(viewer)
        self.touch()

    def changed(self, run: str) -> None:
        """Take note that a run is another than before, or gone."""
        self.stale = True
        self._alive.pop(run, None)
        if not (self.store.root / run).exists():
            self.indexes.forget(run)

    def touch(self) -> None:
        """Take note that somebody asked for something."""
        self.last_seen = time.monotonic()

    def close(self, reason: str = "the server stops") -> None:
        """Say goodbye to all viewers; their streams end at once."""
        self.closing = True
        for viewer in list(self._viewers):
            viewer.leave(reason)
        self.indexes.close()
        for workers in (self.rows, self.work, self.reading, self.exports, self.packing):
            workers.close()
