"""A writer that says what it is told, and viewers of its run, for tests of the server."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec
import psutil

from livecb import events as ev
from livecb.lock import WriterLock
from livecb.server import launch
from livecb.server.launch import Address
from livecb.store import Store, StoredRun


class Writer:
    """Appends events to a run of this process, one line a call."""

    def __init__(self, store: Store, run_id: str = "20260101-000000-calm-heron", part: str = "main") -> None:
        self.run: StoredRun = store.create(run_id)
        self.path = self.run.part_path(part)
        self.seq = 0
        self.lock = WriterLock(self.run.lock_path)

    def live(self) -> Writer:
        assert self.lock.acquire()
        return self

    def die(self) -> None:
        self.lock.release()

    def append(self, lines: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(lines)

    def say(self, kind: type[ev.Event], **fields: Any) -> bytes:
        line = ev.encode(kind(seq=self.seq, time=1_795_230_000.0 + self.seq, **fields))
        self.seq += 1
        self.append(line + b"\n")
        return line

    def start(self, **fields: Any) -> Writer:
        self.say(ev.RunStarted, version=ev.VERSION, run=self.run.id, name="a run", **fields)
        return self

    def metrics(self, count: int, pad: int = 0) -> Writer:
        lines = []
        for _ in range(count):
            values = {"train/loss": 1 / (1 + self.seq)}
            if pad:
                values |= {"x" * pad: 0.0}
            lines.append(
                ev.encode(
                    ev.Metrics(seq=self.seq, time=1_795_230_000.0 + self.seq, step=self.seq, values=values)
                )
            )
            self.seq += 1
        self.append(b"\n".join(lines) + b"\n")
        return self

    def end(self, status: str = "completed") -> Writer:
        self.say(ev.RunEnded, status=status)
        return self

    def lines(self) -> list[bytes]:
        return self.path.read_bytes().splitlines()


@dataclass
class Message:
    """One server-sent event."""

    event: str
    data: str
    id: str

    @property
    def json(self) -> Any:
        return json.loads(self.data)


def messages(response: httpx.Response) -> Iterator[Message]:
    """Yield messages as the standard says a browser does; those without data move the cursor only."""
    event, data, last = "", [], ""
    for line in response.iter_lines():
        if line:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "event":
                event = value
            elif name == "data":
                data.append(value)
            elif name == "id":
                last = value
            continue
        if data or last:
            yield Message(event or "message", "\n".join(data), last)
        event, data, last = "", [], ""


@dataclass
class Served:
    """A server, and a client that knows its token."""

    address: Address
    client: httpx.Client

    def get(self, path: str, **query: Any) -> Any:
        response = self.client.get(path, params=query)
        response.raise_for_status()
        return response.json()

    @contextmanager
    def stream(
        self, path: str, headers: dict[str, str] | None = None, **query: Any
    ) -> Iterator[Iterator[Message]]:
        accept = {"accept": "text/event-stream", **(headers or {})}
        with self.client.stream("GET", path, params=query, headers=accept) as response:
            assert response.status_code == 200, response.read()
            yield messages(response)

    def events(self, run: str) -> str:
        return f"api/runs/{run}/events"


def client_of(address: Address) -> Served:
    token = {"x-api-key": address.token or ""}
    base = f"http://{address.host}:{address.port}/"
    return Served(address, httpx.Client(base_url=base, headers=token, timeout=20))


def take(stream: Iterator[Message], count: int, event: str = "message") -> list[Message]:
    """Return the next `count` messages of one kind that carry data."""
    found: list[Message] = []
    if count:
        for message in stream:
            if message.event == event and message.data:
                found.append(message)
                if len(found) == count:
                    break
    return found


def until(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Wait until a condition holds; return what it returned."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)
    return found


def raw_request(address: Address, path: str, *headers: str, receive_buffer: int = 4096) -> socket.socket:
    """Send a request on a socket of its own and read nothing."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.settimeout(20)
    sock.connect((address.host, address.port))
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {address.host}:{address.port}",
        f"X-API-Key: {address.token}",
        *headers,
    ]
    sock.sendall("\r\n".join([*lines, "", ""]).encode())
    return sock


def python(code: str, *arguments: str) -> subprocess.Popen[str]:
    """Run some Python in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(ev.__file__).parents[1]), *sys.path])},
    )


def server_pid(store: Store, port: int) -> int:
    """Return the pid of the server on a port, 0 if none is registered."""
    try:
        path = launch.registry_path(store.root, port)
        return msgspec.json.decode(path.read_bytes(), type=launch.Registered).pid
    except OSError:
        return 0


def launch_ended(pid: int) -> None:
    """Wait until a server is gone; whose child it then is may take its time to notice."""
    with contextlib.suppress(psutil.NoSuchProcess):
        until(lambda: psutil.Process(pid).status() == psutil.STATUS_ZOMBIE, 10)
