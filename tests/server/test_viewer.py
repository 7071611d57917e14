"""Viewers that are slow, or do not read at all: they cost neither memory nor the others."""

from __future__ import annotations

import asyncio
import base64
import os
import random
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator

import psutil
import pytest
from watching import Message, Served, Writer, client_of, raw_request, server_pid, take, until

from livecb.server import launch
from livecb.server.feed import Feed
from livecb.server.frames import SSE, Sieve
from livecb.server.hub import Hub
from livecb.server.pace import Pace
from livecb.server.serve import Server, bind, configure
from livecb.server.tail import Tail
from livecb.server.viewer import Viewer
from livecb.store import Store

UPGRADE = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
)
ACCEPT = ("Accept: text/event-stream",)


@pytest.mark.parametrize("headers", [ACCEPT, UPGRADE], ids=["sse", "websocket"])
def test_viewers_that_never_read_cost_no_memory_and_delay_nobody(
    store: Store, start_server: Callable[..., Served], free_port: int, headers: tuple[str, ...]
) -> None:
    writer = Writer(store).live().start()
    served = start_server(free_port)
    process = psutil.Process(server_pid(store, free_port))
    with served.stream(served.events(writer.run.id)) as stream:
        take(stream, 1)
        deaf = [raw_request(served.address, f"/{served.events(writer.run.id)}", *headers) for _ in range(10)]
        writer.metrics(2000, pad=900)
        take(stream, 2000)
        before = process.memory_info().rss
        for _ in range(20):  # 40 MB for each
            writer.metrics(2000, pad=900)
            take(stream, 2000)
        grown = process.memory_info().rss - before
    for sock in deaf:
        sock.close()
    writer.die()
    # The ring and the shelf may fill; ten queues would hold 400 MB.
    assert grown < 60 << 20


def test_a_slow_viewer_misses_nothing_however_far_behind_it_falls(served: Served, writer: Writer) -> None:
    sock = raw_request(served.address, f"/{served.events(writer.run.id)}", *ACCEPT)
    with served.stream(served.events(writer.run.id)) as stream:
        for _ in range(15):
            writer.metrics(2000, pad=900)
            take(stream, 2000)
    writer.end()
    received = bytearray()
    while b'"run_ended"' not in received[-4000:]:
        piece = sock.recv(1 << 20)
        assert piece
        received += piece
    sock.close()
    numbers = [int(seq) for seq in re.findall(rb'"seq":(\d+)', dechunked(bytes(received)))]
    assert numbers == list(range(30_002))


def dechunked(answer: bytes) -> bytes:
    """Return a chunked body, whole or not."""
    body = answer.partition(b"\r\n\r\n")[2]
    out = []
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size, 16)
        out.append(rest[:length])
        body = rest[length + 2 :]
    return b"".join(out)


@pytest.mark.parametrize("base", [False, True], ids=["fast", "base"])
@pytest.mark.parametrize("headers", [ACCEPT, UPGRADE], ids=["sse", "websocket"])
def test_a_viewer_that_does_not_read_is_cut_off_after_a_while(
    store: Store, headers: tuple[str, ...], base: bool
) -> None:
    writer = Writer(store).live().start()
    config, app = configure(store, token="t", pace=Pace(stuck=0.5))
    if base:  # as the base installation has it: without uvloop and httptools
        config.loop, config.http = "asyncio", "h11"
    sock = bind("127.0.0.1", 0)
    server = Server(config, app)
    with running(server, sock) as address:
        deaf = raw_request(address, f"/api/runs/{writer.run.id}/events", *headers)
        until(lambda: app.hub.watched)
        for _ in range(10):
            writer.metrics(2000, pad=900)
        until(lambda: not app.hub.watched)
        deaf.close()
    assert sum(app.hub.traffic.slow.values()) == 1
    writer.die()


class running:  # noqa: N801 - reads as what it does
    """A server in a thread, with a pace of its own."""

    def __init__(self, server: Server, sock: socket.socket) -> None:
        self.server, self.sock = server, sock

    def __enter__(self) -> launch.Address:
        self.thread = threading.Thread(target=self.server.run_in_thread, args=(self.sock,))
        self.thread.start()
        assert self.server.ready.wait(10)
        return launch.Address("127.0.0.1", self.sock.getsockname()[1], "t")

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = True
        self.thread.join(10)
        assert not self.thread.is_alive()


def test_a_viewer_that_goes_is_forgotten(served: Served, writer: Writer, store: Store) -> None:
    config, app = configure(store, token="t")
    with running(Server(config, app), bind("127.0.0.1", 0)) as address:
        socks = [raw_request(address, f"/api/runs/{writer.run.id}/events", *ACCEPT) for _ in range(5)]
        until(lambda: len(app.hub._viewers) == 5)
        for sock in socks:
            sock.close()
        until(lambda: not app.hub.watched)


def test_viewers_who_fall_out_of_a_tiny_ring_miss_nothing_over_parts_and_resets(store: Store) -> None:
    """Everything small, so that every way through the ring, the shelf and the disk is taken."""
    writers = [Writer(store), Writer(store, part="1"), Writer(store, part="2")]
    for number, writer in enumerate(writers):
        writer.seq = number * 1_000_000  # no two lines alike
    pace = Pace(ring=20_000, send=4_000, lines=20, quick=0.001, heartbeat=0.2)
    config, app = configure(store, token="t", pace=pace)
    with running(Server(config, app), bind("127.0.0.1", 0)) as address:
        viewers = [_Wanderer(address, writers[0].run.id, seed) for seed in range(6)]
        chance = random.Random(1)
        for round_ in range(300):
            chance.choice(writers).metrics(chance.randint(1, 40), pad=200)
            if round_ in (100, 200):
                _replace(writers[0])
            time.sleep(0.002)
        for viewer in viewers:
            viewer.finish({line for writer in writers for line in writer.lines()})
    expected = [line for writer in writers for line in writer.lines()]
    for viewer in viewers:
        assert len(viewer.seen) == len(expected)
        for writer in writers:  # within a part the order is the log's
            own = set(writer.lines())
            assert [line for line in viewer.seen if line in own] == writer.lines()


@pytest.mark.timeout(60)
def test_a_viewer_ahead_of_the_feed_lets_the_others_have_their_turn(store: Store) -> None:
    writer = Writer(store).start()
    runs = Tail([writer.run])
    feed = Feed(runs, SSE(), Sieve(None), Pace(), Hub(store))
    notes = writer.run.part_path("notes")
    notes.write_bytes(writer.lines()[0] + b"\n")
    feed.tail.find_parts()  # as who asks with a cursor makes it, before the feed has looked
    sent: list[bytes] = []

    async def write(data: bytes) -> None:
        sent.append(data)

    async def watch() -> None:
        viewer = Viewer(feed, feed.tail.end(), write, wants_state=False, abort=lambda: None)
        watching = asyncio.create_task(viewer._catch_up())
        await asyncio.sleep(0.05)  # never over, were the loop kept
        viewer.leave()
        await watching

    asyncio.run(watch())
    assert sent == []


def _replace(writer: Writer) -> None:
    spare = writer.path.with_suffix(".spare")
    writer.seq = 100_000 + writer.seq
    spare.write_bytes(b"")
    spare.replace(writer.path)
    writer.metrics(30)


class _Wanderer:
    """A viewer that reads in fits and starts, goes away and comes back."""

    def __init__(self, address: launch.Address, run: str, seed: int) -> None:
        self.seen: list[bytes] = []
        self._cursor = "0"
        self._chance = random.Random(seed)
        self._served = client_of(address)
        self._path = self._served.events(run)
        self._expected: set[bytes] | None = None
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def finish(self, expected: set[bytes]) -> None:
        self._expected = expected
        self._thread.join(60)
        assert not self._thread.is_alive(), "it did not see everything"
        self._served.client.close()

    def _watch(self) -> None:
        while not self._is_done():
            with self._served.stream(self._path, {"last-event-id": self._cursor}) as stream:
                self._read(stream, self._chance.randint(50, 1500))

    def _read(self, stream: Iterator[Message], count: int) -> None:
        for message in stream:
            if message.event == "reset":
                self.seen, self._cursor = [], message.json["cursor"]
            elif message.id:
                self.seen += [message.data.encode()] if message.data else []
                self._cursor = message.id
            count -= 1
            if count < 0 or self._is_done():
                return
            if self._chance.random() < 0.01:
                time.sleep(0.02)

    def _is_done(self) -> bool:
        return self._expected is not None and len(self.seen) >= len(self._expected)
