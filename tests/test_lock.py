from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forking import status_of_child
from livecb import lock as locks
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


def test_a_full_disk_costs_neither_the_lock_nor_a_descriptor(tmp_path: Path) -> None:
    path = tmp_path / "writer.lock"
    full = """
import os, resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
before = len(os.listdir("/dev/fd"))
for _ in range(3):
    lock = WriterLock(path)
    print(lock.acquire(), is_held(path))
    lock.release()
print(len(os.listdir("/dev/fd")) - before)
"""
    assert _elsewhere(full, path) == "True True\n" * 3 + "0\n"


def test_asking_takes_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "writer.lock"
    path.touch()
    asks = subprocess.Popen(
        [sys.executable, "-c", "import sys; from pathlib import Path; from livecb.lock import *\n"
         "print('up', flush=True)\nwhile True: assert not is_held(Path(sys.argv[1])) or True", str(path)],
        stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert asks.stdout is not None
        asks.stdout.readline()
        with path.open("r+b") as file:
            for _ in range(3000):
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                fcntl.lockf(file, fcntl.LOCK_UN)
    finally:
        asks.kill()
        asks.communicate()


def test_a_lock_that_copying_dropped_is_taken_again(tmp_path: Path) -> None:
    path = tmp_path / "writer.lock"
    lock = WriterLock(path)
    assert not lock.reassert()
    lock.acquire()
    shutil.copy(path, tmp_path / "copy")
    assert _elsewhere("print(is_held(path))", path) == "False\n"
    assert lock.reassert()
    assert lock.reassert()
    assert _elsewhere("print(is_held(path))", path) == "True\n"
    lock.release()
    assert not lock.reassert()


def test_a_lock_that_another_took_in_between_is_not_taken_again(tmp_path: Path) -> None:
    path = tmp_path / "writer.lock"
    lock = WriterLock(path)
    lock.acquire()
    path.read_bytes()
    other = subprocess.Popen(
        [sys.executable, "-c", "import sys; from pathlib import Path; from livecb.lock import *; "
         "print(WriterLock(Path(sys.argv[1])).acquire(), flush=True); input()", str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == b"True\n"
        assert not lock.reassert()
    finally:
        other.communicate(b"\n")
    lock.release()


def meanwhile(monkeypatch: pytest.MonkeyPatch, module: object, name: str, does: Callable[[], object]) -> None:
    """Have another thread do something when a function is first called, before it does its part."""
    before: Callable[..., Any] = getattr(module, name)
    thread = threading.Thread(target=does)

    def called(*args: Any, **more: Any) -> Any:
        if thread.ident is None:
            thread.start()
            thread.join(0.2)  # it may have to wait for who called
        return before(*args, **more)

    monkeypatch.setattr(module, name, called)


@pytest.mark.parametrize(("module", "name"), [(os, "open"), (fcntl, "lockf"), (os, "ftruncate")])
def test_of_two_threads_that_ask_at_once_one_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: object, name: str
) -> None:
    first, second = WriterLock(tmp_path / "writer.lock"), WriterLock(tmp_path / "writer.lock")
    asked: list[bool] = []
    meanwhile(monkeypatch, module, name, lambda: asked.append(second.acquire()))
    assert [first.acquire(), *asked] == [True, False]
    second.release()
    assert _elsewhere("print(is_held(path))", first.path) == "True\n"
    first.release()
    assert second.acquire()
    second.release()


def test_a_thread_that_looks_while_it_is_taken_does_not_drop_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = WriterLock(tmp_path / "writer.lock")
    take = locks._lock

    def looked_at(fd: int) -> bool:
        taken = take(fd)
        for look in (is_held, last_words):
            looks = threading.Thread(target=look, args=(lock.path,))
            looks.start()
            looks.join()
        return taken

    monkeypatch.setattr(locks, "_lock", looked_at)
    assert lock.acquire()
    assert _elsewhere("print(is_held(path))", lock.path) == "True\n"
    lock.release()


@pytest.mark.parametrize(("look", "place"), [(is_held, (os, "close")), (last_words, (Path, "read_text"))])
def test_a_thread_that_was_looking_before_it_is_taken_does_not_drop_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, look: Callable[[Path], object], place: tuple[object, str]
) -> None:
    lock = WriterLock(tmp_path / "writer.lock")
    lock.path.touch()
    taken = threading.Event()
    meanwhile(monkeypatch, *place, lambda: (lock.acquire(), taken.set()))
    look(lock.path)
    assert taken.wait(10)
    assert _elsewhere("print(is_held(path))", lock.path) == "True\n"
    lock.release()


def test_a_thread_that_takes_it_while_it_is_given_back_does_not_lose_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = WriterLock(tmp_path / "writer.lock"), WriterLock(tmp_path / "writer.lock")
    asked: list[bool] = []
    first.acquire()
    meanwhile(monkeypatch, os, "close", lambda: asked.append(second.acquire()))
    first.release()
    assert _elsewhere("print(is_held(path))", first.path) == f"{asked[0]}\n"
    second.release()


def test_ctrl_c_while_it_is_taken_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(fd: int, length: int) -> None:
        raise KeyboardInterrupt

    lock = WriterLock(tmp_path / "writer.lock")
    before = len(os.listdir("/dev/fd"))
    with monkeypatch.context() as patched:
        patched.setattr(os, "ftruncate", interrupted)
        with pytest.raises(KeyboardInterrupt):
            lock.acquire()
    assert (is_held(lock.path), len(os.listdir("/dev/fd"))) == (False, before)
    assert lock.acquire()
    lock.release()


def test_a_child_that_is_forked_while_a_thread_looks_can_look_too(tmp_path: Path) -> None:
    assert status_of_child(locks._turn, lambda: is_held(tmp_path / "writer.lock")) == 0


def test_a_lock_of_a_relative_path_is_given_back_from_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lock = WriterLock(Path("writer.lock"))
    lock.acquire()
    monkeypatch.chdir("/")
    assert lock.reassert()
    lock.release()
    assert not is_held(tmp_path / "writer.lock")
