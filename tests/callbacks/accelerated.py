"""Two processes train one model with Accelerate; run by test_distributed.py."""

from __future__ import annotations

import tiny
import torch
from accelerate import Accelerator

if __name__ == "__main__":
    stream = tiny.live_stream("accelerate", name="ddp")
    accelerator = Accelerator(log_with=stream, cpu=True)
    model = tiny.network()
    optimizer = torch.optim.SGD(model.parameters(), 0.0625)
    model, optimizer, loader = accelerator.prepare(model, optimizer, tiny.loader(16))
    accelerator.init_trackers("house", {"lr": 0.0625})
    for step, (x, y) in enumerate(stream.run.track(loader), start=1):
        loss = torch.nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        accelerator.backward(loss)
        optimizer.step()
        mean = accelerator.reduce(loss.detach(), "mean")
        accelerator.log({"loss": mean, "rank": accelerator.process_index}, step=step)
        print("loss", mean.item())
    accelerator.end_training()
