"""The writer's lock: who writes a run, and whether they live.

Readers on the same host know at once that a writer died, because the kernel drops its lock. It is a
POSIX record lock (`fcntl.lockf`): a `flock` would be inherited by forked data-loader workers and
outlive the trainer with them. A POSIX lock is dropped when its process closes *any* descriptor of
that file, and a process cannot see its own; so the lock stands on a file of its own that only this
module opens, and a reader in the writer's process asks `_held` and never the file. Where the file
system has no locks, the pid with the start time of the process decides.

The file's first line says who holds it. What follows is a word that its holder left: how a run ended
whose log had no room for it.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
import threading
import time
from functools import cache
from pathlib import Path

import msgspec
import psutil

if sys.platform != "win32":
    import fcntl

__all__ = ["Holder", "WriterLock", "is_held", "last_words", "process_started"]

# What this process holds or is about to take, by `_place`. Entries come and go in one step each, so that
# neither a thread nor a handler of signals finds one half made.
_held: dict[tuple[int, str], object] = {}
_turn = threading.RLock()
"""Held by who has a lock's file open to look, and by who is about to take one: see `acquire`."""

# `struct flock`, and which of its fields is the kind of lock, where that is known. All other fields
# are 0 to ask for the whole file: SEEK_SET is 0, and a length of 0 means to its end.
_FLOCK: tuple[str, int] | None = None
if sys.platform == "linux" and sys.maxsize > 2**32:
    _FLOCK = "hhqqi4x", 0
elif sys.platform == "darwin":
    _FLOCK = "qqihh", 3

_ACQUIRE_TRIES = 5
_ACQUIRE_PAUSE = 0.01


class Holder(msgspec.Struct, frozen=True):
    """Who holds, or last held, a lock."""

    pid: int
    host: str
    process_started: float


@cache
def _started(pid: int) -> float:
    return psutil.Process(pid).create_time()


def process_started() -> float:
    """Return when this process started, Unix seconds."""
    return _started(os.getpid())


class WriterLock:
    """A lock for the life of this process, on a file of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.descriptor = -1
        self._place: tuple[int, str] | None = None

    def acquire(self) -> bool:
        """Take the lock; false if another living writer has it.

        Raises:
            OSError: The file cannot be made.
        """
        place, mine = _place(self.path), object()
        with _turn:  # a reader that is at the file closes it first, and from here on none opens it
            if _held.setdefault(place, mine) is not mine:
                return False
        self._place = place
        taken = False
        try:
            self.descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
            if _lock(self.descriptor):
                _sign(self.descriptor)
                taken = True
        finally:  # also of a Ctrl-C
            if not taken:
                self.release()
        return taken

    def write(self, word: str) -> None:
        """Leave a word for the readers, behind who held the lock; a full disk has room for it here.

        Raises:
            OSError: It has not.
        """
        if self.descriptor >= 0:
            os.write(self.descriptor, word.encode())

    def reassert(self) -> bool:
        """Take a held lock once more: cheap, and without effect where it still stands.

        The kernel drops it when anything in this process opens and closes the file, as copying the
        run's folder does. False if another writer took it in between, or if it was never acquired.
        """
        if self.descriptor < 0 or self._place is None or self._place[0] != os.getpid():
            return False
        if sys.platform == "win32":
            return True
        try:
            fcntl.lockf(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            return False
        except OSError:  # no locks here: nothing was dropped
            pass
        return True

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        fd, self.descriptor = self.descriptor, -1
        place, self._place = self._place, None
        if place is None:
            return
        try:
            if fd >= 0:
                os.close(fd)
        finally:
            _held.pop(place, None)  # not sooner: closing would drop the lock of who takes it then

    def forget(self) -> None:
        """After a fork: the child holds no lock, and must not keep the descriptor."""
        fd, self.descriptor, self._place = self.descriptor, -1, None
        if fd >= 0:
            os.close(fd)


def is_held(path: Path) -> bool:
    """Whether a living process holds this lock."""
    place = _place(path)
    with _turn:
        return place in _held or _is_held_elsewhere(path)


def _is_held_elsewhere(path: Path) -> bool:
    try:
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    except OSError:
        return False
    try:
        if sys.platform == "win32":
            return _holder_lives(fd)
        if _FLOCK is not None:
            layout, kind = _FLOCK
            # Asking takes nothing: a lock that a reader holds for a moment can turn a writer away.
            asked = struct.pack(layout, *(fcntl.F_WRLCK if i == kind else 0 for i in range(5)))
            return bool(struct.unpack(layout, fcntl.fcntl(fd, fcntl.F_GETLK, asked))[kind] != fcntl.F_UNLCK)
        # Shared, so that readers do not see each other; a writer that meets one tries again.
        fcntl.lockf(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        fcntl.lockf(fd, fcntl.LOCK_UN)
        return False
    except BlockingIOError:
        return True
    except PermissionError:
        return True
    except OSError:
        return _holder_lives(fd)
    finally:
        os.close(fd)


def last_words(path: Path) -> str:
    """Return the word that the holder left in the file."""
    place = _place(path)
    with _turn:
        if place in _held:
            return ""
        try:
            return path.read_text(errors="replace").partition("\n")[2]
        except OSError:
            return ""


def _place(path: Path) -> tuple[int, str]:
    """Return what a lock is known by in this process: a forked child, which holds none, has another name."""
    return os.getpid(), os.path.realpath(path)


def _lock(fd: int) -> bool:
    for attempt in range(_ACQUIRE_TRIES):
        if attempt:
            time.sleep(_ACQUIRE_PAUSE)
        try:
            if sys.platform == "win32":
                return not _holder_lives(fd)
            fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except (BlockingIOError, PermissionError):
            continue
        except OSError:
            return not _holder_lives(fd)
    return False


def _sign(fd: int) -> None:
    try:
        me = Holder(os.getpid(), socket.gethostname(), process_started())
        os.ftruncate(fd, 0)
        os.pwrite(fd, msgspec.json.encode(me) + b"\n", 0)
        os.lseek(fd, 0, os.SEEK_END)
    except (OSError, psutil.Error):
        pass  # a full disk: the lock is the kernel's, who holds it is only for where there are none


def _holder_lives(fd: int) -> bool:
    try:
        holder = msgspec.json.decode(os.pread(fd, 4096, 0).partition(b"\n")[0], type=Holder)
        if holder.host != socket.gethostname():
            return True  # another host's process cannot be seen from here: its silence will tell
        return abs(psutil.Process(holder.pid).create_time() - holder.process_started) < 1.0
    except (msgspec.DecodeError, OSError, psutil.Error):
        return False


def _after_fork() -> None:
    global _turn
    _turn = threading.RLock()  # the parent's may be held by a thread that is not here


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
