"""What the callback of every booster promises, shown on the same small training."""

from __future__ import annotations

import copy
import gc
import pickle
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import boosters
import pytest
from boosters import Outcome, live_stream, train

import livecb
from livecb import events
from livecb.callbacks.base import Stream
from livecb.errors import LivecbWarning
from livecb.testing import Recorded, record

LAST = {"xgboost": "val/logloss", "lightgbm": "val/binary_logloss", "catboost": "validation/Logloss"}
FASTEST = {"xgboost": 2.0, "lightgbm": 2.0, "catboost": 1.0}  # rates at which it soon gets no better


@pytest.fixture(params=boosters.NAMES)
def booster(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def story(recorded: list[Any]) -> list[str]:
    words = {
        events.Status: lambda event: f"{event.status} {event.phase} @{event.step}",
        events.Metrics: lambda event: f"metrics @{event.step}",
        events.ModelCompleted: lambda event: f"model @{event.step}",
        events.RunEnded: lambda event: f"{event.status} {event.reason}",
    }
    return [words[type(event)](event) for event in recorded if type(event) in words]


def by_name(recorded: Recorded, run: Any = None) -> dict[str, list[tuple[int, float]]]:
    found: dict[str, list[tuple[int, float]]] = {}
    for event in recorded.of(events.Metrics, run):
        for name, value in event.values.items():
            found.setdefault(name, []).append((event.step, value))
    return found


def numbered(outcome: Outcome, first: int = 0) -> dict[str, list[tuple[int, float]]]:
    return {name: list(enumerate(values, first + 1)) for name, values in outcome.reported.items()}


def end(recorded: Recorded, run: Any = None) -> events.RunEnded:
    (ended,) = recorded.of(events.RunEnded, run)
    return ended


def test_the_events_come_in_the_order_in_which_things_happen(booster: str, recorded: Recorded) -> None:
    train(booster, live_stream(booster))
    rounds = [f"metrics @{number}" for number in range(1, 7)]
    assert story(recorded.events) == ["running train @0", *rounds, "model @6", "completed None"]


def test_every_value_is_the_one_that_the_booster_reports_to_the_last_digit(
    booster: str, recorded: Recorded
) -> None:
    outcome = train(booster, live_stream(booster))
    assert by_name(recorded) == numbered(outcome)
    assert len(outcome.reported) == 2


def test_the_model_is_that_of_a_training_without_the_callback(booster: str, recorded: Recorded) -> None:
    assert boosters.same(train(booster, live_stream(booster)), train(booster))


def test_how_much_there_is_to_do_is_known_from_the_start(booster: str, recorded: Recorded) -> None:
    train(booster, live_stream(booster))
    (started,) = recorded.of(events.RunStarted)
    assert (started.framework, started.totals) == (booster, events.Totals(steps=6))
    assert set(started.versions) == {"python", booster}
    assert 0.3 in started.config.values()
    first, last = recorded.of(events.Progress)[0], recorded.of(events.Progress)[-1]
    assert (first.done, last.done, last.total, last.unit, last.left) == (0, 6, 6, "round", 0)


def test_the_model_is_a_row_with_its_scores_the_last_set_first(booster: str, recorded: Recorded) -> None:
    outcome = train(booster, live_stream(booster, name="mine"))
    (row,) = recorded.of(events.ModelCompleted)
    assert (row.name, row.ok, next(iter(row.scores))) == ("mine", True, LAST[booster])
    assert row.scores == {name: values[-1] for name, values in outcome.reported.items()}
    assert row.params.items() <= recorded.of(events.RunStarted)[0].config.items()


def test_a_training_without_evaluation_is_a_bar(booster: str, recorded: Recorded) -> None:
    train(booster, live_stream(booster), sets=False)
    assert set(by_name(recorded)) <= {"learn/Logloss"}  # which CatBoost tells in any case
    assert (recorded.of(events.Progress)[-1].done, end(recorded).status) == (6, "completed")


def test_a_training_that_stops_early_says_so_when_the_call_returns(booster: str, recorded: Recorded) -> None:
    outcome = train(booster, live_stream(booster), rounds=300, patience=3, rate=FASTEST[booster])
    assert by_name(recorded) == numbered(outcome)
    assert (end(recorded).status, end(recorded).reason) == ("completed", "early_stopped")
    (row,) = recorded.of(events.ModelCompleted)
    assert row.scores[LAST[booster]] == min(outcome.reported[LAST[booster]])
    assert row.step == len(outcome.reported[LAST[booster]]) < 300


def test_a_training_that_stops_early_in_a_with_block_says_so_at_its_end(
    booster: str, recorded: Recorded
) -> None:
    with live_stream(booster) as stream:
        train(booster, stream, rounds=300, patience=3, rate=FASTEST[booster])
    assert (end(recorded).status, end(recorded).reason) == ("completed", "early_stopped")
    assert not stream.run.active


def test_rounds_go_on_from_those_of_the_model_that_is_trained_further(
    booster: str, recorded: Recorded
) -> None:
    before = train(booster, rounds=4).model
    outcome = train(booster, live_stream(booster), before=before, rounds=3)
    (started,) = recorded.of(events.RunStarted)
    assert (started.resumed_step, started.totals.steps) == (4, 7)
    assert by_name(recorded) == numbered(outcome, first=4)
    assert end(recorded).status == "completed"


def test_an_exception_in_a_with_block_is_a_failed_run(booster: str, recorded: Recorded) -> None:
    with pytest.raises(Exception, match="a bug of yours"), live_stream(booster) as stream:
        train(booster, stream, fail=3)
    ended = end(recorded)
    assert (ended.status, ended.step, "a bug of yours" in ended.error) == ("failed", 3, True)


def test_an_exception_that_was_caught_is_told_by_the_next_training(booster: str, recorded: Recorded) -> None:
    stream = live_stream(booster)
    with pytest.raises(Exception, match="a bug of yours"):
        train(booster, stream, fail=3)
    train(booster, stream)
    first, second = recorded.runs
    assert (end(recorded, first).status, end(recorded, second).status) == ("failed", "completed")
    assert "another training began" in end(recorded, first).reason


# CatBoost keeps what failed, and its callbacks with it: see the next test.
@pytest.mark.parametrize("booster", ["xgboost", "lightgbm"])
def test_a_training_that_failed_and_was_thrown_away_has_not_stopped_early(
    booster: str, recorded: Recorded
) -> None:
    with pytest.raises(Exception, match="a bug of yours"):
        train(booster, live_stream(booster), fail=3)
    gc.collect()
    assert (end(recorded).status, "thrown away" in end(recorded).reason) == ("failed", True)


def test_a_program_that_keeps_its_callbacks_says_at_its_end_what_came_of_each(
    booster: str, recorded: Recorded
) -> None:
    script = (
        "import boosters\n"
        f"first, second = (boosters.live_stream({booster!r}) for _ in range(2))\n"
        f"try: boosters.train({booster!r}, first, fail=3)\n"
        "except Exception as error: kept = error\n"
        f"boosters.train({booster!r}, second, rounds=300, patience=3, rate={FASTEST[booster]})\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parent, check=True)
    failed, stopped = (end(recorded, run) for run in recorded.runs)
    assert (failed.status, "the program ended before" in failed.reason) == ("failed", True)
    assert (stopped.status, stopped.reason) == ("completed", "early_stopped")


@pytest.mark.parametrize("action", ["default", "error"])
def test_a_hook_that_fails_is_said_once_and_the_training_goes_on(
    booster: str, action: Any, recorded: Recorded
) -> None:
    stream = live_stream(booster)

    def fail(*args: Any) -> None:
        raise ValueError("a bug of ours")

    stream._tell_round = fail
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter(action, LivecbWarning)
        outcome = train(booster, stream)
    assert {len(values) for values in outcome.reported.values()} == {6}
    ours = [str(each.message) for each in said if issubclass(each.category, LivecbWarning)]
    assert len(ours) == (1 if action == "default" else 0)
    assert [alert.title for alert in recorded.of(events.Alert)] == ["livecb stopped recording"]
    assert booster != "xgboost" or end(recorded).status == "completed"  # which alone tells of every end


def test_values_of_every_nth_round_alone_are_recorded_if_wanted(booster: str, recorded: Recorded) -> None:
    train(booster, live_stream(booster, every_n_steps=2))
    assert [event.step for event in recorded.of(events.Metrics)] == [2, 4, 6]


def test_models_that_are_trained_in_one_run_are_its_leaderboard(booster: str) -> None:
    with record() as recorded, livecb.init(system_interval=0, capture=None) as run:
        for rate in (0.1, 0.5):
            train(booster, live_stream(booster, run=run, name=f"at {rate}"), rate=rate)
            assert run.active
    state = recorded.state().to_dict(alive=False, now=0)
    assert [row["name"] for row in state["leaderboard"]] == ["at 0.5", "at 0.1"]
    (rate,) = {"eta", "learning_rate"} & state["config"]["at 0.1"].keys()
    assert [state["config"][name][rate] for name in ("at 0.1", "at 0.5")] == [0.1, 0.5]
    assert recorded.of(events.Config)[0].framework == booster
    assert [event.step for event in recorded.of(events.Metrics)] == [*range(1, 7)] * 2
    assert f"at 0.5/{LAST[booster]}" in recorded.of(events.Metrics)[-1].values


def test_settings_of_models_without_a_name_stand_side_by_side(booster: str) -> None:
    with record() as recorded, livecb.init(system_interval=0, capture=None, config={"mine": 1}) as run:
        for rate in (0.1, 0.5, 0.1):
            train(booster, live_stream(booster, run=run), rate=rate)
    config = recorded.state().to_dict(alive=False, now=0)["config"]
    (rate_name,) = {"eta", "learning_rate"} & config.keys()
    assert (config["mine"], config[rate_name], config[f"{booster} 2"][rate_name]) == (1, 0.1, 0.5)
    assert f"{booster} 3" not in config


def test_a_callback_can_be_copied_and_pickled_while_it_is_used(booster: str, recorded: Recorded) -> None:
    with live_stream(booster, name="one", config={"a": 1}) as stream:
        train(booster, stream, rounds=300, patience=3, rate=FASTEST[booster])
        assert stream.run.active or booster == "xgboost"  # which alone tells of every end
        for each in (pickle.loads(pickle.dumps(stream)), copy.deepcopy(stream)):
            assert (each.name, each.config, each.run.active) == ("one", {"a": 1}, False)


def test_all_callbacks_take_the_same_arguments(booster: str) -> None:
    stream = live_stream(booster, project="p", tags=["t"])
    assert isinstance(stream, Stream)
    assert (stream.project, stream.tags) == ("p", ["t"])
