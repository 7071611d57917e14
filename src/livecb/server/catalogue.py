"""The catalogue of a run: where its samples and pictures stand in its log, by epoch and by name.

The law: it keeps places, not contents. It grows with the log as that is folded, and nothing is made anew
to answer; what is asked for is read from the log and passed on as it stands. So the thousandth page costs
what the first one does, and a sample of any length costs the server a few bytes.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from itertools import islice
from typing import Any, NamedTuple

from livecb import events as ev
from livecb.errors import EventError
from livecb.events import decode
from livecb.server.frames import as_event
from livecb.server.lines import Lines
from livecb.server.tail import Stretch

__all__ = ["KEPT", "Catalogue", "Collection", "Key", "Scores", "Spot", "epoch_of"]

KEPT = ("sample", "image", "figure", "audio", "histogram", "table", "log")
"""Types of events that it knows of."""

_HEADS = tuple(b'{"type":"%b"' % kind.encode() for kind in KEPT)
_MOST = 2.0**53

Key = int | str | None
"""An epoch, a name, or none."""

Scores = dict[str, dict[str, float]]
"""By name: the mean of the finite ones, and how many they are."""


class Spot(NamedTuple):
    """Where one line stands: in which part of the log, from which offset, and its length."""

    part: int
    begin: int
    size: int


class _Group:
    """What belongs to one epoch, or goes by one name."""

    def __init__(self) -> None:
        self.numbers = array("q")
        self._sums: dict[str, list[float]] = {}

    def add(self, number: int, scores: dict[str, ev.Number]) -> None:
        self.numbers.append(number)
        for name, score in scores.items():
            if math.isfinite(score := float(score)):
                known = self._sums.setdefault(name, [0, 0.0])
                known[0] += 1
                known[1] += score

    def scores(self) -> Scores:
        return {name: {"mean": total / count, "count": count} for name, (count, total) in self._sums.items()}


class Collection:
    """Places of lines of one kind, in the order of the log, and in groups."""

    def __init__(self) -> None:
        self._parts = array("q")
        self._begins = array("q")
        self._sizes = array("q")
        self._groups: dict[Key, _Group] = {}

    def __len__(self) -> int:
        return len(self._begins)

    @property
    def nbytes(self) -> int:
        """Bytes it takes."""
        return len(self) * 4 * 8

    def add(self, spot: Spot, key: Key, scores: dict[str, ev.Number]) -> None:
        """Take in one line, which belongs to the group of a key."""
        self._groups.setdefault(key, _Group()).add(len(self), scores)
        self._parts.append(spot.part)
        self._begins.append(spot.begin)
        self._sizes.append(spot.size)

    def groups(self, most: int) -> list[tuple[Key, int, Scores]]:
        """Return the groups that began last: key, how many it has, and the means of their finite scores."""
        first = max(0, len(self._groups) - most)
        latest = islice(self._groups.items(), first, None)
        return [(key, len(group.numbers), group.scores()) for key, group in latest]

    def of(self, key: Key) -> Sequence[int]:
        """Return the numbers of what belongs to a group."""
        return self._groups[key].numbers if key in self._groups else ()

    def all(self) -> Sequence[int]:
        """Return the numbers of all."""
        return range(len(self))

    def spot(self, number: int) -> Spot:
        """Return where one stands; they are numbered from 0."""
        return Spot(self._parts[number], self._begins[number], self._sizes[number])


class Catalogue:
    """The samples of a run, by epoch, and its pictures, sounds, histograms and tables, by name."""

    def __init__(self) -> None:
        self.samples = Collection()
        self.images = Collection()
        self.audio = Collection()
        self.histogram = Collection()
        self.table = Collection()
        self.lines = Lines()

    @property
    def nbytes(self) -> int:
        """Bytes it takes."""
        return sum(kind.nbytes for kind in vars(self).values())

    def feed(self, stretch: Stretch) -> None:
        """Take in the next lines."""
        for line, end in zip(stretch.lines, stretch.offsets, strict=True):
            if line.startswith(_HEADS) and (event := _decoded(line)) is not None:
                spot = Spot(stretch.part, int(end) - len(line) - 1, len(line))
                if isinstance(event, ev.Log):
                    self.lines.add(*spot, event)
                elif isinstance(event, ev.Sample):
                    self.samples.add(spot, epoch_of(event.epoch), event.scores)
                elif isinstance(event, (ev.Image, ev.Figure)):
                    self.images.add(spot, event.name, {})
                elif isinstance(event, ev.Audio):
                    self.audio.add(spot, event.name, {})
                elif isinstance(event, ev.Histogram):
                    self.histogram.add(spot, event.name, {})
                elif isinstance(event, ev.Table):
                    self.table.add(spot, event.name, {})


def epoch_of(epoch: float | None) -> int | None:
    """Return the epoch that is under way, or just done, where so many are done; 1 is the first."""
    return None if epoch is None or not abs(epoch) < _MOST else math.ceil(epoch - 1e-6)


def _decoded(line: bytes) -> Any:
    try:
        return decode(event) if (event := as_event(line)) is not None else None
    except (EventError, RecursionError):
        return None
