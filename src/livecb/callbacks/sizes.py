"""How large a batch is, and how large a model, whatever library they are of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["batch_size", "model_card"]


def batch_size(batch: Any) -> int | None:
    """Return the number of samples in a batch, None if its parts do not agree on one."""
    shape = getattr(batch, "shape", None)
    if shape is not None:
        return int(shape[0]) if len(shape) else None
    parts = (
        batch.values() if isinstance(batch, Mapping) else batch if isinstance(batch, (list, tuple)) else ()
    )
    sizes = {size for part in parts if (size := batch_size(part)) is not None}
    return sizes.pop() if len(sizes) == 1 else None


def model_card(model: Any) -> dict[str, Any]:
    """Return what can be said about any torch module: its class and how large it is."""
    sizes = [
        (each.numel(), each.requires_grad) for each in model.parameters() if not hasattr(each, "materialize")
    ]
    return {
        "class": type(model).__name__,
        "parameters": sum(size for size, _ in sizes),
        "trainable_parameters": sum(size for size, trainable in sizes if trainable),
    }
