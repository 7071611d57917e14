"""Columns: what metrics events say, by columns of numbers instead of by event.

A `Column` holds the values of one metric, with the smallest and the largest of every block of 64
beside them, so that a question about a range costs a 64th of it. A `Frame` holds the columns of
events that carry the same names, which share their axes. Both only grow.

Missing axes are NaN inside; whole numbers are doubles (exact up to 2**53).
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import NamedTuple

__all__ = ["AXES", "BLOCK", "Column", "Frame", "Segment"]

AXES = ("time", "step", "batch", "epoch", "samples", "tokens")
"""The axes a frame keeps, in the order in which `Frame.extend` takes them."""

BLOCK = 64

_INF = math.inf
_NAN = math.nan


class Column:
    """The values of one metric, in the order in which they were said.

    Attributes:
        values: All of them.
        odd: Rows of the NaN and infinite ones.
    """

    __slots__ = ("_high", "_highs", "_low", "_lows", "odd", "values")

    def __init__(self) -> None:
        self.values = array("d")
        self.odd = array("q")
        self._lows = array("d")
        self._highs = array("d")
        self._low, self._high = _INF, -_INF  # of the last, unfinished block

    def extend(self, new: Sequence[float]) -> None:
        """Add values at the end."""
        start = len(self.values)
        try:
            self.values.extend(array("d", new))
            whole = math.isfinite(sum(new, 0.0))
        except (TypeError, OverflowError):  # written by hand: a number as a word, or beyond a double
            new = [_to_float(value) for value in new]
            self.values.extend(array("d", new))
            whole = False
        lows = highs = new
        if not whole:
            finite = [math.isfinite(value) for value in new]
            self.odd.extend(start + at for at, good in enumerate(finite) if not good)
            lows = [value if good else _INF for value, good in zip(new, finite, strict=True)]
            highs = [value if good else -_INF for value, good in zip(new, finite, strict=True)]
        filled = start % BLOCK
        self._low = _summarise(self._lows, self._low, filled, lows, min, _INF)
        self._high = _summarise(self._highs, self._high, filled, highs, max, -_INF)

    @property
    def nbytes(self) -> int:
        """Bytes that it takes."""
        held = (self.values, self.odd, self._lows, self._highs)
        return sum(len(part) * part.itemsize for part in held)

    def extremes(self, start: int, end: int) -> tuple[int, int] | None:
        """Return the rows of the first smallest and the first largest finite value in a range.

        None if the range holds no finite value.
        """
        low = self._extreme(start, end, min, self._lows, _INF)
        if low is None:
            return None
        high = self._extreme(start, end, max, self._highs, -_INF)
        return (low, high) if high is not None else None

    def odd_in(self, start: int, end: int) -> Sequence[int]:
        """Return the rows of NaN and infinite values in a range."""
        return self.odd[bisect_left(self.odd, start) : bisect_left(self.odd, end)] if self.odd else ()

    def _extreme(
        self, start: int, end: int, pick: Callable[..., float], blocks: array[float], empty: float
    ) -> int | None:
        first, last = -(-start // BLOCK), end // BLOCK
        if first >= last:
            best = pick(self._finite(start, end), default=empty)
            return None if best == empty else self.values.index(best, start, end)
        head, tail = first * BLOCK, last * BLOCK
        before = pick(self._finite(start, head), default=empty)
        inside = pick(blocks[first:last])
        best = pick(before, inside, pick(self._finite(tail, end), default=empty))
        if best == empty:
            return None
        if before != best == inside:  # go to its block, not through all of them
            start = blocks.index(best, first, last) * BLOCK
        return self.values.index(best, start, end)

    def _finite(self, start: int, end: int) -> Iterable[float]:
        values = self.values[start:end]
        return filter(math.isfinite, values) if len(self.odd_in(start, end)) else values


class Segment(NamedTuple):
    """Rows of one attempt: those from `kept` on were given up when a later attempt rewound."""

    attempt: int
    start: int
    kept: int
    end: int


class Frame:
    """Events that carry the same names: their axes, and a column for each name.

    Attributes:
        names: The names, in the order in which they were said.
        orders: For each row, the number of its event among all events of the run.
        columns: As many columns as names.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.columns = tuple(Column() for _ in names)
        self.orders = array("Q")
        self.segments: list[Segment] = []
        self._axes: dict[str, array[float]] = {}
        self._missing: set[str] = set()
        self._said: dict[str, int] = {}
        self._rising: dict[tuple[str, int], tuple[int, bool]] = {}

    def __len__(self) -> int:
        return len(self.orders)

    def extend(
        self,
        attempt: int,
        orders: Sequence[int],
        axes: Iterable[Sequence[float | None]],
        values: Iterable[Sequence[float]],
    ) -> None:
        """Add rows.

        Args:
            attempt: The attempt they belong to, not smaller than any before.
            orders: The numbers of their events.
            axes: As many columns as there are `AXES`.
            values: As many columns as there are names.
        """
        start = len(self.orders)
        self.orders.extend(orders)
        end = len(self.orders)
        last = self.segments[-1] if self.segments else None
        if last is not None and last.attempt == attempt:
            kept = end if last.kept == last.end else last.kept
            self.segments[-1] = last._replace(kept=kept, end=end)
        else:
            self.segments.append(Segment(attempt, start, end, end))
        for name, new in zip(AXES, axes, strict=True):
            self._extend_axis(name, start, end, new)
        for column, more in zip(self.columns, values, strict=True):
            column.extend(more)

    @property
    def nbytes(self) -> int:
        """Bytes that the columns and axes take."""
        axes = sum(len(axis) * axis.itemsize for axis in self._axes.values())
        return axes + len(self) * self.orders.itemsize + sum(column.nbytes for column in self.columns)

    def axis(self, name: str) -> array[float] | None:
        """Return an axis, NaN where an event did not say it; None if none did."""
        return self._axes.get(name)

    def at(self, name: str, row: int) -> float | None:
        """Return where a row stands on an axis, None if it does not say."""
        axis = self._axes.get(name)
        if axis is None or (value := axis[row]) != value:
            return None
        return value

    def latest(self, name: str) -> tuple[int, float] | None:
        """Return the number of the last event that says where it stands on an axis, and where."""
        row = self._said.get(name)
        return None if row is None else (self.orders[row], self._axes[name][row])

    def is_full(self, name: str) -> bool:
        """Whether every row says where it stands on an axis."""
        return name in self._axes and name not in self._missing

    def rises(self, name: str, segment: Segment) -> bool:
        """Whether an axis is there and never falls within a segment."""
        axis = self._axes.get(name)
        if axis is None:
            return False
        seen, rising = self._rising.get((name, segment.start), (segment.start, True))
        if rising and seen < segment.end:
            fresh = axis[max(seen - 1, segment.start) : segment.end].tolist()
            # A NaN compares with nothing: sorting leaves it where it stands or tears the order.
            rising = fresh == sorted(fresh) if name not in self._missing else False
            self._rising[name, segment.start] = (segment.end, rising)
        return rising

    def cut(self, attempt: int, order: int) -> None:
        """Mark as given up what the events of an attempt said from this number on."""
        row = bisect_left(self.orders, order)
        for at, segment in enumerate(self.segments):
            if segment.attempt == attempt and row < segment.kept:
                self.segments[at] = segment._replace(kept=max(row, segment.start))

    def first_beyond(self, segment: Segment, step: float) -> int | None:
        """Return the number of the first event of a segment whose step is greater."""
        steps = self._axes.get("step")
        if steps is None:
            return None
        if self.rises("step", segment):
            row = bisect_right(steps, step, segment.start, segment.end)
        else:
            rows = range(segment.start, segment.end)
            row = next((row for row in rows if steps[row] > step), segment.end)
        return self.orders[row] if row < segment.end else None

    def _extend_axis(self, name: str, start: int, end: int, new: Sequence[float | None]) -> None:
        try:
            self._add_to_axis(name, start, end, new)
        except OverflowError:  # written by hand: a place beyond a double is no place
            self._add_to_axis(name, start, end, [_to_place(value) for value in new])

    def _add_to_axis(self, name: str, start: int, end: int, new: Sequence[float | None]) -> None:
        axis = self._axes.get(name)
        missing = new.count(None)
        known = array("d", [_NAN if value is None else value for value in new])
        if missing == len(new):
            if axis is not None:
                axis.extend(known)
                self._missing.add(name)
            return
        if axis is None:
            axis = self._axes[name] = array("d", [_NAN]) * start
            if start:
                self._missing.add(name)
        if missing:
            self._missing.add(name)
            self._said[name] = next(
                row for row in range(end - 1, start - 1, -1) if new[row - start] is not None
            )
        else:
            self._said[name] = end - 1
        axis.extend(known)


def _summarise(
    into: array[float],
    pending: float,
    filled: int,
    values: Sequence[float],
    pick: Callable[..., float],
    empty: float,
) -> float:
    """Add the extremes of the blocks that values complete; return that of the unfinished one."""
    room = BLOCK - filled
    pending = pick(chain((pending,), values[:room]))
    if len(values) < room:
        return pending
    into.append(pending)
    whole = [iter(values[room:])] * BLOCK
    into.extend(map(pick, zip(*whole)))  # noqa: B905 - the rest that fills no block is left out
    rest = (len(values) - room) % BLOCK
    return pick(values[len(values) - rest :], default=empty)


def _to_place(value: float | None) -> float | None:
    return value if value is None or math.isfinite(_to_float(value)) else None


def _to_float(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except OverflowError:
        return _INF if value > 0 else -_INF  # type: ignore[operator]
    except (TypeError, ValueError):
        return _NAN
