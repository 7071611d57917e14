"""Real programs under `livecb run`: what the terminal shows, what is recorded, how they end."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from livecb import events
from livecb.testing import Recorded

PYTHON = sys.executable


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVECB_MODE", "offline")


@pytest.fixture
def recorded(tmp_path: Path) -> Recorded:
    return Recorded(tmp_path / "store")


def words(code: str, *options: str) -> list[str]:
    return [PYTHON, "-m", "livecb", "run", *options, "--", PYTHON, "-c", textwrap.dedent(code)]


def run(code: str, *options: str, **more: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(words(code, *options), capture_output=True, timeout=60, check=False, **more)


def start(code: str, *options: str, **more: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(words(code, *options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)


def lines(recorded: Recorded) -> list[tuple[str | None, str]]:
    return [(event.stream, event.message) for event in recorded.of(events.Log)]


def end(recorded: Recorded) -> events.RunEnded:
    (ended,) = recorded.of(events.RunEnded)
    return ended


TRAIN = """
import sys
for epoch in range(1, 4):
    print(f"Epoch {epoch}/3")
    for batch in range(1, 6):
        print(f"step {(epoch - 1) * 5 + batch} loss: {1 / (epoch * batch):.4f}, lr=1e-3")
print("done", file=sys.stderr)
"""


def test_a_script_becomes_a_run_with_its_lines_and_its_curves(recorded: Recorded) -> None:
    done = run(TRAIN, "--name", "mine", "--project", "p", "--tag", "a")
    assert done.returncode == 0
    assert done.stderr == b"done\n"
    assert len(done.stdout.splitlines()) == 18
    out = [message for stream, message in lines(recorded) if stream == "stdout"]
    assert out == done.stdout.decode().splitlines()
    assert [message for stream, message in lines(recorded) if stream == "stderr"] == ["done"]
    found = [(e.step, e.epoch, dict(e.values)) for e in recorded.of(events.Metrics)]
    assert found == [
        ((epoch - 1) * 5 + batch, epoch, {"loss": round(1 / (epoch * batch), 4), "lr": 1e-3})
        for epoch in range(1, 4)
        for batch in range(1, 6)
    ]
    (started,) = recorded.of(events.RunStarted)
    assert (started.name, started.project, started.tags) == ("mine", "p", ["a"])
    assert end(recorded).status == "completed"


def test_the_commands_own_options_are_its_own(recorded: Recorded) -> None:
    command = [
        PYTHON,
        "-m",
        "livecb",
        "run",
        "--name",
        "mine",
        PYTHON,
        "-c",
        "import sys; print(sys.argv[1:])",
    ]
    done = subprocess.run([*command, "--name", "its", "--", "-h"], capture_output=True, text=True, check=True)
    assert done.stdout == "['--name', 'its', '--', '-h']\n"
    assert [event.name for event in recorded.of(events.RunStarted)] == ["mine"]


@pytest.mark.parametrize("code", [0, 3, 255])
def test_the_exit_code_is_the_programs(code: int, recorded: Recorded) -> None:
    assert run(f"raise SystemExit({code})").returncode == code
    ended = end(recorded)
    assert (ended.status, ended.reason) == (("failed", f"exit code {code}") if code else ("completed", None))


def test_the_traceback_that_it_printed_is_the_runs(recorded: Recorded) -> None:
    done = run(
        """
        try:
            1 / 0
        except ZeroDivisionError:
            raise ValueError("boom")
        """
    )
    ended = end(recorded)
    assert (done.returncode, ended.error) == (1, "ValueError: boom")
    assert ended.traceback is not None
    assert ended.traceback + "\n" == done.stderr.decode()
    assert "ZeroDivisionError: division by zero" in ended.traceback


def test_a_program_that_runs_out_of_memory_says_so(recorded: Recorded) -> None:
    code = "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30)); bytearray(2**31)"
    assert run(code).returncode == 1
    assert (end(recorded).status, end(recorded).reason) == ("failed", "out of memory")


@pytest.mark.parametrize(
    ("number", "status", "reason"),
    [
        (signal.SIGKILL, "killed", "SIGKILL"),
        (signal.SIGTERM, "killed", "SIGTERM"),
        (signal.SIGSEGV, "failed", "SIGSEGV: Segmentation fault"),
    ],
)
def test_a_signal_that_kills_it_is_told(number: int, status: str, reason: str, recorded: Recorded) -> None:
    done = run(f"import os; print('on', flush=True); os.kill(os.getpid(), {number:d})")
    assert done.returncode == 128 + number
    assert (end(recorded).status, end(recorded).reason) == (status, reason)
    assert lines(recorded) == [("stdout", "on")]


READY = "import signal, sys, time; {before}; print('ready', flush=True); time.sleep(60)"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_to_livecb_reaches_the_program_once(number: int, recorded: Recorded) -> None:
    code = f"""
    import signal, sys, time
    got = []
    signal.signal({number:d}, lambda *_: got.append(1))
    print("ready", flush=True)
    while not got:
        time.sleep(0.01)
    time.sleep(0.2)
    print(len(got))
    sys.exit(7)
    """
    process = start(code)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert (out, err, process.returncode) == (b"1\n", b"", 7)
    assert (end(recorded).status, end(recorded).reason) == ("failed", "exit code 7")


def test_a_deadly_signal_to_livecb_kills_the_program_and_is_told(recorded: Recorded) -> None:
    process = start(READY.format(before="pass"))
    assert process.stdout is not None
    process.stdout.readline()
    process.terminate()
    process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    assert (end(recorded).status, end(recorded).reason) == ("killed", "SIGTERM")


def test_an_interrupt_to_livecb_stops_the_run(recorded: Recorded) -> None:
    process = start(READY.format(before="pass"))
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert err.count(b"KeyboardInterrupt") == 1
    assert process.returncode == 130
    assert (end(recorded).status, end(recorded).reason, end(recorded).by) == ("stopped", "SIGINT", None)


def test_who_ends_well_after_a_signal_was_stopped(recorded: Recorded) -> None:
    process = start(READY.format(before="signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))"))
    assert process.stdout is not None
    process.stdout.readline()
    process.terminate()
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert (end(recorded).status, end(recorded).reason) == ("stopped", "SIGTERM")


def test_a_program_that_outlives_livecb_does_not_hang(tmp_path: Path) -> None:
    code = f"""
    import os, pathlib, sys, time
    print(os.getpid(), flush=True)
    try:
        while True:
            print("x" * 4096, flush=True)
            time.sleep(0.01)
    finally:
        pathlib.Path({str(tmp_path / "ended")!r}).write_text(sys.exc_info()[0].__name__)
    """
    process = start(code)
    assert process.stdout is not None
    process.stdout.readline()
    process.kill()
    process.stdout.close()
    process.wait()
    deadline = time.monotonic() + 20
    while not (tmp_path / "ended").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (tmp_path / "ended").read_text() == "BrokenPipeError"
    assert process.stderr is not None
    process.stderr.close()


def test_a_command_that_is_not_found_leaves_no_run(
    recorded: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def livecb_run(*argv: str) -> subprocess.CompletedProcess[str]:
        command = [PYTHON, "-m", "livecb", "run", *argv]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    done = livecb_run("no-such-program", "--lr", "1")
    assert (done.returncode, done.stderr) == (127, "livecb: command not found: no-such-program\n")
    script = tmp_path / "train.py"
    script.write_text("print(1)")
    done = livecb_run(str(script))
    assert done.returncode == 126
    assert "cannot be executed" in done.stderr
    assert "python train.py" in done.stderr
    assert livecb_run("--metric", "loss=(", "--", "true").returncode == 2
    assert "put parentheses around the number" in livecb_run("--metric", "loss=x", "--", "true").stderr
    assert livecb_run().returncode == 2
    assert "No such option" in livecb_run("--typo", "--", "true").stderr
    monkeypatch.chdir(tmp_path)
    assert "not found: train.py; there is a file of this name" in livecb_run("train.py").stderr
    assert recorded.runs == []


def test_metrics_of_the_users_own_are_found(recorded: Recorded) -> None:
    code = "for i in range(3): print(f'[{i:03}] L={i / 2} took 0.{i} s, loss: 9.5')"
    done = run(code, "--metric", r"train/loss=L=([0-9.]+)", "--metric", r"step=^\[(\d+)\]", "--no-patterns")
    assert (done.returncode, done.stderr) == (0, b"")
    assert [(e.step, dict(e.values)) for e in recorded.of(events.Metrics)] == [
        (0, {"train/loss": 0.0}), (1, {"train/loss": 0.5}), (2, {"train/loss": 1.0}),
    ]  # fmt: skip


def test_a_pattern_that_matches_no_number_is_told_once_with_the_cure(recorded: Recorded) -> None:
    done = run("for i in range(3): print('loss: high', i)", "--metric", r"loss=loss: (\w+)")
    assert done.returncode == 0
    assert done.stderr.count(b"matched 'high', which is no number") == 1
    assert b"put the parentheses around the number alone" in done.stderr
    assert recorded.of(events.Metrics) == []
    assert len(lines(recorded)) == 3


def test_output_that_is_no_text_goes_on_as_it_is(recorded: Recorded) -> None:
    code = r"""
    import os, time
    for byte in "grün ✓ 🙂\n".encode():
        os.write(1, bytes([byte])); time.sleep(0.002)
    os.write(1, b"\xff\xfe\x00 loss: 0.5\n")
    """
    done = run(code)
    assert done.stdout == "grün ✓ 🙂\n".encode() + b"\xff\xfe\x00 loss: 0.5\n"
    assert lines(recorded) == [("stdout", "grün ✓ 🙂"), ("stdout", "�� loss: 0.5")]
    assert [dict(e.values) for e in recorded.of(events.Metrics)] == [{"loss": 0.5}]


def test_a_million_characters_pass_unchanged(recorded: Recorded) -> None:
    code = "import sys; sys.stdout.write('x' * 10**6 + '\\n' + 'y' * 5)"
    assert run(code).stdout == b"x" * 10**6 + b"\n" + b"y" * 5
    assert [(len(message), set(message)) for _, message in lines(recorded)] == [(16_384, {"x"}), (5, {"y"})]


def test_both_streams_into_one_file_keep_their_order(recorded: Recorded, tmp_path: Path) -> None:
    code = "import os\nfor i in range(200): os.write(1 + i % 2, b'%d\\n' % i)"
    with (tmp_path / "out").open("wb") as file:
        subprocess.run(words(code), stdout=file, stderr=file, timeout=60, check=True)
    wanted = [str(i) for i in range(200)]
    assert (tmp_path / "out").read_text().split() == wanted
    assert [message for _, message in lines(recorded)] == wanted


def test_what_reads_no_more_ends_the_program_as_it_would_have() -> None:
    code = f"{PYTHON} -m livecb run -- yes | head -n 2; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["y", "y", "141"]


def test_stdin_is_passed_through(recorded: Recorded) -> None:
    done = run("print(input() + '!')", input=b"hello\n")
    assert done.stdout == b"hello!\n"
    assert lines(recorded) == [("stdout", "hello!")]


def test_a_script_that_uses_livecb_itself_adds_to_the_run(recorded: Recorded) -> None:
    code = """
    import livecb, time
    with livecb.init("digits", "a name", config={"lr": 0.1}) as run:
        for step in range(1, 4):
            run.log({"train/loss": 1 / step}, step=step)
        print("loss: 0.25")
        time.sleep(0.2)
        print("loss: 0.75")
    """
    assert run(code).returncode == 0
    ended = end(recorded)
    assert ended.status == "completed"
    found = [dict(e.values) for e in recorded.of(events.Metrics)]
    assert [values["train/loss"] for values in found if "train/loss" in values] == [1, 1 / 2, 1 / 3]
    assert {"loss": 0.75} not in found
    assert ("stdout", "loss: 0.75") in lines(recorded)
    state = recorded.state()
    assert state.to_dict(alive=False, now=time.time())["config"] == {"lr": 0.1}


def test_a_disabled_livecb_only_runs_the_program(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVECB_MODE", "disabled")
    done = run("import os; print(os.environ.get('LIVECB_RUN_ID')); raise SystemExit(4)")
    assert (done.stdout, done.returncode) == (b"None\n", 4)
    assert recorded.runs == []


def test_what_the_program_left_running_is_not_waited_for(recorded: Recorded) -> None:
    code = "import subprocess; subprocess.Popen(['sleep', '30']); print('on')"
    began = time.monotonic()
    process = start(code)
    assert process.stdout is not None
    assert process.stdout.readline() == b"on\n"
    assert process.wait(20) == 0
    assert time.monotonic() - began < 15
    process.stdout.close()
    assert process.stderr is not None
    process.stderr.close()
    assert end(recorded).status == "completed"


def test_what_it_left_running_is_not_listened_to_for_ever(recorded: Recorded) -> None:
    background = "while sleep 0.01; do echo on || exit; done"
    began = time.monotonic()
    done = subprocess.run(
        [PYTHON, "-m", "livecb", "run", "--", "sh", "-c", f"({background}) & sleep 0.2; echo end"],
        stdout=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    assert time.monotonic() - began < 15
    assert done.returncode == 0
    assert b"end\n" in done.stdout
    assert end(recorded).status == "completed"


def test_a_run_is_served_by_a_server_that_hears_signals(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    monkeypatch.delenv("LIVECB_MODE")
    process = start(READY.format(before="pass"), "--port", str(free_port))
    assert process.stderr is not None
    said = process.stderr.readline().decode()
    assert said.startswith(f"livecb: http://127.0.0.1:{free_port}/")
    found = next(
        each
        for each in psutil.net_connections("tcp")
        if each.laddr.port == free_port and each.status == "LISTEN"
    )
    server = psutil.Process(found.pid)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    server.terminate()
    server.wait(20)
    assert process.returncode == 130
