"""What it costs a step that readers might ask for something, while nobody does.

    python benchmarks/looking.py

The hook that runs at each step, once as one that obeys and once as one that does not, both empty; and
the look of a loop of your own, `run.obey()`. A figure is the least of several medians, in microseconds.
"""

from __future__ import annotations

import statistics
import tempfile
import timeit
from collections.abc import Callable

import livecb
from livecb.callbacks.base import Stream, during
from livecb.callbacks.helm import Helm, obeying

CALLS, ROUNDS, TIMES = 100_000, 15, 3


class Callback(Stream):
    @during
    def records(self) -> None: ...

    @obeying
    def obeys(self) -> None: ...


def cost(call: Callable[[], object]) -> float:
    """Microseconds a call."""
    timed = [timeit.repeat(call, number=CALLS, repeat=ROUNDS) for _ in range(TIMES)]
    return min(statistics.median(each) for each in timed) / CALLS * 1e6


def main() -> None:
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        livecb.init(dir=folder, sinks=[], capture=None, system_interval=0) as run,
    ):
        callback = Callback(run=run)
        callback._open(leads=True, framework="none", versions={}, config={})
        callback._helm = Helm(run, True, 1, {}, [])
        records, obeys = cost(callback.records), cost(callback.obeys)
        print(f"a hook that does not obey   {records:.3f} µs")
        print(f"one that does               {obeys:.3f} µs, {obeys - records:+.3f}")
        print(f"run.obey()                  {cost(run.obey):.3f} µs")


if __name__ == "__main__":
    main()
