"""GANs in Lightning: `Trainer(callbacks=[GanMonitor(samples=...)])`, instead of `LiveStream`.

With manual optimization `step` counts every optimizer's steps, as `trainer.global_step` does, and
`batch` the batches: N of them, however many optimizers step on each.
"""

# ruff: noqa: D102 - the hooks are Lightning's, and described there

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from livecb.callbacks import lightning_trainer as asked
from livecb.callbacks.base import Session, during
from livecb.callbacks.gan_alerts import Rule
from livecb.callbacks.gan_monitor import Monitor, Sampling, held
from livecb.callbacks.lightning import LiveStream
from livecb.run import Run
from livecb.watch import measure, norm_of, parameters_of

__all__ = ["GanMonitor"]


class GanMonitor(LiveStream):
    """A `LiveStream` for Lightning that also draws samples, measures gradients and gives a GAN's alerts.

    See `livecb.callbacks.base.Stream` for the other arguments.

    Args:
        samples: Called with the LightningModule, every `every_n_batches` batches: draws pictures
            N×C×H×W, in 0..1 or -1..1, from a noise that stays the same.
        every_n_batches: Batches between two grids of samples.
        optimizers: What the players are called, in the order of `configure_optimizers`, as in
            `("D", "G")`; as Lightning's `LearningRateMonitor` calls them if left out.
        real_samples: Real pictures, as `samples` draws them: what the diversity is held against.
        value_range: What is black and what is white in the samples, where it is neither 0..1 nor -1..1.
        alerts: Rules; `[Divergence(), Collapse()]` if left out, `[]` for none.
        d_loss: Under which name the module logs the discriminator's loss.
        g_loss: Under which name it logs the generator's.
    """

    def __init__(
        self,
        *,
        samples: Callable[[Any], Any] | None = None,
        every_n_batches: int = 100,
        optimizers: Sequence[str] = (),
        real_samples: Any = None,
        value_range: tuple[float, float] | None = None,
        alerts: Sequence[Rule] | None = None,
        d_loss: str = "d_loss",
        g_loss: str = "g_loss",
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        self.sampling = Sampling(samples, every_n_batches, real_samples, value_range, alerts)
        self.optimizers = list(optimizers)
        self._losses = {d_loss: "loss/D", g_loss: "loss/G"}

    @during
    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        players = zip(self.optimizers, trainer.optimizers, strict=False)
        names = [name for name, each in players if each is optimizer]
        if names:
            self._session.rates.update(measure(self.run, optimizer, parameters_of(optimizer), names[0]))
            return
        super().on_before_optimizer_step(trainer, pl_module, optimizer)
        rate = next(iter(asked.rates(trainer.optimizers, optimizer)))
        key = "grad_norm" + rate.removeprefix("lr").partition("/")[0]
        self._session.rates.update(norm_of(self.run, key, parameters_of(optimizer)))

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        super().on_train_start(trainer, pl_module)
        self._offer_samples(pl_module)

    # Every rank comes to the helm in it, also those that record nothing.
    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)
        self._draw_if_due(pl_module)

    @during
    def _offer_samples(self, module: Any) -> None:
        if self._helm is None:
            return
        if self.sampling.samples is None:
            self._helm.offer("sample", "GanMonitor was given no samples=")
        else:
            self._helm.offer("sample", lambda: self._session.monitor.draw_now(module, **self._where()))

    @during
    def _draw_if_due(self, module: Any) -> None:
        self._session.monitor.end_batch(module, **self._where())

    def _where(self) -> dict[str, Any]:
        session = self._session
        return {"step": session.step, "batch": session.batch, "epoch": session.run.epoch}

    def _make_session(self, run: Run, owned: bool) -> Session:
        session = super()._make_session(run, owned)
        session.monitor = Monitor(run, self.sampling)  # type: ignore[attr-defined]
        return session

    def _read(self, trainer: Any, loader: int | None = None) -> dict[str, Any]:
        values = super()._read(trainer, loader)
        if loader is not None:
            return values
        known = held(values)
        losses = {ours: known[name] for name, ours in self._losses.items() if name in known}
        place = {"step": trainer.global_step, "batch": self._session.batch}
        self._session.monitor.see(losses, **place)
        return known

    def _close(self) -> Session | None:
        if self._session is not None:
            self._session.monitor.close()
        return super()._close()
