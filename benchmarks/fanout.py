"""Fan-out: how soon, how fast and at what cost one server tells many viewers.

    python benchmarks/fanout.py              # everything, some five minutes
    python benchmarks/fanout.py --rounds 1   # once each

Every figure comes from `fanload.c`, an epoll client that is compiled here: it counts what each viewer
received, and a run in which one viewer missed one event fails. Latency counts from when an event was due,
not from when it was written, so that a late writer hides nothing. livecb's server is a process of its own,
as it is by default; two usual ways to do it stand beside it in the same run.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from livecb.lock import WriterLock
from livecb.server import launch
from livecb.server.serve import Server, bind, configure
from livecb.store import Store

HERE = Path(__file__).parent
RUN = "20260101-000000-fan-out"
BYTES = 300
RATE = 100.0
FEW, MANY = 100, 1000

Result = dict[str, Any]


def line(seq: int, due: int) -> bytes:
    """Return a metrics event of 300 bytes that says when it was made and due (ns, monotonic)."""
    head = (
        f'{{"type":"metrics","seq":{seq},"ts":{time.monotonic_ns()},"due":{due},"time":{time.time():.6f},'
        f'"step":{seq},"epoch":{seq / 1000:.3f},"values":{{"train/loss":{2 / (1 + seq):.6f},"train/acc":0.93,'
        f'"lr":0.0003,"grad_norm":1.5}},"pad":"'
    )
    return (head + "x" * (BYTES - len(head) - 2) + '"}\n').encode()


def write(path: str, rate: float | None, count: int, begin: Any) -> None:
    """Be a training: append events one by one, at a rate or as fast as it goes."""
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    begin.wait()
    start = time.monotonic_ns() + 50_000_000
    for seq in range(count):
        due = start + int(seq * 1e9 / rate) if rate else 0
        if due and (wait := due - time.monotonic_ns()) > 0:
            time.sleep(wait / 1e9)
        os.write(fd, line(seq, due))


class Served:
    """A log that a process serves."""

    log: str
    port: int
    path: str
    _server: psutil.Process

    def cpu(self) -> float:
        times = self._server.cpu_times()
        return float(times.user + times.system)


class Livecb(Served):
    """A store with one living run, and its server as a process."""

    def __init__(self, folder: Path, deflate: bool = False) -> None:
        self.root = folder / f"store-{time.monotonic_ns()}"
        run = Store(self.root).create(RUN)
        self.log = os.fspath(run.part_path())
        Path(self.log).touch()
        self._lock = WriterLock(run.lock_path)
        self._lock.acquire()
        if deflate:
            self.port = free_port()
            command = [sys.executable, __file__, "--deflate", str(self.root), str(self.port)]
            process = subprocess.Popen(command)
            wait_for(self.port)
            self._server = psutil.Process(process.pid)
        else:
            self.port = launch.ensure(self.root, port=7300, linger=60).port
            (registered,) = launch.registered(self.root)
            self._server = psutil.Process(registered.pid)
        self.path = f"/api/runs/{RUN}/events?token=benchmark"

    def stop(self) -> None:
        self._lock.release()
        self._server.terminate()
        self._server.wait(10)
        shutil.rmtree(self.root)


class Rival(Served):
    """Another way to serve a log."""

    path = "/events"

    def __init__(self, folder: Path, kind: str) -> None:
        log = folder / f"log-{time.monotonic_ns()}"
        log.touch()
        self.log, self.port = os.fspath(log), free_port()
        command = [sys.executable, os.fspath(HERE / "rivals.py"), kind, self.log, str(self.port)]
        self._server = psutil.Popen(command)
        wait_for(self.port)

    def stop(self) -> None:
        self._server.kill()
        self._server.wait(10)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def wait_for(port: int) -> None:
    for _ in range(500):
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise SystemExit(f"nothing listens on port {port}")


class Bench:
    """Runs a writer and the load client against a server."""

    def __init__(self, folder: Path, rounds: int) -> None:
        self.folder = folder
        self.rounds = rounds
        self.fanload = folder / "fanload"
        subprocess.run(["cc", "-O2", "-w", "-o", self.fanload, HERE / "fanload.c"], check=True)

    def measure(
        self, server: Served, mode: str, viewers: int, count: int, rate: float | None, *more: str
    ) -> Result:
        """Return what the viewers saw, with the server's processor seconds."""
        context = multiprocessing.get_context("spawn")
        begin = context.Event()
        writer = context.Process(target=write, args=(server.log, rate, count, begin))
        writer.start()
        command = [self.fanload, "--mode", mode, "--port", str(server.port), "--path", server.path]
        command += [
            "--conns",
            str(viewers),
            "--events",
            str(count),
            "--timeout",
            "150",
            "--idle",
            "30",
            *more,
        ]
        client = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert client.stdout is not None
        if not client.stdout.readline().startswith("READY"):
            raise SystemExit("the viewers could not connect")
        time.sleep(0.3)
        cpu, began = server.cpu(), time.monotonic()
        begin.set()
        result: Result = json.loads(client.stdout.readline())
        result["cpu"] = server.cpu() - cpu
        result["cores"] = result["cpu"] / (time.monotonic() - began)
        client.wait()
        writer.join()
        if "--deflate" not in more and (result["missed"] or result["undelivered"] or result["out_of_order"]):
            raise SystemExit(f"events were lost: {result}")
        return result

    def livecb(self, mode: str, viewers: int, count: int, rate: float | None) -> Result:
        """Measure livecb, some rounds; return the median of each figure."""
        results = []
        for _ in range(self.rounds):
            server = Livecb(self.folder)
            try:
                results.append(self.measure(server, mode, viewers, count, rate))
            finally:
                server.stop()
        return {
            "p50": statistics.median(r["lat_due_us"]["p50"] for r in results) / 1e3,
            "p99": statistics.median(r["lat_due_us"]["p99"] for r in results) / 1e3,
            "cores": statistics.median(r["cores"] for r in results),
            "rate": statistics.median(r["deliveries_per_s"] for r in results),
        }

    def rival(self, kind: str, viewers: int, count: int, rate: float | None) -> Result:
        """Measure another way, once."""
        server = Rival(self.folder, kind)
        try:
            r = self.measure(server, "sse", viewers, count, rate)
        finally:
            server.stop()
        return {
            "p50": r["lat_due_us"]["p50"] / 1e3,
            "p99": r["lat_due_us"]["p99"] / 1e3,
            "cores": r["cores"],
            "rate": r["deliveries_per_s"],
        }

    def deflate(self, on: bool) -> float:
        """Return the server's processor seconds for 500 events to 100 WebSocket viewers."""
        server = Livecb(self.folder, deflate=True)
        try:
            more = ("--deflate", "--idle", "2") if on else ()
            return float(self.measure(server, "ws", FEW, 500, RATE, *more)["cpu"])
        finally:
            server.stop()


def paced(name: str, viewers: int, r: Result, bar: str) -> None:
    figures = f"{r['p50']:.1f} | {r['p99']:.1f} | {bar} | {r['cores']:.2f}"
    print(f"| {name} | {viewers:,} | {figures} |", flush=True)


def flat(name: str, r: Result, bar: str) -> None:
    print(f"| {name} | {r['rate']:,.0f} | {bar} | {r['cores']:.2f} |", flush=True)


def report(bench: Bench) -> None:
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load before the start {load:.2f}, median of {bench.rounds} rounds\n")
    print("100 events/s; latency in ms from when the event was due\n")
    print("| | viewers | p50 | p99 | bar | server's share of a core |\n| --- | --- | --- | --- | --- | --- |")
    paced("livecb, SSE", FEW, bench.livecb("sse", FEW, 1000, RATE), "8")
    paced("livecb, SSE", MANY, bench.livecb("sse", MANY, 1000, RATE), "80, 0.7 core")
    paced("livecb, WebSocket", FEW, bench.livecb("ws", FEW, 1000, RATE), "")
    paced("livecb, WebSocket", MANY, bench.livecb("ws", MANY, 1000, RATE), "")
    for kind in ("starlette", "sse-starlette"):
        paced(f"{kind}, a queue per viewer", FEW, bench.rival(kind, FEW, 500, RATE), "")
        paced(f"{kind}, a queue per viewer", MANY, bench.rival(kind, MANY, 300, RATE), "")
    print(f"\nFlat out to {FEW} viewers, events of {BYTES} bytes\n")
    print("| | deliveries/s | bar | server's share of a core |\n| --- | --- | --- | --- |")
    flat("livecb, SSE", bench.livecb("sse", FEW, 300_000, None), "2,000,000")
    flat("livecb, WebSocket", bench.livecb("ws", FEW, 300_000, None), "")
    for kind in ("starlette", "sse-starlette"):
        flat(f"{kind}, a queue per viewer", bench.rival(kind, FEW, 3000, None), "")
    off, on = bench.deflate(False), bench.deflate(True)
    print(f"\npermessage-deflate, 500 events to {FEW} WebSocket viewers: ", end="")
    print(f"{off:.2f} s of processor without, {on:.2f} s with")


def serve_deflating(root: str, port: str) -> None:
    """Serve as livecb would if it compressed what goes over WebSockets."""
    config, app = configure(Store(root))
    config.ws_per_message_deflate = True
    Server(config, app).run(sockets=[bind("127.0.0.1", int(port))])


def main() -> None:
    os.environ["LIVECB_TOKEN"] = "benchmark"
    if sys.argv[1:2] == ["--deflate"]:
        serve_deflating(*sys.argv[2:])
        return
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=plain)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="livecb-fanout-"))
    try:
        report(Bench(folder, options.rounds))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
