"""One viewer: a place in the logs, and a way to write to whoever watches."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from livecb.server.feed import Feed
from livecb.server.tail import Place

__all__ = ["Viewer"]

Write = Callable[[bytes], Awaitable[None]]


class Viewer:
    """Takes what a feed has, at its own speed, until it goes or the server does.

    Attributes:
        sending: When the write that is under way began (`time.monotonic`); 0 if none is.
        wants_state: Whether it takes State messages.
    """

    def __init__(
        self,
        feed: Feed,
        place: Place,
        write: Write,
        *,
        wants_state: bool,
        abort: Callable[[], None],
        sent: Callable[[int, int], None] = lambda data, events: None,
    ) -> None:
        self.feed = feed
        self.place = feed.tail.pad(place)
        self.sending = 0.0
        self.wants_state = wants_state
        self.gone = False
        self._write_out = write
        self._abort = abort
        self._sent = sent
        self._generations: Mapping[str, int] = feed.tail.generations
        self._noticed = feed.notices.number
        self._waiter: asyncio.Future[None] | None = None
        self._bye = b""

    async def run(self, lost: list[str]) -> None:
        """Send all from the place on, until `gone`; first the reset of the runs that are lost."""
        feed = self.feed
        feed.join(self)
        try:
            for run in lost:
                await self._reset(run)
            for state in feed.states() if self.wants_state else ():
                await self._write(state)
            while not self.gone:
                number = await self._catch_up()
                await self._follow(number)
            if self._bye:
                await self._write_out(self._bye)
        finally:
            feed.leave(self)

    def leave(self, reason: str = "") -> None:
        """End soon: the viewer went; or, with a reason that it is told, the server goes."""
        self.gone = True
        if reason:
            self._bye = self.feed.framing.message("bye", {"reason": reason})
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def cut_off(self) -> None:
        """End at once: it does not read."""
        self.gone = True
        self.sending = 0.0
        self._abort()

    async def _follow(self, number: int) -> None:
        """Send tick after tick; return when it fell behind the ring."""
        feed = self.feed
        while number >= feed.ring.first and not self.gone:
            if number < feed.ring.next:
                piece = feed.ring.piece(number)
                number, self.place, self._generations = piece.next, piece.end, piece.generations
                if piece.data:
                    await self._write(piece.data, piece.events)
            if self._noticed < feed.notices.number:
                await self._send_notices()
            elif number == feed.ring.next and not self.gone:
                await self._wait()

    async def _catch_up(self) -> int:
        """Send from disk until a tick's boundary is met; return the number of the tick after it."""
        feed = self.feed
        passed_over = False
        target, number = feed.place, feed.ring.next
        while not self.gone:
            if (run := self._replaced()) is not None:
                self._generations = {**self._generations, run: feed.tail.generations[run]}
                await self._reset(run)
                target, number = feed.place, feed.ring.next
                continue
            self.place, target = feed.tail.pad(self.place), feed.tail.pad(target)
            if self.place == target and number >= feed.ring.first:
                if passed_over:
                    await self._write(feed.framing.cursor(feed.tail.format(self.place)))
                return number
            data, place, reset = feed.chunk(self.place, target)
            if reset is not None:
                feed.look()
                if self._replaced() is None:
                    await self._reset(reset)
            elif place != self.place:
                self.place, passed_over = place, not data
                if data:
                    await self._write(data, feed.framing.count(data))
                await asyncio.sleep(0)  # a write that is taken at once lets nobody else have a turn
            elif target != feed.tail.pad(feed.place):  # a part may have been found that it has not looked at
                target, number = feed.place, feed.ring.next
            elif lost := feed.tail.lost(self.place):  # a log that was missing has come back as another
                for run in lost:
                    await self._reset(run)
            else:
                await self._wait()  # it is ahead of the feed, which will come
        return feed.ring.next

    async def _wait(self) -> None:
        self._waiter = self.feed.wait()
        await self._waiter

    def _replaced(self) -> str | None:
        now = self.feed.tail.generations
        if now is self._generations:
            return None
        return next((run for run in now if now[run] != self._generations[run]), None)

    async def _reset(self, run: str) -> None:
        self.place = self.feed.tail.forget(self.place, run)
        await self._write(self.feed.reset_frame(run, self.place))

    async def _send_notices(self) -> None:
        after, self._noticed = self._noticed, self.feed.notices.number
        for notice in self.feed.notices.after(after):
            if notice.kind != "state" or self.wants_state:
                await self._write(notice.data)

    async def _write(self, data: bytes, events: int = 0) -> None:
        self.sending = time.monotonic()
        await self._write_out(data)
        self.sending = 0.0
        self._sent(len(data), events)
