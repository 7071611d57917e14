"""An interview: how answers are scored, and what is made of scores that are none."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy
import pytest
import torch

import livecb
from livecb import events
from livecb.callbacks.interview import Interview
from livecb.errors import LivecbWarning
from livecb.testing import Recorded

PROMPTS = [{"prompt": "a", "target": "A"}, {"prompt": "b", "target": "x"}, "c"]


def hold(score: Any, prompts: Any = PROMPTS) -> None:
    interview = Interview(prompts, score, 3, 30.0, None, lambda model, prompt: prompt.upper())
    with livecb.init(sinks=[], system_interval=0, capture=None) as run:
        interview.hold(run, torch.nn.Linear(1, 1), None, step=1)


def means(recorded: Recorded) -> Any:
    return [event.values for event in recorded.of(events.Metrics)]


def scored(recorded: Recorded) -> Any:
    return [event.scores for event in recorded.of(events.Sample)]


def equal(prediction: str, target: str) -> bool:
    return prediction == target


@pytest.mark.parametrize(
    ("score", "name"),
    [
        (equal, "equal"),
        ({"mine": equal}, "mine"),
        (lambda prediction, target: numpy.float32(prediction == target), "score"),
        (functools.partial(lambda given, prediction, target: given * (prediction == target), 1), "score"),
        (lambda *args: torch.tensor(args[0] == args[-1] and len(args) == 2), "score"),
    ],
)
def test_a_score_may_be_any_function_of_prediction_and_target(
    score: Any, name: str, recorded: Recorded
) -> None:
    hold(score, PROMPTS[:2])
    assert scored(recorded) == [{name: 1.0}, {name: 0.0}]
    assert means(recorded) == [{f"samples/{name}": 0.5}]


def test_a_score_that_compares_is_left_out_where_there_is_no_target(recorded: Recorded) -> None:
    hold({"equal": equal, "length": len, "maybe": lambda prediction, target=None: target is None})
    both = [{"equal": 1.0, "length": 1.0, "maybe": 0.0}, {"equal": 0.0, "length": 1.0, "maybe": 0.0}]
    assert scored(recorded) == [*both, {"length": 1.0, "maybe": 1.0}]
    assert means(recorded) == [
        {"samples/equal": 0.5, "samples/length": 1.0, "samples/maybe": pytest.approx(1 / 3)}
    ]


def test_a_mean_is_over_finite_scores(recorded: Recorded) -> None:
    hold({"log": lambda prediction, target: math.nan if target == "x" else 2.0, "nan": lambda _: math.nan})
    (values,) = means(recorded)
    assert values["samples/log"] == 2.0
    assert math.isnan(values["samples/nan"])


@pytest.mark.parametrize(
    ("score", "complaint"),
    [
        ("exact", "expected score to be a function or a dict of functions by name, got 'exact': left out"),
        ({"good": len, "bad": 7}, r"expected scores to be functions of prediction and target: \['bad'\] are"),
    ],
)
def test_what_is_no_score_is_named_and_left_out(score: Any, complaint: str, recorded: Recorded) -> None:
    with pytest.warns(LivecbWarning, match=complaint):
        hold(score)
    assert len(scored(recorded)) == 3


def test_what_a_score_raises_is_said_once_and_the_others_count(recorded: Recorded) -> None:
    with pytest.warns(
        LivecbWarning, match="score 'broken' is missing for some answers: ZeroDivisionError"
    ) as caught:
        hold({"broken": lambda prediction: 1 / (prediction == "C"), "length": len})
    assert [each.category for each in caught].count(LivecbWarning) == 1
    assert scored(recorded) == [{"length": 1.0}, {"length": 1.0}, {"broken": 1.0, "length": 1.0}]
    assert means(recorded) == [{"samples/broken": 1.0, "samples/length": 1.0}]
