"""What a run might have said: events with numbers and times, for tests that fold them."""

from __future__ import annotations

from typing import Any

from livecb import events as ev

BEGAN = 1_795_230_000.0


class Script:
    """Events in order; each comes a second after the one before, unless told otherwise."""

    def __init__(self, rank: int = 0, at: float = BEGAN) -> None:
        self.events: list[ev.AnyEvent | ev.Unknown] = []
        self.rank = rank
        self.time = at
        self.seq = 0

    def say(self, kind: type[ev.Event], after: float = 1.0, **fields: Any) -> Script:
        self.time += after if self.events else 0.0
        self.events.append(kind(seq=self.seq, time=self.time, rank=self.rank, **fields))
        self.seq += 1
        return self

    def start(self, attempt: int = 1, **fields: Any) -> Script:
        self.seq = 0
        about = {"version": ev.VERSION, "run": "r", "name": "a run", **fields}
        return self.say(ev.RunStarted, attempt=attempt, **about)

    def metrics(
        self, step: int | None = None, *, context: str | None = None, after: float = 1.0, **values: float
    ) -> Script:
        """Say values; `__` in a name stands for a slash."""
        named = {name.replace("__", "/"): value for name, value in values.items()}
        return self.say(ev.Metrics, after, step=step, context=context, values=named)

    def steps(self, first: int, last: int, after: float = 1.0, **values: float) -> Script:
        for step in range(first, last + 1):
            self.metrics(step, after=after, **(values or {"train__loss": 1 / step}))
        return self

    def end(self, status: str = "completed", **fields: Any) -> Script:
        return self.say(ev.RunEnded, status=status, **fields)
