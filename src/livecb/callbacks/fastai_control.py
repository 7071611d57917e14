"""How a fastai training obeys: after a training batch, when fastai has made its step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from livecb.callbacks.helm import Helm, ranks, saving_place
from livecb.control.parameter import Control
from livecb.control.steering import Offer
from livecb.errors import CommandRefused
from livecb.start import disabled

__all__ = ["take_helm"]

_NOT_ALL = "several processes train, and fastai does not say what they share: use learn.distrib_ctx()"


def take_helm(stream: Any, learn: Any) -> Helm:
    """Return what obeys for this rank of a fit that begins."""
    rank, world_size = ranks()
    run = stream.run if rank == 0 else disabled()

    def save() -> str:
        path = learn.save(saving_place(run).name)  # fastai saves on one rank alone
        run.checkpoint(path)
        return str(path)

    offers: dict[str, Offer] = {
        "save": save,
        "evaluate": "fastai validates at the end of each epoch, and cannot in the middle of one",
        "sample": "fastai has no samples: offer them by run.offer('sample', function)",
    }
    shares = any(type(each).__name__ in ("DistributedTrainer", "ParallelTrainer") for each in learn.cbs)
    barred = None if shares else _NOT_ALL
    return Helm(
        run, rank == 0, world_size, offers, [_rate_control(learn, stream.lent)], phase="fit", barred=barred
    )


def _rate_control(learn: Any, lent: list[tuple[Any, Any]]) -> Control:
    """Return the rate of the last group, as `Recorder` tells it; the others keep their ratio to it.

    Args:
        learn: The learner.
        lent: Gets each callback whose schedules are changed, with those that it had.
    """

    def schedulers() -> list[Any]:
        return [each for each in learn.cbs if "lr" in (getattr(each, "scheds", None) or ())]

    def read() -> float:
        for each in schedulers():
            return _last(each.scheds["lr"](learn.pct_train))  # the next batch's: it is set as that begins
        return float(learn.opt.hypers[-1]["lr"])

    def change(rate: float) -> str | None:
        old, scheduled = read(), schedulers()
        if scheduled and old == 0.0:
            raise CommandRefused(
                "the schedule has it at 0 now, which cannot be scaled: ask again when it is not"
            )
        ratio = rate / old if old else 1.0
        learn.opt.set_hyper("lr", [group["lr"] * ratio if old else rate for group in learn.opt.hypers])
        for each in scheduled:
            lent.append((each, each.scheds))
            each.scheds = {**each.scheds, "lr": _scaled(each.scheds["lr"], ratio)}
        kinds = dict.fromkeys(type(each).__name__ for each in scheduled)
        return f"{', '.join(kinds)} goes on from it" if kinds else None

    return Control("lr", read(), min=0.0, on_change=change, read=read)


def _last(rates: Any) -> float:
    return float(rates[-1] if hasattr(rates, "__getitem__") and getattr(rates, "ndim", True) else rates)


def _scaled(schedule: Callable[[float], Any], ratio: float) -> Callable[[float], Any]:
    def scaled(done: float) -> Any:
        rates = schedule(done)
        return [rate * ratio for rate in rates] if isinstance(rates, list | tuple) else rates * ratio

    return scaled
