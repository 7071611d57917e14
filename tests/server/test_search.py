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
