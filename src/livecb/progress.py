"""`livecb.progress_callback`: for loops that tell how far they are through a callback of their own.

Such are jobs that go sample by sample: data that is generated, answers that a model judges. What
they tell becomes one `progress` event a call, with everything that was counted until then.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from livecb import events
from livecb.axes import AXES
from livecb.errors import ValueRefused
from livecb.meter import Meter
from livecb.turn import Turn
from livecb.values import Deferred, plain, scalar

if TYPE_CHECKING:
    from livecb.run import Run

__all__ = ["ProgressCallback", "progress_callback"]

_COUNTED = ("successful", "failed", "saved")
_NAMED = ("category", "best_model")
_MOST_NAMES = 50
_LONGEST_NAME = 80


class ProgressCallback:
    """Call it, or await it, once for each sample; see `progress_callback`."""

    def __init__(self, run: Run, unit: str = "sample") -> None:
        self._run = run
        self._unit = str(unit)
        self._lock = threading.RLock()  # calls may come from several threads, and from a handler of signals
        self._phases: dict[str | None, _Phase] = {}
        self._counters: dict[str, int] = {}

    def __call__(
        self,
        current: float | Mapping[str, Any] | None = None,
        total: float | None = None,
        *,
        phase: str | None = None,
        category: str | None = None,
        quality: float | None = None,
        best_model: str | None = None,
        successful: int | bool | None = None,
        failed: int | bool | None = None,
        saved: int | bool | None = None,
        **fields: Any,
    ) -> Turn:
        """Say how far the job is; whatever is given is recorded, and whatever is left out is not known.

        Args:
            current: Samples done in this phase; the calls are counted where it is left out. Or all
                of these arguments as one dict.
            total: Samples in all.
            phase: What is being done.
            category: What kind of sample it was; how many there were of each is counted.
            quality: How good it is, a number: drawn as a curve.
            best_model: Which model won; how often each did is counted.
            successful: How many succeeded until now; True for this one.
            failed: How many failed until now; True for this one.
            saved: How many were saved until now; True for this one.
            **fields: Whatever else should be shown; `step`, `epoch` and the like say where the loop
                stands.

        Returns:
            What may be awaited, and need not be.
        """
        said: dict[str, Any] = dict(current) if isinstance(current, Mapping) else {"current": current}
        given: dict[str, Any] = {"total": total, "phase": phase, "category": category, "quality": quality}
        given.update(best_model=best_model, successful=successful, failed=failed, saved=saved, **fields)
        said.update((name, value) for name, value in given.items() if value is not None)
        try:
            with self._lock:
                self._tell({str(name): value for name, value in said.items()})
        except Exception as error:  # whatever foreign values do when they are asked
            self._run.warn_once("progress callback", f"the progress callback recorded nothing: {error!r}")
        return Turn()

    def _tell(self, said: dict[str, Any]) -> None:
        axes = {name: said.pop(name) for name in AXES if name in said}
        shown = {name: plain(said[name]) for name in (*_NAMED, "quality") if said.get(name) is not None}
        for name in _COUNTED:
            self._count(name, said.pop(name, None))
        for name in _NAMED:
            self._count_name(name, said.pop(name, None))
        quality = said.pop("quality", None)
        end, done = (self._number(name, said.pop(name, None)) for name in ("total", "current"))
        phase = None if said.get("phase") is None else str(said["phase"])
        said.pop("phase", None)
        progress = self._phases.setdefault(phase, _Phase(self._unit, phase)).read(done, end)
        progress.update(counters=dict(self._counters), fields={**shown, **plain(said)})
        self._run._record(events.Progress, progress, dict(axes))
        if quality is not None:
            self._run.log({"quality": quality}, **axes)

    def _count(self, name: str, value: Any) -> None:
        """Take in how many there were, or that this was one."""
        if isinstance(value, bool):
            self._counters[name] = self._counters.get(name, 0) + value
        elif (number := self._number(name, value)) is not None:
            self._counters[name] = int(number)

    def _count_name(self, kind: str, value: Any) -> None:
        """Count one more of a category, or one more win of a model."""
        if value is None:
            return
        name = f"{kind}/{str(value)[:_LONGEST_NAME]}"
        known = sum(each.startswith(f"{kind}/") for each in self._counters)
        if name not in self._counters and known >= _MOST_NAMES:
            name = f"{kind}/others"
        self._counters[name] = self._counters.get(name, 0) + 1

    def _number(self, name: str, value: Any) -> float | int | None:
        if value is None:
            return None
        try:
            if isinstance(value, bool):
                raise ValueRefused(f"{value}: expected a number")
            number = scalar(value)
            if isinstance(number, Deferred) or not 0 <= number < float("inf"):
                raise ValueRefused(f"{value!r}: expected a finite number, from 0 up")
            return number
        except ValueRefused as error:
            self._run.warn_once(f"progress {name}", f"the progress callback left {name} out: it is {error}")
            return None


class _Phase:
    """How far one phase is."""

    def __init__(self, unit: str, name: str | None) -> None:
        self._meter = Meter(unit, phase=name)
        self._done: float = 0
        self._reading: dict[str, Any] = {}

    def read(self, done: float | None, total: float | None) -> dict[str, Any]:
        """Return the fields of a progress event: how far, how fast, and how long it will take."""
        if done is not None and done < self._done and (done <= 1 or self._done == self._meter.total):
            self._meter = Meter(self._meter.unit, phase=self._meter.phase)  # it begins anew
            self._done, self._reading = 0, {}
        # Samples that are worked on side by side may come in any order.
        self._done = self._done + 1 if done is None else max(done, self._done)
        self._meter.total = total
        if not self._reading or self._meter.is_due() or self._done == total:
            self._reading = self._meter.read(self._done)
        return {**self._reading, "done": self._done, "total": total}


def progress_callback(run: Run, *, unit: str = "sample") -> ProgressCallback:
    """Return a callback that records what a sample-by-sample job tells of its progress.

    ```python
    tell = livecb.progress_callback(run)
    tell(current=3, total=100, phase="judging", category="algebra", quality=0.8, best_model="a", failed=1)
    await tell(current=4, total=100)
    ```

    Both ways record at once. What it is called with is in `ProgressCallback`; it never raises.

    Args:
        run: The run to record into.
        unit: What is counted.
    """
    return ProgressCallback(run, unit)
