"""Marks: what happened on a run's way that is no value, to be drawn where its curves are.

Checkpoints, alerts, notes, and what became of commands. The newest of each kind are kept, by when they
happened and not by when they were read: however the parts of a log come, the marks are the same. A flood
of one kind pushes out no other.
"""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Iterable
from typing import Any

from livecb import events as ev
from livecb.attempt import Branches
from livecb.strict import json_ready

__all__ = ["MOST", "Mark", "Marks"]

MOST = 125
"""Marks of each kind that are kept, of which there are four; all are in the log."""

Mark = ev.Checkpoint | ev.Alert | ev.Note | ev.Command

_KINDS: dict[type, str] = {
    ev.Checkpoint: "checkpoint",
    ev.Alert: "alert",
    ev.Note: "note",
    ev.Command: "command",
}


class Marks:
    """The newest marks of each kind, and how many there were.

    Args:
        branches: The run's attempts: each mark is told with its own, and whether that was given up.

    Attributes:
        counts: All marks by kind; of commands those that were answered.
    """

    def __init__(self, branches: Branches | None = None) -> None:
        self.counts: Counter[str] = Counter()
        self._branches = branches or Branches()
        self._kept: dict[str, list[tuple[float, int, Mark]]] = {kind: [] for kind in _KINDS.values()}

    def feed(self, events: Iterable[Any]) -> None:
        """Take in those of some events that are marks."""
        for event in events:
            kind = _KINDS.get(type(event))
            if kind is None or (isinstance(event, ev.Command) and event.phase == "asked"):
                continue
            kept = self._kept[kind]
            if isinstance(event, ev.Note) and event.edited is not None:
                self._take_back(event)
                if event.deleted:
                    continue
            self.counts[kind] += 1
            insort(kept, (event.time, self.counts[kind], event))
            if len(kept) > MOST:
                del kept[0]

    def _take_back(self, note: ev.Note) -> None:
        """Forget what a note said before; it may have been pushed out since."""
        self.counts["note"] -= 1
        kept = self._kept["note"]
        kept[:] = [item for item in kept if not (isinstance(item[2], ev.Note) and item[2].id == note.id)]

    def newest(self, kind: str, most: int) -> list[Any]:
        """Return the newest marks of a kind, the oldest of them first, ready for JSON."""
        return [self._told(mark) for _, _, mark in self._kept[kind][-most:]]

    def to_dict(self) -> dict[str, Any]:
        """Return the marks of the HTTP API, but for the cursor."""
        kept = sorted((mark for marks in self._kept.values() for mark in marks), key=lambda mark: mark[0])
        return {
            "counts": {kind: self.counts[kind] for kind in self._kept},
            "left_out": self.counts.total() - len(kept),
            "marks": [self._told(mark) for _, _, mark in kept],
        }

    def _told(self, mark: Mark) -> dict[str, Any]:
        return {**json_ready(mark), **self._branches.told(mark.time, mark.step)}
