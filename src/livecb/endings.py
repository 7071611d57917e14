"""How a run ends when nobody says so: the process's fate, told truthfully.

- The interpreter exits: the run is *completed*, unless an exception was its end (`sys.excepthook`,
  chained), which makes it *failed*, or *stopped* for Ctrl-C.
- SIGTERM or SIGHUP with their default effect: the process dies of them as it would have, at once,
  and whatever it hangs in. A Python handler would wait for the interpreter, which may never come
  back from a stuck collective; so `faulthandler` writes the traceback, from C, into the lock's
  file, and the readers see *killed*. Handlers that others have set are left alone.
- `kill -9`, `os._exit`, a crash: nothing is said, the lock is dropped: *crashed*.

A forked child is not the writer: it keeps neither the lock nor the descriptor, and ends nothing.
"""

from __future__ import annotations

import atexit
import faulthandler
import os
import signal
import sys
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from livecb.run import Run

__all__ = ["live_run", "unwatch", "watch"]

_live: dict[Run, None] = {}
_open: weakref.WeakSet[Run] = weakref.WeakSet()
_descriptors: dict[Run, int] = {}
_noted: set[int] = set()
_previous_hook: Callable[..., object] | None = None
_earlier_error: BaseException | None = None

_DEADLY = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


def watch(run: Run, descriptor: int = -1) -> None:
    """See to it that the run ends truly, and that its forked children do not take themselves for it.

    Args:
        run: The run.
        descriptor: Where a signal that kills this process writes its traceback first; with several
            runs in one process, that of the one begun last.
    """
    global _previous_hook, _earlier_error
    if not _live:
        _earlier_error = _last_error()
    _live[run] = None
    _open.add(run)
    if _previous_hook is None:
        _previous_hook, sys.excepthook = sys.excepthook, _on_exception
    if descriptor >= 0:
        _descriptors[run] = descriptor
        _note_signals(descriptor)


def unwatch(run: Run) -> None:
    """The run has ended; its descriptor may be closed."""
    global _previous_hook
    _live.pop(run, None)
    _open.discard(run)
    if _descriptors.pop(run, None) is not None:
        if _descriptors:
            _note_signals(list(_descriptors.values())[-1])
        else:
            _forget_signals()
    if not _live and sys.excepthook is _on_exception and _previous_hook is not None:
        sys.excepthook, _previous_hook = _previous_hook, None


def live_run(run_id: str) -> Run | None:
    """Return this process's own unfinished run of this id."""
    return next((run for run in _live if run.id == run_id), None)


def _note_signals(descriptor: int) -> None:
    if not hasattr(faulthandler, "register"):  # pragma: no cover - Windows
        return
    for number in _DEADLY:
        if signal.getsignal(number) is signal.SIG_DFL:
            faulthandler.register(number, file=descriptor, all_threads=False, chain=True)
            _noted.add(number)


def _forget_signals() -> None:
    for number in list(_noted):
        # A handler that was set after ours stays: unregistering would put back what stood before both.
        if signal.getsignal(number) is signal.SIG_DFL:
            faulthandler.unregister(number)
        _noted.discard(number)


def _on_exception(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    for run in list(_live):
        run.finish_with(error)
    if _previous_hook is not None:
        _previous_hook(kind, error, trace)
    else:
        sys.__excepthook__(kind, error, trace)


def _last_error() -> BaseException | None:
    """Return the exception that the interpreter reported last, whoever's hook has shown it."""
    return getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)


def _at_exit() -> None:
    error = _last_error()
    # In an interactive session every mistake at the prompt is reported so, and ends nothing.
    ended_by = error if error is not _earlier_error and not hasattr(sys, "ps1") else None
    for run in list(_live):
        if ended_by is not None:
            run.finish_with(ended_by)
        else:
            run.finish()


def _after_fork() -> None:
    _forget_signals()
    _descriptors.clear()
    _live.clear()
    for run in list(_open):  # also in a child of a child
        run.become_child()


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
