"""The axes that every event carries: attributes of a writer that say where its loop stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from livecb.writer import Writer

__all__ = ["AXES", "Axis", "Step", "StepAxis"]

AXES = ("step", "batch", "epoch", "samples", "tokens")

_N = TypeVar("_N", int, float)


class Axis(Generic[_N]):
    """Where the loop stands on one axis: what is no number is refused, and the axis is not known."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name, self._slot = name, f"_{name}"

    def __get__(self, writer: Writer, owner: type) -> _N | None:
        place: _N | None = getattr(writer, self._slot)
        return place

    def __set__(self, writer: Writer, value: Any) -> None:
        setattr(writer, self._slot, writer.place(self._name, value))


class StepAxis(Axis[int]):
    """The axis of optimizer steps, which can be counted by a call: `run.step()`."""

    def __get__(self, writer: Writer, owner: type) -> Step:
        return Step(writer)

    def __set__(self, writer: Writer, value: Any) -> None:
        writer._called = False
        super().__set__(writer, value)


class Step(int):
    """`run.step`: the number of optimizer steps done, to be called when more are.

    Where nobody has counted yet: those before the run began, 0 unless it goes on with another.
    """

    _writer: Writer

    def __new__(cls, writer: Writer) -> Step:
        """Return the number that a writer has counted to."""
        step = super().__new__(cls, writer._origin if writer._step is None else writer._step)
        step._writer = writer
        return step

    def __call__(self, steps: int = 1) -> None:
        """Say that an optimizer step is done; what is recorded from here on carries it.

        In a loop of `run.track` each item is a step already, and this call confirms it. Where an
        item is none, as under gradient accumulation, say `run.track(..., steps=False)`.

        Args:
            steps: How many were done.
        """
        writer = self._writer
        count = writer.place("step", steps)
        if count is None:
            return
        if count < 0:
            writer.warn_once("step()", f"run.step counts steps done, got {count}: nothing is counted")
        elif writer._loop is not None and writer._loop.counts_steps:
            writer._loop.confirm(count)
        else:
            writer._step, writer._called = writer.step + count, True

    @property
    def under_way(self) -> int | None:
        """The number of the step that is being made; None where each `run.log` counts one."""
        writer = self._writer
        loop_leaves_it = writer._loop is not None and writer._loop.leaves_steps
        if writer._called or loop_leaves_it:
            return self + 1
        return writer._step

    def __reduce__(self) -> tuple[Any, ...]:
        return int, (int(self),)
