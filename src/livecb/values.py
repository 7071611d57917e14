"""From what loops hold to what JSON holds.

A metric is a Python or NumPy scalar or a 0-d tensor. A tensor on an accelerator is never waited
for: it becomes a `Deferred`, a copy that is under way to the host and is read later, in order.
"""

from __future__ import annotations

import dataclasses
import enum
import math
import numbers
import os
import sys
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from livecb.errors import ValueRefused

__all__ = ["Deferred", "axis", "on_host", "plain", "scalar"]

_LONGEST = 10_000
_DEEPEST = 12


class Deferred:
    """A number that is not known yet. `read` waits for it: never call it while training.

    Attributes:
        value: The number, once somebody has read it; None before.
    """

    __slots__ = ("_read", "value")

    def __init__(self, read: Callable[[], float | int]) -> None:
        self._read = read
        self.value: float | int | None = None

    def read(self) -> float | int:
        """Wait for the number and return it."""
        if self.value is None:
            self.value = self._read()
        return self.value


def scalar(value: Any) -> float | int | Deferred:
    """Return a metric's value as a number, without waiting for any device.

    Raises:
        ValueRefused: It is no scalar; the message says what to do instead.
    """
    if isinstance(value, (bool, int)):
        return _fit_integer(int(value))
    if isinstance(value, float):
        return float(value)
    if isinstance(value, Deferred):
        return value
    shape = getattr(value, "shape", None)
    if shape is not None and not isinstance(value, type):
        return _from_array(value, tuple(shape))
    if isinstance(value, (numbers.Real, Decimal)):
        return float(value)
    raise ValueRefused(_why_not(value))


def axis(name: str, value: Any) -> int | float:
    """Return where a loop stands on one axis: a whole number, or any finite one for `epoch`.

    Raises:
        ValueRefused: It is none; the message says what to do instead.
    """
    number = scalar(value)
    if isinstance(number, Deferred):
        raise ValueRefused("a number on an accelerator, which is not waited for: count in Python")
    if isinstance(value, bool) or not math.isfinite(number) or abs(number) >= 2**63:
        raise ValueRefused(f"{value!r}: expected a finite number")
    if name == "epoch":
        return number
    if number != int(number):
        raise ValueRefused(f"{value!r}: expected a whole number")
    return int(number)


def on_host(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with the tensors that are in the host's memory as numbers: the Run's fast path."""
    return {
        name: value.item() if getattr(value, "is_cpu", False) else value for name, value in values.items()
    }


def plain(value: Any, depth: int = 0) -> Any:
    """Return anything as what JSON holds, for configurations and the like; never raises.

    Mappings and sequences keep their shape; what has no JSON form is written as its `repr`, cut to
    a reasonable length.
    """
    if value is None or isinstance(value, (str, bool)):
        return str(value)[:_LONGEST] if isinstance(value, str) else value
    if isinstance(value, enum.Enum):
        return plain(value.value, depth)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, int) and value.bit_length() < 1024:
        return _fit_integer(value)
    if depth > _DEEPEST:
        return _shown(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item, depth + 1) for key, item in list(value.items())[:_LONGEST]}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item, depth + 1) for item in list(value)[:_LONGEST]]
    if isinstance(value, os.PathLike):
        return os.fspath(value) if isinstance(os.fspath(value), str) else _shown(value)
    if isinstance(value, msgspec.Struct):
        return plain(msgspec.to_builtins(value), depth + 1)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {field.name: plain(getattr(value, field.name, None), depth + 1) for field in fields}
    return _plain_other(value, depth)


def _plain_other(value: Any, depth: int) -> Any:
    try:
        if (
            getattr(value, "shape", None) is not None
            and hasattr(value, "tolist")
            and not _on_accelerator(value)
        ):
            if math.prod(value.shape) <= _LONGEST:
                return plain(value.tolist(), depth + 1)
        elif isinstance(value, (numbers.Real, Decimal)):
            return float(value)
    except Exception:  # whatever a foreign object does when it is asked
        pass
    return _shown(value)


def _shown(value: Any) -> str:
    try:
        text = getattr(value, "__qualname__", None) or repr(value)
    except Exception as error:
        text = f"<{type(value).__name__} whose repr raised {type(error).__name__}>"
    return str(text)[:500]


def _fit_integer(value: int) -> int | float:
    if -(2**63) <= value < 2**63:
        return int(value)  # of a subclass, as `run.step` is one, there is no JSON
    try:
        return float(value)
    except OverflowError as error:
        raise ValueRefused("an integer beyond what a float can hold: log its logarithm") from error


def _from_array(value: Any, shape: tuple[int, ...]) -> float | int | Deferred:
    if shape != ():
        raise ValueRefused(
            f"{_kind(value)} of shape {shape}: expected a scalar; log `.mean()` or `.item()`, "
            "or use run.histogram for the whole"
        )
    if _on_accelerator(value):
        return _defer(value)
    try:
        item = value.item() if hasattr(value, "item") else value.numpy().item()
    except Exception as error:
        raise ValueRefused(f"{_kind(value)} that cannot be read: {error}") from error
    if isinstance(item, (bool, int, float)):
        return scalar(item)
    raise ValueRefused(f"{_kind(value)} holding a {type(item).__name__}: expected a real number")


def _on_accelerator(value: Any) -> bool:
    device = getattr(value, "device", None)
    if callable(device):  # older JAX
        return True
    kind = getattr(device, "type", None) or getattr(device, "platform", None) or device
    return kind is not None and str(kind) not in ("cpu", "meta")


def _defer(value: Any) -> Deferred:
    """Start copying to the host, and return how to read it once it is there."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        return _defer_torch(torch, value)
    if hasattr(value, "copy_to_host_async"):
        value.copy_to_host_async()
    return Deferred(lambda: _read_item(value))


def _defer_torch(torch: Any, value: Any) -> Deferred:
    value = value.detach()
    if value.device.type != "cuda":
        # A copy on the device: the loop may change the tensor in place after it logged it.
        kept = value.clone()
        return Deferred(lambda: _read_item(kept))
    # Into pinned memory: a copy to pageable memory would make the host wait for the device.
    host = torch.empty((), dtype=value.dtype, pin_memory=True)
    host.copy_(value, non_blocking=True)
    copied = torch.cuda.Event()
    copied.record(torch.cuda.current_stream(value.device))

    def read() -> float | int:
        copied.synchronize()
        return _read_item(host)

    return Deferred(read)


def _read_item(value: Any) -> float | int:
    item = value.item()
    return item if isinstance(item, (int, float)) else float(item)


def _kind(value: Any) -> str:
    return f"a {type(value).__module__.partition('.')[0]} {type(value).__name__}"


def _why_not(value: Any) -> str:
    if value is None:
        return "None: leave the key out where there is no value"
    if isinstance(value, (str, bytes)):
        return f"the string {value[:40]!r}: expected a number; use run.text, or run.config for settings"
    if isinstance(value, Mapping):
        return "a dict: expected a number; write its keys into the name, as in 'train/loss'"
    if isinstance(value, (list, tuple, set)):
        return (
            f"a {type(value).__name__} of {len(value)}: expected a number; log its mean, or use run.histogram"
        )
    if isinstance(value, complex):
        return "a complex number: log its magnitude, or the two parts apart"
    return f"a {type(value).__name__}: expected a number or a 0-d tensor"
