"""Lightning: the right value on the right axis, whatever the module does."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import tiny
import torch
from lightning.pytorch.callbacks import LearningRateMonitor, ModelCheckpoint
from lightning.pytorch.utilities import CombinedLoader
from torch.utils.data import DataLoader, IterableDataset

from livecb import events
from livecb.callbacks.base import batch_size
from livecb.testing import Recorded

Net = tiny.module_class(pl)


def fit(
    folder: Path, module: Any = None, train: Any = None, val: Any = None, callbacks: Any = (), **settings: Any
) -> Any:
    """Train with our callback; return the trainer."""
    trainer = tiny.trainer_of(pl, folder, [tiny.live_stream("lightning"), *callbacks], **settings)
    trainer.fit(module or Net(), train if train is not None else tiny.loader(), val)
    return trainer


def metrics(recorded: Recorded, context: str = "train") -> list[events.Metrics]:
    return [event for event in recorded.of(events.Metrics) if event.context == context]


def test_a_loss_that_the_module_does_not_log_is_taken_from_its_step(
    recorded: Recorded, tmp_path: Path
) -> None:
    losses = []

    class Silent(Net):
        def training_step(self, batch: Any, batch_idx: int) -> Any:
            loss = self.loss(batch)
            losses.append(loss.item())
            return {"loss": loss, "more": 1}

    fit(tmp_path, Silent(), max_epochs=1)
    assert [event.values["loss"] for event in metrics(recorded)] == losses


def test_under_accumulation_that_loss_is_not_the_share_of_it(recorded: Recorded, tmp_path: Path) -> None:
    losses = []

    class Silent(Net):
        def training_step(self, batch: Any, batch_idx: int) -> Any:
            losses.append(self.loss(batch))
            return losses[-1]

    fit(tmp_path, Silent(), max_epochs=1, accumulate_grad_batches=2)
    assert [event.values["loss"] for event in metrics(recorded)] == [losses[n].item() for n in (1, 3, 4)]


def test_no_value_is_shown_again_when_it_was_not_logged_again(recorded: Recorded, tmp_path: Path) -> None:
    class Seldom(Net):
        def training_step(self, batch: Any, batch_idx: int) -> Any:
            if batch_idx % 2 == 0:
                self.log("seldom", float(batch_idx), on_step=True)
            self.log("mean", float(batch_idx), on_step=False, on_epoch=True)
            return None if batch_idx == 3 else self.loss(batch)

    fit(tmp_path, Seldom())
    recorded_values = tiny.steps_of(recorded.events)
    assert recorded_values["seldom"] == [(1, 0.0), (3, 2.0), (5, 4.0), (6, 0.0), (8, 2.0), (10, 4.0)]
    assert recorded_values["mean"] == [(5, 2.0), (10, 2.0)]
    assert [step for step, _ in recorded_values["loss"]] == [1, 2, 3, 5, 6, 7, 8, 10]


def test_values_logged_in_any_hook_stand_at_their_own_step(recorded: Recorded, tmp_path: Path) -> None:
    class Everywhere(Net):
        def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
            self.log("after_batch", float(self.trainer.global_step), on_step=True)

        def on_before_optimizer_step(self, optimizer: Any) -> None:
            self.log("before_step", float(self.trainer.global_step), on_step=True)

        def on_train_epoch_end(self) -> None:
            self.log("after_epoch", float(self.trainer.current_epoch))

        def on_validation_epoch_end(self) -> None:
            self.log("after_val", float(self.trainer.current_epoch))

    fit(tmp_path, Everywhere(), tiny.loader(4), tiny.loader(2))
    recorded_values = tiny.steps_of(recorded.events)
    assert recorded_values["after_batch"] == [(1, 1.0), (2, 2.0), (3, 3.0), (4, 4.0)]
    assert recorded_values["before_step"] == [(1, 0.0), (2, 1.0), (3, 2.0), (4, 3.0)]
    assert recorded_values["after_epoch"] == [(2, 0.0), (4, 1.0)]
    assert recorded_values["after_val"] == [(2, 0.0), (4, 1.0)]


def test_what_is_not_meant_for_loggers_is_not_recorded(recorded: Recorded, tmp_path: Path) -> None:
    class Private(Net):
        def training_step(self, batch: Any, batch_idx: int) -> Any:
            self.log("mine", 1.0, logger=False, prog_bar=True)
            self.log("ours", 1.0, prog_bar=True)
            return self.loss(batch)

    fit(tmp_path, Private(), max_epochs=1)
    assert set(tiny.steps_of(recorded.events)) == {"ours", "loss", "lr"}


def test_with_two_optimizers_a_batch_is_counted_once(recorded: Recorded, tmp_path: Path) -> None:
    class Gan(Net):
        automatic_optimization = False

        def __init__(self) -> None:
            super().__init__()
            self.automatic_optimization = False

        def training_step(self, batch: Any, batch_idx: int) -> None:
            for name, optimizer in zip("gd", self.optimizers(), strict=True):
                loss = self.loss(batch)
                optimizer.zero_grad()
                self.manual_backward(loss)
                optimizer.step()
                self.log(f"{name}_loss", loss)

        def configure_optimizers(self) -> Any:
            return [torch.optim.SGD(self.parameters(), 0.1), torch.optim.SGD(self.parameters(), 0.2)]

    trainer = fit(tmp_path, Gan(), max_epochs=1)
    assert trainer.global_step == 10
    told = metrics(recorded)
    assert [(event.step, event.batch, event.samples) for event in told] == [
        (2, 1, 2), (4, 2, 4), (6, 3, 6), (8, 4, 8), (10, 5, 10),
    ]  # fmt: skip
    assert set(told[0].values) == {"g_loss", "d_loss", "lr-SGD", "lr-SGD-1"}
    assert (told[0].values["lr-SGD"], told[0].values["lr-SGD-1"]) == (0.1, 0.2)
    last = recorded.of(events.Progress)[-1]
    assert (last.done, last.total, last.unit) == (5, 5, "batch")


def test_the_learning_rate_is_the_one_that_was_used(recorded: Recorded, tmp_path: Path) -> None:
    logger = tiny.logger_of(pl)
    fit(tmp_path, callbacks=[LearningRateMonitor(logging_interval="step")], logger=logger)
    used = [0.1 * 0.5**step for step in range(10)]
    assert tiny.steps_of(recorded.events)["lr"] == [
        (n + 1, pytest.approx(rate)) for n, rate in enumerate(used)
    ]
    assert [value for _, value in tiny.steps_of(recorded.events)["lr"]] == [
        pytest.approx(value) for _, value in logger.reported["lr-SGD"]
    ]


def test_each_group_of_parameters_has_its_learning_rate(recorded: Recorded, tmp_path: Path) -> None:
    class Groups(Net):
        def configure_optimizers(self) -> Any:
            first, _, last = self.net
            rate = torch.tensor(0.2)
            groups = [{"params": first.parameters()}, {"params": last.parameters(), "lr": rate}]
            return torch.optim.Adam(groups, lr=0.1)

    fit(tmp_path, Groups(), max_epochs=1)
    values = metrics(recorded)[0].values
    assert values["lr-Adam/pg1"] == 0.1
    assert values["lr-Adam/pg2"] == pytest.approx(0.2)


def test_several_training_loaders_make_one_batch_and_no_guess_at_samples(
    recorded: Recorded, tmp_path: Path
) -> None:
    class Both(Net):
        def training_step(self, batch: Any, batch_idx: int) -> Any:
            return sum(self.loss(part) for part in batch.values() if part is not None)

    loaders = {"a": tiny.loader(6), "b": tiny.loader(8)}
    fit(tmp_path, Both(), CombinedLoader(loaders, "max_size"), max_epochs=1)
    assert [(event.batch, event.epoch, event.samples) for event in metrics(recorded)] == [
        (1, 0.25, None), (2, 0.5, None), (3, 0.75, None), (4, 1.0, None),
    ]  # fmt: skip


def test_several_validation_loaders_keep_lightnings_names(recorded: Recorded, tmp_path: Path) -> None:
    class Sets(Net):
        def validation_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> None:
            self.log("val_loss", float(dataloader_idx))

    fit(tmp_path, Sets(), val=[tiny.loader(4), tiny.loader(6)], max_epochs=1)
    (event,) = metrics(recorded, "val")
    assert event.values == {"val_loss/dataloader_idx_0": 0.0, "val_loss/dataloader_idx_1": 1.0}
    bars = [event for event in recorded.of(events.Progress) if event.phase == "validate"]
    assert (bars[-1].done, bars[-1].total) == (5, 5)


def test_validation_within_an_epoch_stands_at_its_fraction(recorded: Recorded, tmp_path: Path) -> None:
    fit(tmp_path, train=tiny.loader(8), val=tiny.loader(2), max_epochs=1, val_check_interval=0.5)
    assert [(event.step, event.epoch) for event in metrics(recorded, "val")] == [(2, 0.5), (4, 1.0)]
    assert [event.step for event in recorded.of(events.Metrics) if "loss_epoch" in event.values] == [4]


def test_values_of_single_validation_batches_are_recorded_one_by_one(
    recorded: Recorded, tmp_path: Path
) -> None:
    class Steps(Net):
        def validation_step(self, batch: Any, batch_idx: int) -> None:
            self.log("val_x", float(batch_idx), on_step=True, on_epoch=True)

    fit(tmp_path, Steps(), val=tiny.loader(6), max_epochs=1)
    assert [event.values for event in metrics(recorded, "val")] == [
        {"val_x_step": 0.0}, {"val_x_step": 1.0}, {"val_x_step": 2.0}, {"val_x_epoch": 1.0},
    ]  # fmt: skip


def test_unknown_lengths_are_left_out(recorded: Recorded, tmp_path: Path) -> None:
    class Stream(IterableDataset[Any]):
        def __iter__(self) -> Iterator[Any]:
            return iter(tiny.dataset(6))

    fit(tmp_path, train=DataLoader(Stream(), batch_size=2), val=DataLoader(Stream(), batch_size=2))
    assert recorded.of(events.Config)[0].totals == events.Totals(epochs=2)
    assert all(event.total is None for event in recorded.of(events.Progress))
    steps = [event for event in metrics(recorded) if "loss_step" in event.values]
    assert [(event.step, event.epoch, event.samples) for event in steps[2:5]] == [
        (3, 0, 6), (4, 1, 8), (5, 1, 10),
    ]  # fmt: skip


def test_steps_that_are_limited_are_the_total(recorded: Recorded, tmp_path: Path) -> None:
    trainer = fit(tmp_path, max_steps=4, max_epochs=-1, accumulate_grad_batches=2)
    totals = recorded.of(events.Config)[0].totals
    assert totals == events.Totals(epochs=1.4, steps=4, batches=7, batches_per_epoch=5)
    last = recorded.of(events.Progress)[-1]
    assert (last.done, last.total, trainer.global_step) == (4, 4, 4)
    assert (last.batch, last.epoch) == (7, pytest.approx(1.4))
    assert recorded.events[-1].status == "completed"
    assert recorded.events[-1].reason is None


@pytest.mark.parametrize(
    ("settings", "totals"),
    [
        ({"max_epochs": -1}, (None, None, None, 5)),
        ({"max_epochs": 3, "max_steps": 100}, (3, 15, 15, 5)),
        ({"max_epochs": 2, "limit_train_batches": 2}, (2, 4, 4, 2)),
    ],
)
def test_totals_are_what_the_settings_make_of_them(
    settings: Any, totals: tuple[Any, ...], recorded: Recorded, tmp_path: Path
) -> None:
    class Short(pl.Callback):
        def on_train_batch_end(self, trainer: Any, *args: Any) -> None:
            trainer.should_stop = True

    fit(tmp_path, callbacks=[Short()], **settings)
    assert recorded.of(events.Config)[0].totals == events.Totals(*totals)


def test_accumulation_that_changes_leaves_the_steps_unknown(recorded: Recorded, tmp_path: Path) -> None:
    changing = pl.callbacks.GradientAccumulationScheduler({0: 1, 1: 2})
    fit(tmp_path, callbacks=[changing])
    assert recorded.of(events.Config)[0].totals == events.Totals(epochs=2, batches=10, batches_per_epoch=5)
    assert [event.step for event in metrics(recorded) if "lr" in event.values] == [1, 2, 3, 4, 5, 6, 7, 8]


def test_hyperparameters_are_those_that_were_saved(recorded: Recorded, tmp_path: Path) -> None:
    class Data(pl.LightningDataModule):
        def __init__(self, size: int = 4, secret: str = "x") -> None:
            super().__init__()
            self.save_hyperparameters(ignore="secret")

        def train_dataloader(self) -> Any:
            return tiny.loader(self.hparams.size)

    trainer = tiny.trainer_of(pl, tmp_path, [tiny.live_stream("lightning", config={"rate": "mine"})])
    trainer.fit(Net(0.25, depth=3, nan=math.nan), Data())
    config = recorded.of(events.RunStarted)[0].config
    assert (config["depth"], config["size"], config["rate"]) == (3, 4, "mine")
    assert math.isnan(config["nan"])
    assert config["model"] == {"class": "Net", "parameters": 19, "trainable_parameters": 19}
    assert config["trainer"]["max_epochs"] == 2
    assert "secret" not in config


def test_hyperparameters_kept_from_loggers_are_not_recorded(recorded: Recorded, tmp_path: Path) -> None:
    class Private(Net):
        def __init__(self, key: str = "k") -> None:
            pl.LightningModule.__init__(self)
            self.save_hyperparameters(logger=False)
            self.net = tiny.network()

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), 0.1)

    module = Private()
    fit(tmp_path, module, max_epochs=1)
    assert "key" not in recorded.of(events.RunStarted)[0].config


def test_a_checkpoint_names_the_metric_it_was_saved_for(recorded: Recorded, tmp_path: Path) -> None:
    best = ModelCheckpoint(tmp_path / "best", monitor="val_loss", save_top_k=2, save_last=True)
    fit(tmp_path, val=tiny.loader(4), callbacks=[best], max_epochs=3)
    saved = recorded.of(events.Checkpoint)
    values = dict(tiny.steps_of(recorded.events)["val_loss"])
    assert {event.metric for event in saved} == {"val_loss"}
    assert all(event.value == values[event.step] for event in saved)
    assert [Path(event.path).name for event in saved if event.path.endswith("last.ckpt")] == ["last.ckpt"] * 3
    assert {event.path for event in saved} >= {*best.best_k_models, best.last_model_path}


def test_checkpoints_every_few_steps_stand_at_their_step(recorded: Recorded, tmp_path: Path) -> None:
    fit(tmp_path, callbacks=[ModelCheckpoint(tmp_path / "c", every_n_train_steps=2, save_top_k=-1)])
    assert [event.step for event in recorded.of(events.Checkpoint)] == [2, 4, 6, 8, 10]


def test_a_loss_that_is_no_number_is_alerted_of_once(recorded: Recorded, tmp_path: Path) -> None:
    class Diverging(Net):
        def training_step(self, batch: Any, batch_idx: int) -> Any:
            loss = self.loss(batch) * (math.nan if batch_idx >= 2 else 1)
            self.log("train_loss", loss)
            return loss

    fit(tmp_path, Diverging(), max_epochs=1)
    (alert,) = recorded.of(events.Alert)
    assert (alert.title, alert.text, alert.step) == ("Non-finite loss", "train_loss is nan", 3)
    assert math.isnan(metrics(recorded)[-1].values["train_loss"])


def test_names_seen_only_in_skipped_steps_do_not_leak_into_other_contexts(
    recorded: Recorded, tmp_path: Path
) -> None:
    trainer = tiny.trainer_of(pl, tmp_path, [tiny.live_stream("lightning", every_n_steps=100)])
    trainer.fit(Net(), tiny.loader(), tiny.loader(4))
    assert [(event.context, set(event.values)) for event in recorded.of(events.Metrics)] == [
        ("val", {"val_loss"}), ("train", {"loss_epoch"}),
    ] * 2  # fmt: skip


def test_the_size_of_a_batch_is_what_its_parts_agree_on() -> None:
    x, y = torch.zeros(3, 2), torch.zeros(3)
    assert batch_size(x) == batch_size((x, y)) == batch_size({"x": x, "deep": [y, {"more": y}]}) == 3
    assert batch_size([x, torch.zeros(2)]) is None
    assert batch_size(["some", "text"]) is None
    assert batch_size(torch.zeros(())) is None
