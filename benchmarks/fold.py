"""How long it takes to fold a finished run into its State and Series, and to answer a page from it.

    python benchmarks/fold.py [EVENTS]

Prints seconds for one million metrics events of five values (decoding included), the time of warm
answers, and the bytes kept.
"""

from __future__ import annotations

import math
import random
import sys
import time
import tracemalloc

from livecb import events
from livecb.server.process import prepare
from livecb.state import State

LINES_AT_ONCE = 2000
NAMES = ("train/loss", "train/acc", "train/grad_norm", "train/lr", "train/noise")


def make_lines(count: int) -> list[bytes]:
    rng = random.Random(0)
    started = events.RunStarted(seq=0, time=1.79e9, version=1, run="bench", name="bench")
    lines = [events.encode(started)]
    for step in range(1, count + 1):
        values = (
            math.exp(-step / count) + rng.gauss(0, 0.05),
            step / count,
            rng.random(),
            1e-3,
            rng.gauss(0, 1),
        )
        said = dict(zip(NAMES, values, strict=True))
        at = 1.79e9 + step * 0.01
        lines.append(
            events.encode(events.Metrics(step, at, step, step, step / 1000, context="train", values=said))
        )
    return lines


def fold(lines: list[bytes]) -> tuple[State, float, float]:
    state, decoding = State("bench"), 0.0
    began = time.perf_counter()
    for at in range(0, len(lines), LINES_AT_ONCE):
        before = time.perf_counter()
        decoded = events.decode_lines(lines[at : at + LINES_AT_ONCE])
        decoding += time.perf_counter() - before
        state.feed(decoded)
    return state, time.perf_counter() - began, decoding


def best_of(times: int, call: object) -> float:
    spans = []
    for _ in range(times):
        began = time.perf_counter()
        call()  # type: ignore[operator]
        spans.append(time.perf_counter() - began)
    return min(spans)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    lines = make_lines(count)
    prepare()  # as the server, which folds in its own process
    state, seconds, decoding = fold(lines)
    now = lines and 1.8e9
    print(f"{count:,} events of {len(NAMES)} values")
    print(f"  decode and fold        {seconds:8.3f} s   (decoding {decoding:.3f} s)")
    began = time.perf_counter()
    state.to_dict(alive=False, now=now)
    print(f"  State, the first time  {(time.perf_counter() - began) * 1e3:8.1f} ms")
    print(f"  State, warm            {best_of(5, lambda: state.to_dict(alive=False, now=now)) * 1e3:8.1f} ms")
    for x in ("step", "time", "epoch"):
        began = time.perf_counter()
        state.charts(x=x)
        cold = time.perf_counter() - began
        warm = best_of(5, lambda x=x: state.charts(x=x))
        print(f"  1,000 points by {x:6} {cold * 1e3:8.1f} ms the first time, {warm * 1e3:.1f} ms warm")
    zoomed = best_of(5, lambda: state.charts(start=count // 2, end=count // 2 + count // 100))
    print(f"  a hundredth, zoomed    {zoomed * 1e3:8.1f} ms")
    tracemalloc.start()
    kept = fold(lines[: count // 10])  # noqa: F841 - measured while it is held
    print(f"  bytes kept an event    {tracemalloc.get_traced_memory()[0] / (count // 10):8.1f}")


if __name__ == "__main__":
    main()
