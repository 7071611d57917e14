"""A process: a program that runs as it would have without livecb, and gets the signals that livecb gets.

In the foreground of a terminal it shares livecb's process group: the terminal itself sends Ctrl-C and
Ctrl-Z to both, and only what another process sends to livecb is passed on. Elsewhere it has a group of
its own, and everything is passed on: so it gets each signal once.
"""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from livecb.program.channel import Channel, open_channels

__all__ = ["Problem", "Process", "find_problem"]

_PASSED = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH")
_POLL_SECONDS = 0.02
# Python ignores these, and what is ignored stays so in a new program.
_AS_BEFORE = ("SIGPIPE", "SIGXFSZ")


class Problem(NamedTuple):
    """Why a command cannot be run, and the exit code that a shell has for it."""

    why: str
    code: int


def find_problem(command: str) -> Problem | None:
    """Return what keeps a command from being run, None if nothing does."""
    if shutil.which(command):
        return None
    if os.sep in command and os.path.exists(command):
        why = "is a folder" if os.path.isdir(command) else "cannot be executed"
        return Problem(f"{command} {why}: name what runs it, as in `livecb run -- python train.py`", 126)
    hint = (
        f"; there is a file of this name: `livecb run -- python {command}`" if os.path.isfile(command) else ""
    )
    return Problem(f"command not found: {command}{hint}", 127)


class Process:
    """A program that is followed.

    Attributes:
        passed: Signals that it got by us or by the terminal, by number; True if by the keyboard.
    """

    def __init__(self) -> None:
        self.passed: dict[int, bool] = {}
        self._lock = threading.Lock()
        self._pid = 0
        self._shares_group = _in_foreground()
        self._channels: list[Channel] = []
        known = {getattr(signal, name) for name in _PASSED if hasattr(signal, name)}
        # What was ignored when we were started (nohup) is ignored by the program, too.
        self._signals = {number for number in known if signal.getsignal(number) is not signal.SIG_IGN}
        # Before any thread is started: they all inherit it, and one waits for them.
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, self._signals)

    def start(
        self, argv: Sequence[str], environment: Mapping[str, str], tell: Callable[[str, bytes], object]
    ) -> None:
        """Start it; `tell` gets what it writes, with the stream's name.

        Raises:
            OSError: It cannot be started.
        """
        self._channels = open_channels()
        moves = [
            (os.POSIX_SPAWN_DUP2, each.end, number) for each in self._channels for number in each.numbers
        ]
        own_group: dict[str, Any] = {} if self._shares_group else {"setpgroup": 0}
        self._pid = os.posix_spawnp(
            argv[0],
            list(argv),
            environment,
            file_actions=moves,
            setsigmask=self._mask,
            setsigdef=[getattr(signal, name) for name in _AS_BEFORE if hasattr(signal, name)],
            **own_group,
        )
        for each in self._channels:
            each.start(tell)
        threading.Thread(target=self._pass_signals, name="livecb-signals", daemon=True).start()

    def wait(self) -> int:
        """Wait until it has ended and all it wrote was passed on; return the exit code, -N for signal N."""
        while self._pid:
            if hasattr(os, "waitid"):  # not on every macOS
                os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOWAIT)
            else:
                time.sleep(_POLL_SECONDS)
            with self._lock:  # no signal must go to another process that gets this number
                ended, status = os.waitpid(self._pid, os.WNOHANG)
                self._pid = 0 if ended else self._pid
        for each in self._channels:
            each.drain()
        return os.waitstatus_to_exitcode(status)

    def _pass_signals(self) -> None:
        while True:
            number, by_terminal = _next_signal(self._signals, self._shares_group)
            if number == signal.SIGWINCH:
                for each in self._channels:
                    each.resize()
            with self._lock:
                if self._pid:
                    self._pass(number, by_terminal)

    def _pass(self, number: int, by_terminal: bool) -> None:
        self.passed[number] = by_terminal
        if by_terminal and self._shares_group and number != signal.SIGWINCH:
            return  # it was sent to the whole group
        send = os.killpg if by_terminal and not self._shares_group else os.kill
        try:
            send(self._pid, number)
        except OSError:  # it is gone, or another user's by now
            pass


def _next_signal(signals: set[signal.Signals], shares_group: bool) -> tuple[int, bool]:
    """Wait for a signal; return its number, and whether the terminal sent it."""
    if hasattr(signal, "sigwaitinfo"):
        told = signal.sigwaitinfo(signals)
        return told.si_signo, told.si_code > 0  # what processes send has 0 and below
    number = signal.sigwait(signals)
    return number, shares_group and number in (signal.SIGINT, signal.SIGQUIT)


def _in_foreground() -> bool:
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
