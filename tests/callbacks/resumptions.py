"""Each framework's own way to go on: trainings that end, and the same ones gone on with from what they saved."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boosters
import courses
import keras
import numpy as np
import skorch
import tiny
import torch
from skorch.callbacks import LoadInitState, TrainEndCheckpoint

from livecb.callbacks import accelerate, fastai, optuna
from livecb.callbacks import keras as livecb_keras
from livecb.callbacks import skorch as livecb_skorch

Record = list[tuple[int, float]]


class Interrupted(Exception):
    """What ends the first half."""


@dataclass
class Resumption:
    """A way to go on.

    Attributes:
        begin: Trains in a folder, and saves. May raise `Interrupted`.
        go_on: Trains on; returns what the framework itself reports of one metric, by step.
        metric: Which one.
        reached: Steps that the first half came to.
        saved: Steps that stand in what it saved.
        alone: Whether what it saved says which run that is.
        total: Steps in all.
    """

    begin: Callable[..., None]
    go_on: Callable[..., Record]
    metric: str
    reached: int
    saved: int
    alone: bool
    total: int


# Keras: 5 batches an epoch

X = np.random.default_rng(0).normal(size=(10, 4)).astype("float32")


def keras_model() -> Any:
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.0625), "mse")
    return model


def fit(model: Any, epochs: int, *callbacks: Any, first: int = 0, **settings: Any) -> Record:
    live = livecb_keras.LiveStream(**courses.QUIET | settings)
    told = model.fit(
        X, X.sum(axis=1), batch_size=2, epochs=epochs, initial_epoch=first, verbose=0, callbacks=[*callbacks, live]
    )  # fmt: skip
    return [(5 * (epoch + 1), loss) for epoch, loss in zip(told.epoch, told.history["loss"], strict=True)]


class Interrupt(keras.callbacks.Callback):
    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if int(self.model.optimizer.iterations) == 7:
            raise Interrupted


def begin_backed_up(folder: Path, **settings: Any) -> None:
    fit(keras_model(), 3, keras.callbacks.BackupAndRestore(folder / "backup"), Interrupt(), **settings)


def go_on_backed_up(folder: Path, **settings: Any) -> Record:
    return fit(keras_model(), 3, keras.callbacks.BackupAndRestore(folder / "backup"), **settings)


def begin_keras(folder: Path, **settings: Any) -> None:
    fit(keras_model(), 1, keras.callbacks.ModelCheckpoint(folder / "1.keras"), **settings)


def go_on_keras(folder: Path, **settings: Any) -> Record:
    return fit(keras.models.load_model(folder / "1.keras"), 3, first=1, **settings)


def begin_weights(folder: Path, **settings: Any) -> None:
    model = keras_model()
    fit(model, 1, **settings)
    np.save(folder / "weights.npy", np.concatenate([each.ravel() for each in model.get_weights()]))


def go_on_weights(folder: Path, **settings: Any) -> Record:
    model, saved = keras_model(), np.load(folder / "weights.npy")
    model.set_weights([saved[:4].reshape(4, 1), saved[4:]])
    return fit(model, 3, first=1, **settings)


# skorch: 5 batches an epoch


def train_skorch(folder: Path, epochs: int, **settings: Any) -> Record:
    torch.manual_seed(7)
    left = TrainEndCheckpoint(dirname=str(folder / "left"))
    live = livecb_skorch.LiveStream(**courses.QUIET | settings)
    net = skorch.NeuralNetRegressor(
        courses.Net, max_epochs=epochs, lr=0.1, batch_size=2, verbose=0, train_split=None,
        callbacks=[("load", LoadInitState(left)), ("left", left), ("live", live)],
    )  # fmt: skip
    net.fit(*tiny.dataset(10).tensors)
    losses = net.history[:, "train_loss"]
    return [(5 * epoch, loss) for epoch, loss in enumerate(losses, 1)][-epochs:]


# fastai: 5 batches an epoch


def begin_fastai(folder: Path, **settings: Any) -> None:
    learn = courses.learner(folder)
    with learn.no_bar(), learn.no_logging():
        learn.fit(1, 0.1, cbs=fastai.LiveStream(**courses.QUIET | settings))
    learn.save("one")


def go_on_fastai(folder: Path, *, counted: bool = True, **settings: Any) -> Record:
    learn = courses.learner(folder)
    learn.load("one")
    live = fastai.LiveStream(**courses.QUIET | settings)
    with learn.no_bar(), learn.no_logging():
        learn.fit(3, 0.1, cbs=live, start_epoch=1) if counted else learn.fit(2, 0.1, cbs=live)
    losses = [row[0] for row in learn.recorder.values if len(row)]  # none of a skipped epoch
    return [(10, losses[-2]), (15, losses[-1])]


def go_on_fastai_anew(folder: Path, **settings: Any) -> Record:
    return go_on_fastai(folder, counted=False, **settings)


# Accelerate: 5 batches an epoch


def train_accelerate(folder: Path, steps: range, load: bool, **settings: Any) -> Record:
    live = accelerate.LiveStream(**courses.QUIET | settings)
    accelerator, model, optimizer, loader, _ = courses.accelerated(live)
    accelerator.init_trackers("house")
    if load:
        accelerator.load_state(folder / "state")
    told = []
    for step, (x, y) in zip(steps, [*loader] * 3, strict=False):
        loss = torch.nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        accelerator.backward(loss)
        optimizer.step()
        accelerator.log({"loss": loss}, step=step)
        told.append((step, loss.item()))
        if step == 5:
            accelerator.save_state(folder / "state")
    accelerator.end_training()
    return told


def begin_accelerate(folder: Path, **settings: Any) -> None:
    train_accelerate(folder, range(1, 8), load=False, **settings)


def go_on_accelerate(folder: Path, **settings: Any) -> Record:
    return train_accelerate(folder, range(6, 16), load=True, **settings)


# Boosters


def begin_booster(name: str) -> Callable[..., None]:
    def begin(folder: Path, **settings: Any) -> None:
        found = boosters.train(name, boosters.live_stream(name, **settings), rounds=5)
        found.model.save_model(str(folder / "model"))

    return begin


def go_on_booster(name: str, metric: str) -> Callable[..., Record]:
    def go_on(folder: Path, **settings: Any) -> Record:
        path, before = str(folder / "model"), None
        if name == "catboost":
            before = importlib.import_module(name).CatBoostClassifier().load_model(path)
        found = boosters.train(name, boosters.live_stream(name, **settings), rounds=10, before=before or path)
        return [(5 + at, value) for at, value in enumerate(found.reported[metric], 1)]

    return go_on


def snapshots(folder: Path, *callbacks: Any) -> Any:
    catboost = importlib.import_module("catboost")
    model = catboost.CatBoostClassifier(
        iterations=15, learning_rate=0.3, depth=2, thread_count=1, verbose=0, save_snapshot=True,
        snapshot_interval=0, train_dir=str(folder / "info"),
    )  # fmt: skip
    model.fit(*boosters.TRAIN, eval_set=boosters.VAL, callbacks=list(callbacks))
    return model


class Fail:
    def after_iteration(self, info: Any) -> bool:
        if info.iteration == 5:
            raise Interrupted
        return True


def begin_snapshots(folder: Path, **settings: Any) -> None:
    try:
        snapshots(folder, boosters.live_stream("catboost", **settings), Fail())
    except importlib.import_module("catboost").CatBoostError as error:
        raise Interrupted from error


def go_on_snapshots(folder: Path, **settings: Any) -> Record:
    model = snapshots(folder, boosters.live_stream("catboost", **settings))
    losses = model.get_evals_result()["learn"]["Logloss"]
    return list(enumerate(losses, 1))[4:]  # the snapshot is made after the callbacks were called


# Optuna


def optimize(folder: Path, trials: int, **settings: Any) -> Record:
    module = importlib.import_module("optuna")
    backend = importlib.import_module("optuna.storages.journal").JournalFileBackend(str(folder / "journal"))
    study = module.create_study(
        study_name="house", storage=module.storages.JournalStorage(backend), load_if_exists=True,
        sampler=module.samplers.RandomSampler(seed=1),
    )  # fmt: skip
    live = optuna.LiveStream(**courses.QUIET | settings)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1) ** 2, n_trials=trials, callbacks=[live])
    return [(trial.number + 1, trial.value) for trial in study.trials][-trials:]


def begin_skorch(folder: Path, **settings: Any) -> None:
    train_skorch(folder, 1, **settings)


def go_on_skorch(folder: Path, **settings: Any) -> Record:
    return train_skorch(folder, 2, **settings)


def begin_study(folder: Path, **settings: Any) -> None:
    optimize(folder, 5, **settings)


def go_on_study(folder: Path, **settings: Any) -> Record:
    return optimize(folder, 10, **settings)


RESUMPTIONS = {
    "keras, BackupAndRestore": Resumption(begin_backed_up, go_on_backed_up, "loss", 7, 5, True, 15),
    "keras, ModelCheckpoint": Resumption(begin_keras, go_on_keras, "loss", 5, 5, False, 15),
    "keras, weights": Resumption(begin_weights, go_on_weights, "loss", 5, 5, False, 15),
    "skorch": Resumption(begin_skorch, go_on_skorch, "train_loss", 5, 5, True, 15),
    "fastai": Resumption(begin_fastai, go_on_fastai, "train_loss", 5, 5, False, 15),
    "fastai, counted anew": Resumption(begin_fastai, go_on_fastai_anew, "train_loss", 5, 5, False, 15),
    "accelerate": Resumption(begin_accelerate, go_on_accelerate, "loss", 7, 5, False, 15),
    "xgboost": Resumption(
        begin_booster("xgboost"), go_on_booster("xgboost", "train/logloss"), "train/logloss", 5, 5, True, 15
    ),
    "lightgbm": Resumption(
        begin_booster("lightgbm"),
        go_on_booster("lightgbm", "train/binary_logloss"),
        "train/binary_logloss",
        5,
        5,
        False,
        15,
    ),
    "catboost": Resumption(
        begin_booster("catboost"),
        go_on_booster("catboost", "learn/Logloss"),
        "learn/Logloss",
        5,
        5,
        False,
        15,
    ),
    "catboost, snapshot": Resumption(begin_snapshots, go_on_snapshots, "learn/Logloss", 5, 4, True, 15),
    "optuna": Resumption(begin_study, go_on_study, "value", 5, 5, True, 15),
}
