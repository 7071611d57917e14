"""Real servers, and what stands between them and a client."""

from __future__ import annotations

import asyncio
import operator
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import msgspec
import psutil
import pytest

from livecb.client import AsyncClient, Client
from livecb.server import launch
from livecb.store import Store

sys.path.insert(0, str(Path(__file__).parents[1] / "server"))

from watching import Writer


@pytest.fixture(autouse=True)
def _short_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writers here do not start anew: how long one is waited for costs each test."""
    monkeypatch.setattr("livecb.logs.following._END_SECONDS", 0.05)


@pytest.fixture
def writer(store: Store) -> Iterator[Writer]:
    """A living writer of one run that has said that it began."""
    writer = Writer(store).live().start()
    yield writer
    writer.die()


@pytest.fixture
def server(store: Store) -> Iterator[launch.Address]:
    """A server in a thread over this test's store."""
    server = launch.ThreadServer(store, port=0)
    yield server.start()
    server.stop()


class ServerProcess:
    """A server that can be killed, and comes back on its port."""

    def __init__(self, root: Path, port: int) -> None:
        self.root, self.port = root, port

    def start(self) -> launch.Address:
        address = launch.ensure(self.root, port=self.port, linger=60)
        assert address.port == self.port
        return address

    def kill(self, sig: int = signal.SIGKILL) -> None:
        path = launch.registry_path(self.root, self.port)
        pid = msgspec.json.decode(path.read_bytes(), type=launch.Registered).pid
        if psutil.pid_exists(pid):
            os.kill(pid, sig)
        deadline = time.monotonic() + 10
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.fixture
def process(store: Store, free_port: int) -> Iterator[ServerProcess]:
    process = ServerProcess(store.root, free_port)
    yield process
    process.kill(signal.SIGTERM)


class Proxy(ThreadingHTTPServer):
    """Passes on an answer when it has all of it; `early`: its head at once."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, behind: launch.Address, early: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.behind = f"http://127.0.0.1:{behind.port}"
        self.url = f"http://127.0.0.1:{self.server_address[1]}/?token={behind.token}"
        self.early = early
        self.asked: list[str] = []


class _Passing(BaseHTTPRequestHandler):
    server: Proxy
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        accept = self.headers.get("accept", "")
        self.server.asked.append(accept)
        names = ("authorization", "accept")
        headers = {name: self.headers[name] for name in names if name in self.headers}
        with httpx.stream("GET", self.server.behind + self.path, headers=headers, timeout=60) as answer:
            if self.server.early and "event-stream" in accept:
                self.send_response(answer.status_code)
                self.send_header("content-type", answer.headers["content-type"])
                self.end_headers()
                self.close_connection = True
            body = answer.read()
            if not self.close_connection:
                self.send_response(answer.status_code)
                self.send_header("content-type", answer.headers["content-type"])
                self.send_header("content-length", str(len(body)))
                self.end_headers()
            self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def buffering(server: launch.Address) -> Iterator[Callable[[bool], Proxy]]:
    """Start a proxy before the server that buffers whole answers."""
    started: list[Proxy] = []

    def start(early: bool) -> Proxy:
        proxy = Proxy(server, early)
        threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        started.append(proxy)
        return proxy

    yield start
    for proxy in started:
        proxy.shutdown()
        proxy.server_close()


@pytest.fixture(params=["blocking", "asyncio"])
def ask(request: pytest.FixtureRequest, server: launch.Address) -> Callable[..., Any]:
    """Use one verb of either client, such as `get` or `trash.list`; what is iterated comes as a list."""

    def blocking(verb: str, *args: Any, **options: Any) -> Any:
        with Client(server.url()) as client:
            answer = operator.attrgetter(verb)(client)(*args, **options)
            return [*answer] if isinstance(answer, Iterator) else answer

    async def asynchronous(verb: str, *args: Any, **options: Any) -> Any:
        async with AsyncClient(server.url()) as client:
            answer = operator.attrgetter(verb)(client)(*args, **options)
            return [event async for event in answer] if isinstance(answer, AsyncIterator) else await answer

    if request.param == "blocking":
        return blocking
    return lambda *args, **options: asyncio.run(asynchronous(*args, **options))
