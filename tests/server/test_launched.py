"""Who starts a process that forks and goes hears of the end of what is left."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import psutil
from watching import until

from livecb.server.launched import Launched

DETACHED = """
import sys, time
from livecb.server.process import detach
detach()
print("heard by nobody")
open("pid", "w").write(str(__import__("os").getpid()))
time.sleep({seconds})
"""


def launched(tmp_path: Path, code: str) -> Launched:
    with (tmp_path / "log").open("wb") as log:
        return Launched([sys.executable, "-c", code], cwd=tmp_path, env=os.environ, log=log)


def pid_in(tmp_path: Path) -> int:
    return int(until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text()))


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_it_lives_when_its_first_process_is_gone_and_is_ended_with_its_group(tmp_path: Path) -> None:
    others = set(psutil.Process().children())  # of other tests, whose pools of workers stay
    server = launched(tmp_path, DETACHED.format(seconds=60))
    pid = pid_in(tmp_path)
    server.let_go()
    assert set(psutil.Process().children()) <= others
    assert not server.ended()
    server.end()
    assert server.ended()
    until(lambda: gone(pid), 10)  # it lets go of its pipe a moment sooner
    server.end()


def test_its_own_end_is_noticed(tmp_path: Path) -> None:
    server = launched(tmp_path, DETACHED.format(seconds=0.3))
    assert not server.ended()
    until(server.ended, 10)
    until(lambda: gone(pid_in(tmp_path)), 10)


def test_one_that_is_deaf_is_ended_by_force(tmp_path: Path) -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)" + DETACHED.format(seconds=60)
    server = launched(tmp_path, deaf)
    pid = pid_in(tmp_path)
    began = time.monotonic()
    server.end()
    assert time.monotonic() - began < 10
    until(lambda: gone(pid), 10)  # it lets go of its pipe a moment sooner


def test_it_lives_on_when_nobody_listens_for_its_end(tmp_path: Path) -> None:
    server = launched(tmp_path, DETACHED.format(seconds=60))
    pid = pid_in(tmp_path)
    server.let_go()
    before = len(os.listdir("/dev/fd"))
    group = os.getpgid(pid)
    del server
    assert len(os.listdir("/dev/fd")) == before - 1
    assert not gone(pid)
    os.killpg(group, 9)
    until(lambda: gone(pid), 10)
