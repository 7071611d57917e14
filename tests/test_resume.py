"""A run that is taken up again: one story, over stops and crashes, and never two writers in it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

import livecb
from livecb import events
from livecb.errors import LivecbWarning, RunNotFound
from livecb.resume import past
from livecb.store import Store
from livecb.testing import Recorded, record

KILLED = """
import json, os, signal, livecb
run = livecb.init(name="digits", config={"lr": 0.1, "width": 8})
for epoch in run.track(range(4), unit="epoch"):
    for batch in run.track(range(5)):
        run.log({"loss": 1 / run.step})
        if run.step == 12:
            with open(run.folder / "events.jsonl", "ab") as log:
                log.write(b'{"type":"metrics","seq":99,"ti')
            os.kill(os.getpid(), signal.SIGKILL)
    print(json.dumps(run.state_dict()), flush=True)
"""


@pytest.fixture
def kept(tmp_path: Path) -> Any:
    """Where runs are recorded."""
    with record(tmp_path / "store") as recorded:
        yield recorded


def begin(**settings: Any) -> livecb.Run:
    return livecb.init(**{"capture": None, "system_interval": 0, **settings})


def train(steps: int = 4, **settings: Any) -> tuple[livecb.Run, dict[str, Any]]:
    """Train to the end, with a checkpoint after half of the steps."""
    run, saved = begin(**settings), dict[str, Any]()
    for _ in run.track(range(steps)):
        run.log({"loss": 1.0})
        if run.step == steps // 2:
            saved = run.state_dict()
    run.finish()
    return run, saved


def started(kept: Recorded, run: livecb.Run) -> events.RunStarted:
    return kept.of(events.RunStarted, kept.store.run(run.id))[-1]


def test_a_killed_training_goes_on_as_the_same_run_from_its_checkpoint(kept: Recorded) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED], capture_output=True, text=True, timeout=60)
    assert killed.returncode == -9, killed.stderr
    saved = json.loads(killed.stdout.splitlines()[-1])
    assert saved == {"run": kept.run.id, "step": 10, "batch": 10, "epoch": 2.0}
    run = begin(resume=json.loads(json.dumps(saved)), config={"lr": 0.01})
    for _ in run.track(range(2, 4), unit="epoch"):
        for _ in run.track(range(5)):
            run.log({"loss": 1 / run.step})
    run.finish()
    assert run.id == kept.run.id
    first, second = kept.attempts()
    assert (second[0].attempt, second[0].resumed_step, second[0].name) == (2, 10, "digits")
    for attempt in (first, second):  # of either writer no number is missing, none is said twice
        numbers = [event.seq for event in attempt if isinstance(event, events.Event)]
        assert numbers == list(range(len(numbers)))
    told = [event for event in second if isinstance(event, events.Metrics)]
    assert [(event.step, event.batch) for event in told] == [(step, step) for step in range(11, 21)]
    assert [event.epoch for event in told] == pytest.approx([2 + n / 5 for n in range(1, 11)])
    state = kept.state().to_dict(alive=False, now=0.0)
    assert [(each["status"], each["changed"]) for each in state["attempts"]] == [
        ("crashed", {}), ("completed", {"lr": [0.1, 0.01]}),
    ]  # fmt: skip
    assert [(each["from_step"], each["to_step"]) for each in state["rewinds"]] == [(12, 10)]
    assert (state["lost"], state["config"], run.config["width"]) == (0, {"lr": 0.01, "width": 8}, 8)
    assert state["totals"] == {"epochs": 4, "steps": 20, "batches_per_epoch": 5}
    kept_points = {
        frame.at("step", row)
        for frame in kept.state().series.frames.values()
        for segment in frame.segments
        for row in range(segment.start, segment.kept)
    }
    assert sorted(kept_points) == list(range(1, 21))  # each step once in what counts


def test_a_run_that_is_still_written_is_left_alone_and_another_begins(kept: Recorded) -> None:
    first = begin(id="digits")
    first.log({"loss": 1.0}, step=1)
    for resume in ({"run": "digits", "step": 1}, "allow", True):
        with pytest.warns(LivecbWarning, match="'digits' is still being written"):
            second = begin(run_id=None if isinstance(resume, dict) else "digits", resume=resume)
        second.finish()
        assert second.id != "digits"
        assert started(kept, second).resumed_run == "digits"
    first.finish()
    assert len(kept.attempts(kept.store.run("digits"))) == 1


def test_another_process_that_lives_is_not_written_beside_either(kept: Recorded) -> None:
    code = "import livecb; livecb.init(id='digits'); print('ready', flush=True); input()"
    other = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "ready\n"
    with pytest.warns(LivecbWarning, match="still being written"):
        second = begin(id="digits", resume=True)
    second.finish()
    other.communicate("\n", timeout=60)
    assert second.id != "digits"
    third = begin(id="digits", resume=True)
    third.finish()
    assert started(kept, third).attempt == 2


def test_of_a_run_that_must_be_there_and_is_not_the_near_ones_are_named(kept: Recorded) -> None:
    begin(id="digits-wide").finish()
    with pytest.raises(RunNotFound, match=r"no run 'digit-wide' in .*: there are digits-wide\. .*'allow'"):
        begin(id="digit-wide", resume=True)
    assert kept.store.run_ids() == ["digits-wide"]


@pytest.mark.parametrize(("resume", "begun"), [("allow", True), (None, True), (False, True)])
def test_without_that_demand_a_run_that_is_missing_begins(resume: Any, begun: bool, kept: Recorded) -> None:
    run = begin(id="digits", resume=resume)
    run.finish()
    assert (run.id, started(kept, run).attempt, started(kept, run).resumed_run) == ("digits", 1, None)


def test_a_new_run_that_is_asked_for_takes_no_other_one_s_name(kept: Recorded) -> None:
    begin(id="digits").finish()
    with pytest.warns(LivecbWarning, match="there is a run 'digits' already"):
        run = begin(id="digits", resume=False)
    run.finish()
    assert len(kept.runs) == 2


def test_the_checkpoint_of_a_run_that_is_gone_begins_a_new_one_which_says_so(kept: Recorded) -> None:
    run, saved = train()
    shutil.rmtree(kept.store.run(run.id).folder)
    again = begin(resume=saved)
    again.finish()
    assert again.id != run.id
    assert (started(kept, again).resumed_run, started(kept, again).resumed_step) == (run.id, 2)


def test_a_demand_that_names_no_run_is_said_and_begins_a_new_one(
    kept: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = begin(id="digits")
    first.finish()
    with pytest.warns(LivecbWarning, match="resume=True names no run, and a new one begins: .* run_id="):
        second = begin(resume=True)
    second.finish()
    assert second.id != first.id
    monkeypatch.setenv("LIVECB_RUN_ID", "digits")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        third = begin(resume=True)
    third.finish()
    assert (third.id, said) == (first.id, [])


@pytest.mark.parametrize("resume", ["yes please", 7, [1]])
def test_what_is_no_way_to_resume_is_said_and_the_training_is_recorded(resume: Any, kept: Recorded) -> None:
    with pytest.warns(LivecbWarning, match="expected resume to be True"):
        run = begin(resume=resume)
    run.finish()
    assert kept.run.id == run.id


def test_name_settings_and_summary_are_carried_over(kept: Recorded) -> None:
    run = begin(id="digits", name="wide", config={"lr": 1, "seed": 3})
    run.configure({"depth": 2})
    del run.config["seed"]
    run.summary["params"] = 12
    run.finish()
    again = begin(id="digits", resume=True, config={"lr": 2})
    assert (again.name, dict(again.config), again.summary) == ("wide", {"lr": 2, "depth": 2}, {"params": 12})
    again.summary["best"] = 0.5
    again.finish()
    state = kept.state().to_dict(alive=False, now=0.0)
    assert (state["name"], state["summary"]) == ("wide", {"params": 12, "best": 0.5})


@pytest.mark.parametrize(("step", "first"), [(2, 3), (None, 5)])
def test_a_loop_counts_on_from_the_step_that_is_named_or_from_the_last(
    step: int | None, first: int, kept: Recorded
) -> None:
    train(4, id="digits")
    run = begin(id="digits", resume=True, resumed_step=step)
    for _ in run.track(range(3)):
        run.log({"loss": 0.5})
    run.finish()
    _, second = kept.attempts()
    told = [event for event in second if isinstance(event, events.Metrics)]
    assert [event.step for event in told] == [first, first + 1, first + 2]
    assert [event.batch for event in told] == [first, first + 1, first + 2]
    assert kept.state().to_dict(alive=False, now=0.0)["rewinds"] == (
        [] if step is None else [{"attempt": 2, "from_step": 4, "to_step": 2, "time": second[0].time}]
    )


def test_a_loop_without_axes_counts_on_too(kept: Recorded) -> None:
    run = begin(id="digits")
    for _ in range(3):
        run.log({"loss": 1.0})
    saved = run.state_dict()
    assert saved == {"run": "digits", "step": 3}
    run.finish()
    again = begin(resume=saved)
    again.log({"loss": 0.5})
    again.finish()
    assert kept.of(events.Metrics)[-1].step == 4


def test_who_leads_a_run_from_outside_goes_before_a_checkpoint(
    kept: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, saved = train(id="digits")
    monkeypatch.setenv("LIVECB_RUN_ID", "led")
    run = begin(resume=saved)
    run.finish()
    assert (run.id, started(kept, run).resumed_step) == ("led", 2)


def test_files_are_kept_once_over_attempts(kept: Recorded, tmp_path: Path) -> None:
    weights = tmp_path / "weights.bin"
    weights.write_bytes(b"w" * 1000)
    for _ in range(2):
        run = begin(id="digits", resume="allow")
        run.artifact(weights)
        run.finish()
    assert len(list((kept.run.folder / "files").iterdir())) == 1
    assert len(kept.of(events.Artifact)) == 2


def test_a_run_without_a_past_leaves_nothing(tmp_path: Path) -> None:
    stored = Store(tmp_path).create("digits")
    assert past(stored) == past(stored, 7)
    assert (past(stored).attempts, past(stored).name) == (0, None)
