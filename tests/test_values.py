from __future__ import annotations

import dataclasses
import enum
import math
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from livecb.errors import ValueRefused
from livecb.values import Deferred, plain, scalar


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (1, 1), (True, 1), (0.5, 0.5), (np.float32(0.5), 0.5), (np.int8(3), 3), (np.bool_(True), 1), (np.array(2.5), 2.5),
        (torch.tensor(1.5), 1.5), (torch.tensor(7), 7), (torch.tensor(True), 1), (torch.tensor(0.5, dtype=torch.bfloat16), 0.5),
        (torch.tensor(0.5, requires_grad=True), 0.5), (Decimal("0.25"), 0.25), (Fraction(1, 4), 0.25), (2**70, float(2**70)),
        (math.inf, math.inf),
    ],
)  # fmt: skip
def test_scalars_of_every_kind_become_python_numbers(value: Any, number: float) -> None:
    read = scalar(value)
    assert read == number
    assert type(read) in (int, float)


@pytest.mark.parametrize(
    ("value", "cure"),
    [
        ("0.5", "run.text"), (None, "leave the key out"), ([1, 2], "a list of 2"), ({"a": 1}, "train/loss"), (1j, "magnitude"),
        (np.zeros(3), r"shape \(3,\)"), (torch.zeros(2, 2), r"shape \(2, 2\)"), (np.array("x"), "real number"),
        (torch.tensor(0.5, device="meta"), "cannot be read"), (object(), "expected a number"), (10**400, "logarithm"),
    ],
)  # fmt: skip
def test_what_is_no_scalar_is_refused_with_the_cure(value: Any, cure: str) -> None:
    with pytest.raises(ValueRefused, match=cure):
        scalar(value)


class FakeDevice:
    type = "npu"


class OnAccelerator:
    """Stands for a 0-d array of a device that this machine does not have."""

    shape = ()
    device = FakeDevice()

    def __init__(self) -> None:
        self.copying = self.waited = False

    def copy_to_host_async(self) -> None:
        self.copying = True

    def item(self) -> float:
        self.waited = True
        return 0.25


def test_a_number_on_an_accelerator_is_sent_for_and_not_waited_for() -> None:
    value = OnAccelerator()
    deferred = scalar(value)
    assert isinstance(deferred, Deferred)
    assert (value.copying, value.waited) == (True, False)
    assert deferred.value is None
    assert deferred.read() == 0.25
    assert deferred.value == 0.25
    assert scalar(deferred) is deferred


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Settings:
    lr: float
    path: Path


class Awkward:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")


def test_configurations_become_plain_json_whatever_they_hold() -> None:
    held = {"s": Settings(0.1, Path("/data")), 3: (1, {2}), "c": Colour.RED, "n": np.arange(3), "t": torch.tensor([1.5]),
            "f": math.sqrt, "a": Awkward(), "b": b"x", "d": Decimal("0.5"), "none": None}  # fmt: skip
    assert plain(held) == {
        "s": {"lr": 0.1, "path": "/data"}, "3": [1, [2]], "c": "red", "n": [0, 1, 2], "t": [1.5], "f": "sqrt",
        "a": "<Awkward whose repr raised RuntimeError>", "b": "b'x'", "d": 0.5, "none": None,
    }  # fmt: skip


def test_a_configuration_that_holds_itself_ends() -> None:
    ring: dict[str, Any] = {}
    ring["ring"] = ring
    assert "ring" in plain(ring)


def test_huge_arrays_in_a_configuration_are_shown_and_not_written_out() -> None:
    assert isinstance(plain(np.zeros(1_000_000)), str)


class Count(int):
    """A number that can do more, as `run.step` can."""


def test_whole_numbers_of_any_class_become_plain_ones() -> None:
    held = plain({"best_step": Count(3)})
    assert (held, type(held["best_step"])) == ({"best_step": 3}, int)


def test_a_number_too_large_for_any_format_is_shown() -> None:
    assert plain([2**64, 10**400]) == [2.0**64, str(10**400)]
