"""Baselines: what runs had reached, kept under a name to compare others with."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

import msgspec

from livecb.client.calls import Call, call_of
from livecb.client.records import number
from livecb.events import JsonObject
from livecb.logs.wire import Ask

__all__ = ["AsyncBaselines", "Baseline", "Baselines", "Comparison", "comparison"]

T = TypeVar("T")


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """What a run had reached.

    Attributes:
        taken: When, Unix seconds.
        metrics: `value`, `best` and `goal` of each.
    """

    name: str
    run: str
    taken: float
    metrics: dict[str, JsonObject]
    config: JsonObject
    description: str | None = None


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """A run beside a baseline or another run.

    Attributes:
        baseline: The baseline's name, None if it is with a run.
        other: The run it is compared with.
        metrics: `run`, `baseline`, `difference`, `relative`, `verdict` (`better`, `worse`, `equal`) of each.
        config: What differs: `run` and `baseline` of each setting.
    """

    run: str
    baseline: str | None = None
    other: str | None = msgspec.field(default=None, name="with")
    better: int = 0
    worse: int = 0
    equal: int = 0
    metrics: dict[str, JsonObject] = {}
    config: dict[str, JsonObject] = {}


class _Do(Protocol):
    def __call__(self, call: Call[T], /) -> T: ...


class _AsyncDo(Protocol):
    def __call__(self, call: Call[T], /) -> Awaitable[T]: ...


class Baselines:
    """The baselines of a server: `client.baselines`."""

    def __init__(self, do: _Do) -> None:
        self._do = do

    def list(self) -> _Baselines:
        """Return all baselines."""
        return self._do(_listed())

    def get(self, name: str) -> Baseline:
        """Return one."""
        return self._do(_one(name))

    def create(self, name: str, run: str, description: str = "") -> Baseline:
        """Keep what a run has reached.

        Raises:
            ApiError: There is one of this name (409).
        """
        return self._do(_created(name, run, description))

    def update(self, name: str, *, run: str | None = None, description: str | None = None) -> Baseline:
        """Take one anew, of what a run has reached now, or describe it."""
        return self._do(_updated(name, run, description))

    def delete(self, name: str) -> None:
        """Forget one."""
        self._do(_deleted(name))


class AsyncBaselines:
    """`Baselines`, for asyncio."""

    def __init__(self, do: _AsyncDo) -> None:
        self._do = do

    async def list(self) -> _Baselines:
        """As `Baselines.list`."""
        return await self._do(_listed())

    async def get(self, name: str) -> Baseline:
        """As `Baselines.get`."""
        return await self._do(_one(name))

    async def create(self, name: str, run: str, description: str = "") -> Baseline:
        """As `Baselines.create`."""
        return await self._do(_created(name, run, description))

    async def update(self, name: str, *, run: str | None = None, description: str | None = None) -> Baseline:
        """As `Baselines.update`."""
        return await self._do(_updated(name, run, description))

    async def delete(self, name: str) -> None:
        """As `Baselines.delete`."""
        await self._do(_deleted(name))


def comparison(run: str, baseline: str | None, other: str | None) -> Call[Comparison]:
    """A run beside another."""
    ask = Ask.of(run, "compare", **{"baseline": baseline, "with": other})
    return call_of(ask, lambda said: msgspec.convert(_with_numbers(said), Comparison))


_Baselines = list[Baseline]
_ROOT = "api/baselines"


def _listed() -> Call[_Baselines]:
    return call_of(Ask(_ROOT), lambda said: [_baseline(row) for row in said["baselines"]])


def _one(name: str, method: str = "GET", body: JsonObject | None = None) -> Call[Baseline]:
    return call_of(Ask(f"{_ROOT}/{quote(name, safe='')}", method=method, body=body), _baseline)


def _created(name: str, run: str, description: str) -> Call[Baseline]:
    body = {"name": name, "run": run, "description": description}
    return call_of(Ask(_ROOT, method="POST", body=body), _baseline)


def _updated(name: str, run: str | None, description: str | None) -> Call[Baseline]:
    given = {"run": run, "description": description}
    return _one(name, "PATCH", {key: value for key, value in given.items() if value is not None})


def _deleted(name: str) -> Call[None]:
    return call_of(Ask(f"{_ROOT}/{quote(name, safe='')}", method="DELETE"), lambda said: None)


def _baseline(said: Any) -> Baseline:
    return msgspec.convert(_with_numbers(said), Baseline)


def _with_numbers(said: JsonObject) -> JsonObject:
    rows = said["metrics"].items()
    metrics = {name: {key: number(value) for key, value in row.items()} for name, row in rows}
    return {**said, "metrics": metrics}
