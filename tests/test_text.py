"""Events as a person reads them."""

import math

import pytest

from livecb import events as ev
from livecb import text
from script import Script

FILE = ev.FileRef("0" * 64, "a.png", 12_345)

SAID = {
    "run_started": (
        {"version": 1, "run": "r1", "name": "mlp", "attempt": 2, "resumed_step": 900},
        "mlp  attempt 2  from step 900",
    ),
    "config": ({"config": {"lr": 0.001}, "totals": ev.Totals(epochs=3)}, "lr 0.001  total epochs 3"),
    "status": ({"status": "evaluating", "phase": "validate"}, "evaluating  validate"),
    "progress": (
        {"done": 50, "total": 200, "unit": "batch", "rate": 9.25, "left": 75},
        "50/200 batches  25%  9.25 batches/s  1 min 15 s left",
    ),
    "metrics": (
        {"values": {"loss": 0.123456, "acc": math.nan}, "step": 1284},
        "step 1,284  loss 0.1235  acc nan",
    ),
    "log": (
        {"message": "no gradient", "level": "WARNING", "logger": "torch"},
        "WARNING  torch:  no gradient",
    ),
    "model_completed": (
        {"name": "svc", "ok": False, "reason": "singular", "fold": 1, "folds": 5},
        "svc  fold 2 of 5  failed: singular",
    ),
    "sample": ({"input": "2+2", "target": 4, "prediction": 5}, "input '2+2'  target 4  prediction 5"),
    "image": ({"name": "faces", "file": FILE, "caption": "epoch 3"}, "faces  epoch 3  12.3 kB"),
    "figure": ({"name": "roc", "file": FILE}, "figure:  roc"),
    "histogram": ({"name": "weights", "edges": [0, 1, 2], "counts": [3, 4]}, "weights  7 values"),
    "table": ({"name": "errors", "columns": ["a", "b"], "rows": [[1, 2]]}, "errors  1 rows  a, b"),
    "audio": ({"name": "speech", "file": FILE}, "audio:  speech"),
    "system": ({"cpu": 93.2, "gpus": [ev.Gpu(0, load=55.0)]}, "cpu 93 %  gpu 0  55 %"),
    "checkpoint": ({"path": "last.ckpt", "metric": "val/loss", "value": 0.25}, "last.ckpt  val/loss 0.25"),
    "artifact": ({"name": "report", "path": "r.html"}, "report  r.html"),
    "alert": ({"title": "NaN", "text": "in loss", "level": "ERROR"}, "ERROR: NaN\n          in loss"),
    "note": ({"text": "looks good", "author": "ada"}, "ada:  looks good"),
    "command": (
        {"name": "set", "parameter": "lr", "phase": "applied", "old": 0.1, "new": 0.01, "by": "ada"},
        "set  lr  0.1 → 0.01  applied  by ada",
    ),
    "controls": (
        {"commands": {"pause": "", "save": "no"}, "parameters": [ev.Parameter("lr", 0.1)]},
        "it can be asked to  pause, set lr",
    ),
    "run_ended": (
        {"status": "failed", "error": "E: x", "traceback": "Traceback\n  File"},
        "run failed  E: x\n          Traceback\n            File",
    ),
}


@pytest.mark.parametrize("kind", ev.EVENTS)
def test_every_event_is_a_line(kind):
    fields, expected = SAID[kind]
    event = ev.EVENTS[kind](seq=0, time=0.0, **fields)
    assert expected in text.format_event(event, chatty=True)


def test_what_comes_too_often_is_left_out_unless_asked_for():
    script = Script().say(ev.Progress, done=1).say(ev.System, cpu=1.0).say(ev.Log, message="x")
    assert [text.format_event(event) is None for event in script.events] == [True, True, False]


def test_an_unknown_event_is_shown_as_it_is():
    line = text.format_event(ev.Unknown({"type": "dream", "seq": 1, "of": "sheep"}))
    assert "dream" in line
    assert "sheep" in line


def test_another_rank_is_named():
    (event,) = Script(rank=3).say(ev.Log, message="x").events
    assert "[rank 3] x" in text.format_event(event)


def test_what_metrics_were_measured_on_is_said_as_their_keys_say_it():
    values = {"acc": 0.5, "val_loss": 0.25}
    script = Script().say(ev.Metrics, step=19, values=values, context="val")
    script.say(ev.Metrics, step=19, values=values, context="train")
    lines = [text.format_event(event).partition("step")[2] for event in script.events]
    assert lines == [" 19  val/acc 0.5  val_loss 0.25", " 19  acc 0.5  val_loss 0.25"]


@pytest.mark.parametrize(
    ("reason", "seconds", "said"),
    [
        ("pruned at step 0", 0.0123, "pruned at step 0  in 13 ms"),
        ("skipped", 0, "skipped  in 0 ms"),
        (None, 0.9999, "failed: no reason given  in 1 s"),
        ("singular", 61.0, "failed: singular  in 1 min 01 s"),
    ],
)
def test_what_a_search_gave_up_did_not_fail_and_short_fits_took_milliseconds(reason, seconds, said):
    (event,) = Script().say(ev.ModelCompleted, name="m", ok=False, reason=reason, fit_seconds=seconds).events
    assert text.format_event(event).endswith(f"m  {said}")


def test_nothing_that_a_run_says_is_obeyed_by_the_terminal():
    (event,) = Script().say(ev.Log, message="a\x1b[2Jb\rc", logger="\x07").events
    assert not set("\x1b\r\x07") & set(text.format_event(event))


@pytest.mark.parametrize(
    "message",
    ["\x1b[31mred\x1b[0m", "\x1b]0;title\x07red", "\x1b]8;;http://x\x1b\\red", "\x1b(Bred\x1b7", "\x9b1mred"],
)
def test_escape_sequences_are_taken_out_whole(message):
    (event,) = Script().say(ev.Log, message=message).events
    assert text.format_event(event).endswith("  red")


@pytest.mark.parametrize(
    ("fraction", "said"), [(0.0, "0%"), (0.29, "29%"), (0.629, "62%"), (0.999, "99%"), (1.0, "100%")]
)
def test_percent_are_those_of_the_page(fraction, said):
    assert text.format_percent(fraction) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "-"),
        (-3, "0 s"),
        (59.4, "59 s"),
        (61, "1 min 01 s"),
        (7500, "2 h 05 min"),
        (90_000, "1 d 01 h"),
    ],
)
def test_durations(seconds, said):
    assert text.format_duration(seconds) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "-"), ("NaN", "NaN"), (math.inf, "inf"), (1284, "1,284"), (0.00012345, "0.0001234"), (2.0, "2")],
)
def test_numbers(value, said):
    assert text.format_number(value) == said


def test_columns_of_a_table_are_aligned():
    assert text.format_table(["A", "BB"], [["long", "x"], ["y", "\x1b"]]) == [
        "A     BB",
        "long  x",
        "y     �",
    ]


def test_signs_that_take_two_columns_of_a_terminal_are_aligned_and_cut_as_such():
    rows = [["猫の分類", "1"], ["e\u0301te\u0301", "2"], ["cats", "3"]]
    assert text.format_table(["NAME", "N"], rows) == [
        "NAME      N",
        "猫の分類  1",
        "e\u0301te\u0301       2",
        "cats      3",
    ]
    assert text.format_table(["A", "B"], [["x", "猫の分類"]], width=8, least=(1, 5))[1] == "x  猫の…"


def test_a_command_about_a_candidate_names_it():
    event = ev.Command(seq=0, time=0, name="drop", phase="applied", new="svm", by="ada")
    assert "command:  drop  svm  applied  by ada" in text.format_event(event)


def test_a_model_that_readers_left_out_is_no_failure():
    event = ev.ModelCompleted(
        seq=0, time=0, name="svm", ok=False, outcome="skipped", by="ada", reason="skipped by ada"
    )
    assert "model:  svm  skipped by ada" in text.format_event(event)


def test_a_time_that_is_none_is_no_reason_to_end():
    for time in (1e300, -1e300):
        assert text.format_event(ev.Note(seq=0, time=time, text="hello")).startswith("--:--:--  ")
