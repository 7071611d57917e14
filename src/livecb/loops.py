"""Where a run's loop stands: said by the loop itself, or by going through it with `run.track`."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import Any, TypeVar

from livecb.track import AsyncTracked, track
from livecb.verbs import Verbs

__all__ = ["Loops"]

_T = TypeVar("_T")


class Loops(Verbs):
    """The verbs of a Run that are about its loop."""

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
        bar: bool = False,
    ) -> Iterator[_T]:
        """Go through `iterable`, `epochs` times, recording progress, rate and time left.

        Sets `step`, `batch` and `epoch` as it goes: while item number n is worked on, counted from 1
        over all epochs, `step` and `batch` are n. A loop inside another only shows a bar of its own;
        the axes belong to the outermost.

        Args:
            iterable: Anything that can be iterated over, once an epoch.
            epochs: How often.
            total: Items an epoch, where `iterable` does not know its length.
            unit: What an item is.
            steps: Whether each item is an optimizer step; if not, call `run.step()` at each.
            bar: Whether to draw a bar in the terminal, too (on stderr).
        """
        options: dict[str, Any] = {"total": total, "unit": unit, "steps": steps, "bar": bar}
        return track(self, iterable, epochs=epochs, **options)

    def atrack(self, iterable: AsyncIterable[_T], **options: Any) -> AsyncIterator[_T]:
        """`track` for `async for`: the options are the same."""
        return AsyncTracked(self, iterable, **options)
