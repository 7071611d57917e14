"""What every callback promises, shown on the same small training in each framework."""

from __future__ import annotations

import copy
import pickle
import warnings
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from tiny import Watched

import livecb
from livecb import events
from livecb.callbacks.base import Stream
from livecb.errors import LivecbWarning
from livecb.sinks import File, Stdout
from livecb.state import State
from livecb.testing import record

FRAMEWORKS = list(tiny.TRAIN)


def test_the_events_come_in_the_order_in_which_things_happen(watched: Watched) -> None:
    phase = "evaluate" if watched.framework == "transformers" else "validate"
    reduced = [] if watched.framework == "transformers" else ["metrics train @{}"]
    expected = ["run_started", "running train"]
    for steps in ((1, 2, 3), (4, 5, 6)):
        last = steps[-1]
        expected += [f"metrics train @{step}" for step in steps]
        expected += [f"evaluating {phase}", f"metrics val @{last}", "running train"]
        expected += [*(word.format(last) for word in reduced), f"checkpoint @{last}"]
    assert tiny.story(watched.events) == [*expected, "run_ended completed"]


def test_every_value_is_the_one_that_the_framework_reports_to_the_last_digit(watched: Watched) -> None:
    recorded = tiny.steps_of(watched.events)
    recorded.pop("lr", None)
    assert recorded == watched.outcome.reported
    assert len(recorded) >= 3


def test_every_axis_is_right_under_gradient_accumulation(watched: Watched) -> None:
    places = [
        (event.step, event.batch, event.epoch, event.samples)
        for event in watched.of(events.Metrics)
        if event.context == "train" and "loss_epoch" not in event.values
    ]
    assert places == [
        (1, 2, pytest.approx(0.4), 4),
        (2, 4, pytest.approx(0.8), 8),
        (3, 5, 1.0, 10),
        (4, 7, pytest.approx(1.4), 14),
        (5, 9, pytest.approx(1.8), 18),
        (6, 10, 2.0, 20),
    ]


def test_values_of_an_evaluation_stand_where_the_training_stood(watched: Watched) -> None:
    places = [
        (event.step, event.batch, event.epoch, event.samples)
        for event in watched.of(events.Metrics)
        if event.context == "val"
    ]
    assert places == [(3, 5, 1.0, 10), (6, 10, 2.0, 20)]


def test_how_much_there_is_to_do_is_known_from_the_start(watched: Watched) -> None:
    totals = next(event.totals for event in watched.events if getattr(event, "totals", None))
    assert totals == events.Totals(epochs=2, steps=6, batches=10, batches_per_epoch=5)


def test_a_bar_of_each_phase_begins_at_nothing_and_ends_at_all(watched: Watched) -> None:
    bars: dict[str, list[events.Progress]] = {}
    for event in watched.of(events.Progress):
        bars.setdefault(event.phase, []).append(event)
    training, evaluation = bars.values()
    for bar, unit, total in ((training, "step", 6), (evaluation, "batch", 2)):
        assert (bar[0].done, bar[-1].done, bar[-1].total, bar[-1].unit) == (0, total, total, unit)
        assert bar[-1].elapsed > 0
        assert bar[-1].rate > 0
        assert bar[-1].left == 0


def test_the_run_says_what_trains_and_with_which_settings(watched: Watched) -> None:
    (started,) = watched.of(events.RunStarted)
    assert started.framework == watched.framework.partition(".")[0]
    assert set(started.versions) == {"python", "torch", started.framework}
    assert started.config["model"]["parameters"] == 19
    assert started.world_size == 1


def test_what_the_events_come_to_is_what_a_person_asks(watched: Watched) -> None:
    state = State("any")
    state.feed(watched.events)
    told = state.to_dict(alive=False, now=watched.events[-1].time)
    assert (told["status"], told["step"], told["batch"], told["epoch"]) == ("completed", 6, 10, 2.0)
    assert told["totals"] == {"epochs": 2.0, "steps": 6, "batches": 10, "batches_per_epoch": 5}
    assert told["progress"]["done"] == told["progress"]["total"] == 6
    name = "eval_loss" if watched.framework == "transformers" else "val_loss"
    values = [value for _, value in watched.outcome.reported[name]]
    metric = told["metrics"][name]
    assert (metric["value"], metric["best"]) == (values[-1], min(values))


def test_a_checkpoint_is_a_path_that_exists_and_its_size(watched: Watched) -> None:
    last = watched.of(events.Checkpoint)[-1]
    assert Path(last.path).exists()
    assert last.size > 1000


def test_events_are_numbered_without_gaps_and_none_is_lost(watched: Watched) -> None:
    assert [event.seq for event in watched.events] == list(range(len(watched.events)))
    assert watched.events[-1].lost == 0


def test_the_weights_are_those_of_a_training_without_the_callback(watched: Watched) -> None:
    pairs = zip(watched.outcome.weights, watched.untouched.weights, strict=True)
    assert all(torch.equal(ours, theirs) for ours, theirs in pairs)
    assert watched.outcome.reported.keys() == watched.untouched.reported.keys()


def test_the_random_state_is_left_as_it_would_be(watched: Watched, tmp_path: Path) -> None:
    states = []
    for callbacks in ([], [tiny.live_stream(watched.framework, dir=tmp_path / "store")]):
        tiny.TRAIN[watched.framework](watched.framework, callbacks, tmp_path / "training")
        states.append(torch.get_rng_state())
    assert torch.equal(*states)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_callback_can_be_copied_and_pickled_before_and_while_it_is_used(
    framework: str, tmp_path: Path
) -> None:
    sinks = [Stdout(), File(tmp_path / "copy.jsonl")]
    stream = tiny.live_stream(framework, name="one", config={"a": 1}, sinks=sinks)
    copies = []

    class Copy(type(stream)):  # type: ignore[misc]
        def on_train_end(self, *args: Any, **kwargs: Any) -> None:
            copies.extend((pickle.loads(pickle.dumps(stream)), copy.deepcopy(stream)))

    with record():
        tiny.TRAIN[framework](framework, [stream, Copy()], tmp_path)
    for each in (*copies, pickle.loads(pickle.dumps(stream))):
        assert [type(sink) for sink in each.sinks] == [Stdout, File]
        assert (each.name, each.config, each.run.active) == ("one", {"a": 1}, False)
    assert len(copies) == 2


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("action", ["default", "error"])
def test_a_hook_that_fails_is_said_once_and_the_training_goes_on(
    framework: str, action: Any, tmp_path: Path
) -> None:
    stream = tiny.live_stream(framework)

    def fail(*args: Any, **kwargs: Any) -> None:
        raise ValueError("a bug of ours")

    stream._tell_progress = fail
    with record() as recorded, warnings.catch_warnings(record=True) as said:
        warnings.simplefilter(action, LivecbWarning)
        outcome = tiny.TRAIN[framework](framework, [stream], tmp_path)
    assert (
        outcome.trainer.state.global_step == 6
        if framework == "transformers"
        else outcome.trainer.global_step == 6
    )
    ours = [str(each.message) for each in said if issubclass(each.category, LivecbWarning)]
    assert len(ours) == (1 if action == "default" else 0)
    assert all("failed: ValueError: a bug of ours" in text for text in ours)
    alerts, ends = recorded.of(events.Alert), recorded.of(events.RunEnded)
    assert [alert.title for alert in alerts] == ["livecb stopped recording"]
    assert [end.status for end in ends] == ["completed"]


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.filterwarnings("ignore::livecb.errors.LivecbWarning")
def test_a_hook_that_failed_in_one_training_is_given_another_chance_in_the_next(
    framework: str, tmp_path: Path
) -> None:
    stream = tiny.live_stream(framework)

    def fail(*args: Any, **kwargs: Any) -> None:
        raise ValueError("a bug of ours")

    with record() as recorded:
        stream._tell_progress = fail
        tiny.TRAIN[framework](framework, [stream], tmp_path)
        del stream._tell_progress
        tiny.TRAIN[framework](framework, [stream], tmp_path)
    _, second = recorded.runs
    assert recorded.of(events.Metrics, second)
    assert [end.status for end in recorded.of(events.RunEnded, second)] == ["completed"]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_hook_of_a_callback_is_guarded(framework: str) -> None:
    cls = type(tiny.live_stream(framework))
    hooks = [name for name in vars(cls) if name.startswith("on_") or name in ("setup", "teardown")]
    assert len(hooks) >= 9
    assert all(hasattr(vars(cls)[name], "__wrapped__") for name in hooks)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_training_again_with_the_same_callback_makes_another_run(framework: str, tmp_path: Path) -> None:
    stream = tiny.live_stream(framework)
    with record() as recorded:
        for _ in range(2):
            tiny.TRAIN[framework](framework, [stream], tmp_path)
    assert len(recorded.runs) == 2
    for run in recorded.runs:
        assert recorded.events_of(run)[-1].status == "completed"


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_training_again_with_a_run_id_makes_the_next_attempt(framework: str, tmp_path: Path) -> None:
    stream = tiny.live_stream(framework, run_id="mine")
    with record() as recorded:
        for _ in range(2):
            tiny.TRAIN[framework](framework, [stream], tmp_path)
    assert recorded.run.id == "mine"
    assert [event.attempt for event in recorded.of(events.RunStarted)] == [1, 2]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_what_the_user_says_of_a_run_stands_in_it(framework: str, tmp_path: Path) -> None:
    stream = tiny.live_stream(
        framework, name="n", project="p", config={"mine": 1}, tags=["t"], dir=tmp_path / "elsewhere"
    )
    with record(tmp_path / "elsewhere") as recorded:
        tiny.TRAIN[framework](framework, [stream], tmp_path)
    (started,) = recorded.of(events.RunStarted)
    assert (started.name, started.project, started.tags) == ("n", "p", ["t"])
    assert started.config["mine"] == 1


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_run_that_is_given_is_recorded_into_and_left_open(framework: str, tmp_path: Path) -> None:
    with record() as recorded, livecb.init(system_interval=0, capture=None) as run:
        tiny.TRAIN[framework](framework, [tiny.live_stream(framework, run=run)], tmp_path)
        assert run.active
        run.log({"after": 1.0})
    story = tiny.story(recorded.events)
    assert story[0] == "run_started"
    assert story[-3:] == ["checkpoint @6", "metrics None @6", "run_ended completed"]
    assert recorded.of(events.Config)[0].framework == framework.partition(".")[0]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_values_of_every_nth_step_alone_are_recorded_if_wanted(framework: str, tmp_path: Path) -> None:
    with record() as recorded:
        tiny.TRAIN[framework](framework, [tiny.live_stream(framework, every_n_steps=2)], tmp_path)
    steps = [
        event.step
        for event in recorded.of(events.Metrics)
        if event.context == "train" and "loss_epoch" not in event.values
    ]
    assert steps == [2, 4, 6]


def test_all_callbacks_take_the_same_arguments() -> None:
    for framework in FRAMEWORKS:
        assert type(tiny.live_stream(framework)).__init__ is Stream.__init__
