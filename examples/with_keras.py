"""Handwritten digits with Keras 3 on PyTorch: open the address it prints."""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
from sklearn.datasets import load_digits

from livecb.callbacks.keras import LiveStream

if __name__ == "__main__":
    x, y = load_digits(return_X_y=True)
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(64, activation="relu"), keras.layers.Dense(10, activation="softmax")]
    model = keras.Sequential([keras.Input((64,)), keras.layers.Rescaling(1 / 16), *layers])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(
        x,
        y,
        batch_size=32,
        epochs=8,
        validation_split=0.2,
        verbose=0,
        callbacks=[LiveStream("digits, keras")],
    )
