"""A training of the Hugging Face Trainer in several processes: a fork calls it, or torchrun runs it with a folder."""

from __future__ import annotations

import sys
from pathlib import Path

import tiny


def train(folder: str) -> list[float]:
    """Train with the Hugging Face Trainer; return the losses."""
    stream = tiny.live_stream("transformers", name="ddp")
    trainer = tiny.hf_trainer(
        Path(folder), [stream], eval_strategy="epoch", num_train_epochs=1, train_dataset=tiny.rows(16)
    )
    trainer.train()
    return [value for _, value in tiny.reported_by(trainer)["loss"]]


if __name__ == "__main__":
    tiny.quiet()
    print("losses", *train(sys.argv[1]))
