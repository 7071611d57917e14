"""A loop that goes on where it was: stop it, kill it, and run it again; the page shows one run."""

import sys
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torch.nn import functional

import livecb

CHECKPOINT = Path("taken_up_again.pt")

if __name__ == "__main__":
    epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    x, y = load_digits(return_X_y=True)
    x, y = torch.tensor(x, dtype=torch.float32) / 16, torch.tensor(y)
    train, held_out = torch.arange(1440).split(32), torch.arange(1440, len(x))
    model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)

    saved = torch.load(CHECKPOINT) if CHECKPOINT.exists() else {"epoch": 0, "livecb": None}
    if saved["epoch"]:
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])

    with livecb.init("digits", "taken up again", resume=saved["livecb"]) as run:
        for epoch in run.track(range(saved["epoch"], epochs), unit="epoch"):
            for rows in run.track(train):
                loss = functional.cross_entropy(model(x[rows]), y[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                run.log({"train/loss": loss})
            run.log({"val/acc": (model(x[held_out]).argmax(1) == y[held_out]).float().mean()})
            held = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch + 1}
            torch.save({**held, "livecb": run.state_dict()}, CHECKPOINT)
