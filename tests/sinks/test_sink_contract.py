"""The contract of every sink that reads in a thread, and of the server."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import livecb
from livecb.errors import LivecbWarning
from livecb.logs import FileLog
from livecb.sinks import File, ReaderSink, Server, Sink, Stdout
from livecb.store import Store


class Collect(ReaderSink):
    """What a user's own sink looks like."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[bytes] = []

    def take(self, lines: tuple[bytes, ...]) -> None:
        self.lines += lines


@pytest.fixture(params=["file", "stdout", "users"])
def sink(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Sink, Callable[[], list[bytes]]]:
    """A sink, and how to see which lines it has taken."""
    if request.param == "file":
        path = tmp_path / "copies" / "copy.jsonl"
        return File(path), lambda: list(FileLog(path).read().lines)
    if request.param == "stdout":
        stream = io.StringIO()
        return Stdout(json=True, stream=stream), lambda: stream.getvalue().encode().splitlines()
    users = Collect()
    return users, lambda: users.lines


def test_it_takes_every_line_as_it_stands_to_the_very_last(
    sink: tuple[Sink, Callable[[], list[bytes]]],
) -> None:
    reader, taken = sink
    with livecb.init(sinks=[reader], capture=None, system_interval=0) as run:
        for step in range(2000):
            run.log({"a": 0.5, "é": 1.5}, step=step)
    assert run.folder is not None
    assert taken() == (run.folder / "events.jsonl").read_bytes().splitlines()
    assert len(taken()) == 2002


def test_of_a_run_taken_up_again_it_takes_this_attempt(sink: tuple[Sink, Callable[[], list[bytes]]]) -> None:
    reader, taken = sink
    livecb.init(id="again", sinks=[], capture=None, system_interval=0).finish()
    livecb.init(id="again", sinks=[reader], capture=None, system_interval=0).finish()
    assert [json.loads(line)["type"] for line in taken()] == ["run_started", "run_ended"]


class Stuck(ReaderSink):
    """A sink that never comes back."""

    def __init__(self, release: threading.Event) -> None:
        super().__init__()
        self.release = release

    def take(self, lines: tuple[bytes, ...]) -> None:
        self.release.wait(60)


def test_a_sink_that_hangs_does_not_hold_up_the_training_or_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["livecb.run"], "_SINK_SECONDS", 0.2)
    release, collect = threading.Event(), Collect()
    run = livecb.init(sinks=[Stuck(release), collect], capture=None, system_interval=0)
    for step in range(1000):
        run.log({"a": 0.5}, step=step)
    run.finish()
    assert len(collect.lines) == 1002
    release.set()


class Broken(ReaderSink):
    """A sink that fails at its first line."""

    def take(self, lines: tuple[bytes, ...]) -> None:
        raise RuntimeError("no more paper")


def test_a_sink_that_fails_is_named_and_ends_alone() -> None:
    collect = Collect()
    with pytest.warns(LivecbWarning, match="Broken stopped reading the run: RuntimeError"):
        with livecb.init(sinks=[Broken(), collect], capture=None, system_interval=0) as run:
            run.log({"a": 0.5})
    assert len(collect.lines) == 3


class Forgetful(Collect):
    """A sink that keeps only what the log holds now."""

    def reset(self) -> None:
        self.lines.clear()


@pytest.mark.parametrize("kind", [Collect, Forgetful])
def test_a_log_that_was_replaced_is_taken_anew_and_never_in_silence(
    store: Store, kind: type[Collect], recwarn: pytest.WarningsRecorder
) -> None:
    stored = store.create("replaced")
    path = stored.part_path()
    path.write_bytes(b"old 1\nold 2\nold 3\n")
    sink = kind()
    sink.attach(stored)
    until(lambda: len(sink.lines) == 3)
    spare = path.with_suffix(".new")
    spare.write_bytes(b"new 1\n")
    spare.replace(path)
    until(lambda: sink.lines[-1] == b"new 1")
    sink.detach(10)
    old = [] if kind is Forgetful else [b"old 1", b"old 2", b"old 3"]
    assert sink.lines == [*old, b"new 1"]
    warned = [str(warning.message) for warning in recwarn if warning.category is LivecbWarning]
    assert [("the run's log was replaced" in words) for words in warned] == [True] * (kind is Collect)


def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


class NeverAttached(Sink):
    """A sink that cannot begin."""

    def attach(self, run: Any, since: str = "0") -> None:
        raise OSError("no route")

    def detach(self, timeout: float) -> None:
        raise AssertionError("never attached")


def test_a_sink_that_cannot_begin_is_named_and_the_training_goes_on() -> None:
    with pytest.warns(LivecbWarning, match="NeverAttached does not read this run: no route"):
        run = livecb.init(sinks=[NeverAttached()], capture=None)
    run.log({"a": 0.5})
    run.finish()
    assert run.lost == 0


def test_readable_lines_are_printed_past_a_capture_of_all_output(capfd: pytest.CaptureFixture[str]) -> None:
    script = """
import livecb
from livecb.sinks import Stdout
with livecb.init(name="one", sinks=[Stdout()], capture="all", system_interval=0) as run:
    run.log({"train/loss": 0.25}, step=3)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "train/loss" in done.stdout
    assert "0.25" in done.stdout
    assert done.stdout.count("train/loss") == 1


def _get(url: str) -> Any:
    address, _, token = url.partition("?token=")
    base, _, run = address.partition("/r/")
    request = urllib.request.Request(f"{base}/api/runs/{run}", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=20) as response:
        return json.load(response)


def test_a_server_in_a_thread_serves_the_run_and_goes_with_it() -> None:
    run = livecb.init(name="threaded", sinks=[Server(port=0, mode="thread", quiet=True)], capture=None)
    url = run.url
    assert url is not None
    assert _get(url)["name"] == "threaded"
    run.finish()
    with pytest.raises(OSError):
        _get(url)


def test_the_address_is_printed_once_and_the_server_is_a_process_of_its_own(
    store: Any, free_port: int
) -> None:
    script = f"""
import livecb, os, sys
from livecb.sinks import Server
with livecb.init(id="r", sinks=[Server(port={free_port}, linger=1)], capture=None) as run:
    print(run.url)
    assert "uvicorn" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    url = done.stdout.strip()
    assert f":{free_port}/r/r?token=" in url
    assert done.stderr == f"livecb: {url}\n"
    assert _get(url)["status"] == "completed"


def test_a_mode_that_is_none_says_which_there_are() -> None:
    with pytest.raises(ValueError, match="'process' or 'thread'"):
        Server(mode="cloud")  # type: ignore[arg-type]
