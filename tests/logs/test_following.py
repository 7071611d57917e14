"""Following, without a net: what is asked after what came."""

from __future__ import annotations

import json
from typing import Any

import pytest

from livecb.errors import ApiError, CursorError, RunNotFound, ServerError
from livecb.logs import Batch
from livecb.logs.following import Following, Pause, batch_of

HELLO = b'retry: 1000\n\nevent: connected\ndata: {"cursor":"0","alive":true}\n\n'
ONE = b'id: 10\ndata: {"type":"log","n":1}\n\n'
TWO = b'id: 20\ndata: {"type":"log","n":2}\n\n'


@pytest.fixture
def following() -> Following:
    return Following("a run")


def fed(following: Following, *chunks: bytes) -> list[Batch]:
    return [batch for chunk in chunks for batch in following.feed(chunk)]


def answer(
    cursor: str = "0", alive: bool = True, lines: tuple[str, ...] = (), **more: Any
) -> tuple[int, bytes]:
    events = [{"type": line} for line in lines]
    cursors = [f"{cursor}.{at}" for at in range(len(lines))]
    said = {"cursor": cursor, "reset": False, "alive": alive, "events": events, "cursors": cursors, **more}
    return 200, json.dumps(said, separators=(",", ":")).encode()


def test_the_first_question_is_for_a_stream_from_the_cursor() -> None:
    ask = Following("a run", "77", ["metrics", "logs"]).ask()
    assert (ask.path, ask.accept) == ("api/runs/a%20run/events", "text/event-stream")
    assert ask.params == {"cursor": "77", "types": "metrics,logs"}


def test_the_cursor_moves_with_whole_messages_only(following: Following) -> None:
    following.ask()
    (batch,) = fed(following, HELLO, ONE + TWO[:-1])
    assert (batch.lines, batch.cursors, batch.cursor) == ((b'{"type":"log","n":1}',), ("10",), "10")
    following.broke(ServerError("cut"))
    assert following.ask().params["cursor"] == "10"
    assert fed(following, TWO)[0].lines == (b'{"type":"log","n":2}',)


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_however_a_stream_is_cut_its_lines_are_the_same(
    following: Following, size: int, newline: bytes
) -> None:
    stream = (HELLO + ONE + b": a comment\n\n" + b"id: 15\n\n" + TWO).replace(b"\n", newline)
    batches = fed(following, *(stream[at : at + size] for at in range(0, len(stream), size)))
    lines = [line for batch in batches for line in batch.lines]
    assert lines == [b'{"type":"log","n":1}', b'{"type":"log","n":2}']
    assert [cursor for batch in batches for cursor in batch.cursors] == ["10", "20"]


def test_what_did_not_pass_the_filter_moves_the_cursor_alone(following: Following) -> None:
    assert fed(following, HELLO, b"id: 500\n\n") == []
    assert following.cursor == "500"


def test_a_reset_parts_what_was_from_what_comes(following: Following) -> None:
    reset = b'event: reset\ndata: {"run":"a run","cursor":"0"}\n\n'
    before, after = fed(following, ONE + reset + TWO)
    assert (before.lines, before.reset) == ((b'{"type":"log","n":1}',), False)
    assert (after.lines, after.reset) == ((b'{"type":"log","n":2}',), True)


def test_from_the_end_means_from_where_the_end_was_when_first_asked() -> None:
    following = Following("a run", "end")
    fed(following, b'event: connected\ndata: {"cursor":"4821","alive":true}\n\n')
    following.broke(ServerError("cut"))
    assert following.ask().params["cursor"] == "4821"


def test_a_stream_that_says_nothing_is_not_asked_for_again(following: Following) -> None:
    trial = following.ask()
    assert trial.patience is not None
    assert trial.patience < 3
    assert following.broke(ServerError("late"), True) == 0
    assert following.ask().params["wait"] == 10
    following.take(*answer("30", lines=("log",)))
    assert following.ask().accept == "application/json"


def test_a_stream_that_ends_without_a_word_is_not_asked_for_again(following: Following) -> None:
    following.ask()
    assert following.broke() == 0
    assert following.ask().accept == "application/json"


def test_a_stream_that_spoke_may_be_quiet_for_longer_the_next_time(following: Following) -> None:
    first = following.ask()
    fed(following, HELLO)
    assert following.broke(ServerError("quiet"), True) == 0
    second = following.ask()
    assert second.accept == "text/event-stream"
    assert (second.patience or 0) > 10 * (first.patience or 0)


def test_an_outage_is_waited_out_ever_more_patiently_and_forgotten_when_over(following: Following) -> None:
    fed(following, HELLO)
    pauses = [following.broke(ServerError("refused")) for _ in range(8)]
    assert all(0.125 * 2**at <= pause <= 0.25 * 2**at for at, pause in enumerate(pauses[:6]))
    assert 7.5 <= pauses[7] <= 15
    fed(following, HELLO)
    assert following.broke(ServerError("refused")) <= 0.25


def test_pauses_of_many_readers_differ() -> None:
    assert len({Pause().next() for _ in range(20)}) == 20


@pytest.mark.parametrize(
    "error", [RunNotFound("gone"), CursorError("none"), ApiError(401, "No token", "bring it")]
)
def test_what_asking_again_does_not_cure_is_raised(following: Following, error: Exception) -> None:
    fed(following, HELLO)
    with pytest.raises(type(error)):
        following.broke(error)  # type: ignore[arg-type]


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_a_restart_behind_a_proxy_looks_like_is_waited_out(following: Following, status: int) -> None:
    fed(following, HELLO)
    assert following.broke(ApiError(status, "Bad gateway", "")) > 0


def test_a_server_that_was_never_reached_is_an_error(following: Following) -> None:
    following.ask()
    with pytest.raises(ServerError, match="refused"):
        following.broke(ServerError("refused"))


def test_the_log_of_a_writer_that_is_gone_is_asked_for_until_nothing_comes(following: Following) -> None:
    following.ask()
    fed(following, b'event: connected\ndata: {"cursor":"0","alive":false}\n\n')
    assert following.leave
    following.broke()
    for lines, done in ((("log",), False), ((), False), ((), True)):
        assert following.ask().params["wait"] < 1
        following.take(*answer(alive=False, lines=lines))
        assert following.done is done


def test_a_run_that_is_taken_up_again_is_followed_again(following: Following) -> None:
    fed(following, HELLO, b'event: writer\ndata: {"run":"a run","alive":false}\n\n')
    following.broke()
    following.take(*answer(alive=False))
    following.take(*answer(alive=True, lines=("run_started",)))
    assert not following.done
    assert following.ask().accept == "text/event-stream"


def test_who_does_not_stop_at_the_end_stays_with_the_stream() -> None:
    following = Following("a run", until_end=False)
    fed(following, b'event: connected\ndata: {"cursor":"0","alive":false}\n\n')
    assert (following.leave, following.streams) == (False, True)


def test_lines_of_an_answer_stand_as_in_the_log() -> None:
    line = b'{"type":"metrics", "values":{"a":1e-05,"b":"NaN"}}'
    body = b'{"cursor":"9","reset":true,"alive":false,"cursors":["9"],"events":[%b]}' % line
    assert batch_of(200, body) == (Batch((line,), ("9",), "9", True), False)


@pytest.mark.parametrize("body", [b"<html>Log in</html>", b"[]", b'{"cursor":1}', b""])
def test_what_is_no_answer_of_a_server_of_ours_says_so(body: bytes) -> None:
    with pytest.raises(ServerError, match="is a livecb server there"):
        batch_of(200, body)
