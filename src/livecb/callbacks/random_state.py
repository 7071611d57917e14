"""Random numbers that a training does not notice: Python's, NumPy's and PyTorch's go on where they stood."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

__all__ = ["same_random_state"]


@contextmanager
def same_random_state(devices: Iterable[Any] = ()) -> Iterator[None]:
    """Put back, after the block, the random state that was there before it.

    Args:
        devices: Accelerators on which the block draws numbers, beside the current one.
    """
    numpy = sys.modules.get("numpy")
    python, theirs = random.getstate(), numpy.random.get_state() if numpy else None
    drawn_on = {(device.type, device.index or 0) for device in devices if device.type not in ("cpu", "meta")}
    if torch.cuda.is_initialized():
        drawn_on.add(("cuda", torch.cuda.current_device()))
    try:
        with ExitStack() as stack:
            stack.enter_context(torch.random.fork_rng([]))
            for kind, index in drawn_on:
                stack.enter_context(torch.random.fork_rng([index], device_type=kind))
            yield
    finally:
        random.setstate(python)
        if numpy and theirs is not None:
            numpy.random.set_state(theirs)
