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

__all__ = ["live_run", "note_deadly_signals", "unwatch", "watch"]

_live: dict[str, Run] = {}
_forked: weakref.WeakKeyDictionary[Run, Callable[[], None]] = weakref.WeakKeyDictionary()
_previous_hook: Callable[..., object] | None = None
_noted: dict[int, int] = {}

_DEADLY = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


def watch(run: Run, in_child: Callable[[], None]) -> None:
    """See to it that the run ends truly; `in_child` is called in each forked child."""
    global _previous_hook
    _live[run.id] = run
    _forked[run] = in_child
    if _previous_hook is None:
        _previous_hook, sys.excepthook = sys.excepthook, _on_exception


def unwatch(run: Run) -> None:
    """The run has ended."""
    global _previous_hook
    _live.pop(run.id, None)
    if not _live:
        _forget_signals()
        if sys.excepthook is _on_exception and _previous_hook is not None:
            sys.excepthook, _previous_hook = _previous_hook, None


def live_run(run_id: str) -> Run | None:
    """Return this process's own unfinished run of this id."""
    return _live.get(run_id)


def note_deadly_signals(descriptor: int) -> None:
    """Have a signal that kills this process write its traceback to a descriptor first."""
    if not hasattr(faulthandler, "register"):  # pragma: no cover - Windows
        return
    for number in _DEADLY:
        if signal.getsignal(number) is signal.SIG_DFL:
            faulthandler.register(number, file=descriptor, all_threads=False, chain=True)
            _noted[number] = descriptor


def _forget_signals() -> None:
    for number in list(_noted):
        faulthandler.unregister(number)
        del _noted[number]


def _on_exception(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    for run in list(_live.values()):
        run.finish_with(error)
    if _previous_hook is not None:
        _previous_hook(kind, error, trace)
    else:
        sys.__excepthook__(kind, error, trace)


def _at_exit() -> None:
    for run in list(_live.values()):
        run.finish()


def _after_fork() -> None:
    _forget_signals()
    _live.clear()
    for in_child in list(_forked.values()):
        in_child()


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
