"""Handwritten digits with Accelerate: open the address it prints."""

import torch
from accelerate import Accelerator
from sklearn.datasets import load_digits
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset, random_split

from livecb.callbacks.accelerate import LiveStream

if __name__ == "__main__":
    torch.manual_seed(0)
    x, y = load_digits(return_X_y=True)
    data = TensorDataset(torch.tensor(x, dtype=torch.float32) / 16, torch.tensor(y))
    train, val = random_split(data, [0.8, 0.2])
    model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))

    live = LiveStream("digits, accelerate", project="digits")
    accelerator = Accelerator(log_with=live)
    model, optimizer, loader, held_out = accelerator.prepare(
        model,
        torch.optim.Adam(model.parameters(), 1e-3),
        DataLoader(train, 32, shuffle=True),
        DataLoader(val, 360),
    )
    accelerator.init_trackers("digits", {"rate": 1e-3, "width": 64})
    for step, (pixels, digits) in enumerate(live.run.track(loader, epochs=8), start=1):
        loss = functional.cross_entropy(model(pixels), digits)
        optimizer.zero_grad()
        accelerator.backward(loss)
        optimizer.step()
        accelerator.log({"train/loss": loss}, step=step)
        if step % len(loader) == 0:
            pixels, digits = next(iter(held_out))
            right = accelerator.gather(model(pixels).argmax(1) == digits)
            accelerator.log({"val/acc": right.float().mean()}, step=step)
    accelerator.end_training()
