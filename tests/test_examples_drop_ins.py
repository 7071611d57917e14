"""The examples of scripts that were written for something else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from livecb import events
from livecb.testing import Recorded, record

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *before: str) -> Recorded:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    script = EXAMPLES / f"{name}.py"
    assert len(script.read_text().splitlines()) < 40
    with record() as recorded:
        command = [sys.executable, *before, "-W", "error::livecb.LivecbWarning", script]
        subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60, check=True)
    assert list(tmp_path.iterdir()) == []
    assert [event.status for event in recorded.of(events.RunEnded)] == ["completed"]
    return recorded


def curve(
    recorded: Recorded, name: str, context: str | None = None
) -> list[tuple[int | None, float | None, Any]]:
    found = [
        event for event in recorded.of(events.Metrics) if name in event.values and event.context == context
    ]
    return [(event.step, event.epoch, event.values[name]) for event in found]


def test_a_script_for_wandb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = run("wandb_style", tmp_path, monkeypatch)
    losses, accuracies = curve(recorded, "train/loss"), curve(recorded, "val/acc")
    assert [step for step, _, _ in losses] == [step for step, _, _ in accuracies] == list(range(1, 21))
    assert losses[-1][2] < losses[0][2]
    assert accuracies[-1][2] > 0.9
    (table,) = recorded.of(events.Table)
    assert len(table.rows) == len(recorded.of(events.Image)) == 8
    assert [event.summary for event in recorded.of(events.RunEnded)] == [{"mistakes": 8}]


def test_a_script_for_tensorboard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = run("summary_writer", tmp_path, monkeypatch)
    losses, accuracies = curve(recorded, "train/loss"), curve(recorded, "val/acc")
    assert [step for step, _, _ in losses] == list(range(1, 451))
    assert [step for step, _, _ in accuracies] == [*range(45, 451, 45), 450]
    assert accuracies[-1][2] > accuracies[0][2]
    assert (len(recorded.of(events.Image)), len(recorded.of(events.Histogram))) == (4, 10)


def test_a_script_that_knows_nothing_of_livecb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = run("any_script", tmp_path, monkeypatch, "-m", "livecb", "run", "--", sys.executable)
    losses, accuracies = curve(recorded, "loss", "train"), curve(recorded, "accuracy", "val")
    assert [epoch for _, epoch, _ in losses] == [epoch for _, epoch, _ in accuracies] == list(range(1, 21))
    said = [event.message for event in recorded.of(events.Log)]
    assert f"train loss: {losses[-1][2]:.4f} val accuracy: {accuracies[-1][2]:.1%}" in said[-1]
    assert accuracies[-1][2] > 0.9
    assert recorded.state().to_dict(alive=False, now=0.0)["totals"] == {"epochs": 20}
