"""A GAN that draws handwritten digits, in a loop of its own: open the address it prints."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import softplus
from torch.utils.data import DataLoader

from livecb.callbacks.gan import LiveStream


def turn(optimizer, losses):
    optimizer.zero_grad()
    losses.mean().backward()
    optimizer.step()
    return losses.mean()


if __name__ == "__main__":
    images = torch.tensor(load_digits().images, dtype=torch.float32).flatten(1) / 8 - 1
    G = nn.Sequential(nn.Linear(16, 128), nn.LeakyReLU(), nn.Linear(128, 64), nn.Tanh())
    D = nn.Sequential(nn.Linear(64, 128), nn.LeakyReLU(), nn.Linear(128, 1))
    opt_d, opt_g = (torch.optim.Adam(net.parameters(), 5e-4, betas=(0.5, 0.99)) for net in (D, G))
    noise = torch.randn(36, 16)
    live = LiveStream(
        samples=lambda: G(noise).view(-1, 1, 8, 8),
        real_samples=images[:36].view(-1, 1, 8, 8),
        optimizers={"D": opt_d, "G": opt_g},
    )
    with live:
        for real in live.track(DataLoader(images, 64, shuffle=True), epochs=20):
            fake = G(torch.randn(len(real), 16))
            on_real, on_fake = D(real), D(fake.detach())
            d_loss = turn(opt_d, softplus(-on_real) + softplus(on_fake))
            live.d_step(d_loss, real=on_real, fake=on_fake)
            live.g_step(turn(opt_g, softplus(-D(fake))))
