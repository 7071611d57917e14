"""How fast a loop goes, and how long it will take: the numbers of a `progress` event.

The rate is that of the last half minute, so that a slow start or a pause does not spoil the time
left for the rest of the day.
"""

from __future__ import annotations

from collections import deque
from time import monotonic
from typing import Any

__all__ = ["Meter"]

EVERY_SECONDS = 0.25
"""A bar needs no more than four events a second, however fast the loop."""

_WINDOW_SECONDS = 30.0


class Meter:
    """Counts units of one phase; says when a progress event is due, and what is in it."""

    def __init__(
        self, unit: str = "step", total: float | None = None, phase: str | None = None, start: float = 0
    ) -> None:
        self.unit = unit
        self.total = total
        self.phase = phase
        self._began = self._due = monotonic()
        self._marks: deque[tuple[float, float]] = deque([(self._began, start)])

    def is_due(self) -> bool:
        """Whether a progress event should be said now; cheap enough for every step."""
        return monotonic() >= self._due

    def read(self, done: float) -> dict[str, Any]:
        """Return the fields of a progress event at `done` units."""
        at = monotonic()
        self._due = at + EVERY_SECONDS
        while len(self._marks) > 1 and at - self._marks[0][0] > _WINDOW_SECONDS:
            self._marks.popleft()
        then, before = self._marks[0]
        rate = (done - before) / (at - then) if at > then and done > before else None
        self._marks.append((at, done))
        left = None
        if rate and self.total is not None:
            left = max(0.0, self.total - done) / rate
        return {
            "done": done,
            "total": self.total,
            "unit": self.unit,
            "phase": self.phase,
            "rate": rate,
            "elapsed": at - self._began,
            "left": left,
        }
