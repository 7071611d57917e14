"""What each of two processes does that train one model, while readers ask rank 0: called by `pairs.pair`."""

from __future__ import annotations

import os
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import tiny
import torch
from accelerate import Accelerator
from courses import QUIET, Net, SkorchReader
from skorch import NeuralNetRegressor
from skorch.hf import AccelerateMixin
from skorch.history import DistributedHistory

from livecb.callbacks import helm, skorch
from livecb.callbacks.gan import GanMonitor
from livecb.callbacks.transformers import SampleCallback
from livecb.control.commands import wish
from wishes import became, hf_reader, lightning_reader, tell


class Slow(tiny.module_class(pl)):  # type: ignore[misc]
    def training_step(self, batch: Any, batch_idx: int) -> Any:
        time.sleep(0.01)
        return super().training_step(batch, batch_idx)

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), 0.1)


def steer(live: Any) -> None:
    """Ask one thing after the other, as a person would."""

    def ask() -> None:
        wait(lambda: live.run._looks)
        for wished in (
            wish("pause", by="ada"),
            wish("resume", by="ada"),
            wish("sample", by="ada"),
            wish("set", 0.5, parameter="lr", by="ada"),
            wish("stop", by="ada"),
        ):
            tell(live.run, wished)
            wait(partial(became, live.run, wished))
            if wished.name == "pause":
                time.sleep(0.5)  # the pause that the test looks for
            elif wished.name != "stop":
                seen = int(live.run.step) + 2
                wait(lambda seen=seen: int(live.run.step) > seen)  # some steps that the test can see

    threading.Thread(target=ask, daemon=True).start()


def wait(condition: Any) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def train_lightning(folder: str) -> Any:
    live = GanMonitor(
        samples=lambda module: torch.rand(4, 1, 8, 8), every_n_batches=10**6, alerts=[], sinks=[], capture=None, system_interval=0
    )  # fmt: skip
    reader = lightning_reader(pl, {}, live)
    trainer = tiny.trainer_of(pl, Path(folder), [reader, live], strategy="ddp", devices=2, max_epochs=1)

    class Begin(pl.Callback):  # type: ignore[misc]
        def on_train_start(self, trainer: Any, module: Any) -> None:
            if trainer.is_global_zero:
                steer(live)

    trainer.callbacks.append(Begin())
    trainer.fit(Slow(), tiny.loader(2000))
    return {"steps": trainer.global_step, "rates": reader.rates}


def train_alone(folder: str) -> None:
    """Only rank 0 has our callback."""
    helm._ALL_HERE_SECONDS = 1.0
    callbacks = [] if os.environ.get("LOCAL_RANK", "0") != "0" else [tiny.live_stream("lightning")]
    trainer = tiny.trainer_of(pl, Path(folder), callbacks, strategy="ddp", devices=2, max_epochs=1)
    trainer.fit(Slow(), tiny.loader(16))


def train_transformers(folder: str) -> Any:
    live = tiny.live_stream("transformers")
    reader = hf_reader({}, live)

    class Slowly(type(reader)):  # type: ignore[misc]
        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if state.is_world_process_zero:
                steer(live)

        def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            time.sleep(0.01)

    slowly = Slowly()
    # One process is asked, and takes its time; the other is to wait for it.
    asks = SampleCallback(["2 plus 2 is"], 10**6, predict=lambda model, prompt: time.sleep(0.5) or "4")
    trainer = tiny.hf_trainer(
        Path(folder) / "out", [live, slowly, asks], num_train_epochs=1, train_dataset=tiny.rows(4000), learning_rate=0.1,
        lr_scheduler_type="constant", logging_steps=50,
    )  # fmt: skip
    trainer.train()
    return {"steps": trainer.state.global_step, "rates": slowly.rates}


class MeanSquares(torch.nn.MSELoss):
    """With a parameter, which Accelerate wants of all that it prepares for several processes without GPUs."""

    def __init__(self) -> None:
        super().__init__()
        self.nothing = torch.nn.Parameter(torch.zeros(()))

    def forward(self, found: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
        return super().forward(found, true) + 0 * self.nothing


class Accelerated(AccelerateMixin, NeuralNetRegressor):  # type: ignore[misc]
    pass


class SlowReader(SkorchReader):
    def on_batch_end(self, net: Any, training: Any = None, **kwargs: Any) -> None:
        time.sleep(0.01)
        if net.accelerator.is_main_process:
            super().on_batch_end(net, training=training, **kwargs)
        else:
            self.rates_.append(net.optimizer_.param_groups[0]["lr"])


def train_skorch(folder: str, port: int) -> Any:
    """Train twice: with a history in each process, and with one that they share."""
    os.chdir(folder)
    wishes = {
        3: [wish("set", 0.05, parameter="lr", by="ada")],
        6: [wish("save")],
        9: [wish("stop", by="ada")],
    }
    x, y = tiny.dataset(16).tensors
    told = []
    for shared in (False, True):
        accelerator = Accelerator(cpu=True)
        own = {}
        if shared:
            rank = accelerator.process_index
            store = torch.distributed.TCPStore("127.0.0.1", port, 2, rank == 0)
            own["history"] = DistributedHistory(store=store, rank=rank, world_size=2)
        live = skorch.LiveStream(**QUIET)
        net = Accelerated(
            Net, criterion=MeanSquares, accelerator=accelerator, max_epochs=60, lr=0.01, batch_size=2, verbose=0,
            train_split=None, callbacks=[live, ("reader", SlowReader(wishes, live))], **own,
        ).fit(x, y)  # fmt: skip
        weights = [each.tolist() for each in net.module_.state_dict().values()]
        rates = dict(net.callbacks_)["reader"].rates_
        told.append(
            {"rates": rates, "weights": weights, "rows": [len(row["batches"]) for row in net.history]}
        )
    return told
