"""What a loop of `run.track` says of itself.

The outermost loop trains: the run's axes belong to it. Where its items are epochs, the first loop
inside each of them trains instead. Every other loop stands beside the training.
"""

from __future__ import annotations

import math
from collections.abc import Sized
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from livecb.bar import Bar
from livecb.events import Totals
from livecb.meter import Meter

if TYPE_CHECKING:
    from livecb.verbs import Verbs

__all__ = ["Epochs", "Loop", "Options", "Training", "begin"]


@dataclass(frozen=True)
class Options:
    """How to go through a loop; see `Run.track`."""

    epochs: int = 1
    total: int | None = None
    unit: str = "batch"
    steps: bool = True
    phase: str | None = None
    bar: bool = False


class Loop:
    """A loop beside the training: it records how far it is, and draws a bar where one is wanted.

    Attributes:
        counts_steps: Whether its items are the run's steps.
        leaves_steps: Whether it trains, and leaves it to `run.step()` to count them.
        length: Items an epoch, None if that is not known.
        whole: Items in all, None if that is not known.
        done: Items that were begun, over all epochs.
        speaks: Whether it records progress.
    """

    def __init__(self, run: Verbs, iterable: object, options: Options) -> None:
        self.run = run
        self.counts_steps = self.leaves_steps = False
        times, total = _whole(run, "epochs", options.epochs), options.total
        self.epochs = 1 if times is None else times
        self.length = _length(iterable) if total is None else _whole(run, "total", total)
        self.whole = self.length * self.epochs if self.length else None
        self.unit = options.unit
        self.done = 0
        self.speaks = True
        self._epoch = 0  # epochs begun
        self._at_start = 0  # what was done when this one began
        self._before = 0  # what its meter had counted before
        self._meter = Meter(options.unit, self.whole, options.phase or options.unit)
        self._bar = Bar() if options.bar and run._stored is not None and not run.rank else None
        self._open = True

    def begin_epoch(self) -> bool:
        """Go on to the next epoch, if there is one."""
        if self._bar is not None and not self._epoch:
            self._bar.draw(self._meter.read(self._before))
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
        return self._epoch <= self.epochs

    def take(self) -> None:
        """Begin with the next item."""
        self.done += 1

    def passed(self) -> None:
        """Say how far it is, if that is due, now that an item is done."""
        if self._meter.is_due():
            self._tell()

    def confirm(self, steps: int) -> None:
        """The training says itself that a step is done, which the item stood for already."""

    def leave(self) -> None:
        """The loop has ended, or was broken off; only the first call counts."""
        if self._open:
            self._open = False
            self._tell()
            if self._bar is not None:
                self._bar.close()

    def _tell(self) -> None:
        reading = self._meter.read(self._before + self.done)
        if self.speaks:
            self.run.progress(**reading)
        if self._bar is not None:
            self._bar.draw(reading)


class Epochs(Loop):
    """A loop whose items are epochs.

    Attributes:
        trained: The last of its items that had a loop which trains.
        items: Items that those loops have done.
        meter: Theirs, if all that there are is known.
        totals: What they have said last.
    """

    def __init__(self, run: Verbs, iterable: object, options: Options) -> None:
        super().__init__(run, iterable, options)
        self.base = math.ceil(run.epoch or 0)
        self.trained = 0
        self.items = 0
        self.meter: Meter | None = None
        self.totals: Totals | None = None
        self._meter.phase = None
        run._loop = self
        if self.whole:
            run.configure(totals=Totals(epochs=self.base + self.whole))

    def take(self) -> None:
        """Begin with the next epoch: what trains in it says itself how far it is with it."""
        super().take()
        self.run.epoch = self.base + self.done - bool(self.trained)

    def leave(self) -> None:
        """As every loop does."""
        if self._open:
            super().leave()
            self.run._loop = None


class Training(Loop):
    """The loop that the run's axes belong to: by itself, or inside one over epochs."""

    def __init__(self, run: Verbs, iterable: object, options: Options, over: Epochs | None = None) -> None:
        super().__init__(run, iterable, options)
        self.counts_steps, self.leaves_steps = options.steps, not options.steps
        self._over = over
        self._steps = int(run.step)
        if self.leaves_steps and run._step is None:
            run.step = self._steps  # what is logged before the first is no step
        self._batches = run.batch or (self._steps if self.counts_steps else 0)
        self._base = math.ceil(run.epoch or 0)
        self._confirmed = 0
        run._loop = self
        rest = self.whole
        if over is None:
            self._meter.phase = None
        else:
            over.trained = over.done
            self._base = run.epoch = over.base + over.done - 1
            rest = self.whole * (over.whole - over.done + 1) if self.whole and over.whole else None
            if rest is not None:
                self._share_meter(over, options.unit, over.items + rest)
        if rest is not None:
            self._say_totals(rest)

    def take(self) -> None:
        """Begin with the next item: the run stands at it."""
        super().take()
        run = self.run
        run.batch = self._batches + self.done
        if self.counts_steps:
            run.step = self._steps + self.done
        if self.whole and self._over is not None:
            run.epoch = self._base + self.done / self.whole
        elif self.length:
            run.epoch = self._base + self._epoch - 1 + (self.done - self._at_start) / self.length

    def confirm(self, steps: int) -> None:
        """As every loop that counts steps does."""
        if steps != 1 or (self._confirmed and self.done != self._confirmed + 1):
            self.run.warn_once(
                "steps",
                "run.track takes each item for an optimizer step, and run.step was not called once for each: "
                "the items are counted. Where they are no steps, say run.track(..., steps=False)",
            )
        self._confirmed = self.done

    def leave(self) -> None:
        """As every loop does; an epoch is done when what trains in it is."""
        if not self._open:
            return
        super().leave()
        if self.run._loop is self:  # held in a variable, it may outlive the loop over epochs
            self.run._loop = self._over
        if self._over is not None:
            self._over.items += self.done
            if self.whole is None:
                self.run.epoch = self._over.base + self._over.done

    def _share_meter(self, over: Epochs, unit: str, whole: int) -> None:
        """Count on where the loop of the epoch before left off: one bar shows the whole training."""
        over.speaks = False
        if over.meter is None:
            over.meter = Meter(unit, whole, None)
        self._meter, self._before = over.meter, over.items
        self._meter.total = whole

    def _say_totals(self, rest: int) -> None:
        over = self._over
        epochs = self._base + self.epochs if over is None else over.base + (over.whole or 0)
        known = {"steps": self._steps + rest} if self.counts_steps else {"batches": self._batches + rest}
        totals = Totals(epochs=epochs, batches_per_epoch=self.length if over is None else self.whole, **known)
        if over is None or over.totals != totals:
            self.run.configure(totals=totals)
        if over is not None:
            over.totals = totals


def begin(run: Verbs, iterable: object, options: Options) -> Loop:
    """Begin a loop: as the training, or beside it."""
    over = run._loop
    if options.phase is not None:
        return Loop(run, iterable, options)
    if over is None:
        return (Epochs if options.unit == "epoch" else Training)(run, iterable, options)
    if isinstance(over, Epochs) and over.trained < over.done:
        return Training(run, iterable, options, over)
    if isinstance(over, Training) and over.unit == options.unit:
        run.warn_once(
            "nested",
            f"run.track in run.track, both of unit {options.unit!r}: the outer one's items are the steps. "
            "If those are epochs, say unit='epoch' there; if not, give the inner one a phase or a unit",
        )
    return Loop(run, iterable, options)


def _length(iterable: object) -> int | None:
    try:
        return len(iterable) if isinstance(iterable, Sized) else None
    except Exception:  # a DataLoader over an iterable dataset has __len__, and it raises; others, too
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
