"""How a Keras training obeys: between two batches, which Keras's own thread alone can tell apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from livecb.callbacks.calls import asked
from livecb.callbacks.extras import needed
from livecb.callbacks.helm import Helm, ranks, saving_place
from livecb.control.parameter import Control
from livecb.control.steering import Offer
from livecb.errors import CommandRefused
from livecb.start import disabled

with needed("keras", "Keras"):
    import keras

__all__ = ["restore_schedules", "take_helm"]

# What the schedules of Keras are linear in.
_LINEAR_IN = ("initial_learning_rate", "warmup_target", "end_learning_rate", "values")
_NOT_ALL = "several processes train, and Keras does not say what they share"


def take_helm(stream: Any, *args: Any) -> Helm:
    """Return what obeys for this rank of a training that begins."""
    rank, world_size = ranks()
    run = stream.run if rank == 0 else disabled()
    model = stream.model
    callbacks = stream.beside = _callbacks()

    def stop() -> str | None:
        model.stop_training = True
        return None if stream.is_between_epochs else "after the batch that Keras has begun"

    def save() -> str:
        path = saving_place(run, ".keras", _folder(callbacks))
        path.parent.mkdir(parents=True, exist_ok=True)
        model.save(path)
        run.checkpoint(path)
        return str(path)

    offers: dict[str, Offer] = {
        "stop": stop,
        "save": save,
        "evaluate": "Keras validates by itself, as validation_data and validation_freq say",
        "sample": "Keras has no samples: offer them by run.offer('sample', function)",
    }
    parameters = _rates(getattr(model, "optimizer", None), callbacks)
    return Helm(run, rank == 0, world_size, offers, parameters, phase="fit", barred=_NOT_ALL)


def _callbacks() -> list[Any]:
    call = asked("keras.src.callbacks.callback_list", "on_epoch_begin")
    return list(getattr(call.get("self"), "callbacks", []))


def _folder(callbacks: list[Any]) -> Path | None:
    """Return where this training's checkpoints go, if a callback saves any."""
    found = [each.filepath for each in callbacks if hasattr(each, "filepath") and hasattr(each, "monitor")]
    return Path(str(found[0])).parent if found else None


def _rates(optimizer: Any, callbacks: list[Any]) -> list[Control]:
    if optimizer is None:
        return []
    each_epoch = [each for each in callbacks if isinstance(each, keras.callbacks.LearningRateScheduler)]
    several = getattr(optimizer, "optimizers", None)
    if several is None:
        return [_rate_control("lr", optimizer, each_epoch)]
    return [_rate_control(f"lr-{each.name}", each, each_epoch, alone=False) for each in several]


def _rate_control(name: str, optimizer: Any, each_epoch: list[Any], *, alone: bool = True) -> Control:
    inner = getattr(optimizer, "inner_optimizer", optimizer)  # that of a LossScaleOptimizer

    def read() -> float:
        return float(inner.learning_rate)

    def change(rate: float) -> str | None:
        schedule = inner._learning_rate
        scheduled = [schedule] if callable(schedule) else each_epoch
        if not scheduled:
            inner.learning_rate = rate
            return None
        if not alone and scheduled is each_epoch:
            raise CommandRefused("LearningRateScheduler sets it for several optimizers at once")
        if (old := read()) == 0.0:
            raise CommandRefused(
                "the schedule has it at 0 now, which cannot be scaled: ask again when it is not"
            )
        if scheduled is each_epoch:
            inner.learning_rate = rate
            for each in each_epoch:
                each.schedule = _Scaled(each.schedule, rate / old)
        else:
            _scale(schedule, rate / old, read, rate)
        kinds = dict.fromkeys(type(each).__name__ for each in scheduled)
        return f"{', '.join(kinds)} goes on from it"

    reason = None if hasattr(inner, "_learning_rate") else "what the optimizer is cannot be told"
    return Control(
        name,
        0.0 if reason else read(),
        min=0.0,
        on_change=change,
        read=None if reason else read,
        reason=reason,
    )


class _Scaled:
    """A schedule of `LearningRateScheduler` that goes on from another rate, whichever way it counts.

    Attributes:
        schedule: What it was.
    """

    def __init__(self, schedule: Any, ratio: float) -> None:
        self.schedule = schedule
        self.ratio = ratio

    def __call__(self, epoch: int, rate: float) -> float:
        try:
            return float(self.schedule(epoch, rate / self.ratio) * self.ratio)
        except TypeError:  # one that takes no rate, as Keras allows
            return float(self.schedule(epoch) * self.ratio)


def restore_schedules(callbacks: Iterable[Any]) -> None:
    """Give schedules back as the user made them: the next training may use the same."""
    for each in callbacks:
        while isinstance(getattr(each, "schedule", None), _Scaled):
            each.schedule = each.schedule.schedule


def _scale(schedule: Any, ratio: float, read: Callable[[], float], wanted: float) -> None:
    """Scale a schedule where it stands: it is saved with the model, and must stay what Keras can load."""
    before = dict(_linear_parts(schedule))
    for name, value in before.items():
        setattr(
            schedule, name, [each * ratio for each in value] if isinstance(value, list) else value * ratio
        )
    if abs(read() - wanted) > 1e-4 * wanted:
        for name, value in before.items():
            setattr(schedule, name, value)
        raise CommandRefused(
            f"a {type(schedule).__name__} cannot be scaled: give the optimizer a number, and the schedule to "
            "keras.callbacks.LearningRateScheduler"
        )


def _linear_parts(schedule: Any) -> Iterator[tuple[str, Any]]:
    for name in _LINEAR_IN:
        value = getattr(schedule, name, None)
        if isinstance(value, float | int | tuple | list):
            yield name, list(value) if isinstance(value, tuple | list) else value
