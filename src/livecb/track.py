"""`run.track`: a loop that says how far it is."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Sized
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from livecb.bar import Bar
from livecb.events import Totals
from livecb.meter import Meter

if TYPE_CHECKING:
    from livecb.verbs import Verbs

__all__ = ["AsyncTracked", "Loop", "track"]

_T = TypeVar("_T")


class Loop:
    """How far a loop is: it sets the run's axes, records progress, and draws a bar where one is wanted.

    A loop inside another only has a bar of its own; the axes belong to the outermost.

    Args:
        run: Whose loop it is.
        iterable: What it goes through.
        epochs: How often.
        total: Items an epoch, where `iterable` does not know its length.
        unit: What an item is.
        steps: Whether each item is an optimizer step.
        bar: Whether to draw a bar in the terminal.

    Attributes:
        counts_steps: Whether this loop sets the run's step.
        done: Items that were begun, over all epochs.
    """

    def __init__(
        self,
        run: Verbs,
        iterable: object,
        *,
        epochs: int = 1,
        total: int | None = None,
        unit: str = "batch",
        steps: bool = True,
        bar: bool = False,
    ) -> None:
        self.run = run
        self.outermost = run._loop is None
        self.counts_steps = steps and self.outermost
        self.done = 0
        self._epochs = 1 if (times := _whole(run, "epochs", epochs)) is None else times
        self._length = _length(iterable) if total is None else _whole(run, "total", total)
        self._epoch = 0  # epochs begun
        self._at_start = 0
        self._steps = int(run.step)
        self._batches = run.batch or (self._steps if self.counts_steps else 0)
        self._confirmed = 0
        whole = self._length * self._epochs if self._length else None
        self._meter = Meter(unit, whole, None if self.outermost else unit)
        self._bar = Bar() if bar else None
        self._open = True
        if self.outermost:
            run._loop = self
            self._say_totals(whole)
        if self._bar is not None:
            self._bar.draw(self._meter.read(0))

    def begin_epoch(self) -> bool:
        """Go on to the next epoch, if there is one."""
        if self._epoch and self.done == self._at_start:
            if self._epoch > 1:
                self.run.warn_once(
                    "track",
                    f"run.track: nothing came in epoch {self._epoch}: an iterator is used up after one; "
                    "pass something that can be iterated again, as a list or a DataLoader",
                )
            return False
        self._epoch += 1
        self._at_start = self.done
        return self._epoch <= self._epochs

    def take(self) -> None:
        """Begin with the next item: the run stands at it."""
        self.done += 1
        if not self.outermost:
            return
        run, length = self.run, self._length
        run.batch = self._batches + self.done
        if self.counts_steps:
            run.step = self._steps + self.done
        if length:
            run.epoch = self._epoch - 1 + (self.done - self._at_start) / length

    def passed(self) -> None:
        """Say how far it is, if that is due, now that an item is done."""
        if self._meter.is_due():
            self._tell()

    def confirm(self, steps: int) -> None:
        """The training says itself that a step is done, which the item stood for already."""
        if steps != 1 or (self._confirmed and self.done != self._confirmed + 1):
            self.run.warn_once(
                "steps",
                "run.track takes each item for an optimizer step, and run.step was not called once for each: "
                "the items are counted. Where they are no steps, say run.track(..., steps=False)",
            )
        self._confirmed = self.done

    def leave(self) -> None:
        """The loop has ended, or was broken off; only the first call counts."""
        if not self._open:
            return
        self._open = False
        self._tell()
        if self._bar is not None:
            self._bar.close()
        if self.outermost:
            self.run._loop = None

    def _tell(self) -> None:
        reading = self._meter.read(self.done)
        self.run.progress(**reading)
        if self._bar is not None:
            self._bar.draw(reading)

    def _say_totals(self, whole: int | None) -> None:
        if whole is None:
            return
        totals: dict[str, Any] = {"batches": self._batches + whole}
        if self.counts_steps:
            totals = {"steps": self._steps + whole}
        self.run.configure(totals=Totals(epochs=self._epochs, batches_per_epoch=self._length, **totals))


def track(run: Verbs, iterable: Iterable[_T], **options: Any) -> Iterator[_T]:
    """Yield the items of `iterable`, and record where the loop stands; the options are those of `Loop`.

    While item number n is worked on, counted from 1 over all epochs, the run's `step` and `batch`
    are n and `epoch` is the fraction done with it.
    """
    loop = Loop(run, iterable, **options)
    try:
        while loop.begin_epoch():
            for item in iterable:
                loop.take()
                yield item
                loop.passed()
    finally:
        loop.leave()


class AsyncTracked(AsyncIterator[_T], Generic[_T]):
    """The items of an async iterable, as `track` yields those of a plain one."""

    # No async generator: one that is broken off ends some turns later, and the loop after it would
    # begin inside it.

    def __init__(self, run: Verbs, iterable: AsyncIterable[_T], **options: Any) -> None:
        self._run = run
        self._iterable = iterable
        self._options = options
        self._loop: Loop | None = None
        self._items: AsyncIterator[_T] | None = None

    def __aiter__(self) -> AsyncIterator[_T]:
        return self

    async def __anext__(self) -> _T:
        if self._loop is None:
            self._loop = Loop(self._run, self._iterable, **self._options)
        else:
            self._loop.passed()
        try:
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

    def __del__(self) -> None:
        if self._loop is not None:
            self._loop.leave()


def _length(iterable: object) -> int | None:
    try:
        return len(iterable) if isinstance(iterable, Sized) else None
    except TypeError:  # a DataLoader over an iterable dataset has __len__, and it raises
        return None


def _whole(run: Verbs, name: str, value: Any) -> int | None:
    """Return a number of things as a whole number, None with a warning where it is none."""
    if type(value) is int and value >= 0:
        return value
    try:
        if isinstance(value, bool) or value != int(value) or value < 0:
            raise ValueError
        return int(value)
    except (TypeError, ValueError, OverflowError):
        run.warn_once(
            f"track {name}", f"run.track expects {name} to be a whole number, got {value!r}: left out"
        )
        return None
