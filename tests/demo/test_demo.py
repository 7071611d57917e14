"""The demos, as a person starts them."""

import json
import os
import signal
import subprocess
import sys

import pytest

from livecb import demo
from livecb.demo.transformers_demo import review
from livecb.state import State
from livecb.testing import Recorded


@pytest.fixture
def servers(store):
    """End the server that a demo leaves for its viewers."""
    yield
    for path in store.root.glob(".server-*.json"):
        os.kill(json.loads(path.read_text())["pid"], signal.SIGTERM)


@pytest.mark.parametrize(
    ("framework", "losses"),
    [("lightning", {"train/loss", "val/loss"}), ("transformers", {"loss", "eval_loss"})],
)
@pytest.mark.usefixtures("servers")
def test_a_demo_trains_and_can_be_watched(store, framework, losses):
    words = ["demo", "--framework", framework, "--epochs", "1", "--port", "0", "--no-browser"]
    result = subprocess.run(
        [sys.executable, "-m", "livecb", *words], capture_output=True, text=True, timeout=170, check=False
    )
    assert result.returncode == 0, result.stderr
    assert "livecb: http://127.0.0.1:" in result.stderr
    recorded = Recorded(store.root)
    state = State(recorded.run.id)
    state.feed(recorded.events)
    told = state.to_dict(alive=False, now=0.0)
    assert (told["status"], told["framework"], told["lost"]) == ("completed", framework, 0)
    assert losses <= set(told["metrics"])
    curves = {metric["series"] for metric in told["metrics"].values() if metric["chart"] == "loss"}
    assert {"train", "val"} <= curves
    assert any(metric["chart"] == "lr" and metric["count"] > 10 for metric in told["metrics"].values())
    assert any(metric["chart"] == "accuracy" for metric in told["metrics"].values())
    assert told["checkpoints"]
    assert told["progress"]["fraction"] == 1.0


def test_what_a_demo_lacks_is_named(monkeypatch):
    monkeypatch.setattr(demo, "_NEEDED", {"lightning": {"livecb": "livecb", "no_such_module": "no-such"}})
    assert demo.missing("lightning") == ["no-such"]


def test_a_review_is_what_its_words_make_it():
    import random

    rng = random.Random(1)
    made = [review(rng) for _ in range(500)]
    assert 0.4 < sum(label for _, label in made) / 500 < 0.6
    short = {" ".join(words[1:]): label for words, label in made if len(words) == 3 + ("not" in words)}
    assert short["was good"] == 1
    assert short["was not good"] == 0
