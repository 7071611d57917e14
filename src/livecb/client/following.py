"""Events of a run as they come: lines from wherever, made objects."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import aclosing

from livecb.client.calls import event_of
from livecb.events import AnyEvent, Unknown
from livecb.logs.base import Batch

__all__ = ["AsyncFollower", "Follower"]


class Follower(Iterator[AnyEvent | Unknown]):
    """Events of a run as they come, each once.

    Attributes:
        cursor: Where the last event that was given stands; `follow` from there to go on in another process.
        resets: How often the log began anew, so that all its events came again.
        broken: Lines that were no events.
    """

    def __init__(self, batches: Generator[Batch, None, None], cursor: str) -> None:
        self.cursor = cursor
        self.resets = 0
        self.broken = 0
        self._batches = batches
        self._events = self._each()

    def __next__(self) -> AnyEvent | Unknown:
        return next(self._events)

    def __enter__(self) -> Follower:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up; iterating ends."""
        self._events.close()
        self._batches.close()

    def _each(self) -> Generator[AnyEvent | Unknown, None, None]:
        for batch in self._batches:
            self.resets += batch.reset
            for line, cursor in zip(batch.lines, batch.cursors, strict=True):
                self.cursor = cursor
                if (event := event_of(line)) is None:
                    self.broken += 1
                else:
                    yield event
            self.cursor = batch.cursor


class AsyncFollower(AsyncIterator[AnyEvent | Unknown]):
    """`Follower`, for `async for`."""

    def __init__(self, batches: AsyncGenerator[Batch, None], cursor: str) -> None:
        self.cursor = cursor
        self.resets = 0
        self.broken = 0
        self._batches = batches
        self._events = self._each()

    async def __anext__(self) -> AnyEvent | Unknown:
        return await anext(self._events)

    async def __aenter__(self) -> AsyncFollower:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Hang up; iterating ends."""
        await self._events.aclose()

    async def _each(self) -> AsyncGenerator[AnyEvent | Unknown, None]:
        async with aclosing(self._batches) as batches:
            async for batch in batches:
                self.resets += batch.reset
                for line, cursor in zip(batch.lines, batch.cursors, strict=True):
                    self.cursor = cursor
                    if (event := event_of(line)) is None:
                        self.broken += 1
                    else:
                        yield event
                self.cursor = batch.cursor
