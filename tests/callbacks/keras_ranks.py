"""Two processes train one model with Keras; run by test_distributed.py."""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "torch"

import keras
import torch
from leaving import leave

from livecb.callbacks.keras import LiveStream

if __name__ == "__main__":
    torch.distributed.init_process_group("gloo")
    keras.utils.set_random_seed(3)
    x = torch.randn(10, 4).numpy()
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.0625), "mse")
    stream = LiveStream(sinks=[], system_interval=0, capture=None)
    history = model.fit(x, x.sum(axis=1), batch_size=2, epochs=2, callbacks=[stream], verbose=0).history
    print("loss", *history["loss"])
    leave()
