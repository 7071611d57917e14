"""What the machine does: CPU and memory of host and process tree, and its GPUs."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import psutil

from livecb.events import Gpu

if TYPE_CHECKING:
    from livecb.run import Run

__all__ = ["Sampler", "read_gpus"]

_LOOKING_SHARE = 1 / 250  # of the time: walking all processes is the dear part, and dearer the more there are


class Sampler:
    """Samples in a daemon thread, some milliseconds of work every few seconds."""

    def __init__(self, run: Run, interval: float) -> None:
        self._run = run
        self._interval = max(0.5, interval)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._sample_forever, name="livecb-system", daemon=True)
        self._processes: dict[int, psutil.Process] = {}
        self._look_again = 0.0

    def start(self) -> None:
        """Begin to sample."""
        self._thread.start()

    def stop(self) -> None:
        """Stop; a sample under way is not waited for long."""
        self._stopping.set()
        self._thread.join(0.5)

    def sample(self) -> dict[str, Any]:
        """Return the fields of a `system` event; loads are since the last call."""
        began = time.monotonic()
        if began >= self._look_again:  # a search's workers come with its fit
            self._find_processes()
            now = time.monotonic()
            self._look_again = now + (now - began) / _LOOKING_SHARE
        memory = psutil.virtual_memory()
        load, resident = self._read_processes()
        return {
            "cpu": psutil.cpu_percent(),
            "memory_used": memory.total - memory.available,
            "memory_total": memory.total,
            "process_cpu": load,
            "process_memory": resident,
            "gpus": read_gpus(),
        }

    def _sample_forever(self) -> None:
        self._try(self.sample)  # loads are differences: the first has nothing to differ from
        pause = min(1.0, self._interval)  # the page should not wait long for its first figures
        while not self._stopping.wait(pause):
            self._try(lambda: self._run.system(**self.sample()))
            self._try(self._run.check_log)
            pause = self._interval

    def _try(self, call: Callable[[], object]) -> None:
        try:
            call()
        except Exception as error:  # whatever a machine may answer: the next sample may do better
            self._run.warn_once("system", f"some system figures are missing: {error!r}")

    def _find_processes(self) -> None:
        me = psutil.Process(os.getpid())
        known = {pid: process for pid, process in self._processes.items() if process.is_running()}
        found = {}
        for process in (me, *me.children(recursive=True)):
            try:
                if process.pid in known:
                    found[process.pid] = known[process.pid]
                elif process.pid == me.pid or not _is_our_server(process):
                    process.cpu_percent()
                    found[process.pid] = process
            except psutil.Error:  # it went while it was looked at
                continue
        self._processes = found

    def _read_processes(self) -> tuple[float, int]:
        load, resident = 0.0, 0
        for pid, process in list(self._processes.items()):
            try:
                with process.oneshot():
                    load += process.cpu_percent()
                    resident += process.memory_info().rss
            except psutil.Error:
                del self._processes[pid]
        return load, resident


def _is_our_server(process: psutil.Process) -> bool:
    """Whether this serves the pages: no part of what the training costs."""
    return any(word.startswith("livecb.server") for word in process.cmdline())


_nvml: Any = None


def read_gpus() -> list[Gpu]:
    """Return what NVIDIA's driver says of the GPUs that this process may use; none without one."""
    global _nvml
    if _nvml is None:
        _nvml = _load_nvml()
    if not _nvml:
        return []
    gpus = []
    for index in range(_nvml.nvmlDeviceGetCount()):
        device = _nvml.nvmlDeviceGetHandleByIndex(index)
        if _is_visible(device, index):
            gpus.append(_read_gpu(device, index))
    return gpus


def _load_nvml() -> Any:
    try:
        import pynvml

        pynvml.nvmlInit()
        return pynvml
    except Exception:  # not installed (extra `gpu`), no driver, no device: all mean no GPUs
        return False


def _is_visible(device: Any, index: int) -> bool:
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if allowed is None:
        return True
    uuid = _ask("nvmlDeviceGetUUID", device)
    names = {str(index), uuid if isinstance(uuid, str) else ""}
    return any(word.strip() in names for word in allowed.split(",") if word.strip())


def _read_gpu(device: Any, index: int) -> Gpu:
    memory = _ask("nvmlDeviceGetMemoryInfo", device)
    load = _ask("nvmlDeviceGetUtilizationRates", device)
    power = _ask("nvmlDeviceGetPowerUsage", device)
    heat = _ask("nvmlDeviceGetTemperature", device, 0)
    return Gpu(
        index=index,
        name=str(_ask("nvmlDeviceGetName", device) or ""),
        load=None if load is None else float(load.gpu),
        memory_used=None if memory is None else int(memory.used),
        memory_total=None if memory is None else int(memory.total),
        temperature=None if heat is None else float(heat),
        power=None if power is None else power / 1000,
    )


def _ask(question: str, *args: Any) -> Any:
    """Ask the driver; what a device does not know (MIG, virtual GPUs) is None."""
    try:
        return getattr(_nvml, question)(*args)
    except _nvml.NVMLError:
        return None
