"""The callback of skorch."""

from __future__ import annotations

import copy
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skorch
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback, Checkpoint, EarlyStopping, EpochScoring, LRScheduler
from tiny import story

import livecb
from livecb import events
from livecb.callbacks.base import Stream
from livecb.callbacks.skorch import LiveStream
from livecb.errors import LivecbWarning
from livecb.sinks import Stdout
from livecb.testing import Recorded

X = np.random.default_rng(0).normal(size=(25, 4)).astype("float32")
Y = (X.sum(axis=1) > 0).astype("int64")


class Net(torch.nn.Module):
    def __init__(self, width: int = 3) -> None:
        super().__init__()
        layers = [torch.nn.Linear(4, width), torch.nn.Dropout(0.5), torch.nn.Linear(width, 2)]
        self.layers = torch.nn.Sequential(*layers, torch.nn.Softmax(-1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


def stream(**settings: Any) -> LiveStream:
    return LiveStream(**({"sinks": [], "system_interval": 0, "capture": None} | settings))


def net_of(*callbacks: Any, **settings: Any) -> Any:
    """Return a net that sees 20 samples in batches of 8, and validates with 5."""
    torch.manual_seed(7)
    settings = {"max_epochs": 2, "lr": 0.125, "batch_size": 8, "verbose": 0} | settings
    return skorch.NeuralNetClassifier(Net, callbacks=list(callbacks), **settings)


def values(recorded: Recorded, name: str) -> list[tuple[Any, float]]:
    """Return the values of a metric, each with its step."""
    return [(event.step, event.values[name]) for event in recorded.of(events.Metrics) if name in event.values]


class At(Callback):
    """Does something after a training batch."""

    def __init__(self, batch: int, action: Any) -> None:
        self.batch = batch
        self.action = action

    def initialize(self) -> At:
        self.count_ = 0
        return self

    def on_batch_end(self, net: Any, training: Any = None, **kwargs: Any) -> None:
        self.count_ += bool(training)
        if training and self.count_ == self.batch:
            self.action(net)


def fail(net: Any) -> None:
    raise ValueError("a bug of yours")


def interrupt(net: Any) -> None:
    raise KeyboardInterrupt


def test_the_events_come_in_the_order_in_which_things_happen(recorded: Recorded) -> None:
    net_of(stream()).fit(X, Y)
    expected = ["run_started", "running train"]
    for steps in ((1, 2, 3), (4, 5, 6)):
        last = steps[-1]
        expected += [f"metrics train @{step}" for step in steps]
        expected += ["evaluating validation", "running train"]
        expected += [f"metrics train @{last}", f"metrics val @{last}"]
    assert story(recorded.events) == [*expected, "run_ended completed"]


def test_every_value_is_the_one_that_skorch_reports(recorded: Recorded) -> None:
    net = net_of(stream()).fit(X, Y)
    for name in ("train_loss", "valid_loss", "valid_acc", "dur"):
        assert values(recorded, name) == list(zip((3, 6), net.history[:, name], strict=True))
    batches = [each["train_loss"] for row in net.history for each in row["batches"] if "train_loss" in each]
    assert values(recorded, "train_loss_step") == [(at + 1, loss) for at, loss in enumerate(batches)]
    assert len(batches) == 6
    names = {name for event in recorded.of(events.Metrics) for name in event.values}
    assert names == {"train_loss_step", "lr", "train_loss", "valid_loss", "valid_acc", "dur"}


def test_every_axis_is_right(recorded: Recorded) -> None:
    net_of(stream()).fit(X, Y)
    places = [
        (event.step, event.batch, event.epoch, event.samples)
        for event in recorded.of(events.Metrics)
        if "train_loss" not in event.values
    ]
    assert places == [
        (1, 1, pytest.approx(1 / 3), 8), (2, 2, pytest.approx(2 / 3), 16), (3, 3, 1.0, 20), (3, 3, 1.0, 20),
        (4, 4, pytest.approx(4 / 3), 28), (5, 5, pytest.approx(5 / 3), 36), (6, 6, 2.0, 40), (6, 6, 2.0, 40),
    ]  # fmt: skip


def test_how_much_there_is_to_do_is_known_from_the_start(recorded: Recorded) -> None:
    net_of(stream()).fit(X, Y)
    (started,) = recorded.of(events.RunStarted)
    assert started.totals == events.Totals(epochs=2, steps=6, batches=6, batches_per_epoch=3)
    bars = {phase: [each for each in recorded.of(events.Progress) if each.phase == phase]
            for phase in ("train", "validation")}  # fmt: skip
    assert [(bar[0].done, bar[-1].done, bar[-1].total) for bar in bars.values()] == [(0, 6, 6), (0, 1, 1)]


@pytest.mark.parametrize(
    ("settings", "batches"),
    [
        ({"iterator_train__drop_last": True}, 2),
        ({"iterator_train__batch_size": 5}, 4),
        ({"batch_size": -1}, 1),
        ({"train_split": None}, 4),
    ],
)
def test_batches_are_counted_as_the_iterator_makes_them(
    settings: dict[str, Any], batches: int, recorded: Recorded
) -> None:
    net = net_of(stream(), **settings).fit(X, Y)
    assert recorded.of(events.RunStarted)[0].totals.batches_per_epoch == batches
    assert net.history[-1, "train_batch_count"] == batches
    assert recorded.events[-1].batch == 2 * batches


def test_the_run_says_what_trains_and_with_which_settings(recorded: Recorded) -> None:
    net_of(stream(name="n", config={"mine": 1}), module__width=5).fit(X, Y)
    (started,) = recorded.of(events.RunStarted)
    assert (started.name, started.framework, set(started.versions)) == (
        "n",
        "skorch",
        {"python", "skorch", "torch"},
    )
    config = started.config
    assert (config["mine"], config["lr"], config["batch_size"], config["module__width"]) == (1, 0.125, 8, 5)
    assert (config["optimizer"], config["model"]["parameters"]) == ("SGD", 37)


def test_a_score_is_told_for_what_it_was_measured_on_wherever_its_callback_stands(recorded: Recorded) -> None:
    on_train = EpochScoring("f1", on_train=True, name="f1")
    net = net_of(stream(), on_train, EpochScoring("roc_auc", name="auc")).fit(X, Y)
    contexts = {name: event.context for event in recorded.of(events.Metrics) for name in event.values}
    assert (contexts["f1"], contexts["auc"], contexts["valid_acc"]) == ("train", "val", "val")
    assert [value for _, value in values(recorded, "auc")] == net.history[:, "auc"]


def test_the_learning_rate_is_that_of_the_step(recorded: Recorded) -> None:
    halve = LRScheduler(torch.optim.lr_scheduler.ExponentialLR, gamma=0.5, step_every="batch")
    net_of(halve, stream()).fit(X, Y)
    assert values(recorded, "lr") == [(step + 1, 0.125 * 0.5**step) for step in range(6)]


@pytest.mark.parametrize("ours_first", [True, False])
def test_a_checkpoint_is_told_with_the_metric_it_was_saved_for(
    ours_first: bool, recorded: Recorded, tmp_path: Path
) -> None:
    save = Checkpoint(dirname=tmp_path, f_params="epoch-{last_epoch[epoch]}.pt", monitor="train_loss_best")
    callbacks = [stream(), save] if ours_first else [save, stream()]
    net = net_of(*callbacks, max_epochs=3).fit(X, Y)
    saved = [row["epoch"] for row in net.history if row["event_cp"]]
    told = recorded.of(events.Checkpoint)
    assert [Path(each.path) for each in told] == [tmp_path / f"epoch-{epoch}.pt" for epoch in saved]
    assert [each.step for each in told] == [3 * epoch for epoch in saved]
    assert all(each.size == Path(each.path).stat().st_size for each in told)
    losses = [row["train_loss"] for row in net.history if row["event_cp"]]
    assert [(each.metric, each.value) for each in told] == [("train_loss", loss) for loss in losses]


@pytest.mark.parametrize("ours_first", [True, False])
def test_why_a_training_stopped_early_is_said_and_its_last_epoch_told(
    ours_first: bool, recorded: Recorded
) -> None:
    stop = EarlyStopping("train_loss", patience=1, threshold=1e9, threshold_mode="abs")
    net = net_of(*([stream(), stop] if ours_first else [stop, stream()]), max_epochs=9).fit(X, Y)
    ended = recorded.events[-1]
    assert (ended.status, ended.reason) == ("completed", "early_stopped")
    assert (len(net.history), ended.epoch) == (2, 2.0)
    assert [value for _, value in values(recorded, "valid_loss")] == net.history[:, "valid_loss"]


def test_an_interruption_that_skorch_swallows_is_told(recorded: Recorded) -> None:
    net = net_of(stream(), At(5, interrupt)).fit(X, Y)
    assert len(net.history) == 2
    ended = recorded.events[-1]
    assert (ended.status, ended.reason, ended.by) == ("stopped", "KeyboardInterrupt", "keyboard")
    assert ended.step == 5
    assert ended.epoch == pytest.approx(5 / 3)


def test_an_error_is_told_where_the_stream_is_a_block(recorded: Recorded) -> None:
    live = stream()
    with pytest.raises(ValueError, match="a bug of yours"), live:
        net_of(live, At(2, fail)).fit(X, Y)
    ended = recorded.events[-1]
    assert (ended.status, ended.error) == ("failed", "ValueError: a bug of yours")


def test_an_error_that_was_caught_is_told_by_the_next_training(recorded: Recorded) -> None:
    live = stream()
    with pytest.raises(ValueError, match="a bug of yours"):
        net_of(live, At(2, fail)).fit(X, Y)
    net_of(live).fit(X, Y)
    ends = [recorded.of(events.RunEnded, run)[0] for run in recorded.runs]
    assert [(end.status, end.reason) for end in ends] == [
        ("failed", "another training began before the training had ended"), ("completed", None),
    ]  # fmt: skip


def test_a_training_that_goes_on_counts_on(recorded: Recorded) -> None:
    net = net_of(stream()).fit(X, Y)
    net.partial_fit(X, Y)
    second = recorded.runs[1]
    (started,) = recorded.of(events.RunStarted, second)
    assert (started.resumed_step, started.totals.epochs, started.totals.batches) == (6, 4, 12)
    told = [event for event in recorded.of(events.Metrics, second) if "train_loss" in event.values]
    assert [(event.step, event.epoch, event.samples) for event in told] == [(9, 3.0, 60), (12, 4.0, 80)]
    net.fit(X, Y)
    assert recorded.of(events.RunStarted, recorded.runs[2])[0].resumed_step is None


def test_every_training_of_a_search_is_a_run(recorded: Recorded) -> None:
    net = net_of(stream(name="search"), train_split=None, max_epochs=1)
    search = GridSearchCV(net, {"lr": [0.25, 0.5]}, cv=2, refit=True, scoring="accuracy").fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    runs = recorded.runs
    starts = [recorded.of(events.RunStarted, run)[0] for run in runs]
    assert [start.config["lr"] for start in starts][:4] == [0.25, 0.25, 0.5, 0.5]
    assert {start.name for start in starts} == {"search"}
    assert [recorded.of(events.RunEnded, run)[0].status for run in runs] == ["completed"] * 5


def test_its_settings_are_parameters_of_the_net(recorded: Recorded) -> None:
    net = net_of(("live", stream(name="one", tags=["a"])))
    net.initialize()
    assert net.get_params()["callbacks__live__name"] == "one"
    net.set_params(callbacks__live__name="two", max_epochs=1).fit(X, Y)
    assert recorded.of(events.RunStarted)[0].name == "two"
    cloned = dict(clone(net).callbacks)["live"]
    assert (cloned.tags, cloned.run.active) == (["a"], False)
    assert cloned is not dict(net.callbacks)["live"]


def test_the_net_can_be_copied_and_pickled_while_it_trains(recorded: Recorded) -> None:
    copies: list[Any] = []
    live = stream(name="one", sinks=[Stdout()])
    at = At(2, None)
    net = net_of(live, at)
    at.action = lambda net: copies.extend((copy.deepcopy(live), pickle.loads(pickle.dumps(live))))
    net.fit(X, Y)
    assert [(each.name, each.run.active) for each in copies] == [("one", False)] * 2
    again = pickle.loads(pickle.dumps(net_of(stream()).fit(X, Y)))
    assert np.isfinite(again.predict_proba(X)).all()


def test_values_of_every_nth_step_alone_are_recorded_if_wanted(recorded: Recorded) -> None:
    net_of(stream(every_n_steps=4)).fit(X, Y)
    assert [step for step, _ in values(recorded, "train_loss_step")] == [4]
    assert [step for step, _ in values(recorded, "train_loss")] == [3, 6]


def test_what_is_no_number_is_named_and_the_rest_is_recorded(recorded: Recorded) -> None:
    odd = {"words": "good", "many": [0.0] * 1_000_000, "né/e 🎉": 2.0}
    note = At(1, lambda net: [net.history.record(*item) for item in odd.items()])
    with pytest.warns(LivecbWarning) as said:
        net = net_of(stream(), note, max_epochs=1).fit(X, Y)
    assert values(recorded, "né/e 🎉") == [(3, 2.0)]
    assert values(recorded, "train_loss") == [(3, net.history[-1, "train_loss"])]
    texts = sorted(str(each.message) for each in said)
    assert [text.partition(":")[0] for text in texts] == [
        "metric 'many' was not recorded", "metric 'words' was not recorded",
    ]  # fmt: skip


def test_weights_and_random_state_are_those_of_a_training_without_it(recorded: Recorded) -> None:
    found = []
    for callbacks in ([], [stream()]):
        net = net_of(*callbacks).fit(X, Y)
        found.append(
            (list(net.module_.parameters()), torch.get_rng_state(), np.random.get_state()[1].tolist())
        )
    (weights, state, numpy_state), (ours, our_state, our_numpy_state) = found
    assert all(torch.equal(a, b) for a, b in zip(weights, ours, strict=True))
    assert torch.equal(state, our_state)
    assert numpy_state == our_numpy_state


def test_a_run_that_is_given_is_recorded_into_and_left_open(recorded: Recorded) -> None:
    with livecb.init(system_interval=0, capture=None, sinks=[]) as run:
        net_of(stream(run=run)).fit(X, Y)
        assert run.active
    assert recorded.of(events.Config)[0].framework == "skorch"


@pytest.mark.parametrize("action", ["default", "error"])
def test_a_hook_that_fails_is_said_once_and_the_training_goes_on(action: Any, recorded: Recorded) -> None:
    live = stream()

    def broken(*args: Any, **kwargs: Any) -> None:
        raise ValueError("a bug of ours")

    live._place = broken  # type: ignore[method-assign]
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter(action, LivecbWarning)
        net = net_of(live).fit(X, Y)
    assert len(net.history) == 2
    assert [event.title for event in recorded.of(events.Alert)] == ["livecb stopped recording"]
    assert recorded.events[-1].status == "completed"
    assert sum(each.category is LivecbWarning for each in said) == (action == "default")


def test_every_hook_is_guarded() -> None:
    hooks = [name for name in vars(LiveStream) if name.startswith("on_")]
    assert len(hooks) == 6
    hooks.remove("on_batch_begin")  # which calls three that are, and must be able to end the training
    hooks += ["_end_step", "_begin_step", "_begin_validation_batch"]
    assert all(hasattr(vars(LiveStream)[name], "__wrapped__") for name in hooks)
    assert LiveStream.__init__ is Stream.__init__
