from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch

from livecb.testing import Recorded, record

torch.set_num_threads(1)  # for models as small as these more are only slower


@pytest.fixture(autouse=True)
def _quiet() -> None:
    tiny.quiet()


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    """Where the runs of this test are recorded."""
    with record() as recorded:
        yield recorded


@pytest.fixture(params=["lightning.pytorch", "pytorch_lightning"])
def either_package(request: pytest.FixtureRequest) -> Any:
    """`lightning.pytorch`, then `pytorch_lightning`."""
    return importlib.import_module(request.param)


@pytest.fixture(scope="module", params=list(tiny.TRAIN))
def watched(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tiny.Watched:
    """The same training in each framework: 10 samples, batches of 2, accumulated by 2, 2 epochs."""
    tiny.quiet()
    name: str = request.param
    train = tiny.TRAIN[name]
    folder: Path = tmp_path_factory.mktemp("training")
    untouched = train(name, [], folder / "untouched")
    with record() as recorded:
        outcome = train(name, [tiny.live_stream(name)], folder / "watched")
    return tiny.Watched(name, recorded.events, outcome, untouched)
