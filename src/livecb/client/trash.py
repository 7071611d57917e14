"""Deleted runs, which can be brought back for some weeks."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol, TypeVar
from urllib.parse import quote

import msgspec

from livecb.client.calls import Call, call_of
from livecb.logs.wire import Ask

__all__ = ["AsyncTrash", "Trash", "Trashed"]

T = TypeVar("T")


class Trashed(msgspec.Struct, frozen=True, kw_only=True):
    """A run in the trash; `deleted` is when, Unix seconds."""

    run: str
    deleted: float


class _Do(Protocol):
    def __call__(self, call: Call[T], /) -> T: ...


class _AsyncDo(Protocol):
    def __call__(self, call: Call[T], /) -> Awaitable[T]: ...


class Trash:
    """The deleted runs of a server: `client.trash`; `client.restore` brings one back."""

    def __init__(self, do: _Do) -> None:
        self._do = do

    def list(self) -> _Runs:
        """Return the deleted runs that can be brought back."""
        return self._do(_listed())

    def remove(self, run: str) -> None:
        """Remove one for good.

        Raises:
            RunNotFound: It is not in the trash.
        """
        self._do(_removed(run))

    def empty(self) -> int:
        """Remove all for good; return how many."""
        return self._do(_emptied())


class AsyncTrash:
    """`Trash`, for asyncio."""

    def __init__(self, do: _AsyncDo) -> None:
        self._do = do

    async def list(self) -> _Runs:
        """As `Trash.list`."""
        return await self._do(_listed())

    async def remove(self, run: str) -> None:
        """As `Trash.remove`."""
        await self._do(_removed(run))

    async def empty(self) -> int:
        """As `Trash.empty`."""
        return await self._do(_emptied())


# The classes above have a method of the same name.
_Runs = list[Trashed]
_ROOT = "api/trash"


def _listed() -> Call[list[Trashed]]:
    return call_of(Ask(_ROOT), lambda said: msgspec.convert(said["runs"], list[Trashed]))


def _removed(run: str) -> Call[None]:
    return call_of(Ask(f"{_ROOT}/{quote(run, safe='')}", method="DELETE"), lambda said: None)


def _emptied() -> Call[int]:
    return call_of(Ask(_ROOT, method="DELETE"), lambda said: int(said["removed"]))
