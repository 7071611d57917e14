from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from livecb import events
from livecb.testing import record

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.mark.parametrize(
    ("name", "score"),
    [("with_lightning", "val/acc"), ("with_transformers", "eval_loss"), ("plain_loop", "val/acc")],
)
def test_each_example_learns_something_and_is_short(
    name: str, score: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = EXAMPLES / f"{name}.py"
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with record() as recorded:
        subprocess.run(
            [sys.executable, "-W", "ignore", script],
            cwd=tmp_path,
            capture_output=True,
            timeout=60,
            check=True,
        )
    values = [event.values[score] for event in recorded.of(events.Metrics) if score in event.values]
    assert values[-1] > values[0] if score == "val/acc" else values[-1] < values[0]
    assert [event.status for event in recorded.of(events.RunEnded)] == ["completed"]
    assert len(script.read_text().splitlines()) < 40
    assert list(tmp_path.iterdir()) == []
