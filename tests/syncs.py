"""What would make a host wait for its device, found without one."""

from __future__ import annotations

from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode

_WAITING = ("_local_scalar_dense", "nonzero", "equal.default", "masked_select", "unique")


class Syncs(TorchDispatchMode):
    """Notes the operators whose result a host cannot have before the device is done."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if any(word in str(func) for word in _WAITING):
            self.found.append(str(func))
        return func(*args, **(kwargs or {}))
