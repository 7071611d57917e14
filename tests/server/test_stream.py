"""What viewers of a stream see: everything, once, in order; now, late or again."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
from watching import Message, Served, Writer, server_pid, take, until

from livecb import events as ev
from livecb.store import Store


def test_a_late_viewer_sees_every_line_as_it_stands_in_the_log(served: Served, writer: Writer) -> None:
    writer.metrics(500)
    with served.stream(served.events(writer.run.id)) as stream:
        seen = take(stream, 501)
    assert [message.data.encode() for message in seen] == writer.lines()


def test_a_viewer_sees_what_is_said_while_it_watches(served: Served, writer: Writer) -> None:
    with served.stream(served.events(writer.run.id)) as stream:
        take(stream, 1)
        line = writer.say(ev.Log, message="hello")
        assert take(stream, 1)[0].data.encode() == line


def test_a_stream_begins_with_where_it_stands(served: Served, writer: Writer) -> None:
    with served.stream(served.events(writer.run.id)) as stream:
        hello = next(stream)
    assert hello.event == "connected"
    assert hello.json["run"] == writer.run.id
    assert hello.json["alive"] is True
    assert hello.json["cursor"] == "0"
    assert hello.id == ""


@pytest.mark.parametrize("how", ["header", "cursor", "last_event_id"])
def test_a_viewer_goes_on_where_it_was(served: Served, writer: Writer, how: str) -> None:
    writer.metrics(100)
    with served.stream(served.events(writer.run.id)) as stream:
        half = take(stream, 40)
    headers = {"last-event-id": half[-1].id} if how == "header" else {}
    query = {} if how == "header" else {how: half[-1].id}
    with served.stream(served.events(writer.run.id), headers, **query) as stream:
        rest = take(stream, 61)
    assert [message.data.encode() for message in half + rest] == writer.lines()


def test_the_header_of_a_reconnecting_browser_outweighs_the_address_it_began_with(
    served: Served, writer: Writer
) -> None:
    writer.metrics(3)
    with served.stream(served.events(writer.run.id)) as stream:
        seen = take(stream, 4)
    with served.stream(served.events(writer.run.id), {"last-event-id": seen[2].id}, cursor="0") as stream:
        assert take(stream, 1)[0].data == seen[3].data


def test_a_viewer_from_the_end_sees_only_what_comes(served: Served, writer: Writer) -> None:
    writer.metrics(10)
    with served.stream(served.events(writer.run.id), cursor="end") as stream:
        assert next(stream).event == "connected"
        line = writer.say(ev.Log, message="new")
        assert take(stream, 1)[0].data.encode() == line


def rest_of(stream: Iterator[Message]) -> Iterator[Message]:
    """Yield what still comes over a connection whose server was killed."""
    try:
        yield from (message for message in stream if message.event == "message")
    except httpx.HTTPError:
        return


def test_a_viewer_that_reconnects_twenty_times_over_killed_servers_has_every_event_once(
    store: Store, start_server: Callable[..., Served], free_port: int
) -> None:
    writer = Writer(store).live().start()
    stop = threading.Event()

    def train() -> None:
        while not stop.is_set():
            writer.metrics(7)
            time.sleep(0.002)
        writer.end()

    seen: list[str] = []
    cursor = "0"
    training = threading.Thread(target=train)
    training.start()
    try:
        for attempt in range(20):
            served = start_server(free_port)
            with served.stream(served.events(writer.run.id), {"last-event-id": cursor}) as stream:
                for message in take(stream, 150):
                    seen.append(message.data)
                    cursor = message.id
                if attempt % 7 == 3:
                    os.kill(server_pid(store, free_port), signal.SIGKILL)
                    for message in rest_of(stream):
                        seen.append(message.data)
                        cursor = message.id
    finally:
        stop.set()
        training.join()
    served = start_server(free_port)
    with served.stream(served.events(writer.run.id), {"last-event-id": cursor}) as stream:
        while json.loads(seen[-1])["type"] != "run_ended":
            seen += [message.data for message in take(stream, 1)]
    writer.die()
    assert [line.encode() for line in seen] == writer.lines()


def test_a_filter_lets_only_its_types_through(served: Served, writer: Writer) -> None:
    writer.metrics(5)
    log = writer.say(ev.Log, message="one")
    writer.metrics(5)
    status = writer.say(ev.Status, status="paused")
    with served.stream(served.events(writer.run.id), types="logs,status") as stream:
        assert [message.data.encode() for message in take(stream, 2)] == [log, status]


def test_a_channel_is_a_name_for_several_types(served: Served, writer: Writer) -> None:
    writer.say(ev.Log, message="not this")
    status = writer.say(ev.Status, status="paused")
    progress = writer.say(ev.Progress, done=1)
    with served.stream(served.events(writer.run.id), types="progress") as stream:
        assert [message.data.encode() for message in take(stream, 2)] == [status, progress]


def test_what_a_filter_passes_over_moves_the_cursor_all_the_same(served: Served, writer: Writer) -> None:
    writer.metrics(5000)
    end = str(writer.path.stat().st_size)
    with served.stream(served.events(writer.run.id), types="logs") as stream:
        assert until(lambda: next(stream).id) == end


def test_broken_lines_are_not_passed_on_and_cost_no_other(served: Served, writer: Writer) -> None:
    writer.append(b'not json\n\n{"type":"metrics","seq"\n{"seq":1}\n{"type":"log","message":"\xff\xfe"}\n')
    line = writer.say(ev.Log, message="fine")
    writer.append(b'{"type":"log","seq":9,"time":1.0,\r"message":"a"}\r\n')
    with served.stream(served.events(writer.run.id)) as stream:
        seen = take(stream, 3)
    assert seen[1].data.encode() == line
    assert seen[2].json == {"type": "log", "seq": 9, "time": 1.0, "message": "a"}


def test_a_torn_last_line_comes_when_it_is_whole(served: Served, writer: Writer) -> None:
    with served.stream(served.events(writer.run.id)) as stream:
        take(stream, 1)
        writer.append(b'{"type":"log","seq":1,"time":1.0,"mess')
        whole = writer.path.stat().st_size
        writer.append(b'age":"now"}\n')
        message = take(stream, 1)[0]
    assert message.json["message"] == "now"
    assert int(message.id) > whole


def test_lines_of_a_newer_version_are_passed_on_as_they_are(served: Served, writer: Writer) -> None:
    line = b'{"type":"hologram","seq":1,"time":1.0,"depth":{"unknown":[1,2]}}'
    writer.append(line + b"\n")
    with served.stream(served.events(writer.run.id)) as stream:
        assert take(stream, 2)[1].data.encode() == line


def test_a_cursor_of_another_log_leads_to_a_reset_and_everything(served: Served, writer: Writer) -> None:
    writer.metrics(3)
    for cursor in ("17", "999999"):
        with served.stream(served.events(writer.run.id), cursor=cursor) as stream:
            assert take(stream, 1, "reset")[0].json == {"run": writer.run.id, "cursor": "0"}
            assert [message.data.encode() for message in take(stream, 4)] == writer.lines()


def test_a_log_that_is_replaced_under_a_viewer_leads_to_a_reset(served: Served, writer: Writer) -> None:
    writer.metrics(50)
    with served.stream(served.events(writer.run.id)) as stream:
        take(stream, 51)
        spare = writer.path.with_suffix(".spare")
        spare.write_bytes(b"\n".join(writer.lines()[:5]) + b"\n")
        spare.replace(writer.path)
        assert take(stream, 1, "reset")
        assert [message.data.encode() for message in take(stream, 5)] == writer.lines()
        line = writer.say(ev.Log, message="goes on")
        assert take(stream, 1)[0].data.encode() == line


def test_a_log_that_is_cut_short_under_a_viewer_leads_to_a_reset(served: Served, writer: Writer) -> None:
    writer.metrics(50)
    with served.stream(served.events(writer.run.id)) as stream:
        take(stream, 51)
        os.truncate(writer.path, len(writer.lines()[0]) + 1)
        assert take(stream, 1, "reset")
        assert [message.data.encode() for message in take(stream, 1)] == writer.lines()


def test_a_stream_that_is_opened_while_the_log_is_missing_waits_for_it(
    served: Served, writer: Writer
) -> None:
    writer.metrics(50)
    known = writer.lines()
    away = writer.path.rename(writer.path.with_suffix(".away"))
    cursor = str(away.stat().st_size)
    with served.stream(served.events(writer.run.id), cursor=cursor) as stream:
        away.rename(writer.path)
        line = writer.say(ev.Log, message="goes on")
        assert take(stream, 1)[0].data.encode() == line
    writer.path.unlink()
    with served.stream(served.events(writer.run.id), cursor=cursor) as stream:
        spare = writer.path.with_suffix(".spare")
        spare.write_bytes(b"\n".join(known[:5]) + b"\n")
        spare.replace(writer.path)
        assert take(stream, 1, "reset")
        assert [message.data.encode() for message in take(stream, 5)] == known[:5]


def test_a_store_that_vanishes_and_returns_costs_the_viewer_nothing(
    served: Served, writer: Writer, store: Store
) -> None:
    writer.metrics(5)
    away = store.root.with_name("away")
    with served.stream(served.events(writer.run.id)) as stream:
        take(stream, 6)
        store.root.rename(away)
        until(lambda: served.client.get("api/health").status_code == 200)
        until(lambda: served.client.get(served.events(writer.run.id)).status_code == 404)
        away.rename(store.root)
        line = writer.say(ev.Log, message="back")
        assert take(stream, 1)[0].data.encode() == line


def test_a_part_that_appears_while_a_viewer_watches_joins_the_stream(
    served: Served, writer: Writer, store: Store
) -> None:
    writer.metrics(2)
    with served.stream(served.events(writer.run.id)) as stream:
        first = take(stream, 3)
        rank = Writer(store, part="1")
        line = rank.say(ev.Log, message="from rank 1", rank=1)
        message = take(stream, 1)[0]
        assert message.data.encode() == line
    assert first[-1].id.isdecimal()
    with served.stream(served.events(writer.run.id), cursor=message.id) as stream:
        both = [rank.say(ev.Log, message="again", rank=1), writer.say(ev.Log, message="me too")]
        assert {m.data.encode() for m in take(stream, 2)} == set(both)


def test_states_come_at_first_and_when_something_changed(served: Served, writer: Writer) -> None:
    with served.stream(served.events(writer.run.id), state="1") as stream:
        assert take(stream, 1, "state")[0].json["status"] == "running"
        writer.say(ev.Status, status="paused")
        assert take(stream, 1, "state")[0].json["status"] == "paused"


def test_nobody_who_did_not_ask_gets_states(served: Served, writer: Writer) -> None:
    with (
        served.stream(served.events(writer.run.id), state="1") as asking,
        served.stream(served.events(writer.run.id)) as stream,
    ):
        take(asking, 1, "state")
        writer.die()
        kinds = []
        for message in stream:
            kinds.append(message.event)
            if message.event == "writer":
                break
    assert "state" not in kinds


def test_the_death_of_the_writer_is_said(served: Served, writer: Writer) -> None:
    with served.stream(served.events(writer.run.id), state="1") as stream:
        take(stream, 1, "state")
        writer.die()
        assert take(stream, 1, "writer")[0].json == {"run": writer.run.id, "alive": False}
        assert take(stream, 1, "state")[0].json["status"] == "crashed"


def test_several_runs_come_over_one_connection(served: Served, store: Store) -> None:
    one, two = Writer(store, "run-one").start().metrics(3), Writer(store, "run-two").start().metrics(3)
    with served.stream("api/stream", runs="run-one,run-two") as stream:
        seen = [message for message in (next(stream) for _ in range(9)) if message.id]
        assert [m.data.encode() for m in seen if m.event == "run-one"] == one.lines()
        assert [m.data.encode() for m in seen if m.event == "run-two"] == two.lines()
    with served.stream("api/stream", {"last-event-id": seen[5].id}, runs="run-one,run-two") as stream:
        two.metrics(1)
        one.metrics(1)
        rest = {next(m for m in stream if m.id).data.encode() for _ in range(8 - 6 + 2)}
    assert rest == {m.data.encode() for m in seen[6:]} | {one.lines()[-1], two.lines()[-1]}


def test_a_reset_of_one_run_leaves_the_others_of_the_stream_alone(served: Served, store: Store) -> None:
    one, two = Writer(store, "run-one").start().metrics(3), Writer(store, "run-two").start().metrics(3)
    with served.stream("api/stream", runs="run-one,run-two") as stream:
        for _ in range(8):
            next(message for message in stream if message.id)
        os.truncate(one.path, len(one.lines()[0]) + 1)
        reset = take(stream, 1, "reset")[0]
        assert reset.json["run"] == "run-one"
        assert [message.data.encode() for message in take(stream, 1, "run-one")] == one.lines()
        two.metrics(1)
        assert take(stream, 1, "run-two")[0].data.encode() == two.lines()[-1]
