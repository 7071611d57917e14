"""A loop of one's own, with PyTorch here: open the address it prints."""

import torch
from sklearn.datasets import load_digits
from torch.nn import functional

import livecb

if __name__ == "__main__":
    x, y = load_digits(return_X_y=True)
    x, y = torch.tensor(x, dtype=torch.float32) / 16, torch.tensor(y)
    order = torch.randperm(len(x))
    batches, held_out = order[:1440].split(32), order[1440:]
    model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)

    with livecb.init("digits", "a plain loop", config={"rate": 1e-3, "width": 64}) as run:
        for number, rows in enumerate(run.track(batches, epochs=10), start=1):
            loss = functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            run.log({"train/loss": loss})
            if number % len(batches) == 0:
                right = model(x[held_out]).argmax(1) == y[held_out]
                run.log({"val/acc": right.float().mean()})
