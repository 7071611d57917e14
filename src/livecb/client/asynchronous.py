"""The client for asyncio: the same verbs, awaited."""

from __future__ import annotations

import os
from collections.abc import Collection, Generator, Iterable
from pathlib import Path
from typing import Any, TypeVar, cast

from livecb.client import calls
from livecb.client.baselines import AsyncBaselines, Comparison, comparison
from livecb.client.curves import Series, Values
from livecb.client.following import AsyncFollower
from livecb.client.records import Asked, EventPage, MediaPage, RunRow, RunState
from livecb.client.saving import Saving
from livecb.events import Event, FileRef, Note
from livecb.logs.base import START
from livecb.logs.following import Following
from livecb.logs.http import afollow, asend, astreamed, async_client_of
from livecb.logs.wire import Ask

__all__ = ["AsyncClient"]

T = TypeVar("T")


class AsyncClient:
    """`Client`, for asyncio: takes the same arguments, has the same methods, and raises the same errors."""

    def __init__(self, address: str | None = None, *, token: str | None = None) -> None:
        self.address = calls.address_of(address, token)
        self._http = async_client_of(self.address)
        self.baselines = AsyncBaselines(self._do)

    async def __aenter__(self) -> AsyncClient:
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
        tag: str | None = None,
        search: str | None = None,
        archived: bool | None = False,
        sort: str | None = None,
        limit: int | None = None,
    ) -> list[RunRow]:
        """As `Client.list`."""
        return await self._do(
            calls.runs(archived, limit, status=status, project=project, tag=tag, search=search, sort=sort)
        )

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
        return AsyncFollower(afollow(self._http, following), cursor)

    def read(self, run: str, cursor: str = START, *, types: Collection[str] | None = None) -> AsyncFollower:
        """As `Client.read`."""
        following = Following(run, cursor, types, live=False)
        return AsyncFollower(afollow(self._http, following), cursor)

    def logs(self, run: str, cursor: str = START) -> AsyncFollower:
        """As `Client.logs`."""
        return self.read(run, cursor, types=["log"])

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
        return await self._do(calls.metrics(run, names, x, points, start, end))

    async def samples(
        self, run: str, *, epoch: int | str | None = None, before: int | None = None, limit: int = 50
    ) -> MediaPage:
        """As `Client.samples`."""
        return await self._do(calls.samples(run, epoch, before, limit))

    async def images(
        self, run: str, *, name: str | None = None, before: int | None = None, limit: int = 50
    ) -> MediaPage:
        """As `Client.images`."""
        return await self._do(calls.images(run, name, before, limit))

    async def file(self, run: str, file: str | FileRef) -> bytes:
        """As `Client.file`."""
        return await self._do(calls.file(run, calls.digest_of(file)))

    async def download(self, run: str, file: str | FileRef, path: str | os.PathLike[str]) -> Path:
        """As `Client.download`."""
        digest = calls.digest_of(file)
        return await self._save(calls.file(run, digest).ask, Saving(path, digest))

    async def values(
        self, run: str, name: str, *, x: str = "step", start: float | None = None, end: float | None = None
    ) -> Values:
        """As `Client.values`."""
        return await self._all(calls.values(run, name, x, start, end))

    async def append(
        self, run: str, events: Iterable[Event], at: str = START, *, part: str | None = None
    ) -> str:
        """As `Client.append`."""
        return await self._do(calls.append(run, events, at, part))

    async def compare(self, run: str, *, baseline: str | None = None, other: str | None = None) -> Comparison:
        """As `Client.compare`."""
        return await self._do(comparison(run, baseline, other))

    async def note(self, run: str, text: str, *, author: str | None = None, step: int | None = None) -> Note:
        """As `Client.note`."""
        return await self._do(calls.note(run, text=text, author=author, step=step))

    async def checkpoints(self, run: str) -> calls.Rows:
        """As `Client.checkpoints`."""
        return await self._do(calls.checkpoints(run))

    async def download_checkpoint(self, run: str, number: str, path: str | os.PathLike[str]) -> Path:
        """As `Client.download_checkpoint`."""
        return await self._save(calls.checkpoint(run, number), Saving(path))

    async def export(self, run: str, path: str | os.PathLike[str], format: str | None = None) -> Path:
        """As `Client.export`."""
        return await self._save(calls.export(run, format or Path(path).suffix[1:]), Saving(path))

    async def rename(self, run: str, name: str | None) -> None:
        """As `Client.rename`."""
        await self._do(calls.change(run, name=name))

    async def tag(self, run: str, tags: Collection[str] | None) -> None:
        """As `Client.tag`."""
        await self._do(calls.change(run, tags=None if tags is None else [*tags]))

    async def archive(self, run: str, archived: bool = True) -> None:
        """As `Client.archive`."""
        await self._do(calls.change(run, archived=archived))

    async def delete(self, run: str) -> None:
        """As `Client.delete`."""
        await self._do(calls.delete(run))

    async def restore(self, run: str) -> None:
        """As `Client.restore`."""
        await self._do(calls.restore(run))

    async def send(
        self,
        run: str,
        name: str,
        *,
        parameter: str | None = None,
        value: float | bool | str | None = None,
        by: str | None = None,
        within: float | None = None,
    ) -> Asked:
        """As `Client.send`."""
        return await self._do(calls.send(run, name, parameter=parameter, value=value, by=by, within=within))

    async def _do(self, call: calls.Call[T]) -> T:
        return call.decode(*await asend(self._http, call.ask))

    async def _all(self, pages: Generator[calls.Call[Any], Any, T]) -> T:
        answer = None
        while True:
            try:
                call = pages.send(answer)
            except StopIteration as end:
                return cast(T, end.value)
            answer = await self._do(call)

    async def _save(self, ask: Ask, saving: Saving) -> Path:
        with saving:
            async with astreamed(self._http, ask) as chunks:
                async for chunk in chunks:
                    saving.write(chunk)
        return saving.path
