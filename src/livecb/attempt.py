"""An attempt: one life of a run, from `run_started` to its end, however that comes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from livecb import events as ev
from livecb import pace
from livecb.series import Series
from livecb.strict import json_ready

__all__ = ["Attempt", "Branches", "History", "Rewind", "fate"]

_ENDINGS = ("completed", "failed", "stopped", "killed")
_WAITING = frozenset({"paused", "stalled", "sanity_checking"})
_BESIDE = ("val", "eval", "test", "predict", "sanity")  # phases beside the training


def fate(last_words: str) -> str:
    """Return how a run ended whose log does not say so, from what its writer left beside its lock."""
    word, _, said = last_words.strip().partition(" ")
    if word == "ended" and said in _ENDINGS:  # a full disk kept it out of the log
        return said
    return "killed" if word else "crashed"


class Rewind(NamedTuple):
    """An attempt that went on from an earlier step than the one before it had reached."""

    attempt: int
    from_step: int
    to_step: int
    time: float


class Branches:
    """Which attempt an event belongs to, and whether a later one gave up what it tells.

    Attributes:
        rewinds: Where attempts went back behind what had been reached.
        starts: When each attempt began, and its number.
    """

    def __init__(self) -> None:
        self.rewinds: list[Rewind] = []
        self.starts: list[tuple[float, int]] = []

    def attempt_at(self, time: float, most: int | None = None) -> int:
        """Return the attempt that was under way at a time, none beyond `most`; 1 before the first."""
        if not self.starts:
            return 1
        begun = bisect_right(self.starts, (time, self.starts[-1][1] if most is None else most))
        return self.starts[max(begun - 1, 0)][1]

    def abandoned(self, attempt: int, step: float | None) -> bool:
        """Whether a later attempt went on from before the step that an attempt had come to."""
        return step is not None and any(
            attempt < rewind.attempt and step > rewind.to_step for rewind in self.rewinds
        )

    def told(self, time: float, step: float | None) -> dict[str, Any]:
        """Return `attempt` and `abandoned` of an event, ready for JSON."""
        attempt = self.attempt_at(time)
        return {"attempt": attempt, "abandoned": self.abandoned(attempt, step)}


class Attempt:
    """How an attempt stands, how far it is, and how it ended.

    Attributes:
        number: 1 is the first.
        start: The event it began with.
        resumed_step: The step it went on from.
        end: The event it ended with.
        lost: Events that its writer says it could not write.
        changed: Settings that are not as the attempt before had them: old and new, by dotted name.
    """

    def __init__(
        self, number: int, start: ev.RunStarted | None = None, before: Mapping[str, Any] | None = None
    ) -> None:
        self.number = number
        self.changed: dict[str, list[Any]] = {}
        self._before = dict(before or {})
        if start:
            self.configure(start.config)
        self.start = start
        self.resumed_step = start.resumed_step if start else None
        self.end: ev.RunEnded | None = None
        self.status = "running" if start else "starting"
        self.phase: str | None = None
        self.message: str | None = None
        self.lost = 0
        self._since = start.time if start else 0.0
        self._spent: dict[str, float] = {}
        self._bars: dict[str | None, pace.Bar] = {}
        self._bar: pace.Bar | None = None

    @property
    def started(self) -> float:
        """When it began, 0 if its beginning is missing."""
        return self.start.time if self.start else 0.0

    def wake(self) -> None:
        """Note that there is an event of it, if only one whose beginning is missing."""
        if self.status == "starting":
            self.status = "running"

    def configure(self, config: Mapping[str, Any]) -> None:
        """Take in settings."""
        if self._before:
            self.changed.update(_changes(self._before, config))

    def say(self, event: ev.Status) -> None:
        """Take in a new status."""
        self._spend(event.time)
        self.status, self.phase, self.message = event.status, event.phase, event.message

    def progress(self, event: ev.Progress) -> None:
        """Take in how far it is."""
        self._bar = self._bars.setdefault(event.phase, pace.Bar())
        self._bar.feed(event)

    def finish(self, event: ev.RunEnded) -> None:
        """Take in its end."""
        self._spend(event.time)
        self.end = event
        self.lost = event.lost

    def status_now(self, alive: bool, last_words: str = "") -> str:
        """Return its status, which without an end depends on whether the writer lives."""
        if self.end is not None:
            return self.end.status
        if alive or self.status == "starting":
            return self.status
        return fate(last_words)

    def to_dict(self, status: str, ended: float | None) -> dict[str, Any]:
        """Return how it began and ended, ready for JSON.

        Args:
            status: How it stands, or ended.
            ended: When it was over, None if it is under way.
        """
        end = self.end
        return {
            "attempt": self.number,
            "status": status,
            "started": self.start.time if self.start else None,
            "ended": ended,
            "reason": (end.error or end.reason) if end else None,
            "by": end.by if end else None,
            "resumed_step": self.resumed_step,
            "changed": json_ready(self.changed),
        }

    def bar(self) -> pace.Bar | None:
        """Return the bar that tells how far the whole is.

        That is the first one, and once it is full the latest: what validates or loops within it has
        bars of its own, which would send the shown progress back and forth.
        """
        main = next((bar for phase, bar in self._bars.items() if not (phase or "").startswith(_BESIDE)), None)
        if main is not None and not main.is_full:
            return main
        return self._bar

    def progress_dict(
        self, series: Series, places: Mapping[str, float], totals: Mapping[str, float], now: float | None
    ) -> dict[str, Any] | None:
        """Return how far it is, how fast it goes and how long it takes; None if nothing tells.

        Args:
            series: The run's metrics.
            places: Where it stands on each axis.
            totals: How much there is to do.
            now: The time, None if it is over.
        """
        bar = self.bar()
        if bar is None or bar.last is None:
            found = pace.derived(series, places, totals, self.number)
            if found is None:
                return None
            unit, done, total, rate, at = found
            shown = pace.bar_dict(unit, done, total, rate, phase=self.phase)
            left = pace.estimate(done, total, rate, share=self._share(at), age=self._age(at, now))
        else:
            event = bar.last
            rate, at = bar.rate(), event.time
            shown = pace.bar_dict(
                event.unit,
                bar.done(places),
                event.total,
                rate,
                phase=event.phase,
                elapsed=event.elapsed,
                counters=event.counters,
                fields=json_ready(event.fields),
            )
            age = self._age(at, now)
            left = pace.estimate(
                event.done, event.total, rate, said=event.left, share=self._share(at), age=age
            )
        if shown["elapsed"] is None and self.start is not None:
            shown["elapsed"] = max(0.0, (at if now is None else now) - self.start.time)
        if now is not None and left is not None:
            shown["left"], shown["finish"] = left, now + left
        return shown

    def _age(self, at: float, now: float | None) -> float:
        return 0.0 if now is None or self.status in _WAITING else now - at

    def _share(self, now: float) -> float:
        """Return the share of its time that it trained, of what was not spent waiting."""
        spent = dict(self._spent)
        spent[self.status] = spent.get(self.status, 0.0) + max(0.0, now - self._since)
        training = spent.get("running", 0.0)
        working = sum(seconds for status, seconds in spent.items() if status not in _WAITING)
        return training / working if training > 0 else 1.0

    def _spend(self, time: float) -> None:
        if self.status != "starting":
            self._spent[self.status] = self._spent.get(self.status, 0.0) + max(0.0, time - self._since)
        self._since = time


class History:
    """The attempts that are over because another one began.

    Attributes:
        summary: What stood beside their ends; what was said last holds.
    """

    def __init__(self) -> None:
        self.summary: dict[str, Any] = {}
        self._over: list[dict[str, Any]] = []

    def close(self, attempt: Attempt, updated: float | None, words: str) -> None:
        """Take in an attempt that is over.

        Args:
            attempt: The attempt.
            updated: When it was last heard of.
            words: What its writer left when it died, as the next one found it.
        """
        if attempt.start is None:
            return
        end = attempt.end
        self._over.append(attempt.to_dict(attempt.status_now(False, words), end.time if end else updated))
        if end is not None:
            self.summary.update(end.summary)

    def to_list(self, attempt: Attempt, status: str, ended: float | None) -> list[dict[str, Any]]:
        """Return all attempts, ready for JSON; the arguments are of the one under way."""
        return [*self._over, attempt.to_dict(status, ended)]


def _changes(
    before: Mapping[str, Any], after: Mapping[str, Any], within: str = ""
) -> Iterator[tuple[str, list[Any]]]:
    for name, new in after.items():
        old = before.get(name)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from _changes(old, new, f"{within}{name}.")
        elif old != new:
            yield f"{within}{name}", [old, new]
