"""A log in a file of JSON lines; the cursor is a byte offset.

Appending is one `write` to a descriptor opened with `O_APPEND`: what returned is in the kernel's
hands and survives `kill -9`, and writers on one host do not interleave. A write that the disk cuts
short is taken back; where that fails (another writer came after), the torn piece is closed with a
newline, so that it costs its own line and none after it.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from livecb.errors import CursorError, LogError
from livecb.logs.base import START, Batch, Log

__all__ = ["FileLog"]

_CHUNK = 1 << 18


class FileLog(Log):
    """JSON lines in one file, which is made when the first line is appended."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._writer = -1
        self._reader = -1
        self._torn = False

    def append(self, lines: bytes) -> str:
        if not lines.endswith(b"\n"):
            raise LogError(f"expected whole lines ended by a newline, got {lines[-40:]!r}")
        try:
            if self._writer < 0:
                self._writer = self._open_writer()
            if self._torn:
                lines = b"\n" + lines
            written = os.write(self._writer, lines)
            if written < len(lines):
                self.take_back(written)
                raise LogError(f"cannot append to {self.path}: the disk took {written} of {len(lines)} bytes")
        except OSError as error:
            raise LogError(f"cannot append to {self.path}: {error.strerror}") from error
        self._torn = False
        return str(os.lseek(self._writer, 0, os.SEEK_CUR))

    def descriptor(self) -> int:
        """Return the descriptor to append to: for a writer that counts microseconds.

        Whoever writes to it must write whole lines, in one `os.write` each, and call `take_back`
        when the disk took only a part.

        Raises:
            LogError: The file cannot be opened for writing.
        """
        if self._writer < 0:
            try:
                self._writer = self._open_writer()
            except OSError as error:
                raise LogError(f"cannot append to {self.path}: {error.strerror}") from error
        return self._writer

    def take_back(self, written: int) -> None:
        """Remove the piece of a line that the last write left, or see to it that it stays alone."""
        self._torn = True
        end = os.lseek(self._writer, 0, os.SEEK_CUR)
        if os.fstat(self._writer).st_size == end:
            os.ftruncate(self._writer, end - written)
            self._torn = False

    def read(self, cursor: str = START, limit: int = 10_000) -> Batch:
        at, reset = self._place(cursor)
        data = self._read_lines(at)
        if not data:
            if at and self._replaced():
                self._reopen_reader()
                return replace(self.read(START, limit), reset=True)
            return Batch((), (), str(at), reset)
        lines = data.split(b"\n", limit)
        lines.pop()  # what follows the last newline, or the rest beyond the limit
        cursors = []
        for line in lines:
            at += len(line) + 1
            cursors.append(str(at))
        return Batch(tuple(lines), tuple(cursors), str(at), reset)

    def end(self) -> str:
        at = self._size()
        while at > 0:
            start = max(0, at - _CHUNK)
            newline = self._pread(at - start, start).rfind(b"\n")
            if newline >= 0:
                return str(start + newline + 1)
            at = start
        return START

    def close(self) -> None:
        """Close the descriptors; the next use opens them again."""
        writer, reader, self._writer, self._reader = self._writer, self._reader, -1, -1
        for fd in (writer, reader):
            if fd >= 0:
                os.close(fd)

    def __del__(self) -> None:
        try:
            self.close()
        except OSError:
            pass

    def _open_writer(self) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
        fd = os.open(self.path, flags, 0o644)
        size = os.fstat(fd).st_size
        # An earlier writer may have died in the middle of a line.
        if size and self._pread(1, size - 1) != b"\n":
            self._torn = True
        return fd

    def _place(self, cursor: str) -> tuple[int, bool]:
        if not cursor.isdecimal() or len(cursor) > 18:
            raise CursorError(f"expected a byte offset as the cursor, got {cursor!r}; start from {START!r}")
        at = int(cursor)
        if at == 0:
            return 0, False
        # A cursor stands after a newline. Where none is, this is not the file it was given for.
        if self._pread(1, at - 1) == b"\n":
            return at, False
        self._reopen_reader()
        if self._pread(1, at - 1) == b"\n" or self._reader < 0:  # a missing file may come back as it was
            return at, False
        return 0, True

    def _read_lines(self, at: int) -> bytes:
        """Return whole lines from `at`: about a chunk, or more where one line is longer."""
        chunks: list[bytes] = []
        while chunk := self._pread(_CHUNK, at):
            newline = chunk.rfind(b"\n")
            if newline >= 0:
                return b"".join((*chunks, chunk[: newline + 1]))
            chunks.append(chunk)
            at += len(chunk)
        return b""

    def _pread(self, size: int, at: int) -> bytes:
        try:
            if self._reader < 0:
                self._reader = os.open(self.path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
            return os.pread(self._reader, size, at)
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise LogError(f"cannot read {self.path}: {error.strerror}") from error

    def _replaced(self) -> bool:
        """Whether the path leads to another file than the one that the reader opened."""
        try:
            there, here = os.stat(self.path), os.fstat(self._reader)
        except OSError:  # gone for now, as when a folder is moved: nothing has taken its place
            return False
        return (there.st_ino, there.st_dev) != (here.st_ino, here.st_dev)

    def _size(self) -> int:
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise LogError(f"cannot read {self.path}: {error.strerror}") from error

    def _reopen_reader(self) -> None:
        if self._reader >= 0:
            os.close(self._reader)
            self._reader = -1
