"""The command line, as real processes."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import jsonschema
import pytest

import livecb
from livecb import browser
from livecb.server import launch

TRAIN = """
import livecb, sys
with livecb.init(name="mlp", sinks=[], capture=None, system_interval=0) as run:
    print(run.id, flush=True)
    for step in range(1, 6):
        run.log({"train/loss": 1 / step}, step=step)
    for line in sys.stdin:
        if line == "fail\\n":
            raise ValueError("boom")
        run.text(line.strip())
"""


def command(*words):
    return [sys.executable, "-m", "livecb", *words]


def livecb_(*words):
    return subprocess.run(command(*words), capture_output=True, text=True, timeout=60, check=False)


def start(*words, **more):
    return subprocess.Popen(
        command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more
    )


@pytest.fixture
def finished(store):
    with livecb.init(name="mlp", project="digits", sinks=[], capture=None, system_interval=0) as run:
        for step in range(1, 31):
            run.log({"train/loss": 1 / step}, step=step)
    return run


@pytest.fixture
def training():
    """A training in a process of its own, that does what it is told."""
    process = subprocess.Popen(
        [sys.executable, "-c", TRAIN],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    process.run_id = process.stdout.readline().strip()
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_its_version_is_the_package_s():
    assert livecb_("--version").stdout == f"livecb, version {livecb.__version__}\n"


# ls


def test_ls_lists_the_runs_of_a_store(finished):
    head, row = livecb_("ls").stdout.splitlines()
    assert head.split() == ["RUN", "NAME", "STATUS", "PROGRESS", "UPDATED", "LAST", "VALUES"]
    assert row.startswith(f"{finished.id}  mlp   completed  30 steps  ")
    assert row.endswith(" ago  train/loss 0.03333")


def test_ls_in_a_terminal_is_as_wide_as_that(finished, store):
    store.run(finished.id).label(name="a-name-" * 9)
    master, slave = os.openpty()
    ls = subprocess.Popen(command("ls"), stdout=slave, env={**os.environ, "COLUMNS": "60"})
    assert ls.wait(60) == 0
    os.close(slave)
    lines = os.read(master, 9999).decode().splitlines()
    os.close(master)
    assert len(lines) == 2
    assert max(map(len, lines)) <= 60
    assert "…" in lines[1]
    assert "completed" in lines[1]
    assert "a-name-" * 9 in livecb_("ls").stdout


def test_ls_prints_rows_as_the_http_api_has_them(finished):
    row = json.loads(livecb_("ls", "--json").stdout)
    assert (row["run"], row["project"], row["metrics"]) == (
        finished.id, "digits", {"train/loss": {"value": 1 / 30, "step": 30, "best": 1 / 30, "goal": "min"}},
    )  # fmt: skip


def test_ls_of_a_long_run_shows_its_beginning_and_its_end(store):
    with livecb.init(name="long", project="p", sinks=[], capture=None, system_interval=0) as run:
        for step in range(1, 70_001):
            run.log({"train/loss": 1 / step}, step=step)
    row = json.loads(livecb_("ls", "--json").stdout)
    assert (row["name"], row["project"], row["status"]) == ("long", "p", "completed")
    assert row["metrics"]["train/loss"]["step"] == 70_000


def test_ls_of_an_empty_store_says_so():
    result = livecb_("ls")
    assert (result.returncode, result.stdout) == (0, "")
    assert "no runs in" in result.stderr


def test_a_folder_that_is_not_there_is_told():
    result = livecb_("ls", "--dir", "/nowhere/at/all")
    assert result.returncode == 2
    assert "no folder /nowhere/at/all" in result.stderr


@pytest.mark.parametrize("words", [("ls",), ("tail", "latest"), ("view",)])
def test_a_store_that_cannot_be_read_is_told(store, words):
    store.root.mkdir()
    (store.root / "file").touch()
    result = livecb_(*words, *(["--dir"] if words[0] != "view" else []), str(store.root / "file"))
    assert result.returncode == 2
    assert "is a file" in result.stderr


# tail


def test_tail_prints_the_last_lines_of_a_finished_run(finished):
    result = livecb_("tail", "mlp", "-n", "2")
    assert result.returncode == 0
    metrics, ended = result.stdout.splitlines()
    assert metrics.endswith("step 30  train/loss 0.03333")
    assert ended.endswith("run completed")


def test_tail_counts_the_lines_that_it_shows(store):
    with livecb.init(sinks=[], capture=None, system_interval=0) as run:
        run.log({"loss": 0.5}, step=3)
        for done in range(30):
            run.progress(done, 30)
        run.text("\x1b[31mover\x1b[0m")
    lines = livecb_("tail", "latest", "-n", "3").stdout.splitlines()
    assert [line.split("  ", 1)[1] for line in lines] == ["step 3  loss 0.5", "over", "run completed"]


def test_tail_tells_one_attempt_from_the_other_and_each_line_once(store):
    for resumed in ({}, {"resume": True, "resumed_step": 1}):
        with livecb.init(id="again", sinks=[], capture=None, system_interval=0, **resumed) as run:
            for step in (2, 3):
                run.log({"loss": step / 4}, step=step)
    result = livecb_("tail", "again", "--from-start")
    assert result.returncode == 0
    first, second = (line.split("  ", 1)[1] for line in result.stdout.splitlines() if "run started" in line)
    assert "attempt" not in first
    assert second.endswith("attempt 2  from step 1")
    assert sum("loss 0.75" in line for line in result.stdout.splitlines()) == 2


def test_tail_prints_lines_as_they_stand(finished):
    printed = livecb_("tail", finished.id, "--json", "--from-start").stdout
    assert printed == (finished.folder / "events.jsonl").read_text()


def test_tail_prints_only_the_types_asked_for(finished):
    printed = livecb_("tail", "latest", "--types", "run_started,logs", "--from-start").stdout
    assert len(printed.splitlines()) == 1
    assert "run started:" in printed


def test_tail_follows_a_run_to_its_end(training):
    tail = start("tail", training.run_id, "--types", "logs,run_ended")
    for word in ("one", "two"):
        training.stdin.write(f"{word}\n")
        training.stdin.flush()
        assert tail.stdout.readline().rstrip().endswith(word)
    training.communicate()
    assert "run completed" in tail.stdout.read()
    assert tail.wait(20) == 0


def test_tail_of_a_run_that_fails_ends_with_1(training):
    tail = start("tail", "latest")
    training.communicate("fail\n")
    out, _ = tail.communicate(timeout=20)
    assert "ValueError: boom" in out
    assert tail.returncode == 1


def test_tail_of_a_run_that_is_killed_says_so_and_ends_with_1(training):
    tail = start("tail", "latest")
    assert tail.stdout.readline()
    training.send_signal(signal.SIGKILL)
    training.wait()
    _, err = tail.communicate(timeout=20)
    assert (tail.returncode, err) == (1, "livecb: the run has crashed\n")


def test_tail_that_does_not_follow_leaves_a_living_run_alone(training):
    result = livecb_("tail", "latest", "--no-follow")
    assert result.returncode == 0
    assert "step 5" in result.stdout


def test_tail_is_left_with_ctrl_c(training):
    tail = start("tail", "latest")
    assert tail.stdout.readline()
    tail.send_signal(signal.SIGINT)
    _, err = tail.communicate(timeout=20)
    assert (tail.returncode, err) == (130, "")


def test_tail_of_an_unknown_run_names_those_near(finished):
    result = livecb_("tail", "mpl")
    assert result.returncode == 2
    assert "near it: mlp" in result.stderr


@pytest.mark.parametrize("types", ["a b", "bogus", "logs,metric"])
def test_tail_of_types_that_there_are_not_names_those_there_are(finished, types):
    result = livecb_("tail", "latest", "--types", types)
    assert (result.returncode, result.stdout) == (2, "")
    assert "training, progress, logs, media, system" in result.stderr
    assert "run_started, config, status, progress, metrics, log" in result.stderr
    assert f"got {types.split(',')[-1]!r}" in result.stderr


# view


def address_of(view, how=""):
    return re.fullmatch(
        rf"livecb: {how}(http://127\.0\.0\.1:(\d+)/)\?token=(\S+)\n", view.stdout.readline()
    ).groups()


def test_view_serves_the_store_until_ctrl_c(finished, store):
    view = start(
        "view", str(store.root), "--port", "0", "--no-browser", env={**os.environ, "SSH_CONNECTION": ""}
    )
    url, _, token = address_of(view)
    asked = urllib.request.Request(f"{url}api/runs", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(asked, timeout=10) as answer:
        assert [row["run"] for row in json.load(answer)["runs"]] == [finished.id]
    view.send_signal(signal.SIGINT)
    _, err = view.communicate(timeout=20)
    assert (view.returncode, err) == (0, "")


def test_view_takes_the_next_port_when_one_is_in_use(store):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        view = start("view", "--port", str(port), "--no-browser", env={**os.environ, "SSH_CONNECTION": ""})
        _, found, _ = address_of(view)
        assert port < int(found) < port + 200
    view.send_signal(signal.SIGTERM)
    _, err = view.communicate(timeout=20)
    assert f"port {port} is in use" in err


def test_view_of_a_store_that_is_served_already_shows_its_server_and_takes_its_place(store, free_port):
    port = str(free_port)
    quiet = {**os.environ, "SSH_CONNECTION": ""}
    first = start("view", "--port", port, "--no-browser", env=quiet)
    where = address_of(first)
    second = start("view", "--port", port, "--no-browser", env=quiet)
    assert address_of(second, "already served at ") == where
    first.send_signal(signal.SIGINT)
    assert first.communicate(timeout=20)[1] == ""
    deadline = time.monotonic() + 20
    while (address := launch.find(store.root)) is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert str(address.port) == port
    urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health", timeout=20).close()  # it hears by now
    second.send_signal(signal.SIGINT)
    assert second.communicate(timeout=20) == ("", "")
    assert second.returncode == 0


def test_view_that_waits_for_another_server_is_left_with_ctrl_c(store, free_port):
    env = {**os.environ, "SSH_CONNECTION": "", "LIVECB_PORT": str(free_port)}
    first = start("view", "--no-browser", env=env)
    first.stdout.readline()
    second = start("view", "--no-browser", env=env)
    assert "already served at http://" in second.stdout.readline()
    second.send_signal(signal.SIGINT)
    assert second.communicate(timeout=20) == ("", "")
    assert second.returncode == 0
    first.send_signal(signal.SIGINT)
    first.communicate(timeout=20)


def test_view_tells_how_to_reach_it_over_ssh(store):
    view = start("view", "--port", "0", env={**os.environ, "SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"})
    _, port, _ = address_of(view)
    assert f"ssh -L {port}:127.0.0.1:{port}" in view.stdout.readline()
    view.send_signal(signal.SIGINT)
    view.communicate(timeout=20)


def test_view_of_a_foreign_address_says_what_is_wrong(store):
    result = livecb_("view", "--host", "203.0.113.7", "--insecure", "--port", "0", "--no-browser")
    assert result.returncode == 1
    assert "cannot bind 203.0.113.7" in result.stderr


# schema


def test_the_schema_describes_every_line_of_a_run(finished, tmp_path):
    path = tmp_path / "schema.json"
    assert livecb_("schema", "-o", str(path)).returncode == 0
    schema = json.loads(path.read_text())
    assert json.loads(livecb_("schema").stdout) == schema
    validator = jsonschema.Draft202012Validator(schema)
    for line in (finished.folder / "events.jsonl").read_text().splitlines()[-3:]:
        validator.validate(json.loads(line))


def test_a_schema_that_cannot_be_written_is_told(tmp_path):
    result = livecb_("schema", "-o", str(tmp_path / "no" / "schema.json"))
    assert result.returncode == 1
    assert "cannot write" in result.stderr


# All


def test_listing_loads_no_server_and_no_framework():
    code = (
        "import sys; from livecb.cli import main\n"
        "try: main(['ls'], prog_name='livecb')\n"
        "except SystemExit: pass\n"
        "print([name for name in ('starlette', 'uvicorn', 'httpx', 'torch', 'numpy') if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert result.stdout == "[]\n"


def test_a_browsers_command_line_does_not_tell_the_token(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    detour = browser.detour("http://127.0.0.1:7117/?token=secret&x=1")
    assert "token=secret&amp;x=1" in detour.read_text()
    assert "secret" not in detour.as_uri()
    assert detour.parent.stat().st_mode & 0o077 == 0


# Commands

STEERED = """
import livecb, time
with livecb.init(name="steered", sinks=[], capture=None, system_interval=0) as run:
    rate = run.control("lr", 0.1, max=1)
    for step in run.track(range(3000)):
        if step == 0:
            print(run.id, flush=True)
        time.sleep(0.01)
"""


def test_a_training_is_paused_changed_and_stopped_from_the_command_line():
    process = subprocess.Popen([sys.executable, "-c", STEERED], stdout=subprocess.PIPE, text=True)
    try:
        run_id = process.stdout.readline().strip()
        for words, said in {
            ("pause", "--for", "60"): r"command:  pause  for 1 min 00 s  applied  by ada",
            ("set", "lr=0.5"): r"set  lr  0\.1 → 0\.5  applied  by ada",
            ("resume",): r"resume  applied",
        }.items():
            result = livecb_("send", run_id, *words, "--by", "ada")
            assert (result.returncode, result.stderr) == (0, "")
            assert re.search(said, result.stdout)
        refused = livecb_("send", run_id, "set", "lr=2")
        assert (refused.returncode, "at most 1" in refused.stdout) == (1, True)
        assert "set  lr  2  refused" in refused.stdout
        unable = livecb_("send", run_id, "save")
        assert (unable.returncode, "no place for it" in unable.stderr) == (1, True)
        assert livecb_("send", run_id, "stop").returncode == 0
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    late = livecb_("send", run_id, "stop")
    assert (late.returncode, "has ended" in late.stderr) == (1, True)
    assert "stopped" in livecb_("ls").stdout
    noted = livecb_("audit").stdout
    assert re.search(r"terminal +200 +send set +by=ada, parameter=lr, value=0\.5", noted)
    assert len(re.findall("send ", noted)) == 5


COMPARED = """
import time
from livecb.callbacks.sklearn import compare
from sklearn.base import BaseEstimator, ClassifierMixin
class Slow(ClassifierMixin, BaseEstimator):
    def fit(self, x, y):
        time.sleep(0.2)
        self.classes_ = [0, 1]
        return self
    def predict(self, x):
        return [0] * len(x)
found = compare(
    {"long": Slow(), "the second": Slow()}, [[0.0], [1.0]] * 300, [0, 1] * 300, cv=300, refit=False, name="compared",
    sinks=[], capture=None, system_interval=0,
)
print(found)
"""


def told_by(store):
    (run,) = store.run_ids()
    return (store.run(run).folder / "events.jsonl").read_bytes()


def test_models_of_a_comparison_are_dropped_and_skipped_from_the_command_line(store):
    process = subprocess.Popen([sys.executable, "-c", COMPARED], stdout=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 60
        while not store.run_ids() or b'"skip":["long"]' not in told_by(store):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        for words, said in {
            ("drop", "the", "second"): r"command:  drop  the second  applied  by ada",
            ("skip",): r"command:  skip  long  applied  by ada  with \d+ of 300 folds done",
        }.items():
            result = livecb_("send", "latest", *words, "--by", "ada", "--wait", "60")
            assert (result.returncode, result.stderr) == (0, ""), words
            assert re.search(said, result.stdout), result.stdout
        assert process.wait(60) == 0
        assert "long        skipped by ada" in process.stdout.read()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert b'"reason":"dropped by ada"' in told_by(store)


def test_what_is_no_command_is_a_usage_error(finished):
    for words in (
        ["dance"],
        ["set"],
        ["set", "lr"],
        ["stop", "now"],
        ["stop", "--for", "3"],
        ["drop"],
        ["add"],
    ):
        result = livecb_("send", finished.id, *words)
        assert result.returncode == 2, words
        assert "expected" in result.stderr or "is for pause" in result.stderr


HARM = "\x1b[31mred \x9b2J \x1b]0;title\x07 \rover\nnext \u202egnp \x7f"


def test_no_name_is_an_order_to_the_terminal(store):
    run = livecb.init(name=HARM, project=HARM, sinks=[], capture=None, system_interval=0)
    run.log({HARM: 1.0})
    run.text(HARM)
    run.finish()
    store.run(run.id).label(name=HARM, tags=[HARM])
    for words in (
        ["ls"],
        ["tail", run.id, "--no-follow", "--from-start"],
        ["tail", HARM[:9], "--no-follow"],
        ["tail", "\x1b[31mre"],
    ):
        said = livecb_(*words)
        shown = said.stdout + said.stderr
        assert shown
        assert [char for char in shown if char != "\n" and not char.isprintable()] == []


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal")
def test_json_in_a_terminal_says_the_same_and_orders_nothing(store):
    import pty

    livecb.init(name=HARM, sinks=[], capture=None, system_interval=0).finish()
    leader, follower = pty.openpty()
    listed = subprocess.run(command("ls", "--json"), stdout=follower, timeout=60, check=True)
    os.close(follower)
    shown = b""
    try:
        while more := os.read(leader, 65536):
            shown += more
    except OSError:  # how Linux says that the other end was closed
        pass
    os.close(leader)
    assert listed.returncode == 0
    line = shown.decode().rstrip("\r\n")
    assert [char for char in line if not char.isprintable()] == []
    assert json.loads(line)["name"] == HARM
