"""The server as a process: found, started once, gone by itself, stopped at once."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest
from watching import Served, Writer, client_of, launch_ended, python, raw_request, server_pid, take, until

from livecb.errors import ServerError
from livecb.server import launch
from livecb.server.door import Door
from livecb.store import Store

HOLD = """
import sys, time
from pathlib import Path
from livecb.lock import WriterLock
lock = WriterLock(Path(sys.argv[1]))
assert lock.acquire()
print("held", flush=True)
time.sleep(60)
"""


def test_a_launched_server_is_found_by_whoever_looks(
    store: Store, start_server: Callable[..., Served], free_port: int
) -> None:
    served = start_server(free_port)
    assert launch.find(store.root) == served.address
    assert launch.find(store.root, free_port) == served.address
    assert launch.find(store.root, free_port + 1) is None
    assert launch.find(store.root.with_name("other")) is None
    assert launch.ensure(store.root) == served.address
    assert served.client.get("api/health").json()["pid"] == server_pid(store, free_port)


def test_launching_brings_no_web_framework_into_a_training(store: Store) -> None:
    code = (
        "import sys, livecb.server.launch as launch\n"
        "launch.find(sys.argv[1])\n"
        "print([name for name in ('starlette', 'uvicorn', 'anyio', 'websockets') if name in sys.modules])"
    )
    process = python(code, str(store.root))
    assert process.communicate(timeout=30)[0].strip() == "[]"


def test_a_killed_server_is_not_found_though_its_entry_stands(
    store: Store, start_server: Callable[..., Served], free_port: int
) -> None:
    start_server(free_port)
    pid = server_pid(store, free_port)
    os.kill(pid, signal.SIGKILL)
    until(lambda: launch.find(store.root) is None)
    assert launch.registry_path(store.root, free_port).exists()
    assert start_server(free_port).client.get("api/health").json()["pid"] != pid


def test_two_launches_at_once_end_with_one_server(store: Store, free_port: int) -> None:
    servers = [launch.start_process(store.root, port=free_port, linger=60) for _ in range(4)]
    addresses = {launch.wait_ready(server, store.root, free_port) for server in servers}
    until(lambda: sum(not server.ended() for server in servers) == 1)
    assert len(addresses) == 1
    for server in servers:
        server.end()
    assert all(server.ended() for server in servers)


def test_a_port_that_something_else_has_leads_to_the_next(
    store: Store, start_server: Callable[..., Served]
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        served = start_server(taken)
        assert served.address.port > taken
        assert launch.find(store.root, taken) == served.address
        assert f"port {taken} is in use" in launch.log_path(store.root).read_text()


def test_another_store_has_a_server_of_its_own(tmp_path: Path, start_server: Callable[..., Served]) -> None:
    served = start_server()
    other = Store(tmp_path / "other")
    address = launch.ensure(other.root, port=served.address.port, linger=30)
    assert address.port != served.address.port
    assert address.token != served.address.token
    theirs = client_of(address)
    theirs.client.headers["x-api-key"] = served.address.token or ""
    assert theirs.client.get("api/runs").status_code == 401
    os.kill(server_pid(other, address.port), signal.SIGTERM)
    until(lambda: launch.find(other.root) is None)


def test_a_server_that_nobody_needs_goes_by_itself(store: Store, free_port: int) -> None:
    server = launch.start_process(store.root, port=free_port, linger=0.5)
    launch.wait_ready(server, store.root, free_port)
    until(server.ended, 15)
    assert launch.find(store.root) is None
    assert not launch.registry_path(store.root, free_port).exists()


def test_a_server_stays_while_somebody_watches(store: Store, start_server: Callable[..., Served]) -> None:
    writer = Writer(store).start().end()
    served = start_server(linger=0.3)
    with served.stream(served.events(writer.run.id)) as stream:
        take(stream, 2)
        until(lambda: time.monotonic() - began > 2.5) if (began := time.monotonic()) else None
        assert launch.find(store.root) is not None
    until(lambda: launch.find(store.root) is None)


def test_a_server_stays_while_a_run_lives(store: Store, start_server: Callable[..., Served]) -> None:
    writer = Writer(store).start()
    holder = python(HOLD, str(writer.run.lock_path))
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    start_server(linger=0.3)
    began = time.monotonic()
    until(lambda: time.monotonic() - began > 2.5)
    assert launch.find(store.root) is not None
    holder.kill()
    holder.wait()
    until(lambda: launch.find(store.root) is None)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_server_stops_within_a_second_with_open_streams(
    store: Store, free_port: int, how: signal.Signals
) -> None:
    writer = Writer(store).live().start()
    server = launch.start_process(store.root, port=free_port, linger=60)
    served = client_of(launch.wait_ready(server, store.root, free_port))
    events = served.events(writer.run.id)
    deaf = raw_request(served.address, f"/{events}", "Accept: text/event-stream")
    with served.stream(events) as stream, served.stream("api/runs") as runs:
        for _ in range(10):
            writer.metrics(2000, pad=900)
        take(stream, 20_001)
        take(runs, 1, "runs")
        began = time.monotonic()
        os.kill(server_pid(store, free_port), how)
        assert take(stream, 1, "bye")[0].json["reason"]
        assert take(runs, 1, "bye")
        assert list(stream) == []
        until(server.ended, 10)
        took = time.monotonic() - began
    deaf.close()
    writer.die()
    assert took <= 1.0
    assert launch.find(store.root) is None


def test_a_killed_training_shows_as_crashed_within_five_seconds(
    store: Store, start_server: Callable[..., Served]
) -> None:
    writer = Writer(store).start()
    holder = python(HOLD, str(writer.run.lock_path))
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    served = start_server()
    with (
        served.stream(served.events(writer.run.id), state="1") as stream,
        served.stream("api/runs") as runs,
    ):
        assert take(stream, 1, "state")[0].json["status"] == "running"
        assert take(runs, 1, "runs")[0].json["runs"][0]["status"] == "running"
        began = time.monotonic()
        holder.kill()
        assert take(stream, 1, "writer")[0].json["alive"] is False
        assert take(stream, 1, "state")[0].json["status"] == "crashed"
        assert take(runs, 1, "runs")[0].json["runs"][0]["status"] == "crashed"
        assert time.monotonic() - began < 5
    holder.wait()


def test_a_store_that_cannot_be_written_is_served_all_the_same(store: Store, free_port: int) -> None:
    writer = Writer(store).start().metrics(3).end()
    for path in [store.root, *store.root.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    process = python(AS_A_READER, SERVE, str(store.root), str(free_port))
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        with httpx.Client(follow_redirects=True) as client:
            assert client.get(url).status_code == 200
            base = url.partition("?")[0]
            rows = client.get(base + "api/runs").json()["runs"]
            assert [row["run"] for row in rows] == [writer.run.id]
            assert len(client.get(base + f"api/runs/{writer.run.id}/events").json()["events"]) == 5
    finally:
        process.terminate()
        process.wait(10)
        store.root.chmod(0o755)


# The rights of files bind root only without this capability.
AS_A_READER = """
import ctypes, os, sys
if os.getuid() == 0:
    drop, override_rights = 24, 1
    assert ctypes.CDLL(None).prctl(drop, override_rights, 0, 0, 0) == 0
os.execv(sys.executable, [sys.executable, "-c", *sys.argv[1:]])
"""
SERVE = (
    "import sys; from livecb.store import Store; from livecb.server.serve import serve; "
    "serve(Store(sys.argv[1]), port=int(sys.argv[2]), on_ready=lambda a: print(a.url(), flush=True))"
)


def test_what_cannot_be_started_says_why(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ServerError, match=r"203\.0\.113\.9"):
        launch.ensure(store.root, door=Door(host="203.0.113.9", insecure=True), port=0)
    monkeypatch.setenv("LIVECB_PORT", "the usual")
    with pytest.raises(ServerError, match="LIVECB_PORT"):
        launch.ensure(store.root)


def test_the_address_is_for_a_browser() -> None:
    assert launch.Address("127.0.0.1", 7117, "t").url() == "http://127.0.0.1:7117/?token=t"
    assert launch.Address("0.0.0.0", 1, "t").url("a-run") == "http://127.0.0.1:1/r/a-run?token=t"
    assert launch.Address("::1", 1, None).url() == "http://[::1]:1/"


def test_a_server_starts_beside_files_named_like_its_modules(
    tmp_path: Path, store: Store, free_port: int
) -> None:
    for name in ("token.py", "types.py", "starlette.py", "logging.py"):
        (tmp_path / name).write_text("raise RuntimeError('not yours')\n")
    code = (
        "from livecb.server import launch; "
        "print(launch.ensure(sys.argv[1], port=int(sys.argv[2]), linger=1).port)"
    )
    source = str(Path(launch.__file__).parents[2])
    process = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; sys.path[0] = {source!r}; {code}",
            str(store.root),
            str(free_port),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert process.stdout.strip() == str(free_port), process.stderr
    pid = server_pid(store, free_port)
    os.kill(pid, signal.SIGTERM)
    until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def test_a_server_in_a_thread_stops_and_lets_go_of_its_port(store: Store, free_port: int) -> None:
    for _ in range(2):
        server = launch.ThreadServer(store, port=free_port)
        served = client_of(server.start())
        assert served.address.port == free_port
        assert json.loads(served.client.get("api/health").text)["pid"] == os.getpid()
        served.client.close()
        server.stop()
    server.stop()


def test_a_server_that_nobody_would_find_ends_and_says_why(store: Store, free_port: int) -> None:
    launch.registry_path(store.root, free_port).mkdir(parents=True)  # not to be written, as on a full disk
    server = launch.start_process(store.root, port=free_port, linger=60)
    with pytest.raises(ServerError, match=r"ended: .*nobody would find this server"):
        launch.wait_ready(server, store.root, free_port)
    assert not list(store.root.glob(".server-*.json.*"))


def test_a_server_that_is_not_ready_in_time_is_not_left_behind(
    store: Store, tmp_path: Path, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "python"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(slow))
    server = launch.start_process(store.root, port=free_port)
    with pytest.raises(ServerError, match="did not answer within"):
        launch.wait_ready(server, store.root, free_port, timeout=0.1)
    assert server.ended()


# A training that says what it knows of its server.
TRAINING = """
import json, os, psutil, signal, sys
import livecb
from livecb.sinks import Server
from livecb.system import Sampler
{before}
run = livecb.init(sinks=[Server(port=int(sys.argv[1]), linger=5, quiet=True)], system_interval=0)
assert run.url, "no server"
try:
    child = os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    child = None
sampler = Sampler(run, 5.0)
sampler.sample()
print(json.dumps([child, [it.pid for it in psutil.Process().children(recursive=True)], list(sampler._processes)]))
"""


@pytest.mark.parametrize(
    "before",
    [
        "",
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN)",
        "signal.signal(signal.SIGCHLD, lambda *a: psutil.wait_procs(psutil.Process().children()))",
    ],
    ids=["as it is", "ignoring children", "reaping children"],
)
def test_a_server_is_nobodys_child(store: Store, free_port: int, before: str) -> None:
    process = python(TRAINING.format(before=before), str(free_port))
    assert json.loads(process.communicate(timeout=60)[0]) == [None, [], [process.pid]]
    server = psutil.Process(server_pid(store, free_port))
    assert server.ppid() != process.pid
    assert os.getsid(server.pid) != os.getsid(0)
    server.terminate()
    launch_ended(server.pid)


def test_a_server_that_dies_before_it_listens_is_noticed_and_leaves_no_child(
    store: Store, tmp_path: Path, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    dying = tmp_path / "python"
    dying.write_text("#!/bin/sh\n(sleep 0.2; echo no such luck >&2) &\nexit 0\n")
    dying.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(dying))
    others = set(psutil.Process().children())  # of other tests, whose pools of workers stay
    began = time.monotonic()
    with pytest.raises(ServerError, match=r"ended: no such luck"):
        launch.ensure(store.root, port=free_port)
    assert time.monotonic() - began < 10
    assert set(psutil.Process().children()) <= others
