"""How soon a browser shows a run, and what it loads for that: beside TensorBoard and trackio.

    python benchmarks/opening.py

Three runs of 1,000 steps with five metrics are written by each tool's own logger, and each tool's server is
started. A Chromium that knows none of them opens the page of each, in turn; the clock stops when the first
line of a chart stands in it. Bytes are those of the bodies, as the browser unpacked them.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from playwright.sync_api import Browser, Response, sync_playwright

import livecb
from livecb.server import launch

FLAGS = (
    "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync "
    "--no-first-run --disable-quic"
).split()
RUNS, STEPS = 3, 1000
PROJECT = "opening"


def values(seed: int) -> Iterator[tuple[int, dict[str, float]]]:
    """Curves as a training has them."""
    noise = random.Random(seed)
    for step in range(STEPS):
        done = step / STEPS
        told = {"train/loss": 2.3 * math.exp(-3 * done) + noise.gauss(0.1, 0.04), "lr": 0.1 * (1 - done)}
        told["train/acc"] = 1 - 0.8 * math.exp(-3 * done) + noise.gauss(0, 0.01)
        if step % 50 == 49:
            told |= {
                "val/loss": 2.3 * math.exp(-2.5 * done) + 0.1,
                "val/acc": 0.95 - 0.8 * math.exp(-3 * done),
            }
        yield step, told


@contextlib.contextmanager
def of_livecb(folder: Path) -> Iterator[tuple[str, str]]:
    for seed in range(RUNS):
        with livecb.init(dir=folder, project=PROJECT, sinks=[], capture=None, system_interval=0) as run:
            for step, told in values(seed):
                run.log(told, step=step)
    server = launch.start_process(folder, port=0)
    try:
        yield launch.wait_ready(server, folder, timeout=60).url(run.id), ".chart canvas"
    finally:
        server.end()


@contextlib.contextmanager
def of_tensorboard(folder: Path) -> Iterator[tuple[str, str]]:
    from torch.utils.tensorboard import SummaryWriter

    for seed in range(RUNS):
        writer = SummaryWriter(str(folder / f"run-{seed}"))
        for step, told in values(seed):
            for name, value in told.items():
                writer.add_scalar(name, value, step)
        writer.close()
    command = ["tensorboard", "--logdir", str(folder), "--host", "127.0.0.1", "--port", "{port}"]
    with served(command, {}) as address:
        yield f"{address}/#timeseries", "line-chart canvas, line-chart svg path"


@contextlib.contextmanager
def of_trackio(folder: Path) -> Iterator[tuple[str, str]]:
    script = f"""
import sys, trackio
sys.path.insert(0, {str(Path(__file__).parent)!r})
from opening import PROJECT, RUNS, values
for seed in range(RUNS):
    trackio.init(project=PROJECT, name=f"run-{{seed}}")
    for step, told in values(seed):
        trackio.log(told, step=step)
    trackio.finish()
"""
    env = {"TRACKIO_DIR": str(folder), "GRADIO_ANALYTICS_ENABLED": "0"}
    subprocess.run([sys.executable, "-c", script], env={**os.environ, **env}, check=True, capture_output=True)
    with served(["trackio", "show", "--project", PROJECT], env) as address:
        yield f"{address}/?project={PROJECT}", "svg.marks path, canvas.marks"


@contextlib.contextmanager
def served(command: list[str], env: dict[str, str]) -> Iterator[str]:
    """Run a tool's server on a free port; yield its address once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    program = Path(sys.executable).with_name(command[0])
    process = subprocess.Popen(
        [program, *(word.replace("{port}", port) for word in command[1:])],
        env={**os.environ, **env, "GRADIO_SERVER_PORT": port},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(address, timeout=5).close()
                break
            time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(30)


def opened(browser: Browser, url: str, sign: str) -> tuple[float, int, int]:
    """Open a page with nothing in the cache; return seconds to the first line, requests, and bytes."""
    context = browser.new_context(viewport={"width": 1360, "height": 900})
    page = context.new_page()
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    began = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.wait_for_selector(sign, timeout=60_000)
    seconds = time.perf_counter() - began
    page.wait_for_timeout(1000)
    size = 0
    for answer in answers:
        with contextlib.suppress(Exception):  # a redirect has no body, and a stream no end
            size += 0 if "event-stream" in answer.headers.get("content-type", "") else len(answer.body())
    context.close()
    return seconds, len(answers), size


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=5)
    options = parser.parse_args()
    chromium = shutil.which("chromium") or sys.exit("chromium is not installed: apt-get install chromium")
    tools: dict[str, Callable[[Path], contextlib.AbstractContextManager[tuple[str, str]]]] = {
        "livecb": of_livecb, "tensorboard": of_tensorboard, "trackio": of_trackio,
    }  # fmt: skip
    print(f"load average {os.getloadavg()[0]:.1f}\n")
    print("| tool | first line | requests | loaded |\n| --- | --- | --- | --- |")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for name, serve in tools.items():
            with (
                tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
                serve(Path(folder)) as (url, sign),
            ):
                found = [opened(browser, url, sign) for _ in range(options.times)]
            seconds = statistics.median(each[0] for each in found)
            print(f"| {name} | {seconds:.2f} s | {found[-1][1]} | {found[-1][2] / 1e6:.2f} MB |", flush=True)
        browser.close()


if __name__ == "__main__":
    main()
