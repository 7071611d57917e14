"""A channel: where a program writes, and where that goes on to, byte by byte.

Where livecb itself writes to a terminal the program gets one, too (a pseudo-terminal of the same size, which
changes no byte), so that it draws as it would have; else a pipe.
"""

from __future__ import annotations

import fcntl
import os
import select
import stat
import termios
import threading
from collections.abc import Callable

__all__ = ["Channel", "open_channels"]

_CHUNK = 1 << 16
_MOST_IN_A_PIPE = 1 << 20
_OUTPUT_FLAGS = 1  # of what tcgetattr returns


class Channel:
    """Passes on what a program writes, in a thread of its own.

    Attributes:
        name: `stdout` or `stderr`.
        end: The program's end, until it is started.
        numbers: The descriptors that the program has it under.
    """

    def __init__(self, name: str, target: int, numbers: tuple[int, ...]) -> None:
        self.name = name
        self.numbers = numbers
        self._target = target
        self._is_terminal = os.isatty(target)
        try:
            self._source, self.end = os.openpty() if self._is_terminal else os.pipe()
        except OSError:  # the machine has no pseudo-terminal left
            self._is_terminal = False
            self._source, self.end = os.pipe()
        if self._is_terminal:
            settings = termios.tcgetattr(target)
            settings[_OUTPUT_FLAGS] &= ~termios.OPOST  # the terminal itself does that, once
            termios.tcsetattr(self.end, termios.TCSANOW, settings)
            self.resize()
        self._ended, self._end = os.pipe()
        self._thread: threading.Thread | None = None

    def resize(self) -> None:
        """Take over the size of the terminal."""
        if self._is_terminal:
            try:
                size = fcntl.ioctl(self._target, termios.TIOCGWINSZ, bytes(8))
                fcntl.ioctl(self._source, termios.TIOCSWINSZ, size)
            except OSError:  # the terminal is gone
                pass

    def start(self, tell: Callable[[str, bytes], object]) -> None:
        """Begin to pass on; `tell` gets the name and what came."""
        os.close(self.end)
        self._thread = threading.Thread(
            target=self._pass_on, args=(tell,), name=f"livecb-{self.name}", daemon=True
        )
        self._thread.start()

    def drain(self) -> None:
        """The program has ended: wait until all it wrote was passed on.

        What it has left running may hold its end open, and write on: that is not waited for.
        """
        os.close(self._end)
        if self._thread is not None:
            self._thread.join()

    def _pass_on(self, tell: Callable[[str, bytes], object]) -> None:
        left: int | None = None  # what the program may have left in the pipe, once it has ended
        while left is None or left > 0:
            ready, _, _ = select.select([self._source, self._ended], [], [])
            if self._ended in ready and left is None:
                left = _MOST_IN_A_PIPE
            if self._source not in ready or not (chunk := self._read()):
                break
            left = None if left is None else left - len(chunk)
            is_read = self._write(chunk)
            tell(self.name, chunk)
            if not is_read:
                # Who read us is gone: the program learns of it as it would have, by its next write.
                os.close(self._source)
                break

    def _read(self) -> bytes:
        try:
            return os.read(self._source, _CHUNK)
        except OSError:  # EIO is how a pseudo-terminal says that nobody writes any more
            return b""

    def _write(self, chunk: bytes) -> bool:
        left = memoryview(chunk)
        try:
            while left:
                left = left[os.write(self._target, left) :]
        except OSError:
            return False
        return True


def open_channels() -> list[Channel]:
    """Return the channels of stdout and stderr: a single one where both go to the same place, in order."""
    if _is_same_place():
        return [Channel("stdout", 1, (1, 2))]
    return [Channel("stdout", 1, (1,)), Channel("stderr", 2, (2,))]


def _is_same_place() -> bool:
    try:
        mode = os.fstat(1).st_mode
    except OSError:  # it is closed
        return False
    kept = os.isatty(1) or stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)
    return kept and os.path.sameopenfile(1, 2)
