"""Trainings so small that each takes a blink, and what their framework itself says of them."""

from __future__ import annotations

import importlib
import logging
import warnings
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader, TensorDataset

from livecb import events

Reported = dict[str, list[tuple[int, float]]]


@dataclass
class Outcome:
    """What a training came to: values by name as the framework reported them, and the weights."""

    reported: Reported
    weights: list[torch.Tensor]
    trainer: Any = None


@dataclass
class Watched:
    """A training with our callback: what it recorded beside what it came to."""

    framework: str
    events: list[Any]
    outcome: Outcome
    untouched: Outcome
    """The same training without the callback."""
    about: dict[str, Any] = field(default_factory=dict)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


def dataset(size: int, seed: int = 0) -> TensorDataset:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(size, 4, generator=generator)
    return TensorDataset(x, x.sum(1, keepdim=True))


def loader(size: int = 10, batch: int = 2, *, shuffle: bool = False) -> DataLoader[Any]:
    return DataLoader(dataset(size), batch_size=batch, shuffle=shuffle)


def network() -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Dropout(0.5), torch.nn.Linear(3, 1))


def quiet() -> None:
    """Have the frameworks say nothing of what they think of trainings as small as these."""
    for name in ("lightning.pytorch", "pytorch_lightning", "transformers"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"(lightning|pytorch_lightning|torch|transformers)\b")


def steps_of(recorded: list[Any]) -> Reported:
    """Return what was recorded as metrics, by name, in the shape of what frameworks report."""
    found: Reported = defaultdict(list)
    for event in recorded:
        if isinstance(event, events.Metrics):
            for name, value in event.values.items():
                found[name].append((event.step, value))
    return dict(found)


def story(recorded: list[Any]) -> list[str]:
    """Return the sequence of events in words, without those that depend on the clock."""
    words = {
        events.RunStarted: lambda event: "run_started",
        events.Status: lambda event: f"{event.status} {event.phase}",
        events.Metrics: lambda event: f"metrics {event.context} @{event.step}",
        events.Checkpoint: lambda event: f"checkpoint @{event.step}",
        events.RunEnded: lambda event: f"run_ended {event.status}",
    }
    return [words[type(event)](event) for event in recorded if type(event) in words]


# Lightning


def module_class(package: Any) -> type[Any]:
    """Return a LightningModule of the package (`lightning.pytorch` or `pytorch_lightning`)."""

    class Net(package.LightningModule):  # type: ignore[misc,name-defined]
        def __init__(self, rate: float = 0.1, **hparams: Any) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.net = network()

        def loss(self, batch: Any) -> torch.Tensor:
            x, y = batch
            return torch.nn.functional.mse_loss(self.net(x), y)

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            loss = self.loss(batch)
            self.log("loss", loss, on_step=True, on_epoch=True)
            return loss

        def validation_step(self, batch: Any, batch_idx: int) -> None:
            self.log("val_loss", self.loss(batch))

        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.SGD(self.parameters(), self.hparams.rate)
            return [optimizer], [
                {"scheduler": torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5), "interval": "step"}
            ]

    return Net


def logger_of(package: Any) -> Any:
    """Return a Lightning logger that keeps what it is told, with steps counted from 1."""

    class Memory(package.loggers.logger.Logger):  # type: ignore[misc,name-defined]
        name = "memory"
        version = 0

        def __init__(self) -> None:
            self.reported: Reported = defaultdict(list)

        def log_hyperparams(self, *args: Any, **kwargs: Any) -> None: ...

        def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
            for name, value in metrics.items():
                if name != "epoch":
                    self.reported[name].append(((step or 0) + 1, value))

    return Memory()


def trainer_of(package: Any, folder: Path, callbacks: Any = (), **settings: Any) -> Any:
    settings = {"max_epochs": 2, "num_sanity_val_steps": 0, "logger": False, "accelerator": "cpu"} | settings
    return package.Trainer(
        callbacks=list(callbacks),
        default_root_dir=folder,
        enable_progress_bar=False,
        enable_model_summary=False,
        log_every_n_steps=1,
        **settings,
    )


def train_lightning(name: str, callbacks: list[Any], folder: Path) -> Outcome:
    package = importlib.import_module(name)
    package.seed_everything(7, verbose=False)
    logger = logger_of(package)
    trainer = trainer_of(package, folder, callbacks, logger=logger, accumulate_grad_batches=2)
    module = module_class(package)()
    trainer.fit(module, loader(shuffle=True), loader(4))
    return Outcome(dict(logger.reported), [each.detach().clone() for each in module.parameters()], trainer)


# transformers


class Regressor(torch.nn.Module):
    """A model as the Trainer wants it: a dict with the loss comes out."""

    def __init__(self) -> None:
        super().__init__()
        self.net = network()

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        y = self.net(x)
        return {"loss": torch.nn.functional.mse_loss(y, labels), "logits": y}


def rows(size: int = 10) -> list[dict[str, torch.Tensor]]:
    return [{"x": x, "labels": y} for x, y in dataset(size)]


def hf_trainer(folder: Path, callbacks: Any = (), **settings: Any) -> Any:
    import transformers

    data = {"train_dataset": rows(), "eval_dataset": rows(4), "model": None}
    for name in (*data, "compute_metrics", "optimizers", "model_init"):
        if name in settings:
            data[name] = settings.pop(name)
    torch.manual_seed(7)
    if data["model"] is None and "model_init" not in data:
        data["model"] = Regressor()
    settings = {
        "num_train_epochs": 2, "per_device_train_batch_size": 2, "per_device_eval_batch_size": 2,
        "logging_steps": 1, "report_to": [], "disable_tqdm": True, "use_cpu": True, "save_strategy": "no",
    } | settings  # fmt: skip
    trainer = transformers.Trainer(
        args=transformers.TrainingArguments(str(folder), **settings), callbacks=list(callbacks), **data
    )
    trainer.remove_callback(transformers.PrinterCallback)
    return trainer


def train_transformers(name: str, callbacks: list[Any], folder: Path) -> Outcome:
    trainer = hf_trainer(
        folder, callbacks, gradient_accumulation_steps=2, eval_strategy="epoch", save_strategy="epoch"
    )
    trainer.train()
    return Outcome(
        reported_by(trainer), [each.detach().clone() for each in trainer.model.parameters()], trainer
    )


def reported_by(trainer: Any) -> Reported:
    """Return a transformers trainer's own history, without its words at the end."""
    found: Reported = defaultdict(list)
    for entry in trainer.state.log_history:
        if "train_runtime" not in entry:
            for name, value in entry.items():
                if name not in ("epoch", "step"):
                    found[name].append((entry["step"], value))
    return dict(found)


TRAIN = {
    "lightning.pytorch": train_lightning,
    "pytorch_lightning": train_lightning,
    "transformers": train_transformers,
}


def live_stream(framework: str, **settings: Any) -> Any:
    """Return our callback for a framework, with nothing in it that depends on the clock."""
    module = framework if framework in ("accelerate", "transformers") else "lightning"
    settings = {"sinks": [], "system_interval": 0, "capture": None} | settings
    return importlib.import_module(f"livecb.callbacks.{module}").LiveStream(**settings)
