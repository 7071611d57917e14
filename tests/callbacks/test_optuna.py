"""Optuna: trials as rows, values and pruning, and how an optimization ends."""

from __future__ import annotations

import copy
import gc
import logging
import os
import pickle
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest

import livecb
from livecb import events
from livecb.callbacks.optuna import LiveStream
from livecb.errors import LivecbWarning
from livecb.testing import Recorded

QUIET = {"sinks": [], "system_interval": 0, "capture": None}


@pytest.fixture(autouse=True)
def _quiet_optuna() -> Iterator[None]:
    def forget(record: logging.LogRecord) -> bool:
        record.exc_info = None  # pytest keeps records, and with an exception all frames that it passed
        return True

    optuna.logging.disable_default_handler()
    logger = logging.getLogger("optuna.study._optimize")
    logger.addFilter(forget)
    yield
    logger.removeFilter(forget)
    optuna.logging.enable_default_handler()


def live(**settings: Any) -> LiveStream:
    return LiveStream(**QUIET | settings)


def study_of(**settings: Any) -> optuna.Study:
    return optuna.create_study(sampler=optuna.samplers.RandomSampler(0), **settings)


def square(trial: optuna.Trial) -> float:
    return trial.suggest_float("x", -1, 1) ** 2


def eventful(trial: optuna.Trial) -> float:
    """Report three steps; trial 1 is pruned, trial 2 fails, trial 3 has no number to return."""
    x = trial.suggest_float("x", -1, 1)
    for step in range(3):
        trial.report(x + step, step)
        if (trial.number, step) == (1, 1):
            raise optuna.TrialPruned
    if trial.number == 2:
        raise ValueError("a bug of yours")
    return float("nan") if trial.number == 3 else x


def rows(recorded: Recorded, run: Any = None) -> list[events.ModelCompleted]:
    return recorded.of(events.ModelCompleted, run)


def end(recorded: Recorded, run: Any = None) -> tuple[str, str | None]:
    (ended,) = recorded.of(events.RunEnded, run)
    return ended.status, ended.reason


def values(recorded: Recorded, name: str) -> list[tuple[int, float]]:
    logged = recorded.of(events.Metrics)
    return [(event.step, event.values[name]) for event in logged if name in event.values]


def test_each_trial_is_a_row_with_its_parameters_value_and_seconds(recorded: Recorded) -> None:
    study = study_of()
    study.optimize(square, n_trials=5, callbacks=[live()])
    found = [(row.name, row.ok, row.params, row.scores) for row in rows(recorded)]
    assert found == [(f"trial {t.number}", True, t.params, {"value": t.value}) for t in study.trials]
    took = [trial.duration.total_seconds() for trial in study.trials if trial.duration]
    assert [row.fit_seconds for row in rows(recorded)] == took
    assert end(recorded) == ("completed", None)


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_the_study_s_direction_decides_what_is_best(direction: str, recorded: Recorded) -> None:
    study = study_of(direction=direction)
    study.optimize(square, n_trials=5, callbacks=[live()])
    board = recorded.state().to_dict(alive=False, now=0)["leaderboard"]
    ordered = sorted(study.trials, key=lambda each: each.value, reverse=direction == "maximize")
    assert [row["name"] for row in board] == [f"trial {trial.number}" for trial in ordered]
    chosen = max if direction == "maximize" else min
    so_far = [chosen(t.value for t in study.trials[: at + 1]) for at in range(5)]
    assert values(recorded, "best_value") == list(enumerate(so_far, 1))
    (ended,) = recorded.of(events.RunEnded)
    assert ended.summary["best_trial"] == study.best_trial.number
    assert ended.summary["best_params"] == study.best_params


def test_what_pruned_and_failed_trials_came_to_is_told_with_the_reason(recorded: Recorded) -> None:
    study_of().optimize(eventful, n_trials=5, callbacks=[live()], catch=(ValueError,))
    assert [(row.ok, row.reason, bool(row.scores)) for row in rows(recorded)] == [
        (True, None, True),
        (False, "pruned at step 1", False),
        (False, "ValueError: a bug of yours", False),
        (False, "The value nan is not acceptable", False),
        (True, None, True),
    ]
    assert recorded.of(events.Progress)[-1].counters == {"completed": 2, "pruned": 1, "failed": 2}
    assert end(recorded) == ("completed", None)


def test_the_reason_of_the_very_first_failure_is_known(recorded: Recorded) -> None:
    def fail(trial: optuna.Trial) -> float:
        raise KeyError("lr")

    study_of().optimize(fail, n_trials=1, callbacks=[live()], catch=(KeyError,))
    assert [row.reason for row in rows(recorded)] == ["KeyError: 'lr'"]


def test_what_a_trial_reports_on_its_way_is_a_curve_by_its_own_steps(recorded: Recorded) -> None:
    study = study_of()
    study.optimize(eventful, n_trials=5, callbacks=[live()], catch=(ValueError,))
    for trial in study.trials:
        curve = values(recorded, f"intermediate/trial {trial.number}")
        assert curve == sorted(trial.intermediate_values.items())
    assert recorded.state().place("step") == 5
    charts = {each["chart"] for each in recorded.state().charts()["series"].values()}
    assert charts == {"value", "best_value", "intermediate"}


def test_curves_of_very_many_trials_are_tables_and_said_to_be(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livecb.callbacks.optuna._MOST_CURVES", 2)
    study_of().optimize(eventful, n_trials=5, callbacks=[live()], catch=(ValueError,))
    tables = recorded.of(events.Table)
    assert [table.name for table in tables] == [f"intermediate/trial {number}" for number in (2, 3, 4)]
    assert [row[0] for row in tables[0].rows] == [0, 1, 2]
    assert ["Only 2 trials" in event.message for event in recorded.of(events.Log)] == [True]


def test_several_objectives_have_a_curve_each(recorded: Recorded) -> None:
    study = study_of(directions=["minimize", "maximize"])
    study.optimize(lambda trial: (square(trial), 1.0), n_trials=3, callbacks=[live()])
    assert [row.scores for row in rows(recorded)] == [
        {"value_0": trial.values[0], "value_1": 1.0} for trial in study.trials
    ]
    assert {row.goal for row in rows(recorded)} == {"min"}
    assert recorded.of(events.Metrics)[0].values.keys() == {"value_0", "value_1"}


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_values_have_the_names_that_the_study_gives_them(recorded: Recorded) -> None:
    study = study_of(direction="maximize")
    study.set_metric_names(["accuracy"])
    study.optimize(square, n_trials=2, callbacks=[live()])
    assert recorded.of(events.Metrics)[-1].values.keys() == {"accuracy", "best_accuracy"}


def test_how_far_it_is_and_how_long_it_takes_is_known_from_the_first_trial(recorded: Recorded) -> None:
    study_of(study_name="mine").optimize(
        lambda trial: time.sleep(0.02) or 1.0, n_trials=4, callbacks=[live()]
    )
    bars = recorded.of(events.Progress)
    assert [(bar.done, bar.total, bar.unit) for bar in bars] == [(n, 4, "trial") for n in (1, 2, 3, 4)]
    assert bars[0].elapsed >= 0.02
    assert bars[0].left == pytest.approx(3 / bars[0].rate)
    assert bars[-1].left == 0
    state = recorded.state().to_dict(alive=False, now=0)
    assert (state["name"], state["totals"], state["config"]["study"]) == ("mine", {"steps": 4}, "mine")
    assert (state["config"]["sampler"], state["config"]["directions"]) == ("RandomSampler", ["min"])


def test_trials_in_several_threads_are_all_told_once_and_in_one_run(recorded: Recorded) -> None:
    met = threading.Barrier(2, timeout=10)

    def together(trial: optuna.Trial) -> float:
        met.wait()
        return square(trial)

    study = study_of()
    study.optimize(together, n_trials=8, n_jobs=2, callbacks=[live()])
    assert sorted(row.name for row in rows(recorded)) == [f"trial {number}" for number in range(8)]
    assert [event.step for event in recorded.of(events.Metrics)] == list(range(1, 9))
    assert recorded.of(events.Progress)[-1].total == 8
    assert (
        recorded.state().to_dict(alive=False, now=0)["leaderboard"][0]["name"]
        == f"trial {study.best_trial.number}"
    )
    assert end(recorded) == ("completed", None)


def test_a_study_that_is_stopped_says_so_when_optimize_returns(recorded: Recorded) -> None:
    def stop(study: optuna.Study, trial: Any) -> None:
        if trial.number == 2:
            study.stop()

    study_of().optimize(square, n_trials=50, callbacks=[stop, live()])
    assert (len(rows(recorded)), end(recorded)) == (3, ("completed", "stopped early"))


def test_a_study_whose_time_is_up_says_so(recorded: Recorded) -> None:
    study_of().optimize(lambda trial: time.sleep(0.03) or 1.0, timeout=0.1, callbacks=[live()])
    assert end(recorded) == ("completed", "timeout")
    first = recorded.of(events.Progress)[0]
    assert (first.total, 0.0 <= first.left < 0.1) == (None, True)


def test_in_a_block_each_call_of_optimize_has_a_time_and_a_total_of_its_own(recorded: Recorded) -> None:
    def stop(study: optuna.Study, trial: Any) -> None:
        if trial.number in (1, 4):
            study.stop()

    def slow(trial: optuna.Trial) -> float:
        time.sleep(0.02)
        return 1.0

    study = study_of()
    with live() as stream:
        time.sleep(0.5)
        study.optimize(slow, n_trials=9, callbacks=[stop, stream])
        study.optimize(slow, n_trials=2, timeout=0.4, callbacks=[stream])
        study.optimize(slow, timeout=0.4, callbacks=[stop, stream])
        time.sleep(0.5)
    bars = recorded.of(events.Progress)
    assert [(bar.done, bar.total) for bar in bars] == [(1, 9), (2, 9), (3, 4), (4, 4), (5, None)]
    assert all(0.02 <= bar.elapsed < 0.4 for bar in bars)
    assert [bar.rate for bar in bars] == pytest.approx(
        [count / bar.elapsed for count, bar in zip((1, 2, 1, 2, 1), bars, strict=True)]
    )
    assert 0 < bars[2].left < 0.4
    assert end(recorded) == ("completed", None)


def test_an_exception_that_cannot_be_printed_is_caught_as_optuna_is_told_to(recorded: Recorded) -> None:
    class Odd(Exception):
        def __str__(self) -> str:
            raise RuntimeError("a bug of yours")

    def odd(trial: optuna.Trial) -> float:
        raise Odd

    study_of().optimize(odd, n_trials=2, catch=(Odd,), callbacks=[live()])
    assert [(row.ok, row.reason) for row in rows(recorded)] == [(False, "Odd()")] * 2


def fails_at_two(trial: optuna.Trial) -> float:
    if trial.number == 2:
        raise ValueError("a bug of yours")
    return square(trial)


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_exception_that_ends_it_and_was_caught_is_told(jobs: int, recorded: Recorded) -> None:
    def objective(trial: optuna.Trial) -> float:
        value = fails_at_two(trial)
        time.sleep(0.05)  # Optuna loses what the last of several jobs raises
        return value

    with pytest.raises(ValueError, match="a bug of yours"):
        study_of().optimize(objective, n_trials=9, n_jobs=jobs, callbacks=[live()])
    gc.collect()  # Optuna's frames and the exception hold each other
    assert end(recorded) == ("failed", "trial 2: ValueError: a bug of yours")


def test_what_fails_in_a_study_that_nobody_watches_is_no_failure_of_this_one(recorded: Recorded) -> None:
    def with_another(trial: optuna.Trial) -> float:
        study_of().optimize(fails_at_two, n_trials=3, catch=(ValueError,))
        return square(trial)

    study = study_of()
    with live() as stream:
        study.optimize(with_another, n_trials=4, callbacks=[stream])
    assert [row.ok for row in rows(recorded)] == [True] * 4
    assert end(recorded) == ("completed", None)


def test_an_exception_in_a_with_block_is_a_failed_run_with_its_traceback(recorded: Recorded) -> None:
    with pytest.raises(ValueError, match="a bug of yours"), live() as stream:
        study_of().optimize(fails_at_two, n_trials=9, callbacks=[stream])
    (ended,) = recorded.of(events.RunEnded)
    assert (ended.status, ended.error) == ("failed", "ValueError: a bug of yours")
    assert "in fails_at_two" in ended.traceback


def test_a_with_block_is_open_before_the_first_trial_and_one_run_to_its_end(recorded: Recorded) -> None:
    study = study_of()

    def objective(trial: optuna.Trial) -> float:
        stream.run.log({"loss": 0.5}, step=trial.number)
        return square(trial)

    with live() as stream:
        assert stream.run.active
        study.optimize(objective, n_trials=2, callbacks=[stream])
        study.optimize(objective, n_trials=3, callbacks=[stream])
    assert [bar.total for bar in recorded.of(events.Progress)] == [2, 2, 5, 5, 5]
    assert len(values(recorded, "loss")) == len(rows(recorded)) == 5
    assert end(recorded) == ("completed", None)


def test_a_study_that_goes_on_in_its_storage_counts_what_it_had(recorded: Recorded) -> None:
    storage = optuna.storages.InMemoryStorage()
    for trials in (3, 2):
        study = study_of(study_name="s", storage=storage, load_if_exists=True)
        study.optimize(square, n_trials=trials, callbacks=[live()])
    assert len(recorded.attempts()) == 2  # the study says which run it is
    state = recorded.state().to_dict(alive=False, now=0)
    assert (state["name"], state["step"], state["totals"]["steps"], state["resumed_step"]) == ("s", 5, 5, 3)
    assert [row.name for row in rows(recorded)] == [f"trial {number}" for number in range(5)]
    best = recorded.of(events.Metrics)[-1].values["best_value"]
    assert best == study.best_value
    assert [attempt["status"] for attempt in state["attempts"]] == ["completed", "completed"]


def test_a_program_that_an_exception_ends_says_which(recorded: Recorded) -> None:
    script = (
        "import sys, test_optuna as t\n"
        "stream = t.live()\n"
        "t.study_of().optimize(t.fails_at_two, n_trials=9, callbacks=[stream])\n"
    )
    path = os.pathsep.join(map(str, (Path(livecb.__file__).parents[1], Path(__file__).parent)))
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False
    )
    assert "ValueError: a bug of yours" in done.stderr
    (ended,) = recorded.of(events.RunEnded)
    assert (ended.status, ended.error) == ("failed", "ValueError: a bug of yours")


@pytest.mark.parametrize("action", ["default", "error"])
def test_a_hook_that_fails_is_said_once_and_the_optimization_goes_on(action: Any, recorded: Recorded) -> None:
    stream, study = live(), study_of()

    def fail(*args: Any) -> None:
        raise ValueError("a bug of ours")

    stream._tell_trial = fail  # type: ignore[method-assign]
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter(action, LivecbWarning)
        study.optimize(square, n_trials=4, callbacks=[stream])
    ours = [str(each.message) for each in said if issubclass(each.category, LivecbWarning)]
    assert len(ours) == (1 if action == "default" else 0)
    assert len(study.trials) == 4
    assert [alert.title for alert in recorded.of(events.Alert)] == ["livecb stopped recording"]


def test_a_run_that_is_given_is_left_open(recorded: Recorded) -> None:
    with livecb.init(system_interval=0, capture=None) as run:
        study_of().optimize(square, n_trials=2, callbacks=[live(run=run)])
        assert run.active
    assert (len(rows(recorded)), recorded.of(events.Config)[0].framework) == (2, "optuna")


def test_it_can_be_copied_and_pickled_while_it_is_used(recorded: Recorded) -> None:
    with live(name="one") as stream:
        study_of().optimize(square, n_trials=2, callbacks=[stream])
        for each in (pickle.loads(pickle.dumps(stream)), copy.deepcopy(stream)):
            assert (each.name, each.run.active) == ("one", False)


def test_the_samples_are_those_of_a_study_without_the_callback(recorded: Recorded) -> None:
    one, other = study_of(), study_of()
    one.optimize(square, n_trials=4, callbacks=[live()])
    other.optimize(square, n_trials=4)
    assert [trial.params for trial in one.trials] == [trial.params for trial in other.trials]
