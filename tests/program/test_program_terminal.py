"""`livecb run` in a terminal: the program draws, asks and is interrupted as it would be without it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from livecb import events
from livecb.testing import Recorded

LIVECB = [sys.executable, "-m", "livecb", "run", "--"]


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorded:
    monkeypatch.setenv("LIVECB_MODE", "offline")
    return Recorded(tmp_path / "store")


class Terminal:
    """A terminal with a person in front of it."""

    def __init__(self, argv: list[str], rows: int = 24, columns: int = 72) -> None:
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            # Not before the size is known.
            os.read(0, 1)
            os.execv(argv[0], argv)
        self.resize(rows, columns)
        settings = termios.tcgetattr(self.master)
        settings[3] &= ~termios.ECHO
        termios.tcsetattr(self.master, termios.TCSANOW, settings)
        self.type("\n")
        self.shown = b""

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + 30
        while text.encode() not in self.shown:
            ready, _, _ = select.select([self.master], [], [], max(0, deadline - time.monotonic()))
            assert ready, self.shown
            self.shown += os.read(self.master, 4096)

    def end(self) -> tuple[str, int]:
        """Return all that was shown, and the exit code."""
        try:
            while chunk := os.read(self.master, 4096):
                self.shown += chunk
        except OSError:
            pass
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.shown.decode(), code


@contextmanager
def terminal(code: str, *, followed: bool = True) -> Iterator[Terminal]:
    argv = [*(LIVECB if followed else []), sys.executable, "-c", textwrap.dedent(code)]
    opened = Terminal(argv)
    yield opened
    os.close(opened.master)


DRAWS = """
import os, sys
from tqdm import tqdm
print([os.isatty(fd) for fd in (0, 1, 2)], os.get_terminal_size(1), os.get_terminal_size(2))
for i in range(3):
    print("out", i); print("err", i, file=sys.stderr)
for i in tqdm(range(20), mininterval=0, bar_format="{desc}{percentage:3.0f}%|{bar}| {n}/{total} [00:00<00:00, 9it/s]"):
    pass
print("\\x1b[1;32mgreen\\x1b[0m\\ttab"); sys.stdout.write("no end")
"""


def test_what_the_terminal_shows_is_the_same_byte_by_byte(recorded: Recorded) -> None:
    with terminal(DRAWS, followed=False) as plain:
        wanted = plain.end()
    with terminal(DRAWS) as followed:
        assert followed.end() == wanted
    assert "[True, True, True] os.terminal_size(columns=72, lines=24)" in wanted[0]
    said = [event.message for event in recorded.of(events.Log)]
    assert said[1:7] == ["out 0", "err 0", "out 1", "err 1", "out 2", "err 2"]
    assert re.fullmatch(r"100%\|█+\| 20/20 \[00:00<00:00, 9it/s\]", said[7])
    assert said[8:] == ["green\ttab", "no end"]
    assert [(event.done, event.total) for event in recorded.of(events.Progress)][-1] == (20, 20)


def test_what_is_typed_reaches_the_program(recorded: Recorded) -> None:
    # What goes straight to /dev/tty does not wait for what was printed before.
    code = (
        "import getpass, time; print(input('name? ') + '!'); time.sleep(0.5); print(len(getpass.getpass()))"
    )
    with terminal(code) as shown:
        shown.wait_for("name? ")
        shown.type("ann\n")
        shown.wait_for("Password: ")
        shown.type("1234\n")
        assert shown.end() == ("name? ann!\r\nPassword: \r\n4\r\n", 0)
    assert [event.message for event in recorded.of(events.Log)] == ["name? ann!", "4"]


def test_ctrl_c_reaches_the_program_once(recorded: Recorded) -> None:
    code = """
    import sys, time
    print("ready", flush=True)
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        try:
            time.sleep(0.3)
        except KeyboardInterrupt:
            print("twice")
        raise
    """
    with terminal(code) as shown:
        shown.wait_for("ready")
        shown.type("\x03")
        said, exit_code = shown.end()
    assert exit_code == 130
    assert "twice" not in said
    assert said.count("KeyboardInterrupt") == 1
    (ended,) = recorded.of(events.RunEnded)
    assert (ended.status, ended.reason, ended.by) == ("stopped", "SIGINT", "keyboard")


def test_a_signal_from_elsewhere_reaches_a_program_in_the_foreground_once(recorded: Recorded) -> None:
    code = """
    import signal, sys, time
    got = []
    signal.signal(signal.SIGINT, lambda *_: got.append(1))
    print("ready", flush=True)
    while not got:
        time.sleep(0.01)
    time.sleep(0.2)
    print("got", len(got))
    """
    with terminal(code) as shown:
        shown.wait_for("ready")
        os.kill(shown.pid, 2)
        assert shown.end() == ("ready\r\ngot 1\r\n", 0)


def test_a_new_size_of_the_window_is_the_programs(recorded: Recorded) -> None:
    code = """
    import os, signal, time
    signal.signal(signal.SIGWINCH, lambda *_: print(tuple(os.get_terminal_size(1)), flush=True))
    print("ready", flush=True)
    for _ in range(100):
        time.sleep(0.1)
    """
    with terminal(code) as shown:
        shown.wait_for("ready")
        shown.resize(30, 111)
        shown.wait_for("(111, 30)")
        shown.type("\x03")
        shown.end()


def test_the_prompt_of_a_stopped_program_comes_back_with_both(recorded: Recorded) -> None:
    code = """
    import os, signal, time
    print("ready", flush=True)
    time.sleep(0.5)
    os.kill(0, signal.SIGSTOP)
    print("on", flush=True)
    """
    with terminal(code) as shown:
        shown.wait_for("ready")
        _, status = os.waitpid(shown.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        os.killpg(shown.pid, 18)
        said, exit_code = shown.end()
    assert (said.split(), exit_code) == (["ready", "on"], 0)
