"""`livecb token`, `share` and `audit`: as commands, on a store that a server serves."""

from __future__ import annotations

import json
import stat
import subprocess
import sys

import httpx
import pytest
from click.testing import CliRunner

import livecb
from livecb.cli import main
from livecb.client import Client
from livecb.errors import ApiError, StoreError
from livecb.rights import seconds_of
from livecb.server import launch
from livecb.server.serve import Registration
from livecb.server.tokens import Tokens


def livecb_(*words):
    return CliRunner().invoke(main, words)


@pytest.fixture
def finished(store):
    with livecb.init(name="mlp", project="digits", sinks=[], capture=None, system_interval=0) as run:
        run.log({"train/loss": 1.0}, step=1)
    return run


@pytest.fixture
def served(store):
    store.root.mkdir(exist_ok=True)
    server, registration = launch.ThreadServer(store, port=0), Registration(store.root)
    address = server.start()
    registration.enter(address, address.port)  # as the server of `livecb view` does
    yield address
    registration.leave()
    server.stop()


def asked(address, path, secret):
    headers = {"authorization": f"Bearer {secret}"}
    return httpx.get(f"http://127.0.0.1:{address.port}/{path}", headers=headers)


def test_a_token_is_made_shown_once_listed_and_revoked(store, served):
    made = livecb_(
        "token",
        "create",
        "ci",
        "--role",
        "control",
        "--project",
        "digits",
        "--expires",
        "30d",
        "--rate",
        "10/s",
    )
    assert made.exit_code == 0
    secret = made.stdout.strip()
    assert "may control, for project digits" in made.stderr
    answer = asked(served, "api/access", secret).json()
    assert (answer["role"], answer["name"], answer["project"]) == ("control", "ci", "digits")
    listed = livecb_("token", "ls").stdout
    assert "ci" in listed
    assert "project digits" in listed
    assert secret not in listed
    (path,) = (store.root / ".tokens").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert secret not in path.read_text()
    assert secret.rpartition("_")[2] not in path.read_text()
    assert livecb_("token", "revoke", "ci").exit_code == 0
    assert asked(served, "api/access", secret).status_code == 401
    assert "no token 'ci'" in livecb_("token", "revoke", "ci").stderr


def test_of_many_that_take_a_name_at_once_one_has_it(store):
    store.root.mkdir()
    words = [sys.executable, "-m", "livecb", "token", "create", "same", "--role", "view"]
    processes = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)]
    said = [process.communicate(timeout=60) for process in processes]
    assert sorted(process.returncode for process in processes) == [0, 1, 1]
    assert "no end" in livecb_("token", "ls").stdout
    (secret,) = [out.decode().strip() for out, _ in said if out]
    assert all(b"take another name" in error for out, error in said if not out)
    assert Tokens(store).open(secret).name == "same"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("x", "--role", "root"), "'root' is not one of 'view', 'control', 'write', 'admin'"),
        (("x",), "Missing option '--role'. Choose from:"),
        (("../x", "--role", "view"), "expected a token's name"),
        (("x", "--role", "view", "--project", "a", "--run", "b"), "no run"),
        (("x", "--role", "write", "--project", "a", "--run", "b"), "got both"),
        (("x", "--role", "view", "--run", "nothing"), "no run"),
        (("x", "--role", "view", "--expires", "soon"), "such as 30d"),
        (("x", "--role", "view", "--expires", "0d"), "such as 30d"),
        (("x", "--role", "view", "--rate", "fast"), "such as 10/s"),
    ],
)
def test_a_token_that_is_none_is_refused_with_the_cure(finished, store, words, said):
    result = livecb_("token", "create", *words)
    assert result.exit_code in (1, 2)
    assert said in result.stderr
    assert Tokens(store).all() == []


@pytest.mark.parametrize(
    ("word", "seconds"),
    [("30d", 30 * 86400), ("12h", 43200), ("90m", 5400), ("2w", 14 * 86400), ("1.5s", 1.5)],
)
def test_times_are_said_in_a_word(word, seconds):
    assert seconds_of(word) == seconds
    with pytest.raises(StoreError, match="30d"):
        seconds_of(f"-{word}")


def test_a_link_opens_its_run_and_nothing_else(finished, store, served):
    made = livecb_("share", "latest", "--expires", "12h")
    assert made.exit_code == 0
    link = made.stdout.strip()
    assert link.startswith(f"http://127.0.0.1:{served.port}/r/{finished.id}?token=lcb_")
    with httpx.Client(follow_redirects=True) as guest:
        assert guest.get(link, headers={"accept": "text/html"}).status_code == 200
        assert guest.get(f"http://127.0.0.1:{served.port}/api/access").json()["run"] == finished.id
        name = made.stderr.split()[1]
        assert livecb_("token", "revoke", name).exit_code == 0
        assert guest.get(f"http://127.0.0.1:{served.port}/api/access").status_code == 401


def test_where_no_server_runs_a_link_says_how_to_start_one(finished):
    made = livecb_("share", "mlp")
    assert made.exit_code == 0
    assert "livecb view" in made.stderr
    assert f"/r/{finished.id}?token=lcb_" in made.stdout


def test_the_audit_tells_what_was_done_in_a_terminal_and_over_http(finished, served):
    secret = livecb_("token", "create", "ci", "--role", "control").stdout.strip()
    headers = {"authorization": f"Bearer {secret}"}
    path = f"http://127.0.0.1:{served.port}/api/runs/{finished.id}"
    assert httpx.patch(path, json={"name": "\x1b[31mred"}, headers=headers).status_code == 200
    lines = livecb_("audit").stdout.splitlines()
    assert lines[0].split() == ["WHEN", "WHO", "FROM", "STATUS", "WHAT", "SAID"]
    assert lines[1].split()[2:5] == ["ci", "127.0.0.1", "200"]
    assert "\x1b" not in lines[1]
    assert "token create ci" in lines[2]
    (entry,) = [json.loads(line) for line in livecb_("audit", "--json", "-n", "1").stdout.splitlines()]
    assert (entry["who"], entry["said"]) == ("ci", {"name": "\x1b[31mred"})


def test_a_client_takes_a_named_token_from_its_arguments_and_from_the_environment(
    finished, served, monkeypatch
):
    secret = livecb_("token", "create", "ci", "--role", "view").stdout.strip()
    address = f"http://127.0.0.1:{served.port}"
    with Client(address, token=secret) as client:
        assert client.get(finished.id).run == finished.id
        with pytest.raises(ApiError, match="--role admin"):
            client.delete(finished.id)
    monkeypatch.setenv("LIVECB_TOKEN", secret)
    with Client(address) as client:
        assert client.get(finished.id).run == finished.id
