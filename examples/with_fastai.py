"""Handwritten digits with fastai: open the address it prints."""

import torch
from fastai.basics import DataLoader, DataLoaders, Learner
from fastai.metrics import accuracy
from sklearn.datasets import load_digits
from torch.nn import CrossEntropyLoss

from livecb.callbacks.fastai import LiveStream

if __name__ == "__main__":
    torch.manual_seed(0)
    x, y = load_digits(return_X_y=True)
    data = list(zip(torch.tensor(x, dtype=torch.float32) / 16, torch.tensor(y), strict=True))
    loaders = DataLoaders(DataLoader(data[:1440], bs=32, shuffle=True), DataLoader(data[1440:], bs=360))
    model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
    learn = Learner(loaders, model, CrossEntropyLoss(), metrics=accuracy)
    learn.fit(6, 3e-3, cbs=LiveStream("digits, fastai"))
