"""How a run ends when nobody says so: the process's fate, told truthfully.

- The interpreter exits: the run is *completed*, unless an exception was its end (`sys.excepthook`,
  chained), which makes it *failed*, or *stopped* for Ctrl-C. Nobody tells an exit code at the end:
  so `sys.exit` is followed, too, while a run lives, and forgotten where the training went on.
- The thread that began it dies of an exception (`threading.excepthook`, chained): *failed*, at once.
  Another thread's exception is a line of the log.
- SIGTERM or SIGHUP with their default effect: the process dies of them as it would have, at once,
  and whatever it hangs in. A Python handler would wait for the interpreter, which may never come
  back from a stuck collective; so `faulthandler` writes the traceback, from C, into a file beside
  the lock (`livecb.words`), and the readers see *killed*. Handlers that others have set are left alone.
- `kill -9`, `os._exit`, a crash: nothing is said, the lock is dropped: *crashed*.

A forked child is not the writer: it keeps neither the lock nor the descriptor, and ends nothing.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import traceback
import weakref
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from livecb import words
from livecb.errors import warn
from livecb.events import Metrics, Progress, decode
from livecb.logs.file import FileLog

if TYPE_CHECKING:
    from livecb.run import Run

__all__ = ["latest_run", "live_run", "unwatch", "watch"]

# The runs that live, each with the thread that began it.
_live: dict[Run, threading.Thread] = {}
_open: weakref.WeakSet[Run] = weakref.WeakSet()
_exits: dict[Run, Exit] = {}
_words: dict[Run, words.Words] = {}
_earlier_error: BaseException | None = None
_turn = threading.RLock()
"""Held by who comes or goes: the hooks are in place while a run lives, in whatever thread it began."""


class Exit:
    """A call of `sys.exit`, which somebody may catch, and where a run and its log stood then."""

    def __init__(self, run: Run, code: object) -> None:
        self.error = SystemExit(code)
        self._seq, self._step, self._batch = run._seq, run._step, run._batch
        self._log = FileLog(run._stored.part_path()) if run._stored else None
        self._cursor = self._log.end() if self._log else ""

    def was_caught(self, run: Run) -> bool:
        """Whether the training went on, which metrics and progress of another place show.

        What else is recorded while a process ends is no sign of it, as a loop's last word is none.
        """
        for kind, fields in list(run._queue):
            if kind in (Metrics, Progress) and self._is_beyond(
                fields["seq"], fields["step"], fields["batch"]
            ):
                return True
        cursor = self._cursor
        while self._log and (batch := self._log.read(cursor)).lines:
            cursor = batch.cursor
            for said in map(decode, batch.lines):
                if isinstance(said, Metrics | Progress) and self._is_beyond(said.seq, said.step, said.batch):
                    return True
        return False

    def _is_beyond(self, seq: int, step: int | None, batch: int | None) -> bool:
        return seq >= self._seq and (step, batch) != (self._step, self._batch)


class Followed:
    """A function of a module that is ours while a run lives, and passes on to what stood there before.

    What others put on top of ours stays; ours then stays too, and the next run finds it there. A handler
    of signals may begin and end runs between any two steps: what is noted covers what is in place.
    """

    def __init__(
        self, module: Any, name: str, make: Callable[[Callable[..., Any]], Callable[..., Any]]
    ) -> None:
        self._module, self._name, self._make = module, name, make
        # Ours, and what stood there before.
        self._placed: tuple[Callable[..., Any], Callable[..., Any]] | None = None

    def follow(self) -> None:
        """Put ours in place; harmless where it is."""
        if self._placed is None:
            before = getattr(self._module, self._name)
            self._placed = self._make(before), before
            setattr(self._module, self._name, self._placed[0])

    def leave(self) -> None:
        """Put back what stood there, unless something else has taken its place."""
        if self._placed is not None and getattr(self._module, self._name) is self._placed[0]:
            setattr(self._module, self._name, self._placed[1])
            self._placed = None


def watch(run: Run, lock: Path | None = None) -> None:
    """See to it that the run ends truly, and that its forked children do not take themselves for it.

    Args:
        run: The run; the calling thread is the one that trains.
        lock: The file of its lock, beside which a signal that kills this process writes its traceback.
    """
    global _earlier_error
    with _turn:
        if not _live:
            _earlier_error = _last_error()
        _live[run] = threading.current_thread()
        _open.add(run)
        for followed in _FOLLOWED:
            followed.follow()
    if lock is not None:
        try:
            _words[run] = words.Words(lock)
        except OSError as error:
            run.warn_once("words", f"a signal that kills this process will look like a crash: {error}")


def unwatch(run: Run) -> None:
    """The run has ended, and tells so itself."""
    with _turn:
        _live.pop(run, None)
        _open.discard(run)
        if not _live:
            for followed in _FOLLOWED:
                followed.leave()
            for followed in _FOLLOWED if _live else ():  # a handler of signals began a run amid this
                followed.follow()
    _exits.pop(run, None)
    if (held := _words.pop(run, None)) is not None:
        held.close()


def live_run(run_id: str) -> Run | None:
    """Return this process's own unfinished run of this id."""
    return next((run for run in list(_live) if run.id == run_id), None)


def latest_run() -> Run | None:
    """Return this process's own unfinished run that was begun last."""
    live = list(_live)
    return live[-1] if live else None


def _follow_exceptions(before: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(before)
    def on_exception(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        for run in list(_live):
            _finish(run, error)
        before(kind, error, trace)

    return on_exception


def _follow_threads(before: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(before)
    def on_exception(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
            for run, thread in _live.copy().items():
                if thread is args.thread:
                    _finish(run, args.exc_value)
                else:
                    _tell(run, args.thread, args.exc_value)
        before(args)

    return on_exception


def _follow_exits(before: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(before)
    def exit(*args: Any) -> None:
        try:
            before(*args)
        except SystemExit as error:
            # In another thread it is that thread's end, and nothing of the process's.
            if threading.current_thread() is threading.main_thread():
                _note_exit(error.code)
            raise

    return exit


_FOLLOWED = (
    Followed(sys, "excepthook", _follow_exceptions),
    Followed(threading, "excepthook", _follow_threads),
    Followed(sys, "exit", _follow_exits),
)


def _note_exit(code: object) -> None:
    for run in list(_live):
        try:
            _exits[run] = Exit(run, code)
        except Exception as error:
            run.warn_once("exit", f"an exit code was not noted: {error!r}")


def _finish(run: Run, error: BaseException) -> None:
    try:
        run.finish_with(error)
    except Exception as problem:
        warn(f"run {run.id} was not told its end: {problem!r}")


def _tell(run: Run, thread: threading.Thread | None, error: BaseException) -> None:
    told = "".join(traceback.format_exception(type(error), error, error.__traceback__)).rstrip("\n")
    run.text(
        f"Exception in thread {thread.name if thread else 'unknown'}:\n{told}", "ERROR", logger="threading"
    )


def _last_error() -> BaseException | None:
    """Return the exception that the interpreter reported last, whoever's hook has shown it."""
    return getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)


def _ended_by(run: Run) -> BaseException:
    """Return what ends this process, `SystemExit(None)` if nothing told."""
    if hasattr(sys, "ps1"):  # in an interactive session mistakes and exits at the prompt end nothing
        return SystemExit(None)
    error = _last_error()
    if error is not None and error is not _earlier_error:
        return error
    noted = _exits.get(run)
    return SystemExit(None) if noted is None or noted.was_caught(run) else noted.error


def _at_exit() -> None:
    for run in list(_live):
        try:
            error = _ended_by(run)
        except Exception as problem:  # a log that cannot be read: how it ended must be told all the same
            run.warn_once("exit", f"an exit code may be missing: {problem!r}")
            error = SystemExit(None)
        _finish(run, error)


def _after_fork() -> None:
    global _turn
    _turn = threading.RLock()  # the parent's may be held by a thread that is not here
    words.after_fork()
    for known in (_words, _live, _exits):
        known.clear()
    for run in list(_open):  # also in a child of a child
        run.become_child()


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
