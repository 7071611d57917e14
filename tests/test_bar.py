from __future__ import annotations

import io
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

import livecb
from livecb import bar as bars
from livecb import events, meter
from livecb.bar import shown
from livecb.run import Run
from livecb.start import disabled


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True

    def lines(self) -> list[str]:
        """What was drawn, one after the other."""
        return [line for line in self.getvalue().split("\r") if line]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    stream = Terminal()
    monkeypatch.setattr(bars, "sys", SimpleNamespace(stderr=stream))
    monkeypatch.setattr(meter, "EVERY_SECONDS", 0)
    monkeypatch.setenv("COLUMNS", "120")
    return stream


def reading(**fields: Any) -> dict[str, Any]:
    return {
        "done": 45,
        "total": 100,
        "unit": "step",
        "phase": None,
        "rate": 3.0,
        "elapsed": 15.0,
        "left": 18.4,
        **fields,
    }


def test_a_bar_says_how_far_how_fast_and_how_long() -> None:
    assert shown(reading()) == "step 45/100  ━━━━━━━━━───────────  45%  3.0/s  0:18 left"


def test_a_bar_beside_the_training_has_its_phases_name() -> None:
    assert shown(reading(phase="validate")).startswith("validate 45/100  ")


def test_a_slow_loop_is_told_by_seconds_and_a_long_one_by_hours() -> None:
    assert shown(reading(rate=0.1, left=7_384.0)).endswith("10.0 s each  2:03:04 left")


def test_a_loop_without_a_known_length_has_no_bar_but_a_count() -> None:
    assert shown(reading(total=None, left=None)) == "step 45  3.0/s  in 0:15"


def test_a_loop_that_is_through_says_how_long_it_took() -> None:
    assert shown(reading(done=100, left=0.0)) == "step 100/100  ━━━━━━━━━━━━━━━━━━━━  100%  3.0/s  in 0:15"


def test_a_stream_of_another_encoding_gets_plain_signs() -> None:
    assert shown(reading(), wide=False).startswith("step 45/100  #########-----------  45%")


def test_a_tracked_loop_draws_over_one_line_and_leaves_the_last(run: Run, terminal: Terminal) -> None:
    list(run.track(range(3), epochs=2, unit="sample", bar=True))
    drawn = terminal.lines()
    assert [line.split("  ")[0].strip() for line in drawn] == [
        *(f"sample {done}/6" for done in range(7)), "sample 6/6",
    ]  # fmt: skip
    assert terminal.getvalue().count("\n") == 1
    assert terminal.getvalue().endswith("\n")


def test_without_asking_for_one_nothing_is_drawn(run: Run, terminal: Terminal) -> None:
    list(run.track(range(3)))
    assert terminal.getvalue() == ""


def test_a_loop_inside_another_stands_behind_it_in_the_same_line(run: Run, terminal: Terminal) -> None:
    for _ in run.track(range(2), unit="epoch", bar=True):
        list(run.track(range(2), unit="batch", bar=True))
    drawn = [[part.strip().split("  ")[0] for part in line.split("|")] for line in terminal.lines()]
    assert ["epoch 0/2", "batch 2/4"] in drawn
    assert ["epoch 1/2", "batch 3/4"] in drawn
    assert drawn[-1] == ["epoch 2/2"]
    assert max(len(line.rstrip("\n")) for line in terminal.lines()[-2:]) > len(terminal.lines()[-1].rstrip())
    assert terminal.getvalue().count("\n") == 1


def test_a_narrow_terminal_is_not_overrun(
    run: Run, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    list(run.track(range(3), bar=True))
    assert max(len(line.rstrip("\n")) for line in terminal.lines()) < 20


def test_in_a_file_there_is_the_last_line_only(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    list(run.track(range(3), bar=True))
    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().startswith("batch 3/3  ####################  100%")


def test_in_a_file_a_long_loop_writes_a_line_now_and_then(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(meter, "EVERY_SECONDS", 0)
    monkeypatch.setattr(bars, "_SPARSE_SECONDS", 0)
    list(run.track(range(3), bar=True))
    assert [line.split("  ")[0] for line in stream.getvalue().splitlines()] == [
        "batch 0/3", "batch 1/3", "batch 2/3", "batch 3/3", "batch 3/3", "batch 3/3",
    ]  # fmt: skip


@pytest.mark.parametrize("stream", [None, "closed"])
def test_a_stream_that_takes_nothing_costs_the_loop_nothing(
    run: Run, monkeypatch: pytest.MonkeyPatch, stream: Any
) -> None:
    if stream == "closed":
        stream = io.StringIO()
        stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    assert list(run.track(range(3), bar=True)) == [0, 1, 2]


def test_output_that_is_recorded_holds_the_last_line_of_a_bar_and_no_more(
    terminal: Terminal, recorded: Callable[[Run], list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", terminal)
    with livecb.init(sinks=[], capture="all", system_interval=0) as run:
        list(run.track(range(3), bar=True))
    (line,) = [event.message for event in recorded(run) if isinstance(event, events.Log)]
    assert line.split("  ")[0] == "batch 3/3"


def test_a_run_that_does_nothing_draws_nothing(terminal: Terminal) -> None:
    assert list(disabled().track(range(3), bar=True)) == [0, 1, 2]
    assert terminal.getvalue() == ""
