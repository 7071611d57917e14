"""The client for asyncio: the same verbs, awaited."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection, Iterable
from pathlib import Path

from livecb.client import calls, reading, rights, writing
from livecb.client.async_reader import AsyncReader
from livecb.client.records import Asked
from livecb.client.rights import WEEK, Link
from livecb.client.saving import Saving
from livecb.events import Event, FileRef, Note
from livecb.logs.base import START
from livecb.logs.http import astreamed
from livecb.logs.wire import Ask

__all__ = ["AsyncClient"]


class AsyncClient(AsyncReader):
    """`Client`, for asyncio: takes the same arguments, has the same methods, and raises the same errors."""

    async def file(self, run: str, file: str | FileRef) -> bytes:
        """As `Client.file`."""
        return await self._do(reading.file(run, calls.digest_of(file)))

    async def download(self, run: str, file: str | FileRef, path: str | os.PathLike[str]) -> Path:
        """As `Client.download`."""
        digest = calls.digest_of(file)
        return await self._save(reading.file(run, digest).ask, Saving(path, digest))

    async def download_checkpoint(self, run: str, number: str, path: str | os.PathLike[str]) -> Path:
        """As `Client.download_checkpoint`."""
        return await self._save(reading.checkpoint(run, number), Saving(path))

    async def download_model(self, run: str, path: str | os.PathLike[str], which: str = "best") -> Path:
        """As `Client.download_model`."""
        return await self._save(reading.model(run, which), Saving(path))

    async def export(self, run: str, path: str | os.PathLike[str], format: str | None = None) -> Path:
        """As `Client.export`."""
        return await self._save(reading.export(run, format or Path(path).suffix[1:]), Saving(path))

    async def append(
        self,
        run: str,
        events: Iterable[Event],
        at: str = START,
        *,
        part: str | None = None,
        files: writing.Files | None = None,
    ) -> str:
        """As `Client.append`."""
        return await self._all(writing.append(run, events, at, part, files))

    async def upload(
        self,
        run: str,
        file: bytes | str | os.PathLike[str],
        *,
        name: str | None = None,
        mime: str | None = None,
    ) -> FileRef:
        """As `Client.upload`."""
        return await self._all(writing.upload(run, await asyncio.to_thread(writing.held, file), name, mime))

    async def note(
        self,
        run: str,
        text: str,
        *,
        author: str | None = None,
        step: int | None = None,
        epoch: float | None = None,
    ) -> Note:
        """As `Client.note`."""
        return await self._do(writing.note(run, text=text, author=author, step=step, epoch=epoch))

    async def edit_note(self, run: str, note: str | Note, text: str) -> Note:
        """As `Client.edit_note`."""
        return await self._do(writing.edit_note(run, note, text))

    async def delete_note(self, run: str, note: str | Note) -> None:
        """As `Client.delete_note`."""
        await self._do(writing.delete_note(run, note))

    async def rename(self, run: str, name: str | None) -> None:
        """As `Client.rename`."""
        await self._do(writing.change(run, name=name))

    async def tag(self, run: str, tags: Collection[str] | None) -> None:
        """As `Client.tag`."""
        await self._do(writing.tag(run, tags))

    async def archive(self, run: str, archived: bool = True) -> None:
        """As `Client.archive`."""
        await self._do(writing.change(run, archived=archived))

    async def delete(self, run: str) -> None:
        """As `Client.delete`."""
        await self._do(writing.delete(run))

    async def restore(self, run: str) -> None:
        """As `Client.restore`."""
        await self._do(writing.restore(run))

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
        return await self._do(writing.send(run, name, parameter=parameter, value=value, by=by, within=within))

    async def share(self, run: str, *, seconds: float | None = WEEK) -> Link:
        """As `Client.share`."""
        return await self._do(rights.share(run, seconds, self.address.base))

    async def unshare(self, run: str, link: str | Link) -> None:
        """As `Client.unshare`."""
        await self._do(rights.unshare(run, link if isinstance(link, str) else link.name))

    async def _save(self, ask: Ask, saving: Saving) -> Path:
        with saving:
            async with astreamed(self._http, ask) as chunks:
                async for chunk in chunks:
                    saving.write(chunk)
        return saving.path
