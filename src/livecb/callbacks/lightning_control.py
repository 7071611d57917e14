"""How a Lightning training obeys: between two batches, on all ranks alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from livecb.callbacks.helm import Helm
from livecb.callbacks.lightning_trainer import rates
from livecb.callbacks.rates import rate_control
from livecb.control.parameter import Control
from livecb.control.steering import Offer
from livecb.start import disabled

__all__ = ["take_helm"]


def take_helm(stream: Any, trainer: Any, module: Any) -> Helm:
    """Return what obeys for this rank of a training that begins."""
    run = stream.run if trainer.is_global_zero else disabled()

    def stop() -> str | None:
        trainer.should_stop = True
        # Lightning goes on until then, whoever asks.
        return None if trainer.fit_loop._can_stop_early else "when min_epochs and min_steps are done"

    def save() -> str:
        path = _folder(trainer) / f"livecb-epoch={trainer.current_epoch}-step={trainer.global_step}.ckpt"
        trainer.save_checkpoint(path)  # all ranks together
        run.checkpoint(path)
        return str(path)

    offers: dict[str, Offer] = {
        "stop": stop,
        "save": save,
        "evaluate": "Lightning validates by itself, as val_check_interval and check_val_every_n_epoch say",
        "sample": "Lightning has no samples: offer them by run.offer('sample', function)",
    }
    return Helm(run, trainer.is_global_zero, trainer.world_size, offers, _rates(trainer))


def _rates(trainer: Any) -> list[Control]:
    schedulers = [config.scheduler for config in trainer.lr_scheduler_configs]
    if len(trainer.optimizers) == 1:
        return [rate_control("lr", trainer.optimizers[0], schedulers)]
    names = [next(iter(rates(trainer.optimizers, each))).partition("/")[0] for each in trainer.optimizers]
    return [
        rate_control(name, each, schedulers) for name, each in zip(names, trainer.optimizers, strict=True)
    ]


def _folder(trainer: Any) -> Path:
    """Return where this training's checkpoints go."""
    folder = getattr(trainer.checkpoint_callback, "dirpath", None)
    return Path(folder) if folder else Path(trainer.default_root_dir) / "checkpoints"
