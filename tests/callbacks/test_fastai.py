"""The callback of fastai."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import courses
import pytest
import tiny
import torch
from fastai.basics import DataLoader, DataLoaders, Learner
from fastai.callback.core import Callback
from fastai.callback.schedule import lr_find  # noqa: F401 - gives Learner its methods
from fastai.callback.tracker import EarlyStoppingCallback, SaveModelCallback, TerminateOnNaNCallback
from fastai.callback.training import GradientAccumulation
from fastai.metrics import mae
from fastai.optimizer import SGD
from tiny import story

import livecb
from livecb import events
from livecb.callbacks.fastai import LiveStream
from livecb.control.commands import wish
from livecb.errors import LivecbWarning
from livecb.testing import Recorded

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:fast.*", "ignore::UserWarning:fast.*")


def stream(**settings: Any) -> LiveStream:
    return LiveStream(**({"sinks": [], "system_interval": 0, "capture": None} | settings))


def learner(*callbacks: Any, folder: Path | None = None, target: float = 1.0) -> Any:
    """Return a learner that sees 10 samples in batches of 2, and validates with 4."""
    torch.manual_seed(7)
    data = [(x, y * target) for x, y in tiny.dataset(14)]
    loaders = DataLoaders(DataLoader(data[:10], bs=2), DataLoader(data[10:], bs=2))
    learn = Learner(
        loaders, tiny.network(), torch.nn.functional.mse_loss, opt_func=SGD, lr=0.0625, metrics=mae,
        path=folder, cbs=list(callbacks),
    )  # fmt: skip
    learn.recorder.add_time = False
    return learn


def fit(learn: Any, epochs: int = 2, *callbacks: Any) -> Any:
    with learn.no_bar(), learn.no_logging():
        learn.fit(epochs, cbs=list(callbacks))
    return learn


def values(recorded: Recorded, name: str) -> list[tuple[Any, float]]:
    """Return the values of a metric, each with its step."""
    return [(event.step, event.values[name]) for event in recorded.of(events.Metrics) if name in event.values]


class Spy(Callback):
    """Keeps the loss of every training batch, and acts after it."""

    def __init__(self, act: Callable[[int], None] = lambda batch: None) -> None:
        super().__init__()
        self.told: list[float] = []
        self.act = act

    def after_batch(self) -> None:
        if self.learn.training:
            self.told.append(self.learn.loss.item())
            self.act(len(self.told))


def fail(batch: int) -> None:
    if batch == 3:
        raise ValueError("a bug of yours")


def test_the_events_come_in_the_order_in_which_things_happen(recorded: Recorded) -> None:
    fit(learner(stream()))
    expected = ["run_started", "running fit"]
    for steps in (range(1, 6), range(6, 11)):
        last = steps[-1]
        expected += [f"metrics train @{step}" for step in steps]
        expected += ["evaluating validate", "running fit", f"metrics train @{last}", f"metrics val @{last}"]
    assert story(recorded.events) == [*expected, "run_ended completed"]


def test_every_value_is_the_one_that_fastai_reports(recorded: Recorded) -> None:
    spy = Spy()
    learn = fit(learner(stream(), spy))
    assert list(learn.recorder.metric_names) == ["epoch", "train_loss", "valid_loss", "mae"]
    for place, name in enumerate(("train_loss", "valid_loss", "mae")):
        reported = [row[place] for row in learn.recorder.values]
        assert values(recorded, name) == list(zip((5, 10), reported, strict=True))
    assert values(recorded, "train_loss_step") == [(at + 1, loss) for at, loss in enumerate(spy.told)]
    assert values(recorded, "lr") == [(step, 0.0625) for step in range(1, 11)]


def test_every_axis_is_right(recorded: Recorded) -> None:
    fit(learner(stream()))
    told = [event for event in recorded.of(events.Metrics) if "train_loss_step" in event.values]
    assert [(event.step, event.batch, event.epoch, event.samples) for event in told] == [
        (step, step, pytest.approx(step / 5), 2 * step) for step in range(1, 11)
    ]
    told = [event for event in recorded.of(events.Metrics) if "valid_loss" in event.values]
    assert [(event.step, event.epoch) for event in told] == [(5, 1.0), (10, 2.0)]
    bars = {each.phase: each for each in recorded.of(events.Progress)}
    assert [(bar.done, bar.total) for bar in bars.values()] == [(10, 10), (2, 2)]


def test_a_step_is_a_step_of_the_optimizer(recorded: Recorded) -> None:
    fit(learner(stream(), GradientAccumulation(4)))
    told = [event for event in recorded.of(events.Metrics) if "train_loss_step" in event.values]
    assert [(event.step, event.batch) for event in told] == [(1, 2), (2, 4), (3, 6), (4, 8), (5, 10)]


def test_the_learning_rate_is_that_of_the_step(recorded: Recorded) -> None:
    learn = learner(stream())
    with learn.no_bar(), learn.no_logging():
        learn.fit_one_cycle(2, 0.125)
    assert [rate for _, rate in values(recorded, "lr")] == pytest.approx(list(learn.recorder.lrs), abs=0)
    assert len(set(learn.recorder.lrs)) == 10


def test_the_run_says_what_trains_and_with_which_settings(recorded: Recorded) -> None:
    fit(learner(stream(name="n", config={"mine": 1})))
    (started,) = recorded.of(events.RunStarted)
    assert (started.name, started.framework) == ("n", "fastai")
    assert set(started.versions) == {"python", "fastai", "torch"}
    assert started.totals == events.Totals(epochs=2, batches=10, batches_per_epoch=5)
    config = started.config
    assert (config["mine"], config["lr"], config["batch_size"], config["opt_func"]) == (1, 0.0625, 2, "SGD")
    assert (config["model"]["parameters"], config["loss_func"]) == (19, "mse_loss")


def test_a_checkpoint_is_told_with_the_metric_it_was_saved_for(recorded: Recorded, tmp_path: Path) -> None:
    learn = fit(learner(stream(), SaveModelCallback("train_loss"), folder=tmp_path), 3)
    told = recorded.of(events.Checkpoint)
    losses = [row[0] for row in learn.recorder.values]
    best = [loss for at, loss in enumerate(losses) if loss == min(losses[: at + 1])]
    assert [(each.metric, each.value) for each in told] == [("train_loss", loss) for loss in best]
    assert {Path(each.path) for each in told} == {tmp_path / "models" / "model.pth"}


def test_why_a_training_stopped_early_is_said_and_its_last_epoch_told(recorded: Recorded) -> None:
    learn = fit(learner(stream(), EarlyStoppingCallback("train_loss", min_delta=1e9, patience=1)), 9)
    ended = recorded.events[-1]
    assert (ended.status, ended.reason) == ("completed", "early_stopped")
    assert len(values(recorded, "valid_loss")) == len(learn.recorder.values) < 9


def test_a_loss_that_is_no_number_ends_a_training_by_its_name(recorded: Recorded) -> None:
    fit(learner(stream(), TerminateOnNaNCallback(), target=float("nan")))
    ended = recorded.events[-1]
    assert (ended.status, ended.reason) == ("completed", "loss is nan")


def test_an_error_is_told_where_the_stream_is_a_block(recorded: Recorded) -> None:
    with pytest.raises(ValueError, match="a bug of yours"), stream() as live:
        fit(learner(live, Spy(fail)))
    ended = recorded.events[-1]
    assert ended.status == "failed"
    assert "a bug of yours" in ended.error


def test_an_error_that_was_caught_is_told_by_the_next_fit(recorded: Recorded) -> None:
    live = stream()
    with pytest.raises(ValueError, match="a bug of yours"):
        fit(learner(live, Spy(fail)))
    fit(learner(live))
    ends = [recorded.of(events.RunEnded, run)[0] for run in recorded.runs]
    assert [(end.status, end.reason) for end in ends] == [
        ("failed", "another fit began before the training had ended"), ("completed", None),
    ]  # fmt: skip


def test_what_is_no_training_makes_no_run(recorded: Recorded, tmp_path: Path) -> None:
    learn = learner(stream(), folder=tmp_path)
    with learn.no_bar(), learn.no_logging():
        learn.validate()
        learn.get_preds()
        learn.lr_find(num_it=10, show_plot=False, suggest_funcs=None)
    assert recorded.runs == []


def test_a_run_that_is_given_is_recorded_into_and_left_open(recorded: Recorded) -> None:
    with livecb.init(system_interval=0, capture=None, sinks=[]) as run:
        live = stream(run=run)
        assert live.stream.run is run
        fit(learner(live))
        assert run.active
    assert recorded.of(events.Config)[0].framework == "fastai"


def test_values_of_every_nth_step_alone_are_recorded_if_wanted(recorded: Recorded) -> None:
    fit(learner(stream(every_n_steps=4)))
    assert [step for step, _ in values(recorded, "train_loss_step")] == [4, 8]
    assert [step for step, _ in values(recorded, "train_loss")] == [5, 10]


def test_weights_and_random_state_are_those_of_a_training_without_it(recorded: Recorded) -> None:
    found = []
    for callbacks in ([], [stream()]):
        learn = fit(learner(*callbacks))
        found.append((list(learn.model.parameters()), torch.get_rng_state()))
    (weights, state), (ours, our_state) = found
    assert all(torch.equal(a, b) for a, b in zip(weights, ours, strict=True))
    assert torch.equal(state, our_state)


def test_it_can_be_copied_and_pickled(recorded: Recorded) -> None:
    live = stream(name="one")
    for each in (copy.deepcopy(live), pickle.loads(pickle.dumps(live))):
        assert (each.stream.name, each.stream.run.active) == ("one", False)


@pytest.mark.parametrize("action", ["default", "error"])
def test_a_hook_that_fails_is_said_once_and_the_training_goes_on(action: Any, recorded: Recorded) -> None:
    live = stream()

    def broken(*args: Any, **kwargs: Any) -> None:
        raise ValueError("a bug of ours")

    live.stream._place = broken  # type: ignore[method-assign]
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter(action, LivecbWarning)
        learn = fit(learner(live))
    assert len(learn.recorder.values) == 2
    assert [event.title for event in recorded.of(events.Alert)] == ["livecb stopped recording"]
    assert recorded.events[-1].status == "completed"
    assert sum(each.category is LivecbWarning for each in said) == (action == "default")


def test_rates_that_differ_by_layer_keep_their_ratio_and_the_next_fit_has_its_schedule_back(
    recorded: Recorded, tmp_path: Path
) -> None:
    learn = courses.learner(tmp_path)
    learn.splitter = lambda model: [list(model[0].parameters()), list(model[2].parameters())]
    found: list[list[float]] = []

    class Keeps(courses.FastaiReader):
        def before_batch(self) -> None:
            if self.learn.training:
                self.rates.append(0.0)
                found.append([float(group["lr"]) for group in self.learn.opt.hypers])

    for at in ({4: [wish("set", 0.4, parameter="lr")]}, {}):
        live = LiveStream(**courses.QUIET)
        with learn.no_bar(), learn.no_logging():
            learn.fit_one_cycle(2, slice(0.01, 0.1), cbs=[Keeps(at, live), live])
    assert found[4] == pytest.approx([0.04, 0.4])
    assert found[5][1] < 0.4
    assert all(low / high == pytest.approx(0.1) for low, high in found)
    assert found[10:14] == [pytest.approx(rates) for rates in found[:4]]
