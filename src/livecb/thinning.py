"""Thinning: which points of a curve a chart needs, so that it shows what all of them would.

See `livecb.series` for the law that it keeps.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from livecb.columns import Column, Frame, Segment
from livecb.metric import Metric

__all__ = ["Strand", "strands", "thin"]

_KEPT_OF_A_BUCKET = 4


@dataclass(frozen=True, slots=True)
class Strand:
    """What one frame holds of a metric from one attempt, in the asked range.

    Attributes:
        xs: Where every row of the frame stands on the asked axis.
        rows: The rows in the range; a `range` where the axis rises.
        rises: Whether the axis never falls within the attempt.
    """

    frame: Frame
    column: Column
    attempt: int
    xs: Sequence[float]
    rows: Sequence[int]
    rises: bool


def strands(metric: Metric, axis: str, start: float | None, end: float | None) -> list[Strand]:
    """Return what a metric has between two places on an axis, by attempt."""
    found = []
    for frame, column in metric.pieces:
        full = frame.is_full(axis)
        xs = frame.axis(axis) if full else _filled(metric, frame, axis)
        assert xs is not None
        for segment in frame.segments:
            rises = frame.rises(axis, segment) if full else _rises(xs, segment)
            rows = _rows(xs, segment, rises, start, end)
            if rows:
                found.append(Strand(frame, column, segment.attempt, xs, rows, rises))
    return sorted(found, key=lambda strand: strand.attempt)


def thin(parts: list[Strand], points: int) -> list[tuple[Strand, int]]:
    """Return about so many points of strands of one metric, in order."""
    total = sum(len(strand.rows) for strand in parts)
    chosen: list[tuple[int, int, Strand, int]] = []
    for strand in parts:
        rows: Sequence[int] = strand.rows
        if total > points:
            buckets = max(1, points * len(rows) // total // _KEPT_OF_A_BUCKET)
            rows = _thin(strand, buckets)
        orders = strand.frame.orders
        chosen.extend((strand.attempt, orders[row], strand, row) for row in rows)
    if len(parts) > 1:
        chosen.sort(key=lambda point: point[:2])
    return [(strand, row) for _, _, strand, row in chosen]


def _thin(strand: Strand, buckets: int) -> list[int]:
    rows = strand.rows
    if not isinstance(rows, range):
        return _thin_scattered(strand.column, rows, buckets)
    kept: list[int] = []
    edges = _edges_by_x(strand, rows, buckets) if strand.rises else _edges_by_count(rows, buckets)
    at = rows.start
    for edge in edges:
        if edge > at:
            kept.extend(_of_bucket(strand.column, at, edge))
            at = edge
    return kept


def _edges_by_x(strand: Strand, rows: range, buckets: int) -> Iterator[int]:
    xs, at = strand.xs, rows.start
    low, high = xs[rows.start], xs[rows.stop - 1]
    for bucket in range(1, buckets):
        at = bisect_left(xs, low + (high - low) * bucket / buckets, at, rows.stop)
        yield at
    yield rows.stop


def _edges_by_count(rows: range, buckets: int) -> Iterator[int]:
    return (rows.start + len(rows) * bucket // buckets for bucket in range(1, buckets + 1))


def _of_bucket(column: Column, start: int, end: int) -> list[int]:
    if end - start <= _KEPT_OF_A_BUCKET:
        return list(range(start, end))
    odd = column.odd_in(start, end)
    return sorted({start, end - 1, *(column.extremes(start, end) or ()), *_kinds(column, odd)})


def _kinds(column: Column, odd: Sequence[int]) -> Iterator[int]:
    """Yield the first row of each kind of non-finite value."""
    met = set()
    for row in odd:
        value = column.values[row]
        kind = "NaN" if math.isnan(value) else value
        if kind not in met:
            met.add(kind)
            yield row
            if len(met) == 3:
                return


def _thin_scattered(column: Column, rows: Sequence[int], buckets: int) -> list[int]:
    """Thin rows that do not stand side by side: a range of an axis that falls back."""
    values = column.values
    kept: list[int] = []
    for bucket in range(buckets):
        part = rows[len(rows) * bucket // buckets : len(rows) * (bucket + 1) // buckets]
        if part:
            finite = [row for row in part if math.isfinite(values[row])]
            odd = [row for row in part if not math.isfinite(values[row])]
            extremes = (
                [min(finite, key=values.__getitem__), max(finite, key=values.__getitem__)] if finite else []
            )
            kept.extend(sorted({part[0], part[-1], *extremes, *_kinds(column, odd)}))
    return kept


def _rows(
    xs: Sequence[float], segment: Segment, rises: bool, start: float | None, end: float | None
) -> Sequence[int]:
    rows = range(segment.start, segment.end)
    if start is None and end is None:
        return rows
    low = -math.inf if start is None else start
    high = math.inf if end is None else end
    if rises:
        first = bisect_left(xs, low, rows.start, rows.stop)
        return range(first, max(first, bisect_right(xs, high, rows.start, rows.stop)))
    return [row for row in rows if low <= xs[row] <= high]


def _rises(xs: Sequence[float], segment: Segment) -> bool:
    part = list(xs[segment.start : segment.end])
    return part == sorted(part)


def _filled(metric: Metric, frame: Frame, axis: str) -> Sequence[float]:
    """Return an axis on which points that do not say where they stand stand where the last one did."""
    said: list[tuple[int, float]] = []  # the number of each event that says, and what
    for other, _ in metric.pieces:
        places = other.axis(axis)
        if places is not None:
            said.extend((order, x) for order, x in zip(other.orders, places, strict=True) if x == x)
    said.sort()
    filled = array("d")
    at, x = 0, said[0][1]
    for order in frame.orders:
        while at < len(said) and said[at][0] <= order:
            x = said[at][1]
            at += 1
        filled.append(x)
    return filled
