from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
import torch

from livecb.errors import ValueRefused
from livecb.media import histogram


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int64, np.uint8])
def test_an_array_is_counted_as_its_list_is(kind: type) -> None:
    values = (np.random.default_rng(0).random(1000) * 200).astype(kind)
    counts, edges = histogram(values, bins=7)
    assert sum(counts) == 1000
    assert [edges[0], edges[-1]] == pytest.approx([values.min(), values.max()])
    plain_counts, plain_edges = histogram(values.tolist(), bins=7)
    assert edges == pytest.approx(plain_edges)
    # A number on an edge may round to either side of it.
    assert counts == pytest.approx(plain_counts, abs=2)


def test_numbers_that_are_not_finite_are_left_out_of_an_array() -> None:
    assert histogram(np.array([[0.0, math.nan], [math.inf, 1.0]]), bins=2) == ([1, 1], [0.0, 0.5, 1.0])
    with pytest.raises(ValueRefused, match="finite"):
        histogram(np.array([math.nan]))


def test_numbers_that_are_all_the_same_fill_one_bin() -> None:
    assert histogram(np.full(5, 3.0), bins=2) == histogram([3.0] * 5, bins=2) == ([5, 0], [3.0, 4.0, 5.0])


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16, torch.float32, torch.bool])
def test_tensors_of_any_kind_are_counted(kind: torch.dtype) -> None:
    values = torch.tensor([0, 0, 1], dtype=kind).requires_grad_(kind.is_floating_point)
    assert histogram(values, bins=2) == ([2, 1], [0.0, 0.5, 1.0])


def test_numpy_is_not_loaded_to_count() -> None:
    code = (
        "import sys; from livecb.media import histogram; histogram([1.0, 2.0]); print('numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
