"""A sink: a reader that a run starts for its own lifetime.

It reads the run's log from a cursor, as every reader does, in a process or a thread of its own: a
sink that is slow or dead is late, and the training does not notice.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from livecb.errors import warn
from livecb.logs.base import START

if TYPE_CHECKING:
    from livecb.store import StoredRun

__all__ = ["ReaderSink", "Sink"]

_POLL_SECONDS = 0.1


class Sink(ABC):
    """What a run calls when it starts and when it has ended."""

    @abstractmethod
    def attach(self, run: StoredRun, since: str = START) -> None:
        """Begin to read this run from a cursor (where this attempt begins); return at once."""

    @abstractmethod
    def detach(self, timeout: float) -> None:
        """The run has ended: take what is left, within `timeout` seconds."""

    def url(self) -> str | None:
        """Return where the run can be watched, if this sink shows it; may wait a few seconds."""
        return None


class ReaderSink(Sink):
    """A sink that takes lines in a daemon thread. A subclass is one method, `take`."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_thread", "_ended")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        # A copy reads nothing yet: callbacks, and the sinks they hold, are copied into other processes.
        self.__dict__.update(state, _thread=None, _ended=threading.Event())

    @abstractmethod
    def take(self, lines: tuple[bytes, ...]) -> None:
        """Take new lines, in order, without their newlines. What it raises ends this sink only."""

    def open(self, run: StoredRun) -> None:
        """Prepare, in the sink's own thread."""

    def close(self) -> None:
        """Clean up, in the sink's own thread."""

    def reset(self) -> None:
        """The log was replaced by another: what was taken is of the old one, and all of the new one comes."""
        warn(f"{type(self).__name__} begins anew: the run's log was replaced, and all its lines are taken")

    def attach(self, run: StoredRun, since: str = START) -> None:
        if self._thread is not None and self._thread.is_alive():
            raise RuntimeError(f"{type(self).__name__} reads a run already; make one for each run")
        self._ended = threading.Event()
        name = f"livecb-{type(self).__name__}"
        self._thread = threading.Thread(target=self._read, args=(run, since), name=name, daemon=True)
        self._thread.start()

    def detach(self, timeout: float) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join(timeout)

    def _read(self, run: StoredRun, cursor: str) -> None:
        try:
            self.open(run)
            while True:
                ended = self._ended.is_set()
                batch = run.log().read(cursor)
                cursor = batch.cursor
                if batch.reset:
                    self.reset()
                if batch.lines:
                    self.take(batch.lines)
                elif ended:
                    break
                else:
                    self._ended.wait(_POLL_SECONDS)
            self.close()
        except Exception as error:
            warn(f"{type(self).__name__} stopped reading the run: {error!r}")
