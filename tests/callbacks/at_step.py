"""Something that happens in the middle of a transformers training."""

from __future__ import annotations

from typing import Any

import transformers


class At(transformers.TrainerCallback):  # type: ignore[misc]
    """Does something when a step begins."""

    def __init__(self, step: int, action: Any) -> None:
        self.step = step
        self.action = action

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == self.step:
            self.action(control=control, **kwargs)


def fail(**kwargs: Any) -> None:
    raise ValueError("a bug of yours")
