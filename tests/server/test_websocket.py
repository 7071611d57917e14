"""The same streams over a WebSocket: lines of JSON, the same cursors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from watching import Served, Writer, take
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from livecb import events as ev
from livecb.store import Store


@contextmanager
def socket_of(served: Served, path: str, **headers: str) -> Iterator[ClientConnection]:
    address = served.address
    headers = {"x-api-key": address.token or "", **headers}
    with connect(f"ws://{address.host}:{address.port}/{path}", additional_headers=headers) as socket:
        yield socket


def lines(socket: ClientConnection) -> Iterator[dict[str, Any]]:
    while True:
        text = socket.recv(timeout=20)
        assert isinstance(text, str)
        yield from map(json.loads, text.split("\n"))


def take_events(stream: Iterator[dict[str, Any]], count: int) -> tuple[list[dict[str, Any]], str]:
    """Return the next events, and the cursor after them."""
    found, cursor = [], ""
    for line in stream:
        if line["type"] in ev.EVENTS:
            found.append(line)
        if line["type"] == "cursor":
            cursor = line["cursor"]
            if len(found) >= count:
                return found, cursor
    raise AssertionError("the stream ended")


def test_a_socket_carries_every_line_and_its_cursor(served: Served, writer: Writer) -> None:
    writer.metrics(300)
    with socket_of(served, served.events(writer.run.id)) as socket:
        stream = lines(socket)
        assert next(stream)["type"] == "connected"
        seen, cursor = take_events(stream, 301)
        writer.metrics(5)
        more, _ = take_events(stream, 5)
    assert seen + more == [json.loads(line) for line in writer.lines()]
    with served.stream(served.events(writer.run.id), {"last-event-id": cursor}) as events:
        assert [message.json for message in take(events, 5)] == more


def test_a_socket_goes_on_from_a_streams_cursor_with_a_filter(served: Served, writer: Writer) -> None:
    writer.metrics(3)
    with served.stream(served.events(writer.run.id)) as events:
        cursor = take(events, 4)[-1].id
    writer.metrics(3)
    writer.say(ev.Log, message="this one")
    with socket_of(served, f"{served.events(writer.run.id)}?types=log&cursor={cursor}") as socket:
        seen, _ = take_events(lines(socket), 1)
    assert [event["message"] for event in seen] == ["this one"]


def test_a_socket_carries_several_runs_by_name(served: Served, store: Store) -> None:
    one, two = Writer(store, "run-one").start(), Writer(store, "run-two").start()
    with socket_of(served, "api/stream?runs=run-one,run-two") as socket:
        seen: dict[str, list[Any]] = {"run-one": [], "run-two": []}
        current = ""
        one.metrics(2)
        two.metrics(2)
        for line in lines(socket):
            if line["type"] == "run":
                current = line["run"]
            elif line["type"] in ev.EVENTS:
                seen[current].append(line)
            if sum(map(len, seen.values())) == 6:
                break
    for writer in (one, two):
        assert seen[writer.run.id] == [json.loads(line) for line in writer.lines()]


def test_a_socket_is_told_of_state_and_death(served: Served, writer: Writer) -> None:
    with socket_of(served, f"{served.events(writer.run.id)}?state=1") as socket:
        stream = lines(socket)
        state = next(line for line in stream if line["type"] == "state")["state"]
        assert state["status"] == "running"
        writer.die()
        assert next(line for line in stream if line["type"] == "writer")["alive"] is False


def test_a_socket_with_a_stale_cursor_is_reset(served: Served, writer: Writer) -> None:
    writer.metrics(2)
    with socket_of(served, f"{served.events(writer.run.id)}?cursor=999999") as socket:
        stream = lines(socket)
        assert next(line for line in stream if line["type"] == "reset")["cursor"] == "0"
        seen, _ = take_events(stream, 3)
    assert len(seen) == 3


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("api/runs/nobody/events", {}, 404),
        ("api/runs/{run}/events?cursor=x", {}, 400),
        ("api/runs/{run}/events", {"x-api-key": "wrong"}, 401),
        ("api/runs/{run}/events", {"origin": "http://evil.example"}, 403),
        ("api/nowhere", {}, 404),
    ],
)
def test_a_socket_that_is_refused_is_told_why(
    served: Served, writer: Writer, path: str, headers: dict[str, str], status: int
) -> None:
    with pytest.raises(InvalidStatus) as caught, socket_of(served, path.format(run=writer.run.id), **headers):
        pass
    assert caught.value.response.status_code == status
    assert json.loads(caught.value.response.body)["error"]["detail"]


def test_sockets_are_not_compressed(served: Served, writer: Writer) -> None:
    with socket_of(served, served.events(writer.run.id)) as socket:
        assert socket.response is not None
        assert "sec-websocket-extensions" not in socket.response.headers
