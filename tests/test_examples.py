from __future__ import annotations

import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from livecb import events
from livecb.testing import record

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.mark.parametrize(
    ("name", "score"),
    [
        ("with_lightning", "val/acc"),
        ("with_transformers", "eval_loss"),
        ("plain_loop", "val/acc"),
        ("with_xgboost", "val/mlogloss"),
        ("with_lightgbm", "4 leaves/val/rmse"),
        ("with_catboost", "validation/MultiClass"),
        ("with_optuna", "best_value"),
        ("plain_pytorch", "val/acc"),
        ("with_gan", "diversity"),
        ("gan_lightning", "diversity"),
        ("with_keras", "val_loss"),
        ("with_skorch", "valid_loss"),
        ("with_accelerate", "val/acc"),
        ("with_samples", "samples/exact"),
        ("with_trl", "samples/exact"),
        ("with_fastai", "valid_loss"),
    ],
)
def test_each_example_learns_something_and_is_short(
    name: str, score: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = EXAMPLES / f"{name}.py"
    monkeypatch.chdir(tmp_path)
    with record() as recorded:
        runpy.run_path(str(script), run_name="__main__")
    values = [event.values[score] for event in recorded.of(events.Metrics) if score in event.values]
    more_is_better = score in ("val/acc", "diversity", "samples/exact")
    assert values[-1] > values[0] if more_is_better else values[-1] < values[0]
    assert [event.status for event in recorded.of(events.RunEnded)] == ["completed"]
    assert len(script.read_text().splitlines()) < 40
    assert list(tmp_path.iterdir()) == []


def test_the_example_that_is_run_again_goes_on_with_its_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with record() as recorded:
        for epochs in ("2", "4"):
            monkeypatch.setattr(sys, "argv", ["taken_up_again.py", epochs])
            runpy.run_path(str(EXAMPLES / "taken_up_again.py"), run_name="__main__")
        first, second = recorded.attempts()
    steps = [[event.step for event in each if isinstance(event, events.Metrics)] for each in (first, second)]
    assert (steps[0][-1], steps[1][0], steps[1][-1]) == (90, 91, 180)
    values = [each.values["val/acc"] for each in first + second if "val/acc" in getattr(each, "values", {})]
    assert len(values) == 4
    assert values[-1] > values[0]


def test_the_async_example_counts_what_it_keeps() -> None:
    script = EXAMPLES / "async_loop.py"
    with record() as recorded:
        done = subprocess.run(
            [sys.executable, "-W", "error", script], capture_output=True, text=True, timeout=60, check=True
        )
    last = recorded.of(events.Progress)[-1]
    assert (last.done, last.total, last.left) == (300, 300, 0)
    counted = last.counters
    assert counted["successful"] + counted["failed"] == 300
    assert f"{counted['saved']} samples kept\n" == done.stdout
    assert sum(count for name, count in counted.items() if name.startswith("category/")) == 300
    assert counted["best_model/careful"] > counted["best_model/quick"]
    assert len(script.read_text().splitlines()) < 40


def test_the_web_app_of_the_examples_trains_by_a_request_and_shows_it() -> None:
    script = EXAMPLES / "with_fastapi.py"
    with record() as recorded:
        with TestClient(runpy.run_path(str(script))["app"], base_url="http://localhost") as client:
            body = client.post("/train?epochs=2").text
            state = client.get(f"/livecb/api/runs/{recorded.run.id}").json()
        result = json.loads(body.split("event: result\ndata: ")[1])["result"]
        assert result["accuracy"] > 0.7
        assert state["result"] == result
        assert [event.step for event in recorded.of(events.Metrics)] == list(range(1, 91))
    assert len(script.read_text().splitlines()) < 40


@pytest.mark.parametrize(
    ("name", "candidates", "failed"), [("with_sklearn", 20, 0), ("sklearn_compare", 7, 1)]
)
def test_the_examples_of_scikit_learn_fill_a_leaderboard(
    name: str, candidates: int, failed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = EXAMPLES / f"{name}.py"
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with record() as recorded:
        subprocess.run([sys.executable, "-W", "ignore", script], capture_output=True, timeout=60, check=True)
    state = recorded.state().to_dict(alive=False, now=0.0)
    assert state["status"] == "completed"
    assert len(state["leaderboard"]) == candidates
    assert sum(not row["ok"] for row in state["leaderboard"]) == failed
    assert state["leaderboard"][0]["folds_done"] == 5
    assert len(script.read_text().splitlines()) < 40
