"""Last words: what a process leaves for the readers of its runs when a signal kills it.

`faulthandler` writes the traceback, from C, into one descriptor. Runs of one process therefore share
one file, which has a name beside each one's lock (hard links): each run's name goes with its own end,
and is replaced by its next attempt, whatever becomes of the others.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
from pathlib import Path

__all__ = ["Words", "after_fork", "left"]

_DEADLY = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]

_noted: set[int] = set()
_waiting: list[Words] = []


class Words:
    """Room for the last words about one run, until it is closed.

    Args:
        lock: The file of the run's lock. What an earlier attempt left beside it is removed.

    Raises:
        OSError: The file cannot be made.
    """

    def __init__(self, lock: Path) -> None:
        self._path = _path(Path(os.path.realpath(lock)))
        self._path.unlink(missing_ok=True)
        self._descriptor = self._share()
        _waiting.append(self)
        _note_signals(self._descriptor)

    def close(self) -> None:
        """The run tells its end itself."""
        _waiting.remove(self)
        if _waiting:
            _note_signals(_waiting[-1]._descriptor)
        else:
            _forget_signals()
        with contextlib.suppress(OSError):  # gone, with the run's folder
            if os.path.samestat(self._path.stat(), os.fstat(self._descriptor)):
                self._path.unlink()
        if all(other._descriptor != self._descriptor for other in _waiting):
            os.close(self._descriptor)

    def _share(self) -> int:
        for other in _waiting:
            with contextlib.suppress(OSError):  # in another file system, or in none that knows links
                os.link(other._path, self._path)
                return other._descriptor
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
        descriptor = os.open(self._path, flags, 0o644)
        with contextlib.suppress(OSError):
            os.write(descriptor, b"\n")  # a disk that fills up has room behind a first byte
        return descriptor


def left(lock: Path) -> str:
    """Return what was left beside this lock; empty if nothing was."""
    try:
        return _path(lock).read_text(errors="replace").strip()
    except OSError:
        return ""


def after_fork() -> None:
    """In a forked child, which must not speak for its parent."""
    _forget_signals()
    for descriptor in {words._descriptor for words in _waiting}:
        os.close(descriptor)
    _waiting.clear()


def _path(lock: Path) -> Path:
    return lock.with_suffix(".words")


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
