"""A learning rate that is set stays set, whatever schedule goes on from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.optim import lr_scheduler as lr

from livecb.callbacks.rates import rate_control
from livecb.errors import CommandRefused

SCHEDULES: dict[str, Callable[[Any], Any]] = {
    "step": lambda o: lr.StepLR(o, 3, 0.5),
    "exponential": lambda o: lr.ExponentialLR(o, 0.9),
    "constant lambda": lambda o: lr.LambdaLR(o, lambda step: 1.0),
    "linear lambda": lambda o: lr.LambdaLR(o, lambda step: 1 - step / 20),
    "multiplicative": lambda o: lr.MultiplicativeLR(o, lambda step: 0.95),
    "cosine": lambda o: lr.CosineAnnealingLR(o, 15),
    "restarts": lambda o: lr.CosineAnnealingWarmRestarts(o, 5),
    "linear": lambda o: lr.LinearLR(o, 0.1, 1.0, 8),
    "polynomial": lambda o: lr.PolynomialLR(o, 15),
    "one cycle": lambda o: lr.OneCycleLR(o, 0.5, total_steps=15),
    "cyclic": lambda o: lr.CyclicLR(o, 0.1, 0.5, step_size_up=3),
    "warm-up, then cosine": lambda o: lr.SequentialLR(
        o, [lr.LinearLR(o, 0.1, 1.0, 4), lr.CosineAnnealingLR(o, 10)], [4]
    ),
}


def rates(make: Callable[[Any], Any] | None, change_at: int | None = None, to: float = 0.25) -> list[float]:
    """Return the rate of each of 12 steps; one is set after step `change_at`."""
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], 0.1, momentum=0.9)
    scheduler = None if make is None else make(optimizer)
    control = rate_control("lr", optimizer, [] if scheduler is None else [scheduler])
    used = []
    for step in range(12):
        used.append(optimizer.param_groups[0]["lr"])
        weight.grad = torch.ones(1)
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        if step == change_at:
            control.set(to)
            assert control.now() == to
    return used


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_goes_on_in_its_shape_from_the_rate_that_was_set(name: str) -> None:
    plain, changed = rates(SCHEDULES[name]), rates(SCHEDULES[name], change_at=5)
    assert changed[:6] == plain[:6]
    assert changed[6] == 0.25
    ratio = 0.25 / plain[6]
    assert changed[6:] == pytest.approx([rate * ratio for rate in plain[6:]])


def test_a_rate_without_a_schedule_stays() -> None:
    assert rates(None, change_at=5) == [0.1] * 6 + [0.25] * 6


def test_groups_keep_their_ratio_and_tensors_are_filled() -> None:
    first, second = (torch.nn.Parameter(torch.zeros(1)) for _ in range(2))
    optimizer = torch.optim.Adam(
        [{"params": [first]}, {"params": [second], "lr": torch.tensor(0.02)}], lr=0.1
    )
    held = optimizer.param_groups[1]["lr"]
    rate_control("lr", optimizer, []).set(0.05)
    assert optimizer.param_groups[0]["lr"] == 0.05
    assert optimizer.param_groups[1]["lr"] is held
    assert float(held) == pytest.approx(0.01)


def test_a_schedule_that_stands_at_zero_cannot_be_scaled_and_says_so() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], 0.1)
    control = rate_control("lr", optimizer, [lr.LambdaLR(optimizer, lambda step: step / 5)])
    with pytest.raises(CommandRefused, match="at 0 now"):
        control.set(0.5)
    with pytest.raises(CommandRefused, match="to be at least 0, got"):
        control.set(-1.0)


def test_the_schedule_of_another_optimizer_is_left_alone() -> None:
    ours, other = (torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], 0.1) for _ in range(2))
    schedule = lr.LambdaLR(other, lambda step: 1.0)
    assert rate_control("lr", ours, [schedule]).set(0.5) is None
    assert schedule.base_lrs == [0.1]


def test_a_rate_that_an_unknown_schedule_would_overwrite_is_not_set() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], 0.1)
    control = rate_control("lr", optimizer, [], knows_all=False)
    control.set(0.2)
    schedule = lr.ExponentialLR(optimizer, 0.5)
    with pytest.raises(CommandRefused, match="a schedule would overwrite it"):
        control.set(0.3)
    rate_control("lr", optimizer, [schedule], knows_all=False).set(0.3)
    assert optimizer.param_groups[0]["lr"] == 0.3
