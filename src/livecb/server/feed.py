"""One reader of the logs for all viewers who ask for the same: frames are made and joined once.

The law: a viewer is a cursor. A feed reads what is new, makes one tick of it and keeps the latest ticks in
a ring that is bounded by bytes; each viewer is an index into the ring and is woken once a tick. Viewers at
the same place share the same joined bytes. Nobody has a queue: who falls behind the ring reads from disk at
its own place.

How often it looks adapts. While events come it looks every few milliseconds, so that what is said is sent
at once; when sending takes long it waits as long as sending took, which coalesces; when nothing comes it
looks less and less often; when nobody watches it does not look at all.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from livecb.server.frames import Framing, Sieve
from livecb.server.tail import Place, Tail

__all__ = ["Feed", "Notice", "Pace", "Piece", "Tick", "Watch"]

FRESH = 0.5
"""Seconds between two States of a run, and between two looks at who lives."""

_log = logging.getLogger("livecb.server")


@dataclass(frozen=True, slots=True)
class Pace:
    """How a feed spends time and memory; seconds and bytes.

    Attributes:
        quick: Between looks while events come.
        idle: Between looks when none have come for a while.
        dead: Between looks when no writer lives.
        share: The part of a processor that sending may take.
        heartbeat: Between heartbeats.
        stuck: After so long a viewer that does not read is cut off; it comes back with its cursor.
        ring: Bytes of ticks kept for viewers that are a little behind.
        send: Bytes given to a viewer at once.
        lines: Lines read at once.
        rows: Between looks at the list of runs.
    """

    quick: float = 0.003
    idle: float = 0.03
    dead: float = 0.25
    share: float = 0.5
    heartbeat: float = 10.0
    stuck: float = 60.0
    ring: int = 8 << 20
    send: int = 256 << 10
    lines: int = 2000
    rows: float = 1.0


@dataclass(frozen=True, slots=True)
class Tick:
    """What one look found: its frames, and the place after them."""

    data: bytes
    end: Place
    generations: dict[str, int]


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive ticks' bytes, the number of the next tick and the place after these."""

    data: bytes
    next: int
    end: Place
    generations: dict[str, int]


@dataclass(slots=True)
class Notice:
    """The latest message of one kind; a viewer that missed an earlier one lost nothing."""

    number: int
    data: bytes
    time: float


class Watch(Protocol):
    """What a feed asks of its surroundings."""

    def alive(self, run: str) -> bool:
        """Whether a run's writer lives."""
        ...

    async def state(self, run: str) -> bytes:
        """Return a run's State as JSON, folded up to now; empty if there is none."""
        ...


class Feed:
    """The ring of ticks of some logs in one framing, and the task that fills it."""

    MAX_TICKS = 4096

    def __init__(self, tail: Tail, framing: Framing, sieve: Sieve, pace: Pace, watch: Watch) -> None:
        self.tail = tail
        self.framing = framing
        self.sieve = sieve
        self.pace = pace
        self.watch = watch
        self.place = tail.end()
        self.first = 0
        self.next = 0
        self.viewers: set[Any] = set()
        self.notices: dict[tuple[str, str], Notice] = {}
        self.notice_number = 0
        self.alive: dict[str, bool] = {}
        self._ticks: deque[Tick] = deque()
        self._bytes = 0
        self._joined: dict[int, Piece] = {}
        self._waiting: list[asyncio.Future[None]] = []
        self._pump: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._refreshing: set[str] = set()
        self._state_at: dict[str, tuple[Place, bool]] = {}
        self._chunks: OrderedDict[tuple[Place, Place], tuple[bytes, Place]] = OrderedDict()
        self._chunk_bytes = 0
        self._last_event = self._next_check = self._next_beat = 0.0
        tail.replaced()

    # Viewers

    def join(self, viewer: Any) -> None:
        """Take in a viewer, and begin to look if it is the first."""
        self.viewers.add(viewer)
        if self._pump is None or self._pump.done():
            self.look()
            self.check_writers()
            self._pump = asyncio.get_running_loop().create_task(self._run(), name="livecb-feed")

    def leave(self, viewer: Any) -> None:
        """Let a viewer go; the task ends by itself after the last."""
        self.viewers.discard(viewer)

    def wait(self) -> asyncio.Future[None]:
        """Return a future that is done when there is something new."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        return future

    def wake(self) -> int:
        """Wake all who wait; return how many."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)
        return len(waiting)

    # Ticks

    def look(self) -> bool:
        """Make a tick of what is new, if anything is."""
        found: list[bytes] = []
        place = self.place = self.tail.pad(self.place)
        for run in self.tail.replaced():
            place = self._reset(run, place, found)
        for stretch in self.tail.read(place, self.pace.lines):
            if isinstance(stretch, str):
                self.tail.renew(stretch)
                place = self._reset(stretch, place, found)
                break
            found.append(self.frame(stretch, place))
            place = (*place[: stretch.part], stretch.end, *place[stretch.part + 1 :])
        if place == self.place and not found:
            return False
        self._add(Tick(self.framing.glue.join(filter(None, found)), place, self.tail.generations))
        return True

    def frame(self, stretch: Any, place: Place) -> bytes:
        """Frame the lines of a stretch that follows a place."""
        part = self.tail.parts[stretch.part]
        before, after = self.tail.around(place, stretch.part)
        passed = self.sieve.sift(stretch.lines, stretch.offsets)
        return self.framing.lines(part.run if self.tail.several else None, passed, before, after)

    def reset_frame(self, run: str, place: Place) -> bytes:
        """Frame the news that a run's events come anew."""
        return self.framing.message("reset", {"run": run, "cursor": self.tail.format(place)})

    def piece(self, number: int) -> Piece:
        """Return the ticks from `number` on, as many as are sent at once; joined once for all who ask."""
        piece = self._joined.get(number)
        if piece is None:
            datas: list[bytes] = []
            size, tick = 0, self._ticks[number - self.first]
            following = number
            while following < self.next and (not datas or size < self.pace.send):
                tick = self._ticks[following - self.first]
                size += len(tick.data)
                datas.append(tick.data)
                following += 1
            data = datas[0] if len(datas) == 1 else self.framing.glue.join(filter(None, datas))
            piece = self._joined[number] = Piece(data, following, tick.end, tick.generations)
        return piece

    def chunk(self, place: Place, upto: Place) -> tuple[bytes, Place, str | None]:
        """Read from disk what follows a place, not beyond another; and the run that starts anew, if any."""
        key = (place, upto)
        if (known := self._chunks.get(key)) is not None:
            return known[0], known[1], None
        found: list[bytes] = []
        at = place
        for stretch in self.tail.read(place, self.pace.lines, upto):
            if isinstance(stretch, str):
                return b"", at, stretch
            found.append(self.frame(stretch, at))
            at = (*at[: stretch.part], stretch.end, *at[stretch.part + 1 :])
        data = self.framing.glue.join(filter(None, found))
        self._chunks[key] = (data, at)
        self._chunk_bytes += len(data)
        while self._chunk_bytes > self.pace.ring and self._chunks:
            _, (old, _) = self._chunks.popitem(last=False)
            self._chunk_bytes -= len(old)
        return data, at, None

    def _reset(self, run: str, place: Place, found: list[bytes]) -> Place:
        self._chunks.clear()
        self._chunk_bytes = 0
        place = self.tail.forget(place, run)
        found.append(self.reset_frame(run, place))
        return place

    def _add(self, tick: Tick) -> None:
        self.place = tick.end
        self._ticks.append(tick)
        self._bytes += len(tick.data)
        self.next += 1
        self._joined.clear()
        while len(self._ticks) > 1 and (self._bytes > self.pace.ring or len(self._ticks) > self.MAX_TICKS):
            self._bytes -= len(self._ticks.popleft().data)
            self.first += 1

    # Notices

    def notify(self, kind: str, run: str, data: dict[str, Any] | msgspec.Raw) -> None:
        """Put out a message of the transport; it takes the place of an earlier one of its kind."""
        self.notice_number += 1
        self.notices[kind, run] = Notice(
            self.notice_number, self.framing.message(kind, data), time.monotonic()
        )
        self.wake()

    def check_writers(self) -> None:
        """See which writers live, and say so where it changed."""
        for run in self.tail.runs:
            alive = self.watch.alive(run)
            if self.alive.get(run, alive) != alive:
                self.notify("writer", run, {"run": run, "alive": alive})
            self.alive[run] = alive

    def states(self) -> list[bytes]:
        """Return the States that are fresh; the others will come as notices."""
        fresh = []
        now = time.monotonic()
        for run in self.tail.runs:
            known = self.notices.get(("state", run))
            if known and now - known.time < FRESH and self._state_at.get(run) == self._mark(run):
                fresh.append(known.data)
            else:
                self._refresh(run)
        return fresh

    def refresh_states(self) -> None:
        """Put out the State of every run of which there is something new."""
        for run in self.tail.runs:
            if self._state_at.get(run) != self._mark(run):
                self._refresh(run)

    def _mark(self, run: str) -> tuple[Place, bool]:
        return self.place, self.alive.get(run, False)

    def _refresh(self, run: str) -> None:
        if run not in self._refreshing:
            self._refreshing.add(run)
            task = asyncio.get_running_loop().create_task(self._put_out_state(run))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _put_out_state(self, run: str) -> None:
        try:
            mark = self._mark(run)
            state = await self.watch.state(run)
            self._state_at[run] = mark
            if state:
                self.notify("state", run, msgspec.Raw(state))
        finally:
            self._refreshing.discard(run)

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
            self.wake()
            # Twice: the viewers write, then the loop gives what they wrote to the kernel.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        if begun >= self._next_check:
            self._next_check = begun + FRESH
            self._check(begun)
        if begun >= self._next_beat:
            self._next_beat = begun + self.pace.heartbeat
            self.notify("heartbeat", "", {"time": time.time(), "alive": any(self.alive.values())})
        now = time.monotonic()
        if moved:
            # By processor time: waiting for a busy machine should not make us slower still.
            turn = max(self.pace.quick, (time.thread_time() - cpu) / self.pace.share)
            return max(0.0, begun + turn - now)
        return self._pause(now - self._last_event)

    def _check(self, now: float) -> None:
        self.tail.find_parts()
        self.check_writers()
        if any(viewer.wants_state for viewer in self.viewers):
            self.refresh_states()
        for viewer in [v for v in self.viewers if v.sending and now - v.sending > self.pace.stuck]:
            viewer.cut_off()

    def _pause(self, quiet: float) -> float:
        pace = self.pace
        if quiet < 1.0:
            return pace.quick
        if any(self.alive.values()) or quiet < 5.0:
            return min(pace.idle, pace.quick * quiet)
        return pace.dead
