"""What each of two processes does that train one model: called by `pairs.pair`, and returns what it came to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")  # what it is otherwise is not installed

import keras
import llm
import resumed
import tiny
import torch
from accelerate import Accelerator, PartialState

from livecb.callbacks.keras import LiveStream
from livecb.callbacks.transformers import SampleCallback


def asked(folder: str) -> list[float]:
    """Train a language model, with questions and without; return the sums of its weights."""
    ask = SampleCallback(["2 plus 2 is"], 1, max_new_tokens=3, sinks=[], system_interval=0, capture=None)
    found = []
    for callbacks in ([ask], []):
        trainer = llm.trainer(Path(folder), callbacks, num_train_epochs=1)
        trainer.train()
        found.append(sum(float(each.double().sum()) for each in trainer.model.parameters()))
    return found


def accelerated() -> list[float]:
    """Train with Accelerate; return the losses."""
    stream = tiny.live_stream("accelerate", name="ddp")
    accelerator = Accelerator(log_with=stream, cpu=True)
    model = tiny.network()
    optimizer = torch.optim.SGD(model.parameters(), 0.0625)
    model, optimizer, loader = accelerator.prepare(model, optimizer, tiny.loader(16))
    accelerator.init_trackers("house", {"lr": 0.0625})
    losses = []
    for step, (x, y) in enumerate(stream.run.track(loader), start=1):
        loss = torch.nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        accelerator.backward(loss)
        optimizer.step()
        mean = accelerator.reduce(loss.detach(), "mean")
        accelerator.log({"loss": mean, "rank": accelerator.process_index}, step=step)
        losses.append(mean.item())
    # Whoever drops a group of gloo last waits, with the interpreter held, for a thread that waits for the
    # interpreter: here the model, at the end of this function, in some of ten times and without livecb, too.
    PartialState.destroy_process_group = lambda *args: None
    accelerator.end_training()
    return losses


def with_keras() -> list[float]:
    """Train the same model with Keras in both; return the losses of the epochs."""
    torch.distributed.init_process_group("gloo")
    keras.utils.set_random_seed(3)
    x = torch.randn(10, 4).numpy()
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.0625), "mse")
    stream = LiveStream(sinks=[], system_interval=0, capture=None)
    history = model.fit(x, x.sum(axis=1), batch_size=2, epochs=2, callbacks=[stream], verbose=0).history
    return list(history["loss"])


def resumed_by(framework: str, folder: str) -> list[int]:
    """Train for an epoch of three steps, and go on from what the framework takes for the last checkpoint."""
    if framework == "lightning":
        settings: dict[str, Any] = {"strategy": "ddp", "devices": 2}
        resumed.lightning(Path(folder), trained={**settings, "max_epochs": 1})
        resumed.lightning(Path(folder), ckpt="last", trained=settings)
    else:
        resumed.transformers(Path(folder), trained={"num_train_epochs": 1})
        resumed.transformers(Path(folder), ckpt=True)
    return [torch.distributed.get_world_size()]
