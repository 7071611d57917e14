"""What a stopping criterion may be, and what meets it."""

from __future__ import annotations

import math
from typing import Any

import pytest

from livecb.control.criterion import Criterion
from livecb.errors import CriterionError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("val/acc > 0.98", ("val/acc", ">", 0.98)),
        ("val_loss<=1e-3", ("val_loss", "<=", 0.001)),
        ("  intermediate/trial 7 >= -2 ", ("intermediate/trial 7", ">=", -2.0)),
        ("share < 1 m < 3", ("share < 1 m", "<", 3.0)),
    ],
)
def test_a_criterion_is_a_name_a_sign_and_a_number(text: str, expected: tuple[Any, ...]) -> None:
    assert Criterion.parse(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "loss", "loss = 3", "loss == 3", "> 3", "loss <", "loss < low", "loss < nan", "a > inf", 3, None],
)
def test_what_is_no_criterion_is_refused_and_what_is_one_is_said(text: Any) -> None:
    with pytest.raises(CriterionError, match=r"expected NAME > NUMBER|expected a finite number after"):
        Criterion.parse(text)


@pytest.mark.parametrize("text", ["val/acc >> 3", "loss => 3", "loss =< 3", "loss <= < 3", "loss != > 3"])
def test_a_sign_that_is_none_is_not_a_part_of_the_name(text: str) -> None:
    with pytest.raises(CriterionError, match=r"expected one of >, >=, < and <= between name and number, got"):
        Criterion.parse(text)


def test_nothing_of_a_criterion_is_evaluated() -> None:
    with pytest.raises(CriterionError):
        Criterion.parse("loss < __import__('os').getpid()")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.9812345, "acc 0.9812 > 0.98"),
        (0.98000001, "acc 0.98000001 > 0.98"),
        (1, "acc 1 > 0.98"),
        (math.inf, "acc inf > 0.98"),
        (0.98, None),
        (math.nan, None),
        ("high", None),
    ],
)
def test_how_it_is_met_is_said_with_the_digits_that_tell(value: Any, said: str | None) -> None:
    assert Criterion.parse("acc > 0.98").met({"acc": value, "loss": 9.0}) == said


def test_a_metric_of_another_name_does_not_meet_it() -> None:
    assert Criterion.parse("acc > 0.98").met({"val/acc": 1.0}) is None
