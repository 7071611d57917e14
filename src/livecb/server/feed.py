"""One reader of the logs for all viewers who ask for the same: frames are made and joined once.

The law: a viewer is a cursor. A feed reads what is new, makes one tick of it and keeps the latest ticks in
a ring that is bounded by bytes; each viewer is an index into the ring and is woken once a tick. Viewers at
the same place share the same joined bytes. Nobody has a queue: who falls behind the ring reads from disk at
its own place.

How often it looks adapts. While events come it looks every few milliseconds, so that what is said is sent
at once; when sending costs much it looks less often, which coalesces; when nothing comes it looks less and
less often; when nobody watches it does not look at all.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any, Protocol

import msgspec

from livecb.leaderboard import MOST
from livecb.server.frames import Framing, Sieve
from livecb.server.notices import Notices
from livecb.server.pace import Pace
from livecb.server.ring import Ring, Shelf, Tick
from livecb.server.tail import Place, Stretch, Tail

__all__ = ["Feed", "Viewing", "Watch"]

_log = logging.getLogger("livecb.server")


class Watch(Protocol):
    """What a feed asks of its surroundings."""

    def alive(self, run: str) -> bool:
        """Whether a run's writer lives."""
        ...

    def present(self, run: str) -> int:
        """How many watch a run."""
        ...

    async def state(self, run: str, rows: int) -> bytes:
        """Return a run's State as JSON, folded up to now, with so many candidates; empty if there is none."""
        ...


class Viewing(Protocol):
    """What a feed knows of a viewer.

    Attributes:
        wants_state: Whether it takes State messages.
        sending: When the write that is under way began (`time.monotonic`); 0 if none is.
    """

    wants_state: bool
    sending: float

    def cut_off(self) -> None:
        """End at once: it does not read."""
        ...


class Feed:
    """The ring of ticks of some logs in one framing, and the task that fills it.

    Attributes:
        place: Where the latest tick ends.
        used: When somebody last asked for this feed (`time.monotonic`).
        rows: So many rows of the leaderboard a State message holds at most.
        types: Of which types events are told; None for all.
    """

    def __init__(
        self, tail: Tail, framing: Framing, sieve: Sieve, pace: Pace, watch: Watch, rows: int = MOST
    ) -> None:
        self.tail = tail
        self.framing = framing
        self.pace = pace
        self.rows = rows
        self.types = sieve.types
        self.place: Place = ()
        self.ring = Ring(framing.glue, pace.ring, pace.send, framing.count)
        self.notices = Notices()
        self.viewers: set[Viewing] = set()
        self.used = time.monotonic()
        self._sieve = sieve
        self._watch = watch
        self._shelf = Shelf(pace.ring)
        self._alive: dict[str, bool] = {}
        self._waiting: list[asyncio.Future[None]] = []
        self._task: asyncio.Task[None] | None = None
        self._state_tasks: dict[str, asyncio.Task[None]] = {}
        self._state_at: dict[str, tuple[Place, bool, int]] = {}
        self._last_event = self._next_check = self._next_beat = 0.0
        self._jump()

    # Viewers

    def join(self, viewer: Viewing) -> None:
        """Take in a viewer, and begin to look if it is the first."""
        self.viewers.add(viewer)
        if self._task is None or self._task.done():
            self._jump()
            self._check_writers()
            self._task = asyncio.get_running_loop().create_task(self._run(), name="livecb-feed")

    def leave(self, viewer: Viewing) -> None:
        """Let a viewer go; after the last the task ends by itself."""
        self.viewers.discard(viewer)
        self.used = time.monotonic()

    def wait(self) -> asyncio.Future[None]:
        """Return a future that is done when there is something new."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        return future

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    # What is new

    def look(self) -> bool:
        """Make a tick of what is new, if anything is."""
        found: list[bytes] = []
        place = self.place = self.tail.pad(self.place)
        for run in self.tail.replaced():
            place = self._begin_anew(run, place, found)
        for stretch in self.tail.read(place, self.pace.lines):
            if isinstance(stretch, str):
                self.tail.renew(stretch)
                place = self._begin_anew(stretch, place, found)
                break
            found.append(self._frame(stretch, place))
            place = stretch.after(place)
        if place == self.place and not found:
            return False
        self.place = place
        self.ring.add(Tick(self.framing.glue.join(filter(None, found)), place, self.tail.generations))
        return True

    def chunk(self, place: Place, bound: Place) -> tuple[bytes, Place, str | None]:
        """Read from disk what follows a place, not beyond another; and the run that starts anew, if any."""
        if (known := self._shelf.get(place, bound)) is not None:
            return known[0], known[1], None
        found: list[bytes] = []
        at = place
        for stretch in self.tail.read(place, self.pace.lines, bound):
            if isinstance(stretch, str):
                return b"", at, stretch
            found.append(self._frame(stretch, at))
            at = stretch.after(at)
        data = self.framing.glue.join(filter(None, found))
        if at != place:
            self._shelf.put(place, data, at)
        return data, at, None

    def reset_frame(self, run: str, place: Place) -> bytes:
        """Frame the news that a run's events come anew."""
        return self.framing.message("reset", {"run": run, "cursor": self.tail.format(place)})

    def _jump(self) -> None:
        """Go to the end of the logs: nobody is in the ring."""
        self.tail.find_parts()
        self.tail.replaced()
        self._shelf.clear()
        self.ring.clear()
        self.place = self.tail.end()

    def _frame(self, stretch: Stretch, place: Place) -> bytes:
        part = self.tail.parts[stretch.part]
        before, after = self.tail.around(place, stretch.part)
        passed = self._sieve.sift(stretch.lines, stretch.offsets)
        return self.framing.lines(part.run if self.tail.several else None, passed, before, after)

    def _begin_anew(self, run: str, place: Place, found: list[bytes]) -> Place:
        self._shelf.clear()
        place = self.tail.forget(place, run)
        found.append(self.reset_frame(run, place))
        return place

    # Notices

    def states(self) -> list[bytes]:
        """Return the States that are fresh; the others will come as notices."""
        fresh = []
        now = time.monotonic()
        for run in self.tail.runs:
            known = self.notices.get("state", run)
            if known and now - known.time < self.pace.fresh and self._state_at.get(run) == self._mark(run):
                fresh.append(known.data)
            else:
                self._refresh(run)
        return fresh

    def _notify(self, kind: str, run: str, data: dict[str, Any] | msgspec.Raw) -> None:
        self.notices.put(kind, run, self.framing.message(kind, data))
        self._wake()

    def _check_writers(self) -> None:
        for run in self.tail.runs:
            alive = self._watch.alive(run)
            if self._alive.get(run, alive) != alive:
                self._notify("writer", run, {"run": run, "alive": alive})
            self._alive[run] = alive

    def _mark(self, run: str) -> tuple[Place, bool, int]:
        return self.place, self._alive.get(run, False), self._watch.present(run)

    def _refresh(self, run: str) -> None:
        if run not in self._state_tasks:
            task = asyncio.get_running_loop().create_task(self._put_out_state(run))
            self._state_tasks[run] = task
            task.add_done_callback(lambda _: self._state_tasks.pop(run, None))

    async def _put_out_state(self, run: str) -> None:
        mark = self._mark(run)
        state = await self._watch.state(run, self.rows)
        self._state_at[run] = mark
        if state:
            self._notify("state", run, msgspec.Raw(state))

    # The task

    async def _run(self) -> None:
        now = time.monotonic()
        self._last_event, self._next_check, self._next_beat = now, now, now + self.pace.heartbeat
        while self.viewers:
            try:
                pause = await self._turn()
            except Exception:
                # A disk that fails, a store that vanishes: viewers keep what they have, and we look again.
                _log.exception("cannot read the logs of %s", ", ".join(self.tail.runs))
                pause = 1.0
            await asyncio.sleep(pause)

    async def _turn(self) -> float:
        """Look, let everybody send, and return how long to pause."""
        begun, cpu = time.monotonic(), time.thread_time()
        moved = self.look()
        if moved:
            self._last_event = begun
            self._wake()
            # Twice: the viewers write, then the loop gives what they wrote to the kernel.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        if begun >= self._next_check:
            self._next_check = begun + self.pace.fresh
            self._check(begun)
        if begun >= self._next_beat:
            self._next_beat = begun + self.pace.heartbeat
            self._notify("heartbeat", "", {"time": time.time(), "alive": any(self._alive.values())})
        now = time.monotonic()
        if moved:
            # By processor time: waiting for a busy machine should not make us slower still.
            turn = max(self.pace.quick, (time.thread_time() - cpu) / self.pace.share)
            return max(0.0, begun + turn - now)
        return self._pause(now - self._last_event)

    def _check(self, now: float) -> None:
        self.tail.find_parts()
        self._check_writers()
        if any(viewer.wants_state for viewer in self.viewers):
            for run in self.tail.runs:
                if self._state_at.get(run) != self._mark(run):
                    self._refresh(run)
        for viewer in [v for v in self.viewers if v.sending and now - v.sending > self.pace.stuck]:
            viewer.cut_off()

    def _pause(self, quiet: float) -> float:
        pace = self.pace
        if quiet < 1.0:
            return pace.quick
        if any(self._alive.values()) or quiet < 5.0:
            return min(pace.idle, pace.quick * quiet)
        return pace.dead
