"""What a language model answers while it learns: the table, the scores, and a training that notices nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import llm
import pytest
import tiny

from livecb import events
from livecb.callbacks.samples import SampleCallback
from livecb.testing import Recorded

PROMPTS = [{"prompt": "2 plus 2 is", "target": "4"}, "1 plus"]


def exact(prediction: str, target: str) -> bool:
    return prediction == target


def asking(prompts: Any = PROMPTS, every: Any = "epoch", **settings: Any) -> Any:
    settings = {"sinks": [], "system_interval": 0, "capture": None, "max_new_tokens": 3} | settings
    return SampleCallback(prompts, every, **settings)


def stream() -> Any:
    return tiny.live_stream("transformers")


def told(recorded: Recorded) -> list[tuple[Any, ...]]:
    return [(event.step, event.epoch, event.input) for event in recorded.of(events.Sample)]


def scores(recorded: Recorded, name: str) -> list[tuple[Any, ...]]:
    return [(event.step, event.values[name]) for event in recorded.of(events.Metrics) if name in event.values]


@pytest.mark.parametrize("first", ["stream", "samples"])
def test_beside_a_live_stream_the_answers_are_in_its_run(
    first: str, recorded: Recorded, tmp_path: Path
) -> None:
    callbacks = [stream(), asking()]
    llm.trainer(tmp_path, callbacks if first == "stream" else callbacks[::-1]).train()
    assert told(recorded) == [
        (5, 1.0, "2 plus 2 is"),
        (5, 1.0, "1 plus"),
        (10, 2.0, "2 plus 2 is"),
        (10, 2.0, "1 plus"),
    ]
    assert [(event.batch, event.samples) for event in recorded.of(events.Sample)] == [(5, 25)] * 2 + [
        (10, 50)
    ] * 2
    assert len(recorded.of(events.RunStarted)) == 1
    assert recorded.events[-1].status == "completed"
