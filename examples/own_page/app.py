"""An app of one's own: its page, a training that a POST starts, and livecb mounted beside them."""

import threading
from pathlib import Path

import numpy as np
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier

import livecb
from livecb.server import create_app

app = FastAPI()
app.mount("/livecb", create_app(token=False))


def train(run: livecb.Run, epochs: int, alpha: float) -> None:
    x, y = load_digits(return_X_y=True)
    x = x / 16
    model = SGDClassifier(loss="log_loss", alpha=alpha, random_state=0)
    with run:
        for rows in run.track(np.array_split(np.arange(1440), 45), epochs=epochs):
            model.partial_fit(x[rows], y[rows], classes=range(10))
            run.log({"val/acc": model.score(x[1440:], y[1440:])})


@app.post("/train")
def start(epochs: int = 20, alpha: float = 1e-4) -> dict[str, str]:
    run = livecb.init("digits", config={"epochs": epochs, "alpha": alpha}, sinks=[], capture=None)
    threading.Thread(target=train, args=(run, epochs, alpha), daemon=True).start()
    return {"run": run.id}


app.mount("/", StaticFiles(directory=Path(__file__).parent / "page", html=True))
