"""Handwritten digits with skorch: open the address it prints."""

import torch
from sklearn.datasets import load_digits
from skorch import NeuralNetClassifier

from livecb.callbacks.skorch import LiveStream


class Digits(torch.nn.Module):
    def __init__(self, width: int = 64) -> None:
        super().__init__()
        layers = [torch.nn.Linear(64, width), torch.nn.ReLU(), torch.nn.Linear(width, 10)]
        self.net = torch.nn.Sequential(*layers, torch.nn.Softmax(-1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x / 16)


if __name__ == "__main__":
    x, y = load_digits(return_X_y=True)
    torch.manual_seed(0)
    net = NeuralNetClassifier(
        Digits,
        module__width=64,
        optimizer=torch.optim.Adam,
        lr=1e-3,
        batch_size=32,
        max_epochs=8,
        verbose=0,
        callbacks=[LiveStream("digits, skorch")],
    )
    net.fit(x.astype("float32"), y)
