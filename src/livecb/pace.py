"""Pace: how far a run is, how fast it goes lately, and how long it still takes.

The rate is that of the last minute of training: what units were done, over the time in which they
were. What stands between them (a validation, a checkpoint, a pause that a person asked for) does not
count as slow training; the time left allows for what comes back of it, by the share of its time that
the attempt spent in training so far.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from statistics import median
from typing import Any

from livecb import events
from livecb.series import Series
from livecb.strict import json_number

__all__ = ["WINDOW", "Bar", "Sample", "bar_dict", "derived", "estimate", "rate", "recent"]

WINDOW = 60.0
"""Seconds of the recent past that a rate looks at."""

Sample = tuple[float, float]
"""When, and how much was done by then."""

_FEWEST = 8  # samples, however long they took
_MOST = 240
_SPACING = WINDOW / _MOST
_PAUSE = 5.0  # times as long as usual: no slow step but something else
_LEAST_PAUSE = 1.0  # seconds; what is shorter is the loop's own unevenness
_FRESH = 5.0  # seconds for which an estimate may run down by the clock alone

_AXES = {"round": "step", "sample": "samples", "token": "tokens"}  # where a unit is not called as its axis
_UNITS = {"step": "steps", "batch": "batches", "samples": "samples", "epoch": "epochs"}


class Bar:
    """The progress events of one phase.

    Attributes:
        last: The last one.
        samples: When how much was done, lately.
    """

    def __init__(self) -> None:
        self.last: events.Progress | None = None
        self.samples: deque[Sample] = deque(maxlen=_MOST)
        self._ahead: float | None = None  # how far the axis of its unit is ahead of it, if always as far
        self._moved = False

    def feed(self, event: events.Progress) -> None:
        """Take in the next event.

        Of several processes that count together, one may be read after another that was ahead of it.
        """
        if self.last is not None and event.time < self.last.time and event.done <= self.last.done:
            return
        if self.last is not None and (event.done < self.last.done or event.unit != self.last.unit):
            self.samples.clear()  # a new bar, such as that of the next epoch
            self.last = None
        if not self.samples or event.time - self.samples[-1][0] >= _SPACING:
            self.samples.append((event.time, event.done))
        stood = getattr(event, _AXES.get(event.unit, event.unit), None)
        ahead = stood - event.done if isinstance(stood, (int, float)) else None
        if self.last is None:
            self._ahead, self._moved = ahead, False
        elif ahead != self._ahead:
            self._ahead = None
        else:
            self._moved = self._moved or event.done > self.last.done
        self.last = event

    def done(self, places: Mapping[str, float]) -> float:
        """Return how much is done by now.

        Progress is said a few times a second, metrics at every step: where the bar has counted along with
        the axis of its unit, it stands where the axis stands.

        Args:
            places: Where the run stands on each axis.
        """
        assert self.last is not None
        said, total = self.last.done, self.last.total
        place = places.get(_AXES.get(self.last.unit, self.last.unit))
        if place is None or self._ahead is None or not (self._moved or self._ahead == 0):
            return said
        done = max(said, place - self._ahead)
        return done if total is None else min(done, max(total, said))

    @property
    def is_full(self) -> bool:
        """Whether all is done that there is to do."""
        return self.last is not None and self.last.total is not None and self.last.done >= self.last.total

    def rate(self) -> float | None:
        """Return units a second, as the loop says or else as its last minute shows."""
        if self.last is None:
            return None
        if self.last.rate is not None:
            return self.last.rate
        since = self.last.time - WINDOW
        known = [*self.samples, (self.last.time, self.last.done)]
        fresh = [sample for sample in known if sample[0] >= since]
        return rate(fresh if len(fresh) >= _FEWEST else known[-_FEWEST:])


def rate(samples: Sequence[Sample]) -> float | None:
    """Return units a second from samples in order, None if they tell too little."""
    pieces = [
        (then - now, more - done)
        for (now, done), (then, more) in pairwise(samples)
        if then > now and more > done
    ]
    if not pieces:
        return None
    usual = median(seconds / units for seconds, units in pieces)
    going = [
        (seconds, units)
        for seconds, units in pieces
        if seconds <= max(_PAUSE * usual * units, usual * units + _LEAST_PAUSE)
    ]
    return sum(units for _, units in going) / sum(seconds for seconds, _ in going)


def recent(series: Series, axis: str, attempt: int) -> list[Sample]:
    """Return where the last minute of an attempt's metrics stood on an axis, in order."""
    found: dict[float, float] = {}  # the earliest time for each place
    for (rank, _, _), frame in series.frames.items():
        times, places, segment = frame.axis("time"), frame.axis(axis), frame.segments[-1]
        if rank or segment.attempt != attempt or times is None or places is None:
            continue
        since = bisect_left(times, times[segment.end - 1] - WINDOW, segment.start, segment.end)
        first = max(segment.start, min(since, segment.end - _FEWEST))
        stride = -(-(segment.end - first) // _MOST)
        for row in range(segment.end - 1, first - 1, -stride):
            place, time = places[row], times[row]
            if place == place and time <= found.get(place, time):
                found[place] = time
    ordered = list(_rising(sorted((time, place) for place, time in found.items())))
    if not ordered:
        return []
    fresh = [sample for sample in ordered if sample[0] >= ordered[-1][0] - WINDOW]
    return fresh if len(fresh) >= _FEWEST else ordered[-_FEWEST:]


def derived(
    series: Series, places: Mapping[str, float], totals: Mapping[str, float], attempt: int
) -> tuple[str, float, float | None, float | None, float] | None:
    """Return unit, done, total, rate and time of a run that says no progress; None if nothing tells."""
    known = [axis for axis in _UNITS if axis in places]
    if not known:
        return None
    axis = next((axis for axis in known if totals.get(_UNITS[axis])), known[0])
    unit = "sample" if axis == "samples" else axis
    samples = recent(series, axis, attempt)
    at = samples[-1][0] if samples else 0.0
    return unit, places[axis], totals.get(_UNITS[axis]), rate(samples), at


def estimate(
    done: float,
    total: float | None,
    speed: float | None,
    *,
    said: float | None = None,
    share: float = 1.0,
    age: float = 0.0,
) -> float | None:
    """Return the seconds left.

    Args:
        done: Units done.
        total: Units in all.
        speed: Units a second.
        said: What the loop itself says is left.
        share: The share of its time that the attempt spent in training.
        age: Seconds since `done` was known.
    """
    left = said
    if left is None and total is not None and speed:
        left = max(total - done, 0.0) / speed / share
    if left is None:
        return None
    # The clock runs on between two reports, but not for ever: a loop that stands still does not
    # come closer, and the writer's clock need not be the reader's.
    return max(0.0, left - min(max(age, 0.0), max(_FRESH, 1 / speed if speed else 0.0)))


def bar_dict(unit: str, done: float, total: float | None, speed: float | None, **more: Any) -> dict[str, Any]:
    """Return progress as JSON has it, with all of its keys."""
    fraction = None if not total else min(max(done / total, 0.0), 1.0)
    return {
        "fraction": json_number(fraction),
        "done": _plain(done),
        "total": _plain(total),
        "unit": unit,
        "phase": None,
        "rate": json_number(speed),
        "elapsed": None,
        "left": None,
        "finish": None,
        "counters": {},
        "fields": {},
        **more,
    }


def _plain(value: float | None) -> float | str | None:
    return json_number(value, whole=value is not None and value == value // 1)


def _rising(samples: Iterable[Sample]) -> Iterator[Sample]:
    most = float("-inf")
    for time, place in samples:
        if place > most:
            most = place
            yield time, place
