"""Handwritten digits with Lightning: open the address it prints."""

import lightning.pytorch as pl
import torch
from sklearn.datasets import load_digits
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset, random_split

from livecb.callbacks.lightning import LiveStream


class Digits(pl.LightningModule):
    def __init__(self, width: int = 64, rate: float = 1e-3) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.net = torch.nn.Sequential(
            torch.nn.Linear(64, width), torch.nn.ReLU(), torch.nn.Linear(width, 10)
        )

    def training_step(self, batch, batch_idx):
        loss = functional.cross_entropy(self.net(batch[0]), batch[1])
        self.log("train/loss", loss)
        return loss

    def validation_step(self, batch, batch_idx):
        scores = self.net(batch[0])
        self.log("val/loss", functional.cross_entropy(scores, batch[1]))
        self.log("val/acc", (scores.argmax(1) == batch[1]).float().mean())

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), self.hparams.rate)


if __name__ == "__main__":
    x, y = load_digits(return_X_y=True)
    data = TensorDataset(torch.tensor(x, dtype=torch.float32) / 16, torch.tensor(y))
    train, val = random_split(data, [0.8, 0.2])
    trainer = pl.Trainer(max_epochs=6, logger=False, enable_checkpointing=False, callbacks=[LiveStream()])
    trainer.fit(Digits(), DataLoader(train, 32, shuffle=True), DataLoader(val, 256))
