"""Log lines and errors, sought in the log of a run."""

from __future__ import annotations

import json
from typing import Any

import pytest
from watching import Served, Writer

from livecb import events as ev


@pytest.fixture
def talker(writer: Writer) -> Writer:
    writer.say(ev.Log, message="begin", logger="app.data")
    writer.say(ev.Log, message="slow Disk", level="WARNING", logger="app")
    writer.metrics(3)
    writer.say(ev.Log, message="printed", stream="stdout")
    writer.say(ev.Log, message="disk full", level="ERROR", logger="application")
    writer.append(b'{"type":"log","message":\n')
    writer.say(ev.Log, message="the end", level="CRITICAL")
    return writer


def messages(served: Served, run: str, **query: Any) -> list[str]:
    return [line["message"] for line in served.get(f"api/runs/{run}/logs", **query)["logs"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["begin", "slow Disk", "printed", "disk full", "the end"]),
        ({"level": "warning"}, ["slow Disk", "disk full", "the end"]),
        ({"level": "ERROR"}, ["disk full", "the end"]),
        ({"logger": "app"}, ["begin", "slow Disk"]),
        ({"stream": "stdout"}, ["printed"]),
        ({"search": "DISK"}, ["slow Disk", "disk full"]),
        ({"search": "disk full"}, ["disk full"]),
        ({"last": 2}, ["disk full", "the end"]),
        ({"last": 1, "level": "WARNING", "search": "disk"}, ["disk full"]),
    ],
)
def test_some_lines_of_the_log_can_be_asked_for(
    served: Served, talker: Writer, query: dict[str, Any], found: list[str]
) -> None:
    assert messages(served, talker.run.id, **query) == found


def test_the_cursor_goes_on_where_the_lines_ended_and_lines_come_as_they_stand(
    served: Served, talker: Writer
) -> None:
    path, cursor, lines = f"api/runs/{talker.run.id}/logs", "0", []
    for _ in range(4):
        page = served.get(path, cursor=cursor, limit=2)
        cursor, lines = page["cursor"], lines + page["logs"]
    written = [
        json.loads(line)
        for line in talker.lines()
        if line.startswith(b'{"type":"log"') and line.endswith(b"}")
    ]
    assert lines == written
    line = json.loads(talker.say(ev.Log, message="more"))
    assert served.get(path, cursor=cursor)["logs"] == [line]
    assert cursor == str(talker.path.stat().st_size - len(talker.lines()[-1]) - 1)


def test_what_went_wrong_is_told_in_one_place(served: Served, talker: Writer) -> None:
    talker.say(ev.Alert, title="loss is NaN", level="ERROR")
    talker.say(ev.Alert, title="slow", level="WARN")
    talker.say(ev.ModelCompleted, name="svm", ok=False, reason="no memory")
    talker.say(ev.ModelCompleted, name="tree", ok=True)
    talker.say(ev.RunEnded, status="failed", error="ValueError: x", traceback="Traceback ...")
    answer = served.get(f"api/runs/{talker.run.id}/errors")
    assert [error["type"] for error in answer["errors"]] == [
        "log",
        "log",
        "alert",
        "model_completed",
        "run_ended",
    ]
    assert (answer["status"], answer["error"], answer["traceback"]) == (
        "failed",
        "ValueError: x",
        "Traceback ...",
    )
    assert answer["broken"] == 1


def test_a_run_that_crashed_has_no_line_for_it_but_the_status(served: Served, writer: Writer) -> None:
    writer.metrics(2).die()
    answer = served.get(f"api/runs/{writer.run.id}/errors")
    assert (answer["errors"], answer["status"]) == ([], "crashed")


def test_a_level_that_is_none_is_named(served: Served, writer: Writer) -> None:
    answer = served.client.get(f"api/runs/{writer.run.id}/logs", params={"level": "loud"})
    assert answer.status_code == 400
    assert "'loud'" in answer.json()["detail"]


def test_the_leaderboard_comes_by_itself(served: Served, writer: Writer) -> None:
    for name, score in (("svm", 0.9), ("tree", 0.95), ("mean", 0.1)):
        writer.say(ev.ModelCompleted, name=name, ok=True, scores={"accuracy": score})
    answer = served.get(f"api/runs/{writer.run.id}/leaderboard", limit=2)
    assert [row["name"] for row in answer["leaderboard"]] == ["tree", "svm"]
    assert answer["count"] == 3


def numbers(lines: list[dict[str, Any]]) -> list[int]:
    return [int(line["message"].split()[1]) for line in lines]


@pytest.fixture
def chatter(writer: Writer) -> Writer:
    """A hundred lines, every tenth of them a warning, between metrics; the training goes back once."""
    for number in range(100):
        level = "WARNING" if number % 10 == 0 else "INFO"
        step = number if number < 60 else number - 20
        writer.say(ev.Log, message=f"line {number}", level=level, step=None if number % 2 else step)
        writer.metrics(1)
    return writer


@pytest.mark.parametrize(
    ("query", "start", "found"),
    [
        ({"limit": 3}, 97, [97, 98, 99]),
        ({"from": 40, "limit": 2}, 40, [40, 41]),
        ({"from": 1000}, 100, []),
        ({"level": "WARNING", "from": 2, "limit": 2}, 2, [20, 30]),
        ({"level": "error"}, 0, []),
        ({"time": 1_795_230_000.0 + 62, "limit": 1}, 31, [31]),
        ({"time": 0, "limit": 1}, 0, [0]),
        ({"step": 50, "limit": 1}, 70, [70]),
        ({"step": 79, "limit": 1}, 100, []),
        ({"step": 50, "level": "WARNING", "limit": 1}, 7, [70]),
    ],
)
def test_lines_come_from_any_place_time_or_step_on(
    served: Served, chatter: Writer, query: dict[str, Any], start: int, found: list[int]
) -> None:
    page = served.get(f"api/runs/{chatter.run.id}/lines", **query)
    assert (page["from"], numbers(page["lines"])) == (start, found)
    assert page["total"] == 100
    assert page["count"] == {"WARNING": 10, "error": 0}.get(query.get("level", ""), 100)


def test_lines_that_came_since_have_the_next_places(served: Served, chatter: Writer) -> None:
    path = f"api/runs/{chatter.run.id}/lines"
    before = served.get(path, limit=1)
    chatter.append(b'{"type":"log","message":\n')
    chatter.say(ev.Log, message="line 100")
    after = served.get(path, limit=1)
    assert (after["from"], after["total"], numbers(after["lines"])) == (before["total"], 101, [100])
    assert int(after["cursor"]) > int(before["cursor"])
