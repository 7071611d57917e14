from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

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
        alone = system.psutil.Process().memory_info().rss
        assert Sampler(run, 1.0).sample()["process_memory"] > alone + 150_000_000
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
