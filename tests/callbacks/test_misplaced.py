"""The callback of one framework, given to another: said with the cure, and the training goes on."""

from __future__ import annotations

import copy
import importlib
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")

import boosters
import keras
import numpy as np
import optuna
import pytest
import skorch
import tiny
import torch

from livecb.errors import LivecbWarning
from livecb.testing import Recorded

X = np.ones((4, 4), "float32")


def train_keras(stream: Any, folder: Path) -> int:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    data = {"validation_data": (X, X[:, :1]), "verbose": 0, "epochs": 2}
    return len(model.fit(X, X[:, :1], callbacks=[stream], **data).epoch)


def train_skorch(stream: Any, folder: Path) -> int:
    net = skorch.NeuralNetRegressor(
        torch.nn.Linear(4, 1), max_epochs=2, train_split=None, verbose=0, callbacks=[stream]
    )
    return len(net.fit(X, X[:, :1]).history)


def train_lightning(stream: Any, folder: Path) -> int:
    return int(tiny.train_lightning("lightning.pytorch", [stream], folder).trainer.current_epoch)


def train_transformers(stream: Any, folder: Path) -> int:
    return int(tiny.train_transformers("transformers", [stream], folder).trainer.state.epoch)


def train_lightgbm(stream: Any, folder: Path) -> int:
    return int(boosters.train("lightgbm", stream, rounds=2).model.num_trees())


def train_catboost(stream: Any, folder: Path) -> int:
    return int(boosters.train("catboost", stream, rounds=2).model.tree_count_)


def train_optuna(stream: Any, folder: Path) -> int:
    study = optuna.create_study()
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2, callbacks=[stream])
    return len(study.trials)


TRAIN = {
    "catboost": train_catboost,
    "lightgbm": train_lightgbm,
    "optuna": train_optuna,
    "keras": train_keras,
    "lightning": train_lightning,
    "skorch": train_skorch,
    "transformers": train_transformers,
}


def stream_of(framework: str) -> Any:
    return importlib.import_module(f"livecb.callbacks.{framework}").LiveStream(sinks=[])


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (ours, theirs)
        for ours in (*TRAIN, "accelerate", "fastai", "sklearn", "xgboost")
        for theirs in TRAIN
        if ours != theirs
    ],
)
def test_it_is_said_once_with_what_to_import_and_the_training_goes_on(
    ours: str, theirs: str, recorded: Recorded, tmp_path: Path
) -> None:
    stream = stream_of(ours)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", LivecbWarning)
        assert TRAIN[theirs](stream, tmp_path) == 2
    (text,) = [str(each.message) for each in said if each.category is LivecbWarning]
    assert f"was given the LiveStream of livecb.callbacks.{ours}" in text
    assert text.endswith(f"use that of livecb.callbacks.{theirs}")
    assert recorded.runs == []


def test_what_a_callback_has_not_is_missing_to_everybody_else() -> None:
    stream = stream_of("keras")
    assert not hasattr(stream, "on_fit_start")
    with pytest.raises(AttributeError, match="'LiveStream' object has no attribute 'on_fit_start'"):
        copy.copy(stream).on_fit_start()


@pytest.mark.parametrize(
    ("framework", "extra", "package"),
    [
        ("Accelerate", "accelerate", "accelerate"),
        ("fastai", "fastai", "fastai"),
        ("Keras", "keras", "keras"),
        ("PyTorch", "gan", "torch"),
        ("scikit-learn", "sklearn", "sklearn"),
        ("skorch", "skorch", "skorch"),
        ("transformers", "transformers", "transformers"),
    ],
)
def test_a_framework_that_is_not_installed_is_named_with_what_to_install(
    framework: str, extra: str, package: str
) -> None:
    code = f"import sys; sys.modules[{package!r}] = None; import livecb.callbacks.{extra}"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert f"livecb.callbacks.{extra} needs {framework}: pip install 'livecb[{extra}]'" in result.stderr
