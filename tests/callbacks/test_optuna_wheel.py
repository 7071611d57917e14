"""Readers steer a study: between its trials, and within those that look."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import optuna
import pytest

from livecb import events
from livecb.callbacks.optuna import LiveStream
from livecb.control.commands import wish
from livecb.testing import Recorded
from wishes import answered, tell

QUIET = {"sinks": [], "system_interval": 0, "capture": None}


@pytest.fixture(autouse=True)
def _quiet_optuna() -> Iterator[None]:
    optuna.logging.disable_default_handler()
    yield
    optuna.logging.enable_default_handler()


def study_of(**settings: Any) -> optuna.Study:
    return optuna.create_study(sampler=optuna.samplers.RandomSampler(0), **settings)


def board(recorded: Recorded) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = recorded.state().to_dict(alive=False, now=0)["leaderboard"]
    return rows


def test_a_study_is_stopped_by_name_when_its_trial_is_done(recorded: Recorded) -> None:
    def objective(trial: optuna.Trial) -> float:
        if trial.number == 2:
            tell(live.run, wish("stop", by="ada"))
        return trial.suggest_float("x", -1, 1) ** 2

    study = study_of()
    with LiveStream(**QUIET) as live:
        study.optimize(objective, n_trials=50, callbacks=[live])
    assert len(study.trials) == 3
    assert answered(recorded.events) == [("stop", "applied", 3)]
    (ended,) = recorded.of(events.RunEnded)
    assert (ended.status, ended.by, ended.reason) == ("stopped", "ada", None)


@pytest.mark.parametrize("jobs", [1, 3])
def test_no_trial_goes_on_behind_a_pause(jobs: int, recorded: Recorded) -> None:
    begun: list[float] = []

    def objective(trial: optuna.Trial) -> float:
        begun.append(time.time())
        if trial.number == 0:
            tell(live.run, wish("pause", 0.6))
        return 0.0

    with LiveStream(**QUIET) as live:
        study_of().optimize(objective, n_trials=9, n_jobs=jobs, callbacks=[live])
    pause, resume = (event for event in recorded.of(events.Command) if event.phase == "applied")
    assert resume.time - pause.time > 0.5
    within = [at for at in begun if pause.time + 0.1 < at < resume.time - 0.05]
    assert len(within) <= (0 if jobs == 1 else jobs)
    assert len(begun) == 9


def test_a_trial_that_looks_is_skipped_and_is_no_failure(recorded: Recorded) -> None:
    seen: list[tuple[int, int]] = []

    def objective(trial: optuna.Trial) -> float:
        x = trial.suggest_float("x", -1, 1)
        for step in range(4):
            if (trial.number, step) == (1, 2):
                tell(live.run, wish("skip", "trial 1", by="ada"))
            live.obey(trial)
            seen.append((trial.number, step))
        return x

    study = study_of()
    with LiveStream(**QUIET) as live:
        study.optimize(objective, n_trials=3, callbacks=[live])
    assert (1, 1) in seen
    assert (1, 2) not in seen
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "PRUNED", "COMPLETE"]
    skipped = board(recorded)[-1]
    told = (skipped["name"], skipped["outcome"], skipped["by"], skipped["reason"])
    assert told == ("trial 1", "skipped", "ada", "skipped by ada")
    names = [each.candidates.get("skip") for each in recorded.of(events.Controls)]
    assert names[1:3] == [["trial 0"], []]
    assert "no trial is under way" in recorded.of(events.Controls)[2].commands["skip"]


def test_a_stop_gives_up_the_trial_that_looks(recorded: Recorded) -> None:
    def objective(trial: optuna.Trial) -> float:
        for step in range(100):
            if (trial.number, step) == (1, 3):
                tell(live.run, wish("stop", by="ada"))
            live.obey(trial)
        return 0.0

    study = study_of()
    with LiveStream(**QUIET) as live:
        study.optimize(objective, n_trials=50, callbacks=[live])
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "PRUNED"]
    assert recorded.of(events.RunEnded)[0].by == "ada"
    assert board(recorded)[-1]["reason"] == "skipped by ada"


def test_what_a_study_has_no_place_for_is_said(recorded: Recorded) -> None:
    with LiveStream(**QUIET) as live:
        live.obey(optuna.trial.FixedTrial({}))
        study_of().optimize(lambda trial: 0.0, n_trials=2, callbacks=[live])
    able = recorded.of(events.Controls)[0]
    assert {name for name, why in able.commands.items() if not why} == {"pause", "resume", "stop"}
    assert "live.obey(trial)" in able.commands["skip"]
    assert "study.enqueue_trial" in able.commands["add"]


def test_a_study_that_is_good_enough_stops_by_itself(recorded: Recorded) -> None:
    def objective(trial: optuna.Trial) -> float:
        time.sleep(0.01)
        return float(-trial.number)

    study = study_of()
    with LiveStream(**QUIET, stop_when="best_value < -5") as live:
        study.optimize(objective, n_trials=3000, callbacks=[live])
    assert 7 <= len(study.trials) < 3000
    (ended,) = recorded.of(events.RunEnded)
    assert (ended.status, ended.by, ended.reason) == ("stopped", "livecb", "best_value -6 < -5")


def test_of_several_objectives_the_best_trials_are_marked(recorded: Recorded) -> None:
    def objective(trial: optuna.Trial) -> tuple[float, float]:
        x, y = trial.suggest_float("x", 0, 1), trial.suggest_float("y", 0, 1)
        return x + y, x - y

    study = study_of(directions=["minimize", "maximize"])
    study.optimize(objective, n_trials=20, callbacks=[LiveStream(**QUIET)])
    best = {trial.number for trial in study.best_trials}
    rows = board(recorded)
    assert {row["name"] for row in rows if row["place"] == 1} == {f"trial {number}" for number in best}
    assert {row["place"] for row in rows[len(best) :]} == {None}
    assert set(recorded.of(events.RunEnded)[0].summary["best_trials"]) == best


def test_a_trial_that_breaks_a_constraint_is_none_of_the_best(recorded: Recorded) -> None:
    def objective(trial: optuna.Trial) -> tuple[float, float]:
        x = trial.suggest_float("x", 0, 1)
        trial.set_constraint("half", x - 0.5)
        return x, x

    study = study_of(directions=["minimize", "maximize"])
    study.optimize(objective, n_trials=12, callbacks=[LiveStream(**QUIET)])
    best = {f"trial {trial.number}" for trial in study.best_trials}
    assert 0 < len(best) < 12
    assert {row["name"] for row in board(recorded) if row["place"] == 1} == best


def test_trials_in_several_threads_can_all_be_stopped(recorded: Recorded) -> None:
    ready = threading.Barrier(3, timeout=30)

    def objective(trial: optuna.Trial) -> float:
        live.obey(trial)
        if trial.number < 3:
            ready.wait()
        if trial.number == 0:
            tell(live.run, wish("stop", by="ada"))
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            live.obey(trial)
            time.sleep(0.005)
        return 0.0

    study = study_of()
    with LiveStream(**QUIET) as live:
        study.optimize(objective, n_trials=50, n_jobs=3, callbacks=[live])
    assert {trial.state.name for trial in study.trials} == {"PRUNED"}
    assert len(study.trials) < 10
    assert recorded.of(events.RunEnded)[0].by == "ada"
