"""What all tests share: a store of their own, and no server that nobody asked for."""

from __future__ import annotations

import os
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import livecb
from livecb.events import AnyEvent, Unknown, decode
from livecb.store import Store

# Under nohup and in the background these are ignored, by every process that a test starts too.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)

os.environ["OMP_NUM_THREADS"] = "1"  # models here are tiny, and tests run side by side


@pytest.fixture(scope="session", autouse=True)
def _here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where tests stand: in a folder that is nobody's, so that nothing comes to lie in the repository."""
    here, before = tmp_path_factory.mktemp("here"), Path.cwd()
    os.chdir(here)
    yield here
    os.chdir(before)


@pytest.fixture(autouse=True)
def _leaves_nothing(_here: Path) -> Iterator[None]:
    yield
    left = sorted(_here.iterdir())
    for path in left:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert not left, f"left in the folder where it ran: {[path.name for path in left]}; use tmp_path"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("LIVECB_") or name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "SLURM_PROCID"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LIVECB_DIR", str(tmp_path / "store"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """The store that `livecb.init` of this test writes to."""
    return Store(tmp_path / "store")


@pytest.fixture
def run() -> Iterator[livecb.Run]:
    """A run that is recorded and not served."""
    run = livecb.init(sinks=[], capture=None, system_interval=0)
    yield run
    run.finish()


@pytest.fixture
def recorded() -> Callable[[livecb.Run], list[AnyEvent | Unknown]]:
    """Return all events of a run's main log."""

    def read(run: livecb.Run) -> list[AnyEvent | Unknown]:
        assert run.folder is not None
        return [decode(line) for line in (run.folder / "events.jsonl").read_bytes().splitlines()]

    return read


@pytest.fixture
def free_port() -> int:
    """A port that nothing listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
