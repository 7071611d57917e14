"""How a program ended, told from outside: its exit code, the signal that killed it, what it printed last."""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

__all__ = ["Ending", "LastError", "count_memory_kills", "tell_ending"]

_FAULTS = ("SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV", "SIGSYS", "SIGTRAP")
_NO_MEMORY = re.compile(r"out of memory|^MemoryError|OutOfMemoryError|bad_alloc", re.IGNORECASE)
_HEADER = "Traceback (most recent call last):"
_MOST_LINES = 400
_MOST_FRAME_LINES = 10_000  # some 1000 frames, as deep as Python goes, have 4000


class Ending(NamedTuple):
    """What a run says of its end.

    Attributes:
        code: The exit code for the shell.
        status: See `events.RunEnded`.
        reason: Why, in words.
        by: Who stopped it.
        error: The traceback that it printed.
    """

    code: int
    status: Literal["completed", "failed", "stopped", "killed"]
    reason: str | None = None
    by: str | None = None
    error: str | None = None


def tell_ending(code: int, passed: Mapping[int, bool], error: str | None, memory_kills: int) -> Ending:
    """Return how a program ended.

    Args:
        code: Its exit code, -N for signal N.
        passed: Signals it got by us, True for those from the keyboard.
        error: The last traceback it printed.
        memory_kills: How many processes the kernel killed meanwhile because memory ran out.
    """
    number = -code if code < 0 else code - 128  # a shell says so of what it ran
    name = _name_of(number) if number > 0 else None
    shown = 128 - code if code < 0 else code
    asked = next((each for each in (signal.SIGINT, signal.SIGTERM) if each in passed), None)
    if code == 0 and asked is None:
        return Ending(shown, "completed")
    # Who ends well after a signal was stopped by it; so is who dies of Ctrl-C.
    if asked is not None and (code == 0 or number == asked == signal.SIGINT):
        return Ending(shown, "stopped", asked.name, "keyboard" if passed[asked] else None)
    if number == signal.SIGKILL and memory_kills > 0:
        return Ending(shown, "killed", "out of memory", "the kernel")
    if code > 0 and not (name and number in passed):
        said = last_line(error) if error is not None else ""
        short = _NO_MEMORY.search(said) or (
            memory_kills > 0 and "killed" in said.lower()
        )  # a worker of its own
        return Ending(shown, "failed", "out of memory" if short else f"exit code {code}", None, error)
    if name in _FAULTS:
        return Ending(shown, "failed", f"{name}: {signal.strsignal(number)}", None, error)
    return Ending(shown, "killed", name or f"signal {number}")


def last_line(text: str) -> str:
    """Return the last line of a text."""
    return text.rstrip().rpartition("\n")[2]


class LastError:
    """Follows lines for tracebacks, and keeps the last one with those it was the consequence of."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._state = "none"

    @property
    def under_way(self) -> bool:
        """Whether the line taken last was part of a traceback, and no message of the program."""
        return self._state == "frames"

    def take(self, line: str) -> None:
        """Take in the next line."""
        if line.startswith(_HEADER):
            chained = self._state == "chain"
            self._lines = [*self._lines, line] if chained else [line]
            self._state = "frames"
        elif self._state == "frames":
            self._lines.append(line)
            self._state = "frames" if line.startswith(" ") or not line else "over"
            if len(self._lines) > _MOST_FRAME_LINES:  # no traceback, but indented output
                self._lines, self._state = [], "none"
        elif self._state in ("over", "chain") and len(self._lines) < _MOST_LINES:
            if "exception" in line and line.endswith(":"):  # during handling of it, or its direct consequence
                self._lines += ["", line, ""]
                self._state = "chain"
            elif line:
                self._state = "none"

    def text(self) -> str | None:
        """Return the last traceback, None if there was none."""
        return "\n".join(self._lines) or None


def count_memory_kills(root: Path = Path("/")) -> int:
    """Return how many processes of this control group, else of this machine, were killed for want of memory.

    0 where nobody counts.
    """
    for path in _counters(root):
        try:
            found = re.search(r"^oom_kill (\d+)$", path.read_text(), re.MULTILINE)
        except OSError:
            continue
        if found:
            return int(found[1])
    return 0


def _counters(root: Path) -> list[Path]:
    groups, mounted = [], root / "sys/fs/cgroup"
    try:
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, kinds, path = line.split(":", 2)
            if not kinds:  # version 2
                groups += [mounted / path.lstrip("/") / "memory.events", mounted / "memory.events"]
            elif "memory" in kinds.split(","):
                where = mounted / "memory"
                groups += [where / path.lstrip("/") / "memory.oom_control", where / "memory.oom_control"]
    except (OSError, ValueError):
        pass
    return [*groups, root / "proc/vmstat"]


def _name_of(number: int) -> str | None:
    try:
        return signal.Signals(number).name
    except ValueError:
        return None
