"""The same small training in each framework that obeys readers: a schedule, a rate, and what a stop leaves."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")  # what it is otherwise is not installed

import gans
import keras
import lightning.pytorch as pl
import numpy as np
import skorch
import tiny
import torch
from accelerate import Accelerator
from fastai.basics import DataLoader, DataLoaders, Learner
from fastai.callback import core as fastai_core
from fastai.callback import schedule  # noqa: F401 - gives Learner its methods
from fastai.optimizer import SGD
from skorch.callbacks import Callback, LoadInitState, LRScheduler, TrainEndCheckpoint

from livecb.callbacks import accelerate, fastai, gan
from livecb.callbacks import keras as livecb_keras
from livecb.callbacks import skorch as livecb_skorch
from livecb.control.commands import Asked
from wishes import hf_reader, lightning_reader, tell

Wishes = Mapping[int, list[Asked]]
QUIET: dict[str, Any] = {"sinks": [], "system_interval": 0, "capture": None}


@dataclass
class Driven:
    """What a training came to.

    Attributes:
        rates: The learning rate of each step.
        weights: What was trained, as the training left it.
    """

    rates: list[float]
    weights: list[Any]


@dataclass
class Course:
    """A training that can be steered.

    Attributes:
        train: Trains in a folder, while somebody asks after some steps, and records as the settings say.
        load: Returns the weights in a checkpoint that a stop left.
        rate: What readers call the learning rate.
        late: Steps that are still made after a stop.
    """

    train: Callable[..., Driven]
    load: Callable[[str], list[Any]]
    rate: str = "lr"
    late: int = 0


def same(one: list[Any], other: list[Any]) -> bool:
    pairs = zip(one, other, strict=True)
    return all(np.array_equal(np.asarray(ours), np.asarray(theirs)) for ours, theirs in pairs)


def weights_of(module: Any) -> list[Any]:
    return [each.detach().clone() for each in module.state_dict().values()]


def lightning(folder: Path, at: Wishes, **settings: Any) -> Driven:
    live = tiny.live_stream("lightning", **settings)
    reader = lightning_reader(pl, at, live)
    module = tiny.module_class(pl)()
    tiny.trainer_of(pl, folder, [reader, live]).fit(module, tiny.loader(), tiny.loader(4))
    return Driven(reader.rates, weights_of(module))


def load_lightning(path: str) -> list[Any]:
    return list(torch.load(path, weights_only=False)["state_dict"].values())


def transformers(folder: Path, at: Wishes, **settings: Any) -> Driven:
    live = tiny.live_stream("transformers", **settings)
    reader = hf_reader(at, live)
    trainer = tiny.hf_trainer(folder, [reader, live], learning_rate=0.1)
    trainer.train()
    return Driven(reader.rates, weights_of(trainer.model))


def load_transformers(path: str) -> list[Any]:
    from safetensors.torch import load_file

    found = load_file(Path(path, "model.safetensors"))
    return [found[name] for name in tiny.Regressor().state_dict()]


class KerasReader(keras.callbacks.Callback):
    async_safe = True

    def __init__(self, at: Wishes, live: Any) -> None:
        super().__init__()
        self.at, self.live = at, live
        self.done = 0

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        tell(self.live.run, *self.at.get(self.done, []))
        self.done += 1


class KerasRates(keras.callbacks.Callback):
    def __init__(self) -> None:
        super().__init__()
        self.rates: list[float] = []

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.rates.append(float(self.model.optimizer.learning_rate))


def train_keras(folder: Path, at: Wishes, **settings: Any) -> Driven:
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    rate = keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)
    model.compile(keras.optimizers.SGD(rate), "mse")
    live, rates = livecb_keras.LiveStream(**QUIET | settings), KerasRates()
    x = np.random.default_rng(0).normal(size=(10, 4)).astype("float32")
    model.fit(
        x, x.sum(axis=1), batch_size=2, epochs=2, verbose=0, callbacks=[KerasReader(at, live), live, rates]
    )
    return Driven(rates.rates, [int(model.optimizer.iterations)])


def load_keras(path: str) -> list[Any]:
    return [int(keras.models.load_model(path).optimizer.iterations)]


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.Linear(4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


class SkorchReader(Callback):
    def __init__(self, at: Wishes, live: Any) -> None:
        self.at, self.live = at, live

    def initialize(self) -> SkorchReader:
        self.rates_: list[float] = []
        return self

    def on_batch_end(self, net: Any, training: Any = None, **kwargs: Any) -> None:
        if training:
            self.rates_.append(net.optimizer_.param_groups[0]["lr"])
            tell(self.live.run, *self.at.get(len(self.rates_), []))


def train_skorch(folder: Path, at: Wishes, **settings: Any) -> Driven:
    torch.manual_seed(7)
    live = livecb_skorch.LiveStream(**QUIET | settings)
    reader = SkorchReader(at, live)
    schedules = LRScheduler(policy="ExponentialLR", gamma=0.5, step_every="batch")
    net = skorch.NeuralNetRegressor(
        Net, max_epochs=2, lr=0.1, batch_size=2, verbose=0, train_split=None,
        callbacks=[("reader", reader), ("schedule", schedules), ("live", live)],
    )  # fmt: skip
    x, y = tiny.dataset(10).tensors
    net.fit(x, y)
    return Driven(dict(net.callbacks_)["reader"].rates_, weights_of(net.module_))


def load_skorch(path: str) -> list[Any]:
    x, y = tiny.dataset(10).tensors
    left = TrainEndCheckpoint(dirname=path)
    net = skorch.NeuralNetRegressor(
        Net, max_epochs=0, lr=0.1, verbose=0, train_split=None, callbacks=[left, LoadInitState(left)]
    )
    net.fit(x, y)
    return weights_of(net.module_)


class FastaiReader(fastai_core.Callback):  # type: ignore[misc]
    order = 61

    def __init__(self, at: Wishes, live: Any) -> None:
        super().__init__()
        self.at, self.live = at, live
        self.rates: list[float] = []

    def before_batch(self) -> None:
        if self.learn.training:
            self.rates.append(float(self.learn.opt.hypers[-1]["lr"]))

    def after_batch(self) -> None:
        if self.learn.training:
            tell(self.live.stream.run, *self.at.get(len(self.rates), []))


def learner(folder: Path) -> Any:
    torch.manual_seed(7)
    data = list(tiny.dataset(14))
    loaders = DataLoaders(DataLoader(data[:10], bs=2), DataLoader(data[10:], bs=2))
    return Learner(loaders, tiny.network(), torch.nn.functional.mse_loss, opt_func=SGD, path=folder)


def train_fastai(folder: Path, at: Wishes, **settings: Any) -> Driven:
    live = fastai.LiveStream(**QUIET | settings)
    reader, learn = FastaiReader(at, live), learner(folder)
    with learn.no_bar(), learn.no_logging():
        learn.fit_one_cycle(2, 0.1, cbs=[reader, live])
    return Driven(reader.rates, weights_of(learn.model))


def load_fastai(path: str) -> list[Any]:
    learn = learner(Path(path).parents[1])
    learn.load(Path(path).stem)
    return weights_of(learn.model)


def accelerated(live: Any = None) -> tuple[Any, ...]:
    torch.manual_seed(7)
    accelerator = Accelerator(log_with=live, cpu=True)
    model = tiny.network()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    return (accelerator, *accelerator.prepare(model, optimizer, tiny.loader(), scheduler))


def train_accelerate(folder: Path, at: Wishes, **settings: Any) -> Driven:
    live = accelerate.LiveStream(**QUIET | settings)
    accelerator, model, optimizer, loader, scheduler = accelerated(live)
    accelerator.init_trackers("house")
    rates = []
    for x, y in live.run.track(loader, epochs=2):
        rates.append(optimizer.param_groups[0]["lr"])
        loss = torch.nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        accelerator.backward(loss)
        optimizer.step()
        scheduler.step()
        tell(live.run, *at.get(len(rates), []))
        accelerator.log({"loss": loss})
    accelerator.end_training()
    return Driven(rates, weights_of(model))


def load_accelerate(path: str) -> list[Any]:
    accelerator, model, *_ = accelerated()
    accelerator.load_state(path)
    return weights_of(model)


def train_gan(folder: Path, at: Wishes, **settings: Any) -> Driven:
    players = gans.Gan()
    scheduler = torch.optim.lr_scheduler.ExponentialLR(players.opt_d, 0.5)
    live = gan.LiveStream(optimizers=players.optimizers, schedulers=[scheduler], **QUIET | settings)

    def save() -> None:
        torch.save(players.G.state_dict(), folder / "G.pt")
        live.run.checkpoint(folder / "G.pt")

    rates: list[float] = []
    with live:
        live.run.offer("save", save)
        for real in live.track(gans.loader(80, 8)):
            rates.append(players.opt_d.param_groups[0]["lr"])
            live.d_step(**players.turn_of_d(real))
            live.g_step(**players.turn_of_g(8))
            scheduler.step()
            tell(live.run, *at.get(len(rates), []))
    return Driven(rates, weights_of(players.G))


def load_gan(path: str) -> list[Any]:
    return list(torch.load(path).values())


COURSES = {
    "lightning": Course(lightning, load_lightning),
    "transformers": Course(transformers, load_transformers),
    "keras": Course(train_keras, load_keras, late=1),
    "skorch": Course(train_skorch, load_skorch),
    "fastai": Course(train_fastai, load_fastai),
    "accelerate": Course(train_accelerate, load_accelerate),
    "gan": Course(train_gan, load_gan, rate="lr/D"),
}
