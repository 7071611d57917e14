from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from livecb.run import Run

Recorded = Callable[[Run], list[Any]]


def test_a_coroutine_that_only_logs_lets_others_have_their_turn(run: Run) -> None:
    seen: list[int] = []

    async def train() -> None:
        for step in range(1, 4):
            await run.alog({"loss": 1.0}, step=step)
            seen.append(step)

    async def watch() -> None:
        for _ in range(3):
            seen.append(0)
            await asyncio.sleep(0)

    async def both() -> None:
        await asyncio.gather(train(), watch())

    asyncio.run(both())
    assert seen == [0, 1, 0, 2, 0, 3]


def test_what_is_not_awaited_is_recorded_and_nobody_complains(run: Run, recorded: Recorded) -> None:
    async def train() -> None:
        run.alog({"a": 1.0})
        task = asyncio.create_task(run.alog({"a": 2.0}))
        await asyncio.wait_for(run.alog({"a": 3.0}, context="val"), 1)
        await asyncio.gather(task, run.alog({"a": 4.0}))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        asyncio.run(train())
        gc.collect()
    assert [event.values["a"] for event in recorded(run)[1:]] == [1.0, 2.0, 3.0, 4.0]
    assert recorded(run)[3].context == "val"


def test_events_of_many_tasks_are_all_there_in_the_order_they_were_said(run: Run, recorded: Recorded) -> None:
    async def worker(number: int) -> None:
        for _ in range(20):
            await run.alog({f"worker/{number}": 1.0})

    async def all_of_them() -> None:
        await asyncio.gather(*(worker(number) for number in range(50)))

    asyncio.run(all_of_them())
    said = recorded(run)
    assert [event.seq for event in said] == list(range(1001))
    assert len({name for event in said[1:] for name in event.values}) == 50


def test_it_may_be_awaited_by_a_loop_that_is_not_asyncios(run: Run) -> None:
    async def train() -> str:
        await run.alog({"a": 1.0})
        return "through"

    with pytest.raises(StopIteration, match="through"):
        train().send(None)
