"""How much one may ask for, and how often one may be wrong."""

from __future__ import annotations

import contextlib

import httpx
import pytest
from watching import Served, Writer, client_of, until

from livecb.server import launch
from livecb.server import limits as limits_module
from livecb.server.access import Access, Role
from livecb.server.limits import Buckets, Limits, address_of
from livecb.server.replies import Problem
from livecb.server.tokens import Tokens
from livecb.store import Store


class Clock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of limits, so that no slow machine fills a bucket up."""
    clock = Clock()
    monkeypatch.setattr(limits_module, "time", clock)
    return clock


def test_a_bucket_gives_what_it_holds_and_then_what_comes() -> None:
    buckets = Buckets()
    assert [buckets.wait("a", 2, 3, now=0.0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert buckets.wait("b", 2, 3, now=0.0) == 0
    assert buckets.wait("a", 2, 3, now=0.5) == 0
    assert buckets.wait("a", 2, 3, now=0.5) == 0.5
    assert [buckets.wait("a", 2, 3, now=100.0) for _ in range(4)] == [0, 0, 0, 0.5]


def test_what_is_kept_is_bounded_however_many_ask() -> None:
    buckets = Buckets()
    for number in range(30_000):
        buckets.wait(str(number), 1, 1, now=float(number))
    assert len(buckets) == 10_000
    assert buckets.wait("29999", 1, 1, now=29_999.0) == 1  # who asked last is known


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::9", "2001:db8:1:2::/64"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("testclient", "testclient"),
    ],
)
def test_addresses_of_one_network_of_ipv6_are_one(host: str, address: str) -> None:
    assert address_of({"type": "http", "client": (host, 1)}) == address
    assert address_of({"type": "http", "client": None}) == ""


def test_the_owner_has_no_limits_and_an_address_has_its_own(clock: Clock) -> None:
    limits, owner = Limits(), Access(Role.ADMIN, owner=True)
    for _ in range(10_000):
        limits.check(owner, "1.1.1.1")
    anyone = Access(Role.ADMIN)
    for _ in range(2500):
        limits.check(anyone, "1.1.1.1")
    with pytest.raises(Problem) as refused:
        limits.check(anyone, "1.1.1.1")
    assert refused.value.status == 429
    limits.check(anyone, "1.1.1.2")
    limits.check(owner, "1.1.1.1")


def test_too_many_requests_are_told_when_to_ask_again(served: Served, store: Store) -> None:
    secret = Tokens(store).make("ci", Role.VIEW, rate=0.2).secret
    with httpx.Client(base_url=served.client.base_url, headers={"x-api-key": secret}) as client:
        assert client.get("api/access").status_code == 200
        answer = client.get("api/access")
        assert answer.status_code == 429
        assert answer.headers["content-type"] == "application/problem+json"
        assert 1 <= int(answer.headers["retry-after"]) <= 5
        assert "0.2 times a second" in answer.json()["detail"]
    assert served.client.get("api/access").status_code == 200


def test_too_many_streams_are_refused_until_one_ends(served: Served, store: Store, writer: Writer) -> None:
    secret = Tokens(store).make("ci", Role.VIEW, streams=2).secret
    headers = {"x-api-key": secret, "accept": "text/event-stream"}
    path = served.events(writer.run.id)
    with httpx.Client(base_url=served.client.base_url, headers=headers, timeout=20) as client:
        with contextlib.ExitStack() as streams:
            for _ in range(2):
                assert streams.enter_context(client.stream("GET", path)).status_code == 200
            answer = client.get(path)
            assert answer.status_code == 429
            assert int(answer.headers["retry-after"]) >= 1
            assert "close one" in answer.json()["detail"]

        def again() -> bool:
            with client.stream("GET", path) as response:
                return response.status_code == 200

        until(again)


def test_who_guesses_is_slowed_and_the_owner_is_let_in_all_the_same(
    served: Served, store: Store, clock: Clock
) -> None:
    good = Tokens(store).make("ci", Role.VIEW).secret
    guesses = [f"{good[:17]}{number:032d}" for number in range(40)]
    with httpx.Client(base_url=served.client.base_url) as client:
        statuses = [client.get("api/runs", headers={"x-api-key": guess}).status_code for guess in guesses]
        assert statuses == [401] * 20 + [429] * 20
        refused = client.get("api/runs", params={"token": "wrong"})
        assert refused.headers["retry-after"] == "1"
        assert client.get("api/runs").status_code == 401  # who brings none guesses nothing
        assert client.get("api/runs", headers={"x-api-key": good}).status_code == 200
    assert served.client.get("api/runs").status_code == 200


def test_a_short_token_that_somebody_chose_cannot_be_guessed_at_speed(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVECB_TOKEN", "0042")
    server = launch.ThreadServer(store, port=0)
    served = client_of(server.start())
    try:
        assert served.client.get("api/runs").status_code == 200
        with httpx.Client(base_url=served.client.base_url) as client:
            found = [
                number
                for number in range(60)
                if client.get("api/runs", headers={"x-api-key": f"{number:04d}"}).status_code == 200
            ]
        assert found == []
        assert served.client.get("api/runs").status_code == 429  # from the same address
        clock.now += 60
        assert served.client.get("api/runs").status_code == 200
    finally:
        served.client.close()
        server.stop()
