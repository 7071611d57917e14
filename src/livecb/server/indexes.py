"""The indexes of a store's runs, as many as fit into a bound of bytes. Folding runs in threads."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from livecb.leaderboard import MOST
from livecb.server.index import Index
from livecb.server.kept import Kept, mark_of
from livecb.server.workers import Workers
from livecb.state import State
from livecb.store import Store

__all__ = ["Indexes"]

_T = TypeVar("_T")

_FOLDS = 2


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
        asked, mark = (run, "state", rows), (mark_of(stored), stored.last_words())
        known = self.kept.get(asked, mark)
        if known is not None:
            return _as_of_now(known)
        answer = await self._fold(run, lambda index: index.state_json(alive, rows=rows, stop=self.closing))
        over = msgspec.json.decode(answer, type=_Ended).ended is not None  # else its times go on
        if over and not self._closing:
            self.kept.put(asked, mark, answer)
        return answer

    async def series(self, run: str, **query: Any) -> bytes:
        """Return columns of a run's metrics as JSON.

        Raises:
            RunNotFound: There is no such run.
        """
        names = query.get("names")
        asked = (run, *sorted({**query, "names": None if names is None else tuple(names)}.items()))
        mark = mark_of(self._store.run(run))
        answer = self.kept.get(asked, mark)
        if answer is None:
            answer = await self._fold(run, lambda index: index.series_json(stop=self.closing, **query))
            if not self._closing:
                self.kept.put(asked, mark, answer)
        return answer

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

    def closing(self) -> bool:
        """Whether the server goes, so that folding need not be finished."""
        return self._closing

    def close(self) -> None:
        """Stop what is under way."""
        self._closing = True
        self._folds.close()

    def _get(self, run: str) -> Index:
        stored = self._store.run(run)
        index = self._indexes.get(run)
        if index is None:
            index = self._indexes[run] = Index(stored)
        self._indexes.move_to_end(run)
        while len(self._indexes) > 1 and sum(i.nbytes for i in self._indexes.values()) > self._limit:
            self._indexes.popitem(last=False)
        return index


def _as_of_now(state: bytes) -> bytes:
    """Return the State of a run that is over as it is asked for now: only the clock has gone on."""
    told = msgspec.json.decode(state, type=dict[str, msgspec.Raw])
    told["now"] = msgspec.Raw(msgspec.json.encode(time.time()))
    return msgspec.json.encode(told)
