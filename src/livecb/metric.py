"""One metric of a run: where its values are, and what they come to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from livecb import names
from livecb.columns import Column, Frame
from livecb.strict import json_number

__all__ = ["Metric"]

_Place = tuple[Frame, Column, int]


class Metric:
    """What was logged under one key.

    Attributes:
        name: As it was logged.
        context: What it was logged in.
        rank: Who logged it.
        pieces: The columns that hold its values: one for each set of names it was logged among.
        goal: Which way is better.
    """

    def __init__(self, name: str, context: str | None, rank: int) -> None:
        self.name = name
        self.context = context
        self.rank = rank
        self.pieces: list[tuple[Frame, Column]] = []
        self.goal = names.goal(names.split(name, context).chart)
        self._seen: dict[tuple[int, int, bool], tuple[int, int, int]] = {}

    def __len__(self) -> int:
        return sum(len(column.values) for _, column in self.pieces)

    def last(self, count: int = 1) -> list[_Place]:
        """Return the places of the last values, the latest first.

        What was given up when a later attempt rewound comes only where there is nothing else.
        """
        places = [
            (frame, column, row) for frame, column in self.pieces for row in _last_kept(frame, count)
        ] or [
            (frame, column, row)
            for frame, column in self.pieces
            for row in range(len(frame) - 1, max(len(frame) - 1 - count, -1), -1)
        ]
        return sorted(places, key=_order, reverse=True)[:count]

    def first(self) -> _Place:
        """Return the place of the first value."""
        return min(((frame, column, 0) for frame, column in self.pieces), key=_order)

    def extremes(self, *, kept: bool = False) -> tuple[_Place, _Place] | None:
        """Return where the smallest and the largest finite value stand, the first of equal ones.

        Args:
            kept: Leave out what was given up when a later attempt rewound.
        """
        found = list(self._extremes(kept))
        if not found:
            return None
        low = min((low for low, _ in found), key=lambda place: (_value(place), _order(place)))
        high = min((high for _, high in found), key=lambda place: (-_value(place), _order(place)))
        return low, high

    def latest(self) -> dict[str, Any]:
        """Return the latest value and its step, and the best one so far, ready for JSON."""
        (last,) = self.last()
        best = _json_value(self.best())
        return {"value": _json_value(last), "step": _at("step", last), "best": best, "goal": self.goal}

    def best(self) -> _Place | None:
        """Return the place of the best value; None where the name does not tell which way is better."""
        if self.goal and (kept := self.extremes(kept=True)):
            return kept[self.goal == "max"]
        return None

    def stats(self) -> dict[str, Any]:
        """Return count, latest, first, smallest, largest and best value, ready for JSON."""
        latest, *before = self.last(2)
        low, high = self.extremes() or (None, None)
        best = self.best()
        return {
            "count": len(self),
            "value": _json_value(latest),
            "step": _at("step", latest),
            "epoch": _at("epoch", latest),
            "time": _at("time", latest),
            "first": _json_value(self.first()),
            "min": _json_value(low),
            "min_step": _at("step", low),
            "max": _json_value(high),
            "max_step": _at("step", high),
            "goal": self.goal,
            "best": _json_value(best),
            "best_step": _at("step", best),
            "best_time": _at("time", best),
            "previous": _json_value(before[0]) if before else None,
            "nonfinite": sum(len(column.odd) for _, column in self.pieces),
        }

    def _extremes(self, kept: bool) -> Iterator[tuple[_Place, _Place]]:
        for piece, (frame, column) in enumerate(self.pieces):
            ranges = [(s.start, s.kept) for s in frame.segments] if kept else [(0, len(frame))]
            for start, end in ranges:
                low, high = self._extremes_of(piece, start, end, kept)
                if low >= 0:
                    yield (frame, column, low), (frame, column, high)

    def _extremes_of(self, piece: int, start: int, end: int, kept: bool) -> tuple[int, int]:
        """Return the rows of a range's extremes, going on from where the last call ended."""
        column = self.pieces[piece][1]
        at, low, high = self._seen.get((piece, start, kept), (start, -1, -1))
        if at > end:  # the range was cut
            at, low, high = start, -1, -1
        if at < end:
            if found := column.extremes(at, end):
                values = column.values
                low = found[0] if low < 0 or values[found[0]] < values[low] else low
                high = found[1] if high < 0 or values[found[1]] > values[high] else high
            self._seen[piece, start, kept] = (end, low, high)
        return low, high


def _last_kept(frame: Frame, count: int) -> Iterator[int]:
    for segment in reversed(frame.segments):
        for row in range(segment.kept - 1, max(segment.start, segment.kept - count) - 1, -1):
            yield row
            count -= 1
        if count <= 0:
            return


def _order(place: _Place) -> int:
    return place[0].orders[place[2]]


def _value(place: _Place) -> float:
    return place[1].values[place[2]]


def _json_value(place: _Place | None) -> float | str | None:
    return None if place is None else json_number(_value(place))


def _at(axis: str, place: _Place | None) -> float | str | None:
    return None if place is None else json_number(place[0].at(axis, place[2]), whole=axis == "step")
