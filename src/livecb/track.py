"""`run.track`: a loop that says how far it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from typing import TYPE_CHECKING, TypeVar

from livecb.events import Totals
from livecb.meter import Meter

if TYPE_CHECKING:
    from livecb.run import Run

__all__ = ["track"]

_T = TypeVar("_T")


def track(
    run: Run, iterable: Iterable[_T], *, epochs: int = 1, total: int | None = None, unit: str = "batch"
) -> Iterator[_T]:
    """Yield the items of `iterable`, `epochs` times, and record where the loop stands.

    While item number n is worked on, counted from 1 over all epochs, the run's `step` and `batch`
    are n and `epoch` is the fraction done with it. A loop inside another only shows a bar of its
    own; the axes belong to the outermost.

    Args:
        run: Whose loop it is.
        iterable: Anything that can be iterated over, once an epoch.
        epochs: How often.
        total: Items an epoch, where `iterable` does not know its length.
        unit: What an item is.
    """
    length = total if total is not None else _length(iterable)
    outermost = not run._tracking
    before = (run.step or 0) if outermost else 0
    meter = Meter(unit, length * epochs if length else None, None if outermost else unit)
    if outermost and length:
        run.configure(totals=Totals(epochs=epochs, steps=before + length * epochs, batches_per_epoch=length))
    if outermost:
        run._tracking = True
    done = 0
    try:
        for epoch in range(epochs):
            at_start = done
            for item in iterable:
                done += 1
                if outermost:
                    within = (done - at_start) / length if length else None
                    run.at(
                        step=before + done,
                        batch=before + done,
                        epoch=None if within is None else epoch + within,
                    )
                yield item
                if meter.is_due():
                    run.progress(**meter.read(done))
            if done == at_start and epoch:
                run.warn_once(
                    "track",
                    f"run.track: nothing came in epoch {epoch + 1}: an iterator is used up after one epoch; "
                    "pass something that can be iterated again, as a list or a DataLoader",
                )
                break
    finally:
        run.progress(**meter.read(done))
        if outermost:
            run._tracking = False


def _length(iterable: Iterable[object]) -> int | None:
    try:
        return len(iterable) if isinstance(iterable, Sized) else None
    except TypeError:  # a DataLoader over an iterable dataset has __len__, and it raises
        return None
