"""A real training by the HF Trainer, and what was recorded of it: for its tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tiny

from livecb import events
from livecb.testing import Recorded


def train(folder: Path, callback: Any = None, **settings: Any) -> Any:
    """Train with our callback; return the trainer."""
    resume = settings.pop("resume", None)
    extra = settings.pop("callbacks", [])
    trainer = tiny.hf_trainer(folder, [callback or tiny.live_stream("transformers"), *extra], **settings)
    trainer.train(resume_from_checkpoint=resume)
    return trainer


def metrics(recorded: Recorded, context: str = "train", run: Any = None) -> list[events.Metrics]:
    return [event for event in recorded.of(events.Metrics, run) if event.context == context]


def end(recorded: Recorded, run: Any = None) -> events.RunEnded:
    (ended,) = recorded.of(events.RunEnded, run)
    return ended
