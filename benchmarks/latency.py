"""How soon what was logged is seen: from `run.log` to the drawn chart, in Chromium.

    python benchmarks/latency.py

A run logs 50 events a second; the page is open at its default view. Each draw of a chart's canvas is
stamped in the page together with the number of points it holds; an event is seen at the first draw
that holds it. Writer, server and browser share this machine and its clock. The bar: p95 ≤ 250 ms.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from typing import Any

from playwright.sync_api import sync_playwright

import livecb
from livecb.events import Metrics, decode
from livecb.sinks import Server

FLAGS = (
    "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync "
    "--no-first-run --disable-quic"
).split()

STAMP_DRAWS = """
window.draws = [];
const clear = CanvasRenderingContext2D.prototype.clearRect;
CanvasRenderingContext2D.prototype.clearRect = function (...area) {
  const count = window.livecb ? window.livecb.counts()["train/loss"] || 0 : 0;
  window.draws.push([performance.timeOrigin + performance.now(), count]);
  return clear.apply(this, area);
};
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    chromium = shutil.which("chromium") or sys.exit("chromium is not installed: apt-get install chromium")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        run = livecb.init(
            dir=folder, name="latency", sinks=[Server(port=0, linger=1, quiet=True)], capture=None
        )
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
            page = browser.new_page(viewport={"width": 1360, "height": 900}, bypass_csp=True)
            page.add_init_script(STAMP_DRAWS)
            page.goto(str(run.url))
            log_steadily(run, options.rate, 3)  # until all is warm
            page.wait_for_function("window.livecb && window.livecb.counts()['train/loss'] > 0")
            begin = time.time()
            log_steadily(run, options.rate, options.seconds)
            page.wait_for_timeout(1000)
            draws = page.evaluate("window.draws")
            browser.close()
        run.finish()
        assert run.folder is not None
        lines = (run.folder / "events.jsonl").read_bytes().splitlines()
        said = [event.time for event in map(decode, lines) if isinstance(event, Metrics)]
    report(said, draws, begin)


def log_steadily(run: livecb.Run, rate: float, seconds: float) -> None:
    due = time.perf_counter()
    for _ in range(int(rate * seconds)):
        run.log(
            {
                "train/loss": 1 / (run._clock + 2),
                "val/loss": 2 / (run._clock + 2),
                "lr": 1e-3,
                "a": 0.5,
                "b": 1.5,
            }
        )
        due += 1 / rate
        time.sleep(max(0.0, due - time.perf_counter()))


def report(said: list[float], draws: list[Any], since: float) -> None:
    waits, draw = [], 0
    for number, at in enumerate(said, start=1):
        while draw < len(draws) and draws[draw][1] < number:
            draw += 1
        if draw == len(draws):
            sys.exit(f"event {number} of {len(said)} was never drawn")
        if at >= since:
            waits.append(draws[draw][0] - at * 1000)
    waits.sort()
    p50, p95, p99 = (waits[int(len(waits) * q)] for q in (0.5, 0.95, 0.99))
    print(f"{len(waits)} events, from run.log to the drawn chart:")
    print(f"p50 {p50:.0f} ms, p95 {p95:.0f} ms, p99 {p99:.0f} ms")


if __name__ == "__main__":
    main()
