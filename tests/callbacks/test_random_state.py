"""Random numbers go on as if nobody had drawn any."""

from __future__ import annotations

import contextlib
import random

import numpy
import torch

from livecb.callbacks.random_state import same_random_state


def draw() -> tuple[float, float, float]:
    return random.random(), numpy.random.random(), float(torch.rand(()))


def test_what_is_drawn_after_the_block_is_what_would_have_been() -> None:
    for seed in (random.seed, numpy.random.seed, torch.manual_seed):
        seed(1)
    expected = draw()
    for seed in (random.seed, numpy.random.seed, torch.manual_seed):
        seed(1)
    with contextlib.suppress(RuntimeError), same_random_state([torch.device("cpu"), torch.device("meta")]):
        draw()
        raise RuntimeError
    assert draw() == expected
