"""A training from the command line, in this process or in one of its own."""

from __future__ import annotations

import importlib
from typing import Any

import tiny


def use_command_line(package: str, config: str) -> None:
    """Train as `main.py fit --config FILE` would; also called in a process of its own."""
    loaded = importlib.import_module(package)

    class Data(loaded.LightningDataModule):  # type: ignore[misc,name-defined]
        def train_dataloader(self) -> Any:
            return tiny.loader()

    class Model(tiny.module_class(loaded)):  # type: ignore[misc]
        def __init__(self, rate: float = 0.1) -> None:
            super().__init__(rate)

    importlib.import_module(f"{package}.cli").LightningCLI(Model, Data, args=["fit", "--config", config])
