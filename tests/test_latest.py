"""The verbs at the module, as a script written for W&B calls them."""

from __future__ import annotations

import argparse
import subprocess
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy
import pytest
import torch

import livecb
import livecb as wandb
from livecb import events, latest
from livecb.errors import LivecbWarning
from livecb.testing import Recorded, record


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    with record() as found:
        yield found
        wandb.finish()


@pytest.fixture(autouse=True)
def _says_everything_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latest, "_said", set())
    monkeypatch.setattr(latest, "_begun", None)


def metrics(recorded: Recorded) -> list[tuple[int | None, dict[str, Any]]]:
    return [(event.step, dict(event.values)) for event in recorded.of(events.Metrics)]


def test_an_alert_of_no_level_is_information_as_in_wandb(recorded: Recorded) -> None:
    wandb.init(sinks=[], system_interval=0)
    wandb.alert("Done")
    wandb.alert("Odd", level=None)
    wandb.finish()
    assert [event.level for event in recorded.of(events.Alert)] == ["INFO", "INFO"]


def test_a_script_for_wandb_runs_by_changing_only_its_import(recorded: Recorded) -> None:
    run = wandb.init(
        project="p", name="n", config={"lr": 0.1}, tags=["t"], group="g", job_type="train", notes="why"
    )
    assert wandb.run is run
    for epoch in range(3):
        wandb.log({"train": {"loss": 1 / (epoch + 1)}, "epoch": epoch})
    wandb.log(
        {
            "image": wandb.Image(b"\x89PNG\r\n\x1a\n", caption="c"),
            "table": wandb.Table(columns=["a", "b"], data=[[1, "x"]]),
            "histogram": wandb.Histogram([1.0, 2.0, 2.0]),
            "acc": 0.5,
        }
    )
    wandb.alert(title="High", text="very", level=wandb.AlertLevel.ERROR)
    wandb.summary["best"] = 0.5
    wandb.finish()
    assert wandb.run is None
    (started,) = recorded.of(events.RunStarted)
    assert (started.project, started.name, started.config, started.tags) == (
        "p",
        "n",
        {"lr": 0.1},
        ["t", "g", "train"],
    )
    assert [note.text for note in recorded.of(events.Note)] == ["why"]
    assert metrics(recorded) == [
        *((epoch + 1, {"train/loss": 1 / (epoch + 1), "epoch": epoch}) for epoch in range(3)),
        (4, {"acc": 0.5}),
    ]
    media: list[Any] = [
        *recorded.of(events.Image),
        *recorded.of(events.Table),
        *recorded.of(events.Histogram),
    ]
    assert [(event.name, event.step) for event in media] == [("image", 4), ("table", 4), ("histogram", 4)]
    (alerted,) = recorded.of(events.Alert)
    assert (alerted.title, alerted.text, alerted.level) == ("High", "very", "ERROR")
    (ended,) = recorded.of(events.RunEnded)
    assert (ended.status, ended.summary) == ("completed", {"best": 0.5})


def test_what_is_not_committed_belongs_to_the_step_of_the_next_call(recorded: Recorded) -> None:
    wandb.init()
    for loss in (1.0, 0.5):
        wandb.log({"loss": loss}, commit=False)
        wandb.log({"acc": loss})
    wandb.log({"far": 1.0}, step=10)
    wandb.log({"same": 1.0})
    wandb.log({"next": 1.0})
    wandb.log({"done": 1.0}, step=20, commit=True)
    wandb.log({"after": 1.0})
    assert [(step, *values) for step, values in metrics(recorded)] == [
        (1, "loss"), (1, "acc"), (2, "loss"), (2, "acc"), (10, "far"), (10, "same"), (11, "next"), (20, "done"), (21, "after"),
    ]  # fmt: skip


@pytest.mark.parametrize("of", [int, float, numpy.int64, numpy.float32, torch.tensor])
def test_the_next_call_is_about_a_step_of_whatever_type_it_is(of: Any, recorded: Recorded) -> None:
    wandb.init()
    wandb.log({"far": 1.0}, step=of(10))
    wandb.log({"same": 1.0})
    wandb.log({"next": 1.0})
    assert [(step, *values) for step, values in metrics(recorded)] == [
        (10, "far"),
        (10, "same"),
        (11, "next"),
    ]


def test_a_step_that_goes_back_is_recorded_and_told_with_the_cure(recorded: Recorded) -> None:
    wandb.init()
    wandb.log({"a": 1.0}, step=10)
    with pytest.warns(LivecbWarning, match="step 9 comes after step 10.*Count up, or leave the step out"):
        wandb.log({"a": 2.0}, step=9)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        wandb.log({"a": 3.0}, step=8)
    assert metrics(recorded) == [(10, {"a": 1.0}), (9, {"a": 2.0}), (8, {"a": 3.0})]


@pytest.mark.parametrize(
    ("value", "cure"),
    [
        ("high", "it is the string 'high': expected a number; use run.text"),
        ([0.0] * 1_000_000, "it is a list of 1000000: expected a number; log its mean, or use run.histogram"),
        (None, "it is None: leave the key out"),
        (object(), "expected a number or a 0-d tensor"),
    ],
)
def test_a_value_that_is_none_is_told_with_the_cure_and_the_rest_recorded(
    value: Any, cure: str, recorded: Recorded
) -> None:
    wandb.init()
    with pytest.warns(LivecbWarning, match=cure):
        wandb.log({"bad": value, "a/b/🙂": 1.0})
    assert metrics(recorded) == [(1, {"a/b/🙂": 1.0})]


@pytest.mark.parametrize("values", [None, 3, "loss", [1]])
def test_what_is_no_dict_is_told(values: Any, recorded: Recorded) -> None:
    wandb.init()
    with pytest.warns(LivecbWarning, match="expects a dict of numbers by name"):
        wandb.log(values)


def test_the_config_is_read_and_changed_by_attribute(recorded: Recorded) -> None:
    wandb.init(config=argparse.Namespace(lr=0.1, layers=[1, 2]))
    assert (wandb.config.lr, wandb.config["layers"], wandb.config.get("no")) == (0.1, [1, 2], None)
    wandb.config.lr = 0.2
    wandb.config.update({"size": 8}, allow_val_change=True)
    wandb.config.update(argparse.Namespace(seed=3))
    wandb.config = {"extra": "x"}
    assert dict(wandb.config) == {"lr": 0.2, "layers": [1, 2], "size": 8, "seed": 3, "extra": "x"}
    assert [event.config for event in recorded.of(events.Config)] == [
        {"lr": 0.2}, {"size": 8}, {"seed": 3}, {"extra": "x"},
    ]  # fmt: skip
    with pytest.raises(
        AttributeError, match="the run's config has no 'rate'; it has extra, layers, lr, seed, size"
    ):
        _ = wandb.config.rate


def test_the_run_begun_last_is_the_one_that_is_meant(recorded: Recorded) -> None:
    first, second = wandb.init(name="first"), wandb.init(name="second")
    wandb.log({"a": 1.0})
    second.finish()
    assert wandb.run is first
    wandb.log({"b": 1.0})
    first.finish()
    found = {event.name: run for run in recorded.runs for event in recorded.of(events.RunStarted, run)}
    assert [dict(e.values) for e in recorded.of(events.Metrics, found["first"])] == [{"b": 1.0}]
    assert [dict(e.values) for e in recorded.of(events.Metrics, found["second"])] == [{"a": 1.0}]


def test_without_a_run_every_verb_does_nothing_and_says_so_once() -> None:
    assert wandb.run is None
    assert dict(wandb.config) == {}
    with pytest.warns(LivecbWarning, match=r"livecb.log does nothing before livecb.init.*begin a run first"):
        wandb.log({"a": 1.0})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        wandb.log({"a": 1.0})
        wandb.finish()
    with pytest.warns(LivecbWarning, match="livecb.alert does nothing"):
        wandb.alert("x")


def test_arguments_without_a_counterpart_are_ignored_with_one_warning_each(recorded: Recorded) -> None:
    with pytest.warns(LivecbWarning) as told:
        run = wandb.init(entity="me", save_code=True, projct="x", resume="allow", anonymous=None)
    assert [str(each.message) for each in told] == [
        "livecb.init ignores entity='me': it has no counterpart",
        "livecb.init ignores save_code=True: it has no counterpart",
        "livecb.init ignores projct='x': there is no such argument",
    ]
    assert run.active


def test_a_run_can_be_begun_again_as_wandb_does(recorded: Recorded) -> None:
    first = wandb.init(name="first")
    assert wandb.init(reinit="return_previous") is first
    second = wandb.init(name="second", reinit=True)
    assert (first.active, second.active) == (False, True)


def test_a_mode_can_be_given(recorded: Recorded) -> None:
    run = wandb.init(mode="disabled", config={"lr": 0.1})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        wandb.log({"a": 1.0})
        assert wandb.config.lr == 0.1
    assert (run.active, wandb.run is run, recorded.runs) == (False, True, [])
    assert wandb.init(mode="offline").active


def test_an_exit_code_says_that_it_failed(recorded: Recorded) -> None:
    wandb.init()
    wandb.finish(exit_code=3)
    (ended,) = recorded.of(events.RunEnded)
    assert (ended.status, ended.reason) == ("failed", "exit code 3")


def test_what_is_missing_says_what_to_do_instead() -> None:
    with pytest.raises(
        AttributeError, match=r"livecb has no 'Artifact': keep a file with run.artifact\(path\)"
    ):
        _ = wandb.Artifact
    with pytest.raises(AttributeError, match="livecb has no 'sweep': livecb tracks no sweeps"):
        _ = wandb.sweep
    with pytest.raises(AttributeError, match=r"livecb has no 'logg': it has .*init, log, "):
        _ = wandb.logg
    assert not hasattr(wandb, "__path_of_no_kind__")
    assert wandb.login(key="x") is True
    wandb.define_metric("loss", step_metric="epoch")


def test_modules_of_the_same_names_are_still_found() -> None:
    code = (
        "import livecb, livecb.run, livecb.config\n"
        "from livecb.run import Run\nfrom livecb.config import Config\n"
        "print(Run is livecb.Run, livecb.run, type(livecb.config) is Config)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True None True\n"


def test_a_forked_child_does_not_speak_for_the_run(recorded: Recorded) -> None:
    code = (
        "import os, livecb\nlivecb.init(id='r')\nlivecb.log({'a': 1.0})\n"
        "if os.fork() == 0:\n    livecb.log({'child': 1.0}); os._exit(0)\nos.wait()\nlivecb.finish()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert [event.status for event in recorded.of(events.RunEnded)] == ["completed"]
    assert [values for _, values in metrics(recorded)] == [{"a": 1.0}, {"child": 1.0}]


def test_every_name_of_the_module_is_there() -> None:
    assert [name for name in livecb.__all__ if not hasattr(livecb, name)] == []


@pytest.mark.parametrize("config", ["config.yaml", 3, ["lr"]])
def test_settings_that_are_none_are_left_out_and_the_run_is_recorded(config: Any, recorded: Recorded) -> None:
    with pytest.warns(
        LivecbWarning, match="config was left out: expected a dict or an object with attributes"
    ):
        wandb.init(config=config)
    wandb.log({"a": 1.0})
    assert metrics(recorded) == [(1, {"a": 1.0})]


def test_a_model_is_watched_with_wandbs_arguments(recorded: Recorded) -> None:
    wandb.init()
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with pytest.warns(LivecbWarning, match="livecb.watch ignores log='all'"):
        wandb.watch(model, log="all", log_freq=2)
    for _ in range(4):
        model(torch.ones(1, 2)).sum().backward()
        optimizer.step()
        wandb.log({"loss": 0.5})
    found = [(step, *values) for step, values in metrics(recorded) if "loss" not in values]
    assert found == [(2, "lr", "grad_norm"), (4, "lr", "grad_norm")]
