"""What readers ask while a training goes on: said at a step, and read before the step ends."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import livecb
from livecb import events
from livecb.control.commands import Asked, ask
from livecb.logs.base import START


def tell(run: livecb.Run, *wishes: Asked) -> None:
    """Ask, and wait until the run has taken it in, whatever else it records meanwhile."""
    assert run._stored is not None
    inbox = run._steering._inbox if run._steering is not None else None
    if inbox is None:  # readers are kept out
        for each in wishes:
            ask(run._stored, each)
        return
    taken: list[str] = []
    take = inbox._take

    def watched(asked: Asked) -> None:
        take(asked)
        taken.append(asked.id)

    inbox._take = watched
    for each in wishes:
        ask(run._stored, each)
    deadline = time.monotonic() + 30
    while not {each.id for each in wishes} <= set(taken):
        assert time.monotonic() < deadline, "what was asked was not read"
        time.sleep(0.005)
    inbox._take = take


def became(run: livecb.Run, asked: Asked) -> str | None:
    """Return what became of what was asked: `applied` or `refused`; None as long as nothing did."""
    assert run._stored is not None
    log, cursor = run._stored.log(), START
    while (batch := log.read(cursor)).lines:
        cursor = batch.cursor
        for event in events.decode_lines([line for line in batch.lines if asked.id.encode() in line]):
            if isinstance(event, events.Command) and event.id == asked.id and event.phase != "asked":
                return event.phase
    return None


def lightning_reader(package: Any, at: Mapping[int, list[Asked]], live: Any) -> Any:
    """Return a callback that asks before ours looks; it also keeps the learning rate of each batch."""

    class Reader(package.Callback):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            self.rates: list[float] = []

        def on_train_batch_start(self, trainer: Any, *args: Any) -> None:
            self.rates.append(float(trainer.optimizers[0].param_groups[0]["lr"]))

        def on_train_batch_end(self, trainer: Any, *args: Any) -> None:
            if trainer.is_global_zero:
                tell(live.run, *at.get(trainer.global_step, []))

    return Reader()


def hf_reader(at: Mapping[int, list[Asked]], live: Any) -> Any:
    """Return the same for a Hugging Face Trainer."""
    from transformers import TrainerCallback

    class Reader(TrainerCallback):  # type: ignore[misc]
        def __init__(self) -> None:
            self.rates: list[float] = []

        def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self.rates.append(float(kwargs["optimizer"].param_groups[0]["lr"]))

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if state.is_world_process_zero:
                tell(live.run, *at.get(state.global_step, []))

    return Reader()


def answered(recorded: list[Any]) -> list[tuple[Any, ...]]:
    """Return what became of what was asked: name, phase and step, in order."""
    told = [event for event in recorded if isinstance(event, events.Command) and event.phase != "asked"]
    return [(event.name, event.phase, event.step) for event in told]
