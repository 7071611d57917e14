"""Events as a batch of JSON: the same cursor as the streams, so polling is a real fallback for them."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from livecb.server.frames import NoFraming, Sieve, dump, types_of
from livecb.server.hub import Hub
from livecb.server.query import query_of
from livecb.server.replies import json_response
from livecb.server.stream import EventQuery, asked_cursor
from livecb.server.tail import Place, Stretch, Tail
from livecb.store import StoredRun

__all__ = ["Batches"]

_LINES = 2000
_BYTES = 8 << 20
"""An answer takes no further line once it holds so many; the cursor goes on from there."""


class _Poll:
    """Someone who waits for the next event; to a feed, a viewer that nothing is sent to."""

    wants_state = False
    sending = 0.0

    def __init__(self, hub: Hub, run: StoredRun) -> None:
        self.gone = False
        self.feed = hub.feed([run], False, NoFraming, None)
        self._waiter: asyncio.Future[None] | None = None

    async def wait(self, seconds: float) -> None:
        self._waiter = self.feed.wait()
        await asyncio.wait([self._waiter], timeout=seconds)
        self._waiter.cancel()

    def leave(self, reason: str = "") -> None:
        self.gone = True
        if self._waiter is not None:
            self._waiter.cancel()

    def cut_off(self) -> None:
        self.leave()


class Batches:
    """The endpoint that answers with what there is after a cursor, or waits for the first of it."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    async def __call__(self, request: Request) -> Response:
        """Answer one request."""
        run = self.hub.store.run(request.path_params["run"])
        asked = query_of(request, EventQuery)
        sieve = Sieve(types_of(asked.types))
        batch = _Batch(Tail([run]), sieve, asked.limit, asked_cursor(request), asked.cursors)
        try:
            await batch.read()
            if asked.wait and not batch.lines and not batch.reset:
                await self._wait(run, batch, asked.wait)
            answer = batch.to_json(self.hub.alive(run.id))
            self.hub.traffic.sent("json", len(answer), len(batch.lines))
            return json_response(answer)
        finally:
            batch.tail.close()

    async def _wait(self, run: StoredRun, batch: _Batch, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        poll = _Poll(self.hub, run)
        self.hub.enter(poll)
        poll.feed.join(poll)
        try:
            await batch.read()
            while not (batch.lines or batch.reset or poll.gone) and (left := deadline - loop.time()) > 0:
                await poll.wait(left)
                await batch.read()
        finally:
            poll.feed.leave(poll)
            self.hub.leave(poll)


class _Batch:
    """The lines after a cursor that pass a filter."""

    def __init__(self, tail: Tail, sieve: Sieve, limit: int, cursor: str, cursors: bool = False) -> None:
        self.tail = tail
        self.lines: list[bytes] = []
        self.cursors: list[str] | None = [] if cursors else None
        self.place, lost = tail.parse(cursor)
        self.reset = bool(lost)
        self._sieve = sieve
        self._limit = limit
        self._bytes = 0
        if lost:
            self.place = ()

    @property
    def full(self) -> bool:
        """Whether the answer takes no more."""
        return len(self.lines) >= self._limit or self._bytes >= _BYTES

    async def read(self) -> None:
        """Read on until the answer is full, or the end."""
        self.tail.find_parts()
        if self.tail.replaced():
            self._begin_anew()
        before: Place | None = None
        while not self.full and self.place != before:
            before = self.place = self.tail.pad(self.place)
            self._read_some()
            await asyncio.sleep(0)

    def _read_some(self) -> None:
        for stretch in self.tail.read(self.place, _LINES):
            if isinstance(stretch, str):
                self._begin_anew()
                return
            passed = self._sieve.sift(stretch.lines, stretch.offsets)
            self.place = self._at(stretch.part, self._take(passed, stretch))
            if self.full:
                return

    def _at(self, part: int, offset: int) -> Place:
        return (*self.place[:part], offset, *self.place[part + 1 :])

    def _take(self, passed: list[tuple[bytes, str]], stretch: Stretch) -> int:
        """Take as many lines as fit; return where they end, the stretch's end if all did."""
        for at, (line, offset) in enumerate(passed, 1):
            self.lines.append(line)
            if self.cursors is not None:
                self.cursors.append(self.tail.format(self._at(stretch.part, int(offset))))
            self._bytes += len(line)
            if self.full and at < len(passed):
                return int(offset)
        return stretch.end

    def _begin_anew(self) -> None:
        self.reset, self.lines, self.place, self._bytes = True, [], (), 0
        self.cursors = None if self.cursors is None else []

    def to_json(self, alive: bool) -> bytes:
        """Return the answer; the lines stand in it as they do in the log."""
        head: dict[str, Any] = {"cursor": self.tail.format(self.place), "reset": self.reset, "alive": alive}
        if self.cursors is not None:
            head["cursors"] = self.cursors
        return b'%b,"events":[%b]}' % (dump(head)[:-1], b",".join(self.lines))
