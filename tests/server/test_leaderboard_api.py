"""The leaderboard over the wire: all of it, or what changed since."""

from __future__ import annotations

from typing import Any

from watching import Served, Writer

from livecb import events as ev


def say(writer: Writer, name: str, score: float, **fields: Any) -> None:
    writer.say(ev.ModelCompleted, name=name, ok=True, scores={"acc": score}, **fields)


def names(answer: dict[str, Any]) -> list[str]:
    return [row["name"] for row in answer["leaderboard"]]


def test_who_has_a_mark_is_told_only_what_changed_and_the_order_of_all(
    served: Served, writer: Writer
) -> None:
    for number in range(30):
        say(writer, f"m{number}", number / 100)
    path = f"api/runs/{writer.run.id}/leaderboard"
    first = served.get(path)
    assert (first["count"], len(first["leaderboard"]), "order" in first) == (30, 30, False)
    say(writer, "new", 0.155)
    say(writer, "m0", 0.9)
    news = served.get(path, since=first["mark"])
    assert names(news) == ["m0", "new"]
    assert (news["order"][:2], news["order"][-1]) == ([0, 29], 1)
    assert news["order"].index(30) == 15
    assert news["places"] == [*range(1, 32)]
    assert names(served.get(path, since=news["mark"])) == []


def test_a_mark_of_another_server_brings_all_rows(served: Served, writer: Writer) -> None:
    say(writer, "a", 0.1)
    assert names(served.get(f"api/runs/{writer.run.id}/leaderboard", since="0123abcd.1")) == ["a"]


def test_state_holds_as_many_candidates_as_are_asked_for(served: Served, writer: Writer) -> None:
    for number in range(9):
        say(writer, f"m{number}", number / 10)
    path = f"api/runs/{writer.run.id}"
    short, whole = served.get(path, rows=2), served.get(path)
    assert (names(short), short["candidates"]["total"]) == (["m8", "m7"], 9)
    assert len(whole["leaderboard"]) == 9
