from __future__ import annotations

import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

import livecb
from livecb import events, system
from livecb.run import Run
from livecb.system import Sampler, read_gpus


def test_cpu_and_memory_of_host_and_process_are_sampled(run: Run) -> None:
    sampler = Sampler(run, 1.0)
    sampler.sample()
    sum(range(3_000_000))
    sample = sampler.sample()
    assert 0 <= sample["cpu"] <= 100
    assert 0 < sample["memory_used"] < sample["memory_total"]
    assert sample["process_cpu"] > 1
    assert sample["process_memory"] > 10_000_000


def test_children_count_as_part_of_the_process(run: Run) -> None:
    child = subprocess.Popen([sys.executable, "-c", "x = bytearray(200_000_000); print('up', flush=True); input()"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
    try:
        assert child.stdout is not None
        child.stdout.readline()
        alone = psutil.Process().memory_info().rss
        assert Sampler(run, 1.0).sample()["process_memory"] > alone + 150_000_000
    finally:
        child.communicate(b"\n")


def test_workers_that_come_later_count_from_the_next_sample_that_time_allows(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    find = Sampler._find_processes

    def find_slowly(sampler: Sampler) -> None:
        nonlocal now
        looks.append(now)
        find(sampler)
        now += 0.008

    looks: list[float] = []
    monkeypatch.setattr(Sampler, "_find_processes", find_slowly)
    monkeypatch.setattr(system, "time", SimpleNamespace(monotonic=lambda: now))
    sampler = Sampler(run, 1.0)
    sampler.sample()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        for at in (1.0, 2.0, 2.5, 5.0):
            now = at
            sampler.sample()
        assert looks == [0.0, 2.5, 5.0]
        assert child.pid in sampler._processes
    finally:
        child.communicate(b"\n")


def test_a_child_that_vanishes_while_it_is_looked_at_costs_no_figures(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    find = psutil.Process.children

    def find_and_lose(process: psutil.Process, recursive: bool = False) -> Any:
        found = find(process, recursive)
        child.communicate(b"\n")
        return found

    monkeypatch.setattr(psutil.Process, "children", find_and_lose)
    assert Sampler(run, 1.0).sample()["process_memory"] > 0


def test_a_sample_that_fails_is_not_the_last(
    monkeypatch: pytest.MonkeyPatch, recorded: Callable[[Run], list[Any]]
) -> None:
    fails = iter([True, True, True])
    monkeypatch.setattr(system, "read_gpus", lambda: 1 / 0 if next(fails, False) else [])
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        with livecb.init(sinks=[], capture=None, system_interval=0.5) as run:
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline and not any(
                isinstance(event, events.System) for event in recorded(run)
            ):
                time.sleep(0.05)
    assert any(isinstance(event, events.System) for event in recorded(run))
    assert ["division by zero" in str(warning.message) for warning in warned] == [True]


def test_the_process_that_serves_the_pages_is_no_part_of_the_training(run: Run) -> None:
    # What `-m livecb.server` is called with; `-c` makes it wait instead of serving.
    child = subprocess.Popen([sys.executable, "-c", "print('up', flush=True); input()", "livecb.server"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
    try:
        assert child.stdout is not None
        child.stdout.readline()
        sampler = Sampler(run, 1.0)
        sampler.sample()
        assert child.pid not in sampler._processes
    finally:
        child.communicate(b"\n")


def test_a_run_samples_by_itself(recorded: Callable[[Run], list[Any]]) -> None:
    run = livecb.init(sinks=[], capture=None, system_interval=0.5)
    deadline = time.monotonic() + 20
    while (
        not (seen := [e for e in recorded(run) if isinstance(e, events.System)])
        and time.monotonic() < deadline
    ):
        time.sleep(0.05)
    run.finish()
    assert seen
    assert seen[0].cpu is not None


class FakeNvml:
    """Stands for NVIDIA's driver, which this machine does not have."""

    NVMLError = RuntimeError

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def __getattr__(self, name: str) -> Callable[..., Any]:
        answers: dict[str, Any] = {
            "nvmlDeviceGetUUID": "GPU-abc",
            "nvmlDeviceGetName": "H200",
            "nvmlDeviceGetMemoryInfo": SimpleNamespace(used=10, total=100),
            "nvmlDeviceGetUtilizationRates": SimpleNamespace(gpu=71, memory=3),
            "nvmlDeviceGetTemperature": 63,
        }

        def ask(*_: Any) -> Any:
            if name not in answers:
                raise self.NVMLError(f"{name} is not supported")
            return answers[name]

        return ask


def test_gpus_are_read_and_what_a_device_does_not_know_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "_nvml", FakeNvml())
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    (gpu,) = read_gpus()
    assert gpu == events.Gpu(
        1, "H200", load=71.0, memory_used=10, memory_total=100, temperature=63.0, power=None
    )


def test_without_a_driver_there_are_no_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "_nvml", None)
    monkeypatch.setattr(system, "_load_nvml", lambda: False)
    assert read_gpus() == []
