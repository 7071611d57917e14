"""A GAN that draws handwritten digits, in Lightning: open the address it prints."""

import lightning.pytorch as pl
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import softplus

from livecb.callbacks.gan import GanMonitor


class Gan(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.automatic_optimization = False
        self.G = nn.Sequential(nn.Linear(16, 128), nn.LeakyReLU(), nn.Linear(128, 64), nn.Tanh())
        self.D = nn.Sequential(nn.Linear(64, 128), nn.LeakyReLU(), nn.Linear(128, 1))
        self.register_buffer("noise", torch.randn(36, 16))

    def training_step(self, real, batch_idx):
        fake, (opt_d, opt_g) = self.G(torch.randn(len(real), 16)), self.optimizers()
        self.turn(opt_d, "d_loss", softplus(-self.D(real)) + softplus(self.D(fake.detach())))
        self.turn(opt_g, "g_loss", softplus(-self.D(fake)))

    def turn(self, optimizer, name, losses):
        optimizer.zero_grad()
        self.manual_backward(losses.mean())
        optimizer.step()
        self.log(name, losses.mean())

    def configure_optimizers(self):
        return [torch.optim.Adam(net.parameters(), 5e-4, betas=(0.5, 0.99)) for net in (self.D, self.G)]


if __name__ == "__main__":
    images = torch.tensor(load_digits().images, dtype=torch.float32).flatten(1) / 8 - 1
    live = GanMonitor(samples=lambda gan: gan.G(gan.noise).view(-1, 1, 8, 8))
    trainer = pl.Trainer(max_epochs=10, logger=False, enable_checkpointing=False, callbacks=[live])
    trainer.fit(Gan(), torch.utils.data.DataLoader(images, 64, shuffle=True))
