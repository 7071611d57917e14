"""Roles and scopes over a real socket: what each token may, and what it cannot learn of."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from watching import Served, Writer, until
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from livecb import events as ev
from livecb.errors import StoreError
from livecb.lookup import find_run
from livecb.server import create_app
from livecb.server.access import Projects, Role
from livecb.server.app import routes_of
from livecb.server.gate import Gate
from livecb.server.tokens import Tokens
from livecb.store import Store

ROLES = [Role.VIEW, Role.CONTROL, Role.WRITE, Role.ADMIN]


@pytest.fixture
def tokens(store: Store) -> Tokens:
    return Tokens(store)


@pytest.fixture
def theirs(store: Store) -> Writer:
    """A run of another project."""
    other = Writer(store, "20260102-000000-other-otter").start(project="secret", tags=["hush"]).metrics(3)
    other.say(ev.Log, level="ERROR", message="nobody's business")
    return other.end()


@pytest.fixture
def ours(store: Store) -> Writer:
    return Writer(store, "20260101-000000-our-owl").start(project="open").metrics(3).end()


def asking(served: Served, secret: str) -> httpx.Client:
    """Return a client that brings a token in a header, and no cookie."""
    headers = {"x-api-key": secret} if secret else {}
    # Without the certificates of the world, which take a while to load.
    return httpx.Client(base_url=served.client.base_url, headers=headers, timeout=20, verify=False)


def gate_of(route: BaseRoute) -> Gate:
    found = route.app if isinstance(route, Mount) else getattr(route, "endpoint", None)
    assert isinstance(found, Gate), (
        f"{route} says nothing of who may: use _at(...) with view(...), admin(...)"
    )
    return found


def every_rule(store: Store) -> Iterator[tuple[str, str, Any]]:
    for route in routes_of(create_app(store).hub):
        for method, rule in gate_of(route).rules.items():
            if isinstance(route, Route):
                yield method, route.path, rule


def filled(path: str, run: str) -> str:
    return re.sub(r"\{\w+\}", "0" * 64, path.replace("{run}", run)).lstrip("/")


# Roles


def test_every_address_says_who_may_have_it_answer(store: Store) -> None:
    routes = list(routes_of(create_app(store).hub))
    assert len(routes) > 40
    for route in routes:
        for rule in gate_of(route).rules.values():
            assert isinstance(rule.role, Role)
    changing = {
        (method, path): rule.role for method, path, rule in every_rule(store) if method not in ("GET", "HEAD")
    }
    assert all(role >= Role.CONTROL for role in changing.values())
    assert all(
        role is Role.ADMIN or "/notes/" in key[1] for key, role in changing.items() if key[0] == "DELETE"
    )
    sockets = [route for route in routes if isinstance(route, WebSocketRoute)]
    assert sockets
    assert all(gate_of(route).rules["GET"].role is Role.VIEW for route in sockets)


def test_each_role_gets_an_answer_where_it_may_and_the_cure_where_it_may_not(
    served: Served, store: Store, tokens: Tokens
) -> None:
    clients = {role: asking(served, tokens.make(role.word, role, rate=1e5).secret) for role in ROLES}
    stranger = asking(served, "")
    for method, path, rule in every_rule(store):
        for role, client in clients.items():
            response = client.request(method, filled(path, "nothing"), json={})
            said = (method, path, role.word, response.status_code)
            if role >= rule.role:
                assert response.status_code not in (401, 403), said
            else:
                assert response.status_code == 403, said
                problem = response.json()
                assert (problem["role"], problem["needed"]) == (role.word, rule.role.word)
                assert f"--role {rule.role.word}" in problem["detail"]
        bare = stranger.request(method, filled(path, "nothing"))
        assert (bare.status_code != 401) == (rule.role is Role.ANYONE), (method, path)


def test_streams_and_sockets_are_for_who_may_read_them(served: Served, ours: Writer, tokens: Tokens) -> None:
    secret = tokens.make("eye", Role.VIEW).secret
    path = served.events(ours.run.id)
    with asking(served, secret).stream("GET", path, headers={"accept": "text/event-stream"}) as response:
        assert response.status_code == 200
    address = f"ws://{served.address.host}:{served.address.port}/{path}"
    with connect(address, additional_headers={"x-api-key": secret}, open_timeout=30) as socket:
        assert "connected" in str(socket.recv(timeout=20))
    with connect(f"{address}?token={secret}", open_timeout=30) as socket:
        assert "connected" in str(socket.recv(timeout=20))
    for wrong in ("", secret[:-1], secret + "x", secret.replace("lcb_", "lcb-")):
        with pytest.raises(InvalidStatus, match="401"), connect(f"{address}?token={wrong}", open_timeout=30):
            pass


def test_access_tells_who_asks_what_they_may(served: Served, ours: Writer, tokens: Tokens) -> None:
    nothing = {"name": None, "who": "owner", "project": None, "run": None, "expires": None}
    assert served.get("api/access") == {"role": "admin", **nothing}
    made = tokens.make("ci", Role.CONTROL, project="open", seconds=100)
    expires = made.token.expires
    for headers in ({"x-api-key": made.secret}, {"authorization": f"Bearer {made.secret}"}):
        answer = httpx.get(f"{served.client.base_url}api/access", headers=headers).json()
        wanted = {"role": "control", "name": "ci", "who": "ci", "project": "open", "run": None}
        assert answer == {**wanted, "expires": expires}


def test_a_token_opens_the_page_once_and_leaves_a_cookie_that_does_no_more_than_it(
    served: Served, ours: Writer, theirs: Writer, tokens: Tokens
) -> None:
    secret = tokens.make("friend", Role.VIEW, run=ours.run.id).secret
    page = {"accept": "text/html"}
    with httpx.Client(base_url=served.client.base_url, headers=page, follow_redirects=True) as browser:
        response = browser.get(f"r/{ours.run.id}", params={"token": secret})
        assert response.status_code == 200
        assert secret not in str(response.url)
        assert browser.get("api/access").json()["name"] == "friend"
        assert browser.get(f"api/runs/{theirs.run.id}").status_code == 404
        own = {"origin": str(served.client.base_url).rstrip("/")}
        assert browser.patch(f"api/runs/{ours.run.id}", json={"name": "x"}, headers=own).status_code == 403


def test_the_owners_cookie_is_not_lost_to_a_link_that_opens_less(
    served: Served, ours: Writer, tokens: Tokens
) -> None:
    secret = tokens.make("friend", Role.VIEW, run=ours.run.id).secret
    with httpx.Client(base_url=served.client.base_url, follow_redirects=True) as browser:
        browser.get("", params={"token": served.address.token})
        browser.get(f"r/{ours.run.id}", params={"token": secret})
        assert browser.get("api/access").json()["role"] == "admin"


# Scopes


@pytest.mark.parametrize("scope", ["project", "run"])
def test_what_is_outside_a_scope_is_told_like_what_does_not_exist(
    served: Served, store: Store, ours: Writer, theirs: Writer, tokens: Tokens, scope: str
) -> None:
    part = {"project": "open"} if scope == "project" else {"run": ours.run.id}
    client = asking(served, tokens.make("part", Role.ADMIN, rate=1e5, **part).secret)
    assert client.get(f"api/runs/{ours.run.id}").status_code == 200
    missing = "20260102-000000-never-there"
    tried = 0
    for method, path, rule in every_rule(store):
        if "{run}" in path and not rule.any_run:
            known = client.request(method, filled(path, theirs.run.id), json={})
            unknown = client.request(method, filled(path, missing), json={})
            assert known.status_code == unknown.status_code == 404, (method, path)
            assert known.text == unknown.text.replace(missing, theirs.run.id)
            tried += 1
    assert tried > 20
    assert theirs.run.folder.exists()


def test_lists_streams_and_comparisons_hold_nothing_of_another_project(
    served: Served, ours: Writer, theirs: Writer, tokens: Tokens
) -> None:
    for run in (ours, theirs):
        body = {"name": f"base-{run.run.id[-5:]}", "run": run.run.id}
        assert served.client.post("api/baselines", json=body).status_code == 201
    client = asking(served, tokens.make("part", Role.ADMIN, project="open").secret)
    rows = client.get("api/runs", params={"archived": "all"}).json()
    assert [row["run"] for row in rows["runs"]] == [ours.run.id]
    assert rows["total"] == 1
    assert client.get("api/runs", params={"search": "hush"}).json()["total"] == 0
    assert client.get("api/runs", params={"after": theirs.run.id}).status_code == 404
    assert len(served.get("api/runs")["runs"]) == 2
    names = [each["run"] for each in client.get("api/baselines").json()["baselines"]]
    assert names == [ours.run.id]
    for path in (
        f"api/stream?runs={ours.run.id},{theirs.run.id}",
        f"api/runs/{ours.run.id}/compare?with={theirs.run.id}",
        f"api/runs/{ours.run.id}/compare?baseline=base-otter",
        "api/baselines/base-otter",
    ):
        answer = client.get(path)
        assert answer.status_code == 404, path
        assert "hush" not in answer.text
    for name in ("mine", "base-otter"):  # which names are taken is not told, either
        refused = client.post("api/baselines", json={"name": name, "run": ours.run.id})
        assert refused.status_code == 403
        assert "otter" not in refused.text
    assert client.delete("api/baselines/base-otter").status_code == 404
    for path in ("metrics", "api/trash", "api/tokens", "api/audit"):
        assert client.get(path).status_code == 403, path


def test_the_stream_of_the_list_tells_a_part_of_the_store_only_of_its_own(
    served: Served, store: Store, ours: Writer, theirs: Writer, tokens: Tokens
) -> None:
    secret = tokens.make("part", Role.VIEW, project="open").secret
    accept = {"accept": "text/event-stream", "x-api-key": secret}
    said: list[str] = []
    with httpx.stream("GET", f"{served.client.base_url}api/runs", headers=accept, timeout=20) as response:
        lines = response.iter_lines()
        said += take_until(lines, "event: runs")
        assert served.client.delete(f"api/runs/{theirs.run.id}").status_code == 200
        assert served.client.delete(f"api/runs/{ours.run.id}").status_code == 200
        said += take_until(lines, "event: gone")
        said.append(next(lines))
    assert any(ours.run.id in line for line in said)
    assert not any(theirs.run.id in line or "secret" in line for line in said)


def take_until(lines: Iterator[str], wanted: str) -> list[str]:
    found = []
    for line in lines:
        found.append(line)
        if line == wanted:
            return [*found, next(lines)]
    raise AssertionError(f"no {wanted}")


@pytest.mark.parametrize("name", ["..", ".tokens", "%2e%2e", "..%2fstore", "a%00b", "%2fetc", "x" * 500, "ü"])
def test_no_name_leads_a_part_of_the_store_out_of_it(
    served: Served, ours: Writer, theirs: Writer, tokens: Tokens, name: str
) -> None:
    client = asking(served, tokens.make("part", Role.ADMIN, project="open").secret)
    for path in ("", "/events", "/export", "/share", f"/files/{'0' * 64}"):
        assert client.get(f"api/runs/{name}{path}").status_code in (400, 404)
    assert client.get("api/stream", params={"runs": name}).status_code in (400, 404)


def test_a_run_stays_in_the_project_it_began_in(served: Served, store: Store, tokens: Tokens) -> None:
    writer = Writer(store, "20260103-000000-first-fox").start(project="secret").end()
    client = asking(served, tokens.make("part", Role.VIEW, project="open").secret)
    assert client.get(f"api/runs/{writer.run.id}").status_code == 404
    writer.start(project="open").end()
    assert client.get(f"api/runs/{writer.run.id}").status_code == 404


def started(run: str, project: str | None) -> bytes:
    event = ev.RunStarted(seq=0, time=1.0, version=ev.VERSION, run=run, name="far", project=project)
    return ev.encode(event) + b"\n"


def test_the_beginning_of_a_log_is_read_once_though_it_names_no_project(store: Store) -> None:
    much, projects = Writer(store, "much"), Projects(store)
    for _ in range(9):
        much.say(ev.Log, message="x" * 65536)
    assert projects.of("much") is None
    with much.path.open("r+b") as log:  # whoever reads it again would see this
        log.seek(len(much.lines()[0]) + 1)
        log.write(
            ev.encode(ev.RunStarted(seq=0, time=1.0, version=1, run="m", name="m", project="p")) + b"\n"
        )
    assert Projects(store).of("much") == "p"
    assert projects.of("much") is None


def test_a_run_that_takes_the_id_of_another_is_of_its_own_project(store: Store) -> None:
    projects = Projects(store)
    path = Writer(store, "ci").start(project="open").end().path
    assert projects.of("ci") == "open"
    other = Writer(store, "other").start(project="secret").end()
    path.write_bytes(
        other.path.read_bytes()
    )  # of the same number: file systems give that of a removed one again
    assert projects.of("ci") == "secret"
    path.write_bytes(b"")
    assert projects.of("ci") is None


def test_a_run_that_takes_the_id_of_one_without_a_project_has_its_own(store: Store) -> None:
    much, projects = Writer(store, "much"), Projects(store)
    for _ in range(9):
        much.say(ev.Log, message="x" * 65536)
    assert projects.of("much") is None
    much.path.write_bytes(started("much", "open") + much.path.read_bytes())
    assert projects.of("much") == "open"


def test_who_writes_for_a_project_begins_runs_of_it_alone(
    served: Served, store: Store, theirs: Writer, tokens: Tokens
) -> None:
    client = asking(served, tokens.make("relay", Role.WRITE, project="open").secret)
    kind = {"content-type": "application/x-ndjson"}

    def append(run: str, body: bytes, at: int = 0, **more: str) -> httpx.Response:
        path = f"api/runs/{run}/events"
        return client.post(path, content=body, params={"at": at, **more}, headers=kind)

    for body in (
        started("far", "secret"),
        started("far", None),
        started("far", "secret") + started("far", "open"),
    ):
        answer = append("far", body)
        assert answer.status_code == 403
        assert "project open" in answer.json()["detail"]
    assert append("far", started("far", "open"), part="1").status_code == 403
    assert not (store.root / "far").exists()
    begun = append("far", started("far", "open"))
    assert begun.status_code == 200
    more = append("far", started("far", "secret"), at=int(begun.json()["cursor"]))
    assert more.status_code == 200
    assert client.get("api/runs/far").status_code == 200  # where it began
    before = theirs.path.read_bytes()
    assert append(theirs.run.id, started(theirs.run.id, "open")).status_code == 404
    assert theirs.path.read_bytes() == before
    one = asking(served, tokens.make("one", Role.WRITE, run="near").secret)
    path, body = "api/runs/near/events?at=0", started("near", None)
    assert one.post(path, content=body, headers=kind).status_code == 200
    assert one.post("api/runs/other/events?at=0", content=body, headers=kind).status_code == 404


# Runs that go


@pytest.mark.parametrize("how", ["alone", "with all", "with its time"])
def test_what_opens_a_run_goes_with_it_for_good(
    served: Served, store: Store, tokens: Tokens, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    Writer(store, "ci").start().end()
    link = served.client.post("api/runs/ci/share", json={}).json()
    relay = tokens.make("relay", Role.WRITE, run="ci").secret
    tokens.make("another", Role.VIEW, run="another")
    assert served.client.delete("api/runs/ci").status_code == 200
    if how == "with its time":
        monkeypatch.setattr("livecb.trash.DAYS", 0)
        going = f"api/runs/{Writer(store).start().end().run.id}"
    else:
        going = "api/trash/ci" if how == "alone" else "api/trash"
    assert served.client.delete(going).status_code == 200
    assert [token.name for token in tokens.all()] == ["another"]
    assert sorted(served.get("api/audit")["audit"][0]["said"]["revoked"]) == ["relay", link["name"]]
    Writer(store, "ci").start().end()
    for secret in (link["token"], relay):
        assert asking(served, secret).get("api/runs/ci").status_code == 401


def test_what_opens_a_run_does_not_open_what_takes_its_id(served: Served, store: Store) -> None:
    def shared() -> httpx.Client:
        return asking(served, served.client.post("api/runs/ci/share", json={}).json()["token"])

    def seen(client: httpx.Client) -> int:
        return client.get("api/runs/ci").status_code

    def followed() -> str:
        with first.stream("GET", served.events("ci"), headers={"accept": "text/event-stream"}) as stream:
            return "".join(stream.iter_text())

    Writer(store, "ci").start().end()
    first = shared()
    following = ThreadPoolExecutor(1)
    said = following.submit(followed)
    until(lambda: _open(served))
    served.client.delete("api/runs/ci")
    Writer(store, "ci").start().end()
    second = shared()
    assert (seen(first), seen(second)) == (404, 200)
    assert first.get("api/runs").json()["runs"] == []
    assert "another has its id" in said.result(20)
    assert served.client.delete("api/runs/ci").json()["run"] == "ci.2"  # and comes back as that alone
    assert served.client.post("api/trash/ci").status_code == 200
    assert (seen(first), seen(second)) == (200, 401)
    following.shutdown()


def test_a_link_to_a_run_outlives_another_of_its_id(served: Served, store: Store) -> None:
    Writer(store, "ci").start().end()
    served.client.delete("api/runs/ci")
    Writer(store, "ci").start().end()
    link = served.client.post("api/runs/ci/share", json={}).json()["token"]
    assert served.client.delete("api/trash").json() == {"removed": 1}
    assert asking(served, link).get("api/runs/ci").status_code == 200


# Streams end with their tokens


@pytest.mark.parametrize("how", ["revoked", "expired"])
def test_what_a_token_has_open_ends_with_it(
    served: Served, store: Store, writer: Writer, tokens: Tokens, how: str
) -> None:
    made = tokens.make("guest", Role.VIEW, seconds=2.5 if how == "expired" else None)
    client, path = asking(served, made.secret), served.events(writer.run.id)
    ended: dict[str, Any] = {}

    def follow(kind: str) -> None:
        if kind == "socket":
            address = f"ws://{served.address.host}:{served.address.port}/{path}"
            with connect(address, additional_headers={"x-api-key": made.secret}, open_timeout=30) as socket:
                try:
                    while "bye" not in (text := str(socket.recv(timeout=30))):
                        pass
                    ended["said"] = text
                    socket.recv(timeout=30)
                except ConnectionClosed as closed:
                    ended[kind] = closed.rcvd.code if closed.rcvd else None
        elif kind == "poll":
            answer = client.get(path, params={"cursor": "end", "wait": 30}, timeout=60)
            ended[kind] = answer.status_code
        else:
            where = "api/runs" if kind == "list" else path
            accept = {"accept": "text/event-stream"}
            with client.stream("GET", where, headers=accept, timeout=60) as stream:
                ended[kind] = "".join(stream.iter_text())

    threads = [threading.Thread(target=follow, args=(kind,)) for kind in ("sse", "list", "socket", "poll")]
    for thread in threads:
        thread.start()
    until(lambda: served.client.get("metrics").text.count("livecb_streams_open") and _open(served) >= 3)
    if how == "revoked":
        assert Tokens(store).revoke("guest")  # as another process does
    began = time.monotonic()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    assert time.monotonic() - began < 30
    assert how in ended["sse"]
    assert "event: bye" in ended["sse"]
    assert how in ended["list"]
    assert how in ended["said"]
    assert (ended["socket"], ended["poll"]) == (1008, 401)
    assert client.get("api/access").status_code == 401
    assert served.client.get("api/access").status_code == 200


def _open(served: Served) -> int:
    text = served.client.get("metrics").text
    return sum(int(count) for count in re.findall(r'livecb_streams_open\{kind="\w+"\} (\d+)', text))


def test_a_token_that_is_made_again_under_its_name_does_not_open_with_the_old_secret(
    served: Served, tokens: Tokens
) -> None:
    old = tokens.make("ci", Role.VIEW).secret
    assert asking(served, old).get("api/access").status_code == 200
    assert tokens.revoke("ci")
    new = tokens.make("ci", Role.VIEW).secret
    until(lambda: asking(served, new).get("api/access").status_code == 200)
    assert asking(served, old).get("api/access").status_code == 401


def test_an_expired_token_is_told_so(served: Served, tokens: Tokens) -> None:
    secret = tokens.make("short", Role.VIEW, seconds=0.01).secret
    time.sleep(0.02)
    answer = asking(served, secret).get("api/runs")
    assert answer.status_code == 401
    assert "expired" in answer.json()["detail"]
    page = httpx.get(f"{served.client.base_url}?token={secret}", headers={"accept": "text/html"})
    assert "has expired" in page.text


# Tokens and links over the wire


def test_an_admin_makes_tokens_whose_secret_is_shown_once(served: Served, store: Store) -> None:
    body = {"name": "ci", "role": "control", "project": "open", "seconds": 60, "streams": 3}
    made = served.client.post("api/tokens", json=body)
    assert made.status_code == 201
    secret = made.json()["token"]
    listed = served.client.get("api/tokens")
    assert [row["name"] for row in listed.json()["tokens"]] == ["ci"]
    assert secret not in listed.text
    assert "hash" not in listed.text
    assert served.client.post("api/tokens", json=body).status_code == 409
    assert not any(secret.encode() in path.read_bytes() for path in store.root.rglob("*") if path.is_file())
    assert asking(served, secret).get("api/access").json()["name"] == "ci"
    until(lambda: served.get("api/tokens")["tokens"][0]["last_used"])
    assert served.client.delete("api/tokens/ci").status_code == 200
    assert asking(served, secret).get("api/access").status_code == 401
    assert served.client.delete("api/tokens/ci").status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        {"role": "root"},
        {"role": "anyone"},
        {"name": "../x"},
        {"name": ""},
        {"seconds": -1},
        {"rate": 0},
        {"rate": 5e-324},
        {"project": "a", "run": "b"},
        {"streams": 0},
        {"more": 1},
        {"project": ""},
    ],
)
def test_a_token_that_is_none_is_refused_with_what_was_expected(
    served: Served, store: Store, change: dict[str, Any]
) -> None:
    answer = served.client.post("api/tokens", json={"name": "ci", "role": "view", **change})
    assert answer.status_code == 400
    assert answer.json()["detail"]
    assert Tokens(store).all() == []


def test_a_link_shows_one_run_to_read_only_until_it_is_taken_back(
    served: Served, ours: Writer, theirs: Writer
) -> None:
    made = served.client.post(f"api/runs/{ours.run.id}/share", json={"seconds": 100})
    assert made.status_code == 201
    link = made.json()["path"]
    with httpx.Client(base_url=served.client.base_url, follow_redirects=True) as guest:
        assert guest.get(link, headers={"accept": "text/html"}).status_code == 200
        assert guest.get("api/access").json()["run"] == ours.run.id
        assert [row["run"] for row in guest.get("api/runs").json()["runs"]] == [ours.run.id]
        for path in ("", "/events", "/series", "/export"):
            assert guest.get(f"api/runs/{ours.run.id}{path}").status_code == 200
            assert guest.get(f"api/runs/{theirs.run.id}{path}").status_code == 404
        note = {"text": "hello"}
        own = {"origin": str(served.client.base_url).rstrip("/")}
        said = guest.post(f"api/runs/{ours.run.id}/notes", json=note, headers=own)
        assert said.json()["needed"] == "control"
        assert guest.get(f"api/runs/{ours.run.id}/share").status_code == 403
        (row,) = served.get(f"api/runs/{ours.run.id}/share")["links"]
        assert served.get(f"api/runs/{theirs.run.id}/share")["links"] == []
        elsewhere = f"api/runs/{theirs.run.id}/share/{row['name']}"
        assert served.client.delete(elsewhere).status_code == 404
        assert served.client.delete(f"api/runs/{ours.run.id}/share/{row['name']}").status_code == 200
        assert guest.get(f"api/runs/{ours.run.id}").status_code == 401
    again = httpx.get(f"{served.client.base_url}{link}", headers={"accept": "text/html"})
    assert again.status_code == 401
    assert "taken back" in again.text


# Who did it


def test_a_name_that_is_given_does_not_hide_the_token(served: Served, ours: Writer, tokens: Tokens) -> None:
    client = asking(served, tokens.make("ci", Role.CONTROL).secret)
    path = f"api/runs/{ours.run.id}/notes"
    said = [
        client.post(path, json={"text": "x", **more}).json().get("author")
        for more in (
            {},
            {"author": "ada"},
            {"author": "owner (token root)"},
            {"author": "x" * 200},
            {"author": "\u202eada"},
        )
    ]
    assert said[:3] == ["ci", "ada (token ci)", "owner (token root) (token ci)"]
    assert said[3].endswith("x (token ci)")
    assert said[4] == "ada (token ci)"  # and not turned round
    assert served.client.post(path, json={"text": "x", "author": "ada"}).json()["author"] == "ada"


def test_a_command_bears_the_name_of_the_token_that_asked(
    served: Served, store: Store, writer: Writer, tokens: Tokens
) -> None:
    writer.say(ev.Controls, commands={"pause": ""}, parameters=[])
    client = asking(served, tokens.make("ci", Role.CONTROL).secret)
    path = f"api/runs/{writer.run.id}/commands"
    answers = [client.post(path, json={"name": "pause", "by": by}) for by in (None, "ada", "y" * 200)]
    assert [answer.status_code for answer in answers] == [202, 202, 202]
    asked = find_run(store, writer.run.id).folder / "commands.jsonl"
    names = [json.loads(line)["by"] for line in asked.read_bytes().splitlines()]
    assert names[:2] == ["ci", "ada (token ci)"]
    assert names[2].endswith("(token ci)")


def test_every_change_leaves_a_line_in_the_audit(served: Served, ours: Writer, tokens: Tokens) -> None:
    path = f"api/runs/{ours.run.id}"
    client = asking(served, tokens.make("ci", Role.CONTROL).secret)
    assert client.patch(path, json={"name": "renamed"}).status_code == 200
    assert client.delete(path).status_code == 403
    sly = {"accept": "text/event-stream"}  # as if it were a stream
    assert served.client.delete(path, headers=sly).status_code == 200
    entries = served.get("api/audit")["audit"]
    assert [(entry["who"], entry["what"], entry.get("status", 200)) for entry in entries] == [
        ("owner", f"DELETE /{path}", 200),
        ("ci", f"DELETE /{path}", 403),
        ("ci", f"PATCH /{path}", 200),
    ]
    assert entries[2]["said"] == {"name": "renamed"}
    assert all(entry["address"] == "127.0.0.1" and entry["run"] == ours.run.id for entry in entries)
    assert served.client.get("api/audit", params={"limit": 1}).json()["audit"] == entries[:1]


def test_nothing_is_left_out_of_the_audit_for_what_it_is_called(served: Served, store: Store) -> None:
    run = f"api/runs/{Writer(store, 'events').start().end().run.id}"
    for name in ("one", "two"):
        assert served.client.patch(run, json={"name": name}).status_code == 200
    assert served.client.delete(run).status_code == 200
    entries = served.get("api/audit")["audit"]
    assert [entry["what"].split()[0] for entry in entries] == ["DELETE", "PATCH", "PATCH"]


# From elsewhere


def test_a_cookie_changes_nothing_without_a_page_of_this_server(served: Served, ours: Writer) -> None:
    with httpx.Client(base_url=served.client.base_url, follow_redirects=True) as browser:
        browser.get("", params={"token": served.address.token})
        path, own = f"api/runs/{ours.run.id}", str(served.client.base_url).rstrip("/")
        for headers in ({}, {"x-api-key": "garbage"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}):
            answer = browser.patch(path, json={"name": "x"}, headers=headers)
            assert answer.status_code == 403, headers
        garbage = browser.patch(f"{path}?token=garbage", json={"name": "x"})
        assert garbage.status_code == 403
        assert browser.patch(path, json={"name": "x"}, headers={"origin": own}).status_code == 200
        same = {"sec-fetch-site": "same-origin"}
        assert browser.patch(path, json={"name": "y"}, headers=same).status_code == 200
        assert browser.get(path).json()["name"] == "y"


def test_what_was_made_with_a_token_outlives_it_and_is_named(served: Served, tokens: Tokens) -> None:
    ada = asking(served, tokens.make("ada", Role.ADMIN).secret)
    made = ada.post("api/tokens", json={"name": "bob", "role": "view"}).json()
    assert made["by"] == "ada"
    revoked = served.client.delete("api/tokens/ada").json()
    assert revoked == {"name": "ada", "made": ["bob"]}
    assert ada.get("api/runs").status_code == 401
    assert asking(served, made["token"]).get("api/runs").status_code == 200
    said = [
        (each["who"], each["said"].get("token"))
        for each in served.get("api/audit")["audit"]
        if "said" in each
    ]
    assert ("ada", "bob") in said


@pytest.mark.parametrize("name", ["owner", "anyone", "terminal", "livecb"])
def test_no_token_is_called_what_somebody_else_is(served: Served, tokens: Tokens, name: str) -> None:
    with pytest.raises(StoreError, match=name):
        tokens.make(name, Role.ADMIN)
    answer = served.client.post("api/tokens", json={"name": name, "role": "view"})
    assert (answer.status_code, name in answer.json()["detail"]) == (400, True)
