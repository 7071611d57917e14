"""Gaps: events that a writer numbered and nobody can read.

Every writer numbers its events from 0 without gaps, so a hole in the numbers is a loss, and its
size is known. Several writers may share a rank (a loop that hands its run to another process), so
a rank has as many counters as writers; a number that starts no counter and continues none
belongs to the one that it leaves the smallest hole in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

__all__ = ["Gaps"]

_MOST_WRITERS = 64


class Gaps:
    """Counts what is missing.

    Attributes:
        lost: Numbers that were skipped, since the last restart.
    """

    def __init__(self) -> None:
        self.lost = 0
        self._next: dict[int, list[int]] = {}

    def feed(self, ranks: Sequence[int], seqs: Sequence[int]) -> None:
        """Take in the ranks and numbers of events, in order."""
        for rank, first, last in _stretches(ranks, seqs):
            if first < 0:  # said without a number
                continue
            known = rank in self._next
            writers = self._next.setdefault(rank, [])
            if first in writers:
                writers.remove(first)
            elif first > 0:
                before = max((number for number in writers if number < first), default=None)
                if before is not None:
                    writers.remove(before)
                    self.lost += first - before
                elif not known:
                    self.lost += first
            elif rank:
                writers.clear()  # it started again
            writers.append(last + 1)
            del writers[:-_MOST_WRITERS]

    def restart(self) -> int:
        """Return `lost` and count anew: the first rank has started again, from 0."""
        lost, self.lost = self.lost, 0
        self._next[0] = []
        return lost


def _stretches(ranks: Sequence[int], seqs: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Yield rank, first and last number of stretches without a gap."""
    if not seqs:
        return
    rank, first, count = ranks[0], seqs[0], len(seqs)
    if list(seqs) == list(range(first, first + count)) and ranks.count(rank) == count:
        yield rank, first, first + count - 1
        return
    keys = groupby(zip(ranks, seqs, range(count), strict=True), key=lambda item: (item[0], item[1] - item[2]))
    for _, items in keys:
        stretch = list(items)
        yield stretch[0][0], stretch[0][1], stretch[-1][1]
