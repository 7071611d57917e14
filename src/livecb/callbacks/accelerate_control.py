"""How a loop with Accelerate obeys: where it logs, which is all that Accelerate tells its trackers."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from livecb.callbacks.calls import asked
from livecb.callbacks.helm import Helm, saving_place
from livecb.callbacks.rates import rate_control
from livecb.control.parameter import Control
from livecb.control.steering import Offer
from livecb.resume import NOTE, note, noted
from livecb.run import Run

__all__ = ["accelerator_of_call", "keep", "prepared", "take_helm"]

_NOT_ALL = "several processes train together, and Accelerate tells its trackers of one of them only"
_NO_LOOK = "the loop does not look for it: use live.run.track(loader), or `if live.run.should_stop: break`"
_OF_THE_LOOP = "the loop is your own, and knows how: live.run.offer({!r}, function)"


def accelerator_of_call() -> Any:
    """Return the accelerator that calls `init_trackers`; it is told to no tracker."""
    return asked("accelerate.accelerator", "init_trackers").get("self")


def keep(accelerator: Any, run: Run) -> list[Any]:
    """Have the state that an accelerator saves say which run it is of; return what takes that back.

    A state is loaded when a run has begun. Of one of another run it is said how to go on with that.
    """

    def saves(models: Any, weights: Any, folder: str) -> None:
        note(Path(folder, NOTE), run.id)

    def loads(models: Any, folder: str) -> None:
        known = noted(Path(folder, NOTE))
        if known is not None and known.get("run") not in (None, run.id):
            cure = f"LiveStream(run_id={known['run']!r}, resume=True)"
            run.warn_once("load_state", f"{folder} was saved by run {known['run']}: {cure} goes on with it")

    if accelerator is None:
        return []
    return [
        accelerator.register_save_state_pre_hook(saves),
        accelerator.register_load_state_pre_hook(loads),
    ]


def prepared(accelerator: Any) -> int:
    """Return how many optimizers and schedules an accelerator has prepared."""
    return sum(len(getattr(accelerator, name, ())) for name in ("_optimizers", "_schedulers"))


def take_helm(stream: Any, accelerator: Any, world_size: int) -> Helm:
    """Return what obeys for a loop, which may look for commands by itself, too."""
    run = stream.run

    def save() -> str:
        place = saving_place(run, folder=_folder(accelerator))
        named = accelerator.project_configuration.automatic_checkpoint_naming
        path = Path(accelerator.save_state(None if named else str(place)))
        run.checkpoint(path)
        return str(path)

    offers: dict[str, Offer] = {name: _OF_THE_LOOP.format(name) for name in ("save", "evaluate", "sample")}
    offers["stop"] = _NO_LOOK
    if accelerator is not None:
        offers["save"] = save
    helm = Helm(run, True, world_size, offers, _rates(accelerator), barred=_NOT_ALL)
    run._looks = world_size > 1  # a loop that looks says so, and can be stopped
    return helm


def _folder(accelerator: Any) -> Path | None:
    folder = accelerator.project_dir
    return Path(folder) / "checkpoints" if folder else None


def _rates(accelerator: Any) -> list[Control]:
    optimizers = list(getattr(accelerator, "_optimizers", ()))
    schedulers = list(getattr(accelerator, "_schedulers", ()))
    if len(optimizers) == 1:
        return [rate_control("lr", optimizers[0], schedulers)]
    seen: Counter[str] = Counter()
    found = []
    for each in optimizers:
        kind = type(getattr(each, "optimizer", each)).__name__
        found.append(
            rate_control(f"lr-{kind}-{seen[kind]}" if seen[kind] else f"lr-{kind}", each, schedulers)
        )
        seen[kind] += 1
    return found
