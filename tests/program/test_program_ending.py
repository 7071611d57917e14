"""How a program ended, told from outside."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from livecb.program.ending import Ending, LastError, count_memory_kills, tell_ending

INT, TERM, KILL, SEGV = signal.SIGINT, signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV


@pytest.mark.parametrize(
    ("code", "passed", "error", "kills", "ending"),
    [
        (0, {}, None, 0, Ending(0, "completed")),
        (2, {}, "x\nE: y", 0, Ending(2, "failed", "exit code 2", None, "x\nE: y")),
        (1, {}, "x\nMemoryError", 0, Ending(1, "failed", "out of memory", None, "x\nMemoryError")),
        (1, {}, "x\ntorch.OutOfMemoryError: CUDA out of memory.", 0, Ending(1, "failed", "out of memory", None, "x\ntorch.OutOfMemoryError: CUDA out of memory.")),
        (1, {}, "x\nRuntimeError: worker 7 was killed", 1, Ending(1, "failed", "out of memory", None, "x\nRuntimeError: worker 7 was killed")),
        (1, {}, "x\nE: y", 1, Ending(1, "failed", "exit code 1", None, "x\nE: y")),
        (-KILL, {}, None, 0, Ending(137, "killed", "SIGKILL")),
        (-KILL, {}, None, 1, Ending(137, "killed", "out of memory", "the kernel")),
        (137, {}, None, 1, Ending(137, "killed", "out of memory", "the kernel")),
        (137, {}, None, 0, Ending(137, "failed", "exit code 137")),
        (-TERM, {TERM: False}, None, 1, Ending(143, "killed", "SIGTERM")),
        (143, {TERM: False}, None, 0, Ending(143, "killed", "SIGTERM")),
        (-SEGV, {}, None, 0, Ending(139, "failed", "SIGSEGV: Segmentation fault")),
        (-INT, {INT: True}, None, 0, Ending(130, "stopped", "SIGINT", "keyboard")),
        (130, {INT: False}, None, 0, Ending(130, "stopped", "SIGINT")),
        (0, {TERM: False}, None, 0, Ending(0, "stopped", "SIGTERM")),
        (3, {INT: True}, None, 0, Ending(3, "failed", "exit code 3")),
    ],
)  # fmt: skip
def test_an_end_is_told_by_code_signals_and_the_kernels_counter(
    code: int, passed: dict[int, bool], error: str | None, kills: int, ending: Ending
) -> None:
    assert tell_ending(code, passed, error, kills) == ending


def kept(text: str) -> str | None:
    error = LastError()
    for line in text.splitlines():
        error.take(line)
    return error.text()


FIRST = (
    'Traceback (most recent call last):\n  File "a.py", line 1, in <module>\n    1 / 0\nZeroDivisionError: x'
)
CHAIN = "\n\nDuring handling of the above exception, another exception occurred:\n\n"


def test_the_last_traceback_is_kept_with_what_led_to_it() -> None:
    assert kept("loss: 1\n") is None
    assert kept(f"loss: 1\n{FIRST}\nbye\n") == FIRST
    assert kept(f"{FIRST}{CHAIN}{FIRST}\nbye") == FIRST + CHAIN + FIRST
    assert kept(f"{FIRST}\ngoing on\n{FIRST.replace('x', 'y')}") == FIRST.replace("x", "y")


def test_what_is_indented_without_end_is_no_traceback() -> None:
    error = LastError()
    for line in ["Traceback (most recent call last):", *["  loss: 0.5"] * 20_000]:
        error.take(line)
    assert (error.under_way, error.text()) == (False, None)
    deep = FIRST.replace("    1 / 0\n", "    1 / 0\n" * 4_000)
    assert kept(deep) == deep


@pytest.mark.parametrize(
    ("files", "count"),
    [
        ({}, 0),
        ({"proc/vmstat": "pgfault 1\noom_kill 5\n"}, 5),
        ({"proc/self/cgroup": "0::/job\n", "sys/fs/cgroup/job/memory.events": "oom 9\noom_kill 2\noom_group_kill 0\n"}, 2),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.events": "oom_kill 3\n", "proc/vmstat": "oom_kill 5"}, 3),
        ({"proc/self/cgroup": "4:cpu,memory:/a\n", "sys/fs/cgroup/memory/a/memory.oom_control": "under_oom 0\noom_kill 1"}, 1),
    ],
)  # fmt: skip
def test_processes_killed_for_memory_are_counted_where_somebody_counts(
    files: dict[str, str], count: int, tmp_path: Path
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert count_memory_kills(tmp_path) == count
