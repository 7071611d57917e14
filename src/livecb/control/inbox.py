"""The inbox: a thread that reads a run's command log, so that the loop need not."""

from __future__ import annotations

import threading
from collections.abc import Callable

from livecb.control.commands import Asked, decode
from livecb.errors import CommandRefused, LivecbError
from livecb.logs.file import FileLog

__all__ = ["Inbox"]

_POLL_SECONDS = 0.1
_PATIENCE = 1.0


class Inbox:
    """Hands over what is asked from now on, from a daemon thread.

    Args:
        log: The command log. What stands in it already was asked of an earlier attempt.
        take: Gets each command.
        complain: Gets what is no command, or why the log cannot be read.
    """

    def __init__(self, log: FileLog, take: Callable[[Asked], None], complain: Callable[[str], None]) -> None:
        self._log = log
        self._take = take
        self._complain = complain
        self._cursor = log.end()
        self._reading = threading.Lock()
        self._stopping = threading.Event()
        threading.Thread(target=self._read_forever, name="livecb-commands", daemon=True).start()

    def stop(self) -> None:
        """Hand over what came since the last look, and read no more."""
        self._stopping.set()
        # A signal's handler may end the run amid a verb of it, for whose lock the thread waits: not for ever.
        if self._reading.acquire(timeout=_PATIENCE):
            try:
                self._look()
                self._log.close()
            finally:
                self._reading.release()

    def _read_forever(self) -> None:
        while not self._stopping.wait(_POLL_SECONDS):
            with self._reading:
                if not self._stopping.is_set():
                    self._look()

    def _look(self) -> None:
        try:
            self._read()
        except Exception as error:  # a log that vanished: there may be one again
            self._complain(str(error) if isinstance(error, LivecbError) else repr(error))

    def _read(self) -> None:
        batch = self._log.read(self._cursor)
        self._cursor = batch.cursor
        if batch.reset:  # another file took its place: what stands in it was not asked just now
            self._cursor = self._log.end()
            return
        for line in batch.lines:
            try:
                asked = decode(line)
            except CommandRefused as error:
                self._complain(str(error))
            else:
                self._take(asked)
