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
        self._reading = threading.Event()
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

        What it has left running may hold its end open: that is not waited for.
        """
        while self._thread is not None and self._thread.is_alive():
            self._thread.join(0.02)
            try:
                if self._reading.is_set() and not select.select([self._source], [], [], 0.1)[0]:
                    break
            except (OSError, ValueError):  # it was closed while it was asked
                break

    def _pass_on(self, tell: Callable[[str, bytes], object]) -> None:
        while chunk := self._read():
            try:
                left = memoryview(chunk)
                while left:
                    left = left[os.write(self._target, left) :]
            except OSError:
                # Who read us is gone: the program learns of it as it would have, by its next write.
                os.close(self._source)
                tell(self.name, chunk)
                break
            tell(self.name, chunk)

    def _read(self) -> bytes:
        self._reading.set()
        try:
            return os.read(self._source, _CHUNK)
        except OSError:  # EIO is how a pseudo-terminal says that nobody writes any more
            return b""
        finally:
            self._reading.clear()


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
