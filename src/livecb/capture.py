"""What a training prints, as `log` events, without changing what the terminal shows.

Logging records are seen where they are made (`logging.setLogRecordFactory`, chained): a handler on
the root logger would silence `logging.basicConfig` and `logging.lastResort`. Python's warnings are seen
where they are shown (`warnings.showwarning`, chained): what a filter or a `catch_warnings` keeps from the
terminal is not recorded either. stdout and stderr keep
their identity, their `isatty` and their `fileno`: only `write` is followed, on the object itself.

Runs may overlap, and others may put something on top of ours. So there is one factory, one
hook of warnings and one follower a stream for all runs: put in place for the first, taken away after
the last. Where something stands on top by then, ours stays and only passes on, and the next run finds
it there.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import traceback
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any, TextIO

from livecb.warned import WarningHook

if TYPE_CHECKING:
    from livecb.run import Run

__all__ = ["Capture", "text_of", "was_told"]

_LONGEST_LINE = 16_384
_COLOR = re.compile(r"\x1b\[[0-9;]*m")

_changing = threading.RLock()
_here = threading.local()
# Replaced as a whole, never changed: who reads it needs no lock.
_active: tuple[Capture, ...] = ()
_factory: _Factory | None = None
_hook: WarningHook | None = None
_followers: list[_Follower] = []
_told_records: weakref.WeakSet[logging.LogRecord] = weakref.WeakSet()


class Capture:
    """Follows warnings and logging records of WARNING and above, or all output too, for one run."""

    def __init__(self, run: Run, *, everything: bool = False) -> None:
        self._run = run
        self._everything = everything
        self._streams: list[_Follower] = []

    def start(self) -> None:
        """Begin to follow."""
        global _active, _factory, _hook
        with _changing:
            if _factory is None or not _factory.in_place():
                _factory = _Factory()
            _hook = WarningHook.on_top() or WarningHook(_telling)
            _active = (*_active, self)
            if not self._everything:
                return
            for name in ("stdout", "stderr"):
                stream = getattr(sys, name, None)
                if stream is not None and (follower := _follower_of(stream)) is not None:
                    follower.join(self, name)
                    self._streams.append(follower)

    def stop(self) -> None:
        """Stop; after the last run all is as it was found."""
        global _active, _factory, _hook
        with _changing:
            for follower in self._streams:
                if follower.leave(self):
                    _followers.remove(follower)
            self._streams = []
            _active = tuple(capture for capture in _active if capture is not self)
            if not _active and _factory is not None and _factory.take_away():
                _factory = None
            if not _active and _hook is not None and _hook.take_away():
                _hook = None

    def tell(self, message: str, level: str, **fields: str) -> None:
        """Record a line, or a record of several; never anything that this itself brings about."""
        if not self._run.active or getattr(_here, "busy", False):
            return
        _here.busy = True
        try:
            self._run.text(message, level, **fields)
        finally:
            _here.busy = False


class _Factory:
    """A factory of logging records that tells of them."""

    def __init__(self) -> None:
        self._make = logging.getLogRecordFactory()
        self._asked = False
        logging.setLogRecordFactory(self)

    def __call__(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record = self._make(*args, **kwargs)
        self._asked = True
        # `logging.makeLogRecord` makes an empty one first, whose level is None.
        if _active and self is _factory and (record.levelno or 0) >= logging.WARNING:
            try:
                _tell_record(record)
            except Exception:  # a record whose arguments do not fit: logging itself will say so
                pass
        return record

    def in_place(self) -> bool:
        """Whether records still come by here; what stands on top is asked for one that nobody sees."""
        top = logging.getLogRecordFactory()
        if top is self:
            return True
        self._asked = False
        try:
            top("livecb", logging.NOTSET, __file__, 0, "", (), None)
        except Exception:  # whatever others have put there
            pass
        return self._asked

    def take_away(self) -> bool:
        """Undo; false where something was put on top, which asks this one."""
        if logging.getLogRecordFactory() is not self:
            return False
        logging.setLogRecordFactory(self._make)
        return True


class _Told:
    """A record or a warning that was told, and which of its lines would be printed next."""

    def __init__(self, record: logging.LogRecord | None, text: str) -> None:
        # Weak: a record holds its exception, and that all that its frames hold.
        self.record = weakref.ref(record) if record else None
        self._lines = [line.rstrip() for line in text.splitlines() if line.strip()]
        self._next = 0

    def prints(self, line: str) -> bool:
        """Whether this is the record's next line, or its first: another handler's."""
        bare = _COLOR.sub("", line).rstrip()
        if 0 < self._next < len(self._lines) and bare.endswith(self._lines[self._next]):
            self._next += 1
            return True
        if self._lines and self._lines[0] in bare:
            self._next = 1
            return True
        return False


def was_told(record: logging.LogRecord, run: Run) -> bool:
    """Whether this run has recorded a logging record where it was made."""
    return record in _told_records and any(capture._run is run for capture in _active)


def text_of(record: logging.LogRecord) -> str:
    """Return the message of a logging record, with its traceback."""
    text = record.getMessage()
    # Not by a Formatter: it would leave its own text on the record for the program's formatters.
    if isinstance(record.exc_info, tuple) and record.exc_info[1] is not None:
        text += "\n" + "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
    if record.stack_info:
        text += "\n" + record.stack_info
    return text


def _tell_record(record: logging.LogRecord) -> None:
    if getattr(_here, "busy", False):
        return
    text = text_of(record)
    # `logging.captureWarnings` makes a record of a warning, which was told.
    if record.name != "py.warnings" or not getattr(_here, "warning", None):
        for capture in _active:
            capture.tell(text, record.levelname, logger=record.name)
    _told_records.add(record)
    told = [known for known in getattr(_here, "told", ()) if known.record and known.record()]
    _here.told = [*told, _Told(record, text)]


@contextmanager
def _telling(warning: warnings.WarningMessage) -> Iterator[None]:
    """Record a warning, and know its lines while it is printed."""
    if not _active or getattr(_here, "warning", None):  # the latter: another hook stands beneath this one
        yield
        return
    category, place = warning.category.__name__, (warning.filename, warning.lineno)
    try:
        for capture in _active:
            capture.tell("{} ({}:{})".format(warning.message, *place), "WARNING", logger=category)
        text = warnings.formatwarning(warning.message, warning.category, *place, warning.line)
        _here.warning = _Told(None, text)
    except Exception:  # a warning that has no text: who shows it will say so
        pass
    try:
        yield
    finally:
        _here.warning = None


def _told_record() -> _Told | None:
    """Return the told record that a handler is at in this thread, or the warning being shown, right now."""
    told: list[_Told] | None = getattr(_here, "told", None)
    warning: _Told | None = getattr(_here, "warning", None)
    if not told:
        return warning
    frame: FrameType | None = sys._getframe(1)
    beneath = False
    while frame is not None:
        if frame.f_globals is logging.__dict__ and "record" in frame.f_code.co_varnames:
            beneath = True
            record = frame.f_locals.get("record")
            for known in told:
                if known.record and known.record() is record:
                    return known
            if record is not None:
                return None
        frame = frame.f_back
    if not beneath:  # all logging calls have returned: what is printed from here on is news
        _here.told = []
    return warning


def _follower_of(stream: TextIO) -> _Follower | None:
    for follower in list(_followers):
        if follower.stream is stream:
            if follower.in_place():
                return follower
            _followers.remove(follower)
    try:
        follower = _Follower(stream)
    except (AttributeError, TypeError):  # a stream whose attributes cannot be set is left alone
        return None
    _followers.append(follower)
    return follower


class _Follower:
    """Follows what is written to a text stream, line by line."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._captures: dict[Capture, str] = {}
        self._pending = ""
        self._asked = False
        self._write: Callable[..., int] = stream.write
        stream.write = self._follow  # type: ignore[method-assign]

    def join(self, capture: Capture, name: str) -> None:
        """Tell this one too, under that name of the stream."""
        self._captures = {**self._captures, capture: name}

    def leave(self, capture: Capture) -> bool:
        """Tell this one no more, and what has no line end yet is a line; whether nothing stays."""
        if (rest := _shown(self._pending)).strip():
            capture.tell(rest[:_LONGEST_LINE], "INFO", stream=self._captures[capture])
        self._captures = {other: name for other, name in self._captures.items() if other is not capture}
        if self._captures or self.stream.write != self._follow:
            return False
        getattr(self.stream, "__dict__", {}).pop("write", None)
        if self.stream.write != self._write:
            self.stream.write = self._write  # type: ignore[method-assign]
        return True

    def in_place(self) -> bool:
        """Whether what is written still comes by here; asked by writing nothing."""
        if self.stream.write == self._follow:
            return True
        if self.stream.write == self._write:
            return False
        self._asked = False
        try:
            self.stream.write("")
        except Exception:  # whatever others have put there
            pass
        return self._asked

    def _follow(self, *args: Any, **kwargs: Any) -> int:
        count = self._write(*args, **kwargs)
        self._asked = True
        if not self._captures:
            self._pending = ""
            return count
        try:
            if args and isinstance(args[0], str):
                self._take(args[0])
        except Exception:  # whatever becomes of our copy, the program has written
            self._pending = ""
        return count

    def _take(self, text: str) -> None:
        before = self._pending
        *lines, pending = (before + text).split("\n")
        # A progress bar overwrites its line: what a terminal would show is what came last.
        self._pending = (
            pending[pending.rfind("\r") + 1 :][-_LONGEST_LINE:]
            if pending[-1:] != "\r"
            else pending[-_LONGEST_LINE:]
        )
        for line in lines:
            self._say(_shown(line), _shown(before))
            before = ""

    def _say(self, line: str, before: str) -> None:
        # What livecb's own threads print (an address, a sink's lines) is no output of the training.
        if getattr(_here, "busy", False) or threading.current_thread().name.startswith("livecb-"):
            return
        told = _told_record()
        if told is not None and told.prints(line):
            # It was told already, with its level and its logger; not so what it was printed behind.
            if not line.startswith(before) or told.prints(before):
                return
            line = before
        if line.strip():
            for capture, name in self._captures.items():
                capture.tell(line[:_LONGEST_LINE], "INFO", stream=name)


def _shown(line: str) -> str:
    return line.rstrip("\r").rpartition("\r")[2]
