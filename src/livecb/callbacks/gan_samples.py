"""What a generator draws from a fixed noise: grids of pictures over time, and how much they differ.

Drawing changes nothing of the training: no gradients, no random state, no mode of a module, and what
layers remember of their inputs (running statistics, spectral norms) is put back. A grid is put
together on the device; on CUDA its copy to the host is not waited for.
"""

from __future__ import annotations

import math
import sys
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch.nn.modules.module import register_module_forward_pre_hook

from livecb.callbacks.random_state import same_random_state
from livecb.errors import ValueRefused

__all__ = ["Filmstrip", "as_pictures", "diversity", "draw", "grid"]

_MOST = 64
_SMALLEST = 32
_GAP = 2


class Filmstrip:
    """Takes grids, and records each when it has come to the host.

    Args:
        name: What the pictures are called.
        value_range: What is black and what is white; told from the pictures if left out.
    """

    def __init__(self, name: str, value_range: tuple[float, float] | None) -> None:
        self.name = name
        self.value_range = value_range
        self._coming: deque[tuple[Any, Callable[[], bool], dict[str, Any]]] = deque()

    def take(self, pictures: Any, **axes: Any) -> None:
        """Send a grid of pictures on its way, with the place it belongs to."""
        self._coming.append((*_to_host(grid(pictures, self.value_range)), axes))

    def tell(self, run: Any, seconds: float = 0.0) -> None:
        """Record the grids that have come; wait for them no longer than this."""
        deadline = time.monotonic() + seconds
        while self._coming:
            pixels, has_come, axes = self._coming[0]
            while not has_come():
                if time.monotonic() >= deadline:
                    return
                time.sleep(0.001)
            self._coming.popleft()
            run.image(self.name, pixels.numpy(), **axes)


def draw(samples: Callable[..., Any], *args: Any) -> Any:
    """Return the pictures N×C×H×W that `samples` draws, and leave the training as it was.

    Raises:
        ValueRefused: These are no pictures, or drawing them on one rank would make the others wait.
    """
    if not callable(samples):
        raise ValueRefused(
            f"expected a function that draws, as in samples=lambda: G(noise), got a {type(samples).__name__}"
        )
    with torch.no_grad(), _nothing_compiled(), same_random_state(), _same_memory():
        pictures = samples(*args)
    return as_pictures(pictures)


def as_pictures(pictures: Any) -> Any:
    """Return a tensor N×C×H×W.

    Raises:
        ValueRefused: It is none; the message says what to do.
    """
    shape = tuple(getattr(pictures, "shape", ()))
    if isinstance(pictures, torch.Tensor) and len(shape) == 3:
        pictures, shape = pictures[:, None], (shape[0], 1, *shape[1:])
    if not isinstance(pictures, torch.Tensor) or len(shape) != 4 or shape[1] not in (1, 3) or 0 in shape:
        got = f"a tensor of shape {shape}" if shape else f"a {type(pictures).__name__}"
        raise ValueRefused(
            f"expected pictures N×C×H×W in one or three colours, got {got}: reshape them, as in "
            "G(noise).view(-1, 1, 28, 28)"
        )
    return pictures.detach()


def grid(pictures: Any, value_range: tuple[float, float] | None = None) -> Any:
    """Return up to 64 pictures beside and below each other as bytes H×W×3, or H×W in one colour.

    They are taken to lie in 0..1, or in -1..1 where any is below 0. Small ones are enlarged.
    """
    pictures = pictures[:_MOST].float()
    if value_range is None:
        signed = pictures.amin() < 0  # stays on the device
        pictures = torch.where(signed, (pictures + 1) / 2, pictures)
    else:
        low, high = value_range
        pictures = (pictures - low) / (high - low)
    pictures = pictures.nan_to_num().clamp(0, 1).mul(255).round().to(torch.uint8)
    count, colours, height, width = pictures.shape
    if (times := _SMALLEST // max(height, width)) > 1:
        pictures = pictures.repeat_interleave(times, 2).repeat_interleave(times, 3)
        height, width = height * times, width * times
    across = math.ceil(math.sqrt(count))
    down = math.ceil(count / across)
    cells = pictures.new_zeros(down * across, colours, height + _GAP, width + _GAP)
    cells[:count, :, :height, :width] = pictures
    rows = cells.view(down, across, colours, height + _GAP, width + _GAP).permute(0, 3, 1, 4, 2)
    whole = rows.reshape(down * (height + _GAP), across * (width + _GAP), colours)[:-_GAP, :-_GAP]
    return (whole[:, :, 0] if colours == 1 else whole).contiguous()


def diversity(pictures: Any) -> Any:
    """Return how much pictures differ: the mean distance of two of them, per pixel; a 0-d tensor."""
    flat = pictures[:_MOST].float().flatten(1)
    distances = torch.cdist(flat, flat, compute_mode="donot_use_mm_for_euclid_dist")
    return distances.sum() / (len(flat) * (len(flat) - 1) * math.sqrt(flat.shape[1]))


def _to_host(pixels: Any) -> tuple[Any, Callable[[], bool]]:
    """Return where the pixels will be on the host, and how to ask whether they are."""
    if pixels.device.type != "cuda":
        return pixels.cpu(), lambda: True
    host = torch.empty(pixels.shape, dtype=pixels.dtype, pin_memory=True)
    host.copy_(pixels, non_blocking=True)
    copied = torch.cuda.Event()
    copied.record(torch.cuda.current_stream(pixels.device))
    return host, copied.query


def _nothing_compiled() -> AbstractContextManager[object]:
    """Have compiled modules run as they are: our hook would make them compile anew, and soon no more."""
    if "torch._dynamo" not in sys.modules or not hasattr(torch.compiler, "set_stance"):
        return nullcontext()
    warnings.filterwarnings("ignore", r"Using `torch\.compile\(module\)` when there are global hooks")
    stance: AbstractContextManager[object] = torch.compiler.set_stance("force_eager")
    return stance


@contextmanager
def _same_memory() -> Iterator[None]:
    """Put back what modules keep of what goes through them, as batch norm does in training."""
    kept: dict[int, tuple[Any, Any]] = {}

    def keep(module: Any, args: Any) -> None:
        _refuse_collective(module)
        if module.training:
            for buffer in module.buffers(recurse=False):
                kept.setdefault(id(buffer), (buffer, buffer.clone()))

    hook = register_module_forward_pre_hook(keep)
    try:
        yield
    finally:
        hook.remove()
        for buffer, before in kept.values():
            buffer.copy_(before)


def _refuse_collective(module: Any) -> None:
    kind = type(module).__name__
    collective = kind == "DistributedDataParallel" or (kind == "SyncBatchNorm" and module.training)
    if collective and torch.distributed.is_initialized() and torch.distributed.get_world_size() > 1:
        raise ValueRefused(
            f"drawn by a {kind}, which waits for other ranks: draw by the module inside it, in eval mode"
        )
