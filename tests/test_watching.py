"""`livecb watch` in a real terminal, over a real training."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time

import pytest

import livecb
from livecb.server import launch

WATCH = [sys.executable, "-m", "livecb", "watch"]
TRAIN = """
import livecb, time
with livecb.init(name="mlp", sinks=[], capture=None, system_interval=0) as run:
    for step in run.track(range(100_000)):
        run.log({"train/loss": 1 / (step + 1), "train/acc": step / 100_000})
        if step == 3:
            print(run.id, flush=True)
        time.sleep(0.01)
"""


class Terminal:
    """A terminal with a person in front of it."""

    def __init__(self, *words, rows=24, columns=80, term="xterm-256color"):
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.read(0, 1)  # the size is known by then
            os.environ["TERM"] = term
            os.execv(WATCH[0], [*WATCH, *words])
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.type("\n")
        self.seen = b""

    def type(self, text):
        os.write(self.master, text.encode())

    def wait_for(self, text):
        deadline = time.monotonic() + 30
        while text.encode() not in self.seen:
            ready, _, _ = select.select([self.master], [], [], max(0, deadline - time.monotonic()))
            assert ready, self.seen[-3000:]
            self.seen += os.read(self.master, 65536)

    def end(self):
        """Return what was left in the terminal last, and the exit code."""
        try:
            while chunk := os.read(self.master, 65536):
                self.seen += chunk
        except OSError:
            pass
        os.close(self.master)
        last = re.sub(rb"\x1b\[[0-9;?<]*[a-zA-Z]", b"", self.seen.rpartition(b"\x1b[?1049l")[2])
        last = last.decode().strip().splitlines()[-1]
        return last, os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@pytest.fixture
def training(store):
    process = subprocess.Popen([sys.executable, "-c", TRAIN], stdout=subprocess.PIPE, text=True)
    process.run_id = process.stdout.readline().strip()
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.fixture
def finished(store):
    with livecb.init(name="mlp", sinks=[], capture=None, system_interval=0) as run:
        for step in range(30):
            run.log({"train/loss": 1 / (step + 1)})
    return run


def test_a_training_is_watched_and_stopped_from_a_terminal(training):
    terminal = Terminal("--by", "ada")
    terminal.wait_for("running")
    terminal.wait_for("accuracy")
    terminal.type("x")
    terminal.wait_for("stop mlp?")
    terminal.type("y")
    assert training.wait(30) == 0
    terminal.wait_for("stopped")
    terminal.type("q")
    last, code = terminal.end()
    assert last.startswith("livecb: mlp: stopped in ")
    assert code == 0


def test_a_run_is_watched_through_a_server_by_its_address(training, store):
    server = launch.ThreadServer(store, port=0)
    terminal = Terminal(server.start().url(training.run_id))
    terminal.wait_for("running")
    terminal.wait_for("accuracy")
    terminal.type("q")
    last, code = terminal.end()
    server.stop()
    assert last.startswith("livecb: mlp: running for ")
    assert code == 0


def test_ctrl_c_leaves_as_q_does(finished):
    terminal = Terminal()
    terminal.wait_for("completed")
    terminal.type("\x03")
    last, code = terminal.end()
    assert last.startswith("livecb: mlp: completed in ")
    assert code == 0


def test_a_terminal_that_cannot_draw_gets_lines(finished):
    terminal = Terminal("latest", term="dumb")
    last, code = terminal.end()
    assert last.endswith("run completed")
    assert code == 0


def test_a_pipe_gets_lines_from_a_server_too(finished, store):
    server = launch.ThreadServer(store, port=0)
    done = subprocess.run([*WATCH, "--url", server.start().url()], capture_output=True, text=True, timeout=60)
    server.stop()
    assert done.stdout.splitlines()[-1].endswith("run completed")
    assert done.returncode == 0


def test_a_folder_and_an_address_are_one_too_many(tmp_path):
    words = ["--dir", str(tmp_path), "--url", "http://127.0.0.1:1/"]
    done = subprocess.run([*WATCH, *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "got both" in done.stderr


def test_without_textual_the_cure_is_named(finished):
    code = (
        "import sys; sys.modules['textual'] = sys.modules['textual_plotext'] = None\n"
        "sys.argv = ['livecb', 'watch']\n"
        "sys.stdout.isatty = sys.stdin.isatty = lambda: True\n"
        "from livecb.cli import main\nmain()"
    )
    env = {**os.environ, "TERM": "xterm"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env=env)
    assert done.returncode == 1
    assert "pip install 'livecb[watch]'" in done.stderr
