"""The fold of a run's events."""

import math

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livecb import events as ev
from livecb.state import State
from livecb.store import Labels
from script import BEGAN, Script


def fold(*scripts, broken=0):
    state = State("r")
    for script in scripts:
        state.feed(script.events, broken)
    return state


def told(*scripts, alive=True, now=None, **more):
    now = scripts[-1].time if now is None else now
    return fold(*scripts).to_dict(alive=alive, now=now, **more)


def test_events_are_counted_by_their_types():
    script = Script().start().steps(1, 5).say(ev.Note, text="a").say(ev.Alert, title="b")
    assert fold(script).count("note", "alert", "sample") == 2


# Status


def test_a_run_without_an_event_is_starting():
    assert State("r").to_dict(alive=True, now=1.0)["status"] == "starting"
    assert State("r").row(alive=True, now=1.0)["name"] == "r"


def test_a_run_is_what_its_last_status_says():
    script = Script().start().say(ev.Status, status="evaluating", phase="validate", message="on 3 sets")
    state = told(script)
    assert (state["status"], state["phase"], state["message"]) == ("evaluating", "validate", "on 3 sets")


def test_a_run_that_says_nothing_is_not_stalled():
    assert told(Script().start(), now=BEGAN + 9999)["status"] == "running"


def test_a_run_whose_writer_is_gone_without_a_word_has_crashed():
    state = told(Script().start().steps(1, 5), alive=False, now=BEGAN + 500)
    assert (state["status"], state["alive"]) == ("crashed", False)
    assert state["ended"] == state["updated"] == BEGAN + 5
    assert state["elapsed"] == 5


def test_a_run_whose_process_left_last_words_was_killed():
    state = told(Script().start(), alive=False, last_words="Current thread:\n  File 'train.py', line 3\n")
    assert state["status"] == "killed"
    assert "train.py" in state["traceback"]


@pytest.mark.parametrize("status", ["completed", "failed", "stopped", "killed"])
def test_a_run_ends_as_its_writer_says_whoever_lives(status):
    script = Script().start().end(status, reason="why", error="E: x", traceback="tb", by="me", result=3)
    for alive in (True, False):
        state = told(script, alive=alive, last_words="later")
        assert state["status"] == status
        assert (state["reason"], state["error"], state["traceback"], state["stopped_by"]) == (
            "why",
            "E: x",
            "tb",
            "me",
        )
        assert state["result"] == 3


def test_elapsed_time_stops_at_the_end():
    script = Script().start().steps(1, 9).end()
    assert told(script, alive=False, now=BEGAN + 9999)["elapsed"] == 10


def test_a_run_that_is_taken_up_again_is_open_again():
    script = Script().start().steps(1, 5).end().start(2, resumed_step=5).steps(6, 7)
    state = told(script)
    assert (state["status"], state["attempt"], state["ended"], state["resumed_step"]) == (
        "running",
        2,
        None,
        5,
    )
    assert state["started"] == BEGAN
    assert state["attempt_started"] == BEGAN + 7
    assert state["rewinds"] == []


def test_a_crashed_run_that_is_taken_up_again_is_open_again():
    script = Script().start().steps(1, 5).start(2)
    assert told(script)["status"] == "running"


def test_a_process_that_joins_in_starts_no_attempt():
    script = Script().start().steps(1, 5).start(1).steps(6, 7)
    assert told(script)["attempt"] == 1


def test_a_log_whose_beginning_is_missing_is_a_run_all_the_same():
    state = told(Script().steps(1, 3), alive=False)
    assert (state["status"], state["started"], state["step"]) == ("crashed", None, 3)


# What it says of itself


def test_settings_that_became_known_later_are_added():
    script = Script().start(config={"lr": 1, "net": {"width": 3}}, versions={"python": "3.11"})
    script.say(
        ev.Config,
        config={"lr": 2},
        totals=ev.Totals(epochs=4),
        framework="lightning",
        versions={"torch": "2"},
    )
    state = told(script)
    assert state["config"] == {"lr": 2, "net": {"width": 3}}
    assert state["totals"] == {"epochs": 4.0}
    assert state["framework"] == "lightning"
    assert state["versions"] == {"python": "3.11", "torch": "2"}


def test_labels_go_before_what_the_run_calls_itself():
    script = Script().start(tags=["own"])
    assert told(script)["name"] == "a run"
    assert told(script)["tags"] == ["own"]
    state = told(script, labels=Labels("another", ["given"]))
    assert (state["name"], state["tags"]) == ("another", ["given"])
    assert told(script, labels=Labels())["tags"] == ["own"]


def test_a_log_of_a_newer_version_says_so_and_its_unknown_events_are_counted():
    script = Script().start(version=ev.VERSION + 1)
    script.events.append(ev.Unknown({"type": "dream", "seq": 1, "time": BEGAN + 1}))
    state = told(script)
    assert state["newer"] is True
    assert state["counts"] == {"run_started": 1, "dream": 1}
    assert (state["lost"], state["events"], state["seq"]) == (0, 2, 1)


# Where it stands


def test_every_axis_stands_where_the_last_event_that_says_so_put_it():
    script = Script().start().metrics(3, loss=1.0)
    script.say(ev.Log, message="x", step=4, batch=8, epoch=0.5, samples=64, tokens=640)
    script.metrics(loss=1.0)
    state = told(script)
    places = [state[axis] for axis in ("step", "batch", "epoch", "samples", "tokens")]
    assert places == [4, 8, 0.5, 64, 640]


def test_progress_stands_where_the_metrics_that_came_after_it_stand():
    script = Script().start().say(ev.Progress, done=1, total=1000, unit="batch", step=1, batch=1)
    script.say(ev.Progress, done=625, total=1000, unit="batch", step=625, batch=625, epoch=0.625)
    script.say(ev.Metrics, values={"loss": 1.0}, step=629, batch=629, epoch=0.629)
    state = told(script, alive=False)
    assert [state[axis] for axis in ("step", "batch", "epoch")] == [629, 629, 0.629]
    assert (state["progress"]["done"], state["progress"]["fraction"]) == (629, 0.629)
    assert fold(script).row(alive=False, now=script.time)["progress"]["done"] == 629


def test_another_rank_does_not_move_the_run():
    lead, other = Script().start().steps(1, 5), Script(rank=1).start().steps(1, 90).end("failed")
    state = told(lead, other)
    assert (state["step"], state["status"], state["seq"]) == (5, "running", 5)
    assert state["ranks"]["1"]["step"] == 90
    assert set(state["metrics"]) == {"train/loss", "train/loss@1"}


def test_a_row_and_the_state_of_a_resumed_run_tell_the_same_times():
    script = Script().start().steps(1, 5).end("failed")
    script.say(ev.RunStarted, 3600.0, version=ev.VERSION, run="r", name="a run", attempt=2).steps(6, 8)
    times = ("started", "attempt_started", "updated", "ended", "elapsed")
    state = fold(script)
    going = state.to_dict(alive=True, now=script.time + 10)
    assert [going[key] for key in times] == [BEGAN, BEGAN + 3606, BEGAN + 3609, None, 13.0]
    for alive, now in ((True, script.time + 10), (False, script.time + 99)):
        row, whole = state.row(alive=alive, now=now), state.to_dict(alive=alive, now=now)
        assert [row[key] for key in times] == [whole[key] for key in times]
    crashed = state.row(alive=False, now=script.time + 99)
    assert (crashed["ended"], crashed["elapsed"]) == (BEGAN + 3609, 3.0)


# Best values


def test_the_best_value_is_the_smallest_of_a_loss_and_the_largest_of_a_score():
    script = Script().start()
    for step, (loss, acc) in enumerate([(3.0, 0.1), (1.0, 0.9), (2.0, 0.5)], 1):
        script.metrics(step, val__loss=loss, val__acc=acc, x=loss)
    metrics = told(script)["metrics"]
    loss, acc = metrics["val/loss"], metrics["val/acc"]
    assert (loss["goal"], loss["best"], loss["best_step"], loss["best_time"]) == ("min", 1.0, 2, BEGAN + 2)
    assert (acc["goal"], acc["best"], acc["best_step"]) == ("max", 0.9, 2)
    assert (metrics["x"]["goal"], metrics["x"]["best"]) == (None, None)
    assert (loss["first"], loss["previous"], loss["value"], loss["step"], loss["count"]) == (
        3.0,
        1.0,
        2.0,
        3,
        3,
    )
    assert (loss["min"], loss["min_step"], loss["max"], loss["max_step"]) == (1.0, 2, 3.0, 1)
    assert (loss["chart"], loss["series"], loss["context"]) == ("loss", "val", "val")


def test_nan_and_the_infinities_are_counted_and_never_the_best():
    script = Script().start()
    for value in (math.nan, 2.0, -math.inf, math.inf, math.nan):
        script.metrics(1, loss=value)
    loss = told(script)["metrics"]["loss"]
    assert (loss["best"], loss["min"], loss["max"], loss["nonfinite"]) == (2.0, 2.0, 2.0, 4)
    assert (loss["first"], loss["value"], loss["previous"]) == ("NaN", "NaN", "Infinity")


def test_the_first_of_equal_values_is_the_best():
    script = Script().start().steps(1, 300, loss=1.0)
    assert told(script)["metrics"]["loss"]["best_step"] == 1


def test_the_same_name_measured_on_other_data_is_another_metric():
    script = Script().start().metrics(1, context="train", loss=1.0).metrics(1, context="val", loss=2.0)
    metrics = told(script)["metrics"]
    assert {key: metric["series"] for key, metric in metrics.items()} == {"loss": "train", "val/loss": "val"}


def test_a_value_logged_among_others_and_alone_is_one_metric():
    script = Script().start().metrics(1, loss=3.0).metrics(2, loss=2.0, lr=0.1).metrics(3, loss=4.0)
    loss = told(script)["metrics"]["loss"]
    assert (loss["count"], loss["first"], loss["previous"], loss["value"]) == (3, 3.0, 2.0, 4.0)
    assert (loss["best"], loss["best_step"]) == (2.0, 2)


# Attempts


def test_what_an_abandoned_branch_reached_is_no_longer_the_best():
    script = Script().start()
    for step, loss in [(1, 3.0), (2, 2.0), (3, 0.5), (4, 0.1)]:
        script.metrics(step, loss=loss)
    script.start(2, resumed_step=2).metrics(3, loss=1.5)
    state = told(script)
    assert state["rewinds"] == [{"attempt": 2, "from_step": 4, "to_step": 2, "time": BEGAN + 5}]
    loss = state["metrics"]["loss"]
    assert (loss["best"], loss["best_step"]) == (1.5, 3)
    assert (loss["min"], loss["min_step"]) == (0.1, 4)
    assert state["step"] == 3


def test_the_step_an_attempt_goes_on_from_may_be_said_later():
    script = Script().start().steps(1, 9).start(2).say(ev.Config, resumed_step=4)
    state = told(script)
    assert state["rewinds"] == [{"attempt": 2, "from_step": 9, "to_step": 4, "time": BEGAN + 11}]
    assert (state["resumed_step"], state["step"]) == (4, 4)


def test_an_attempt_that_does_not_say_where_it_goes_on_shows_it_by_its_first_step():
    script = Script().start().steps(1, 9).start(2).metrics(1, train__loss=0.5)
    state = told(script)
    assert [(r["from_step"], r["to_step"]) for r in state["rewinds"]] == [(9, 0)]
    assert state["metrics"]["train/loss"]["best"] == 0.5


def test_an_attempt_that_goes_on_where_the_last_one_ended_gives_nothing_up():
    script = Script().start().steps(1, 9).start(2).steps(10, 12)
    assert told(script)["rewinds"] == []


def test_a_second_rewind_gives_up_parts_of_both_earlier_attempts():
    script = Script().start().steps(1, 8, loss=5.0).metrics(9, loss=1.0)
    script.start(2, resumed_step=6).metrics(7, loss=2.0).metrics(8, loss=0.5)
    script.start(3, resumed_step=7)
    loss = told(script)["metrics"]["loss"]
    assert (loss["best"], loss["best_step"]) == (2.0, 7)


# Losses


def test_a_hole_in_the_numbers_is_a_loss():
    script = Script().start().steps(1, 3)
    script.seq += 4
    assert told(script.steps(4, 5))["lost"] == 4


def test_a_loss_that_its_writer_counted_too_is_counted_once():
    script = Script().start().steps(1, 3)
    script.seq += 4
    assert told(script.end(lost=4))["lost"] == 4
    assert told(script.start(2).end(lost=1))["lost"] == 5


def test_broken_lines_are_counted():
    assert fold(Script().start(), broken=2).to_dict(alive=True, now=0)["broken"] == 2


# The rest


def test_the_last_of_checkpoints_alerts_and_notes_are_kept():
    script = Script().start().say(ev.System, cpu=50.0).say(ev.System, cpu=60.0)
    for at in range(60):
        script.say(ev.Checkpoint, path=f"{at}.pt", value=math.inf).say(ev.Alert, title=str(at)).say(
            ev.Note, text=str(at)
        )
    state = told(script)
    assert state["system"]["cpu"] == 60.0
    assert [len(state[name]) for name in ("checkpoints", "alerts", "notes")] == [20, 50, 50]
    assert state["checkpoints"][-1]["path"] == "59.pt"
    assert state["checkpoints"][-1]["value"] == "Infinity"


def test_the_summary_and_free_form_fields_are_strict_json():
    script = Script().start(config={"a": [math.nan]}).end(summary={"loss": math.inf})
    state = told(script)
    assert (state["config"], state["summary"]) == ({"a": ["NaN"]}, {"loss": "Infinity"})


def test_a_row_shows_the_most_telling_metrics():
    script = Script().start(project="p").metrics(1, train__loss=1.0, lr=0.1)
    script.metrics(1, val__loss=0.5, **{f"x{at}": 0.0 for at in range(9)})
    row = fold(script).row(alive=True, now=BEGAN + 3)
    assert list(row["metrics"])[:2] == ["val/loss", "train/loss"]
    assert len(row["metrics"]) == 8
    assert row["metrics"]["val/loss"] == {"value": 0.5, "step": 1, "best": 0.5, "goal": "min"}
    assert (row["run"], row["project"], row["status"], row["attempt"], row["ended"]) == (
        "r",
        "p",
        "running",
        1,
        None,
    )


# The law

VALUES = st.sampled_from([0.0, 1.0, -2.5, math.nan, math.inf, -math.inf])


@st.composite
def stories(draw):
    """All that a run may say, in any order."""
    script, attempt = Script(rank=draw(st.sampled_from([0, 0, 0, 1]))), 1
    for _ in range(draw(st.integers(1, 40))):
        kind = draw(st.sampled_from("mmmmmmsplcregu"))
        step = draw(st.integers(0, 9) | st.none())
        script.rank = draw(st.sampled_from([0, 0, 0, 1]))
        if kind == "m":
            names = draw(st.sets(st.sampled_from(["loss", "acc", "val/loss"]), min_size=1))
            script.say(ev.Metrics, step=step, values={name: draw(VALUES) for name in names})
        elif kind == "s":
            script.say(ev.Status, status=draw(st.sampled_from(["running", "paused", "evaluating"])))
        elif kind == "p":
            script.say(ev.Progress, done=step or 0, total=9, phase=draw(st.sampled_from([None, "val"])))
        elif kind == "l":
            script.say(ev.Log, message="x", step=step)
        elif kind == "c":
            script.say(ev.Config, resumed_step=step)
        elif kind == "r":
            attempt += draw(st.integers(0, 1))
            script.start(attempt, resumed_step=step)
        elif kind == "e":
            script.end(lost=draw(st.integers(0, 2)))
        elif kind == "g":
            script.seq += draw(st.integers(1, 3))
        else:
            script.events.append(ev.Unknown({"type": "u", "seq": script.seq, "time": script.time}))
            script.seq += 1
    return script.events


@settings(max_examples=150, deadline=None)
@given(stories(), st.integers(1, 7))
def test_how_events_are_handed_over_changes_nothing(events, size):
    whole, pieces = State("r"), State("r")
    whole.feed(events)
    for at in range(0, len(events), size):
        pieces.feed(events[at : at + size])
        pieces.to_dict(alive=True, now=BEGAN + 99)  # and asking changes nothing
    assert whole.to_dict(alive=True, now=BEGAN + 99) == pieces.to_dict(alive=True, now=BEGAN + 99)
    assert whole.row(alive=False, now=BEGAN + 99) == pieces.row(alive=False, now=BEGAN + 99)
    assert whole.charts(points=5) == pieces.charts(points=5)


@settings(max_examples=50, deadline=None)
@given(stories())
def test_whatever_was_said_the_state_is_strict_json(events):
    state = State("r")
    state.feed(events)
    for said in (state.to_dict(alive=True, now=1.0), state.charts()):
        assert b"null" not in msgspec.json.encode({"a": 1.0})
        assert msgspec.json.decode(msgspec.json.encode(said)) == said


def test_every_attempt_is_listed_with_when_and_why_it_ended_and_what_was_set_otherwise():
    script = Script().start(config={"lr": 0.1, "model": {"width": 8, "depth": 2}}).steps(1, 3)
    script.end("stopped", reason="too slow", by="ada", summary={"a": 1, "b": 1})
    script.start(2, resumed_step=2, config={"lr": 0.1, "model": {"width": 16, "depth": 2}, "seed": 7}).steps(
        3, 5
    )
    script.start(3, earlier_words="Fatal signal\n", resumed_step=4).say(ev.Config, config={"lr": 0.2}).steps(
        5, 6
    )
    state = told(script)
    assert [
        (each["attempt"], each["status"], each["reason"], each["by"], each["resumed_step"], each["changed"])
        for each in state["attempts"]
    ] == [
        (1, "stopped", "too slow", "ada", None, {}),
        (2, "killed", None, None, 2, {"model.width": [8, 16], "seed": [None, 7]}),
        (3, "running", None, None, 4, {"lr": [0.1, 0.2]}),
    ]
    first, second, third = state["attempts"]
    assert (first["started"], first["ended"]) == (BEGAN, BEGAN + 4)
    assert second["ended"] == second["started"] + 3 <= third["started"]
    assert third["ended"] is None
    assert state["summary"] == {"a": 1, "b": 1}


def test_an_attempt_that_left_nothing_behind_crashed():
    script = Script().start().steps(1, 3).start(2).steps(2, 3).end(summary={"b": 2})
    assert [each["status"] for each in told(script)["attempts"]] == ["crashed", "completed"]


def test_the_best_value_is_one_of_the_living_branch_and_so_is_the_time_left():
    script = Script().start().metrics(1, loss=3.0).metrics(2, loss=2.0).metrics(3, loss=0.1)
    script.start(2, resumed_step=2, totals=ev.Totals(steps=10)).metrics(3, loss=1.5).metrics(4, loss=1.4)
    state = told(script)
    assert (state["metrics"]["loss"]["best"], state["metrics"]["loss"]["best_step"]) == (1.4, 4)
    assert (state["progress"]["done"], state["progress"]["total"]) == (4, 10)
    assert state["progress"]["rate"] == pytest.approx(1.0)


def test_the_latest_value_is_one_of_the_living_branch_too():
    script = (
        Script().start().steps(1, 2, acc=0.5).metrics(2, val=0.4).steps(3, 4, acc=0.9).metrics(4, val=0.8)
    )
    script.metrics(4, late=1.0).start(2, resumed_step=2)
    metrics = told(script)["metrics"]
    assert [(metrics[name]["value"], metrics[name]["step"]) for name in ("acc", "val")] == [
        (0.5, 2),
        (0.4, 2),
    ]
    assert metrics["late"]["value"] == 1.0  # nothing else is known of it
    script.metrics(3, acc=0.6)
    assert (told(script)["metrics"]["acc"]["value"], told(script)["metrics"]["acc"]["previous"]) == (0.6, 0.5)
