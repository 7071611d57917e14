"""Readers steer boosters: each obeys after a round, and says why it does not do what it cannot."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boosters
import catboost
import lightgbm as lgb
import pytest
import xgboost as xgb
from boosters import TRAIN, VAL, X, Y, live_stream, train
from pairs import free_port, pair
from xgboost.tracker import RabitTracker

from livecb import events
from livecb.control.commands import Asked, wish
from livecb.testing import Recorded
from wishes import answered, tell

Wishes = Mapping[int, list[Asked]]


def asker(booster: str, live: Any, at: Wishes) -> Any:
    """Return a callback of the booster that asks once so many rounds are done."""

    def ask_at(done: int) -> None:
        if done in at:
            tell(live.run, *at[done])

    if booster == "xgboost":

        class AskXGBoost(xgb.callback.TrainingCallback):
            def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
                ask_at(epoch + 1)
                return False

        return AskXGBoost()
    if booster == "lightgbm":

        def ask(env: Any) -> None:
            ask_at(env.iteration + 1)

        ask.order = -2000  # type: ignore[attr-defined]
        return ask

    class AskCatBoost:
        def after_iteration(self, info: Any) -> bool:
            ask_at(info.iteration)
            return True

    return AskCatBoost()


def steered(booster: str, at: Wishes, **settings: Any) -> boosters.Outcome:
    live = live_stream(booster)
    with live:
        return train(booster, asker(booster, live, at), live, **settings)


def load(path: str) -> Any:
    """Return the model in a file, and how many rounds it has had."""
    if path.endswith(".ubj"):
        return xgb.Booster(model_file=path).num_boosted_rounds()
    if path.endswith(".txt"):
        return lgb.Booster(model_file=path).num_trees()
    return catboost.CatBoost().load_model(path).tree_count_


@pytest.fixture(params=boosters.NAMES)
def booster(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def test_a_stopped_training_ends_by_name_and_leaves_a_model_that_loads(
    booster: str, recorded: Recorded
) -> None:
    outcome = steered(booster, {3: [wish("stop", by="ada")]}, rounds=300)
    assert {len(values) for values in outcome.reported.values()} == {3}
    assert answered(recorded.events) == [("stop", "applied", 3)]
    (ended,) = recorded.of(events.RunEnded)
    assert (ended.status, ended.by, ended.reason) == ("stopped", "ada", None)
    (saved,) = recorded.of(events.Checkpoint)
    assert Path(saved.path).parent == recorded.run.folder / "models"
    assert load(saved.path) == 3
    (row,) = recorded.of(events.ModelCompleted)
    assert row.scores == {name: values[-1] for name, values in outcome.reported.items()}


def test_a_training_is_paused_and_goes_on(booster: str, recorded: Recorded) -> None:
    outcome = steered(booster, {2: [wish("pause", 0.3)]})
    assert answered(recorded.events) == [("pause", "applied", 2), ("resume", "applied", 2)]
    pause, resume = (event for event in recorded.of(events.Command) if event.phase == "applied")
    assert resume.time - pause.time > 0.2
    assert boosters.same(outcome, train(booster))
    assert recorded.of(events.RunEnded)[0].status == "completed"


@pytest.mark.parametrize("booster", ["xgboost", "lightgbm"])
def test_a_model_is_saved_on_the_way_and_training_goes_on_as_it_would(
    booster: str, recorded: Recorded
) -> None:
    outcome = steered(booster, {2: [wish("save")]})
    (saved,) = recorded.of(events.Checkpoint)
    assert load(saved.path) == 2
    assert boosters.same(outcome, train(booster))


@pytest.mark.parametrize("booster", ["xgboost", "lightgbm"])
def test_a_learning_rate_that_is_set_stays_set(booster: str, recorded: Recorded) -> None:
    outcome = steered(booster, {3: [wish("set", 0.01, parameter="lr", by="ada")]})
    (applied,) = [event for event in recorded.of(events.Command) if event.phase == "applied"]
    assert (applied.parameter, applied.old, applied.new, applied.step) == ("lr", 0.3, 0.01, 3)
    plain = train(booster).reported
    for name, values in outcome.reported.items():
        assert values[:3] == plain[name][:3]
        assert abs(values[5] - values[2]) < abs(plain[name][5] - plain[name][2]) / 5


def test_catboost_says_why_it_takes_no_other_rate_and_saves_nothing_on_the_way(recorded: Recorded) -> None:
    steered("catboost", {2: [wish("set", 0.1, parameter="lr"), wish("save"), wish("evaluate")]})
    refused = [event.reason for event in recorded.of(events.Command) if event.phase == "refused"]
    assert "no other learning rate while it trains" in refused[0]
    assert "save_snapshot=True" in refused[1]
    able = recorded.of(events.Controls)[0]
    assert [name for name, why in able.commands.items() if not why] == ["pause", "resume", "stop"]
    assert (able.parameters[0].value, bool(able.parameters[0].reason)) == (0.3, True)


@pytest.mark.parametrize("booster", ["xgboost", "lightgbm"])
def test_a_rate_that_a_schedule_sets_is_not_set_by_readers(booster: str, recorded: Recorded) -> None:
    live = live_stream(booster)
    schedule = (
        xgb.callback.LearningRateScheduler(lambda at: 0.3 * 0.9**at)
        if booster == "xgboost"
        else lgb.reset_parameter(learning_rate=lambda at: 0.3 * 0.9**at)
    )
    train(booster, schedule, live)
    assert "before every round" in recorded.of(events.Controls)[0].parameters[0].reason


def test_a_stop_shows_lightgbm_s_other_callbacks_the_last_round_and_keeps_the_best(
    recorded: Recorded,
) -> None:
    live, history = live_stream("lightgbm"), dict[str, Any]()
    data = lgb.Dataset(*TRAIN)
    model = lgb.train(
        {"objective": "binary", "num_threads": 1, "verbose": -1, "learning_rate": 2.0}, data, 300,
        valid_sets=[lgb.Dataset(*VAL, reference=data)], valid_names=["val"],
        callbacks=[
            asker("lightgbm", live, {6: [wish("stop")]}), live, lgb.record_evaluation(history),
            lgb.early_stopping(50, verbose=False),
        ],
    )  # fmt: skip
    losses = history["val"]["binary_logloss"]
    assert len(losses) == 6
    assert model.best_iteration == losses.index(min(losses)) + 1
    (row,) = recorded.of(events.ModelCompleted)
    assert row.scores == {"val/binary_logloss": min(losses)}
    assert recorded.of(events.RunEnded)[0].status == "stopped"


def test_a_stop_of_xgboost_shows_the_callbacks_behind_ours_the_last_round(recorded: Recorded) -> None:
    live = live_stream("xgboost")
    stop = xgb.callback.EarlyStopping(rounds=50, save_best=True)
    val = xgb.DMatrix(*VAL)
    xgb.train(
        {"objective": "binary:logistic", "nthread": 1, "eta": 2.0}, xgb.DMatrix(*TRAIN), 300, evals=[(val, "val")],
        verbose_eval=False, callbacks=[asker("xgboost", live, {6: [wish("stop")]}), live, stop],
    )  # fmt: skip
    assert len(stop.stopping_history["val"]["logloss"]) == 6
    assert recorded.of(events.RunEnded)[0].status == "stopped"


def test_cross_validations_stop_too(recorded: Recorded) -> None:
    at = {3: [wish("set", 0.1, parameter="lr"), wish("stop", by="ada")]}
    live = live_stream("xgboost")
    table = xgb.cv(
        {"objective": "binary:logistic", "nthread": 1}, xgb.DMatrix(X, Y), 50, nfold=3,
        callbacks=[asker("xgboost", live, at), live],
    )  # fmt: skip
    assert len(table) == 3
    live = live_stream("lightgbm")
    found = lgb.cv(
        {"objective": "binary", "num_threads": 1, "verbose": -1}, lgb.Dataset(X, Y), 50, nfold=3,
        callbacks=[asker("lightgbm", live, at), live],
    )  # fmt: skip
    assert {len(each) for each in found.values()} == {3}
    for run in recorded.runs:
        assert answered(recorded.events_of(run)) == [("set", "applied", 3), ("stop", "applied", 3)]
        assert recorded.of(events.RunEnded, run)[0].by == "ada"


def test_a_training_stops_when_a_metric_is_good_enough(booster: str, recorded: Recorded) -> None:
    name = {"xgboost": "val/logloss", "lightgbm": "val/binary_logloss", "catboost": "validation/Logloss"}
    live = live_stream(booster, stop_when=f"{name[booster]} < 0.5")
    with live:
        outcome = train(booster, live, rounds=20_000, rate=0.1)
    assert len(outcome.reported[name[booster]]) < 20_000
    (ended,) = recorded.of(events.RunEnded)
    assert (ended.status, ended.by) == ("stopped", "livecb")
    assert ended.reason.startswith(f"{name[booster]} 0.4")
    assert ended.reason.endswith(" < 0.5")


# Two processes that train one model


def with_xgboost(tracker: dict[str, Any]) -> int:
    with xgb.collective.CommunicatorContext(**tracker):
        rank = xgb.collective.get_rank()
        live = live_stream("xgboost")

        class Ask(xgb.callback.TrainingCallback):
            def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
                if epoch == 0 and rank == 0:
                    tell(live.run, wish("stop"))
                return False

        params = {"nthread": 1, "tree_method": "hist"}
        data = xgb.DMatrix(X[rank::2], Y[rank::2])
        return int(xgb.train(params, data, 3, callbacks=[Ask(), live]).num_boosted_rounds())


def with_lightgbm(ports: list[int]) -> int:
    rank = int(os.environ.pop("RANK"))  # LightGBM's processes know their places by their ports
    live = live_stream("lightgbm")

    def ask(env: Any) -> None:
        if env.iteration == 1 and rank == 0:
            tell(live.run, wish("stop"))

    ask.before_iteration = True  # type: ignore[attr-defined]
    machines = ",".join(f"127.0.0.1:{port}" for port in ports)
    params = {"machines": machines, "local_listen_port": ports[rank], "tree_learner": "data", "verbose": -1}
    params |= {"num_threads": 1, "pre_partition": True}
    data = lgb.Dataset(X[rank::2], Y[rank::2])
    return int(lgb.train(params, data, 3, callbacks=[ask, live]).current_iteration())


@pytest.mark.parametrize("booster", ["xgboost", "lightgbm"])
def test_processes_that_train_one_model_are_one_run_and_refuse_with_the_reason(
    booster: str, recorded: Recorded
) -> None:
    if booster == "xgboost":
        tracker = RabitTracker(n_workers=2, host_ip="127.0.0.1")
        tracker.start()
        told = pair(with_xgboost, tracker.worker_args())
    else:
        told = pair(with_lightgbm, [free_port(), free_port()])
    assert told == [3, 3]
    (started,) = recorded.of(events.RunStarted)  # of the only run
    assert started.world_size == 2
    assert "several processes train one model" in recorded.of(events.Controls)[-1].commands["stop"]
    assert [each[:2] for each in answered(recorded.events)] == [("stop", "refused")]
    assert [event.step for event in recorded.of(events.Progress)][-1] == 3
    assert recorded.events[-1].status == "completed"
