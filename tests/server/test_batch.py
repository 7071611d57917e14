"""Events as JSON: the same cursor as the streams, so polling is a fallback for them."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest
from watching import Served, Writer, take

from livecb import events as ev
from livecb.store import Store


def lines_of(answer: dict[str, Any]) -> list[Any]:
    return list(answer["events"])


def parsed(writer: Writer) -> list[Any]:
    return [json.loads(line) for line in writer.lines()]


def test_a_batch_holds_the_lines_after_a_cursor(served: Served, writer: Writer) -> None:
    writer.metrics(9)
    first = served.get(served.events(writer.run.id), limit=4)
    rest = served.get(served.events(writer.run.id), cursor=first["cursor"])
    assert lines_of(first) + lines_of(rest) == parsed(writer)
    assert first["reset"] is False
    assert first["alive"] is True
    assert served.get(served.events(writer.run.id), cursor=rest["cursor"])["events"] == []


def test_polling_and_streaming_share_their_cursors(served: Served, writer: Writer) -> None:
    writer.metrics(9)
    with served.stream(served.events(writer.run.id)) as stream:
        cursor = take(stream, 4)[-1].id
    answer = served.get(served.events(writer.run.id), cursor=cursor, limit=3)
    with served.stream(served.events(writer.run.id), {"last-event-id": answer["cursor"]}) as stream:
        rest = [message.json for message in take(stream, 3)]
    assert lines_of(answer) + rest == parsed(writer)[4:]


def test_a_limit_counts_what_passes_the_filter(served: Served, writer: Writer) -> None:
    for number in range(6):
        writer.metrics(3)
        writer.say(ev.Log, message=str(number))
    messages, cursor = [], "0"
    while len(messages) < 6:
        answer = served.get(served.events(writer.run.id), cursor=cursor, types="log", limit=2)
        assert len(answer["events"]) == 2
        messages += [event["message"] for event in answer["events"]]
        cursor = answer["cursor"]
    assert messages == list("012345")


def test_a_batch_of_many_lines_is_whole(served: Served, writer: Writer) -> None:
    writer.metrics(30_000)
    seen: list[Any] = []
    cursor = "0"
    while len(seen) < 30_001:
        answer = served.get(served.events(writer.run.id), cursor=cursor, limit=10_000)
        seen += answer["events"]
        cursor = answer["cursor"]
    assert [event["seq"] for event in seen] == list(range(30_001))


def test_a_long_poll_waits_for_the_first_event(served: Served, writer: Writer) -> None:
    cursor = served.get(served.events(writer.run.id))["cursor"]
    speaker = threading.Timer(0.2, writer.say, (ev.Log,), {"message": "there"})
    speaker.start()
    began = time.monotonic()
    answer = served.get(served.events(writer.run.id), cursor=cursor, wait=20)
    assert [event["message"] for event in answer["events"]] == ["there"]
    assert time.monotonic() - began < 15
    speaker.join()


def test_a_long_poll_that_hears_nothing_ends_empty_at_its_place(served: Served, writer: Writer) -> None:
    cursor = served.get(served.events(writer.run.id))["cursor"]
    answer = served.get(served.events(writer.run.id), cursor=cursor, wait=0.2)
    assert answer["events"] == []
    assert answer["cursor"] == cursor


def test_a_long_poll_with_a_filter_is_not_ended_by_other_events(served: Served, writer: Writer) -> None:
    cursor = served.get(served.events(writer.run.id))["cursor"]

    def speak() -> None:
        time.sleep(0.2)
        writer.metrics(5)
        time.sleep(0.2)
        writer.say(ev.Log, message="this")

    speaker = threading.Thread(target=speak)
    speaker.start()
    answer = served.get(served.events(writer.run.id), cursor=cursor, types="log", wait=20)
    speaker.join()
    assert [event["message"] for event in answer["events"]] == ["this"]


def test_a_cursor_that_is_no_more_resets_a_batch(served: Served, writer: Writer) -> None:
    writer.metrics(3)
    answer = served.get(served.events(writer.run.id), cursor="999999", wait=5)
    assert answer["reset"] is True
    assert lines_of(answer) == parsed(writer)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"limit": "many"}, "limit"),
        ({"limit": "0"}, "limit"),
        ({"wait": "-1"}, "wait"),
        ({"wait": "nan"}, "wait"),
        ({"cursor": "yesterday"}, "cursor"),
        ({"cursor": "other@12"}, "cursor"),
        ({"types": "met rics"}, "types"),
        ({"types": "logs,bogus"}, "got 'bogus'"),
        ({"types": "metric"}, "model_completed"),
    ],
)
def test_a_query_that_makes_no_sense_is_told_what_was_expected(
    served: Served, writer: Writer, query: dict[str, str], says: str
) -> None:
    response = served.client.get(served.events(writer.run.id), params=query)
    if query == {"cursor": "other@12"}:  # a part that may have been there once
        assert response.json()["reset"] is True
        return
    assert response.status_code == 400
    assert says in response.json()["error"]["detail"]


def test_the_same_mistakes_are_told_to_streams(served: Served, writer: Writer) -> None:
    for query in ({"cursor": "yesterday"}, {"types": "met rics"}, {"types": "bogus"}):
        response = served.client.get(
            served.events(writer.run.id), params=query, headers={"accept": "text/event-stream"}
        )
        assert response.status_code == 400
        assert response.json()["error"]["title"]


def test_a_run_that_is_not_there_is_said_to_be_missing(served: Served) -> None:
    for path in ("", "/events", "/series", "/files/" + "0" * 64):
        response = served.client.get(f"api/runs/no-such-run{path}")
        assert response.status_code == 404
        assert "no-such-run" in response.json()["error"]["detail"]
    assert served.client.get("api/stream?runs=no-such-run").status_code == 404
    assert served.client.get("api/stream").status_code == 400


def test_a_line_torn_one_brace_early_spoils_no_answer(served: Served, writer: Writer) -> None:
    writer.append(b'{"type":"metrics","seq":1,"time":1.0,"values":{"a":0.5}\n')
    writer.metrics(2)
    good = [json.loads(line) for at, line in enumerate(writer.lines()) if at != 1]
    answer = served.get(served.events(writer.run.id))
    assert answer["events"] == good
    assert answer["cursor"] == str(writer.path.stat().st_size)
    with served.stream(served.events(writer.run.id)) as stream:
        assert [message.json for message in take(stream, 3)] == good


def test_long_lines_come_in_several_answers_none_of_them_too_large(served: Served, writer: Writer) -> None:
    for letter in "abcdefgh":
        writer.say(ev.Note, text=letter * (3 << 20))
    events, cursor, sizes = [], "0", []
    while more := (answer := served.get(served.events(writer.run.id), cursor=cursor))["events"]:
        events += more
        cursor = answer["cursor"]
        sizes.append(len(json.dumps(more)))
    assert [event["text"][0] for event in events[1:]] == list("abcdefgh")
    assert len(sizes) == 3
    assert max(sizes) < 12 << 20


def test_each_event_of_a_batch_can_come_with_the_cursor_after_it(
    served: Served, store: Store, writer: Writer
) -> None:
    writer.metrics(4)
    Writer(store, writer.run.id, "1").metrics(3)
    answer = served.get(served.events(writer.run.id), cursors=1)
    assert len(answer["cursors"]) == len(answer["events"]) == 8
    assert answer["cursors"][-1] == answer["cursor"]
    for at, cursor in enumerate(answer["cursors"], 1):
        assert served.get(served.events(writer.run.id), cursor=cursor)["events"] == answer["events"][at:]
    first = served.get(served.events(writer.run.id), cursors=1, limit=6)
    assert first["cursors"] == answer["cursors"][:6]
    assert "cursors" not in served.get(served.events(writer.run.id))
