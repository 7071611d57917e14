from __future__ import annotations

import argparse
import copy
import math
import pickle
import random
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import livecb
from livecb import events
from livecb.errors import LivecbWarning
from livecb.run import Run
from livecb.state import State

Recorded = Callable[[Run], list[Any]]


def metrics(recorded: list[Any]) -> list[events.Metrics]:
    return [event for event in recorded if isinstance(event, events.Metrics)]


def test_a_run_begins_with_who_it_is(recorded: Recorded) -> None:
    run = livecb.init("mnist", "first", {"lr": 1e-3}, tags=["a"], framework="none", sinks=[], capture=None)
    started = recorded(run)[0]
    run.finish()
    assert isinstance(started, events.RunStarted)
    assert (started.seq, started.version, started.run, started.attempt) == (0, 1, run.id, 1)
    assert (started.name, started.project, started.config, started.tags) == (
        "first",
        "mnist",
        {"lr": 1e-3},
        ["a"],
    )
    assert started.pid > 0
    assert started.host


def test_versions_of_any_kind_of_string_are_recorded(recorded: Recorded) -> None:
    run = livecb.init(versions={"torch": torch.__version__}, sinks=[], capture=None)
    run.configure(versions={"torch": torch.__version__})
    run.finish()
    assert [event.versions["torch"] for event in recorded(run)[:2]] == [str(torch.__version__)] * 2


def test_what_is_logged_is_recorded_to_the_last_digit(run: Run, recorded: Recorded) -> None:
    values = {"train/loss": 0.1 + 0.2, "n": 3, "big": 1e300}
    run.log(values, step=5, batch=10, epoch=0.5, samples=640, tokens=9, context="train")
    (event,) = metrics(recorded(run))
    assert event.values == values
    assert (event.step, event.batch, event.epoch, event.samples, event.tokens) == (5, 10, 0.5, 640, 9)
    assert event.context == "train"


def test_numbers_of_all_kinds_and_non_finite_ones_are_recorded(run: Run, recorded: Recorded) -> None:
    run.log({"nan": math.nan, "inf": -math.inf, "np": np.float32(0.5), "t": torch.tensor(2.0), "yes": True})
    (event,) = metrics(recorded(run))
    assert math.isnan(event.values["nan"])  # type: ignore[arg-type]
    assert {name: event.values[name] for name in ("inf", "np", "t", "yes")} == {
        "inf": -math.inf, "np": 0.5, "t": 2.0, "yes": True,
    }  # fmt: skip


def test_what_cannot_be_recorded_is_named_once_and_the_rest_is_recorded(run: Run, recorded: Recorded) -> None:
    with pytest.warns(LivecbWarning) as warned:
        for _ in range(3):
            run.log({"ok": 1.0, "words": "many", "whole": torch.zeros(3)})
    assert len(warned) == 2
    assert "metric 'words' was not recorded" in str(warned[0].message)
    assert "run.histogram" in str(warned[1].message)
    assert warned[0].filename == __file__
    assert [event.values for event in metrics(recorded(run))] == [{"ok": 1.0}] * 3


def test_something_that_is_no_dict_is_refused_with_the_cure(run: Run) -> None:
    with pytest.warns(LivecbWarning, match="expects a dict of numbers by name, got a float"):
        run.log(0.5)  # type: ignore[arg-type]


def test_warnings_as_errors_do_not_reach_the_training(run: Run) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run.log({"a": "b"})


def test_without_axes_each_call_is_a_step(run: Run, recorded: Recorded) -> None:
    for _ in range(3):
        run.log({"a": 1.0})
    assert [event.step for event in metrics(recorded(run))] == [1, 2, 3]


def test_axes_hold_until_they_are_said_anew(run: Run, recorded: Recorded) -> None:
    run.at(step=4, epoch=0.5)
    run.log({"a": 1.0})
    run.at(step=5)
    run.log({"a": 1.0}, epoch=0.75)
    assert [(event.step, event.epoch) for event in metrics(recorded(run))] == [(4, 0.5), (5, 0.75)]


@pytest.mark.parametrize("place", [np.int64(3), np.int32(3), torch.tensor(3), 3.0, np.float32(3)])
def test_places_of_every_kind_of_number_are_recorded(run: Run, recorded: Recorded, place: Any) -> None:
    run.log({"a": 1.0}, step=place, batch=place, epoch=place, samples=place, tokens=place)
    run.at(step=place, epoch=place)
    run.note("there")
    event, note = recorded(run)[1:]
    assert [event.step, event.batch, event.epoch, event.samples, event.tokens] == [3] * 5
    assert (note.step, note.epoch) == (3, 3)


@pytest.mark.parametrize("place", ["5", 1.5, math.nan, True, [1]])
def test_a_place_that_is_none_is_left_out_and_named_and_the_values_are_kept(
    run: Run, recorded: Recorded, place: Any
) -> None:
    with pytest.warns(LivecbWarning, match="batch was left out"):
        run.log({"a": 1.0}, batch=place)
    with pytest.warns(LivecbWarning, match="step was left out"):
        run.step = place
    assert [(event.values, event.batch) for event in metrics(recorded(run))] == [({"a": 1.0}, None)]


def test_words_of_the_wrong_type_cost_nothing_that_readers_need(run: Run, recorded: Recorded) -> None:
    run.log({"a": 1.0}, context=5)  # type: ignore[arg-type]
    run.progress(np.int64(3), math.inf, left=math.inf)
    run.text("x", 30)  # type: ignore[arg-type]
    run.status("running", 3)  # type: ignore[arg-type]
    said = recorded(run)[1:]
    assert [type(event).__name__ for event in said] == ["Metrics", "Progress", "Log", "Status"]
    assert (said[1].done, said[1].total, said[1].left) == (3, None, None)


def test_an_event_that_readers_would_not_understand_is_refused_and_leaves_no_hole(
    run: Run, recorded: Recorded
) -> None:
    with pytest.warns(LivecbWarning, match=r"Checkpoint was not recorded.*metric"):
        run.checkpoint("x", metric=5)  # type: ignore[arg-type]
    run.note("next")
    assert [event.seq for event in recorded(run)] == [0, 1]


def test_an_ending_that_is_none_is_named_and_the_run_ends(recorded: Recorded) -> None:
    run = livecb.init(sinks=[], capture=None)
    with pytest.warns(LivecbWarning, match="expected one of"):
        run.finish("success", reason=ValueError("x"))  # type: ignore[arg-type]
    assert (recorded(run)[-1].status, recorded(run)[-1].reason) == ("completed", "x")


def test_init_takes_settings_of_any_kind_and_never_raises(recorded: Recorded) -> None:
    settings = argparse.Namespace(lr=0.1)
    run = livecb.init(7, 42, settings, tags="one", world_size="2", sinks=[], capture=None)  # type: ignore[arg-type]
    run.finish()
    started = recorded(run)[0]
    assert (started.project, started.name, started.config, started.tags) == ("7", "42", {"lr": 0.1}, ["one"])
    with pytest.warns(LivecbWarning, match="nothing is recorded"):
        assert not livecb.init(versions=["a"]).active  # type: ignore[arg-type]
    with pytest.warns(LivecbWarning, match="without all that was asked for"):
        half = livecb.init(system_interval="5", sinks=[], capture=None)  # type: ignore[arg-type]
    assert half.active
    half.finish()


def test_the_same_id_twice_in_one_process_is_one_run(run: Run) -> None:
    assert livecb.init(id=run.id, config={"more": 1}, sinks=[]) is run
    assert run.config["more"] == 1


def test_a_step_that_goes_backwards_is_recorded_as_it_is(run: Run, recorded: Recorded) -> None:
    run.log({"a": 1.0}, step=9)
    run.log({"a": 2.0}, step=3)
    assert [event.step for event in metrics(recorded(run))] == [9, 3]


@pytest.mark.parametrize("name", ["a/b/c", "日本語", "😀", 'with "quotes"', "line\nbreak", "", " "])
def test_names_are_free_text(run: Run, recorded: Recorded, name: str) -> None:
    run.log({name: 0.5})
    assert metrics(recorded(run))[0].values == {name: 0.5}


def test_numbers_are_gapless_and_ordered_also_from_many_threads(run: Run, recorded: Recorded) -> None:
    def work() -> None:
        for i in range(200):
            run.log({"a": 0.5}, step=i)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [event.seq for event in recorded(run)] == list(range(801))


def test_every_verb_records_its_event(run: Run, recorded: Recorded) -> None:
    run.at(step=2)
    run.status("evaluating", "validate")
    run.progress(3, 10, unit="epoch", rate=0.5, counters={"saved": 1}, quality="good")
    run.text("hello", "INFO", logger="me")
    run.model_completed("svc", params={"C": 1}, scores={"acc": np.float64(0.9)}, fit_seconds=1.5)
    run.sample("in", "want", "got", scores={"bleu": 0.5})
    run.image("grid", np.zeros((4, 4), dtype=np.uint8))
    run.figure("fig", b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    run.histogram("weights", np.arange(10.0), bins=2)
    run.table("confusion", ["a", "b"], [[1, 2], [3, 4]])
    run.audio("beep", ([0.0, 0.5, -0.5], 8000))
    run.system(cpu=12.5)
    run.checkpoint(__file__, metric="val/loss", value=torch.tensor(0.5))
    run.artifact(__file__)
    run.alert("hot", "very", level="warning")
    run.note("look here", author="me")
    run.configure({"lr": 0.1}, totals=events.Totals(steps=10))
    said = recorded(run)[1:]
    assert [type(event).__name__ for event in said] == [
        "Status", "Progress", "Log", "ModelCompleted", "Sample", "Image", "Figure", "Histogram", "Table", "Audio", "System",
        "Checkpoint", "Artifact", "Alert", "Note", "Config",
    ]  # fmt: skip
    assert all(event.step == 2 for event in said)
    by_type = {type(event): event for event in said}
    assert by_type[events.Progress].fields == {"quality": "good"}
    assert by_type[events.Histogram].counts == [5, 5]
    assert by_type[events.Checkpoint].value == 0.5
    assert by_type[events.Alert].level == "WARN"
    assert run.folder is not None
    assert (run.folder / "files" / by_type[events.Image].file.hash).stat().st_size == by_type[
        events.Image
    ].file.size


def test_a_checkpoint_under_a_relative_path_is_found_from_elsewhere(
    run: Run, recorded: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("model.pt").write_bytes(b"weights")
    run.checkpoint("model.pt")
    run.checkpoint("s3://bucket/model.pt")
    run.artifact("model.pt")
    paths = [event.path for event in recorded(run)[1:]]
    assert paths == [str(tmp_path / "model.pt"), "s3://bucket/model.pt", str(tmp_path / "model.pt")]


@pytest.mark.parametrize(
    ("verb", "args", "cure"),
    [
        ("image", ("a", np.zeros(3)), "H×W"), ("image", ("a", b"text"), "PNG"), ("image", ("a", "/no/such.png"), "No such file"),
        ("figure", ("a", 3), "Matplotlib"), ("audio", ("a", 3), "rate in Hz"), ("histogram", ("a", []), "finite"),
        ("status", ("dancing",), "expected one of"), ("artifact", ("/no/such/file",), "No such file"),
    ],
)  # fmt: skip
def test_media_that_are_none_are_refused_with_the_cure(run: Run, verb: str, args: Any, cure: str) -> None:
    with pytest.warns(LivecbWarning, match=cure):
        getattr(run, verb)(*args)


def test_configuration_can_be_read_and_its_changes_are_recorded(run: Run, recorded: Recorded) -> None:
    run.config["lr"] = 0.1
    run.config.update(depth=3, widths=(1, 2))
    assert dict(run.config) == {"lr": 0.1, "depth": 3, "widths": [1, 2]}
    assert [event.config for event in recorded(run)[1:]] == [{"lr": 0.1}, {"depth": 3, "widths": [1, 2]}]


def test_a_setting_that_is_deleted_is_gone_for_the_readers_too(run: Run, recorded: Recorded) -> None:
    run.config.update(lr=0.1, depth=3, width=None)
    del run.config["lr"]
    assert run.config.pop("depth") == 3
    with pytest.raises(KeyError):
        del run.config["lr"]
    said = recorded(run)
    assert [event.removed for event in said[2:]] == [["lr"], ["depth"]]
    state = State(run.id)
    state.feed(said)
    assert state.to_dict(alive=True, now=0.0)["config"] == {"width": None}
    run.config["lr"] = 0.2
    state.feed(recorded(run)[len(said) :])
    assert state.to_dict(alive=True, now=0.0)["config"] == {"width": None, "lr": 0.2}


def test_copies_are_the_run_itself(run: Run) -> None:
    assert copy.copy(run) is run
    assert copy.deepcopy({"r": run})["r"] is run
    assert pickle.loads(pickle.dumps(run)) is run


def test_after_the_end_nothing_is_recorded_and_it_is_said_once(recorded: Recorded) -> None:
    run = livecb.init(sinks=[], capture=None)
    run.summary["best"] = np.float32(0.5)
    run.finish(result={"acc": 1})
    run.finish("failed")
    with pytest.warns(LivecbWarning, match="has ended") as warned:
        run.log({"a": 1.0})
        run.log({"a": 1.0})
    run.note("too late")
    assert len(warned) == 1
    ended = recorded(run)[-1]
    assert (ended.status, ended.summary, ended.result, ended.lost) == (
        "completed",
        {"best": 0.5},
        {"acc": 1},
        0,
    )
    assert not run.active


def test_a_block_ends_the_run_with_what_ended_the_block(recorded: Recorded) -> None:
    def end_with(error: BaseException | None) -> events.RunEnded:
        run = livecb.init(sinks=[], capture=None)
        try:
            with run:
                if error is not None:
                    raise error
        except BaseException as seen:
            assert seen is error
        ended = recorded(run)[-1]
        assert isinstance(ended, events.RunEnded)
        return ended

    assert end_with(None).status == "completed"
    assert end_with(SystemExit(0)).status == "completed"
    assert end_with(KeyboardInterrupt()).status == "stopped"
    failed = end_with(ValueError("too hot"))
    assert (failed.status, failed.reason, failed.error) == ("failed", "ValueError", "ValueError: too hot")
    assert "raise error" in (failed.traceback or "")
    assert end_with(SystemExit(3)).reason == "exit code 3"


def test_disabled_by_the_environment_it_does_nothing(monkeypatch: pytest.MonkeyPatch, store: Any) -> None:
    monkeypatch.setenv("LIVECB_MODE", "disabled")
    with livecb.init(config={"a": 1}) as run:
        run.log({"a": 1.0})
        run.image("x", b"")
        assert list(run.track([1, 2])) == [1, 2]
        assert run.config["a"] == 1
        assert run.url is None
    assert not store.root.exists()


def test_random_state_is_left_alone() -> None:
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # type: ignore[index]
    with livecb.init(sinks=[]) as run:
        run.log({"a": 1.0})
    after = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # type: ignore[index]
    assert before == after
