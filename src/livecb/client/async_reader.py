"""The client for asyncio: what it reads."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Generator
from typing import TYPE_CHECKING, Any, TypeVar, cast

from livecb.client import calls, reading, rights
from livecb.client.baselines import AsyncBaselines, Comparison, comparison
from livecb.client.curves import Series, Values
from livecb.client.following import AsyncFollower
from livecb.client.pages import Candidates, ErrorPage, EventPage, LogPage, MarkPage, MediaPage, NotePage
from livecb.client.records import Flat, RunRow, RunState
from livecb.client.rights import Access, AsyncTokens, Change, Link
from livecb.client.trash import AsyncTrash
from livecb.events import AnyEvent, Unknown
from livecb.logs.base import START
from livecb.logs.following import Following
from livecb.logs.http import afollow, asend, async_client_of

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["AsyncReader"]

T = TypeVar("T")


class AsyncReader:
    """The verbs of an `AsyncClient` that change nothing."""

    def __init__(self, address: str | None = None, *, token: str | None = None) -> None:
        self.address = calls.address_of(address, token)
        self._http = async_client_of(self.address)
        self.baselines = AsyncBaselines(self._do)
        self.tokens = AsyncTokens(self._do)
        self.trash = AsyncTrash(self._do)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """As `Client.close`."""
        await self._http.aclose()

    async def list(
        self,
        *,
        status: str | None = None,
        project: str | None = None,
        framework: str | None = None,
        tag: str | Collection[str] | None = None,
        search: str | None = None,
        archived: bool | None = False,
        sort: str | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> list[RunRow]:
        """As `Client.list`."""
        call = reading.runs(
            archived,
            status=status,
            project=project,
            framework=framework,
            tag=tag,
            search=search,
            sort=sort,
            limit=limit,
            after=after,
        )
        return await self._do(call)

    def each_run(
        self,
        *,
        status: str | None = None,
        project: str | None = None,
        framework: str | None = None,
        tag: str | Collection[str] | None = None,
        search: str | None = None,
        archived: bool | None = False,
        sort: str | None = None,
    ) -> AsyncIterator[RunRow]:
        """As `Client.each_run`."""
        call = reading.each_run(
            archived,
            status=status,
            project=project,
            framework=framework,
            tag=tag,
            search=search,
            sort=sort,
        )
        return self._each(call)

    async def get(self, run: str) -> RunState:
        """As `Client.get`."""
        return await self._do(reading.run(run))

    async def flat(self, run: str) -> Flat:
        """As `Client.flat`."""
        return await self._do(reading.flat(run))

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
        return await self._do(reading.events(run, cursor, types, limit, wait))

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
        return AsyncFollower(afollow(self._http, following), cursor)

    def read(self, run: str, cursor: str = START, *, types: Collection[str] | None = None) -> AsyncFollower:
        """As `Client.read`."""
        following = Following(run, cursor, types, live=False)
        return AsyncFollower(afollow(self._http, following), cursor)

    def logs(self, run: str, cursor: str = START) -> AsyncFollower:
        """As `Client.logs`."""
        return self.read(run, cursor, types=["log"])

    async def search(
        self,
        run: str,
        words: str | None = None,
        cursor: str = START,
        *,
        level: str | None = None,
        logger: str | None = None,
        stream: str | None = None,
        limit: int | None = None,
        last: int | None = None,
    ) -> LogPage:
        """As `Client.search`."""
        query = {"level": level, "logger": logger, "stream": stream, "limit": limit, "last": last}
        return await self._do(reading.search(run, cursor, search=words, **query))

    async def errors(
        self, run: str, cursor: str = START, *, limit: int | None = None, last: int | None = None
    ) -> ErrorPage:
        """As `Client.errors`."""
        return await self._do(reading.errors(run, cursor, limit, last))

    async def notes(
        self, run: str, cursor: str = START, *, limit: int | None = None, last: int | None = None
    ) -> NotePage:
        """As `Client.notes`."""
        return await self._do(reading.notes(run, cursor, limit, last))

    async def marks(self, run: str) -> MarkPage:
        """As `Client.marks`."""
        return await self._do(reading.marks(run))

    async def leaderboard(self, run: str, *, limit: int | None = None) -> Candidates:
        """As `Client.leaderboard`."""
        return await self._do(reading.leaderboard(run, limit))

    async def metrics(
        self,
        run: str,
        names: str | Collection[str] | None = None,
        *,
        x: str = "step",
        points: int | None = 1000,
        start: float | None = None,
        end: float | None = None,
    ) -> Series:
        """As `Client.metrics`."""
        return await self._all(reading.metrics(run, names, x, points, start, end))

    async def values(
        self, run: str, name: str, *, x: str = "step", start: float | None = None, end: float | None = None
    ) -> Values:
        """As `Client.values`."""
        return await self._all(reading.values(run, name, x, start, end))

    async def samples(
        self, run: str, *, epoch: int | str | None = None, before: int | None = None, limit: int = 50
    ) -> MediaPage:
        """As `Client.samples`."""
        return await self._do(reading.media(run, "samples", limit, epoch=epoch, before=before))

    def each_sample(self, run: str, *, epoch: int | str | None = None) -> AsyncIterator[AnyEvent | Unknown]:
        """As `Client.each_sample`."""
        return self._each(reading.each_medium(run, "samples", epoch=epoch))

    async def images(
        self, run: str, *, name: str | None = None, before: int | None = None, limit: int = 50
    ) -> MediaPage:
        """As `Client.images`."""
        return await self._do(reading.media(run, "images", limit, name=name, before=before))

    def each_image(self, run: str, *, name: str | None = None) -> AsyncIterator[AnyEvent | Unknown]:
        """As `Client.each_image`."""
        return self._each(reading.each_medium(run, "images", name=name))

    async def media(
        self, run: str, type: str, *, name: str | None = None, before: int | None = None, limit: int = 50
    ) -> MediaPage:
        """As `Client.media`."""
        return await self._do(reading.media(run, "media", limit, type=type, name=name, before=before))

    async def compare(self, run: str, *, baseline: str | None = None, other: str | None = None) -> Comparison:
        """As `Client.compare`."""
        return await self._do(comparison(run, baseline, other))

    async def checkpoints(self, run: str) -> reading.Rows:
        """As `Client.checkpoints`."""
        return await self._do(reading.checkpoints(run))

    async def access(self) -> Access:
        """As `Client.access`."""
        return await self._do(rights.access())

    async def shares(self, run: str) -> _Links:
        """As `Client.shares`."""
        return await self._do(rights.shares(run))

    async def audit(self, limit: int = 100) -> _Changes:
        """As `Client.audit`."""
        return await self._do(rights.audit(limit))

    async def _do(self, call: calls.Call[T]) -> T:
        return call.decode(*await asend(self._http, call.ask))

    async def _each(self, call: calls.Call[calls.Chain[T]]) -> AsyncIterator[T]:
        following: calls.Call[calls.Chain[T]] | None = call
        while following is not None:
            page = await self._do(following)
            for item in page.items:
                yield item
            following = page.next

    async def _all(self, pages: Generator[calls.Call[Any], Any, T]) -> T:
        answer = None
        while True:
            try:
                call = pages.send(answer)
            except StopIteration as end:
                return cast(T, end.value)
            answer = await self._do(call)


# The class above has a method of the same name.
_Links = list[Link]
_Changes = list[Change]
