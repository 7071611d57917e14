from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from livecb.lock import WriterLock, is_held, last_words


def _elsewhere(code: str, path: Path) -> str:
    script = (
        f"import sys; from pathlib import Path; from livecb.lock import *; path = Path(sys.argv[1]); {code}"
    )
    return subprocess.run(
        [sys.executable, "-c", script, str(path)], check=True, capture_output=True, text=True
    ).stdout


def test_a_lock_is_seen_from_its_own_process_and_from_others(tmp_path: Path) -> None:
    path = tmp_path / "writer.lock"
    assert not is_held(path)
    lock = WriterLock(path)
    assert lock.acquire()
    assert is_held(path)
    assert _elsewhere("print(is_held(path))", path) == "True\n"
    lock.release()
    assert not is_held(path)
    assert _elsewhere("print(is_held(path))", path) == "False\n"


def test_looking_does_not_drop_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "writer.lock"
    lock = WriterLock(path)
    lock.acquire()
    for _ in range(3):
        is_held(path)
        last_words(path)
    assert _elsewhere("print(is_held(path))", path) == "True\n"
    lock.release()


def test_only_one_writer_has_it(tmp_path: Path) -> None:
    path = tmp_path / "writer.lock"
    first, second = WriterLock(path), WriterLock(path)
    assert first.acquire()
    assert not second.acquire()
    assert _elsewhere("print(WriterLock(path).acquire())", path) == "False\n"
    first.release()
    assert second.acquire()
    second.release()


def test_a_lock_dies_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / "writer.lock"
    _elsewhere("import os; WriterLock(path).acquire(); os._exit(0)", path)
    assert path.exists()
    assert not is_held(path)


def test_a_forked_child_does_not_hold_it(tmp_path: Path) -> None:
    path = tmp_path / "writer.lock"
    lock = WriterLock(path)
    lock.acquire()
    child = os.fork()
    if child == 0:
        os._exit(0 if is_held(path) else 1)  # the parent holds it: a child sees that as anyone does
    assert os.waitpid(child, 0)[1] == 0
    lock.release()
    assert not is_held(path)
