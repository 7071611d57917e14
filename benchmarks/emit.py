"""What recording costs the training thread: livecb beside its floor and beside other trackers.

    python benchmarks/emit.py

Each recorder gets the same 5 metrics a call, in a process of its own, back to back and paced at
500 calls a second between real work (arithmetic over 8 MB, which empties the caches as a training
step does). The cost of the clock and of an empty call is taken off. The floor is `orjson.dumps` and
one `os.write` of the same line. The bars: livecb at most 2 µs (p99 50 µs) back to back, and at most
twice the floor both ways.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

VALUES = {"train/loss": 0.3123, "train/acc": 0.9512, "lr": 1e-3, "grad_norm": 0.834, "val/loss": 0.71}
RECORDERS = ("floor", "livecb", "livecb, served", "tensorboard", "trackio", "wandb offline")
Recorder = Callable[[int], object]


def floor(folder: str) -> Recorder:
    import orjson

    fd = os.open(f"{folder}/floor.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    now, write, dumps, newline = time.time, os.write, orjson.dumps, orjson.OPT_APPEND_NEWLINE

    def record(step: int) -> None:
        event = {"type": "metrics", "seq": step, "time": now(), "step": step, "values": VALUES}
        write(fd, dumps(event, option=newline))

    return record


def livecb(folder: str, served: bool = False) -> Recorder:
    from livecb import init
    from livecb.sinks import Server

    run = init(dir=folder, sinks=[Server(port=0, linger=1, quiet=True)] if served else [])
    assert not served or run.url
    return lambda step: run.log(VALUES, step=step)


def tensorboard(folder: str) -> Recorder:
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(folder)

    def record(step: int) -> None:
        for name, value in VALUES.items():
            writer.add_scalar(name, value, step)

    return record


def trackio(folder: str) -> Recorder:
    os.environ["TRACKIO_DIR"] = folder
    import trackio as tracker

    run = tracker.init(project="emit")
    return lambda step: run.log(VALUES, step=step)


def wandb(folder: str) -> Recorder:
    import wandb as tracker

    run = tracker.init(project="emit", mode="offline", dir=folder, settings=tracker.Settings(silent=True))
    return lambda step: run.log(VALUES, step=step)


def make(name: str, folder: str) -> Recorder:
    makers: dict[str, Callable[[str], Recorder]] = {
        "floor": floor, "livecb": livecb, "livecb, served": lambda f: livecb(f, served=True),
        "tensorboard": tensorboard, "trackio": trackio, "wandb offline": wandb,
    }  # fmt: skip
    return makers[name](folder)


def measure(record: Recorder, calls: int, pace: float | None) -> dict[str, float]:
    """Return the quantiles, in µs, of calls back to back or one every `pace` seconds."""
    import numpy

    work = numpy.random.default_rng(0).random(1_000_000)
    clock, took = time.perf_counter_ns, []
    due = time.perf_counter()
    for step in range(calls):
        if pace is not None:
            due += pace
            while time.perf_counter() < due:
                work *= 1.000001
        begin = clock()
        record(step)
        took.append(clock() - begin)
    took.sort()
    return {
        "p50": took[calls // 2] / 1e3,
        "p99": took[int(calls * 0.99)] / 1e3,
        "mean": sum(took) / calls / 1e3,
    }


def child(name: str, calls: int, paced: int) -> None:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        record = make(name, folder)
        measure(record, min(calls, 2000), None)  # warm up
        empty = measure(lambda step: None, calls, None)["p50"]
        figures = {"back to back": measure(record, calls, None), "paced": measure(record, paced, 1 / 500)}
        figures = {
            way: {name: took - empty for name, took in quantiles.items()}
            for way, quantiles in figures.items()
        }
        print("RESULT " + json.dumps(figures), flush=True)
        os._exit(0)  # how long the others take to close is not the question here


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=50_000)
    parser.add_argument("--paced", type=int, default=2_500)
    parser.add_argument("--rounds", type=int, default=3, help="medians of so many rounds, taken in turn")
    parser.add_argument("--only", help="one recorder, in this process")
    options = parser.parse_args()
    if options.only:
        return child(options.only, options.calls, options.paced)
    rounds: dict[str, list[dict[str, dict[str, float]]]] = {name: [] for name in RECORDERS}
    for _ in range(options.rounds):
        for name in RECORDERS:
            slow = name not in ("floor", "livecb", "livecb, served")
            command = [sys.executable, __file__, "--only", name, "--paced", str(options.paced)]
            command += ["--calls", str(options.calls // 10 if slow else options.calls)]
            done = subprocess.run(command, capture_output=True, text=True)
            results = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
            if results:
                rounds[name].append(json.loads(results[-1][7:]))
            else:
                print(f"{name}: left out: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}")
    report({name: taken for name, taken in rounds.items() if taken})


def report(rounds: dict[str, list[dict[str, dict[str, float]]]]) -> None:
    def middle(name: str, way: str, quantile: str) -> float:
        taken = sorted(figures[way][quantile] for figures in rounds[name])
        return taken[len(taken) // 2]

    head = "p50", "p99", "× floor"
    print(f"{'5 metrics a call, µs':22}{'back to back':>14}{'paced':>32}")
    print(
        f"{'':22}" + "".join(f"{word:>9}" for word in head) + "     " + "".join(f"{word:>9}" for word in head)
    )
    for name in rounds:
        cells = [f"{name:22}"]
        for way, width in (("back to back", 9), ("paced", 14)):
            p50 = middle(name, way, "p50")
            cells += [
                f"{p50:>{width}.2f}",
                f"{middle(name, way, 'p99'):>9.1f}",
                f"{p50 / middle('floor', way, 'p50'):>9.2f}",
            ]
        print("".join(cells))


if __name__ == "__main__":
    main()
