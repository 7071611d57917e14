"""Plain PyTorch, with gradient accumulation and a bar in the terminal: open the address it prints."""

import torch
from sklearn.datasets import load_digits
from torch.nn import functional

import livecb

ACCUMULATED = 4

if __name__ == "__main__":
    x, y = load_digits(return_X_y=True)
    x, y = torch.tensor(x, dtype=torch.float32) / 16, torch.tensor(y)
    order = torch.randperm(len(x))
    batches, held_out = order[:1536].split(16), order[1536:]
    model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)

    with livecb.init("digits", "plain PyTorch", config={"rate": 3e-3, "accumulated": ACCUMULATED}) as run:
        livecb.watch(optimizer)  # learning rates and gradient norms
        for number, rows in enumerate(run.track(batches, epochs=10, steps=False, bar=True), start=1):
            loss = functional.cross_entropy(model(x[rows]), y[rows]) / ACCUMULATED
            loss.backward()
            if number % ACCUMULATED == 0:
                optimizer.step()
                optimizer.zero_grad()
                run.step()
                run.log({"train/loss": loss * ACCUMULATED})
            if number % len(batches) == 0:
                right = model(x[held_out]).argmax(1) == y[held_out]
                run.log({"val/acc": right.float().mean()})
