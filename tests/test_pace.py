"""How far, how fast, how long still."""

import pytest

from livecb import events as ev
from livecb import pace
from livecb.state import State
from script import BEGAN, Script


def progress(script, now=None, alive=True):
    state = State("r")
    state.feed(script.events)
    return state.to_dict(alive=alive, now=script.time if now is None else now)["progress"]


def test_progress_follows_from_steps_and_totals():
    script = Script().start(totals=ev.Totals(steps=200)).steps(1, 50, after=0.5)
    assert progress(script) == {
        "fraction": 0.25,
        "done": 50,
        "total": 200,
        "unit": "step",
        "phase": None,
        "rate": pytest.approx(2.0),
        "elapsed": 25.0,
        "left": pytest.approx(75.0),
        "finish": pytest.approx(BEGAN + 100),
        "counters": {},
        "fields": {},
    }


def test_progress_follows_from_epochs_where_steps_have_no_total():
    script = Script().start(totals=ev.Totals(epochs=4))
    for at in range(1, 9):
        script.say(ev.Metrics, step=at, epoch=at / 4, values={"loss": 1.0})
    shown = progress(script)
    assert (shown["unit"], shown["done"], shown["total"], shown["fraction"]) == ("epoch", 2, 4, 0.5)
    assert shown["left"] == pytest.approx(8.0)


def test_without_a_total_there_is_a_rate_and_no_fraction():
    shown = progress(Script().start().steps(1, 20))
    assert (shown["fraction"], shown["total"], shown["left"], shown["rate"]) == (None, None, None, 1.0)


def test_a_run_that_stands_nowhere_has_no_progress():
    assert progress(Script().start().metrics(loss=1.0)) is None


def test_a_progress_event_is_shown_as_it_is():
    script = Script().start().say(
        ev.Progress, done=3, total=12, unit="candidate", phase="search", rate=0.5, elapsed=6.0, left=18.0,
        counters={"failed": 1}, fields={"best": float("nan")},
    )  # fmt: skip
    assert progress(script) == {
        "fraction": 0.25,
        "done": 3,
        "total": 12,
        "unit": "candidate",
        "phase": "search",
        "rate": 0.5,
        "elapsed": 6.0,
        "left": 18.0,
        "finish": script.time + 18,
        "counters": {"failed": 1},
        "fields": {"best": "NaN"},
    }


def test_a_loop_that_says_no_rate_has_the_one_its_progress_shows():
    script = Script().start()
    for done in range(1, 21):
        script.say(ev.Progress, after=2.0, done=done, total=40)
    shown = progress(script)
    assert shown["rate"] == pytest.approx(0.5)
    assert shown["left"] == pytest.approx(40.0)


def test_the_rate_is_that_of_the_last_minute():
    script = Script().start(totals=ev.Totals(steps=1000)).steps(1, 100, after=5.0).steps(101, 300, after=0.5)
    assert progress(script)["rate"] == pytest.approx(2.0)


def test_a_pause_is_not_slow_training():
    script = Script().start(totals=ev.Totals(steps=100)).steps(1, 20, after=0.5)
    script.metrics(21, after=20.0, loss=1.0).steps(22, 40, after=0.5)
    assert progress(script)["rate"] == pytest.approx(2.0, rel=0.1)


def test_steps_slower_than_a_minute_have_a_rate():
    script = Script().start(totals=ev.Totals(steps=10)).steps(1, 4, after=300.0)
    assert progress(script)["rate"] == pytest.approx(1 / 300)


def test_the_time_left_allows_for_the_evaluations_still_to_come():
    script = Script().start(totals=ev.Totals(steps=80))
    for epoch in range(2):
        script.say(ev.Status, after=0.0, status="running").steps(20 * epoch + 1, 20 * epoch + 20)
        script.say(ev.Status, after=0.0, status="evaluating")
        script.metrics(20 * epoch + 20, context="val", after=20.0, loss=1.0)
    shown = progress(script.say(ev.Status, after=0.0, status="running").metrics(41, train__loss=1.0))
    assert shown["rate"] == pytest.approx(1.0, rel=0.1)
    assert shown["left"] == pytest.approx(39 * 2, rel=0.15)


def test_waiting_does_not_count_as_work():
    script = Script().start(totals=ev.Totals(steps=80)).steps(1, 20).say(ev.Status, status="paused")
    script.say(ev.Status, after=500.0, status="running").steps(21, 40)
    assert progress(script)["left"] == pytest.approx(40, rel=0.1)


def test_the_time_left_runs_down_between_two_reports_but_not_for_ever():
    script = Script().start(totals=ev.Totals(steps=200)).steps(1, 100)
    assert progress(script, script.time + 2)["left"] == pytest.approx(98)
    assert progress(script, script.time + 900)["left"] == pytest.approx(95)
    paused = script.say(ev.Status, after=0.0, status="paused")
    assert progress(paused, paused.time + 2)["left"] == pytest.approx(100)


def test_a_run_that_is_over_has_nothing_left():
    script = Script().start(totals=ev.Totals(steps=100)).steps(1, 60)
    crashed = progress(script, alive=False, now=script.time + 100)
    assert (crashed["fraction"], crashed["left"], crashed["finish"], crashed["elapsed"]) == (
        0.6,
        None,
        None,
        60.0,
    )
    stopped = progress(script.end("completed", reason="early_stopped"))
    assert (stopped["fraction"], stopped["left"]) == (0.6, None)


@pytest.mark.parametrize(
    ("done", "total", "fraction"), [(0, 10, 0.0), (10, 10, 1.0), (12, 10, 1.0), (3, 0, None)]
)
def test_a_fraction_is_between_none_and_all(done, total, fraction):
    assert progress(Script().start().say(ev.Progress, done=done, total=total))["fraction"] == fraction


def test_what_runs_beside_the_training_does_not_move_its_bar():
    script = Script().start().say(ev.Progress, done=5, total=10, phase="train")
    script.say(ev.Progress, done=1, total=4, phase="validate").say(
        ev.Progress, done=2, total=9, phase="batch"
    )
    assert progress(script)["phase"] == "train"
    script.say(ev.Progress, done=10, total=10, phase="train").say(ev.Progress, done=1, total=4, phase="test")
    assert progress(script)["phase"] == "test"


def test_an_attempt_has_a_pace_of_its_own():
    script = (
        Script()
        .start(totals=ev.Totals(steps=100))
        .steps(1, 20, after=10.0)
        .say(ev.Progress, done=20, total=100)
    )
    script.start(2, resumed_step=20).steps(21, 60, after=0.5)
    shown = progress(script)
    assert (shown["rate"], shown["done"]) == (pytest.approx(2.0), 60)


def test_too_little_gives_no_rate():
    assert pace.rate([]) is None
    assert pace.rate([(1.0, 1.0)]) is None
    assert pace.rate([(1.0, 1.0), (2.0, 1.0)]) is None


def bars(*said, batch, total=None):
    """Return what is done by the last of the bars `(done, batch)`, with metrics at a batch after it."""
    script = Script().start()
    for done, at in said:
        script.say(ev.Progress, done=done, total=total, unit="batch", batch=at)
    return progress(script.say(ev.Metrics, batch=batch, values={"loss": 1.0}))["done"]


def test_a_bar_that_counts_along_with_its_axis_stands_where_the_axis_stands():
    assert bars((3, 3), batch=5) == 5
    assert bars((1, 101), (3, 103), batch=105) == 5  # counted from where a loop was taken up
    assert bars((9, 9), (1, 11), (2, 12), batch=13) == 3  # of an epoch
    assert bars((3, 3), batch=99, total=10) == 10


def test_a_bar_that_counts_something_else_stands_where_it_was_said_to():
    assert bars((3, 101), batch=105) == 3
    assert bars((1, 1), (2, 1), (3, 1), batch=2) == 3  # within the first batch
    assert bars((3, None), batch=105) == 3


def test_a_bar_that_several_processes_move_does_not_go_back_for_one_that_is_read_late():
    bar = pace.Bar()
    for time, done in [(0.0, 0), (1.0, 1), (3.0, 3), (2.0, 2), (4.0, 4)]:
        bar.feed(ev.Progress(seq=0, time=time, done=done, total=9, unit="fold", phase="search"))
    assert bar.last.done == 4
    assert list(bar.samples) == [(0.0, 0), (1.0, 1), (3.0, 3), (4.0, 4)]
    bar.feed(ev.Progress(seq=0, time=5.0, done=1, total=9, unit="fold", phase="search"))
    assert bar.last.done == 1
