"""A training that Lightning itself takes to two processes: `distributed.py FOLDER`; run by test_distributed.py."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import tiny
import torch


class Synced(tiny.module_class(pl)):  # type: ignore[misc]
    """Talks to the other rank at all the places at which a value is reduced."""

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        loss = self.loss(batch)
        self.log("rank", float(self.global_rank))
        self.log("ranks", float(self.global_rank), on_step=True, on_epoch=True, sync_dist=True)
        return loss

    def on_train_epoch_end(self) -> None:
        self.log("gathered", self.all_gather(torch.tensor(float(self.global_rank))).sum())

    def on_validation_epoch_end(self) -> None:
        self.log("val_ranks", float(self.global_rank), sync_dist=True)


def train_lightning(folder: str, strategy: str) -> None:
    trainer = tiny.trainer_of(
        pl,
        Path(folder),
        [tiny.live_stream("lightning", name="ddp")],
        strategy=strategy,
        devices=2,
        max_epochs=1,
    )
    trainer.fit(Synced(), tiny.loader(16), tiny.loader(8))


if __name__ == "__main__":
    tiny.quiet()
    train_lightning(sys.argv[1], "ddp")
