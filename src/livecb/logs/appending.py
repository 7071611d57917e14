"""Appending at a place: exact however often it is tried.

Who appends says where the log ended when they last knew. If it ends there, the lines are written; if it goes
on with these very lines, they were written before, and an answer got lost; a beginning of them that is there,
because a writer died in the middle, is completed. Everything else is refused, and nothing is written.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from livecb.errors import CursorError, LogError

if sys.platform != "win32":
    import fcntl

__all__ = ["NotAtEnd", "append_at", "end_of", "locked"]

_CHUNK = 1 << 16


class NotAtEnd(CursorError):
    """A log does not end where it was to be gone on with, and goes on with something else.

    Attributes:
        end: Where it ends.
    """

    def __init__(self, message: str, end: int) -> None:
        super().__init__(message)
        self.end = end


def append_at(path: Path, at: int, lines: bytes) -> int:
    """Append whole lines at an offset; return the offset after them.

    Raises:
        NotAtEnd: The log does not end there, and does not go on with them.
        LogError: They cannot be written; none of them was.
    """
    try:
        with locked(path) as file:
            size = os.fstat(file).st_size
            there = os.pread(file, len(lines), at) if at <= size else b""
            on_a_line = at == 0 or os.pread(file, 1, at - 1) == b"\n"
            if at > size or not on_a_line or not lines.startswith(there):
                end = _end_of(file)
                raise NotAtEnd(f"the log ends at {end} and does not go on at {at} with these lines", end)
            _write(file, lines[len(there) :], size)
            return at + len(lines)
    except OSError as error:
        raise LogError(f"cannot append to {path}: {error.strerror}") from error


def end_of(path: Path) -> int:
    """Return the offset after the last whole line; 0 if there is no file.

    Raises:
        LogError: It cannot be read.
    """
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise LogError(f"cannot read {path}: {error.strerror}") from error
    try:
        return _end_of(file)
    finally:
        os.close(file)


@contextmanager
def locked(path: Path) -> Iterator[int]:
    """Open a log for one writer at a time; a second server of the store waits its turn.

    Windows has no such lock: two servers of one store take no turns there.
    """
    file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
    try:
        if sys.platform != "win32":
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file
    finally:
        os.close(file)


def _write(file: int, lines: bytes, size: int) -> None:
    """Write lines behind what there is, all or none."""
    done = 0
    try:
        while done < len(lines):
            done += os.pwrite(file, lines[done:], size + done)
    except OSError:
        os.ftruncate(file, size)
        raise


def _end_of(file: int) -> int:
    at = os.fstat(file).st_size
    while at > 0:
        begin = max(0, at - _CHUNK)
        newline = os.pread(file, at - begin, begin).rfind(b"\n")
        if newline >= 0:
            return begin + newline + 1
        at = begin
    return 0
