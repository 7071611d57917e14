"""Series: the curves of a run, by columns, thinned for charts without losing an outlier.

The law: thinning keeps of every bucket its first, its smallest, its largest and its last point, and
each kind of non-finite one it holds; the points come in the order in which they were said, one
attempt after the other. A bucket is an equally wide piece of the asked axis, separately for each
attempt. Where the axis falls back within an attempt, buckets are equally many points instead.

A point that does not say where it stands on the asked axis stands where the point before it stood
(its own `step`, `time` and `epoch` stay null). A series of which no point says is given on
the first axis it has of step, batch, samples, tokens, epoch and time; its `axis` says which.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from heapq import merge
from itertools import count, repeat
from typing import Any, NamedTuple

from livecb import names as naming
from livecb import thinning
from livecb.columns import AXES, Frame
from livecb.events import Metrics
from livecb.metric import Metric
from livecb.strict import json_number

__all__ = ["Row", "Series"]

_GLANCE_METRICS = 8
_GLANCE_POINTS = 40
_FALLBACK = ("step", "batch", "samples", "tokens", "epoch", "time")
_WHOLE = frozenset({"step", "batch", "samples", "tokens"})
_PLACES = ("time", "step", "batch", "epoch", "samples", "tokens")

_Key = tuple[int, str | None, tuple[str, ...]]


class Row(NamedTuple):
    """One value of one metric, and where it stands; None on an axis that nothing tells.

    Attributes:
        attempt: The attempt it belongs to.
        abandoned: Whether a later attempt gave it up.
    """

    name: str
    value: float
    time: float | None
    step: float | None
    batch: float | None
    epoch: float | None
    samples: float | None
    tokens: float | None
    rank: int
    context: str | None
    attempt: int
    abandoned: bool


class Series:
    """The values of all metrics of a run.

    Attributes:
        metrics: By key (see `livecb.names.key`), in the order in which they appeared.
        frames: The columns, by rank, context and names.
    """

    def __init__(self) -> None:
        self.metrics: dict[str, Metric] = {}
        self.frames: dict[_Key, Frame] = {}
        self._splits: dict[str, naming.Split] = {}

    def feed(self, events: Sequence[Metrics], orders: Sequence[int], attempt: int = 1) -> None:
        """Take in events of one attempt, with their numbers among all events of the run."""
        if not events:
            return
        values = [event.values for event in events]
        names = tuple(values[0])
        rank, context = events[0].rank, events[0].context
        alike = (
            all(map(names.__eq__, map(tuple, values)))
            and [event.rank for event in events].count(rank) == len(events)
            and [event.context for event in events].count(context) == len(events)
        )
        if alike:
            self._extend((rank, context, names), events, orders, attempt)
            return
        groups: dict[_Key, list[int]] = {}
        for at, event in enumerate(events):
            groups.setdefault((event.rank, event.context, tuple(event.values)), []).append(at)
        for key, places in groups.items():
            self._extend(key, [events[at] for at in places], [orders[at] for at in places], attempt)

    def cut(self, before: int, step: float) -> None:
        """Mark as given up what attempts before one said after they had passed a step."""
        passed: dict[tuple[int, int], int] = {}  # by rank and attempt: the first event beyond the step
        for (rank, _, _), frame in self.frames.items():
            for segment in frame.segments:
                if segment.attempt < before and (order := frame.first_beyond(segment, step)) is not None:
                    key = rank, segment.attempt
                    passed[key] = min(passed.get(key, order), order)
        for (rank, _, _), frame in self.frames.items():
            for (whose, attempt), order in passed.items():
                if whose == rank:
                    frame.cut(attempt, order)

    def splits(self) -> dict[str, naming.Split]:
        """Return the chart and the curve of every metric; no two curves of a chart are called alike."""
        if len(self._splits) != len(self.metrics):
            sets = naming.eval_sets(metric.name for metric in self.metrics.values())
            taken: set[tuple[str, str]] = set()
            for key, metric in self.metrics.items():
                found = naming.split(metric.name, metric.context, rank=metric.rank, sets=sets)
                if found[:2] in taken:
                    found = found._replace(series=key)
                taken.add(found[:2])
                self._splits[key] = found
        return self._splits

    def stats(self) -> dict[str, dict[str, Any]]:
        """Return what every metric comes to, by key, ready for JSON."""
        return {key: {**split._asdict(), **self.metrics[key].stats()} for key, split in self.splits().items()}

    def glance(self) -> dict[str, Any]:
        """Return what a row of a list has room for, ready for JSON.

        `metrics`: the latest and the best values of the metrics that tell most. `spark`: the way of the first
        of them in some forty points, without what is not finite and what was given up when a later attempt
        rewound; None where there is none.
        """
        told = {key: naming.telling(metric.name, metric.context) for key, metric in self.metrics.items()}
        keys = sorted(told, key=told.__getitem__)[:_GLANCE_METRICS]
        return {
            "metrics": {key: self.metrics[key].latest() for key in keys},
            "spark": {"name": keys[0], "y": self._spark(keys[0])} if keys else None,
        }

    def _spark(self, key: str) -> list[float]:
        strands = thinning.strands(self.metrics[key], self.axis_of(key, "step"), None, None)
        kept = [replace(strand, rows=_kept_rows(strand)) for strand in strands]
        values = (strand.column.values[row] for strand, row in thinning.thin(kept, _GLANCE_POINTS))
        return [float(f"{value:.4g}") for value in values if math.isfinite(value)]

    def rows(self) -> Iterator[Row]:
        """Yield every value of every metric, in the order in which they were said."""
        frames = list(self.frames.items())
        places = (
            zip(frame.orders, repeat(at), count(), _branches(frame)) for at, (_, frame) in enumerate(frames)
        )
        for _, at, row, (attempt, abandoned) in merge(*places):
            (rank, context, _), frame = frames[at]
            time, step, batch, epoch, samples, tokens = (frame.at(axis, row) for axis in _PLACES)
            for name, column in zip(frame.names, frame.columns, strict=True):
                place = (time, step, batch, epoch, samples, tokens)
                yield Row(name, column.values[row], *place, rank, context, attempt, abandoned)

    @property
    def nbytes(self) -> int:
        """Bytes that the columns take."""
        return sum(frame.nbytes for frame in self.frames.values())

    def to_dict(
        self,
        names: Iterable[str] | None = None,
        *,
        points: int = 1000,
        x: str = "step",
        start: float | None = None,
        end: float | None = None,
    ) -> dict[str, dict[str, Any]]:
        """Return series by key, ready for JSON.

        Args:
            names: Keys of metrics; all when None. Unknown ones are left out.
            points: About how many points of each.
            x: The axis to thin on, one of `livecb.columns.AXES`.
            start: Leave out points that stand before this on the axis.
            end: Leave out points that stand after this.

        Raises:
            ValueError: `x` is no axis.
        """
        if x not in AXES:
            raise ValueError(f"expected x to be one of {', '.join(AXES)}, got {x!r}")
        wanted = self.metrics if names is None else dict.fromkeys(names)
        return {name: self._one(name, points, x, start, end) for name in wanted if name in self.metrics}

    def axis_of(self, key: str, x: str) -> str:
        """Return the axis that a metric is given on where another one is asked for."""
        pieces = self.metrics[key].pieces
        return next(
            axis for axis in (x, *_FALLBACK) if any(frame.axis(axis) is not None for frame, _ in pieces)
        )

    def _one(self, key: str, points: int, x: str, start: float | None, end: float | None) -> dict[str, Any]:
        metric, axis = self.metrics[key], self.axis_of(key, x)
        strands = thinning.strands(metric, axis, start, end)
        count = sum(len(strand.rows) for strand in strands)
        found = thinning.thin(strands, points)
        split = self.splits()[key]
        return {
            "chart": split.chart,
            "series": split.series,
            "count": count,
            "thinned": len(found) < count,
            "axis": axis,
            "x": [json_number(strand.xs[row], whole=axis in _WHOLE) for strand, row in found],
            "y": [json_number(strand.column.values[row]) for strand, row in found],
            "step": [json_number(strand.frame.at("step", row), whole=True) for strand, row in found],
            "batch": [json_number(strand.frame.at("batch", row), whole=True) for strand, row in found],
            "time": [strand.frame.at("time", row) for strand, row in found],
            "epoch": [strand.frame.at("epoch", row) for strand, row in found],
            "attempt": [strand.attempt for strand, _ in found],
            **{
                name: [json_number(strand.frame.at(name, row), whole=True) for strand, row in found]
                for name in ("samples", "tokens")
                if any(frame.axis(name) is not None for frame, _ in metric.pieces)
            },
        }

    def _extend(self, key: _Key, events: Sequence[Metrics], orders: Sequence[int], attempt: int) -> None:
        frame = self.frames.get(key) or self._new_frame(key)
        if frame.segments:  # a slower rank may still speak of an attempt that the first one left
            attempt = max(attempt, frame.segments[-1].attempt)
        frame.extend(
            attempt,
            orders,
            (
                [event.time for event in events],
                [event.step for event in events],
                [event.batch for event in events],
                [event.epoch for event in events],
                [event.samples for event in events],
                [event.tokens for event in events],
            ),
            ([event.values[name] for event in events] for name in frame.names),  # type: ignore[misc]
        )

    def _new_frame(self, key: _Key) -> Frame:
        rank, context, names = key
        frame = self.frames[key] = Frame(names)
        for name, column in zip(names, frame.columns, strict=True):
            metric = naming.key(name, context, rank)
            if metric not in self.metrics:
                self.metrics[metric] = Metric(name, context, rank)
                self._splits.clear()
            self.metrics[metric].pieces.append((frame, column))
        return frame


def _branches(frame: Frame) -> Iterator[tuple[int, bool]]:
    """Yield the attempt of each row of a frame, and whether it was given up."""
    for segment in frame.segments:
        for row in range(segment.start, segment.end):
            yield segment.attempt, row >= segment.kept


def _kept_rows(strand: thinning.Strand) -> Sequence[int]:
    end = next(s.kept for s in strand.frame.segments if s.attempt == strand.attempt)
    if isinstance(strand.rows, range):
        return range(strand.rows.start, min(strand.rows.stop, end))
    return [row for row in strand.rows if row < end]
