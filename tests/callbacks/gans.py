"""A GAN that draws handwritten digits, small enough to train in a second, and loops around it."""

from __future__ import annotations

from typing import Any

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from torch.utils.data import DataLoader

NOISE = 8


def digits(count: int = 256) -> torch.Tensor:
    """Return pictures N×1×8×8 in -1..1."""
    return torch.tensor(load_digits().images[:count], dtype=torch.float32)[:, None] / 8 - 1


def loader(count: int = 256, batch: int = 32) -> DataLoader[Any]:
    return DataLoader(digits(count), batch, shuffle=True, generator=torch.Generator().manual_seed(1))  # type: ignore[arg-type]


class Gan:
    """Two players, their optimizers, and a turn of each; what it returns is what it was told."""

    def __init__(self, rates: tuple[float, float] = (1e-3, 1e-3), seed: int = 0) -> None:
        torch.manual_seed(seed)
        self.G: nn.Module = nn.Sequential(
            nn.Linear(NOISE, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 64), nn.Tanh(), nn.Unflatten(1, (1, 8, 8)),
        )  # fmt: skip
        self.D: nn.Module = nn.Sequential(
            nn.Flatten(), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Dropout(0.2), nn.Linear(64, 1)
        )
        self.opt_d = torch.optim.Adam(self.D.parameters(), rates[0], betas=(0.5, 0.99))
        self.opt_g = torch.optim.Adam(self.G.parameters(), rates[1], betas=(0.5, 0.99))
        self.noise = torch.randn(16, NOISE)

    @property
    def optimizers(self) -> dict[str, Any]:
        return {"D": self.opt_d, "G": self.opt_g}

    def samples(self) -> Any:
        return self.G(self.noise)

    def turn_of_d(self, real: torch.Tensor) -> dict[str, Any]:
        fake = self.G(torch.randn(len(real), NOISE)).detach()
        on_real, on_fake = self.D(real), self.D(fake)
        loss = bce(on_real, torch.ones_like(on_real)) + bce(on_fake, torch.zeros_like(on_fake))
        step(self.opt_d, loss)
        return {"loss": loss, "real": on_real, "fake": on_fake}

    def turn_of_g(self, size: int = 32) -> dict[str, Any]:
        on_fake = self.D(self.G(torch.randn(size, NOISE)))
        loss = bce(on_fake, torch.ones_like(on_fake))
        step(self.opt_g, loss)
        return {"loss": loss}


def step(optimizer: Any, loss: torch.Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def norm(optimizer: Any) -> float:
    """Return the norm of the gradients by arithmetic of its own."""
    grads = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
    return sum(float((grad.double() ** 2).sum()) for grad in grads) ** 0.5
