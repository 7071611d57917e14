"""The lookout: a reader of the run's own log that asks it to stop once a metric is good enough.

The law: the loop pays nothing for it. As every reader it may see a value some steps late.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from livecb.control.criterion import Criterion
from livecb.events import Metrics, decode_lines, type_of

if TYPE_CHECKING:
    from livecb.store import StoredRun

__all__ = ["Lookout"]

_POLL_SECONDS = 0.1
_PATIENCE = 1.0


class Lookout:
    """Reads what is recorded from now on, from a daemon thread.

    Args:
        stored: The run.
        criterion: What to look for.
        tell: Gets, once, how it was met.
        complain: Gets what is wrong, at the end: no metric of that name was recorded.
    """

    def __init__(
        self,
        stored: StoredRun,
        criterion: Criterion,
        tell: Callable[[str], None],
        complain: Callable[[str], None],
    ) -> None:
        self._log = stored.log()
        self._criterion = criterion
        self._tell = tell
        self._complain = complain
        self._cursor = self._log.end()
        self._named = msgspec.json.encode(criterion.name)  # as it stands in a line
        self._seen = False
        self._met = False
        self._reading = threading.Lock()
        self._stopping = threading.Event()
        threading.Thread(target=self._read_forever, name="livecb-lookout", daemon=True).start()

    def stop(self) -> None:
        """Look no more; say so if there was nothing to look at."""
        self._stopping.set()
        # A signal's handler may end the run amid a verb of it, for whose lock the thread waits: not for ever.
        if not self._reading.acquire(timeout=_PATIENCE):
            return
        try:
            read = self._look(asks=False)
        finally:
            self._reading.release()
        if read and not self._seen:
            self._complain(
                f"stop_when={str(self._criterion)!r}: no metric {self._criterion.name!r} was recorded; "
                "name one as it is recorded"
            )

    def _read_forever(self) -> None:
        while not self._met and not self._stopping.wait(_POLL_SECONDS):
            with self._reading:
                self._look(asks=True)

    def _look(self, asks: bool) -> bool:
        """Read on; false if that could not be."""
        try:
            self._read(asks)
        except Exception as error:  # a log that vanished: there may be one again
            self._complain(f"stop_when={str(self._criterion)!r}: the log was not read: {error!r}")
            return False
        return True

    def _read(self, asks: bool) -> None:
        while (batch := self._log.read(self._cursor)).lines and not self._met:
            self._cursor = batch.cursor
            lines = [line for line in batch.lines if self._named in line and type_of(line) == "metrics"]
            for event in decode_lines(lines):
                if isinstance(event, Metrics) and self._criterion.name in event.values:
                    self._seen = True
                    if asks and not self._met and (how := self._criterion.met(event.values)) is not None:
                        self._met = True
                        self._tell(how)
        self._cursor = batch.cursor
