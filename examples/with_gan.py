"""A GAN that draws handwritten digits, in a loop written by hand: open the address it prints."""

from itertools import pairwise

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from torch.utils.data import DataLoader

from livecb.callbacks.gan import LiveStream


def net(*sizes: int) -> nn.Sequential:
    layers = [(nn.Linear(a, b), nn.LeakyReLU(0.2)) for a, b in pairwise(sizes)]
    return nn.Sequential(*[layer for pair in layers for layer in pair][:-1])


if __name__ == "__main__":
    torch.manual_seed(0)
    images = torch.tensor(load_digits().images, dtype=torch.float32).flatten(1) / 8 - 1
    G, D = nn.Sequential(net(16, 128, 128, 64), nn.Tanh()), net(64, 128, 64, 1)
    opt_g, opt_d = (torch.optim.Adam(each.parameters(), 5e-4, betas=(0.5, 0.99)) for each in (G, D))
    noise = torch.randn(36, 16)
    live = LiveStream(
        samples=lambda: G(noise).view(-1, 1, 8, 8),
        real_samples=images[:36].view(-1, 1, 8, 8),
        optimizers={"D": opt_d, "G": opt_g},
    )
    with live:
        for real in live.track(DataLoader(images, 64, shuffle=True, drop_last=True), epochs=40):
            fake = G(torch.randn(64, 16))
            on_real, on_fake = D(real), D(fake.detach())
            d_loss = bce(on_real, torch.full_like(on_real, 0.9)) + bce(on_fake, torch.zeros_like(on_fake))
            opt_d.zero_grad()
            d_loss.backward()
            opt_d.step()
            live.d_step(d_loss, real=on_real, fake=on_fake)
            g_loss = bce(D(fake), torch.ones(64, 1))
            opt_g.zero_grad()
            g_loss.backward()
            opt_g.step()
            live.g_step(g_loss)
