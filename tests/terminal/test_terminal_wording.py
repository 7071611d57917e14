"""What the screen says, from State as the API has it."""

import pytest

from livecb import events as ev
from livecb.state import State
from livecb.terminal import wording


def state(*events, alive=True, now=100.0, **more):
    folded = State("20261121-140207-quiet-otter")
    started = ev.RunStarted(
        seq=0, time=10.0, version=ev.VERSION, run="20261121-140207-quiet-otter", name="mlp", project="digits"
    )
    folded.feed([started, *events])
    return {**folded.to_dict(alive=alive, now=now), **more}


def metrics(seq, step, **values):
    return ev.Metrics(seq=seq, time=10.0 + seq, step=step, values=values)


def test_a_head_tells_status_name_and_time_in_any_width():
    told = wording.head(state(), 60).plain
    assert told.startswith("● running  mlp  digits")
    assert told.endswith("1 min 30 s")
    assert len(told) == 60
    assert wording.head(state(), 20).plain.endswith("1 min 30 s")


def test_progress_is_a_bar_where_a_total_is_known():
    going = ev.Progress(seq=1, time=20.0, done=25, total=100, unit="batch")
    told = wording.progress(state(going), 80).plain
    assert told.count("━") == 40
    assert "25%  25/100 batches" in told
    assert "━" not in wording.progress(state(metrics(1, 3, loss=1.0)), 80).plain


def test_a_run_says_what_went_wrong():
    failed = ev.RunEnded(seq=1, time=50.0, status="failed", error="ValueError: boom\nmore")
    assert wording.trouble(state(failed, alive=False), None).plain == "ValueError: boom more"
    assert wording.trouble(state(alive=False), None).plain == "the run has crashed"
    assert wording.trouble(state(), "no server").plain == "no server; trying again"


@pytest.mark.parametrize("level", ["INFO", "WARN", "ERROR"])
def test_the_last_alert_stands_above_with_its_level(level):
    alert = ev.Alert(seq=1, time=20.0, title="slow", level=level)
    assert wording.trouble(state(alert), None).plain == f"{level}: slow"


def test_what_a_run_says_is_no_order_to_the_terminal():
    evil = "\x1b]0;owned\x07\x1b[2Jname"
    folded = state(name=evil, project=evil, error=evil, status="failed")
    for text in (wording.head(folded, 80), wording.trouble(folded, None)):
        assert "\x1b" not in text.plain
    assert "\x1b" not in wording.summary(folded)


def test_values_are_those_that_tell_most_and_fit_the_line():
    folded = state(metrics(1, 1, **{"lr": 0.1, "train/loss": 0.5, "val/loss": 0.25}))
    assert (
        wording.values(folded, 80).plain == "val/loss 0.25 (best 0.25)   train/loss 0.5 (best 0.5)   lr 0.1"
    )
    assert wording.values(folded, 30).plain == "val/loss 0.25 (best 0.25)"


def test_the_summary_tells_the_best_candidate():
    row = ev.ModelCompleted(seq=1, time=20.0, name="svm", ok=True, scores={"accuracy": 0.9}, fit_seconds=1.0)
    end = ev.RunEnded(seq=2, time=70.0, status="completed")
    assert wording.summary(state(row, end)) == "livecb: mlp: completed in 1 min 00 s   best svm  accuracy 0.9"
