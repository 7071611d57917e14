"""The client against real servers: each verb, blocking and with asyncio."""

from __future__ import annotations

import asyncio
import inspect
import math
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from watching import Writer

from livecb import events as ev
from livecb.client import AsyncClient, Client
from livecb.errors import ApiError, CursorError, RunNotFound, ServerError
from livecb.server.launch import Address
from livecb.store import Store


@pytest.fixture
def client(server: Address) -> Any:
    with Client(server.url()) as client:
        yield client


@pytest.fixture(params=["blocking", "asyncio"])
def collect(request: pytest.FixtureRequest) -> Callable[..., list[Any]]:
    """Follow a run with either client; `also` is called with each event and what gave it."""

    def blocking(url: str, run: str, also: Callable[..., Any] = lambda *_: None, **options: Any) -> list[Any]:
        with Client(url) as client, client.follow(run, **options) as followed:
            return [(also(event, followed), event)[1] for event in followed]

    async def asynchronous(
        url: str, run: str, also: Callable[..., Any] = lambda *_: None, **options: Any
    ) -> Any:
        async with AsyncClient(url) as client, client.follow(run, **options) as followed:
            return [(await asyncio.to_thread(also, event, followed), event)[1] async for event in followed]

    if request.param == "blocking":
        return blocking
    return lambda *args, **options: asyncio.run(asynchronous(*args, **options))


def seqs(events: list[Any]) -> list[int]:
    return [event.seq for event in events]


def test_runs_are_listed_newest_first(client: Client, writer: Writer) -> None:
    writer.metrics(3)
    (row,) = client.list()
    assert (row.run, row.name, row.status) == (writer.run.id, "a run", "running")
    assert row.metrics["train/loss"].value == pytest.approx(1 / 4)
    assert row.data["run"] == row.run


def test_a_run_is_got_as_it_stands(client: Client, writer: Writer) -> None:
    writer.say(ev.Metrics, step=7, epoch=0.5, values={"val/loss": 0.5, "train/loss": math.nan})
    state = client.get(writer.run.id)
    assert (state.alive, state.status, state.step, state.epoch) == (True, "running", 7, 0.5)
    assert (state.metrics["val/loss"].best, state.metrics["val/loss"].goal) == (0.5, "min")
    assert math.isnan(state.metrics["train/loss"].value or 0)
    assert state.cursor == str(writer.path.stat().st_size)
    writer.say(ev.Alert, title="later")
    assert [event.title for event in client.events(state.run, state.cursor).events] == ["later"]


def test_a_metric_that_is_none_is_answered_with_those_there_are_the_nearest_first(
    client: Client, writer: Writer
) -> None:
    writer.say(ev.Metrics, step=1, values={"accuracy": 0.5, "train/loss": 0.4, "val/loss": 0.5})
    found = client.metrics(writer.run.id, ["val/loss", "val/los"])
    assert found["val/loss"].y == [0.5]
    with pytest.raises(KeyError, match="no metric 'val/los' here; there are val/loss, "):
        found["val/los"]
    with pytest.raises(KeyError, match=r"there are .*accuracy"):
        client.metrics(writer.run.id, "nope")["nope"]


def test_of_no_metrics_there_are_no_columns(client: Client, writer: Writer) -> None:
    writer.metrics(3)
    found = client.metrics(writer.run.id, [])
    assert dict(found.series) == {}
    assert client.metrics(writer.run.id).series.keys() == {"train/loss"}


def test_all_that_a_state_says_is_in_its_data(client: Client, writer: Writer) -> None:
    state = client.get(writer.run.id)
    fields = {name for name in type(state).__struct_fields__ if name != "data"}
    assert fields - state.data.keys() == {"spark"}  # the list's alone


def test_events_come_in_pages(client: Client, writer: Writer) -> None:
    writer.metrics(9).say(ev.Log, message="hello")
    first = client.events(writer.run.id, limit=4)
    rest = client.events(writer.run.id, first.cursor)
    assert seqs(first.events + rest.events) == list(range(11))
    assert (first.alive, first.reset) == (True, False)
    assert [event.message for event in client.events(writer.run.id, types=["logs"]).events] == ["hello"]


def test_a_page_waits_for_its_first_event(client: Client, writer: Writer) -> None:
    cursor = client.events(writer.run.id, "end").cursor
    begun = time.monotonic()
    threading.Timer(0.2, writer.metrics, [1]).start()
    assert seqs(client.events(writer.run.id, cursor, wait=10).events) == [1]
    assert 0.15 < time.monotonic() - begun < 8


def test_what_has_ended_is_followed_to_its_end(
    server: Address, writer: Writer, collect: Callable[..., Any]
) -> None:
    writer.metrics(5000).end()
    writer.die()
    events = collect(server.url(), writer.run.id)
    assert seqs(events) == list(range(5002))
    assert isinstance(events[-1], ev.RunEnded)


def test_what_lives_is_followed_as_it_comes_until_it_ends(
    server: Address, writer: Writer, collect: Callable[..., Any]
) -> None:
    def answer(event: ev.AnyEvent, followed: Any) -> None:
        """Each event is said only when the one before has come."""
        assert int(followed.cursor) == writer.path.stat().st_size
        if isinstance(event, ev.Metrics) and event.seq == 5:
            writer.end()
            writer.die()
        elif not isinstance(event, ev.RunEnded):
            writer.metrics(1)

    events = collect(server.url(), writer.run.id, answer)
    assert seqs(events) == [0, 1, 2, 3, 4, 5, 6]


def test_a_writer_that_dies_without_a_word_ends_what_follows_it(
    server: Address, writer: Writer, collect: Callable[..., Any]
) -> None:
    threading.Timer(0.3, writer.die).start()
    assert seqs(collect(server.url(), writer.run.id)) == [0]


def test_only_the_asked_types_come_and_the_end_is_found_all_the_same(
    server: Address, writer: Writer, collect: Callable[..., Any]
) -> None:
    writer.metrics(3).say(ev.Log, message="one")
    writer.end()
    writer.die()
    assert seqs(collect(server.url(), writer.run.id, types=["logs", "alert"])) == [4]


def test_following_goes_on_from_a_kept_cursor(
    server: Address, writer: Writer, collect: Callable[..., Any]
) -> None:
    writer.metrics(9).end()
    writer.die()
    cursors: list[str] = []
    collect(server.url(), writer.run.id, lambda _, followed: cursors.append(followed.cursor))
    assert seqs(collect(server.url(), writer.run.id, cursor=cursors[3])) == list(range(4, 11))


def test_events_keep_what_json_cannot_hold(
    server: Address, writer: Writer, collect: Callable[..., Any]
) -> None:
    writer.say(ev.Metrics, values={"a": math.inf, "b": 1.0})
    writer.die()
    assert collect(server.url(), writer.run.id)[-1].values == {"a": math.inf, "b": 1.0}


# Outages


@pytest.mark.parametrize("sig", [9, 15])
def test_a_server_that_is_killed_and_comes_back_costs_no_event_and_doubles_none(
    sig: int, process: Any, store: Store, writer: Writer, collect: Callable[..., Any]
) -> None:
    address = process.start()
    writer.metrics(50)
    rank = Writer(store, writer.run.id, "1").metrics(50)
    killed = threading.Event()

    def out_for_a_while() -> None:
        process.kill(sig)
        writer.metrics(50)
        rank.metrics(50)
        time.sleep(0.4)
        process.start()
        writer.metrics(50)
        writer.end()
        writer.die()

    outage = threading.Thread(target=out_for_a_while)

    def kill_in_the_middle(event: ev.AnyEvent, followed: Any) -> None:
        if event.seq == 30 and not killed.is_set():
            killed.set()
            outage.start()

    events = collect(address.url(), writer.run.id, kill_in_the_middle)
    outage.join()
    assert sorted(seqs(events)) == sorted([*range(152), *range(100)])


@pytest.mark.parametrize("early", [False, True], ids=["all", "all but the head"])
def test_a_proxy_that_swallows_streams_is_asked_again_and_again_instead(
    early: bool, buffering: Callable[[bool], Any], writer: Writer, collect: Callable[..., Any]
) -> None:
    proxy = buffering(early)
    begun = time.monotonic()
    first: list[float] = []

    def answer(event: ev.AnyEvent, followed: Any) -> None:
        first.append(time.monotonic() - begun)
        if event.seq < 5:
            writer.metrics(1)
        elif event.seq == 5:
            writer.end()
            writer.die()

    assert seqs(collect(proxy.url, writer.run.id, answer)) == list(range(7))
    assert first[0] < 3.0
    assert ["event-stream" in accept for accept in proxy.asked][:3] == [True, False, False]


def test_a_log_that_was_replaced_comes_anew_and_the_reset_is_counted(
    server: Address, writer: Writer, collect: Callable[..., Any]
) -> None:
    writer.metrics(5)
    seen: list[int] = []

    def replace(event: ev.AnyEvent, followed: Any) -> None:
        seen.append(followed.resets)
        if event.seq == 5:
            writer.path.unlink()
            writer.seq = 0
            writer.start().metrics(1).end()
            writer.die()

    assert seqs(collect(server.url(), writer.run.id, replace)) == [0, 1, 2, 3, 4, 5, 0, 1, 2]
    assert seen == [0] * 6 + [1] * 3


# Errors


def test_errors_say_what_to_do(client: Client, server: Address, writer: Writer, free_port: int) -> None:
    with pytest.raises(RunNotFound, match="nosuch"):
        client.get("20260101-000000-nosuch-run")
    with pytest.raises(CursorError, match="start from '0'"):
        client.events(writer.run.id, "nonsense")
    with pytest.raises(ApiError, match="training") as caught:
        client.events(writer.run.id, types=["nosuch"])
    assert caught.value.status == 400
    with pytest.raises(ApiError, match="livecb view") as caught, Client(server.url(), token="wrong") as other:
        other.list()
    assert caught.value.status == 401
    with (
        pytest.raises(ServerError, match="see that the server runs"),
        Client(f"127.0.0.1:{free_port}") as other,
    ):
        other.list()


def test_following_what_was_never_there_is_an_error_at_once(
    writer: Writer, server: Address, free_port: int, collect: Callable[..., Any]
) -> None:
    with pytest.raises(ServerError, match="see that the server runs"):
        collect(f"http://127.0.0.1:{free_port}", writer.run.id)
    with pytest.raises(RunNotFound):
        collect(server.url(), "20260101-000000-nosuch-run")
    with pytest.raises(CursorError):
        collect(server.url(), writer.run.id, cursor="nonsense")


def test_without_an_address_this_machine_s_server_is_meant(
    server: Address, writer: Writer, process: Any
) -> None:
    with pytest.raises(ServerError, match="livecb view"):
        Client()
    process.start()
    with Client() as client:
        assert [row.run for row in client.list()] == [writer.run.id]


def test_both_clients_have_the_same_methods() -> None:
    def of(kind: type) -> dict[str, Any]:
        methods = inspect.getmembers(kind, inspect.isfunction)
        return {
            name: list(inspect.signature(method).parameters.values())
            for name, method in methods
            if name[0] != "_"
        }

    assert of(Client) == of(AsyncClient)
