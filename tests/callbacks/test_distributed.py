"""Several processes, one run: its leading rank records, the others do nothing, and none waits for another."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import by_transformers
import pytest
import ranks
from distributed import train_lightning
from pairs import apart, free_port, pair

import livecb
from livecb import events
from livecb.testing import Recorded

HERE = Path(__file__).parent


def launch(*command: object) -> str:
    path = os.pathsep.join(map(str, (Path(livecb.__file__).parents[1], HERE, HERE.parent)))
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    process = subprocess.Popen(
        [sys.executable, *map(str, command)],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        said, complaints = process.communicate(timeout=120)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0, complaints[-3000:]
    return said


# `ddp_spawn` is `ddp_fork` with callbacks that are pickled, which the contract asks of each.
@pytest.mark.parametrize("strategy", ["ddp", "ddp_fork"])
def test_two_processes_of_lightning_make_one_run(strategy: str, recorded: Recorded, tmp_path: Path) -> None:
    if strategy == "ddp":  # which calls the script once more
        launch(HERE / "distributed.py", tmp_path)
    else:
        apart(train_lightning, str(tmp_path), strategy)
    assert [path.name for path in recorded.run.folder.glob("*.jsonl")] == ["events.jsonl"]
    (started,) = recorded.of(events.RunStarted)
    assert (started.name, started.world_size) == ("ddp", 2)
    told = recorded.of(events.Metrics)
    assert [(event.step, event.batch, event.samples) for event in told if "rank" in event.values] == [
        (1, 1, 4), (2, 2, 8), (3, 3, 12), (4, 4, 16),
    ]  # fmt: skip
    values = {name: value for event in told for name, value in event.values.items()}
    assert (values["rank"], values["ranks_step"], values["ranks_epoch"]) == (0, 0.5, 0.5)
    assert (values["gathered"], values["val_ranks"]) == (1, 0.5)
    assert [end.status for end in recorded.of(events.RunEnded)] == ["completed"]


@pytest.mark.parametrize("how", ["forks", "torchrun"])
def test_two_processes_of_transformers_make_one_run(how: str, recorded: Recorded, tmp_path: Path) -> None:
    if how == "forks":
        all_losses = pair(by_transformers.train, str(tmp_path))
    else:
        torchrun = ("-m", "torch.distributed.run", "--nproc_per_node=2", "--master_addr=127.0.0.1")
        said = launch(*torchrun, f"--master_port={free_port()}", HERE / "by_transformers.py", tmp_path)
        lines = [line.split() for line in said.splitlines() if line.startswith("losses")]
        all_losses = [[float(word) for word in words[1:]] for words in lines]
    assert [path.name for path in recorded.run.folder.glob("*.jsonl")] == ["events.jsonl"]
    assert recorded.of(events.RunStarted)[0].world_size == 2
    told = [event for event in recorded.of(events.Metrics) if event.context == "train"]
    assert [(event.step, event.batch, event.samples) for event in told] == [
        (1, 1, 4), (2, 2, 8), (3, 3, 12), (4, 4, 16),
    ]  # fmt: skip
    assert all_losses == [[event.values["loss"] for event in told]] * 2
    assert recorded.events[-1].status == "completed"


def test_of_two_processes_one_asks_the_model_and_their_weights_stay_the_same(
    recorded: Recorded, tmp_path: Path
) -> None:
    weights = [weight for told in pair(ranks.asked, str(tmp_path)) for weight in told]
    assert len(weights) == 4
    assert len(set(weights)) == 1
    assert [event.step for event in recorded.of(events.Sample)] == [1, 2, 3]
    assert [path.name for path in recorded.run.folder.glob("*.jsonl")] == ["events.jsonl"]
    assert recorded.events[-1].status == "completed"


def test_two_processes_of_accelerate_make_one_run(recorded: Recorded) -> None:
    losses, others = pair(ranks.accelerated)
    assert [path.name for path in recorded.run.folder.glob("*.jsonl")] == ["events.jsonl"]
    (started,) = recorded.of(events.RunStarted)
    assert (started.world_size, started.config["accelerate"]["processes"]) == (2, 2)
    told = [(event.step, event.values["loss"]) for event in recorded.of(events.Metrics)]
    assert told == list(enumerate(losses, 1))
    assert (len(told), losses) == (4, others)
    able = recorded.of(events.Controls)[-1]
    assert "tells its trackers of one of them only" in able.commands["pause"]
    assert recorded.events[-1].status == "completed"


def test_two_processes_of_keras_make_one_run(recorded: Recorded) -> None:
    losses, others = pair(ranks.with_keras)
    assert [path.name for path in recorded.run.folder.glob("*.jsonl")] == ["events.jsonl"]
    assert recorded.of(events.RunStarted)[0].world_size == 2
    told = [event.values["loss"] for event in recorded.of(events.Metrics) if "loss" in event.values]
    assert told == losses == others
    able = recorded.of(events.Controls)[0]
    assert "Keras does not say what they share" in able.commands["pause"]
    assert recorded.events[-1].status == "completed"
