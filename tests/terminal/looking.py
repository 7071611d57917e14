"""Looking at a run as a person does: the screen is Textual's own, without a terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from livecb.terminal.screen import Screen
from livecb.terminal.source import Source


async def until(pilot: Any, true: Callable[[], object]) -> None:
    """Wait for something to become true on the screen."""
    deadline = asyncio.get_running_loop().time() + 30
    while not true():
        assert asyncio.get_running_loop().time() < deadline, "it did not come to be"
        await pilot.pause(0.02)


def shown(screen: Screen, name: str) -> str:
    """Return the text of a part of the screen; empty where it is hidden."""
    found = screen.screen_stack[0].query(f"#{name}")
    return str(found.first().content) if found and found.first().display else ""  # type: ignore[attr-defined]


def watched(
    source: Source, steps: Callable[[Screen, Any], Awaitable[None]], size: tuple[int, int] = (80, 24)
) -> Screen:
    """Look at a run, and do something; return the screen that was."""
    screen = Screen(source, by="ada")

    async def go() -> None:
        async with screen.run_test(size=size) as pilot:
            await until(pilot, lambda: shown(screen, "chart0") or shown(screen, "board"))
            await steps(screen, pilot)

    asyncio.run(go())
    return screen
