"""What every callback that obeys readers promises, shown on the same small training in each framework."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import tiny
from courses import COURSES, QUIET, Course, Driven, same

import livecb
from livecb import events
from livecb.control.commands import ask, wish
from livecb.testing import Recorded, record

pytestmark = pytest.mark.filterwarnings("ignore")

STEPS = 10


@dataclass
class Steered:
    """A training that readers steered, and the same one with values of the user's own, which they set."""

    course: Course
    driven: Driven
    events: list[Any]
    own: Driven
    own_events: list[Any]
    sampled: list[Any]

    def answer(self, name: str, phase: str = "applied") -> Any:
        """Return what became of the only command of this name."""
        (found,) = [each for each in self.of(events.Command) if each.name == name and each.phase == phase]
        return found

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture(scope="module", params=list(COURSES))
def steered(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Steered]:
    """Readers set a rate, pause, resume, ask for what there is not, save, and stop after step 8 of 10."""
    tiny.quiet()
    course, before = COURSES[request.param], Path.cwd()
    folder = tmp_path_factory.mktemp("training")
    os.chdir(folder)  # where a framework has no folder for checkpoints, they go to this one
    try:
        driven, told = _steer(course, folder)
        yield Steered(course, driven, told, *_steer_own(course, folder))
    finally:
        os.chdir(before)


def _steer(course: Course, folder: Path) -> tuple[Driven, list[Any]]:
    at = {
        2: [wish("set", 0.4, parameter=course.rate, by="ada")],
        3: [wish("pause", by="ada")],
        5: [wish("set", 1.0, parameter="dropout"), wish("evaluate")],
        6: [wish("save", by="eve")],
        8: [wish("stop", by="ada")],
    }
    with record() as recorded:
        bob = threading.Thread(target=_resume, args=(recorded,))
        bob.start()
        driven = course.train(folder, at)
        bob.join()
        return driven, recorded.events


def _resume(recorded: Recorded) -> None:
    """Wait until the training says that it is paused, let some time pass, and ask it to go on."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        runs = recorded.store.run_ids()
        if runs and any(each.status == "paused" for each in recorded.of(events.Status)):
            time.sleep(0.3)
            ask(recorded.run, wish("resume", by="bob"))
            return
        time.sleep(0.02)


def _steer_own(course: Course, folder: Path) -> tuple[Driven, list[Any], list[Any]]:
    sampled = []
    with record() as recorded, livecb.init(**QUIET) as run:
        weight = run.control("weight", 1.0, min=0, max=5)
        run.offer("sample", lambda: sampled.append((run.step, weight.value)))
        at = {4: [wish("set", 2.0, parameter="weight", by="ada")], 6: [wish("sample", by="ada")]}
        driven = course.train(folder, at, run=run)
    return driven, recorded.events, sampled


def test_a_pause_holds_the_training_until_somebody_resumes_it(steered: Steered) -> None:
    pause, resume = steered.answer("pause"), steered.answer("resume")
    assert (pause.step, resume.step, resume.by) == (_place(steered, 3), _place(steered, 3), "bob")
    assert resume.time - pause.time > 0.25
    held = [event for event in steered.events if pause.seq < event.seq < resume.seq]
    assert not [event for event in held if isinstance(event, events.Metrics)]
    said = [event.status for event in steered.of(events.Status)]
    assert said[said.index("paused") + 1] == "running"


def test_a_rate_that_is_set_stays_set_and_the_schedule_goes_on_from_it(steered: Steered) -> None:
    plain, changed = steered.own.rates, steered.driven.rates
    assert len(plain) == STEPS
    assert changed[:2] == pytest.approx(plain[:2])
    assert 0.2 <= changed[2] <= 0.401  # set before or after the schedule's own step
    ratio = changed[2] / plain[2]
    assert ratio > 2
    assert changed[2:] == pytest.approx([rate * ratio for rate in plain[2 : len(changed)]], rel=1e-4)


def test_a_stop_ends_the_run_by_name_and_leaves_a_checkpoint_that_loads(steered: Steered) -> None:
    end = steered.events[-1]
    assert (end.status, end.by, end.reason) == ("stopped", "ada", None)
    assert len(steered.driven.rates) == 8 + steered.course.late
    *_, saved = steered.of(events.Checkpoint)
    assert saved.step == _place(steered, 8)
    loaded = steered.course.load(saved.path)
    expected = [8] if steered.course.late else steered.driven.weights
    assert same(loaded, expected)


def test_a_save_leaves_a_checkpoint_and_the_training_goes_on(steered: Steered) -> None:
    saved = steered.answer("save")
    assert (saved.by, saved.step) == ("eve", _place(steered, 6))
    (left,) = [each for each in steered.of(events.Checkpoint) if each.step == saved.step]
    assert Path(left.path).exists()
    assert left.size > 0
    assert max(event.step for event in steered.of(events.Metrics)) > saved.step


def test_what_cannot_be_obeyed_is_refused_with_the_reason_that_stands_in_the_controls(
    steered: Steered,
) -> None:
    dropout, evaluate = steered.answer("set", "refused"), steered.answer("evaluate", "refused")
    assert f"({steered.course.rate}" in dropout.reason
    assert "'dropout'" in dropout.reason
    able = [each for each in steered.of(events.Controls) if each.seq < evaluate.seq][-1]
    assert evaluate.reason == able.commands["evaluate"] != ""
    assert {"pause", "resume", "stop", "save"} <= {name for name, why in able.commands.items() if not why}


def test_what_was_asked_and_what_became_of_it_say_who_when_at_which_step_and_both_values(
    steered: Steered,
) -> None:
    applied = steered.answer("set")
    (asked,) = [
        each for each in steered.of(events.Command) if each.phase == "asked" and each.id == applied.id
    ]
    assert (applied.by, asked.by, applied.parameter) == ("ada", "ada", steered.course.rate)
    assert (applied.step, applied.new) == (_place(steered, 2), 0.4)
    assert 0 < applied.old < 0.2
    assert 0 <= applied.time - asked.time < 60


def test_values_and_samples_of_the_users_own_are_obeyed_between_the_same_steps(steered: Steered) -> None:
    assert len(steered.own.rates) == STEPS
    assert steered.sampled == [(_place(steered, 6), 2.0)]
    told = [each for each in steered.own_events if isinstance(each, events.Command)]
    answers = [(each.name, each.phase, each.by, each.step) for each in told if each.phase != "asked"]
    assert answers == [
        ("set", "applied", "ada", _place(steered, 4)),
        ("sample", "applied", "ada", _place(steered, 6)),
    ]
    assert steered.own_events[-1].status == "completed"


def _place(steered: Steered, batch: int) -> int:
    """Return the step that a run is at after so many batches: both players of a GAN make one each."""
    return 2 * batch if steered.course.rate == "lr/D" else batch
