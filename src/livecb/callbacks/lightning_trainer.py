"""What a Lightning Trainer says of itself when it is asked: nothing here changes it or records anything.

Imports no framework, and works with the objects of either package.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from livecb.callbacks.base import learning_rates, model_card
from livecb.events import Totals

__all__ = [
    "Checkpoints",
    "epoch",
    "finite",
    "hyperparameters",
    "is_new",
    "loss",
    "rates",
    "totals",
    "why_stopped",
    "without_other_loaders",
]

_SETTINGS = (
    "max_epochs",
    "max_steps",
    "accumulate_grad_batches",
    "gradient_clip_val",
    "precision",
    "num_devices",
)


def hyperparameters(trainer: Any, module: Any) -> dict[str, Any]:
    """Return what module and datamodule saved, and what the model and the trainer's settings are."""
    found = {"model": model_card(module)}
    found["trainer"] = {
        name: value for name in _SETTINGS if (value := getattr(trainer, name, None)) is not None
    }
    for source in (module, trainer.datamodule):
        # As for Lightning's loggers: save_hyperparameters(logger=False) keeps them back.
        if getattr(source, "_log_hyperparams", False):
            found.update(source.hparams)
    return found


def totals(trainer: Any, module: Any) -> Totals:
    """Return how much there is to do, as far as that is known before it is done."""
    batches = finite(trainer.num_training_batches)
    epochs: int | None = trainer.max_epochs if (trainer.max_epochs or -1) > 0 else None
    limit = trainer.max_steps if trainer.max_steps > 0 else None
    if batches is None or not module.automatic_optimization or _accumulation_changes(trainer):
        known = batches * epochs if batches and epochs else None
        return Totals(epochs=epochs, steps=limit, batches=known, batches_per_epoch=batches)
    group = trainer.accumulate_grad_batches
    steps = math.ceil(batches / group)  # of an epoch: its last batch always makes one
    if limit is not None and (epochs is None or limit < epochs * steps):
        whole, rest = divmod(limit, steps)
        seen = whole * batches + rest * group
        return Totals(epochs=seen / batches, steps=limit, batches=seen, batches_per_epoch=batches)
    if epochs is None:
        return Totals(batches_per_epoch=batches)
    return Totals(epochs=epochs, steps=epochs * steps, batches=epochs * batches, batches_per_epoch=batches)


def _accumulation_changes(trainer: Any) -> bool:
    return any(len(getattr(callback, "scheduling", ())) > 1 for callback in trainer.callbacks)


def finite(count: Any) -> int | None:
    """Return a count, None where Lightning has infinity for what it does not know."""
    return int(count) if count is not None and math.isfinite(count) else None


def epoch(trainer: Any) -> float:
    """Return the epochs done, before the first batch of a training: a checkpoint may lie within one."""
    batches = trainer.num_training_batches
    return float(trainer.current_epoch + (trainer.fit_loop.epoch_loop.batch_idx + 1) % batches / batches)


def rates(optimizers: Sequence[Any], stepping: Any) -> dict[str, Any]:
    """Return the learning rates of the optimizer that is about to step, as LearningRateMonitor names them."""
    if len(optimizers) == 1 and len(stepping.param_groups) == 1:
        return learning_rates(stepping, "lr")
    kind = type(stepping)
    alike = [optimizer for optimizer in optimizers if type(optimizer) is kind]
    place = next((place for place, each in enumerate(alike) if each is stepping), 0)
    return learning_rates(stepping, f"lr-{kind.__name__}-{place}" if place else f"lr-{kind.__name__}")


def loss(trainer: Any, outputs: Any) -> dict[str, Any]:
    """Return the loss of a step as `training_step` returned it."""
    loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
    if loss is None:
        return {}
    if trainer.lightning_module.automatic_optimization and trainer.accumulate_grad_batches > 1:
        loss = loss * trainer.accumulate_grad_batches  # Lightning divided it by that
    return {"loss": loss}


def is_new(value: Any, before: Any) -> bool:
    """Whether a value was logged since `before` was read.

    Lightning's dictionaries show old values again, as new tensors on the same memory, which cannot
    have been given to another one as long as we hold `before`.
    """
    if value is before:
        return False
    if {type(value).__name__, type(before).__name__} != {"Tensor"}:  # its subclasses may have no memory
        return True
    return bool(value.data_ptr() != before.data_ptr() or value.data_ptr() == 0)


def without_other_loaders(values: dict[str, Any], loader: int | None) -> dict[str, Any]:
    """Leave out what was reduced for the dataloaders that an evaluation has been through."""
    ours = f"/dataloader_idx_{loader}"
    return {
        name: value for name, value in values.items() if "/dataloader_idx_" not in name or name.endswith(ours)
    }


def why_stopped(trainer: Any) -> str | None:
    """Return why a training came to its end before its time; None if it did not."""
    if not trainer.should_stop:
        return None
    timers = [callback for callback in trainer.callbacks if hasattr(callback, "time_remaining")]
    left = [timer.time_remaining("train") for timer in timers]
    return "max_time" if any(each is not None and each <= 0 for each in left) else "early_stopped"


class Checkpoints:
    """Follows the files that a trainer's checkpoint callbacks write; they save after our hooks."""

    def __init__(self) -> None:
        self._saves: dict[int, Any] = {}
        self._stamps: dict[str, Any] = {}

    def new(self, callbacks: Iterable[Any]) -> Iterator[tuple[str, str | None, float | None]]:
        """Yield path, metric and its value for each checkpoint written since this was last asked."""
        for callback in callbacks:
            save = _last_save(callback)
            if self._saves.get(id(callback)) == save:
                continue
            self._saves[id(callback)] = save
            for path, score in _kept_files(callback).items():
                stamp = _stamp(path) or save
                if self._stamps.get(path) != stamp:
                    self._stamps[path] = stamp
                    # Saving has just copied the whole model to the host: nothing is waited for here.
                    value = None if score is None else float(score)
                    yield path, getattr(callback, "monitor", None), value


def _last_save(callback: Any) -> tuple[Any, ...]:
    """Return what changes whenever a checkpoint callback saves."""
    names = ("_last_global_step_saved", "best_model_path", "last_model_path")
    return tuple(getattr(callback, name, None) for name in names)


def _kept_files(callback: Any) -> dict[str, Any]:
    """Return the checkpoints a callback keeps, each with the score it was saved for."""
    files = dict(getattr(callback, "best_k_models", {}))
    score = getattr(callback, "current_score", None)
    for path in (getattr(callback, "best_model_path", ""), getattr(callback, "last_model_path", "")):
        if path:
            files.setdefault(path, score)
    return files


def _stamp(path: str) -> Any:
    """Return what changes when a file is overwritten; None if it cannot be seen from here."""
    return os.stat(path).st_mtime_ns if os.path.exists(path) else None
