"""The server that a run starts: shared, found again, revived, and never in the training's way."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import livecb
from livecb.errors import LivecbWarning
from livecb.sinks import Server
from livecb.sinks import server as sink_module
from livecb.store import Store


def registered(store: Store) -> list[dict[str, Any]]:
    """What the servers of the store say of themselves."""
    return [json.loads(path.read_bytes()) for path in store.root.glob(".server-*.json")]


def wait_for(condition: Callable[[], Any], seconds: float = 20) -> Any:
    """Return what the condition returns, as soon as it is true."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)
    return value


def status_of(url: str) -> str | None:
    """Ask the server for the run's status; None if nobody answers."""
    address, _, token = url.partition("?token=")
    base, _, run = address.partition("/r/")
    request = urllib.request.Request(f"{base}/api/runs/{run}", headers={"X-API-Key": token})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return str(json.load(response)["status"])
    except OSError:
        return None


@pytest.fixture
def served(store: Store, free_port: int) -> Iterator[livecb.Run]:
    """A run with a server process of its own, which is gone after the test."""
    run = livecb.init(sinks=[Server(port=free_port, linger=1, quiet=True)], capture=None, system_interval=0)
    yield run
    run.finish()
    for server in registered(store):
        try:
            os.kill(server["pid"], signal.SIGTERM)
        except ProcessLookupError:
            pass


def test_a_server_that_is_killed_harms_nothing_and_comes_back_where_it_was(
    served: livecb.Run, store: Store
) -> None:
    url = served.url
    assert url is not None
    assert status_of(url) == "running"
    (first,) = registered(store)
    os.kill(first["pid"], signal.SIGKILL)
    for step in range(1000):
        served.log({"a": 0.5}, step=step)
    assert served.lost == 0
    assert wait_for(lambda: status_of(url)) == "running"
    (second,) = registered(store)
    assert second["pid"] != first["pid"]
    assert second["port"] == first["port"]


def test_runs_of_one_store_share_a_server(served: livecb.Run, store: Store) -> None:
    assert served.url is not None
    with livecb.init(sinks=[Server(quiet=True)], capture=None) as other:
        assert other.url is not None
        assert other.url.partition("/r/")[0] == served.url.partition("/r/")[0]
    assert len(registered(store)) == 1


def test_a_port_that_is_taken_is_passed_over(store: Store) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        sink = Server(port=port, linger=1, quiet=True)
        with livecb.init(sinks=[sink], capture=None) as run:
            assert run.url is not None
            assert f":{port}/" not in run.url
            assert status_of(run.url) == "running"


TRAIN = """
import livecb, sys, time
from livecb.sinks import Server
from livecb.sinks import server as sink_module
run = livecb.init(id="r", sinks=[Server(port=int(sys.argv[1]), linger=30, quiet=True)], system_interval=0)
print(run.url, flush=True)
while True:
    run.log({"a": 0.5})
    time.sleep(0.01)
"""


def test_a_trainer_that_is_killed_is_shown_as_crashed(store: Store, free_port: int) -> None:
    trainer = subprocess.Popen(
        [sys.executable, "-c", TRAIN, str(free_port)], stdout=subprocess.PIPE, text=True
    )
    assert trainer.stdout is not None
    url = trainer.stdout.readline().strip()
    try:
        assert status_of(url) == "running"
        trainer.kill()
        trainer.wait()
        assert wait_for(lambda: status_of(url) == "crashed", 5)
    finally:
        trainer.kill()
        for server in registered(store):
            os.kill(server["pid"], signal.SIGTERM)


def test_a_server_that_cannot_start_is_said_and_the_training_goes_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho no such luck >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    with pytest.warns(LivecbWarning, match=r"recorded, but not served.*no such luck"):
        with livecb.init(sinks=[Server(port=0, quiet=True)], capture=None) as run:
            run.log({"a": 0.5})
            assert run.url is None
    assert run.lost == 0


def test_a_short_run_waits_for_its_server_a_moment_only(store: Store, free_port: int) -> None:
    sink = Server(port=free_port, linger=1, quiet=True)
    run = livecb.init(sinks=[sink], capture=None, system_interval=0)
    run.finish()
    assert wait_for(lambda: registered(store))


def test_a_server_that_cannot_come_back_is_tried_less_and_less_and_said_once(
    store: Store, free_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sink_module, "_CHECK_SECONDS", 0.05)
    sink = Server(port=free_port, linger=30, quiet=True)
    run = livecb.init(sinks=[sink], capture=None, system_interval=0)
    try:
        assert run.url is not None
        starts = tmp_path / "starts"
        broken = tmp_path / "python"
        broken.write_text(f"#!/bin/sh\necho one >> {starts}\nexit 3\n")
        broken.chmod(0o755)
        with monkeypatch.context() as patch, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            patch.setattr(sys, "executable", str(broken))
            os.kill(registered(store)[0]["pid"], signal.SIGKILL)
            wait_for(lambda: sink._pause >= 0.8)
            assert len(starts.read_text().split()) in (4, 5)  # 0.1, 0.2, 0.4, 0.8
            assert sum("could not be started again" in str(it.message) for it in caught) == 1
        wait_for(lambda: sink._pause == 0.05)
        assert status_of(run.url) == "running"
    finally:
        run.finish()
        for server in registered(store):
            os.kill(server["pid"], signal.SIGTERM)
