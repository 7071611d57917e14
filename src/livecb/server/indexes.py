"""The indexes of a store's runs, as many as fit into a bound of bytes. Folding runs in threads."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import msgspec

from livecb.errors import ServerError
from livecb.leaderboard import MOST
from livecb.server import beside
from livecb.server.beside import Marked
from livecb.server.index import Index
from livecb.server.kept import Kept, mark_of
from livecb.server.workers import Workers
from livecb.state import State
from livecb.store import Store, StoredRun

__all__ = ["Indexes"]

_T = TypeVar("_T")

_FOLDS = 2
_LARGE = 4 << 20
"""Of logs of more bytes, which take a tenth of a second to fold, answers are kept beside the log."""


class _Ended(msgspec.Struct):
    """Of a State only whether its run has ended."""

    ended: float | None = None


class Indexes:
    """The indexes of the runs that were asked for lately, within a bound of bytes."""

    def __init__(self, store: Store, limit: int = 512 << 20) -> None:
        self._store = store
        self._limit = limit
        self._indexes: OrderedDict[str, Index] = OrderedDict()
        self._folds = Workers(_FOLDS, "livecb-fold")
        self._disk = Workers(1, "livecb-kept")
        self._keep = Workers(1, "livecb-keep")  # its own: who asks does not wait for what is written
        self._keeping: set[asyncio.Task[None]] = set()
        self._closing = False
        self.kept = Kept()

    async def state(self, run: str, alive: bool, rows: int = MOST) -> bytes:
        """Return a run's State as JSON.

        Raises:
            RunNotFound: There is no such run.
        """
        if alive:
            return await self._fold(run, lambda index: index.state_json(alive, rows=rows, stop=self.closing))
        stored = self._store.run(run)
        mark = Marked(mark_of(stored), stored.last_words())
        ask = partial(Index.state_json, alive=alive, rows=rows, stop=self.closing)
        # While it has not ended, and nobody writes, its times go on.
        return _as_of_now(await self._answer(stored, ("state", rows), mark, ask, stays=_has_ended))

    async def series(self, run: str, **query: Any) -> bytes:
        """Return columns of a run's metrics as JSON.

        Raises:
            RunNotFound: There is no such run.
        """
        names = query.get("names")
        asked = ("series", *sorted({**query, "names": None if names is None else tuple(names)}.items()))
        stored = self._store.run(run)
        ask = partial(Index.series_json, stop=self.closing, **query)
        return await self._answer(stored, asked, Marked(mark_of(stored)), ask)

    async def marks(self, run: str) -> bytes:
        """Return what stands on the axes of a run as JSON.

        Raises:
            RunNotFound: There is no such run.
        """
        stored = self._store.run(run)
        ask = partial(Index.marks_json, stop=self.closing)
        return await self._answer(stored, ("marks",), Marked(mark_of(stored)), ask)

    async def leaderboard(self, run: str, since: str, limit: int) -> bytes:
        """Return a run's leaderboard as JSON.

        Raises:
            RunNotFound: There is no such run.
        """
        return await self._fold(run, lambda index: index.leaderboard_json(since, limit, stop=self.closing))

    async def ask(self, run: str, ask: Callable[[State, str], _T]) -> _T:
        """Return what is asked of a run's State, in a thread.

        Raises:
            RunNotFound: There is no such run.
        """
        return await self._fold(run, lambda index: index.look(ask, stop=self.closing))

    async def page(self, run: str, ask: Callable[[Index], bytes]) -> bytes:
        """Return what is asked of a run's index.

        Raises:
            RunNotFound: There is no such run.
        """
        return await self._fold(run, ask)

    async def _answer(
        self,
        run: StoredRun,
        asked: tuple[Any, ...],
        mark: Marked,
        ask: Callable[[Index], bytes],
        stays: Callable[[bytes], bool] = bool,
    ) -> bytes:
        """Return what is kept, in memory or beside the log, or what folding gives."""
        question = (run.id, *asked)
        if (known := self.kept.get(question, mark)) is not None:
            return known
        if (known := await self._disk.do(partial(beside.get, run, asked, mark))) is not None:
            self.kept.put(question, mark, known)
            return known
        answer = await self._fold(run.id, ask)
        if stays(answer) and not self._closing:
            self.kept.put(question, mark, answer)
            if sum(size for size, _ in mark.logs) > _LARGE:
                task = asyncio.create_task(self._put(partial(beside.put, run, asked, mark, answer)))
                self._keeping.add(task)  # the loop alone would forget it
                task.add_done_callback(self._keeping.discard)
        return answer

    async def _put(self, put: Callable[[], None]) -> None:
        with contextlib.suppress(ServerError):  # the server stops: the next one folds the log again
            await self._keep.do(put)

    async def _fold(self, run: str, ask: Callable[[Index], _T]) -> _T:
        index = self._get(run)
        async with index.turn:
            return await self._folds.do(lambda: ask(index))

    def known(self, run: str) -> Index | None:
        """Return the index of a run if there is one."""
        return self._indexes.get(run)

    def forget(self, run: str) -> None:
        """Forget a run, which is gone."""
        self._indexes.pop(run, None)

    @property
    def busy(self) -> bool:
        """Whether somebody waits for a run to be folded."""
        return self._folds.busy

    def closing(self) -> bool:
        """Whether the server goes, so that folding need not be finished."""
        return self._closing

    def close(self) -> None:
        """Stop what is under way."""
        self._closing = True
        self._folds.close()
        self._disk.close()
        self._keep.close()

    def _get(self, run: str) -> Index:
        stored = self._store.run(run)
        index = self._indexes.get(run)
        if index is None:
            index = self._indexes[run] = Index(stored)
        self._indexes.move_to_end(run)
        while len(self._indexes) > 1 and sum(i.nbytes for i in self._indexes.values()) > self._limit:
            self._indexes.popitem(last=False)
        return index


def _has_ended(state: bytes) -> bool:
    return msgspec.json.decode(state, type=_Ended).ended is not None


def _as_of_now(state: bytes) -> bytes:
    """Return the State of a run that is over as it is asked for now: only the clock has gone on."""
    told = msgspec.json.decode(state, type=dict[str, msgspec.Raw])
    told["now"] = msgspec.Raw(msgspec.json.encode(time.time()))
    return msgspec.json.encode(told)
