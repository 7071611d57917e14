"""A loop is stopped once a metric is good enough, and says by what."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

import livecb
from livecb import events
from livecb.callbacks.base import Stream
from livecb.control.commands import wish
from livecb.control.lookout import Lookout
from livecb.errors import CriterionError, LivecbWarning
from livecb.store import Store
from wishes import tell

Recorded = Callable[[livecb.Run], list[Any]]


def slowly(run: livecb.Run, name: str = "val/acc", items: int = 3000) -> int:
    """Go through a loop whose metric rises by 0.01 a step; return the last item."""
    for item in run.track(range(items)):
        run.log({name: item / 100, "other": 100.0})
        time.sleep(0.01)
    return item


def test_a_loop_ends_when_a_metric_is_good_enough_and_says_how(run: livecb.Run, recorded: Recorded) -> None:
    run.stop_when("val/acc >= 0.2")
    assert 20 <= slowly(run) < 2999
    run.finish()
    said = recorded(run)
    end = said[-1]
    assert (end.status, end.by, end.reason) == ("stopped", "livecb", "val/acc 0.2 >= 0.2")
    told = [event for event in said if isinstance(event, events.Command)]
    assert [(event.name, event.phase, event.by) for event in told] == [
        ("stop", "asked", "livecb"), ("stop", "applied", "livecb"),
    ]  # fmt: skip
    assert told[-1].reason == "val/acc 0.2 >= 0.2"


def test_of_two_criteria_the_one_that_is_met_first_counts(run: livecb.Run, recorded: Recorded) -> None:
    run.stop_when("loss < 0")
    run.stop_when("other > 99")
    assert slowly(run, "loss") < 2999
    run.finish()
    assert recorded(run)[-1].reason == "other 100 > 99"


def test_a_metric_that_was_never_recorded_is_named_at_the_end(run: livecb.Run, recorded: Recorded) -> None:
    run.stop_when("acc > 0.5")
    slowly(run, items=2)
    with pytest.warns(LivecbWarning, match=r"no metric 'acc' was recorded"):
        run.finish()
    assert recorded(run)[-1].status == "completed"


def test_what_is_no_criterion_is_named_and_the_training_goes_on(run: livecb.Run) -> None:
    with pytest.warns(LivecbWarning, match="stop_when has no effect: expected NAME > NUMBER"):
        run.stop_when("val/acc is good")
    assert slowly(run, items=2) == 1


def test_a_loop_that_does_not_look_is_not_stopped_and_says_why(run: livecb.Run, recorded: Recorded) -> None:
    run.stop_when("loss < 2")
    run.log({"loss": 1.0})
    deadline = time.monotonic() + 30
    while not (told := [event for event in recorded(run) if isinstance(event, events.Command)][1:]):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert told[0].phase == "refused"
    assert "run.track" in told[0].reason
    run.finish()
    assert recorded(run)[-1].status == "completed"


def test_a_run_and_a_callback_take_it_as_an_argument(store: Store) -> None:
    with livecb.init(dir=store.root, sinks=[], capture=None, system_interval=0, stop_when="a > 1") as run:
        assert slowly(run, "a") < 2999
    with pytest.raises(CriterionError, match=r"such as 'val/acc > 0.98', got 'accurate'"):
        Stream(stop_when="accurate")


def test_a_log_that_cannot_be_read_at_the_end_leaves_no_wish_unanswered(
    run: livecb.Run, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.stop_when("loss < 0")
    run.stop_when("acc > 2")
    run.obey()
    tell(run, wish("pause"))

    def vanished(self: Lookout, asks: bool) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr(Lookout, "_read", vanished)
    with pytest.warns(LivecbWarning, match="the log was not read: OSError") as warned:
        run.finish()
    assert len(warned) == 2, "each lookout was stopped"
    assert not any("was recorded" in str(each.message) for each in warned), "nobody knows"
    answer = recorded(run)[-2]
    assert (answer.phase, answer.reason) == ("refused", "the run has ended")
