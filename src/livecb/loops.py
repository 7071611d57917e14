"""Where a run's loop stands: said by the loop itself, or by going through it with `run.track`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import Any, Generic, TypeVar

from livecb.control.steered import Steered
from livecb.track import Epochs, Loop, Options, Training, begin

__all__ = ["Loops"]

_T = TypeVar("_T")

_PAUSE_SECONDS = 0.05  # between two looks whether a paused coroutine may go on


class Loops(Steered):
    """The verbs of a Run that are about its loop."""

    _trains = False  # whether a loop of `track` has trained, and not only stood beside a training

    def at(
        self,
        *,
        step: int | None = None,
        batch: int | None = None,
        epoch: float | None = None,
        samples: int | None = None,
        tokens: int | None = None,
    ) -> None:
        """Say where the loop stands; what is left out stays as it is."""
        if step is not None:
            self.step = step
        if batch is not None:
            self.batch = batch
        if epoch is not None:
            self.epoch = epoch
        if samples is not None:
            self.samples = samples
        if tokens is not None:
            self.tokens = tokens

    def track(
        self,
        iterable: Iterable[_T],
        *,
        epochs: int = 1,
        total: int | None = None,
        unit: str = "batch",
        steps: bool = True,
        phase: str | None = None,
        bar: bool = False,
    ) -> Iterator[_T]:
        """Go through `iterable`, `epochs` times, recording progress, rate and time left.

        Sets `step`, `batch` and `epoch` as it goes: while item number n is worked on, counted from 1
        over all epochs, `step` and `batch` are n. The axes belong to the outermost loop; with the
        unit `epoch`, to the first loop inside each of its items. Other loops inside it, and those
        that have a phase, have a bar of their own and leave the axes alone.

        After each item it obeys what readers ask: it waits while the run is paused, and ends when it
        is to stop. A loop that trains and begins only then goes through one item: code that
        needs one does not fail.

        Args:
            iterable: Anything that can be iterated over, once an epoch.
            epochs: How often.
            total: Items an epoch, where `iterable` does not know its length.
            unit: What an item is: `batch`, `sample`, `epoch` ...
            steps: Whether each item is an optimizer step; if not, call `run.step()` at each.
            phase: What is done, where it is not the training: `validate`, `test` ...
            bar: Whether to draw a bar in the terminal, too (on stderr).
        """
        return _each(self, iterable, Options(epochs, total, unit, steps, phase, bar))

    def atrack(self, iterable: AsyncIterable[_T], **options: Any) -> AsyncIterator[_T]:
        """`track` for `async for`: the options are the same."""
        return _AsyncEach(self, iterable, Options(**options))

    def _begin(self, iterable: object, options: Options) -> Loop:
        self._begin_looking()
        loop = begin(self, iterable, options)
        self._trains = self._trains or isinstance(loop, Epochs | Training)
        if (stop := self._stop_asked) is not None and self._ends(loop):
            if "stopped" not in self._warned:
                self.alert(
                    "The program goes on",
                    f"{stop.by} asked to stop, and the loop around run.track does not look: each further "
                    "loop goes through one item. To end it now, interrupt the program",
                )
            self.warn_once(
                "stopped",
                "readers asked to stop, and another loop of run.track begins: it goes through one item only. "
                "Look at run.should_stop in the loop around it, or say run.track(range(n), unit='epoch')",
            )
        return loop

    def _ends(self, loop: Loop) -> bool:
        """Whether a loop ends when readers ask to stop: an evaluation within a training goes on."""
        return isinstance(loop, Epochs | Training) or not self._trains


def _each(run: Loops, iterable: Iterable[_T], options: Options) -> Iterator[_T]:
    loop = run._begin(iterable, options)
    try:
        while loop.begin_epoch():
            for item in iterable:
                loop.take()
                yield item
                loop.passed()
                if run._asked and run.obey() and run._ends(loop):
                    return
    finally:
        loop.leave()


class _AsyncEach(AsyncIterator[_T], Generic[_T]):
    """The items of an async iterable, as `_each` yields those of a plain one."""

    # No async generator: one that is broken off ends some turns later, and the loop after it would
    # begin inside it.

    def __init__(self, run: Loops, iterable: AsyncIterable[_T], options: Options) -> None:
        self._run = run
        self._iterable = iterable
        self._options = options
        self._loop: Loop | None = None
        self._items: AsyncIterator[_T] | None = None

    def __aiter__(self) -> AsyncIterator[_T]:
        return self

    async def __anext__(self) -> _T:
        if self._loop is None:
            self._loop = self._run._begin(self._iterable, self._options)
        else:
            self._loop.passed()
        try:
            if self._run._asked and await self._obeyed():
                self._loop.leave()
                raise StopAsyncIteration
            while self._items is not None or self._loop.begin_epoch():
                if self._items is None:
                    self._items = self._iterable.__aiter__()
                try:
                    item = await self._items.__anext__()
                except StopAsyncIteration:
                    self._items = None
                    continue
                self._loop.take()
                return item
        except BaseException:
            self._loop.leave()
            raise
        self._loop.leave()
        raise StopAsyncIteration

    async def _obeyed(self) -> bool:
        """Obey what readers ask, and let others have their turn meanwhile; true if that ends the loop."""
        run = self._run
        assert self._loop is not None
        while run._steer().look():
            await asyncio.sleep(_PAUSE_SECONDS)
        return self._loop.done > 0 and run._stop_asked is not None and run._ends(self._loop)

    def __del__(self) -> None:
        if getattr(self, "_loop", None) is not None:
            self._loop.leave()  # type: ignore[union-attr]
