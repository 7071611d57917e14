"""What a training prints, as `log` events, without changing what the terminal shows.

Logging records are seen where they are made (`logging.setLogRecordFactory`, chained): a handler on
the root logger would silence `logging.basicConfig` and `logging.lastResort`. stdout and stderr keep
their identity, their `isatty` and their `fileno`: only `write` is followed, on the object itself.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from livecb.run import Run

__all__ = ["Capture"]

_LONGEST_LINE = 16_384


class Capture:
    """Follows logging records of WARNING and above, or all output too, for one run."""

    def __init__(self, run: Run, *, everything: bool = False) -> None:
        self._run = run
        self._everything = everything
        self._make_record: Callable[..., logging.LogRecord] = logging.LogRecord
        self._streams: list[_Followed] = []
        self._here = threading.local()

    def start(self) -> None:
        """Begin to follow."""
        self._make_record = logging.getLogRecordFactory()
        logging.setLogRecordFactory(self._record)
        if self._everything:
            for name in ("stdout", "stderr"):
                stream = getattr(sys, name, None)
                if stream is not None:
                    self._streams.append(_Followed(stream, partial(self._say_line, name)))

    def stop(self) -> None:
        """Stop, and leave everything as it was found."""
        if logging.getLogRecordFactory() == self._record:
            logging.setLogRecordFactory(self._make_record)
        for stream in self._streams:
            stream.release()
        self._streams = []

    def _record(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record = self._make_record(*args, **kwargs)
        if record.levelno >= logging.WARNING and self._run.active and not self._busy():
            self._here.busy = True
            try:
                message = record.getMessage()
                self._here.told = message.partition("\n")[0]
                self._run.text(message, record.levelname, logger=record.name)
            except Exception:  # a record whose arguments do not fit: logging itself will say so
                pass
            finally:
                self._here.busy = False
        return record

    def _say_line(self, stream: str, line: str) -> None:
        # What livecb's own threads print (an address, a sink's lines) is no output of the training.
        if self._busy() or not self._run.active or threading.current_thread().name.startswith("livecb-"):
            return
        # A record that a handler prints was told already, with its level and its logger.
        told = getattr(self._here, "told", None)
        if told and told in line:
            self._here.told = None
            return
        self._here.busy = True
        try:
            self._run.text(line, "INFO", stream=stream)
        finally:
            self._here.busy = False

    def _busy(self) -> bool:
        return getattr(self._here, "busy", False)


class _Followed:
    """A text stream whose writes are followed line by line."""

    def __init__(self, stream: TextIO, say: Callable[[str], None]) -> None:
        self._stream = stream
        self._say = say
        self._pending = ""
        self._write = stream.write
        try:
            stream.write = self._follow  # type: ignore[method-assign]
        except AttributeError:  # a stream whose attributes cannot be set is left alone
            self._stream = None  # type: ignore[assignment]

    def release(self) -> None:
        """Stop following; what has no line end yet is a line."""
        if self._stream is not None and self._stream.__dict__.get("write") == self._follow:
            del self._stream.__dict__["write"]
            if self._stream.write != self._write:
                self._stream.write = self._write  # type: ignore[method-assign]
        if self._pending:
            self._take("\n")

    def _follow(self, text: str) -> int:
        count = self._write(text)
        try:
            self._take(text)
        except Exception:  # whatever becomes of our copy, the program has written
            self._pending = ""
        return count

    def _take(self, text: str) -> None:
        *lines, pending = (self._pending + text).split("\n")
        # A progress bar overwrites its line: what a terminal would show is what came last.
        self._pending = (
            pending[pending.rfind("\r") + 1 :][-_LONGEST_LINE:]
            if pending[-1:] != "\r"
            else pending[-_LONGEST_LINE:]
        )
        for line in lines:
            shown = line.rstrip("\r").rpartition("\r")[2]
            if shown.strip():
                self._say(shown[:_LONGEST_LINE])
