"""GANs in Lightning: N batches and not 2N, and all that a loop written by hand has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gans
import lightning.pytorch as pl
import pytest
import tiny
import torch
from gans import Gan
from torch.nn.functional import binary_cross_entropy_with_logits as bce

from livecb import events
from livecb.callbacks.gan import GanMonitor
from livecb.errors import LivecbWarning
from livecb.testing import Recorded

QUIET: dict[str, Any] = {"sinks": [], "capture": None, "system_interval": 0}


def module_of(package: Any, rates: tuple[float, float] = (1e-3, 1e-3)) -> Any:
    """Return a GAN on digits under manual optimization; it notes what it logs."""

    class Digits(package.LightningModule):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.automatic_optimization = False
            gan = Gan(rates)
            self.D, self.G, self.noise = gan.D, gan.G, gan.noise
            self.rates = rates
            self.told: list[dict[str, float]] = []

        def training_step(self, real: torch.Tensor, batch_idx: int) -> None:
            opt_d, opt_g = self.optimizers()
            fake, ones, zeros = (
                self.G(torch.randn(len(real), gans.NOISE)),
                torch.ones(len(real), 1),
                torch.zeros(len(real), 1),
            )
            told = {"d_loss": bce(self.D(real), ones) + bce(self.D(fake.detach()), zeros)}
            told["d_norm"] = self.turn(opt_d, told["d_loss"])
            told["g_loss"] = bce(self.D(fake), ones)
            told["g_norm"] = self.turn(opt_g, told["g_loss"])
            self.log_dict({name: told[name] for name in ("d_loss", "g_loss")})
            self.told.append({name: float(torch.as_tensor(value).detach()) for name, value in told.items()})

        def turn(self, optimizer: Any, loss: torch.Tensor) -> Any:
            optimizer.zero_grad()
            self.manual_backward(loss)
            norm = gans.norm(optimizer)
            optimizer.step()
            return norm

        def configure_optimizers(self) -> Any:
            nets = zip((self.D, self.G), self.rates, strict=True)
            return [torch.optim.Adam(net.parameters(), rate, betas=(0.5, 0.99)) for net, rate in nets]

    return Digits()


def fit(package: Any, folder: Path, live: Any, module: Any = None, count: int = 256, **settings: Any) -> Any:
    module = module or module_of(package)
    callbacks = [] if live is None else [live]
    tiny.trainer_of(package, folder, callbacks, enable_checkpointing=False, **settings).fit(
        module, gans.loader(count)
    )
    return module


def of(recorded: Recorded, name: str) -> list[events.Metrics]:
    return [event for event in recorded.of(events.Metrics) if name in event.values]


def test_n_batches_are_n_and_both_losses_stand_on_them(
    recorded: Recorded, tmp_path: Path, either_package: Any
) -> None:
    module = fit(either_package, tmp_path, GanMonitor(**QUIET))
    assert module.trainer.global_step == 32
    for name in ("d_loss", "g_loss"):
        found = of(recorded, name)
        assert [event.batch for event in found] == list(range(1, 17))
        assert [event.step for event in found] == list(range(2, 33, 2))
        assert [event.epoch for event in found] == [batch / 8 for batch in range(1, 17)]
        assert [event.values[name] for event in found] == [told[name] for told in module.told]
    last = recorded.of(events.Progress)[-1]
    assert (last.done, last.total, last.unit) == (16, 16, "batch")
    assert recorded.events[-1].status == "completed"


def test_each_optimizer_has_its_gradient_norm_beside_its_rate(recorded: Recorded, tmp_path: Path) -> None:
    module = fit(pl, tmp_path, GanMonitor(**QUIET), module_of(pl, (1e-3, 2e-3)))
    for player, name in (("d", "Adam"), ("g", "Adam-1")):
        assert [event.values[f"grad_norm-{name}"] for event in of(recorded, f"grad_norm-{name}")] == [
            pytest.approx(told[f"{player}_norm"]) for told in module.told
        ]
    assert [event.values["lr-Adam-1"] for event in of(recorded, "lr-Adam-1")] == [2e-3] * 16


def test_the_players_can_be_called_by_their_names(recorded: Recorded, tmp_path: Path) -> None:
    module = fit(pl, tmp_path, GanMonitor(optimizers=("D", "G"), **QUIET), module_of(pl, (1e-3, 2e-3)))
    assert set(of(recorded, "d_loss")[0].values) == {
        "d_loss", "g_loss", "lr/D", "lr/G", "grad_norm/D", "grad_norm/G",
    }  # fmt: skip
    for name, rate in (("D", 1e-3), ("G", 2e-3)):
        found = of(recorded, f"lr/{name}")
        assert [event.values[f"lr/{name}"] for event in found] == [rate] * 16
        assert [event.values[f"grad_norm/{name}"] for event in found] == [
            pytest.approx(told[f"{name.lower()}_norm"]) for told in module.told
        ]


def test_samples_are_drawn_by_the_module_every_n_batches(recorded: Recorded, tmp_path: Path) -> None:
    fit(pl, tmp_path, GanMonitor(samples=lambda gan: gan.G(gan.noise), every_n_batches=4, **QUIET))
    assert [(image.batch, image.step, image.epoch) for image in recorded.of(events.Image)] == [
        (4, 8, 0.5), (8, 16, 1.0), (12, 24, 1.5), (16, 32, 2.0),
    ]  # fmt: skip
    assert [event.batch for event in of(recorded, "diversity")] == [4, 8, 12, 16]


def test_the_training_is_the_one_without_it_to_the_last_bit(recorded: Recorded, tmp_path: Path) -> None:
    def draw(gan: Any) -> torch.Tensor:
        pictures: torch.Tensor = gan.G(torch.randn(4, gans.NOISE))
        return pictures

    ends = []
    for live in (GanMonitor(samples=draw, every_n_batches=1, **QUIET), None):
        module = fit(pl, tmp_path, live)
        ends.append([*module.state_dict().values(), torch.get_rng_state()])
        assert all(each.training for each in module.modules())
    assert len(recorded.of(events.Image)) == 16
    assert all(torch.equal(*pair) for pair in zip(*ends, strict=True))


def test_alerts_go_by_the_losses_that_the_module_logs(recorded: Recorded, tmp_path: Path) -> None:
    fit(pl, tmp_path, GanMonitor(**QUIET), module_of(pl, (1e-2, 1e-5)), 1024, max_epochs=8)
    (alert,) = recorded.of(events.Alert)
    assert alert.title == "The discriminator has won"
    assert 200 <= (alert.batch or 0) < 256
    assert alert.step == 2 * (alert.batch or 0)


def test_a_collapse_is_alerted_of(recorded: Recorded, tmp_path: Path) -> None:
    live = GanMonitor(
        samples=lambda gan: gan.G(gan.noise), every_n_batches=10, real_samples=gans.digits(16), **QUIET
    )
    fit(pl, tmp_path, live, module_of(pl, (1e-5, 1e-2)), 1024)
    assert {alert.title for alert in recorded.of(events.Alert)} == {"Mode collapse"}


def test_nothing_is_alerted_of_a_gan_that_learns(recorded: Recorded, tmp_path: Path) -> None:
    live = GanMonitor(
        samples=lambda gan: gan.G(gan.noise), every_n_batches=10, real_samples=gans.digits(16), **QUIET
    )
    fit(pl, tmp_path, live, count=1024, max_epochs=8)
    assert recorded.of(events.Alert) == []


def test_samples_that_cannot_be_drawn_are_said_once_and_the_rest_goes_on(
    recorded: Recorded, tmp_path: Path
) -> None:
    with pytest.warns(LivecbWarning, match="no samples are drawn any more: AttributeError") as said:
        fit(
            pl, tmp_path, GanMonitor(samples=lambda gan: gan.generator(gan.noise), every_n_batches=2, **QUIET)
        )
    assert len([each for each in said if issubclass(each.category, LivecbWarning)]) == 1
    assert len(of(recorded, "g_loss")) == 16


def test_a_training_that_is_no_gan_is_shown_as_any_other(recorded: Recorded, tmp_path: Path) -> None:
    trainer = tiny.trainer_of(pl, tmp_path, [GanMonitor(**QUIET)])
    trainer.fit(tiny.module_class(pl)(), tiny.loader(), tiny.loader(4))
    assert [event.step for event in of(recorded, "grad_norm")] == list(range(1, 11))
    assert len(of(recorded, "val_loss")) == 2
    assert recorded.events[-1].status == "completed"


def test_a_training_that_fails_has_its_last_samples(recorded: Recorded, tmp_path: Path) -> None:
    class Fails(pl.Callback):
        def on_train_batch_start(self, trainer: Any, *args: Any) -> None:
            if trainer.global_step == 6:
                raise ZeroDivisionError

    live = GanMonitor(samples=lambda gan: gan.G(gan.noise), every_n_batches=1, **QUIET)
    trainer = tiny.trainer_of(pl, tmp_path, [live, Fails()], enable_checkpointing=False)
    with pytest.raises(ZeroDivisionError):
        trainer.fit(module_of(pl), gans.loader())
    assert [image.batch for image in recorded.of(events.Image)] == [1, 2, 3]
    assert recorded.events[-1].status == "failed"
