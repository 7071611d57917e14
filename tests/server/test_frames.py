"""How lines look on the wire, and which of them get there."""

from __future__ import annotations

import json

import msgspec
import pytest

from livecb.errors import LivecbError
from livecb.server.frames import SSE, NoFraming, Sieve, WebSocketFraming, as_event, well_formed

LINES = [(b'{"type":"log","seq":0}', "23"), (b'{"type":"log","seq":1}', "46")]


def test_a_line_is_one_sse_message_with_its_cursor() -> None:
    assert SSE().lines(None, LINES[:1], b"", b"") == b'id: 23\ndata: {"type":"log","seq":0}\n\n'


def test_a_line_of_several_runs_is_an_sse_message_named_after_its_run() -> None:
    framed = SSE().lines("run-b", LINES[:1], b"run-a@7,run-b@", b",run-c@9")
    assert framed == b'event: run-b\nid: run-a@7,run-b@23,run-c@9\ndata: {"type":"log","seq":0}\n\n'


def test_lines_are_one_socket_message_with_the_last_cursor() -> None:
    framed = WebSocketFraming().lines(None, LINES, b"main@", b",1@5").split(b"\n")
    assert framed[:2] == [line for line, _ in LINES]
    assert json.loads(framed[2]) == {"type": "cursor", "cursor": "main@46,1@5"}
    assert WebSocketFraming().lines("run-b", LINES, b"", b"").startswith(b'{"type":"run","run":"run-b"}\n')


def test_no_lines_make_no_frame() -> None:
    for framing in (SSE(), WebSocketFraming(), NoFraming()):
        assert framing.lines(None, [], b"", b"") == b""


def test_messages_of_the_transport_have_no_id() -> None:
    assert SSE().message("bye", {"reason": "x"}) == b'event: bye\ndata: {"reason":"x"}\n\n'
    assert WebSocketFraming().message("bye", {"reason": "x"}) == b'{"type":"bye","reason":"x"}'
    state = msgspec.Raw(b'{"run":"r"}')
    assert SSE().message("state", state) == b'event: state\ndata: {"run":"r"}\n\n'
    assert WebSocketFraming().message("state", state) == b'{"type":"state","state":{"run":"r"}}'


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"text",
        b'{"seq":1,"type":"log"}',
        b'{"type":"log"',
        b'{"type":"log","m":"\xff"}',
        b'["type"]',
    ],
)
def test_what_does_not_look_like_an_event_is_none(line: bytes) -> None:
    assert as_event(line) is None


def test_an_event_stays_as_it_is_but_for_raw_carriage_returns() -> None:
    line = '{"type":"log","message":"grüße"}'.encode()
    assert as_event(line) is line
    assert as_event(b'{"type":"log",\r"seq":1}\r') == b'{"type":"log", "seq":1}'


def test_a_sieve_counts_what_is_broken() -> None:
    sieve = Sieve(frozenset({"log"}))
    lines = [b"torn", b'{"type":"log"}', b'{"type":"metrics"}', b""]
    assert sieve.sift(lines, ["1", "2", "3", "4"]) == [(b'{"type":"log"}', "2")]
    assert sieve.broken == 2


def test_words_of_a_filter_are_types_or_channels() -> None:
    assert Sieve.parse("") is None
    assert Sieve.parse(" , ") is None
    assert Sieve.parse("metrics, log") == {"metrics", "log"}
    assert Sieve.parse("logs,progress") == {"log", "progress", "status"}
    for word in ("a b", "bogus", "Metrics"):
        with pytest.raises(LivecbError, match=rf"channels \(training, .* types \(run_started, .*'{word}'"):
            Sieve.parse(word)


@pytest.mark.parametrize(
    "broken",
    [
        [b'{"type":"log","values":{"a":0.5}'],
        [b'{"type":"log","seq":01}'],
        [b'{"type":"log","seq":NaN}'],
        [b'{"type":"log"},{"type":"log"}'],
        [b'{"type":"log","a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"],
        # Together these are as many values as there are lines.
        [b'{"type":"a"},{"type":"b"}', b'{"type":"a","b":[{}', b'{"type":"b"}]}'],
    ],
)
def test_a_line_that_is_no_json_does_not_pass_and_its_neighbours_do(broken: list[bytes]) -> None:
    sieve = Sieve()
    lines = [LINES[0][0], *broken, LINES[1][0]]
    passed = sieve.sift(lines, [str(at) for at in range(len(lines))])
    assert passed == [(LINES[0][0], "0"), (LINES[1][0], str(len(lines) - 1))]
    assert sieve.broken == len(broken)


def test_no_lines_are_all_well_formed() -> None:
    assert well_formed([]) == []
