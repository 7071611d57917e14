"""A training that a POST starts, in an app of one's own: `uvicorn with_fastapi:app`, then
`curl -N -X POST localhost:8000/train`; the page is at /livecb/."""

import torch
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from sklearn.datasets import load_digits
from torch.nn import functional

import livecb
from livecb.server import create_app, stream_response

app = FastAPI()
app.mount("/livecb", create_app(token=False))


def train(run: livecb.Run, epochs: int, rate: float) -> dict[str, float]:
    x, y = load_digits(return_X_y=True)
    x, y = torch.tensor(x, dtype=torch.float32) / 16, torch.tensor(y)
    model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
    optimizer = torch.optim.Adam(model.parameters(), rate)
    for rows in run.track(torch.arange(1440).split(32), epochs=epochs):
        loss = functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        run.log({"train/loss": loss})
    right = model(x[1440:]).argmax(1) == y[1440:]
    return {"loss": loss.item(), "accuracy": right.float().mean().item()}


@app.post("/train")
async def start(epochs: int = 5, rate: float = 1e-3) -> StreamingResponse:
    run = livecb.init("web", config={"epochs": epochs, "rate": rate}, sinks=[])
    return stream_response(run, lambda: train(run, epochs, rate))
