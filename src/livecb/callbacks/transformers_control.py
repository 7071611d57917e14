"""How a Hugging Face Trainer obeys: between two optimizer steps, on all ranks alike."""

from __future__ import annotations

from typing import Any

from livecb.callbacks.helm import Helm
from livecb.callbacks.rates import rate_control
from livecb.control.steering import Offer
from livecb.start import disabled

__all__ = ["take_helm"]


def take_helm(stream: Any, args: Any, state: Any, control: Any, **kwargs: Any) -> Helm:
    """Return what obeys for this rank of a training that begins."""
    leads = state.is_world_process_zero
    run = stream.run if leads else disabled()

    def stop() -> None:
        control.should_training_stop = True

    def save() -> None:
        control.should_save = True

    def evaluate() -> None:
        control.should_evaluate = True

    evaluates = getattr(args.eval_strategy, "value", args.eval_strategy) != "no"
    offers: dict[str, Offer] = {
        "stop": stop,
        "save": save,
        "evaluate": evaluate if evaluates else "the trainer evaluates only where eval_strategy is set",
        "sample": "there is no SampleCallback beside it",
    }
    optimizer, scheduler = kwargs.get("optimizer"), kwargs.get("lr_scheduler")
    schedulers = [] if scheduler is None else [scheduler]
    parameters = [] if optimizer is None else [rate_control("lr", optimizer, schedulers)]
    return Helm(run, leads, args.world_size, offers, parameters)
