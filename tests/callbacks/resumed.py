"""A training that saves checkpoints and is killed."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import tiny
from transformers import TrainerCallback


class Kill(pl.Callback, TrainerCallback):  # type: ignore[misc]
    """Kills its process after a step, of either framework."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_start(self, trainer: Any, *args: Any) -> None:
        if trainer.global_step == self.step:
            os.kill(os.getpid(), signal.SIGKILL)

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == self.step:
            os.kill(os.getpid(), signal.SIGKILL)


def lightning(
    folder: Path, callbacks: Any = (), ckpt: Any = None, trained: Any = None, **settings: Any
) -> Any:
    """Train two epochs of five steps, with a checkpoint after every third; return our callback."""
    live = tiny.live_stream("lightning", **settings)
    saving = pl.callbacks.ModelCheckpoint(
        folder / "saved", every_n_train_steps=3, save_top_k=-1, save_last=True
    )
    trainer = tiny.trainer_of(pl, folder, [live, saving, *callbacks], **(trained or {}))
    trainer.fit(tiny.module_class(pl)(), tiny.loader(), ckpt_path=ckpt)
    return live


def transformers(
    folder: Path, callbacks: Any = (), ckpt: Any = None, trained: Any = None, **settings: Any
) -> Any:
    """The same by the Hugging Face Trainer."""
    live = tiny.live_stream("transformers", **settings)
    trainer = tiny.hf_trainer(
        folder / "out", [live, *callbacks], save_strategy="steps", save_steps=3, **(trained or {})
    )
    trainer.train(resume_from_checkpoint=ckpt)
    return live


TRAIN = {"lightning": lightning, "transformers": transformers}


def checkpoint(framework: str, folder: Path, step: int) -> str:
    """Return where a training saved what it had come to."""
    if framework == "transformers":
        return str(folder / "out" / f"checkpoint-{step}")
    (path,) = (folder / "saved").glob(f"*step={step}.ckpt")
    return str(path)
