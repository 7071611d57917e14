"""How a skorch training obeys: before a batch, when all callbacks have had their say on the one before."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from livecb.callbacks.helm import Helm, ranks, saving_place
from livecb.callbacks.rates import rate_control
from livecb.control.parameter import Control
from livecb.control.steering import Offer
from livecb.start import disabled

__all__ = ["take_helm"]

# Named as skorch's TrainEndCheckpoint names them, so that it and LoadInitState find them.
_PARTS = ("params", "optimizer", "criterion")
_NOT_ALL = "several processes train, and skorch does not say what they share: use its AccelerateMixin"


def take_helm(stream: Any, net: Any, *args: Any) -> Helm:
    """Return what obeys for this rank of a training that begins."""
    rank, world_size = ranks()
    run = stream.run if rank == 0 else disabled()

    def save() -> str | None:
        if rank:
            net.save_params()  # writes nothing; AccelerateMixin waits in it for all processes
            return None
        folder = saving_place(run, folder=_folder(net))
        folder.mkdir(parents=True, exist_ok=True)
        net.save_params(**{f"f_{part}": str(folder / f"train_end_{part}.pt") for part in _PARTS})
        net.history.to_file(str(folder / "train_end_history.json"))
        run.checkpoint(folder)
        return str(folder)

    offers: dict[str, Offer] = {
        "save": save,
        "evaluate": "skorch validates at the end of each epoch by itself",
        "sample": "skorch has no samples: offer them by run.offer('sample', function)",
    }
    barred = None if hasattr(net, "accelerator") else _NOT_ALL
    return Helm(run, rank == 0, world_size, offers, _rates(net), barred=barred)


def _rates(net: Any) -> list[Control]:
    schedulers = [each.lr_scheduler_ for _, each in net.callbacks_ if _schedules(each)]
    optimizer = getattr(net, "optimizer_", None)
    return [] if optimizer is None else [rate_control("lr", optimizer, schedulers)]


def _schedules(callback: Any) -> bool:
    return getattr(callback, "lr_scheduler_", None) is not None


def _folder(net: Any) -> Path | None:
    """Return where this training's checkpoints go, if skorch has been told."""
    for _, callback in net.callbacks_:
        folder = getattr(callback, "dirname", None)
        if isinstance(folder, str | os.PathLike) and str(folder):
            return Path(folder)
    return None
