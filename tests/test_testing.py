from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

import pytest

import livecb
from livecb.events import Metrics, RunEnded, RunStarted
from livecb.testing import record


def train(run: livecb.Run) -> None:
    for item in run.track([1.0, 2.0, 3.0]):
        run.log({"loss": 1 / item})


def test_what_a_loop_records_comes_back_as_typed_events() -> None:
    with record() as recorded, livecb.init("mine", system_interval=0) as run:
        train(run)
    assert [event.values["loss"] for event in recorded.of(Metrics)] == [1.0, 0.5, 1 / 3]
    assert isinstance(recorded.events[0], RunStarted)
    assert isinstance(recorded.events[-1], RunEnded)


def test_the_state_of_what_was_recorded_can_be_asked_for() -> None:
    with record() as recorded, livecb.init(system_interval=0) as run:
        train(run)
    state = recorded.state().to_dict(alive=False, now=time.time())
    assert (state["run"], state["status"], state["step"]) == (run.id, "completed", 3)


def test_nobody_serves_what_is_recorded() -> None:
    with record(), livecb.init(system_interval=0) as run:
        assert run.url is None


def test_several_runs_are_kept_apart_in_their_order() -> None:
    with record() as recorded:
        for name in ("a", "b"):
            livecb.init(name=name, system_interval=0).finish()
    assert [recorded.of(RunStarted, run)[0].name for run in recorded.runs] == ["a", "b"]
    with pytest.raises(LookupError, match="expected one run, found 2"):
        _ = recorded.run


def test_the_environment_is_as_it_was_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVECB_RUN_ID", "mine")
    monkeypatch.delenv("LIVECB_MODE", raising=False)
    before = dict(os.environ)
    within = {}
    with contextlib.suppress(KeyboardInterrupt), record():
        within = dict(os.environ)
        raise KeyboardInterrupt
    assert "LIVECB_RUN_ID" not in within
    assert dict(os.environ) == before


def test_runs_can_be_recorded_into_a_folder_that_stays(tmp_path: Path) -> None:
    with record(tmp_path), livecb.init(system_interval=0) as run:
        pass
    assert (tmp_path / run.id / "events.jsonl").exists()


def test_a_temporary_folder_goes_with_what_was_recorded() -> None:
    with record() as recorded:
        livecb.init(system_interval=0).finish()
    folder = recorded.store.root
    assert folder.exists()
    del recorded
    assert not folder.exists()
