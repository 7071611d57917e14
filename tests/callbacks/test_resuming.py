"""A framework that resumes from a checkpoint goes on with the run that saved it, by itself."""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import signal
import warnings
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import ranks
import resumed
import tiny
import torch
from pairs import pair
from resumptions import RESUMPTIONS, Interrupted

import livecb
from livecb import events
from livecb.control.commands import wish
from livecb.errors import LivecbWarning, RunNotFound
from livecb.testing import Recorded, record
from wishes import hf_reader, lightning_reader

FRAMEWORKS = ["lightning", "transformers"]


def of(kind: type[Any], told: list[Any]) -> list[Any]:
    return [event for event in told if isinstance(event, kind)]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_killed_training_goes_on_as_one_run(framework: str, recorded: Recorded, tmp_path: Path) -> None:
    if not (child := os.fork()):  # which has all that takes seconds to import
        with contextlib.suppress(BaseException):
            resumed.TRAIN[framework](tmp_path, [resumed.Kill(8)])
        os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    with (recorded.run.folder / "events.jsonl").open("ab") as log:
        log.write(b'{"type":"metrics","seq":70,"ti')
    # As people say it: the last one there is.
    last = {"lightning": str(tmp_path / "saved" / "last.ckpt"), "transformers": True}[framework]
    resumed.TRAIN[framework](tmp_path, ckpt=last)
    first, second = recorded.attempts()
    assert [each.step for each in of(events.Metrics, first) if "loss" in each.values or "loss_step" in each.values] == [
        *range(1, 9)
    ]  # fmt: skip
    state = recorded.state()
    told = state.to_dict(alive=False, now=0.0)
    assert [(each["status"], each["resumed_step"]) for each in told["attempts"]] == [
        ("crashed", None), ("completed", 6),
    ]  # fmt: skip
    assert [(each["from_step"], each["to_step"]) for each in told["rewinds"]] == [(8, 6)]
    name = {"lightning": "loss_step", "transformers": "loss"}[framework]
    places = [place.step for place in of(events.Metrics, second) if name in place.values]
    assert places == [7, 8, 9, 10]
    progress = of(events.Progress, second)
    assert (progress[0].done, progress[-1].done, progress[-1].total) == (6, 10, 10)
    assert (told["step"], told["lost"], told["progress"]["fraction"]) == (10, 0, 1.0)
    assert [each.seq for each in second if isinstance(each, events.Event)] == list(range(len(second)))


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_two_processes_go_on_as_one_run(framework: str, recorded: Recorded, tmp_path: Path) -> None:
    assert pair(ranks.resumed_by, framework, str(tmp_path)) == [[2], [2]]
    first, second = recorded.attempts()
    name = {"lightning": "loss_step", "transformers": "loss"}[framework]
    steps = [
        [place.step for place in of(events.Metrics, told) if name in place.values] for told in (first, second)
    ]
    assert steps == [[1, 2, 3], [4, 5, 6]]
    told = recorded.state().to_dict(alive=False, now=0.0)
    assert [(each["status"], each["resumed_step"]) for each in told["attempts"]] == [
        ("completed", None), ("completed", 3),
    ]  # fmt: skip
    assert [path.name for path in recorded.run.folder.glob("*.jsonl")] == ["events.jsonl"]


@pytest.fixture(scope="module", params=FRAMEWORKS)
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A training with its checkpoints: framework, folder of the checkpoints, store."""
    tiny.quiet()
    folder: Path = tmp_path_factory.mktemp("first")
    with record(folder / "store"):
        resumed.TRAIN[request.param](folder)
    return request.param, folder


@pytest.fixture
def first(trained: Any, recorded: Recorded) -> Any:
    """The same, with the store as it was then."""
    framework, folder = trained
    shutil.copytree(folder / "store", recorded.store.root, dirs_exist_ok=True)
    return framework, folder, recorded.run.id


def again(first: Any, folder: Path, step: int = 6, **settings: Any) -> Any:
    framework, before, _ = first
    return resumed.TRAIN[framework](folder, ckpt=resumed.checkpoint(framework, before, step), **settings)


def other(recorded: Recorded, first: Any) -> Any:
    """Return how the run began that is not the first one."""
    (run,) = [run for run in recorded.runs if run.id != first[2]]
    (begun,) = recorded.of(events.RunStarted, run)
    return begun


def test_two_trainings_from_one_checkpoint_do_not_fight(
    first: Any, recorded: Recorded, tmp_path: Path
) -> None:
    alive = livecb.init(id=first[2], sinks=[], capture=None, system_interval=0)
    with pytest.warns(LivecbWarning, match="is still being written"):
        again(first, tmp_path)
    alive.finish()
    assert other(recorded, first).resumed_run == first[2]
    assert len(recorded.attempts(recorded.store.run(first[2]))[1]) == 2  # it began and ended: nothing else


def test_the_checkpoint_of_a_run_of_another_store_begins_one_that_says_so(
    first: Any, recorded: Recorded, tmp_path: Path
) -> None:
    shutil.rmtree(recorded.run.folder)
    again(first, tmp_path)
    assert recorded.run.id != first[2]
    assert recorded.of(events.RunStarted)[0].resumed_run == first[2]
    assert recorded.state().to_dict(alive=False, now=0.0)["resumed_step"] == 6


def test_a_new_run_begins_from_a_checkpoint_where_it_is_asked_for(
    first: Any, recorded: Recorded, tmp_path: Path
) -> None:
    again(first, tmp_path, resume=False)
    assert other(recorded, first).attempt == 1


def test_a_run_that_is_named_goes_before_that_of_the_checkpoint(
    first: Any, recorded: Recorded, tmp_path: Path
) -> None:
    again(first, tmp_path, run_id="mine")
    assert other(recorded, first).run == "mine"


def test_a_checkpoint_that_is_resumed_twice_is_one_run_with_three_attempts(
    first: Any, recorded: Recorded, tmp_path: Path
) -> None:
    again(first, tmp_path, 6)
    again(first, tmp_path, 3)
    told = recorded.state().to_dict(alive=False, now=0.0)
    assert [each["resumed_step"] for each in told["attempts"]] == [None, 6, 3]
    assert told["status"] == "completed"


def test_weights_alone_begin_a_new_run(first: Any, recorded: Recorded, tmp_path: Path) -> None:
    framework, folder, _ = first
    path = Path(resumed.checkpoint(framework, folder, 6))
    if framework == "lightning":
        module = tiny.module_class(pl).load_from_checkpoint(path)
        tiny.trainer_of(pl, tmp_path, [tiny.live_stream("lightning")]).fit(module, tiny.loader())
    else:
        from safetensors.torch import load_file

        model = tiny.Regressor()
        model.load_state_dict(load_file(path / "model.safetensors"))
        tiny.hf_trainer(tmp_path, [tiny.live_stream("transformers")], model=model).train()
    assert (other(recorded, first).resumed_run, other(recorded, first).resumed_step) == (None, None)


def test_a_training_that_a_reader_stopped_goes_on_from_what_was_saved_then(
    recorded: Recorded, tmp_path: Path
) -> None:
    live = tiny.live_stream("lightning")
    reader = lightning_reader(pl, {4: [wish("stop", by="ada")]}, live)
    trainer = tiny.trainer_of(pl, tmp_path, [reader, live])
    trainer.fit(tiny.module_class(pl)(), tiny.loader())
    saved = [each for each in recorded.of(events.Checkpoint) if "livecb-" in each.path][-1]
    resumed.lightning(tmp_path, ckpt=saved.path)
    told = recorded.state().to_dict(alive=False, now=0.0)
    assert [(each["status"], each["by"], each["resumed_step"]) for each in told["attempts"]] == [
        ("stopped", "ada", None), ("completed", None, 4),
    ]  # fmt: skip
    assert told["rewinds"] == []


def test_a_trainer_that_a_reader_stopped_goes_on_too(recorded: Recorded, tmp_path: Path) -> None:
    live = tiny.live_stream("transformers")
    reader = hf_reader({4: [wish("stop", by="ada")]}, live)
    trainer = tiny.hf_trainer(tmp_path / "out", [reader, live])
    trainer.train()
    resumed.transformers(tmp_path, ckpt=True)
    told = recorded.state().to_dict(alive=False, now=0.0)
    assert [(each["status"], each["resumed_step"]) for each in told["attempts"]] == [
        ("stopped", None), ("completed", 4),
    ]  # fmt: skip


def test_a_tuner_that_puts_its_trainer_back_resumes_nothing(recorded: Recorded, tmp_path: Path) -> None:
    live = tiny.live_stream("lightning")
    tiny.trainer_of(pl, tmp_path, [live], max_epochs=1).fit(tiny.module_class(pl)(), tiny.loader())
    finder = pl.callbacks.LearningRateFinder(num_training_steps=3, attr_name="rate", update_attr=True)
    module = tiny.module_class(pl)()
    module.rate = 0.1
    tiny.trainer_of(pl, tmp_path, [live, finder], max_epochs=1).fit(module, tiny.loader())
    assert len(recorded.runs) == 2


def test_testing_a_checkpoint_does_not_resume_its_run(recorded: Recorded, tmp_path: Path) -> None:
    class Complete(tiny.module_class(pl)):  # type: ignore[misc]
        def test_step(self, batch: Any, batch_idx: int) -> None:
            self.log("test_loss", self.loss(batch))

    trainer = tiny.trainer_of(pl, tmp_path, [tiny.live_stream("lightning")], max_epochs=1)
    trainer.fit(Complete(), tiny.loader())
    trainer.test(Complete(), tiny.loader(4), ckpt_path=trainer.checkpoint_callback.best_model_path)
    assert [len(recorded.attempts(run)) for run in recorded.runs] == [1, 1]


@pytest.mark.parametrize("way", list(RESUMPTIONS))
def test_what_is_gone_on_with_is_one_run_and_its_values_are_the_frameworks(
    way: str, recorded: Recorded, tmp_path: Path
) -> None:
    course = RESUMPTIONS[way]
    named = {} if course.alone else {"run_id": "mine", "resume": "allow"}
    with contextlib.suppress(Interrupted), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        course.begin(tmp_path, **named)
    gc.collect()  # what was interrupted, and ends as it is thrown away
    told_by_framework = course.go_on(tmp_path, **named)
    first, second = recorded.attempts()
    of_metric = [
        (each.step, each.values[course.metric])
        for each in of(events.Metrics, second)
        if course.metric in each.values
    ]
    assert of_metric == told_by_framework
    assert [step for step, _ in of_metric][-1] == course.total
    assert max(each.step for each in of(events.Metrics, first)) == course.reached
    told = recorded.state().to_dict(alive=False, now=0.0)
    assert [(each["status"], each["resumed_step"]) for each in told["attempts"]][1:] == [
        ("completed", None if way == "accelerate" else course.saved)
    ]
    assert [each["to_step"] for each in told["rewinds"]] == (
        [course.saved] if course.reached > course.saved else []
    )
    assert (told["step"], told["lost"]) == (course.total, 0)
    assert told["progress"] is None or told["progress"]["fraction"] in (None, 1.0)


@pytest.mark.parametrize("way", [way for way, course in RESUMPTIONS.items() if course.alone])
def test_a_new_run_begins_by_the_way_that_says_so(way: str, recorded: Recorded, tmp_path: Path) -> None:
    course = RESUMPTIONS[way]
    with contextlib.suppress(Interrupted), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        course.begin(tmp_path)
    gc.collect()
    course.go_on(tmp_path, resume=False)
    assert [len(recorded.attempts(run)) for run in recorded.runs] == [1, 1]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_run_that_must_be_there_is_asked_for_before_anything_trains(
    framework: str, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    livecb.init(id="digits-wide", sinks=[], capture=None, system_interval=0).finish()
    with pytest.raises(RunNotFound, match="there are digits-wide"):
        tiny.live_stream(framework, run_id="digit-wide", resume=True)
    assert tiny.live_stream(framework, run_id="digits-wide", resume=True).run_id == "digits-wide"
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")  # whose machine need not have the store
    tiny.live_stream(framework, run_id="digit-wide", resume=True)


def test_what_a_checkpoint_holds_of_a_run_is_plain(first: Any) -> None:
    framework, folder, run = first
    if framework == "transformers":
        assert (
            f'"run": "{run}"'
            in (Path(resumed.checkpoint(framework, folder, 6)) / "trainer_state.json").read_text()
        )
    else:
        saved = torch.load(resumed.checkpoint(framework, folder, 6), weights_only=True)
        assert saved["livecb"] == {"run": run}
