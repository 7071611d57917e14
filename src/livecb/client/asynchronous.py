"""The client for asyncio: the same verbs, awaited."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Collection
from typing import TypeVar

from livecb.client import calls
from livecb.client.records import EventPage, RunRow, RunState
from livecb.events import AnyEvent, Unknown
from livecb.logs.base import START, Batch
from livecb.logs.following import Following
from livecb.logs.http import asend, async_client_of, follow

__all__ = ["AsyncClient", "AsyncFollower"]

T = TypeVar("T")


class AsyncFollower(AsyncIterator[AnyEvent | Unknown]):
    """`Follower`, for `async for`."""

    def __init__(self, batches: AsyncIterator[Batch], cursor: str) -> None:
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
        async for batch in self._batches:
            self.resets += batch.reset
            for line, cursor in zip(batch.lines, batch.cursors, strict=True):
                self.cursor = cursor
                if (event := calls.event_of(line)) is None:
                    self.broken += 1
                else:
                    yield event
            self.cursor = batch.cursor


class AsyncClient:
    """`Client`, for asyncio: takes the same arguments, has the same methods, and raises the same errors."""

    def __init__(self, address: str | None = None, *, token: str | None = None) -> None:
        self.address = calls.address_of(address, token)
        self._http = async_client_of(self.address)

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """As `Client.close`."""
        await self._http.aclose()

    async def list(self) -> list[RunRow]:
        """As `Client.list`."""
        return await self._do(calls.runs())

    async def get(self, run: str) -> RunState:
        """As `Client.get`."""
        return await self._do(calls.run(run))

    async def events(
        self,
        run: str,
        cursor: str = START,
        *,
        types: Collection[str] | None = None,
        limit: int = 1000,
        wait: float = 0,
    ) -> EventPage:
        """As `Client.events`."""
        return await self._do(calls.events(run, cursor, types, limit, wait))

    def follow(
        self,
        run: str,
        cursor: str = START,
        *,
        types: Collection[str] | None = None,
        until_end: bool = True,
    ) -> AsyncFollower:
        """As `Client.follow`."""
        following = Following(run, cursor, types, until_end=until_end)
        return AsyncFollower(follow(self._http, following), cursor)

    async def _do(self, call: calls.Call[T]) -> T:
        return call.decode(*await asend(self._http, call.ask))
