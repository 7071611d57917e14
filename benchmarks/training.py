"""What watching costs a training: steps a second with 0, 100 and 1,000 viewers.

    python benchmarks/training.py

A small network trains for real on one core and logs 5 metrics at some 100 events a second, while an
epoll client (`fanload.c`) reads every event for each of the viewers, the server being a process or a
thread of the training. Baseline (no livecb at all) and watched windows take turns within one run, so
that a machine's moods touch both; the figure is the median of their ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
LOG_SECONDS = 0.01


def make_step() -> Callable[[], float]:
    """A real training step of some milliseconds, on one core."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(64, 256), torch.nn.ReLU(), torch.nn.Linear(256, 10))
    optimizer = torch.optim.AdamW(model.parameters())
    inputs, targets = torch.randn(256, 64), torch.randint(10, (256,))

    def step() -> float:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(inputs), targets)
        loss.backward()
        optimizer.step()
        return float(loss)

    return step


def window(step: Callable[[], float], seconds: float, log: Callable[[float], None] | None) -> float:
    """Train for so many seconds; return steps a second."""
    begin = due = time.perf_counter()
    end, steps = begin + seconds, 0
    while (now := time.perf_counter()) < end:
        loss = step()
        steps += 1
        if log is not None and now >= due:
            due += LOG_SECONDS
            log(loss)
    return steps / (time.perf_counter() - begin)


def child(mode: str, viewers: int, rounds: int, seconds: float, fanload: str) -> None:
    import livecb
    from livecb.sinks import Server

    step = make_step()
    window(step, 1.0, None)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        run = livecb.init(dir=folder, sinks=[Server(port=0, mode=mode, linger=1, quiet=True)])  # type: ignore[arg-type]
        address, _, query = (run.url or "").partition("?")
        port = int(address.split(":")[2].partition("/")[0])
        path = f"/api/runs/{run.id}/events?cursor=end&{query}"
        client: subprocess.Popen[str] | None = None
        if viewers:
            lasts = 2 * rounds * seconds + 20
            command = [fanload, "--mode", "sse", "--port", str(port), "--path", path, "--conns", str(viewers)]
            command += ["--events", "0", "--timeout", str(lasts), "--idle", str(lasts)]
            client = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            assert client.stdout is not None
            assert client.stdout.readline().startswith("READY")
        ratios = []
        logged = 0

        def log(loss: float) -> None:
            nonlocal logged
            logged += 1
            run.log({"train/loss": loss, "lr": 1e-3, "a": 0.5, "b": loss / 2, "c": 1.0})

        for _ in range(rounds):
            without = window(step, seconds, None)
            ratios.append(window(step, seconds, log) / without)
        if client is not None:
            client.terminate()
            client.wait()
        result = {
            "ratio": statistics.median(ratios),
            "worst": min(ratios),
            "events_per_s": logged / rounds / seconds,
        }
        print("RESULT " + json.dumps(result), flush=True)
        run.finish()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--viewers", type=int, nargs="*", default=[0, 100, 1000])
    parser.add_argument("--only", nargs=3, metavar=("MODE", "VIEWERS", "FANLOAD"))
    options = parser.parse_args()
    if options.only:
        mode, viewers, fanload = options.only
        return child(mode, int(viewers), options.rounds, options.seconds, fanload)
    with tempfile.TemporaryDirectory() as folder:
        fanload = f"{folder}/fanload"
        subprocess.run(["cc", "-O2", "-w", "-o", fanload, str(HERE / "fanload.c")], check=True)
        print(f"{'server as':12}{'viewers':>8}{'steps/s':>10}{'worst':>8}{'events/s':>10}")
        for mode in ("process", "thread"):
            for viewers in options.viewers:
                figures = measure(mode, viewers, options, fanload)
                print(
                    f"{mode:12}{viewers:>8,}{figures['ratio']:>10.1%}{figures['worst']:>8.1%}{figures['events_per_s']:>10.0f}"
                )


def measure(mode: str, viewers: int, options: argparse.Namespace, fanload: str) -> dict[str, Any]:
    command = [sys.executable, __file__, "--only", mode, str(viewers), fanload]
    command += ["--rounds", str(options.rounds), "--seconds", str(options.seconds)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    results = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if not results:
        sys.exit(f"{mode}, {viewers} viewers: {done.stderr.strip()[-800:]}")
    figures: dict[str, Any] = json.loads(results[-1][7:])
    return figures


if __name__ == "__main__":
    main()
