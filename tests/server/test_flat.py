"""The run's whole state as one flat message: for clients that want no history."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from test_websocket import socket_of
from watching import Served, Writer
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from livecb import events as ev
from livecb.server.answers import Status
from livecb.state import OVER


def asked(served: Served, writer: Writer, interval: float = 0.1) -> Any:
    return socket_of(served, f"{served.events(writer.run.id)}?view=state&interval={interval}")


def received(socket: ClientConnection) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(socket.recv(timeout=30))
    return said


def say(writer: Writer) -> None:
    """Let a run say all that the message has a place for."""
    writer.say(ev.Config, totals=ev.Totals(epochs=4, steps=400))
    writer.say(ev.Progress, done=100, total=400, rate=10.0)
    writer.say(ev.Metrics, step=100, epoch=1.0, samples=3200, values={"train/loss": 0.5, "val/loss": 0.75})
    gpus = [ev.Gpu(index=number, memory_used=3 << 30) for number in range(2)]
    writer.say(ev.System, cpu=1.0, gpus=gpus)


def test_it_tells_all_on_one_level(served: Served, writer: Writer) -> None:
    say(writer)
    with asked(served, writer) as socket:
        flat = received(socket)
    assert all(not isinstance(value, (dict, list)) for value in flat.values())
    assert {name: value for name, value in flat.items() if name not in ("timestamp", "eta_seconds", "samples_per_second")} == {
        "job_id": writer.run.id,
        "run": writer.run.id,
        "name": "a run",
        "status": "running",
        "progress": 0.25,
        "current_epoch": 1.0,
        "total_epochs": 4,
        "current_step": 100,
        "total_steps": 400,
        "loss": 0.5,
        "eval_loss": 0.75,
        "gpu_memory_allocated_gb": 6.0,
        "complete": False,
    }  # fmt: skip
    assert flat["samples_per_second"] > 0
    assert served.get(f"api/runs/{writer.run.id}/flat")["loss"] == 0.5


def test_it_comes_anew_when_it_is_another_and_at_last_complete(served: Served, writer: Writer) -> None:
    writer.metrics(1)
    with asked(served, writer) as socket:
        assert received(socket)["complete"] is False
        writer.say(ev.Metrics, step=7, values={"train/loss": 0.125})
        flats = [received(socket)]
        while flats[-1]["current_step"] != 7:
            flats.append(received(socket))
        assert flats[-1]["loss"] == 0.125
        writer.end()
        writer.die()
        flats += received_all(socket)
        assert socket.close_code == 1000
    assert [flat["complete"] for flat in flats].count(True) == 1
    assert (flats[-1]["complete"], flats[-1]["status"], flats[-1]["progress"]) == (True, "completed", 1.0)


def test_a_run_that_is_over_is_told_of_once(served: Served, writer: Writer) -> None:
    writer.metrics(1).end("failed")
    writer.die()
    with asked(served, writer) as socket:
        assert (received(socket)["status"], received_all(socket)) == ("failed", [])


def received_all(socket: ClientConnection) -> list[dict[str, Any]]:
    found = []
    try:
        while True:
            found.append(received(socket))
    except ConnectionClosed:
        return found


@pytest.mark.parametrize("interval", ["0", "0.01", "61", "often"])
def test_an_interval_that_is_none_is_refused(served: Served, writer: Writer, interval: str) -> None:
    answer = served.client.get(f"{served.events(writer.run.id)}?view=state&interval={interval}")
    assert (answer.status_code, repr(interval) in answer.json()["detail"]) == (400, True)


def test_whatever_is_over_is_a_status_that_is_told() -> None:
    assert set(get_args(Status)) > OVER
