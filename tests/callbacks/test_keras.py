"""The callback of Keras 3, on the torch backend."""

from __future__ import annotations

import copy
import os
import pickle
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")  # what it is otherwise is not installed

import keras
import numpy as np
import pytest
import torch
from tiny import story

import livecb
from livecb import events
from livecb.callbacks.base import Stream
from livecb.callbacks.keras import LiveStream
from livecb.control.commands import wish
from livecb.errors import LivecbWarning
from livecb.sinks import Stdout
from livecb.testing import Recorded
from wishes import tell

pytestmark = pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning:keras.*")

X = np.random.default_rng(0).normal(size=(10, 4)).astype("float32")
Y = X.sum(axis=1, keepdims=True)


def stream(**settings: Any) -> LiveStream:
    return LiveStream(**({"sinks": [], "system_interval": 0, "capture": None} | settings))


def network(optimizer: Any = None, **settings: Any) -> Any:
    keras.utils.set_random_seed(3)
    layers = [keras.layers.Dense(3), keras.layers.Dropout(0.5), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((4,)), *layers])
    settings = {"loss": "mse", "metrics": ["mae"]} | settings
    model.compile(optimizer or keras.optimizers.SGD(0.0625), **settings)
    return model


def fit(model: Any, *callbacks: Any, **settings: Any) -> Any:
    settings = {"x": X, "y": Y, "batch_size": 2, "epochs": 2, "verbose": 0} | settings
    return model.fit(callbacks=list(callbacks), **settings)


def values(recorded: Recorded, name: str) -> list[tuple[Any, float]]:
    """Return the values of a metric, each with its step."""
    return [(event.step, event.values[name]) for event in recorded.of(events.Metrics) if name in event.values]


class Spy(keras.callbacks.Callback):
    """Keeps what Keras says after each batch, and when it says it."""

    def __init__(self, act: Callable[[int], None] = lambda batch: None) -> None:
        super().__init__()
        self.told: list[dict[str, float]] = []
        self.act = act

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.told.append(dict(logs))
        self.act(len(self.told))


def fail(batch: int) -> None:
    if batch == 3:
        raise ValueError("a bug of yours")


def test_the_events_come_in_the_order_in_which_things_happen(recorded: Recorded) -> None:
    fit(network(), stream(), Spy(), validation_data=(X[:4], Y[:4]))
    expected = ["run_started", "running fit"]
    for steps in (range(1, 6), range(6, 11)):
        last = steps[-1]
        expected += [f"metrics train @{step}" for step in steps]
        expected += ["evaluating evaluate", "running fit", f"metrics train @{last}", f"metrics val @{last}"]
    assert story(recorded.events) == [*expected, "run_ended completed"]


def test_every_value_is_the_one_that_keras_reports(recorded: Recorded) -> None:
    spy = Spy()
    history = fit(network(), stream(), spy, validation_data=(X[:4], Y[:4])).history
    assert set(history) == {"loss", "mae", "val_loss", "val_mae"}
    for name, reported in history.items():
        assert values(recorded, name) == list(zip((5, 10), reported, strict=True))
    assert values(recorded, "running/loss") == [(at + 1, told["loss"]) for at, told in enumerate(spy.told)]
    assert len(spy.told) == 10
    # The mean over an epoch's batches is, after its last one, the epoch's value.
    assert values(recorded, "running/mae")[4][1] == history["mae"][0]


def test_every_axis_is_right_when_keras_says_its_values_from_threads_of_its_own(recorded: Recorded) -> None:
    fit(network(), stream(), validation_data=(X[:4], Y[:4]))
    told = recorded.of(events.Metrics)
    running = [(event.step, event.batch, event.epoch) for event in told if "running/loss" in event.values]
    assert running == [(step, step, pytest.approx(step / 5)) for step in range(1, 11)]
    reduced = [(event.step, event.epoch) for event in told if "running/loss" not in event.values]
    assert reduced == [(5, 1.0), (5, 1.0), (10, 2.0), (10, 2.0)]
    evaluating = [(each.step, each.epoch) for each in recorded.of(events.Status) if each.phase == "evaluate"]
    assert evaluating == [(5, 1.0), (10, 2.0)]


def test_keras_need_not_wait_for_the_device_on_our_account() -> None:
    alone = keras.callbacks.CallbackList([stream()])
    assert alone._async_train
    assert not keras.callbacks.CallbackList([stream(), Spy()])._async_train


def test_what_keras_says_out_of_order_is_recorded_in_order(recorded: Recorded) -> None:
    live = stream()
    live.set_model(network())
    live.set_params({"epochs": 1, "steps": 4})
    live.on_epoch_begin(0)
    for batch in range(4):
        live.on_train_batch_begin(batch)
    for batch in (1, 0, 3, 2):
        live.on_train_batch_end(batch, {"loss": float(batch)})
    live.on_epoch_end(0, {"loss": 3.0})
    live.on_train_end({"loss": 3.0})
    assert values(recorded, "running/loss") == [(1, 0.0), (2, 1.0), (3, 2.0), (4, 3.0)]


def test_several_batches_in_one_call_are_counted_as_several(recorded: Recorded) -> None:
    live, model = stream(), network()
    model.steps_per_execution = 2  # as backends other than torch's have it
    live.set_model(model)
    live.set_params({"epochs": 1, "steps": 5})
    live.on_epoch_begin(0)
    for batch in (0, 2, 4):
        live.on_train_batch_begin(batch)
        live.on_train_batch_end(batch + 1, {"loss": float(batch)})
    live.on_epoch_end(0, {"loss": 4.0})
    live.on_train_end({"loss": 4.0})
    assert values(recorded, "running/loss") == [(2, 0.0), (4, 2.0), (5, 4.0)]
    assert recorded.of(events.Progress)[-1].done == 5


def test_a_step_is_a_step_of_the_optimizer(recorded: Recorded) -> None:
    model = network(keras.optimizers.SGD(0.0625, gradient_accumulation_steps=2))
    fit(model, stream())
    told = [event for event in recorded.of(events.Metrics) if "running/loss" in event.values]
    assert [event.batch for event in told] == [2, 4, 6, 8, 10]
    assert [event.step for event in told] == [1, 2, 3, 4, 5]
    assert int(model.optimizer.iterations) == 5
    assert recorded.of(events.RunStarted)[0].totals == events.Totals(
        epochs=2, steps=5, batches=10, batches_per_epoch=5
    )


def test_a_training_that_goes_on_counts_on(recorded: Recorded) -> None:
    model = network()
    fit(model, epochs=1)
    fit(model, stream(), epochs=3, initial_epoch=1)
    (started,) = recorded.of(events.RunStarted)
    assert (started.resumed_step, started.totals.batches, started.totals.epochs) == (5, 15, 3)
    told = [event for event in recorded.of(events.Metrics) if "loss" in event.values]
    assert [(event.step, event.epoch) for event in told] == [(10, 2.0), (15, 3.0)]
    last = recorded.of(events.Progress)[-1]
    assert (last.done, last.total) == (15, 15)


def test_a_backup_says_where_the_training_goes_on(recorded: Recorded, tmp_path: Path) -> None:
    def backup() -> Any:
        return keras.callbacks.BackupAndRestore(tmp_path / "backup")

    with pytest.raises(ValueError, match="a bug of yours"):
        fit(network(), backup(), Spy(lambda batch: fail(batch - 5)), epochs=3)
    fit(network(), stream(), backup(), epochs=3)
    (started,) = recorded.of(events.RunStarted)
    assert started.resumed_step == 5
    told = [event for event in recorded.of(events.Metrics) if "loss" in event.values]
    assert [(event.step, event.epoch) for event in told] == [(10, 2.0), (15, 3.0)]


def test_how_long_a_generator_is_is_known_after_its_first_epoch(recorded: Recorded) -> None:
    class Batches(torch.utils.data.IterableDataset):
        def __iter__(self) -> Iterator[Any]:
            return ((X[at : at + 2], Y[at : at + 2]) for at in range(0, 10, 2))

    batches = torch.utils.data.DataLoader(Batches(), batch_size=None)
    fit(network(), stream(), x=batches, y=None, batch_size=None)
    (started,) = recorded.of(events.RunStarted)
    assert started.totals == events.Totals(epochs=2)
    told = [event for event in recorded.of(events.Metrics) if "running/loss" in event.values]
    assert [event.batch for event in told] == list(range(1, 11))
    assert [event.epoch for event in told[5:]] == [pytest.approx(1 + step / 5) for step in range(1, 6)]
    told = [event for event in recorded.of(events.Metrics) if "loss" in event.values]
    assert [(event.step, event.epoch) for event in told] == [(5, 1.0), (10, 2.0)]


def test_the_learning_rate_is_that_of_the_step(recorded: Recorded) -> None:
    schedule = keras.optimizers.schedules.ExponentialDecay(0.5, decay_steps=1, decay_rate=0.5)
    fit(network(keras.optimizers.SGD(schedule)), stream(), epochs=1)
    assert values(recorded, "learning_rate") == [(step + 1, 0.5 * 0.5**step) for step in range(5)]


def test_a_learning_rate_that_a_callback_changes_is_followed(recorded: Recorded) -> None:
    halve = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    fit(network(), stream(), halve)
    assert [rate for _, rate in values(recorded, "learning_rate")] == [0.03125] * 5 + [0.015625] * 5


def test_an_evaluation_on_its_own_is_a_run_of_its_own(recorded: Recorded) -> None:
    model = network()
    reported = model.evaluate(X, Y, batch_size=2, verbose=0, callbacks=[stream()], return_dict=True)
    assert story(recorded.events) == [
        "run_started", "evaluating evaluate", "metrics test @1", "run_ended completed",
    ]  # fmt: skip
    (told,) = recorded.of(events.Metrics)
    assert told.values == reported
    bar = recorded.of(events.Progress)
    assert [(bar[0].done, bar[0].total), (bar[-1].done, bar[-1].total)] == [(0, 5), (5, 5)]


def test_a_prediction_on_its_own_is_a_run_of_its_own(recorded: Recorded) -> None:
    network().predict(X, batch_size=2, verbose=0, callbacks=[stream()])
    assert story(recorded.events) == ["run_started", "predicting predict", "run_ended completed"]
    assert recorded.of(events.Progress)[-1].done == 5


def test_why_a_training_stopped_early_is_said(recorded: Recorded) -> None:
    patience = keras.callbacks.EarlyStopping("loss", min_delta=1e9, patience=1)
    fit(network(), stream(), patience, epochs=9)
    (ended,) = recorded.of(events.RunEnded)
    assert (ended.status, ended.reason) == ("completed", "early_stopped")
    assert recorded.events[-1].epoch == 2.0


def test_one_that_is_stopped_within_an_epoch_stands_there(recorded: Recorded) -> None:
    def stop(batch: int) -> None:
        spy.model.stop_training = batch == 7

    spy = Spy(stop)
    fit(network(), stream(), spy, epochs=3)
    ended = recorded.events[-1]
    assert (ended.status, ended.reason) == ("completed", "early_stopped")
    assert (ended.step, ended.epoch) == (7, pytest.approx(1.4))


def test_a_loss_that_is_no_number_ends_a_training_by_its_name(recorded: Recorded) -> None:
    fit(network(), stream(), keras.callbacks.TerminateOnNaN(), y=Y * np.nan)
    ended = recorded.events[-1]
    assert (ended.status, ended.reason, ended.step) == ("completed", "loss is nan", 1)
    assert np.isnan(values(recorded, "loss")[0][1])


def test_one_that_comes_to_its_end_was_not_stopped_early(recorded: Recorded) -> None:
    fit(network(), stream(), keras.callbacks.EarlyStopping("loss", min_delta=1e9, patience=1), epochs=2)
    assert recorded.events[-1].reason is None


@pytest.mark.parametrize("ours_first", [True, False])
def test_a_checkpoint_is_told_with_the_metric_it_was_saved_for(
    ours_first: bool, recorded: Recorded, tmp_path: Path
) -> None:
    (tmp_path / "last.keras").write_bytes(b"of an earlier training")
    path = tmp_path / "epoch-{epoch}.weights.h5"
    best = keras.callbacks.ModelCheckpoint(path, "loss", save_best_only=True, save_weights_only=True)
    never = keras.callbacks.ModelCheckpoint(
        tmp_path / "last.keras", "loss", save_best_only=True, initial_value_threshold=0
    )
    callbacks = [stream(), best, never] if ours_first else [best, never, stream()]
    history = fit(network(), *callbacks, epochs=3).history["loss"]
    saved = [at for at, loss in enumerate(history) if loss == min(history[: at + 1])]
    told = recorded.of(events.Checkpoint)
    assert [Path(each.path) for each in told] == [tmp_path / f"epoch-{at + 1}.weights.h5" for at in saved]
    assert [each.step for each in told] == [5 * (at + 1) for at in saved]
    assert [(each.metric, each.value) for each in told] == [("loss", history[at]) for at in saved]
    assert all(each.size == Path(each.path).stat().st_size > 1000 for each in told)


def test_an_error_is_told_where_the_stream_is_a_block(recorded: Recorded) -> None:
    with pytest.raises(ValueError, match="a bug of yours"), stream() as live:
        fit(network(), live, Spy(fail))
    ended = recorded.events[-1]
    assert (ended.status, ended.error) == ("failed", "ValueError: a bug of yours")
    assert "in fail" in ended.traceback


def test_an_error_that_was_caught_is_told_by_the_next_training(recorded: Recorded) -> None:
    live, model = stream(), network()
    with pytest.raises(ValueError, match="a bug of yours"):
        fit(model, live, Spy(fail))
    fit(model, live)
    ends = [recorded.of(events.RunEnded, run)[0] for run in recorded.runs]
    assert [(end.status, end.reason) for end in ends] == [
        ("failed", "another training began before the training had ended"), ("completed", None),
    ]  # fmt: skip


def test_a_fit_that_has_nothing_to_do_makes_no_run(recorded: Recorded) -> None:
    fit(network(), stream(), epochs=1, initial_epoch=1)
    assert recorded.runs == []


def test_values_of_every_nth_step_alone_are_recorded_if_wanted(recorded: Recorded) -> None:
    fit(network(), stream(every_n_steps=3))
    assert [step for step, _ in values(recorded, "running/loss")] == [3, 6, 9]
    assert [step for step, _ in values(recorded, "loss")] == [5, 10]


def test_what_is_no_number_is_named_and_the_rest_is_recorded(recorded: Recorded) -> None:
    odd = {"words": "good", "many": [0.0] * 1_000_000, "né/e 🎉": 2.0}
    add = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(odd))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        history = fit(network(), add, stream(), epochs=1).history
    assert values(recorded, "né/e 🎉") == [(5, 2.0)]
    assert values(recorded, "loss") == [(5, history["loss"][0])]
    texts = sorted(str(each.message) for each in said if each.category is LivecbWarning)
    assert [text.partition(":")[0] for text in texts] == [
        "metric 'many' was not recorded", "metric 'words' was not recorded",
    ]  # fmt: skip
    assert "use run.histogram" in texts[0]
    assert "expected a number" in texts[1]


def test_weights_and_random_state_are_those_of_a_training_without_it(recorded: Recorded) -> None:
    found = []
    for callbacks in ([], [stream()]):
        model = network()
        fit(model, *callbacks, validation_data=(X[:4], Y[:4]))
        found.append((model.get_weights(), torch.get_rng_state(), np.random.get_state()[1].tolist()))
    (weights, state, numpy_state), (ours, our_state, our_numpy_state) = found
    assert all(np.array_equal(a, b) for a, b in zip(weights, ours, strict=True))
    assert torch.equal(state, our_state)
    assert numpy_state == our_numpy_state


def test_the_run_says_what_trains_and_with_which_settings(recorded: Recorded) -> None:
    fit(network(), stream(name="n", config={"mine": 1, "loss": "my word"}), epochs=1)
    (started,) = recorded.of(events.RunStarted)
    assert (started.name, started.framework, started.world_size) == ("n", "keras", 1)
    assert set(started.versions) == {"python", "keras", "torch"}
    assert started.versions["keras"] == keras.__version__
    model, optimizer = started.config["model"], started.config["optimizer"]
    assert (model["class"], model["parameters"], model["trainable_parameters"]) == ("Sequential", 19, 19)
    assert (optimizer["class"], optimizer["learning_rate"]) == ("SGD", 0.0625)
    assert (started.config["mine"], started.config["loss"], started.config["epochs"]) == (1, "my word", 1)


def test_a_run_that_is_given_is_recorded_into_and_left_open(recorded: Recorded) -> None:
    with livecb.init(system_interval=0, capture=None, sinks=[]) as run:
        fit(network(), stream(run=run), epochs=1)
        assert run.active
    assert recorded.of(events.Config)[0].framework == "keras"


def test_it_can_be_copied_and_pickled_while_it_is_used() -> None:
    copies: list[Any] = []
    live = stream(name="one", sinks=[Stdout()])
    keep = keras.callbacks.LambdaCallback(
        on_train_end=lambda logs: copies.extend((pickle.loads(pickle.dumps(live)), copy.deepcopy(live)))
    )
    fit(network(), live, keep, epochs=1)
    assert len(copies) == 2
    for each in copies:
        assert (each.name, each.run.active, each._model, each.params) == ("one", False, None, None)


@pytest.mark.parametrize("action", ["default", "error"])
def test_a_hook_that_fails_is_said_once_and_the_training_goes_on(action: Any, recorded: Recorded) -> None:
    live = stream()

    def broken(*args: Any, **kwargs: Any) -> None:
        raise ValueError("a bug of ours")

    live._tell_batch = broken  # type: ignore[method-assign]
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter(action, LivecbWarning)
        history = fit(network(), live)
    assert len(history.history["loss"]) == 2
    assert [event.title for event in recorded.of(events.Alert)] == ["livecb stopped recording"]
    assert recorded.events[-1].status == "completed"
    assert sum(each.category is LivecbWarning for each in said) == (action == "default")


def test_every_hook_is_guarded() -> None:
    hooks = [name for name in vars(LiveStream) if name.startswith("on_")]
    assert len(hooks) == 12
    assert all(hasattr(vars(LiveStream)[name], "__wrapped__") for name in hooks)
    assert LiveStream.__init__ is Stream.__init__


class Reader(keras.callbacks.Callback):
    """Asks before a batch, ahead of ours, and keeps the rate of each epoch's first one."""

    async_safe = True

    def __init__(self, live: Any, at: int, *wishes: Any) -> None:
        super().__init__()
        self.live, self.at, self.wishes = live, at, wishes
        self.done = 0
        self.rates: list[float] = []

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if batch == 0:
            self.rates.append(float(self.model.optimizer.learning_rate))
        if self.done == self.at:
            tell(self.live.run, *self.wishes)
        self.done += 1


@pytest.mark.parametrize("takes_rate", [True, False])
def test_a_rate_that_is_set_scales_the_schedule_of_the_epochs_and_gives_it_back(
    takes_rate: bool, recorded: Recorded
) -> None:
    schedule: Any = (
        (lambda epoch, rate: rate * 0.5) if takes_rate else (lambda epoch: 0.0625 / 2 ** (epoch + 1))
    )
    scheduler = keras.callbacks.LearningRateScheduler(schedule)
    live = stream()
    reader = Reader(live, 2, wish("set", 0.25, parameter="lr"))
    fit(network(), scheduler, reader, live, epochs=3)
    assert reader.rates == [0.03125, 0.125, 0.0625]
    assert "LearningRateScheduler" in recorded.of(events.Command)[-1].reason
    assert scheduler.schedule is schedule


def test_a_schedule_that_cannot_be_scaled_is_left_as_it_is(recorded: Recorded) -> None:
    class Fixed(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step: Any) -> float:
            return 0.125

        def get_config(self) -> dict[str, Any]:
            return {}

    live = stream()
    reader = Reader(live, 2, wish("set", 0.25, parameter="lr"))
    fit(network(keras.optimizers.SGD(Fixed())), reader, live)
    assert reader.rates == [0.125, 0.125]
    refused = recorded.of(events.Command)[-1]
    assert (refused.phase, "LearningRateScheduler" in refused.reason) == ("refused", True)


def test_a_stop_between_two_epochs_trains_no_batch_more(
    recorded: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    live = stream()

    class AsOver(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            tell(live.run, wish("stop", by="ada"))

    model = network()
    fit(model, AsOver(), live, epochs=5)
    assert int(model.optimizer.iterations) == 5
    assert (recorded.events[-1].status, recorded.events[-1].by) == ("stopped", "ada")


def test_each_of_several_optimizers_has_a_rate_of_its_own(recorded: Recorded) -> None:
    one, two = keras.optimizers.SGD(0.125, name="one"), keras.optimizers.SGD(0.0625, name="two")
    model = network()
    first = {id(each) for each in model.layers[0].variables}
    model.compile(keras.optimizers.MultiOptimizer(lambda each: one if id(each) in first else two), "mse")
    live = stream()

    class Asks(keras.callbacks.Callback):
        async_safe = True

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            if batch == 2:
                tell(live.run, wish("set", 0.25, parameter="lr-two"))

    fit(model, Asks(), live, epochs=1)
    told = [event.values for event in recorded.of(events.Metrics) if "learning_rate/one" in event.values]
    assert {values["learning_rate/one"] for values in told} == {0.125}
    assert [values["learning_rate/two"] for values in (told[0], told[-1])] == [0.0625, 0.25]
    assert recorded.of(events.Alert) == []


def test_an_optimizer_that_cannot_say_its_settings_is_recorded_without_them(recorded: Recorded) -> None:
    class Untold(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step: Any) -> float:
            return 0.0625

    fit(network(keras.optimizers.SGD(Untold())), stream(), epochs=1)
    assert recorded.of(events.RunStarted)[0].config["optimizer"] == {
        "class": "SGD",
        "learning_rate": "Untold",
    }
    assert recorded.events[-1].status == "completed"
