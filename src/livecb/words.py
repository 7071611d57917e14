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
import threading
from io import FileIO
from pathlib import Path

__all__ = ["Words", "after_fork", "left"]

_DEADLY = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]

_noted: set[int] = set()
_waiting: list[Words] = []
_turn = threading.RLock()
"""Held by who comes or goes: of two runs that end at once, in two threads, one is the last."""


class Words:
    """Room for the last words about one run, until it is closed.

    Args:
        lock: The file of the run's lock. What an earlier attempt left beside it is removed.

    Raises:
        OSError: The file cannot be made.
    """

    def __init__(self, lock: Path) -> None:
        self._path = _path(Path(os.path.realpath(lock)))
        with _turn:
            self._path.unlink(missing_ok=True)
            self._file = self._share()
            _waiting.append(self)
            _note_signals(self._file)

    def close(self) -> None:
        """The run tells its end itself."""
        with _turn:
            _waiting.remove(self)
            if _waiting:
                _note_signals(_waiting[-1]._file)
            else:
                _forget_signals()
            with contextlib.suppress(OSError, ValueError):  # gone, with the run's folder, or closed already
                if os.path.samestat(self._path.stat(), os.fstat(self._file.fileno())):
                    self._path.unlink()
            if all(other._file is not self._file for other in _waiting):
                self._file.close()  # once, also where a signal's handler ended another run amid this

    def _share(self) -> FileIO:
        for other in _waiting:
            with contextlib.suppress(OSError):  # in another file system, or in none that knows links
                os.link(other._path, self._path)
                return other._file
        file = FileIO(os.fspath(self._path), "ab")
        with contextlib.suppress(OSError):
            file.write(b"\n")  # a disk that fills up has room behind a first byte
        return file


def left(lock: Path) -> str:
    """Return what was left beside this lock; empty if nothing was."""
    try:
        return _path(lock).read_text(errors="replace").strip()
    except OSError:
        return ""


def after_fork() -> None:
    """In a forked child, which must not speak for its parent."""
    global _turn
    _turn = threading.RLock()  # the parent's may be held by a thread that is not here
    _forget_signals()
    for words in _waiting:
        words._file.close()
    _waiting.clear()


def _path(lock: Path) -> Path:
    return lock.with_suffix(".words")


def _note_signals(file: FileIO) -> None:
    if not hasattr(faulthandler, "register"):  # pragma: no cover - Windows
        return
    for number in _DEADLY:
        if signal.getsignal(number) is signal.SIG_DFL:
            faulthandler.register(number, file=file, all_threads=False, chain=True)
            _noted.add(number)


def _forget_signals() -> None:
    for number in list(_noted):
        # A handler that was set after ours stays: unregistering would put back what stood before both.
        if signal.getsignal(number) is signal.SIG_DFL:
            faulthandler.unregister(number)
        _noted.discard(number)
