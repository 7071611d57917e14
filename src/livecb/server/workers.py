"""Threads for work that must not stop the event loop, and must not hold up the end of the process either.

The standard library's executor is waited for when the interpreter ends: a training with a server in a
thread would stay for as long as somebody's question takes.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from livecb.errors import ServerError

__all__ = ["Workers"]

_T = TypeVar("_T")


class Workers:
    """A few daemon threads, started when they are needed; each does one thing at a time.

    Args:
        count: The most there are at once.
        name: What the threads are called.
    """

    def __init__(self, count: int, name: str) -> None:
        self._count = count
        self._name = name
        self._closed = False
        self._open = 0
        self._threads: list[threading.Thread] = []
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()

    @property
    def busy(self) -> bool:
        """Whether there is work that somebody waits for."""
        return self._open > 0

    async def do(self, work: Callable[[], _T]) -> _T:
        """Do some work in a thread; raise what it raises.

        Raises:
            ServerError: The workers were closed.
        """
        if self._closed:
            raise ServerError("the server is stopping; ask again in a second")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[_T] = loop.create_future()

        def run() -> None:
            result: Any = None
            failure: BaseException | None = None
            try:
                result = work()
            except BaseException as error:  # the thread goes on, whoever asked is told
                failure = error
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(_settle, done, result, failure)

        self._open += 1
        try:
            if self._open > len(self._threads) < self._count:
                thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._threads.append(thread)
                thread.start()
            self._work.put(run)
            return await done
        finally:
            self._open -= 1

    def close(self) -> None:
        """Take no more work; what is under way is not waited for."""
        self._closed = True
        for _ in self._threads:
            self._work.put(None)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()


def _settle(done: asyncio.Future[Any], result: Any, failure: BaseException | None) -> None:
    if done.done():
        return
    if failure is not None:
        done.set_exception(failure)
    else:
        done.set_result(result)
