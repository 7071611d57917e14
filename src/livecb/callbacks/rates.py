"""Setting a learning rate so that it stays: in the optimizer, and in the schedulers that would overwrite it.

A schedule goes on from the new rate in its own shape: what it computes from the rate it began with is
scaled by as much as the rate was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from livecb.control.parameter import Control
from livecb.errors import CommandRefused

__all__ = ["rate_control"]

_OF_SCHEDULERS = ("base_lrs", "max_lrs")
_OF_GROUPS = ("initial_lr", "max_lr", "min_lr")


def rate_control(name: str, optimizer: Any, schedulers: Iterable[Any], *, knows_all: bool = True) -> Control:
    """Return the learning rate of a torch optimizer as a parameter that readers may set.

    Where its groups have several rates, the first is set, and the others keep their ratio to it.

    Args:
        name: What readers call it.
        optimizer: The optimizer, or what a framework wraps it in.
        schedulers: The learning-rate schedulers of the training; others' are left alone.
        knows_all: Whether there are no others. Where there may be, a rate that one of them would overwrite
            is not set.
    """
    inner = getattr(optimizer, "optimizer", optimizer)
    ours = [each for scheduler in schedulers for each in _with_parts(scheduler) if _steps(each, inner)]

    def read() -> float:
        return float(inner.param_groups[0]["lr"])

    def change(rate: float) -> str | None:
        if not knows_all and not ours and "initial_lr" in inner.param_groups[0]:
            raise CommandRefused(
                "a schedule would overwrite it: name it, as in LiveStream(schedulers=[scheduler])"
            )
        return _change(inner.param_groups, ours, read(), rate)

    return Control(name, read(), min=0.0, on_change=change, read=read)


def _change(groups: list[dict[str, Any]], schedulers: list[Any], old: float, new: float) -> str | None:
    if schedulers and old == 0.0:
        raise CommandRefused("the schedule has it at 0 now, which cannot be scaled: ask again when it is not")
    ratio = new / old if old else 1.0
    for group in groups:
        _put(group, "lr", new if float(group["lr"]) == old or not old else float(group["lr"]) * ratio)
        for name in _OF_GROUPS:
            if schedulers and isinstance(group.get(name), float | int):
                group[name] = group[name] * ratio
    for scheduler in schedulers:
        for name in _OF_SCHEDULERS:
            if isinstance(known := getattr(scheduler, name, None), list):
                setattr(scheduler, name, [rate * ratio for rate in known])
    kinds = dict.fromkeys(type(scheduler).__name__ for scheduler in schedulers)
    return f"{', '.join(kinds)} goes on from it" if kinds else None


def _put(group: dict[str, Any], name: str, rate: float) -> None:
    if hasattr(group[name], "fill_"):  # a tensor, which a compiled or captured step reads
        group[name].fill_(rate)
    else:
        group[name] = rate


def _with_parts(scheduler: Any) -> Iterator[Any]:
    inner = getattr(scheduler, "scheduler", scheduler)  # accelerate wraps it
    yield inner
    for part in getattr(inner, "_schedulers", ()):
        yield from _with_parts(part)


def _steps(scheduler: Any, optimizer: Any) -> bool:
    held = getattr(scheduler, "optimizer", None)
    return getattr(held, "optimizer", held) is optimizer
