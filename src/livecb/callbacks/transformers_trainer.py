"""What a Hugging Face Trainer says of itself when it is asked: nothing here changes it or records anything.

Imports no framework.
"""

from __future__ import annotations

import dataclasses
import enum
import math
from pathlib import Path
from typing import Any

from livecb.callbacks.sizes import model_card
from livecb.events import Totals

__all__ = ["checkpoint", "hyperparameters", "length", "totals", "trial"]

_ESSENTIAL = (
    "learning_rate",
    "per_device_train_batch_size",
    "gradient_accumulation_steps",
    "num_train_epochs",
    "max_steps",
    "lr_scheduler_type",
    "optim",
    "weight_decay",
    "seed",
)
_OF_THE_MODEL = (
    "model_type",
    "_name_or_path",
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "max_position_embeddings",
)


def totals(args: Any, state: Any, loader: Any) -> Totals:
    """Return how much there is to do, as far as the length of its data is known."""
    steps = state.max_steps or None
    batches = length(loader)
    if not batches or steps is None:
        return Totals(steps=steps)
    group = args.gradient_accumulation_steps
    whole, rest = divmod(steps, max(1, math.ceil(batches / group)))
    seen = whole * batches + rest * group
    return Totals(epochs=seen / batches, steps=steps, batches=seen, batches_per_epoch=batches)


def length(sized: Any) -> int | None:
    """Return a length, None where there is none: an iterable dataset's loader has `__len__`, which raises."""
    if sized is None or not hasattr(sized, "__len__"):
        return None
    dataset = getattr(sized, "dataset", sized)
    return len(sized) if hasattr(dataset, "__len__") else None


def hyperparameters(args: Any, state: Any, model: Any) -> dict[str, Any]:
    """Return the settings that were chosen, those that matter in any case, and what the model is."""
    found: dict[str, Any] = {}
    for field in dataclasses.fields(args):
        value, default = _written(getattr(args, field.name, None)), _default(field)
        # What was left out and worked out from nothing (False, an empty list) is no choice either.
        chosen = field.init and value != default and (value or default is not None)
        if field.name in _ESSENTIAL or (chosen and field.name != "accelerator_config"):
            found[field.name] = "..." if field.name.endswith("_token") else value
    if model is not None:
        settings = getattr(model, "config", None)
        about = {name: getattr(settings, name, None) for name in _OF_THE_MODEL}
        found["model"] = {**model_card(model), **{name: value for name, value in about.items() if value}}
    return {**found, **(state.trial_params or {})}


def _default(field: dataclasses.Field[Any]) -> Any:
    made = field.default_factory
    return _written(field.default if made is dataclasses.MISSING else made())


def _written(value: Any) -> Any:
    return value.value if isinstance(value, enum.Enum) else value


def trial(state: Any) -> str | None:
    """Return what to call a trial of a hyperparameter search."""
    if not state.is_hyper_param_search:
        return None
    params = (state.trial_params or {}).items()
    shown = [
        f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}" for name, value in params
    ]
    return state.trial_name or " ".join(shown)


def checkpoint(args: Any, state: Any) -> Path:
    """Return the folder just saved; in a hyperparameter search it lies in one for the trial."""
    name = f"checkpoint-{state.global_step}"
    found = Path(args.output_dir) / name
    if state.is_hyper_param_search:
        trials = Path(args.output_dir).glob(f"run-*/{name}")
        found = max(trials, key=lambda path: path.stat().st_mtime_ns, default=found)
    return found
