"""The page under load, in Chromium: how soon it paints, how smoothly it answers, what a tab takes.

    python benchmarks/page.py                    # all of it, some twenty minutes
    python benchmarks/page.py --short            # the same in small, some two minutes

Three parts, of which `--only` picks some:

history: a store of 50 finished runs with 20 metrics of 100,000 points each, 100 million values (2.6 GB on
    disk, kept for the next time). The list, one run and the comparison of all runs are opened: from the first
    server that ever saw the store, from a fresh one, and again. Then somebody hovers, scrolls, zooms and
    smooths. The bars: something to see within 3 s, 30 frames a second, 400 MB.
live: a training logs 100 metrics 100 times a second for ten minutes while its page is open. The bars: 50
    frames a second, memory that stays flat (the end beside a quarter of the time), and no event lost.
outlier: one value stands out of a million. The bar: it is drawn, whatever part that holds it is looked at.

A paint is seen when a line is drawn on a canvas, or a row of the list stands in the page. Frames are those
that the browser gives to `requestAnimationFrame`. A tab's memory is what its process has of its own, shared
canvases with it: what Chromium's task manager shows, and some more. Beside it stands all that is resident
(RSS), of which some 125 MB are Chromium's program, once for all its processes. The logs may be in the
system's cache: disks are not measured. On a machine that does other work as well, frames and seconds tell of
that work: mind the load average.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

import livecb
from livecb import events as ev
from livecb.server import launch
from livecb.store import Store

FLAGS = (
    "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync "
    "--no-first-run --disable-quic"
).split()
SIZE = {"width": 1360, "height": 900}
FIRST_PAINT, FPS, TAB, LIVE_FPS = 3.0, 30, 400, 50
BEGAN = 1_790_000_000.0

WATCH = """
// When the first line was drawn, when the first row stood there, of how many runs a chart tells, since when.
const bench = window.bench = { first: null, rows: null, runs: 0, whole: null, frames: [], redraws: 0 };
const context = CanvasRenderingContext2D.prototype;
const { stroke, clearRect } = context;
context.stroke = function (...given) {
  if (given[0] instanceof Path2D) bench.first ??= performance.now();
  return stroke.apply(this, given);
};
context.clearRect = function (...given) {
  bench.redraws++;
  return clearRect.apply(this, given);
};
const each = (now) => {
  bench.frames.push(now);
  if (bench.rows === null && document.querySelector("table.runs tbody tr")) bench.rows = performance.now();
  const told = / of (\\d+) runs:/.exec(document.querySelector(".chart .plot")?.ariaLabel ?? "");
  if (told && Number(told[1]) > bench.runs) [bench.runs, bench.whole] = [Number(told[1]), performance.now()];
  requestAnimationFrame(each);
};
requestAnimationFrame(each);
"""


# What is measured: stores and trainings


def write_run(root: Path, number: int, metrics: int, points: int) -> None:
    """Write a finished run whose metrics are noise around falling and rising curves."""
    random = np.random.default_rng(number)
    names = [f"{part}/{what}" for part in ("train", "val") for what in ("loss", "acc")][:metrics]
    names += [f"layer{at}/norm" for at in range(metrics - len(names))]
    falling = np.exp(-np.linspace(0, 4, points))[:, None] * random.uniform(0.5, 2, metrics)
    rows = np.round(falling + random.normal(0.5, 0.05, (points, metrics)), 6).tolist()
    run = Store(root).create(f"20260101-{number:06d}-run-{number:02d}")
    config = {"lr": 10.0 ** -(1 + number % 5), "seed": number, "optimizer": ("sgd", "adam")[number % 2]}
    began = BEGAN + number * 60
    with run.part_path().open("wb", buffering=1 << 20) as file:
        start = ev.RunStarted(
            seq=0, time=began, version=ev.VERSION, run=run.id, name=f"run {number:02d}", project="bench",
            config=config,
        )  # fmt: skip
        file.write(ev.encode(start) + b"\n")
        for at, row in enumerate(rows):
            values = dict(zip(names, row, strict=True))
            event = ev.Metrics(seq=at + 1, time=began + at * 0.1, step=at, epoch=at / 1000, values=values)
            file.write(ev.encode(event) + b"\n")
        end = ev.RunEnded(seq=points + 1, time=began + points * 0.1, status="completed")
        file.write(ev.encode(end) + b"\n")


def store_of(root: Path, runs: int, metrics: int, points: int) -> Path:
    """Return a store of such runs, which is written once."""
    store = root / f"{runs}x{metrics}x{points}"
    if not (store / ".whole").exists():
        print(f"writing {runs * metrics * points:,} points into {store} ...", flush=True)
        shutil.rmtree(store, ignore_errors=True)
        store.mkdir(parents=True)
        for number in range(runs):
            write_run(store, number, metrics, points)
        (store / ".whole").touch()
    return store


def write_outlier(root: Path, points: int) -> str:
    """Write a run of one metric that lies between 0.9 and 1.1, but once."""
    values = np.round(np.random.default_rng(0).uniform(0.9, 1.1, points), 4).tolist()
    values[points * 5 // 7] = 10.0
    run = Store(root).create("20260101-000000-outlier")
    with run.part_path().open("wb", buffering=1 << 20) as file:
        file.write(
            ev.encode(ev.RunStarted(seq=0, time=BEGAN, version=ev.VERSION, run=run.id, name="outlier"))
            + b"\n"
        )
        for at, value in enumerate(values):
            event = ev.Metrics(seq=at + 1, time=BEGAN + at * 0.01, step=at, values={"train/loss": value})
            file.write(ev.encode(event) + b"\n")
        file.write(ev.encode(ev.RunEnded(seq=points + 1, time=BEGAN + points, status="completed")) + b"\n")
    return run.id


def train(root: str, metrics: int, rate: float, seconds: float) -> None:
    """Log at a steady rate, as the training that is watched; print the run's id, and at the end how many."""
    names = [f"group{at // 10}/metric{at % 10}" for at in range(metrics)]
    values = np.random.default_rng(0).normal(1, 0.1, (1000, metrics)).tolist()
    run = livecb.init(dir=root, name="live", sinks=[], capture=None, system_interval=0)
    print(run.id, flush=True)
    sys.stdin.readline()  # the page is open
    due = time.perf_counter()
    for step in range(int(rate * seconds)):
        run.log(dict(zip(names, values[step % 1000], strict=True)), step=step)
        due += 1 / rate
        time.sleep(max(0.0, due - time.perf_counter()))
    print(int(rate * seconds), flush=True)
    sys.stdin.readline()  # all was counted
    run.finish()


# How it is measured: servers, tabs, frames, memory


@contextlib.contextmanager
def serving(root: Path) -> Iterator[launch.Address]:
    server = launch.start_process(root, port=0, linger=900)
    try:
        yield launch.wait_ready(server, root, timeout=60)
    finally:
        server.end()


class Tab:
    """One tab, watched: its frames, and what its process takes at most."""

    def __init__(self, browser: Browser) -> None:
        known = {process.pid for process in renderers()}
        self.page: Page = browser.new_context(viewport=SIZE, bypass_csp=True).new_page()
        self.page.add_init_script(WATCH)
        self.page.goto("about:blank")
        self.cdp: CDPSession = self.page.context.new_cdp_session(self.page)
        self.cdp.send("Performance.enable")
        self._process = max(
            (process for process in renderers() if process.pid not in known),
            key=lambda process: process.create_time(),
        )
        self.own = self.resident = 0.0
        self._done = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self._sampler.start()

    def _sample(self) -> None:
        while not self._done.wait(0.2):
            with contextlib.suppress(psutil.Error):
                own, resident = self.memory()
                self.own, self.resident = max(self.own, own), max(self.resident, resident)

    def memory(self) -> tuple[float, float]:
        """Megabytes that the tab's process has of its own, and all that are resident."""
        # A navigation may move the tab to another process: the largest of ours it is.
        return max(map(memory_of, renderers()), default=(0.0, 0.0))

    def close(self) -> None:
        self._done.set()
        self._sampler.join()
        self.page.context.close()

    def heap(self) -> float:
        """Megabytes of JavaScript that are still needed."""
        self.cdp.send("HeapProfiler.collectGarbage")
        held = {each["name"]: each["value"] for each in self.cdp.send("Performance.getMetrics")["metrics"]}
        return float(held["JSHeapUsedSize"]) / 1e6

    def seconds(self, what: str) -> float | None:
        found = self.page.evaluate(f"window.bench.{what}")
        return None if found is None else float(found) / 1000

    def frames(self, act: Callable[[], Any]) -> tuple[float, float]:
        """Do something; return frames a second meanwhile, and the longest time without one, in ms."""
        began = self.page.evaluate("(window.bench.frames = [], performance.now())")
        act()
        frames, ended = self.page.evaluate("[window.bench.frames, performance.now()]")
        gaps = [b - a for a, b in zip([began, *frames], [*frames, ended], strict=True)]
        return len(frames) / (ended - began) * 1000, max(gaps)


def memory_of(process: psutil.Process) -> tuple[float, float]:
    held = process.memory_info()
    # Elsewhere than on Linux the system does not tell what is shared with others.
    return (held.rss - _shared_program(process.pid)) / 1e6, held.rss / 1e6


def _shared_program(pid: int) -> int:
    """Bytes of files that are mapped: the program and its libraries."""
    with contextlib.suppress(OSError, IndexError):  # it is gone, or about to be
        status = Path(f"/proc/{pid}/status").read_text()
        return int(status.partition("RssFile:")[2].split()[0]) << 10
    return 0


def renderers() -> list[psutil.Process]:
    """Return the processes of Chromium's tabs that are ours."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if "--type=renderer" in process.cmdline():
                found.append(process)
    return found


def for_seconds(seconds: float, act: Callable[[int], Any]) -> Callable[[], None]:
    def go() -> None:
        until, at = time.monotonic() + seconds, 0
        while time.monotonic() < until:
            act(at)
            at += 1

    return go


def gestures(page: Page, seconds: float) -> dict[str, Callable[[], None]]:
    """What somebody does to charts, each for so many seconds."""
    box = page.locator(".chart .plot canvas").first.bounding_box()
    assert box is not None
    left, top, width, height = box["x"], box["y"], box["width"], box["height"]
    middle = top + height / 2

    def hover(at: int) -> None:
        page.mouse.move(left + width * (0.1 + 0.8 * (at % 100) / 100), middle)

    def scroll(at: int) -> None:
        page.mouse.wheel(0, 120 if at // 30 % 2 == 0 else -120)
        page.wait_for_timeout(16)

    def zoom(at: int) -> None:
        if at % 3 == 2:
            page.mouse.dblclick(left + width / 2, middle)
        else:
            page.mouse.move(left + width * 0.35, middle)
            page.mouse.down()
            page.mouse.move(left + width * 0.7, middle, steps=10)
            page.mouse.up()
        page.wait_for_timeout(300)

    slider = page.locator("input[type=range]").first.bounding_box()
    assert slider is not None
    start, across, level = slider["x"], slider["width"], slider["y"] + slider["height"] / 2

    def smooth(at: int) -> None:
        """Drag the slider to and fro."""
        page.mouse.move(start + across * 0.1, level)
        page.mouse.down()
        for place in (*range(10, 90, 2), *range(90, 10, -2)):
            page.mouse.move(start + across * place / 100, level)
            page.wait_for_timeout(16)
        page.mouse.up()

    acts = {"hovering": hover, "scrolling": scroll, "zooming": zoom, "smoothing": smooth}
    return {name: for_seconds(seconds, act) for name, act in acts.items()}


class Report:
    """The figures, each with its bar; remembers what was missed."""

    def __init__(self) -> None:
        self.missed: list[str] = []

    def part(self, title: str) -> None:
        print(f"\n{title} (load average {os.getloadavg()[0]:.1f})\n\n| | figure | bar |\n| --- | --- | --- |")

    def say(
        self, what: str, figure: float | None, unit: str, bar: float | None = None, *, most: bool = True
    ) -> None:
        shown = (
            "never" if figure is None else f"{figure:,.2f} {unit}" if unit == "s" else f"{figure:,.0f} {unit}"
        )
        word = "" if bar is None else f"{'≤' if most else '≥'} {bar:g} {unit}"
        if bar is not None and (figure is None or (figure > bar if most else figure < bar)):
            self.missed.append(f"{what}: {shown}, not {word}")
            word += " (missed)"
        print(f"| {what} | {shown} | {word} |", flush=True)


# The parts


def history(browser: Browser, report: Report, options: argparse.Namespace) -> None:
    store = store_of(options.store, options.runs, options.metrics, options.points)
    for kept in (*store.glob("*/.row.json"), *store.glob("*/.answer-*")):
        kept.unlink()
    size = f"{options.runs} runs × {options.metrics} metrics × {options.points:,} points"
    for how in ("the first server ever", "a fresh server", "the same server again"):
        if how != "the same server again":
            stack = contextlib.ExitStack()
            address = stack.enter_context(serving(store))
        report.part(f"{size}: {how}")
        try:
            opened(browser, report, options, address, last=how == "the same server again")
        finally:
            if how != "a fresh server":
                stack.close()


def opened(
    browser: Browser, report: Report, options: argparse.Namespace, address: launch.Address, last: bool
) -> None:
    """Open the list, one run and the comparison of all, and use them if it is the last time."""
    ids = Store(options.store / f"{options.runs}x{options.metrics}x{options.points}").run_ids()
    base = address.url().partition("?")[0]
    views = {
        "list": (base, "rows", 0),
        "one run": (f"{base}r/{ids[0]}", "first", 0),
        "comparison": (f"{base}?compare=1&runs={','.join(ids)}", "first", len(ids)),
    }
    for view, (url, first, lines) in views.items():
        tab = Tab(browser)
        tab.page.context.request.get(address.url())  # the token becomes a cookie
        tab.page.goto(url, wait_until="commit")
        tab.page.wait_for_function(f"window.bench && window.bench.{first} !== null", timeout=600_000)
        report.say(f"{view}: first paint", tab.seconds(first), "s", FIRST_PAINT)
        if lines:
            tab.page.wait_for_function(f"window.bench.runs >= {lines}", timeout=600_000)
            report.say(f"{view}: all {lines} runs drawn", tab.seconds("whole"), "s")
        if last and view != "list":
            used(tab, report, view, options.gesture)
        elif last:
            frames, _ = tab.frames(for_seconds(options.gesture, partial(scroll_list, tab.page)))
            report.say(f"{view}: scrolling", frames, "frames/s", FPS, most=False)
        if last:
            report.say(f"{view}: the tab at most", tab.own, "MB", TAB)
            report.say(f"{view}: resident at most", tab.resident, "MB")
        tab.close()


def scroll_list(page: Page, at: int) -> None:
    page.mouse.wheel(0, 120 if at // 20 % 2 == 0 else -120)
    page.wait_for_timeout(16)


def used(tab: Tab, report: Report, view: str, seconds: float) -> None:
    for name, act in gestures(tab.page, seconds).items():
        tab.page.evaluate("scrollTo(0, 0)")
        tab.page.wait_for_timeout(500)
        drawn = tab.page.evaluate("window.bench.redraws")
        frames, gap = tab.frames(act)
        if name in ("zooming", "smoothing") and tab.page.evaluate("window.bench.redraws") == drawn:
            raise RuntimeError(f"{view}: {name} drew nothing anew: the gesture missed the chart")
        report.say(f"{view}: {name} (longest pause {gap:.0f} ms)", frames, "frames/s", FPS, most=False)


def live(browser: Browser, report: Report, options: argparse.Namespace) -> None:
    report.part(f"{options.live_metrics} metrics, {options.rate:g} events/s, {options.seconds:g} s")
    root = Path(tempfile.mkdtemp(prefix="livecb-page-"))
    command = [sys.executable, __file__, "--train", str(root), str(options.live_metrics), str(options.rate),
               str(options.seconds)]  # fmt: skip
    training = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert training.stdin is not None
    assert training.stdout is not None
    try:
        run = training.stdout.readline().strip()
        with serving(root) as address:
            tab = Tab(browser)
            tab.page.goto(address.url(run))
            tab.page.wait_for_function(
                "window.livecb && window.livecb.link().kind === 'live'", timeout=600_000
            )
            print("open", file=training.stdin, flush=True)
            follow(tab, report, options.seconds)
            said = int(training.stdout.readline())
            count_events(tab, report, said, options.live_metrics)
            print("counted", file=training.stdin, flush=True)
            training.wait(30)
            tab.close()
    finally:
        training.kill()
        shutil.rmtree(root, ignore_errors=True)


def follow(tab: Tab, report: Report, seconds: float) -> None:
    """Watch a run go on: frames, and memory at a quarter of the time and at the end of it."""
    rates, gaps, heaps = [], [], []
    for _ in range(4):
        frames, gap = tab.frames(lambda: tab.page.wait_for_timeout(seconds / 4 * 1000))
        rates.append(frames)
        gaps.append(gap)
        heaps.append((tab.heap(), tab.memory()[0]))
    report.say("frames, the worst quarter", min(rates), "frames/s", LIVE_FPS, most=False)
    report.say("frames, all the time", statistics.mean(rates), "frames/s")
    report.say("longest pause", max(gaps), "ms")
    report.say("heap after a quarter of the time", heaps[0][0], "MB")
    report.say("heap at the end", heaps[-1][0], "MB")
    report.say("the tab after a quarter of the time", heaps[0][1], "MB")
    report.say("the tab at the end", heaps[-1][1], "MB")
    report.say("the tab at most", tab.own, "MB", TAB)
    report.say("resident at most", tab.resident, "MB")


def count_events(tab: Tab, report: Report, said: int, metrics: int) -> None:
    known = "Object.values(window.livecb.counts())"
    whole = f"{known}.length === {metrics} && {known}.every((count) => count >= {said})"
    with contextlib.suppress(Exception):
        tab.page.wait_for_function(whole, timeout=30_000)
    counts = tab.page.evaluate(known)
    report.say("values said", said * metrics, "")
    report.say("values lost on the way to the curves", said * metrics - sum(counts), "", 0)


def outlier(browser: Browser, report: Report, options: argparse.Namespace) -> None:
    report.part(f"one value of {options.outlier:,} stands out")
    root = Path(tempfile.mkdtemp(prefix="livecb-page-"))
    try:
        run = write_outlier(root, options.outlier)
        at = options.outlier * 5 // 7
        with serving(root) as address:
            tab = Tab(browser)
            tab.page.goto(address.url(run))
            tab.page.wait_for_function("window.bench && window.bench.first !== null", timeout=600_000)
            report.say("first paint", tab.seconds("first"), "s", FIRST_PAINT)
            spans = [options.outlier // 10**digit for digit in range(6)]
            for span in spans:
                ranges = [
                    (max(0, at - round(span * part)), at + round(span * (1 - part)))
                    for part in (0.3, 0.5, 0.9)
                ]
                seen = sum(stands_out(tab.page, address.url(run), *each) for each in ranges)
                report.say(f"drawn in parts of {span:,} steps that hold it", seen, "of 3", 3, most=False)
            tab.close()
    finally:
        shutil.rmtree(root, ignore_errors=True)


def stands_out(page: Page, url: str, start: int, end: int) -> bool:
    """Whether the chart of a part shows a spike: ink in its upper half, in few of its columns."""
    page.goto(f"{url}&from={start}&to={end}")
    page.wait_for_function("window.bench && window.bench.first !== null", timeout=600_000)
    page.wait_for_timeout(600)  # what is looked at closely is asked for once it stays
    return 0 < float(page.evaluate(INK)) < 0.2


INK = """
(() => {
  const canvas = document.querySelector(".chart .plot canvas");
  const { width, height } = canvas;
  // Where values are written, and beside the end, is no curve.
  const [left, top] = [Math.round(width * 0.2), Math.round(height * 0.15)];
  const { data } = canvas.getContext("2d").getImageData(left, top, width - left, Math.round(height * 0.3));
  const wide = width - left;
  let columns = 0;
  for (let x = 0; x < wide; x++) {
    for (let y = 0; y * wide * 4 < data.length; y++) {
      const i = (y * wide + x) * 4;
      const [r, g, b, a] = [data[i], data[i + 1], data[i + 2], data[i + 3]];
      if (a > 20 && Math.max(r, g, b) - Math.min(r, g, b) > 40) { columns++; break; }
    }
  }
  return columns / wide;
})()
"""

PARTS = {"history": history, "live": live, "outlier": outlier}


def main() -> None:
    if sys.argv[1:2] == ["--train"]:
        train(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), float(sys.argv[5]))
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--metrics", type=int, default=20)
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--gesture", type=float, default=5.0, help="seconds of each gesture")
    parser.add_argument("--live-metrics", type=int, default=100)
    parser.add_argument("--rate", type=float, default=100.0, help="events a second")
    parser.add_argument("--seconds", type=float, default=600.0, help="of the live run")
    parser.add_argument("--outlier", type=int, default=1_000_000, help="points, of which one stands out")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, with commas")
    parser.add_argument("--short", action="store_true", help="small sizes, unless they are given")
    default = Path(tempfile.gettempdir()) / "livecb-page"
    parser.add_argument(
        "--store", type=Path, default=default, help="where the runs are kept for the next time"
    )
    if "--short" in sys.argv:
        parser.set_defaults(points=10_000, seconds=30.0, gesture=2.0, outlier=200_000)
    options = parser.parse_args()
    chromium = shutil.which("chromium") or sys.exit("chromium is not installed: apt-get install chromium")
    os.environ["LIVECB_TOKEN"] = "benchmark"
    report = Report()
    with sync_playwright() as playwright:
        for part in options.only.split(","):
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            PARTS[part](browser, report, options)
            browser.close()
    print("\nall bars are kept" if not report.missed else "\nmissed:\n" + "\n".join(report.missed))


if __name__ == "__main__":
    main()
