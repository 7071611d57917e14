"""A turn for others: what awaiting a verb comes to."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any

__all__ = ["Turn"]


class Turn(Coroutine[Any, Any, None]):
    """What was to be said is said; awaited, other coroutines have their turn. Need not be awaited.

    A coroutine, and not only awaitable, so that it may be made a task of.
    """

    def __init__(self) -> None:
        self._turn = _turn()

    def __await__(self) -> Generator[Any, Any, None]:
        return self._turn

    def send(self, value: Any) -> Any:
        """As coroutines do."""
        return self._turn.send(value)

    def throw(self, *error: Any) -> Any:
        """As coroutines do."""
        return self._turn.throw(*error)

    def close(self) -> None:
        """As coroutines do."""
        self._turn.close()


def _turn() -> Generator[None, None, None]:
    try:
        asyncio.get_running_loop()
    except RuntimeError:  # another library's loop, which does not know a bare yield
        return
    yield
