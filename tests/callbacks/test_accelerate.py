"""The tracker of Accelerate."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import textwrap
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from accelerate import Accelerator
from accelerate.tracking import GeneralTracker
from tiny import story

import livecb
from livecb import events
from livecb.callbacks.accelerate import LiveStream
from livecb.control.commands import wish
from livecb.errors import LivecbWarning
from livecb.testing import Recorded
from wishes import answered, tell

QUIET = {"sinks": [], "system_interval": 0, "capture": None}


def stream(**settings: Any) -> LiveStream:
    return LiveStream(**(QUIET | settings))


def loop(
    tracker: Any,
    *,
    epochs: int = 2,
    end: bool = True,
    after_step: Callable[[Accelerator], None] = lambda accelerator: None,
    **about: Any,
) -> list[float]:
    """Train as users of Accelerate do, and return the losses that were logged."""
    torch.manual_seed(7)
    accelerator = Accelerator(log_with=tracker, cpu=True)
    model = tiny.network()
    optimizer = torch.optim.SGD(model.parameters(), 0.0625)
    model, optimizer, loader = accelerator.prepare(model, optimizer, tiny.loader())
    accelerator.init_trackers("house", {"lr": 0.0625}, **about)
    losses = []
    for _ in range(epochs):
        for x, y in loader:
            loss = torch.nn.functional.mse_loss(model(x), y)
            optimizer.zero_grad()
            accelerator.backward(loss)
            optimizer.step()
            losses.append(loss.item())
            accelerator.log({"train/loss": loss}, step=len(losses))
            after_step(accelerator)
    if end:
        accelerator.end_training()
    return losses


def test_the_events_come_in_the_order_in_which_things_happen(recorded: Recorded) -> None:
    loop(stream())
    told = [f"metrics None @{step}" for step in range(1, 11)]
    assert story(recorded.events) == ["run_started", "running train", *told, "run_ended completed"]


def test_every_value_is_the_one_that_the_loop_logged(recorded: Recorded) -> None:
    losses = loop(stream())
    told = [(event.step, event.values) for event in recorded.of(events.Metrics)]
    assert told == [(at + 1, {"train/loss": loss}) for at, loss in enumerate(losses)]
    assert len(losses) == 10


def test_the_run_says_what_trains_and_with_which_settings(recorded: Recorded) -> None:
    loop(stream(name="n", project="p", config={"mine": 1}))
    (started,) = recorded.of(events.RunStarted)
    assert (started.name, started.project, started.framework) == ("n", "p", "accelerate")
    assert set(started.versions) == {"python", "accelerate", "torch"}
    assert started.config["accelerate"] == {"processes": 1, "distributed_type": "NO", "device": "cpu"}
    assert recorded.of(events.Config)[0].config == {"lr": 0.0625, "mine": 1}


def test_it_can_be_asked_for_by_name(recorded: Recorded) -> None:
    losses = loop("livecb", init_kwargs={"livecb": {"name": "n", **QUIET}})
    (started,) = recorded.of(events.RunStarted)
    assert (started.name, started.project) == ("n", "house")
    assert [event.values["train/loss"] for event in recorded.of(events.Metrics)] == losses


def test_the_accelerator_gives_out_the_run(recorded: Recorded) -> None:
    accelerator = Accelerator(log_with=stream(), cpu=True)
    accelerator.init_trackers("house")
    run = accelerator.get_tracker("livecb", unwrap=True)
    for number in run.track(range(3)):
        accelerator.log({"loss": number / 2})
    accelerator.end_training()
    assert isinstance(accelerator.get_tracker("livecb"), GeneralTracker)
    assert [(event.step, event.values["loss"]) for event in recorded.of(events.Metrics)] == [
        (1, 0.0), (2, 0.5), (3, 1.0),
    ]  # fmt: skip
    assert recorded.of(events.Progress)[-1].done == 3


def test_context_and_other_axes_are_said_beside_the_values(recorded: Recorded) -> None:
    accelerator = Accelerator(log_with=stream(), cpu=True)
    accelerator.init_trackers("house")
    places = {"context": "val", "epoch": 1.5, "samples": 48, "tokens": 96, "batch": 12}
    accelerator.log({"loss": 1.0}, step=6, log_kwargs={"livecb": places})
    with pytest.warns(LivecbWarning, match=r"in log_kwargs, got \['colour'\] too"):
        accelerator.log({"loss": 2.0}, step=7, log_kwargs={"livecb": {"colour": "red", "epoch": 2.0}})
    accelerator.end_training()
    first, second = recorded.of(events.Metrics)
    assert {name: getattr(first, name) for name in places} == places
    assert (second.step, second.epoch, second.values) == (7, 2.0, {"loss": 2.0})


def test_what_is_no_number_is_named_and_the_rest_is_recorded(recorded: Recorded) -> None:
    accelerator = Accelerator(log_with=stream(), cpu=True)
    accelerator.init_trackers("house")
    odd = {"words": "good", "many": [0.0] * 1_000_000, "né/e 🎉": 2.0}
    with pytest.warns(LivecbWarning) as said:
        accelerator.log(odd, step=5)
        accelerator.log({"loss": 1.0}, step=3)  # backwards
        accelerator.log(["loss"], step=6)
        accelerator.log({"loss": 1.0}, step="seven")
    accelerator.end_training()
    told = [(event.step, event.values) for event in recorded.of(events.Metrics)]
    assert told[:2] == [(5, {"né/e 🎉": 2.0}), (3, {"loss": 1.0})]
    texts = "\n".join(str(each.message) for each in said)
    for expected in ("metric 'words'", "use run.histogram", "expects a dict", "'seven'"):
        assert expected in texts
    assert recorded.events[-1].status == "completed"


def test_an_error_is_told_where_the_stream_is_a_block(recorded: Recorded) -> None:
    def fail(accelerator: Accelerator) -> None:
        raise ValueError("a bug of yours")

    live = stream()
    with pytest.raises(ValueError, match="a bug of yours"), live:
        loop(live, after_step=fail)
    ended = recorded.events[-1]
    assert (ended.status, ended.error) == ("failed", "ValueError: a bug of yours")
    assert len(recorded.of(events.Metrics)) == 1


@pytest.mark.parametrize(
    ("last", "status", "code"),
    [
        ("pass", "completed", 0),
        ("raise ValueError('a bug of yours')", "failed", 1),
        ("sys.exit(3)", "failed", 3),
    ],
)
def test_a_script_that_forgets_to_end_its_training_is_told_as_it_ended(
    last: str, status: str, code: int, recorded: Recorded
) -> None:
    script = f"""
        import sys
        from accelerate import Accelerator
        from livecb.callbacks.accelerate import LiveStream

        def main():
            accelerator = Accelerator(log_with=LiveStream(system_interval=0), cpu=True)
            accelerator.init_trackers("house")
            accelerator.log({{"loss": 1.0}}, step=1)

        main()
        {last}
        """
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(script)]
    assert subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == code
    assert [event.step for event in recorded.of(events.Metrics)] == [1]
    assert recorded.events[-1].status == status


def test_training_again_makes_another_run(recorded: Recorded) -> None:
    live = stream()
    loop(live, epochs=1, end=False)
    loop(live, epochs=1)
    assert [recorded.of(events.RunEnded, run)[0].status for run in recorded.runs] == ["completed"] * 2


def test_a_run_that_is_given_is_recorded_into_and_left_open(recorded: Recorded) -> None:
    with livecb.init(system_interval=0, capture=None, sinks=[]) as run:
        loop(stream(run=run))
        assert run.active
    assert recorded.of(events.Config)[0].framework == "accelerate"


def test_nothing_is_recorded_where_no_tracker_was_begun(recorded: Recorded) -> None:
    accelerator = Accelerator(log_with=stream(), cpu=True)
    accelerator.log({"loss": 1.0})
    accelerator.end_training()
    assert recorded.runs == []


def test_it_can_be_copied_and_pickled_while_it_is_used(recorded: Recorded) -> None:
    live = stream(name="one")
    loop(live, end=False)
    for each in (copy.deepcopy(live), pickle.loads(pickle.dumps(live))):
        assert (each.run_name, each.name, each.run.active) == ("one", "livecb", False)
    live.finish()


@pytest.mark.parametrize("action", ["default", "error"])
def test_a_hook_that_fails_is_said_once_and_the_training_goes_on(
    action: Any, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livecb.callbacks.accelerate._PLACES", None)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter(action, LivecbWarning)
        accelerator = Accelerator(log_with=stream(), cpu=True)
        accelerator.init_trackers("house")
        accelerator.log({"loss": 1.0})
        accelerator.end_training()
    assert [event.title for event in recorded.of(events.Alert)] == ["livecb stopped recording"]
    assert recorded.events[-1].status == "completed"
    assert sum(each.category is LivecbWarning for each in said) == (action == "default")


def test_a_loop_that_does_not_look_is_not_told_to_stop_but_obeys_the_rest(recorded: Recorded) -> None:
    live = stream()
    asked = iter([[], [wish("stop"), wish("set", 0.5, parameter="lr")]])

    def ask(accelerator: Accelerator) -> None:
        tell(live.run, *next(asked, []))

    assert len(loop(live, after_step=ask)) == 10
    assert answered(recorded.events) == [("stop", "refused", 3), ("set", "applied", 3)]
    assert "live.run.should_stop" in recorded.of(events.Controls)[-1].commands["stop"]


def test_a_loop_that_looks_by_itself_is_stopped(
    recorded: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    live = stream()
    accelerator = Accelerator(log_with=live, cpu=True)
    accelerator.init_trackers("house")
    steps = 0
    while not live.run.should_stop and steps < 10:
        steps += 1
        accelerator.log({"loss": 1.0}, step=steps)
        if steps == 3:
            tell(live.run, wish("stop", by="ada"))
    accelerator.end_training()
    assert steps == 3
    assert answered(recorded.events) == [("stop", "applied", 3)]
    assert recorded.of(events.Checkpoint)[0].path.endswith("step=3")
    assert (recorded.events[-1].status, recorded.events[-1].by) == ("stopped", "ada")


def test_a_state_of_another_run_that_is_loaded_says_how_to_go_on_with_that_one(
    recorded: Recorded, tmp_path: Path
) -> None:
    def trained(act: Any, **settings: Any) -> str:
        live = stream(**settings)
        accelerator = Accelerator(log_with=live, cpu=True)
        accelerator.prepare(torch.nn.Linear(2, 1))
        accelerator.init_trackers("house")
        act(accelerator)
        accelerator.log({"loss": 1.0})
        accelerator.end_training()
        return live._last

    with warnings.catch_warnings():
        warnings.simplefilter("error", LivecbWarning)
        first = trained(lambda accelerator: accelerator.save_state(tmp_path / "state"))
    with pytest.warns(
        LivecbWarning, match=rf"saved by run {first}: LiveStream\(run_id='{first}', resume=True\)"
    ):
        second = trained(lambda accelerator: accelerator.load_state(tmp_path / "state"))
    with warnings.catch_warnings():  # the cure
        warnings.simplefilter("error", LivecbWarning)
        third = trained(lambda it: it.load_state(tmp_path / "state"), run_id=first, resume=True)
    assert (second != first, third) == (True, first)
    assert len(recorded.runs) == 2
    assert [
        each["attempt"] for each in recorded.state(recorded.runs[0]).to_dict(alive=False, now=0)["attempts"]
    ] == [1, 2]
