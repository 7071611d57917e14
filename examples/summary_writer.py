"""A script written for TensorBoard, of which only the import was changed: open the address it prints."""

import torch
from sklearn.datasets import load_digits
from torch.nn import functional

from livecb.tensorboard import SummaryWriter

if __name__ == "__main__":
    torch.manual_seed(0)
    x, y = load_digits(return_X_y=True)
    x, y = torch.tensor(x, dtype=torch.float32) / 16, torch.tensor(y)
    order = torch.randperm(len(x))
    batches, held_out = order[:1440].split(32), order[1440:]
    model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)

    writer = SummaryWriter("runs/digits")
    writer.add_images("digits", x[:4].reshape(4, 1, 8, 8), 0)
    step = 0
    for _ in range(10):
        for rows in batches:
            loss = functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
            writer.add_scalar("train/loss", loss, step)
        right = model(x[held_out]).argmax(1) == y[held_out]
        writer.add_scalar("val/acc", right.float().mean(), step)
        writer.add_histogram("weights", model[0].weight, step)
    writer.add_hparams({"rate": 1e-3}, {"val/acc": right.float().mean()}, global_step=step)
    writer.close()
