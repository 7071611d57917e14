from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest

import livecb
from livecb import events
from livecb.errors import LivecbWarning
from livecb.run import Run
from livecb.start import disabled

Recorded = Callable[[Run], list[Any]]


def steps(recorded: list[Any]) -> list[int | None]:
    return [event.step for event in recorded if isinstance(event, events.Metrics)]


def test_a_step_that_is_done_is_what_is_recorded_from_there_on(run: Run, recorded: Recorded) -> None:
    for _ in range(3):
        run.step()
        run.log({"loss": 1.0})
    run.step(10)
    run.log({"loss": 1.0})
    run.note("there")
    assert steps(recorded(run)) == [1, 2, 3, 13]
    assert recorded(run)[-1].step == 13


def test_the_step_is_a_number_like_any_other(run: Run) -> None:
    assert (run.step, bool(run.step)) == (0, False)
    run.step = 7
    assert (run.step, -run.step / 2, run.step % 5, f"{run.step}", json.dumps(run.step)) == (
        7,
        -3.5,
        2,
        "7",
        "7",
    )
    assert [type(pickle.loads(pickle.dumps(run.step))), type(copy.deepcopy(run.step))] == [int, int]


def test_an_event_that_nobody_gave_a_step_has_none(run: Run, recorded: Recorded) -> None:
    assert run.step == 0
    run.note("before the first")
    assert recorded(run)[-1].step is None


def test_it_goes_on_from_where_the_run_was_said_to_stand(run: Run, recorded: Recorded) -> None:
    run.at(step=900)
    run.step()
    run.log({"loss": 1.0})
    assert steps(recorded(run)) == [901]


def test_a_step_read_and_given_back_stays_the_same(run: Run, recorded: Recorded) -> None:
    run.step()
    run.log({"loss": 1.0}, step=run.step)
    run.at(step=run.step)
    run.log({"loss": 1.0})
    assert steps(recorded(run)) == [1, 1]


@pytest.mark.parametrize("steps", ["one", 0.5, None, [1], True])
def test_what_is_no_number_of_steps_is_named_and_counts_nothing(run: Run, steps: Any) -> None:
    if steps is None:
        run.step(steps)
    else:
        with pytest.warns(LivecbWarning, match="step was left out: it is"):
            run.step(steps)
    assert run.step == 0


def test_steps_are_not_counted_back(run: Run) -> None:
    run.step(3)
    with pytest.warns(LivecbWarning, match="counts steps done, got -1"):
        run.step(-1)
    assert run.step == 3


def test_a_run_that_does_nothing_can_be_told_of_steps() -> None:
    run = disabled()
    run.step()
    assert run.step == 1


@pytest.mark.parametrize("loop", ["tracked", "counted", "neither"])
def test_a_run_that_goes_on_counts_from_the_step_it_goes_on_from(recorded: Recorded, loop: str) -> None:
    run = livecb.init(id="a-run", resumed_step=900, sinks=[], capture=None, system_interval=0)
    assert run.step == 900
    for _ in run.track(range(3)) if loop == "tracked" else range(3):
        if loop == "counted":
            run.step()
        run.log({"loss": 1.0})
    assert steps(recorded(run)) == [901, 902, 903]
    run.finish()


def test_the_step_that_is_being_made_is_known_however_steps_are_counted(run: Run) -> None:
    assert run.step.under_way is None
    for _ in run.track(range(4), steps=False):
        assert run.step.under_way == run.step + 1
        run.step()
    assert run.step.under_way == 5
    run.step = 9
    assert run.step.under_way == 9
    for _ in run.track(range(1)):
        assert run.step.under_way == 10


def test_the_step_can_stand_in_whatever_is_recorded(run: Run, recorded: Recorded) -> None:
    run.step(7)
    run.config["warmup"] = run.step
    run.summary["best_step"] = run.step
    run.finish(result={"step": run.step})
    said = recorded(run)
    assert [each.config for each in said if isinstance(each, events.Config)] == [{"warmup": 7}]
    assert (said[-1].summary, said[-1].result) == ({"best_step": 7}, {"step": 7})
