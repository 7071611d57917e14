"""Real processes that end in every way there is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import livecb
from forking import status_of_child
from livecb import endings, events
from livecb.events import decode
from livecb.state import State
from livecb.store import Store

PREPARE = """
import faulthandler, logging, os, signal, sys, threading, time
import livecb
run = livecb.init(id="r", sinks=[], system_interval=0)
run.log({"a": 1.0}, step=1)
"""


def train(code: str, *, kill: int | None = None) -> subprocess.CompletedProcess[str]:
    """Run a training to its end, or kill it once it says `ready`."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", PREPARE + code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    said = ""
    if kill is not None:
        said = process.stdout.readline()
        assert said == "ready\n"
        process.send_signal(kill)
    out, err = process.communicate(timeout=60)
    return subprocess.CompletedProcess([], process.returncode, said + out, err)


def ending(store: Store) -> events.RunEnded | None:
    last = decode(FileLines(store.run("r").part_path())[-1])
    return last if isinstance(last, events.RunEnded) else None


def test_a_script_that_ends_has_completed(store: Store) -> None:
    assert train("").returncode == 0
    ended = ending(store)
    assert ended is not None
    assert ended.status == "completed"
    assert not store.run("r").alive()


def test_an_uncaught_exception_is_failed_with_its_traceback_and_the_terminal_shows_it(store: Store) -> None:
    done = train("def deep():\n    raise ValueError('too hot')\ndeep()")
    assert done.returncode == 1
    assert done.stderr.count("ValueError: too hot") == 1
    ended = ending(store)
    assert ended is not None
    assert (ended.status, ended.error) == ("failed", "ValueError: too hot")
    assert "in deep" in (ended.traceback or "")


def test_ctrl_c_is_stopped_by_the_keyboard(store: Store) -> None:
    done = train("print('ready')\ntime.sleep(60)", kill=signal.SIGINT)
    assert "KeyboardInterrupt" in done.stderr
    ended = ending(store)
    assert ended is not None
    assert (ended.status, ended.by) == ("stopped", "keyboard")


def test_a_hook_of_the_users_is_still_called(store: Store) -> None:
    done = train("sys.excepthook = lambda *a: print('mine', a[1])\nraise ValueError('x')")
    assert done.stdout == "mine x\n"


def test_sigterm_kills_as_it_would_and_leaves_a_traceback(store: Store) -> None:
    done = train("def stuck():\n    print('ready')\n    time.sleep(60)\nstuck()", kill=signal.SIGTERM)
    assert done.returncode == -signal.SIGTERM
    assert done.stderr == ""
    run = store.run("r")
    assert not run.alive()
    assert "in stuck" in run.last_words()
    assert ending(store) is None


def test_sigterm_in_c_code_that_never_returns_kills_at_once(store: Store) -> None:
    # A Python handler would wait for the interpreter for ever: this holds it in a C loop.
    done = train("print('ready')\nsum(iter(int, 1))", kill=signal.SIGTERM)
    assert done.returncode == -signal.SIGTERM
    assert store.run("r").last_words()


def test_a_signal_handler_of_the_users_is_left_alone(store: Store) -> None:
    code = "signal.signal(signal.SIGTERM, lambda *a: sys.exit(7))\nprint('ready')\ntime.sleep(60)"
    assert train(code, kill=signal.SIGTERM).returncode == 7
    ended = ending(store)
    assert ended is not None


def test_a_signal_handler_of_the_users_outlives_the_run(store: Store) -> None:
    code = """
signal.signal(signal.SIGTERM, lambda *a: print("handled"))
if os.fork() == 0:
    os.kill(os.getpid(), signal.SIGTERM)
    os._exit(0)
print(os.wait()[1])
run.finish()
os.kill(os.getpid(), signal.SIGTERM)
"""
    done = train(code)
    assert (done.returncode, done.stdout.split()) == (0, ["handled", "0", "handled"])


def test_with_two_runs_in_one_process_no_file_of_the_users_is_written_to(store: Store) -> None:
    code = """
livecb.init(id="second", sinks=[], system_interval=0).finish()
file = open(os.environ["LIVECB_DIR"] + "/checkpoint", "wb", buffering=0)
file.write(b"precious")
os.kill(os.getpid(), signal.SIGTERM)
"""
    assert train(code).returncode == -signal.SIGTERM
    assert (store.root / "checkpoint").read_bytes() == b"precious"
    assert "line" in store.run("r").last_words()


def test_a_hook_that_does_not_pass_on_hides_no_failure(store: Store) -> None:
    train("sys.excepthook = lambda *a: None\nraise ValueError('too hot')")
    ended = ending(store)
    assert ended is not None
    assert (ended.status, ended.error) == ("failed", "ValueError: too hot")


def test_a_handler_of_signals_may_log_and_finish_at_any_moment(store: Store) -> None:
    code = """
signal.signal(signal.SIGALRM, lambda *a: run.log({"from the handler": 1.0}, step=0))
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
for step in range(60_000):
    run.log({"a": 1.0}, step=step)
signal.setitimer(signal.ITIMER_REAL, 0)
signal.signal(signal.SIGALRM, lambda *a: run.finish("stopped"))
run._closers.append(lambda: os.kill(os.getpid(), signal.SIGALRM))
run.finish()
"""
    assert train(code).returncode == 0
    seqs = [decode(line).seq for line in FileLines(store.run("r").part_path())]
    assert sorted(seqs) == list(range(len(seqs)))
    assert ending(store) is not None


def test_hangups_that_are_ignored_stay_ignored(store: Store) -> None:
    code = "os.kill(os.getpid(), signal.SIGHUP)\nprint('alive')"
    process = subprocess.run(
        ["nohup", sys.executable, "-c", PREPARE + code],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert (process.returncode, process.stdout) == (0, "alive\n")
    assert store.run("r").last_words() == ""


@pytest.mark.parametrize("code", ["os._exit(0)", "os.kill(os.getpid(), signal.SIGKILL)", "os.abort()"])
def test_a_process_that_says_nothing_is_gone_without_an_ending(store: Store, code: str) -> None:
    train(code)
    run = store.run("r")
    assert not run.alive()
    assert run.last_words() == ""
    assert ending(store) is None


def test_nothing_that_returned_is_lost_on_kill_9(store: Store) -> None:
    code = """
acknowledged = os.open(os.environ["LIVECB_DIR"] + "/acknowledged", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
step = 1
while True:
    step += 1
    run.log({"a": 0.5, "b": 1.5}, step=step)
    os.write(acknowledged, b"%d\\n" % step)
    if step == 100:
        print("ready")
"""
    train(code, kill=signal.SIGKILL)
    told = [int(line) for line in (store.root / "acknowledged").read_text().split()]
    lines = FileLines(store.run("r").part_path())
    steps = [event.step for event in map(decode, lines) if isinstance(event, events.Metrics)]
    assert len(told) > 90
    assert steps[: len(told) + 1] == [1, *told]
    assert len(steps) - len(told) - 1 in (0, 1)  # the one that was written and not yet told


def FileLines(path: Path) -> list[bytes]:  # noqa: N802
    """All whole lines of a file."""
    return path.read_bytes().split(b"\n")[:-1]


def test_a_reader_sees_at_once_that_the_writer_lives_and_dies(store: Store) -> None:
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", PREPARE + "print('ready')\ntime.sleep(60)"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    assert store.run("r").alive()
    process.kill()
    process.wait()
    assert not store.run("r").alive()


def test_a_data_loader_worker_that_outlives_the_trainer_does_not_keep_it_alive(store: Store) -> None:
    code = """
child = os.fork()
if child == 0:
    os.setsid()
    time.sleep(60)
    os._exit(0)
print(child)
os.kill(os.getpid(), signal.SIGKILL)
"""
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", PREPARE + code], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    worker = int(process.stdout.readline())
    process.wait()
    try:
        os.kill(worker, 0)
        assert not store.run("r").alive()
    finally:
        os.kill(worker, signal.SIGKILL)


def test_a_terminated_worker_does_not_speak_for_the_trainer(store: Store) -> None:
    code = """
read, write = os.pipe()
child = os.fork()
if child == 0:
    os.write(write, b"up")
    time.sleep(60)
os.read(read, 2)
os.kill(child, signal.SIGTERM)
os.waitpid(child, 0)
os.kill(os.getpid(), signal.SIGKILL)
"""
    train(code)
    assert store.run("r").last_words() == ""


def test_a_forked_child_that_exits_ends_nothing(store: Store) -> None:
    code = """
child = os.fork()
if child == 0:
    sys.exit(0)
os.waitpid(child, 0)
os.kill(os.getpid(), signal.SIGKILL)
"""
    train(code)
    assert ending(store) is None


def test_the_exit_code_stays_the_scripts_own(store: Store) -> None:
    assert train("sys.exit(3)").returncode == 3
    assert train("run.finish()\nsys.exit(4)").returncode == 4


@pytest.mark.parametrize(
    ("code", "returned", "told"),
    [
        ("sys.exit(3)", 3, ("failed", "exit code 3")),
        ("sys.exit('no data')", 1, ("failed", "exit code 1")),
        ("with run: sys.exit('no data')", 1, ("failed", "exit code 1")),
        ("try: sys.exit(3)\nfinally: run.text('bye'); run.note('bye'); run.system(cpu=1.0)", 3, ("failed", "exit code 3")),
        ("for _ in run.track(range(9)): run.log({'a': 1.0}); sys.exit(3)", 3, ("failed", "exit code 3")),
        ("try:\n  for _ in run.track(range(9)): sys.exit(3)\nfinally: run.log({'test': 1.0})", 3, ("failed", "exit code 3")),
        ("for _ in run.track(range(9), phase='judge'): sys.exit(3)", 3, ("failed", "exit code 3")),
        ("for _ in run.track(range(9), unit='epoch'): sys.exit(3)", 3, ("failed", "exit code 3")),
        ("sys.exit()", 0, ("completed", None)),
        ("sys.exit(None)", 0, ("completed", None)),
        ("sys.exit(0)", 0, ("completed", None)),
    ],
)  # fmt: skip
def test_an_exit_code_tells_the_end(
    store: Store, code: str, returned: int, told: tuple[str, str | None]
) -> None:
    done = train(code)
    assert done.returncode == returned
    ended = ending(store)
    assert ended is not None
    assert (ended.status, ended.reason) == told
    if "no data" in code:
        assert done.stderr == "no data\n"
        assert ended.error == "SystemExit: no data"


@pytest.mark.parametrize(
    "code",
    [
        "run.log({'a': 1.0}, step=2)",
        "for _ in run.track(range(9)): pass",
        "sys.exit(0)",
    ],
)
def test_an_exit_that_was_caught_and_trained_on_after_ends_nothing(store: Store, code: str) -> None:
    assert train(f"try: sys.exit(3)\nexcept SystemExit: pass\n{code}").returncode == 0
    ended = ending(store)
    assert ended is not None
    assert ended.status == "completed"


def test_an_exit_of_another_thread_is_not_the_processs(store: Store) -> None:
    code = "thread = threading.Thread(target=sys.exit, args=(3,))\nthread.start()\nthread.join()"
    assert train(code).returncode == 0
    ended = ending(store)
    assert ended is not None
    assert ended.status == "completed"


def test_exit_and_the_hooks_are_what_they_were_while_no_run_lives() -> None:
    code = """
import sys, threading
before = sys.exit, sys.excepthook, threading.excepthook
import livecb
first = livecb.init(sinks=[])
second = livecb.init(sinks=[])
ours = sys.exit, sys.excepthook, threading.excepthook
print(*(a is b for a, b in zip(before, ours)), sys.exit.__name__, sys.exit.__doc__ == before[0].__doc__)
first.finish()
print(sys.exit is ours[0])
second.finish()
print(*(a is b for a, b in zip(before, (sys.exit, sys.excepthook, threading.excepthook))))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines() == ["False False False exit True", "True", "True True True"], done.stderr


def test_the_thread_that_trains_ends_the_run_with_its_exception_at_once(store: Store) -> None:
    code = """
def deep():
    raise ValueError("too hot")
def training():
    global run
    run = livecb.init(id="r", sinks=[], system_interval=0)
    deep()
run.finish()
thread = threading.Thread(target=training)
thread.start()
thread.join()
print(run.active, threading.excepthook is threading.__excepthook__)
"""
    done = train(code)
    assert (done.returncode, done.stdout) == (0, "False True\n")
    assert done.stderr.count("ValueError: too hot") == 1
    ended = ending(store)
    assert ended is not None
    assert (ended.status, ended.reason, ended.error) == ("failed", "ValueError", "ValueError: too hot")
    assert "in deep" in (ended.traceback or "")


def test_another_threads_exception_is_a_line_of_the_log(store: Store) -> None:
    code = """
follow = threading.excepthook
threading.excepthook = lambda args: (print("mine", args.exc_value), follow(args))
def deep():
    raise ValueError("too hot")
thread = threading.Thread(target=deep, name="loader")
thread.start()
thread.join()
print(run.active)
"""
    done = train(code)
    assert done.stdout == "mine too hot\nTrue\n"
    lines = [decode(line) for line in FileLines(store.run("r").part_path())]
    (said,) = [event for event in lines if isinstance(event, events.Log)]
    assert (said.level, said.logger) == ("ERROR", "threading")
    assert said.message.startswith("Exception in thread loader:\nTraceback")
    assert said.message.endswith("ValueError: too hot")
    ended = ending(store)
    assert ended is not None
    assert ended.status == "completed"


TWO = "second = livecb.init(id='second', sinks=[], system_interval=0)\n"
KILL = "os.kill(os.getpid(), signal.SIGTERM)\n"


def status(store: Store, run_id: str) -> str:
    run = store.run(run_id)
    state = State(run_id)
    state.feed([decode(line) for line in run.log().read().lines])
    return str(state.to_dict(alive=run.alive(), now=0.0, last_words=run.last_words())["status"])


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (TWO + KILL, ("killed", "killed")),
        (TWO + "second.finish()\n" + KILL, ("killed", "completed")),
        (TWO + "run.finish()\n" + KILL, ("completed", "killed")),
        (TWO + "run.finish()\nlivecb.init(id='r', sinks=[])\n" + KILL, ("killed", "killed")),
        (TWO + "second.finish()\nos.kill(os.getpid(), signal.SIGKILL)", ("crashed", "completed")),
    ],
)
def test_every_run_of_a_killed_process_says_so(store: Store, code: str, told: tuple[str, str]) -> None:
    train(code)
    assert (status(store, "r"), status(store, "second")) == told


def test_without_links_the_run_begun_last_was_killed_all_the_same(store: Store) -> None:
    train("def link(*a): raise OSError\nos.link = link\n" + TWO + KILL)
    assert (status(store, "r"), status(store, "second")) == ("crashed", "killed")


def test_last_words_are_no_trouble_where_none_can_be_left(store: Store) -> None:
    done = train("""
os.mkdir(os.environ["LIVECB_DIR"] + "/second")
os.mkdir(os.environ["LIVECB_DIR"] + "/second/writer.words")
second = livecb.init(id="second", sinks=[], system_interval=0)
second.log({"a": 1.0})
second.finish()
""")
    assert done.returncode == 0
    assert "will look like a crash" in done.stderr
    assert (status(store, "r"), status(store, "second")) == ("completed", "completed")


def test_the_next_attempt_does_not_inherit_last_words(store: Store) -> None:
    train(TWO + KILL)
    train("os.kill(os.getpid(), signal.SIGKILL)")
    assert (status(store, "r"), status(store, "second")) == ("crashed", "killed")
    train("")
    assert (status(store, "r"), status(store, "second")) == ("completed", "killed")


def test_a_number_that_is_still_on_its_device_is_a_sign_of_training_too(run: livecb.Run) -> None:
    run.step = 1
    exit = endings.Exit(run, 3)
    run.log({"a": 1.0})
    assert not exit.was_caught(run)
    run._queue.append((events.Metrics, {"seq": run._seq, "step": 2, "batch": None}))
    assert exit.was_caught(run)
    run._queue.clear()


class Module:
    """With an `exit`; something happens, once, right before that is replaced, or right after."""

    def __init__(self) -> None:
        self.__dict__.update(exit=sys.exit, before=None, after=None)

    def __setattr__(self, name: str, value: object) -> None:
        self._happen("before")
        self.__dict__[name] = value
        self._happen("after")

    def _happen(self, when: str) -> None:
        amid, self.__dict__[when] = self.__dict__[when], None
        if amid is not None:
            amid()


@pytest.fixture
def followed(monkeypatch: pytest.MonkeyPatch) -> list[Module]:
    """Modules that are followed while a run lives, and none does."""
    modules = [Module(), Module()]
    hooks = tuple(endings.Followed(module, "exit", endings._follow_exits) for module in modules)
    monkeypatch.setattr(endings, "_FOLLOWED", hooks)
    monkeypatch.setattr(endings, "_live", {})
    return modules


def are_followed(modules: list[Module]) -> list[bool]:
    return [module.__dict__["exit"] is not sys.exit for module in modules]


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("where", ["thread", "handler"])
def test_a_run_that_begins_while_the_last_one_ends_is_followed(
    followed: list[Module], where: str, when: str, which: int
) -> None:
    first, second = livecb.Run(None), livecb.Run(None)
    begins = threading.Thread(target=endings.watch, args=(second,))

    def in_a_thread() -> None:
        begins.start()
        begins.join(0.2)  # it may have to wait for us

    endings.watch(first)
    amid = in_a_thread if where == "thread" else lambda: endings.watch(second)
    followed[which].__dict__[when] = amid
    endings.unwatch(first)
    if where == "thread":
        begins.join()
    assert are_followed(followed) == [True, True]
    endings.unwatch(second)
    assert are_followed(followed) == [False, False]


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_run_that_begins_while_a_handler_of_signals_ends_the_only_one_is_followed(
    followed: list[Module], when: str, which: int
) -> None:
    first, second = livecb.Run(None), livecb.Run(None)
    followed[which].__dict__[when] = lambda: (endings.watch(first), endings.unwatch(first))
    endings.watch(second)
    assert are_followed(followed) == [True, True]
    endings.unwatch(second)
    assert are_followed(followed) == [False, False]


def test_a_run_is_found_while_others_come_and_go(monkeypatch: pytest.MonkeyPatch) -> None:
    class Busy(livecb.Run):
        """While its id is looked at, another run begins."""

        @property
        def id(self) -> str:  # type: ignore[override]
            endings._live[livecb.Run(None)] = threading.current_thread()
            return "busy"

        @id.setter
        def id(self, value: str) -> None:
            pass

    sought = livecb.Run(None)
    sought.id = "sought"
    monkeypatch.setattr(endings, "_live", dict.fromkeys([Busy(None), sought], threading.current_thread()))
    assert endings.live_run("sought") is sought


def test_a_child_that_is_forked_while_a_run_ends_can_begin_one() -> None:
    assert status_of_child(endings._turn, lambda: endings.watch(livecb.Run(None))) == 0
