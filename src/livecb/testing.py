"""For tests, yours too: run a callback or a loop, and get what it recorded as typed events.

```python
from livecb.testing import record

def test_the_loss_is_recorded():
    with record() as recorded:
        train(callbacks=[LiveStream()])
    assert [event.values["loss"] for event in recorded.of(Metrics)] == ...
```
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from livecb.events import Event, RunStarted, Unknown, decode_lines
from livecb.logs.base import START
from livecb.state import State
from livecb.store import Store, StoredRun

__all__ = ["Recorded", "record"]

_E = TypeVar("_E", bound=Event)

_SET = ("LIVECB_DIR", "LIVECB_MODE")
_UNSET = ("LIVECB_RUN_ID", "LIVECB_NAME", "LIVECB_PROJECT")


class Recorded:
    """The runs that were recorded in a store. What is asked is read from the log each time."""

    def __init__(self, root: str | os.PathLike[str] | None = None) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="livecb-") if root is None else None
        self.store = Store(self._temporary.name if self._temporary else root)

    @property
    def runs(self) -> list[StoredRun]:
        """All runs, oldest first."""
        runs = [self.store.run(run_id) for run_id in self.store.run_ids()]
        return sorted(runs, key=lambda run: _started(self.of(RunStarted, run)))

    @property
    def run(self) -> StoredRun:
        """The only run.

        Raises:
            LookupError: There is none, or there are several.
        """
        runs = self.runs
        if len(runs) != 1:
            raise LookupError(f"expected one run, found {len(runs)}: {[run.id for run in runs]}; ask `runs`")
        return runs[0]

    @property
    def events(self) -> list[Any]:
        """What the only run recorded, in order."""
        return self.events_of(self.run)

    def events_of(self, run: StoredRun) -> list[Any]:
        """Return what a run recorded, in order."""
        log, cursor, events = run.log(), START, list[Event | Unknown]()
        while (batch := log.read(cursor)).lines:
            events += decode_lines(list(batch.lines))
            cursor = batch.cursor
        return events

    def attempts(self, run: StoredRun | None = None) -> list[list[Any]]:
        """Return what the only run, or one of several, recorded: a list of events for each attempt."""
        found: list[list[Any]] = []
        for event in self.events_of(run or self.run):
            if isinstance(event, RunStarted) or not found:
                found.append([])
            found[-1].append(event)
        return found

    def state(self, run: StoredRun | None = None) -> State:
        """Return what the events of the only run, or of one of several, come to."""
        run = run or self.run
        state = State(run.id)
        state.feed(self.events_of(run))
        return state

    def of(self, kind: type[_E], run: StoredRun | None = None) -> list[_E]:
        """Return the events of one type, of the only run or of one of several."""
        events = self.events if run is None else self.events_of(run)
        return [event for event in events if isinstance(event, kind)]


def _started(events: list[RunStarted]) -> float:
    return events[0].time if events else 0.0


@contextmanager
def record(dir: str | os.PathLike[str] | None = None) -> Iterator[Recorded]:
    """Have all runs that begin in the block, here and in child processes, recorded and not served.

    Args:
        dir: Where; a temporary folder if left out, which goes when what the block gave is thrown away.
    """
    before = {name: os.environ.get(name) for name in (*_SET, *_UNSET)}
    recorded = Recorded(dir)
    os.environ.update(LIVECB_DIR=str(recorded.store.root), LIVECB_MODE="offline")
    for name in _UNSET:
        os.environ.pop(name, None)
    try:
        yield recorded
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
