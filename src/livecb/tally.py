"""The tally: how many events of which type came, from whom, and how many did not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

from livecb import events as ev
from livecb.gaps import Gaps
from livecb.strict import json_ready

__all__ = ["Tally"]

_TAGS = {kind: tag for tag, kind in ev.EVENTS.items()}


class Tally:
    """Counts.

    Attributes:
        events: All events.
        counts: Events by type, also by types that this version does not know.
        seq: Number of the leading writer's last event, -1 if there is none.
        updated: Time of the latest event, None if there is none.
    """

    def __init__(self) -> None:
        self.events = 0
        self.counts: Counter[str] = Counter()
        self.seq = -1
        self.updated: float | None = None
        self._gaps = Gaps()
        self._lost = 0  # in attempts that are over
        self._ranks: dict[int, dict[str, Any]] = {}

    def without_readers(
        self, events: Sequence[ev.AnyEvent | ev.Unknown]
    ) -> tuple[Sequence[ev.AnyEvent | ev.Unknown], list[ev.Note]]:
        """Return the events but for notes that readers wrote, and these.

        They bear no number, and tell nothing of how the run goes; they are counted by type.
        """
        if ev.Note not in map(type, events):
            return events, []
        others: list[ev.AnyEvent | ev.Unknown] = []
        notes: list[ev.Note] = []
        for event in events:
            if isinstance(event, ev.Note) and event.seq < 0:
                notes.append(event)
            else:
                others.append(event)
        self.counts[_TAGS[ev.Note]] += len(notes)
        return others, notes

    def feed(self, events: Sequence[ev.AnyEvent | ev.Unknown], kinds: Sequence[type]) -> list[int]:
        """Take in the next events, whose types are given; return their ranks."""
        for kind, count in Counter(kinds).items():
            if kind is not ev.Unknown:
                self.counts[_TAGS[kind]] += count
        if ev.Unknown in kinds:
            self.counts.update(event.data["type"] for event in events if isinstance(event, ev.Unknown))
            ranks = [_rank(event) for event in events]
        else:
            ranks = [cast("ev.AnyEvent", event).rank for event in events]
        seqs = [event.seq for event in events]
        self._gaps.feed(ranks, seqs)
        last = next((at for at in range(len(ranks) - 1, -1, -1) if not ranks[at]), None)
        self.seq = self.seq if last is None else seqs[last]
        self.events += len(events)
        self.updated = max(max(event.time for event in events), self.updated or 0.0)
        if any(ranks):
            for rank, event in zip(ranks, events, strict=True):
                if rank:
                    self._note(rank, event)
        return ranks

    def close_attempt(self, said: int) -> None:
        """Keep what an attempt lost, of which its writer says so much; the next one has its own count."""
        if self.events:
            self._lost += max(self._gaps.restart(), said)

    def lost(self, said: int) -> int:
        """Return how many events were said and cannot be read.

        A loss leaves a hole in its writer's numbers and is counted by the writer, too, if that
        lives to say so: of both the larger one holds.

        Args:
            said: What the writer of the attempt under way says it lost.
        """
        return self._lost + max(self._gaps.lost, said)

    def ranks(self) -> dict[str, Any]:
        """Return what came from ranks other than the first, ready for JSON."""
        return {str(rank): json_ready(seen) for rank, seen in sorted(self._ranks.items())}

    def _note(self, rank: int, event: ev.AnyEvent | ev.Unknown) -> None:
        seen = self._ranks.setdefault(rank, {"events": 0, "updated": 0.0, "step": None, "system": None})
        seen["events"] += 1
        seen["updated"] = max(seen["updated"], event.time)
        if not isinstance(event, ev.Unknown) and event.step is not None:
            seen["step"] = event.step
        if isinstance(event, ev.System):
            seen["system"] = event


def _rank(event: ev.AnyEvent | ev.Unknown) -> int:
    rank = event.data.get("rank", 0) if isinstance(event, ev.Unknown) else event.rank
    return rank if isinstance(rank, int) else 0
