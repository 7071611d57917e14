"""What happens when writing fails, and when values are still on a device."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import livecb
from livecb import events
from livecb.errors import LivecbWarning
from livecb.events import Metrics, decode, decode_lines
from livecb.run import Run
from livecb.state import State
from livecb.store import Store

Recorded = Callable[[Run], list[Any]]

_DISK_FILLS = """
import resource, signal, sys, warnings, livecb
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
run = livecb.init(id="full", sinks=[], capture=None, system_interval=0)
run.log({"a": 1.0}, step=1)
size = (run.folder / "events.jsonl").stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 30, resource.RLIM_INFINITY))
for step in range(2, 12):
    run.log({"a": 1.0}, step=step)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
run.log({"a": 1.0}, step=12)
run.log({"a": 1.0}, step=13)
run.finish()
print("trained")
"""


def test_a_disk_that_fills_up_costs_events_and_says_how_many(store: Store) -> None:
    done = subprocess.run([sys.executable, "-c", _DISK_FILLS], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "trained\n")
    assert done.stderr.count("LivecbWarning") == 1
    assert "Training goes on" in done.stderr
    lines = store.run("full").log().read().lines
    said = [decode(line) for line in lines]
    assert [event.step for event in said if isinstance(event, Metrics)] == [1, 12, 13]
    assert [event.message for event in said if isinstance(event, events.Log)] == [
        "10 events could not be written before this one and are lost"
    ]
    assert isinstance(said[-1], events.RunEnded)
    assert said[-1].lost == 10
    assert said[-1].seq == len(said) + 10 - 1  # the gap in the numbers proves the loss


_DISK_STAYS_FULL = """
import resource, signal, livecb
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
run = livecb.init(id="full", sinks=[], capture=None, system_interval=0)
run.log({"a": 1.0})
size = (run.folder / "events.jsonl").stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
run.log({"a": 1.0})
"""


def test_a_disk_that_stays_full_makes_no_crash_of_a_run_that_completed(store: Store) -> None:
    done = subprocess.run([sys.executable, "-c", _DISK_STAYS_FULL], capture_output=True, text=True)
    assert done.returncode == 0
    run = store.run("full")
    state = State("full")
    state.feed(decode_lines(list(run.log().read().lines)))
    assert state.to_dict(alive=run.alive(), now=0.0, last_words=run.last_words())["status"] == "completed"


def test_a_folder_that_vanishes_is_noticed_at_the_end_at_the_latest() -> None:
    run = livecb.init(sinks=[], capture=None, system_interval=0)
    assert run.folder is not None
    shutil.rmtree(run.folder)
    run.log({"a": 1.0})
    with pytest.warns(LivecbWarning, match="was deleted"):
        run.finish()


def test_a_device_that_never_answers_costs_its_values_and_not_the_ending(
    monkeypatch: pytest.MonkeyPatch, recorded: Recorded
) -> None:
    monkeypatch.setattr("livecb.writer._RESOLVE_SECONDS", 0.2)
    run = livecb.init(id="slow", sinks=[], capture=None, system_interval=0)
    late = SlowDevice(0.5)
    run.log({"a": late, "b": 1.0})
    run.finish()
    again = livecb.init(id="slow", sinks=[], capture=None, system_interval=0)
    late.ready.set()
    again.finish()
    said = recorded(again)
    assert [type(event).__name__ for event in said] == [
        "RunStarted",
        "Metrics",
        "RunEnded",
        "RunStarted",
        "RunEnded",
    ]
    assert (said[1].values, said[2].lost) == ({"b": 1.0}, 1)


def test_copying_the_runs_folder_does_not_make_it_look_dead(run: Run, store: Store, tmp_path: Path) -> None:
    assert run.folder is not None
    shutil.copytree(run.folder, tmp_path / "copy")
    run.check_log()
    look = f"from livecb.store import Store; print(Store().run({run.id!r}).alive())"
    assert subprocess.run([sys.executable, "-c", look], capture_output=True, text=True).stdout == "True\n"


def test_a_folder_that_vanishes_leaves_the_training_untouched(run: Run) -> None:
    run.log({"a": 1.0})
    assert run.folder is not None
    shutil.rmtree(run.folder)
    run.log({"a": 1.0})  # into a file that has no name any more: the kernel does not object
    with pytest.warns(LivecbWarning, match=r"was deleted.*Training goes on"):
        run.check_log()
    with pytest.warns(LivecbWarning, match="cannot append"):
        run.log({"a": 1.0})
    run.log({"a": 1.0})
    assert run.lost == 2
    run.finish()


def test_a_store_without_rights_is_replaced_by_a_temporary_one(tmp_path: Path, monkeypatch: Any) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("a file where a folder should be")
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    with pytest.warns(LivecbWarning, match=r"cannot write to .*; set LIVECB_DIR"):
        run = livecb.init(dir=blocked / "store", sinks=[], capture=None)
    run.log({"a": 1.0})
    run.finish()
    assert run.folder is not None
    assert run.folder.parent.parent == tmp_path


def test_where_nothing_can_be_written_the_run_does_nothing(tmp_path: Path, monkeypatch: Any) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("a file where a folder should be")
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(blocked))
    with pytest.warns(LivecbWarning, match="nothing is recorded"):
        run = livecb.init(dir=blocked / "store", sinks=[])
    run.log({"a": 1.0})
    assert not run.active


class SlowDevice:
    """A 0-d array on an accelerator whose value comes when the test lets it."""

    shape = ()
    device = type("Device", (), {"type": "npu"})()

    def __init__(self, value: float) -> None:
        self.value, self.ready, self.thread = value, threading.Event(), ""

    def item(self) -> float:
        assert self.ready.wait(20)
        self.thread = threading.current_thread().name
        return self.value


def test_values_on_a_device_are_never_waited_for_and_order_holds(run: Run, recorded: Recorded) -> None:
    first, second = SlowDevice(0.25), SlowDevice(0.5)
    run.log({"a": first, "b": 1.0}, step=1)
    run.log({"a": 2.0}, step=2)
    run.note("between")
    run.log({"a": second}, step=3)
    assert len(recorded(run)) == 1, "nothing overtakes what waits"
    second.ready.set()
    first.ready.set()
    assert run.flush()
    run.log({"a": 4.0}, step=4)
    said = recorded(run)[1:]
    assert [event.seq for event in said] == [1, 2, 3, 4, 5]
    assert [event.time for event in said] == sorted(event.time for event in said)
    assert [event.values for event in said if isinstance(event, Metrics)] == [
        {"a": 0.25, "b": 1.0}, {"a": 2.0}, {"a": 0.5}, {"a": 4.0},
    ]  # fmt: skip
    assert first.thread == "livecb-resolve"


def test_a_run_that_ends_waits_for_its_last_values(recorded: Recorded) -> None:
    run = livecb.init(sinks=[], capture=None, system_interval=0)
    value = SlowDevice(0.25)
    run.log({"a": value})
    threading.Timer(0.2, value.ready.set).start()
    run.finish()
    said = recorded(run)
    assert [type(event).__name__ for event in said] == ["RunStarted", "Metrics", "RunEnded"]


def test_a_device_that_fails_costs_its_value_and_no_other(run: Run, recorded: Recorded) -> None:
    class Broken(SlowDevice):
        def item(self) -> float:
            raise RuntimeError("device lost")

    with pytest.warns(LivecbWarning, match="metric 'a' was not recorded: device lost"):
        run.log({"a": Broken(0.0), "b": 1.0})
        assert run.flush()
    assert recorded(run)[1].values == {"b": 1.0}


def test_a_forked_child_writes_a_part_of_its_own(run: Run, recorded: Recorded) -> None:
    run.log({"parent": 1.0})
    child = os.fork()
    if child == 0:
        run.log({"child": 1.0})
        run.finish("failed")  # a child ends nothing
        os._exit(0)
    os.waitpid(child, 0)
    run.log({"parent": 2.0})
    assert run.folder is not None
    assert [event.seq for event in recorded(run)] == [0, 1, 2]
    (line,) = (run.folder / "events-forked.jsonl").read_bytes().splitlines()
    event = decode(line)
    assert isinstance(event, Metrics)
    assert (event.seq, event.values) == (0, {"child": 1.0})


def test_a_forked_childs_loop_is_not_within_its_parents(run: Run) -> None:
    child = 0
    for _ in run.track(range(2)):
        child = os.fork()
        if child == 0:
            for _ in run.track(range(3)):
                pass
            os._exit(run.step)
        break
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3


def test_a_forked_child_that_says_nothing_leaves_no_trace(run: Run) -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    assert run.folder is not None
    assert not list(run.folder.glob("events-*"))


_PICKLED = """
import pickle, sys
run = pickle.loads(bytes.fromhex(sys.argv[1]))
run.log({"worker": 1.0}, step=3)
run.finish()
"""


def test_a_pickled_run_adds_to_it_from_another_process(run: Run, store: Store) -> None:
    run.log({"a": 1.0})
    subprocess.run([sys.executable, "-c", _PICKLED, pickle.dumps(run).hex()], check=True)
    parts = store.run(run.id).log().read().lines
    said = [decode(line) for line in parts]
    assert [event.values for event in said if isinstance(event, Metrics)] == [{"a": 1.0}, {"worker": 1.0}]
    assert not any(isinstance(event, events.RunEnded) for event in said)


def test_a_pickled_run_that_has_ended_does_nothing_more_and_says_so(run: Run, store: Store) -> None:
    while_it_lived = pickle.dumps(run)
    run.finish()
    for pickled in (while_it_lived, pickle.dumps(run)):
        done = subprocess.run(
            [sys.executable, "-c", _PICKLED, pickled.hex()], check=True, capture_output=True, text=True
        )
        assert "has ended: what is logged now is not recorded" in done.stderr
        again = pickle.loads(pickled)
        assert (again.id, again.active, again.folder) == (run.id, False, run.folder)
    assert [path.name for path in store.run(run.id).folder.glob("events*")] == ["events.jsonl"]
    with livecb.init(id=run.id, sinks=[], capture=None) as next_attempt:
        assert not pickle.loads(pickle.dumps(run)).active
        assert pickle.loads(pickle.dumps(next_attempt)) is next_attempt


def test_a_rank_above_zero_does_nothing_unless_it_is_told_the_run(monkeypatch: Any, store: Store) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert not livecb.init(sinks=[]).active
    monkeypatch.setenv("LIVECB_RUN_ID", "shared")
    with livecb.init(sinks=[], capture=None) as run:
        run.log({"a": 1.0})
    assert [decode(line).rank for line in store.run("shared").part_path("1").read_bytes().splitlines()] == [1]  # type: ignore[union-attr]


def test_a_run_taken_up_again_is_its_next_attempt(store: Store) -> None:
    for _ in range(2):
        with livecb.init(id="again", sinks=[], capture=None, system_interval=0) as run:
            run.log({"a": 1.0})
    said = [decode(line) for line in store.run("again").log().read().lines]
    assert [event.attempt for event in said if isinstance(event, events.RunStarted)] == [1, 2]
    assert len(said) == 6


def test_a_second_process_of_a_living_run_adds_to_it(run: Run, store: Store) -> None:
    script = f"import livecb; livecb.init(id={run.id!r}, sinks=[]).log({{'b': 1.0}})"
    subprocess.run([sys.executable, "-c", script], check=True)
    run.log({"a": 1.0})
    values = [e.values for e in map(decode, store.run(run.id).log().read().lines) if isinstance(e, Metrics)]
    assert values == [{"a": 1.0}, {"b": 1.0}]
