"""The demo in Lightning: a convolutional network reads handwritten digits (scikit-learn's, 8×8)."""

from __future__ import annotations

import logging
import warnings
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from livecb.callbacks.lightning import LiveStream
from livecb.run import Run

__all__ = ["train"]

EPOCHS = 100
_BATCH = 24


class Digits(pl.LightningModule):  # type: ignore[misc]
    """Three convolutions and a linear layer; about 230,000 parameters."""

    def __init__(self, epochs: int, width: int = 128, lr: float = 3e-3, noise: float = 0.5) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(
            nn.Conv2d(1, width // 2, 3, padding=1),
            nn.GELU(),
            nn.Conv2d(width // 2, width, 3, padding=1),
            nn.GELU(),
            nn.MaxPool2d(2),
            nn.Conv2d(width, width, 3, padding=1),
            nn.GELU(),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Dropout(0.3),
            nn.Linear(4 * width, 10),
        )
        self.loss = nn.CrossEntropyLoss()

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        """Learn from noisy digits, so that there is something to learn for a while."""
        images, digits = batch
        images = images + self.hparams["noise"] * torch.randn_like(images)
        scores = self.net(images)
        loss = self.loss(scores, digits)
        self.log("train/loss", loss)
        self.log("train/acc", _accuracy(scores, digits), on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        """Look at digits that it did not learn from."""
        images, digits = batch
        scores = self.net(images)
        self.log("val/loss", self.loss(scores, digits))
        self.log("val/acc", _accuracy(scores, digits))

    def on_train_epoch_end(self) -> None:
        """Say how it goes."""
        shown = self.trainer.callback_metrics
        told = "  ".join(f"{name} {shown[name]:.3f}" for name in ("val/loss", "val/acc") if name in shown)
        print(f"epoch {self.current_epoch + 1} of {self.hparams['epochs']}: {told}", flush=True)

    def configure_optimizers(self) -> Any:
        """Warm up, then cool down."""
        optimizer = torch.optim.AdamW(self.parameters(), self.hparams["lr"] / 10, weight_decay=0.01)
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, self.hparams["lr"], steps, pct_start=0.1)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def train(run: Run, epochs: int | None = None) -> None:
    """Train, and record it into a run."""
    epochs = epochs or EPOCHS
    torch.set_num_threads(max(1, torch.get_num_threads() - 1))  # leave one core to who watches
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")
    pl.seed_everything(1, verbose=False)
    folder = run.folder / "checkpoints" if run.folder else None
    trainer = pl.Trainer(
        max_epochs=epochs,
        accelerator="auto",
        devices=1,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[
            LiveStream(run=run, config={"batch_size": _BATCH}),
            ModelCheckpoint(folder, "{epoch}", monitor="val/loss", save_top_k=2),
        ],
    )
    trainer.fit(Digits(epochs), *_loaders())


def _loaders() -> tuple[Any, Any]:
    data = load_digits()
    images = torch.tensor(data.images, dtype=torch.float32).unsqueeze(1) / 16
    digits = torch.tensor(data.target)
    rows = train_test_split(range(len(digits)), test_size=0.2, random_state=1, stratify=data.target)
    learned, kept = (TensorDataset(images[part], digits[part]) for part in rows)
    return DataLoader(learned, _BATCH, shuffle=True, drop_last=True), DataLoader(kept, 256)


def _accuracy(scores: Any, digits: Any) -> Any:
    return (scores.argmax(1) == digits).float().mean()
