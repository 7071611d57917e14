"""Where the lines of a run's text stand in its log: by number, by level, by time and by step.

As the catalogue, it keeps places and not contents, some thirty bytes a line: so a console of a million lines
opens at its end, or at any time, as soon as one of a hundred does.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Sequence

from livecb import events as ev

__all__ = ["LEVELS", "Lines", "graveness"]

LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "WARN": 30, "ERROR": 40, "CRITICAL": 50, "FATAL": 50}

_KEPT = (20, 30, 40, 50)
_ALL = 0
_UNKNOWN = -1
_BLOCK = 512


def graveness(level: str) -> int:
    """Return how grave a level is; one that nobody knows counts as INFO."""
    return LEVELS.get(level.upper(), LEVELS["INFO"])


class _Peaks:
    """The latest time up to the end of each block of lines.

    Times go back where a part of the log follows another that was folded first; these do not.
    """

    def __init__(self) -> None:
        self.ends = array("d")
        self._count = 0
        self._latest = -math.inf

    def add(self, time: float) -> None:
        self._count += 1
        self._latest = max(self._latest, time)
        if self._count % _BLOCK == 0:
            self.ends.append(self._latest)

    def block(self, time: float) -> int:
        """Return where the block begins in which this time is first come to."""
        return bisect_left(self.ends, time) * _BLOCK


class Lines:
    """Places of log lines, in the order of the log, numbered from 0."""

    def __init__(self) -> None:
        self._parts = array("H")
        self._begins = array("q")
        self._sizes = array("I")
        self._times = array("d")
        self._steps = array("q")  # that of the line before, where a line does not say
        self._graver = {least: array("I") for least in _KEPT}
        self._peaks = {least: _Peaks() for least in (_ALL, *_KEPT)}

    def __len__(self) -> int:
        return len(self._begins)

    @property
    def nbytes(self) -> int:
        """Bytes it takes."""
        columns: list[array[int] | array[float]] = [
            self._parts,
            self._begins,
            self._sizes,
            self._times,
            self._steps,
        ]
        columns += self._graver.values()
        columns += [peaks.ends for peaks in self._peaks.values()]
        return sum(len(column) * column.itemsize for column in columns)

    def add(self, part: int, begin: int, size: int, event: ev.Log) -> None:
        """Take in one line, which stands in a part of the log from an offset on."""
        number = len(self)
        self._parts.append(part)
        self._begins.append(begin)
        self._sizes.append(size)
        self._times.append(event.time)
        before = self._steps[-1] if number else _UNKNOWN
        self._steps.append(before if event.step is None else event.step)
        grave = graveness(event.level)
        for least, numbers in self._graver.items():
            if grave >= least:
                numbers.append(number)
                self._peaks[least].add(event.time)
        self._peaks[_ALL].add(event.time)

    def of(self, least: int) -> Sequence[int]:
        """Return the numbers of the lines that are so grave, or graver."""
        return self._graver.get(least, range(len(self)))

    def spot(self, number: int) -> tuple[int, int, int]:
        """Return where a line stands: the part, from which offset, and how many bytes."""
        return self._parts[number], self._begins[number], self._sizes[number]

    def at_time(self, time: float, least: int) -> int:
        """Return the place, among the lines that are so grave, of the first that was said then or later."""
        numbers = self.of(least)
        begin = self._peaks.get(least, self._peaks[_ALL]).block(time)
        later = (at for at in range(begin, len(numbers)) if self._times[numbers[at]] >= time)
        return next(later, len(numbers))

    def at_step(self, step: int, numbers: Sequence[int]) -> int:
        """Return the place, among lines, where a step was come to last: after a resume it comes again."""
        place = len(numbers)
        while place and self._steps[numbers[place - 1]] >= step:
            place -= 1
        if place < len(numbers):
            return place
        # What counts has not come so far: then it is where something that was given up did.
        return next((at for at, number in enumerate(numbers) if self._steps[number] >= step), place)
