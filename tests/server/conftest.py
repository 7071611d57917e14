"""Servers for tests: in a thread, or as a process."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

import psutil
import pytest
from watching import Served, Writer, client_of, launch_ended, server_pid

from livecb.server import launch
from livecb.server.pace import Pace
from livecb.store import Store


@pytest.fixture
def served(store: Store) -> Iterator[Served]:
    """A server in a thread over this test's store."""
    server = launch.ThreadServer(store, port=0)
    served = client_of(server.start())
    yield served
    served.client.close()
    server.stop()


@pytest.fixture
def apart(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A server in a thread that spends as one in a process of its own does: it compresses."""
    monkeypatch.setattr("livecb.server.pace.IN_A_THREAD", Pace())
    server = launch.ThreadServer(store, port=0)
    served = client_of(server.start())
    yield served
    served.client.close()
    server.stop()


@pytest.fixture
def start_server(store: Store, free_port: int) -> Iterator[Callable[..., Served]]:
    """Start, or find, a server process of this test's store; all end with the test."""
    started: list[Served] = []

    def start(port: int = free_port, linger: float = 60) -> Served:
        served = client_of(launch.ensure(store.root, port=port, linger=linger))
        started.append(served)
        return served

    yield start
    for served in started:
        served.client.close()
    for path in store.root.glob(".server-*.lock"):
        pid = server_pid(store, int(path.stem.rpartition("-")[2]))
        if pid and psutil.pid_exists(pid):
            os.kill(pid, signal.SIGTERM)
            launch_ended(pid)


@pytest.fixture
def writer(store: Store) -> Iterator[Writer]:
    """A living writer of one run that has said that it began."""
    writer = Writer(store).live().start()
    yield writer
    writer.die()
