"""History: how soon a finished run of a million events answers a page.

    python benchmarks/history.py [--events 1000000]

Writes a log of that many metrics events with five values each, starts a fresh server process, and asks what
a page asks when it opens: the State and the columns of all metrics, both at once. Cold is the first time of
that process; warm the times after it. The bars are 3 s and 0.3 s.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import os
import shutil
import statistics
import tempfile
import time
import urllib.request
from pathlib import Path

import psutil

from livecb import events as ev
from livecb.server import launch
from livecb.store import Store

RUN = "20260101-000000-long-run"
COLD, WARM = 3.0, 0.3


def write_run(root: Path, count: int) -> Path:
    run = Store(root).create(RUN)
    path = run.part_path()
    began = 1_790_000_000.0
    with path.open("wb", buffering=1 << 20) as file:
        start = ev.RunStarted(
            seq=0, time=began, version=ev.VERSION, run=RUN, name="a long run", config={"lr": 3e-4}
        )
        file.write(ev.encode(start) + b"\n")
        for seq in range(1, count):
            loss = 2.0 / (1 + seq * 1e-4) + (seq * 7919 % 1000) * 1e-5
            values = {
                "train/loss": loss,
                "train/acc": 1 - loss / 3,
                "train/grad_norm": 1.5 + loss,
                "lr": 3e-4 * (1 - seq / count),
                "train/throughput": 1234.5 + seq % 97,
            }
            event = ev.Metrics(seq=seq, time=began + seq * 0.1, step=seq, epoch=seq / 10_000, values=values)
            file.write(ev.encode(event) + b"\n")
        file.write(ev.encode(ev.RunEnded(seq=count, time=began + count * 0.1, status="completed")) + b"\n")
    return path


def ask(address: launch.Address, path: str) -> bytes:
    url = f"http://{address.host}:{address.port}/api/runs/{RUN}{path}"
    request = urllib.request.Request(url, headers={"X-API-Key": address.token or ""})
    with urllib.request.urlopen(request, timeout=120) as response:
        return bytes(response.read())


def open_page(address: launch.Address, count: int) -> float:
    """Ask as the page does, both at once; return the seconds until all is there."""
    began = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        asked = [pool.submit(ask, address, path) for path in ("", "/series?points=1000")]
        state, series = (json.loads(answer.result()) for answer in asked)
    took = time.perf_counter() - began
    assert state["events"] == count + 1
    assert len(series["series"]) == 5
    assert all(column["count"] == count - 1 for column in series["series"].values())
    return took


def measure(root: Path, count: int) -> dict[str, float]:
    server = launch.start_process(root, port=7400, linger=60)
    try:
        address = launch.wait_ready(server, root)
        cold = open_page(address, count)
        warm = [open_page(address, count) for _ in range(5)]
        (registered,) = launch.registered(root)
        memory = psutil.Process(registered.pid).memory_info().rss
        began = time.perf_counter()
        ask(address, "/series?points=1000&names=train/loss")
        one = time.perf_counter() - began
    finally:
        server.end()
    return {
        "cold": cold,
        "warm": statistics.median(warm),
        "warm_worst": max(warm),
        "one": one,
        "memory": memory / 2**20,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="livecb-history-"))
    os.environ["LIVECB_TOKEN"] = "benchmark"
    try:
        size = write_run(root, options.events).stat().st_size
        print(f"a finished run of {options.events:,} events with 5 metrics each, {size / 2**20:.0f} MiB")
        rounds = [measure(root, options.events) for _ in range(options.rounds)]
    finally:
        shutil.rmtree(root)
    print("| | seconds | bar |\n| --- | --- | --- |")
    for name, bar, means in (
        ("cold", COLD, "State and all curves, fresh server"),
        ("warm", WARM, "the same again, median of 5"),
        ("warm_worst", WARM, "the same, worst of 5"),
        ("one", WARM, "one curve"),
    ):
        print(f"| {means} | {statistics.median(r[name] for r in rounds):.3f} | {bar} |")
    print(f"server memory afterwards: {statistics.median(r['memory'] for r in rounds):.0f} MiB")


if __name__ == "__main__":
    main()
