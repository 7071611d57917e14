"""Commands by HTTP: who may, what is refused at once, and what a real loop makes of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from watching import Served

import livecb
from livecb import events
from livecb.control.commands import wish
from livecb.events import decode


class Training:
    """A loop in a thread of its own, until it is stopped."""

    def __init__(self, run: livecb.Run) -> None:
        self.run = run
        self.rate = run.control("lr", 0.1, min=0, max=1)
        self.steps = 0
        self.thread = threading.Thread(target=self._train)
        self.began = threading.Event()
        self.thread.start()
        self.began.wait(10)

    def _train(self) -> None:
        for _ in self.run.track(range(3000)):
            self.began.set()
            self.steps += 1
            time.sleep(0.01)
        self.run.finish()


@pytest.fixture
def training(run: livecb.Run) -> Iterator[Training]:
    training = Training(run)
    yield training
    run._steer().stopped = run._steer().stopped or wish("stop")
    run._asked = True
    training.thread.join(10)


def post(served: Served, run: livecb.Run, body: Any, **more: Any) -> Any:
    return served.client.post(f"api/runs/{run.id}/commands", json=body, **more)


def answer(run: livecb.Run, asked: str) -> Any:
    """Wait for what becomes of a wish."""
    assert run.folder is not None
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for line in (run.folder / "events.jsonl").read_bytes().splitlines():
            event = decode(line)
            if isinstance(event, events.Command) and event.id == asked and event.phase != "asked":
                return event
        time.sleep(0.02)
    raise AssertionError("no answer")


def test_a_viewer_sets_a_value_and_stops_a_training(served: Served, training: Training) -> None:
    run = training.run
    asked = post(served, run, {"name": "set", "parameter": "lr", "value": 0.5, "by": "ada"}).json()
    applied = answer(run, asked["id"])
    assert (applied.phase, applied.old, applied.new, applied.by) == ("applied", 0.1, 0.5, "ada")
    assert training.rate.value == 0.5
    state = served.get(f"api/runs/{run.id}")
    assert state["controls"]["parameters"] == [
        {"name": "lr", "value": 0.5, "min": 0, "max": 1, "reason": None}
    ]
    assert [each["phase"] for each in state["commands"]] == ["asked", "applied"]
    stopped = answer(run, post(served, run, {"name": "stop"}).json()["id"])
    assert (stopped.phase, stopped.by) == ("applied", "owner")
    training.thread.join(10)
    assert served.get(f"api/runs/{run.id}")["stopped_by"] == "owner"
    late = post(served, run, {"name": "pause"})
    assert (late.status_code, late.json()["title"]) == (409, "The run has ended")


def test_what_the_run_says_it_cannot_do_is_refused_with_its_reason(
    served: Served, training: Training
) -> None:
    save = post(served, training.run, {"name": "save"})
    assert save.status_code == 409
    assert "run.offer('save', function) gives it one" in save.json()["detail"]
    unknown = post(served, training.run, {"name": "set", "parameter": "depth", "value": 1})
    assert unknown.status_code == 409
    assert "(lr)" in unknown.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [{"name": "dance"}, {"name": "pause", "value": -1}, {"parameter": "lr"}, [1], {"name": "stop", "x": 1}],
)
def test_what_is_no_command_is_answered_with_what_one_is(
    served: Served, training: Training, body: Any
) -> None:
    assert post(served, training.run, body).status_code == 400


def test_a_form_of_a_foreign_page_asks_nothing(served: Served, training: Training) -> None:
    address = f"api/runs/{training.run.id}/commands"
    form = served.client.post(address, content='{"name": "stop"}', headers={"content-type": "text/plain"})
    foreign = post(served, training.run, {"name": "stop"}, headers={"origin": "http://evil.example"})
    stranger = post(served, training.run, {"name": "stop"}, headers={"x-api-key": "wrong"})
    assert [form.status_code, foreign.status_code, stranger.status_code] == [415, 403, 401]
    assert training.run._stored is not None
    assert not (training.run._stored.folder / "commands.jsonl").exists()


def test_too_long_a_command_and_an_unknown_run_are_told(served: Served, training: Training) -> None:
    long = post(served, training.run, {"name": "set", "parameter": "lr", "value": "x" * 300_000})
    assert long.status_code == 413
    assert served.client.post("api/runs/nobody/commands", json={"name": "stop"}).status_code == 404


def test_a_run_that_said_nothing_of_commands_is_not_commanded(served: Served, run: livecb.Run) -> None:
    refused = post(served, run, {"name": "stop"})
    assert refused.status_code == 409
    assert "run.track" in refused.json()["detail"]
