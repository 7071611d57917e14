"""State: the fold of a run's events into what a person asks.

The law: the state is a pure function of the events in their order, of whether the writer lives, and
of the time at which it is asked. How the events were handed over, one by one or by the thousand,
changes nothing. Nothing here reads a clock, a file or the net.

A run whose writer is gone without a `run_ended` has *crashed*; or it was *killed*, where a signal
let the process say its last words. A `run_started` after the end opens the run again, as its next
attempt. An attempt that goes on from an earlier step than the last one reached gives up what came
after that step: those values stay in the series, and can no longer be the best.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

from livecb import events as ev
from livecb.about import About
from livecb.attempt import Attempt, Branches, History, Rewind
from livecb.leaderboard import MOST, Leaderboard
from livecb.marks import Marks
from livecb.series import Series
from livecb.steering import Steering
from livecb.strict import json_number, json_ready
from livecb.tally import Tally

if TYPE_CHECKING:
    from livecb.store import Labels

__all__ = ["OVER", "State"]

_Event = ev.AnyEvent | ev.Unknown
_Barrier = ev.RunStarted | ev.RunEnded | ev.Config

# Between these, the order of events of different types does not matter to the state.
_BARRIERS = frozenset({ev.RunStarted, ev.RunEnded, ev.Config})
_PLACES = ("step", "batch", "epoch", "samples", "tokens")
OVER = frozenset({"completed", "failed", "stopped", "killed", "crashed"})
"""How a run stands that goes on no more."""
_MOST = {"checkpoint": 20, "alert": 50, "note": 50}


class State:
    """All that is known of one run.

    Attributes:
        run: Its id.
        series: Its metrics, by columns.
        attempt: The attempt under way, or the last one.
        branches: Which attempt is which, and where they went back behind what had been reached.
        leaderboard: Its candidates.
        marks: What happened on its way that is no value.
        broken: Lines that were no events.
    """

    def __init__(self, run: str) -> None:
        self.run = run
        self.series = Series()
        self.attempt = Attempt(1)
        self.branches = Branches()
        self.broken = 0
        self._about = About()
        self._history = History()
        self.tally = Tally()
        self._reached: float | None = None  # the last step of the attempt before this one
        self._said: dict[str, tuple[int, float]] = {}
        self._resumes = False  # whether it is not known yet where this attempt goes on
        self._system: ev.System | None = None
        self.leaderboard = Leaderboard()
        self.marks = Marks(self.branches)
        self._steering = Steering()

    def feed(self, events: Sequence[_Event], broken: int = 0) -> None:
        """Take in the next events, in the order of the log; about 2,000 at a time are fastest.

        Args:
            events: Decoded lines (see `livecb.events.decode_lines`).
            broken: How many of the lines among them were no events.
        """
        self.broken += broken
        events, notes = self.tally.without_readers(events)
        self.marks.feed(notes)
        if not events:
            return
        kinds = list(map(type, events))
        begin = 0
        if not _BARRIERS.isdisjoint(kinds):
            for at, kind in enumerate(kinds):
                if kind in _BARRIERS:
                    self._take(events[begin:at], kinds[begin:at])
                    self._take_barrier(cast("_Barrier", events[at]))
                    begin = at + 1
        self._take(events[begin:], kinds[begin:])

    def count(self, *types: str) -> int:
        """Return how many events of some types there were."""
        return sum(self.tally.counts[kind] for kind in types)

    def place(self, axis: str) -> float | None:
        """Return where the run stands on an axis: what the last event that says so said."""
        found = [self._said[axis]] if axis in self._said else []
        for (rank, _, _), frame in self.series.frames.items():
            if not rank and (latest := frame.latest(axis)):
                found.append(latest)
        return max(found)[1] if found else None

    def to_dict(
        self,
        *,
        alive: bool,
        now: float,
        cursor: str = "0",
        last_words: str = "",
        labels: Labels | None = None,
        rows: int = MOST,
    ) -> dict[str, Any]:
        """Return the State of the HTTP API, ready for strict JSON.

        Args:
            alive: Whether the run's writer lives.
            now: The time, Unix seconds.
            cursor: Up to where the log was fed.
            last_words: What the writer's process left when a signal killed it.
            labels: What readers call the run.
            rows: So many rows of the leaderboard at most.
        """
        attempt, end = self.attempt, self.attempt.end
        status = attempt.status_now(alive, last_words)
        places = {axis: self.place(axis) for axis in _PLACES}
        times = self._times(status, now)
        words = last_words.strip() if status == "killed" and end is None else ""
        return {
            "run": self.run,
            **self._about.to_dict(self.run, labels),
            "cursor": cursor,
            "seq": self.tally.seq,
            "events": self.tally.events,
            "now": now,
            "status": status,
            "phase": attempt.phase,
            "message": attempt.message,
            "alive": alive,
            "reason": end.reason if end else "a signal" if words else None,
            "error": end.error if end else None,
            "traceback": end.traceback if end else words or None,
            "stopped_by": end.by if end else None,
            **times,
            "attempt": attempt.number,
            "attempts": self._history.to_list(attempt, status, times["ended"]),
            "resumed_step": attempt.resumed_step,
            "resumed_run": attempt.start.resumed_run if attempt.start else None,
            "rewinds": [rewind._asdict() for rewind in self.branches.rewinds],
            **{axis: json_number(at, whole=axis != "epoch") for axis, at in places.items()},
            "progress": self._progress(None if status in OVER else now),
            "metrics": self.series.stats(),
            "system": json_ready(self._system),
            "ranks": self.tally.ranks(),
            "counts": dict(self.tally.counts),
            "lost": self.tally.lost(attempt.lost),
            "broken": self.broken,
            "newer": self._about.newer,
            **{f"{kind}s": self.marks.newest(kind, most) for kind, most in _MOST.items()},
            "controls": self._steering.controls(),
            "commands": self._steering.commands(),
            "candidates": self.leaderboard.tally(),
            "leaderboard": self.leaderboard.to_list(rows),
            "summary": json_ready({**self._history.summary, **(end.summary if end else {})}),
            "result": json_ready(end.result) if end else None,
        }

    def row(
        self, *, alive: bool, now: float, last_words: str = "", labels: Labels | None = None
    ) -> dict[str, Any]:
        """Return the RunRow of the HTTP API; the arguments are those of `to_dict`."""
        about = self._about.to_dict(self.run, labels)
        status = self.attempt.status_now(alive, last_words)
        return {
            "run": self.run,
            **{key: about[key] for key in ("name", "project", "framework", "tags", "archived")},
            "status": status,
            "phase": self.attempt.phase,
            **self._times(status, now),
            "attempt": self.attempt.number,
            "progress": self._progress(None if status in OVER else now),
            **self.series.glance(),
        }

    def charts(
        self,
        names: Iterable[str] | None = None,
        *,
        points: int = 1000,
        x: str = "step",
        start: float | None = None,
        end: float | None = None,
    ) -> dict[str, Any]:
        """Return series for charts as in the HTTP API, but for the cursor.

        The arguments are those of `Series.to_dict`.

        Raises:
            ValueError: `x` is no axis.
        """
        return {
            "x": x,
            "points": points,
            "series": self.series.to_dict(names, points=points, x=x, start=start, end=end),
            "rewinds": [rewind._asdict() for rewind in self.branches.rewinds],
        }

    def _take_barrier(self, event: _Barrier) -> None:
        """Take in an event that changes how others are to be understood."""
        if isinstance(event, ev.RunStarted) and not event.rank and self._begins(event):
            self.tally.close_attempt(self.attempt.lost)
            self._history.close(self.attempt, self.tally.updated, event.earlier_words)
            self.tally.feed([event], [type(event)])
            self._begin(event)
        else:
            self.tally.feed([event], [type(event)])
        if event.rank:
            return
        if isinstance(event, ev.RunEnded):
            self.attempt.finish(event)
        elif isinstance(event, ev.Config):
            self._about.configure(event)
            self.attempt.configure(event.config)
            if event.resumed_step is not None:
                self.attempt.resumed_step = event.resumed_step
                self._rewind(event.resumed_step, event.time, self.tally.events - 1)
        self._note_places(event, self.tally.events - 1)

    def _begins(self, event: ev.RunStarted) -> bool:
        """Whether this starts an attempt: a process that joins in may say that it started, too."""
        now = self.attempt
        return now.start is None or now.end is not None or event.attempt > now.number

    def _begin(self, event: ev.RunStarted) -> None:
        again = self.attempt.start is not None
        number = max(event.attempt, self.attempt.number + 1) if again else event.attempt
        self.attempt = Attempt(number, event, self._about.config)
        self.branches.starts.append((event.time, number))
        self._about.begin(event)
        self._steering.begin()
        self._reached = self.place("step")
        self._resumes = again and event.resumed_step is None
        if event.resumed_step is not None:
            self._rewind(event.resumed_step, event.time, self.tally.events - 1)

    def _rewind(self, step: int, time: float, number: int) -> None:
        """Note that the attempt goes on from a step, and give up what lies beyond it.

        Args:
            step: The step.
            time: When it went back.
            number: The number of the event that shows it.
        """
        self._resumes = False
        if self._reached is None or step >= self._reached:
            return
        self.branches.rewinds.append(Rewind(self.attempt.number, int(self._reached), step, time))
        self.series.cut(self.attempt.number, step)
        self._said["step"] = max(self._said.get("step", (-1, 0)), (number, step))
        self._reached = None

    def _take(self, events: Sequence[_Event], kinds: Sequence[type]) -> None:
        """Take in events between two barriers: each type for itself."""
        if not events:
            return
        self.attempt.wake()
        first = self.tally.events
        ranks = self.tally.feed(events, kinds)
        if kinds.count(ev.Metrics) == len(kinds):
            self._take_metrics(cast("Sequence[ev.Metrics]", events), range(first, self.tally.events), ranks)
            return
        metrics: list[ev.Metrics] = []
        numbers: list[int] = []
        for number, event in enumerate(events, first):
            if isinstance(event, ev.Metrics):
                metrics.append(event)
                numbers.append(number)
            elif not isinstance(event, ev.Unknown):
                if not event.rank:
                    self._note_places(event, number)
                self._take_other(event)
        self._take_metrics(metrics, numbers, [event.rank for event in metrics])

    def _take_metrics(
        self, events: Sequence[ev.Metrics], numbers: Sequence[int], ranks: Sequence[int]
    ) -> None:
        if self._resumes:
            # Nothing said where this attempt goes on: its first step tells.
            for number, event in zip(numbers, events, strict=True):
                if event.step is not None and not event.rank:
                    self._rewind(max(0, event.step - 1), self.attempt.started, number)
                    break
        if len(self.branches.starts) < 2 or not any(ranks):
            self.series.feed(events, numbers, self.attempt.number)
            return
        # Other ranks' logs are read after the first one's, which may be an attempt ahead by then.
        by_attempt: dict[int, list[int]] = {}
        for at, event in enumerate(events):
            by_attempt.setdefault(self._attempt_of(event), []).append(at)
        for attempt, places in sorted(by_attempt.items()):
            self.series.feed([events[at] for at in places], [numbers[at] for at in places], attempt)

    def _attempt_of(self, event: ev.Metrics) -> int:
        if not event.rank:
            return self.attempt.number
        return self.branches.attempt_at(event.time, self.attempt.number)

    def _take_other(self, event: ev.AnyEvent) -> None:
        if isinstance(event, ev.Progress):
            if not event.rank:
                self.attempt.progress(event)
        elif isinstance(event, ev.Status):
            if not event.rank:
                self.attempt.say(event)
        elif isinstance(event, ev.System):
            self._system = self._system if event.rank else event
        elif isinstance(event, ev.ModelCompleted):
            self.leaderboard.feed(event)
        elif isinstance(event, ev.Checkpoint | ev.Alert | ev.Note):
            self.marks.feed([event])
        elif isinstance(event, ev.Controls | ev.Command):
            self._steering.feed(event)
            self.marks.feed([event])

    def _note_places(self, event: ev.Event, number: int) -> None:
        for axis in _PLACES:
            value = getattr(event, axis)
            if value is not None:
                self._said[axis] = (number, value)

    def _times(self, status: str, now: float) -> dict[str, float | None]:
        """Return since when the run and its last attempt go, and how long the latter took or takes."""
        end, start = self.attempt.end, self.attempt.start
        ended = end.time if end else self.tally.updated if status in OVER else None
        began = start.time if start else None
        return {
            "started": self.branches.starts[0][0] if self.branches.starts else None,
            "attempt_started": began,
            "updated": self.tally.updated,
            "ended": ended,
            "elapsed": None if began is None else max(0.0, (now if ended is None else ended) - began),
        }

    def _progress(self, now: float | None) -> dict[str, Any] | None:
        places = {axis: at for axis in _PLACES if (at := self.place(axis)) is not None}
        return self.attempt.progress_dict(self.series, places, self._about.totals, now)
