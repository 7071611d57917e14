"""A server's process, seen by who started it: nobody's child, and yet heard of when it ends.

A training may wait for any child of its own, and its processor time counts those of its children. So
the process that is started forks and is gone at once (see `livecb.server.process.detach`). What is left
of it is its group, by which it is ended, and a pipe, whose other end closes with the server.
Windows has no fork, and knows no waiting for any child: there the first process stays.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

__all__ = ["Launched"]

_FIRST_SECONDS = 2.0
_END_SECONDS = 2.0


class Launched:
    """A server that was started, in a session of its own: it outlives this process and its terminal's Ctrl-C.

    Args:
        command: What to run.
        cwd: Where to run it.
        env: Its environment.
        log: What it says on stderr.

    Raises:
        OSError: It cannot be started.
    """

    def __init__(self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], log: BinaryIO) -> None:
        self._pipe, theirs = os.pipe()
        self._close = weakref.finalize(self, os.close, self._pipe)
        try:
            self._first = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=theirs,
                stderr=log,
                cwd=cwd,
                env=env,
                start_new_session=True,
            )
        finally:
            os.close(theirs)

    def ended(self) -> bool:
        """Whether it is gone."""
        code = self._first.poll()
        if sys.platform == "win32":
            return code is not None
        os.set_blocking(self._pipe, False)
        try:
            while os.read(self._pipe, 4096):
                pass
        except BlockingIOError:
            return False
        return True

    def let_go(self) -> None:
        """See to it that nothing of it is a child of this process any more."""
        if sys.platform != "win32":
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._first.wait(_FIRST_SECONDS)

    def end(self) -> None:
        """End it, if need be by force."""
        for number in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
            self._signal(number)
            deadline = time.monotonic() + _END_SECONDS
            while not self.ended() and time.monotonic() < deadline:
                time.sleep(0.02)
        self.let_go()

    def _signal(self, number: int) -> None:
        # While anything of the group lives, its number is no other's.
        if not self.ended():
            with contextlib.suppress(OSError):
                if sys.platform == "win32":
                    self._first.terminate()
                else:
                    os.killpg(self._first.pid, number)
