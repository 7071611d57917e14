"""Hugging Face Trainer: how a run ends, and where one training is several runs, or several are one."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tiny
import transformers
from at_step import At, fail
from hf_training import end, metrics, train

import livecb
from livecb import events
from livecb.testing import Recorded


def test_an_exception_in_a_with_block_is_a_failed_run(recorded: Recorded, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a bug of yours"), tiny.live_stream("transformers") as stream:
        train(tmp_path, stream, callbacks=[At(3, fail)])
    ended = end(recorded)
    assert (ended.status, ended.error, ended.step) == ("failed", "ValueError: a bug of yours", 3)
    assert "in fail" in ended.traceback


def test_an_exception_that_was_caught_is_told_by_the_next_training(
    recorded: Recorded, tmp_path: Path
) -> None:
    stream, broken = tiny.live_stream("transformers"), At(3, fail)
    trainer = tiny.hf_trainer(tmp_path, [stream, broken])
    with pytest.raises(ValueError, match="a bug of yours"):
        trainer.train()
    broken.step = -1
    trainer.train()
    first, second = recorded.runs
    assert (end(recorded, first).status, end(recorded, second).status) == ("failed", "completed")
    assert "another training began" in end(recorded, first).reason


def test_a_training_whose_trainer_is_thrown_away_has_failed(recorded: Recorded, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a bug of yours"):
        train(tmp_path, callbacks=[At(3, fail)])
    gc.collect()
    assert (end(recorded).status, "thrown away" in end(recorded).reason) == ("failed", True)


ENDINGS = {
    "train(fail)": ("failed", "ValueError: a bug of yours"),
    "train(interrupt)": ("stopped", "KeyboardInterrupt"),
    "try: train(fail)\nexcept ValueError as error: kept = error": ("failed", "the program ended before"),
}


def test_a_program_that_ends_in_the_middle_says_how(recorded: Recorded, tmp_path: Path) -> None:
    # Forked, for what they have in common is slow: to import the frameworks.
    script = (
        "import os, sys, tiny\nfrom at_step import At, fail\n"
        "def interrupt(**kwargs): raise KeyboardInterrupt\n"
        "def train(action):\n"
        f"    tiny.hf_trainer({str(tmp_path)!r}, [tiny.live_stream('transformers'), At(2, action)]).train()\n"
        "for ending in sys.argv[1:]:\n"
        "    if os.fork() == 0:\n"
        "        exec(ending)\n"
        "        break\n"
        "    os.wait()\n"
    )
    path = os.pathsep.join(map(str, (Path(livecb.__file__).parents[1], Path(__file__).parent)))
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", script, *ENDINGS], env=environment, stderr=subprocess.DEVNULL)
    assert len(recorded.runs) == len(ENDINGS)
    for run, (status, said) in zip(recorded.runs, ENDINGS.values(), strict=True):
        ended = end(recorded, run)
        assert ended.status == status
        assert said in f"{ended.error} {ended.reason}"


def test_smaller_batches_after_running_out_of_memory_are_the_same_run(
    recorded: Recorded, tmp_path: Path
) -> None:
    def run_out(**kwargs: Any) -> None:
        if exhausted:
            exhausted.pop()
            raise RuntimeError("CUDA out of memory. Tried to allocate")

    exhausted = [True]
    trainer = train(
        tmp_path, callbacks=[At(2, run_out)], auto_find_batch_size=True, per_device_train_batch_size=4
    )
    size = trainer.state.train_batch_size
    assert size < 4
    (config,) = recorded.of(events.Config)
    assert (config.config, config.resumed_step) == ({"train_batch_size": size}, 0)
    assert config.totals.steps == trainer.state.max_steps
    assert recorded.of(events.Alert)[0].title == "Out of memory"
    steps = [event.step for event in metrics(recorded)]
    assert steps == [1, 2, *range(1, trainer.state.max_steps + 1)]
    assert end(recorded).status == "completed"


def test_each_trial_of_a_search_is_a_run_with_its_parameters(recorded: Recorded, tmp_path: Path) -> None:
    # No search backend is installed here: its trials reach a callback as this state does.
    stream = tiny.live_stream("transformers", name="search")
    args = transformers.TrainingArguments(str(tmp_path), use_cpu=True, report_to=[])
    control = transformers.TrainerControl()
    for rate, steps in ((0.1, 5), (0.2, 3)):
        state = transformers.TrainerState(
            max_steps=5, is_hyper_param_search=True, trial_params={"learning_rate": rate}
        )
        stream.on_train_begin(args, state, control, model=tiny.Regressor())
        state.global_step = steps
        stream.on_train_end(args, state, control)
    runs = recorded.runs
    started = [recorded.of(events.RunStarted, run)[0] for run in runs]
    assert [event.name for event in started] == ["search learning_rate=0.1", "search learning_rate=0.2"]
    assert [event.config["learning_rate"] for event in started] == [0.1, 0.2]
    assert [end(recorded, run).reason for run in runs] == [None, "pruned"]
