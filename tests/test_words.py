from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from livecb import words
from livecb.words import Words

# What a signal does is seen in tests/test_endings.py, by processes that it kills.


def lock_in(folder: Path) -> Path:
    folder.mkdir()
    return folder / "writer.lock"


def test_words_of_one_process_are_one_file_under_each_runs_name(tmp_path: Path) -> None:
    first, second = lock_in(tmp_path / "first"), lock_in(tmp_path / "second")
    held = Words(first), Words(second)
    assert os.path.samefile(first.with_suffix(".words"), second.with_suffix(".words"))
    second.with_suffix(".words").write_text("stuck here\n")
    assert words.left(first) == words.left(second) == "stuck here"
    held[0].close()
    assert (words.left(first), words.left(second)) == ("", "stuck here")
    held[1].close()
    assert not list(tmp_path.glob("*/*.words"))


def test_what_an_earlier_attempt_left_goes_and_stays_with_the_others(tmp_path: Path) -> None:
    first, second = lock_in(tmp_path / "first"), lock_in(tmp_path / "second")
    first.with_suffix(".words").write_text("stuck here")
    os.link(first.with_suffix(".words"), second.with_suffix(".words"))
    held = Words(first)
    assert (words.left(first), words.left(second)) == ("", "stuck here")
    held.close()


def test_another_writers_words_are_not_removed(tmp_path: Path) -> None:
    lock = lock_in(tmp_path / "run")
    held = Words(lock)
    lock.with_suffix(".words").unlink()
    lock.with_suffix(".words").write_text("theirs")
    held.close()
    assert words.left(lock) == "theirs"


def test_a_store_named_by_a_relative_path_may_be_left(tmp_path: Path) -> None:
    lock = lock_in(tmp_path / "run")
    here = os.getcwd()
    try:
        os.chdir(tmp_path)
        held = Words(Path("run/writer.lock"))
    finally:
        os.chdir(here)
    held.close()
    assert not lock.with_suffix(".words").exists()


def test_no_descriptor_stays_and_the_signals_are_as_they_were(tmp_path: Path) -> None:
    before = os.listdir("/dev/fd"), signal.getsignal(signal.SIGTERM)
    held = [Words(lock_in(tmp_path / name)) for name in "abc"]
    child = os.fork()
    if child == 0:  # which after_fork has left without
        os._exit(not all(each._file.closed for each in held))
    for each in held:
        each.close()
    assert (len(os.listdir("/dev/fd")), signal.getsignal(signal.SIGTERM)) == (len(before[0]), before[1])
    assert os.waitpid(child, 0)[1] == 0


def test_of_words_that_are_closed_at_once_nobody_closes_a_descriptor_that_is_anothers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (Words(lock_in(tmp_path / name)) for name in "ab")
    opened: list[int] = []
    ended = threading.Thread(target=second.close)

    def meanwhile(path: Path, **more: object) -> None:
        """Between leaving and closing: another thread leaves, too, and a third opens a file."""
        if not opened:
            opened.append(-1)
            ended.start()
            ended.join(0.2)
            opened[0] = os.open(tmp_path, os.O_RDONLY)

    unlink = Path.unlink
    monkeypatch.setattr(Path, "unlink", lambda path, **more: (meanwhile(path), unlink(path, **more))[1])
    first.close()
    ended.join(10)
    os.close(opened[0])  # raises where it was closed
    assert not list(tmp_path.glob("*/*.words"))
