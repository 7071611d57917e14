"""The list, asked for in part: filters, order and pages."""

from __future__ import annotations

from typing import Any

import pytest
from watching import Served, Writer, take

from livecb import events as ev
from livecb.store import Store


@pytest.fixture
def runs(store: Store) -> dict[str, Writer]:
    """Three runs: `a` completed, `b` failed, `c` lives; their best losses are 1, 3 and 2."""
    found = {}
    for name, project, loss in (("a", "digits", 1.0), ("b", "words", 3.0), ("c", "digits", 2.0)):
        writer = Writer(store, f"20260101-00000{len(found)}-{name}")
        if name == "c":
            writer.live()
        writer.start(project=project, tags=[name, "all"], framework="loop")
        writer.say(ev.Metrics, values={"val/loss": loss}, step=1)
        found[name] = writer
    found["a"].end()
    found["b"].end("failed")
    return found


def asked(served: Served, **query: Any) -> str:
    return "".join(row["run"][-1] for row in served.get("api/runs", **query)["runs"])


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, "cba"),
        ({"status": "failed"}, "b"),
        ({"status": "failed,completed"}, "ba"),
        ({"status": "active"}, "c"),
        ({"status": "over"}, "ba"),
        ({"project": "digits"}, "ca"),
        ({"framework": "keras"}, ""),
        ({"tag": "a"}, "a"),
        ({"tag": ["a", "all"]}, "a"),
        ({"tag": ["a", "b"]}, ""),
        ({"search": "DIGITS -c"}, "c"),
        ({"sort": "run"}, "abc"),
        ({"sort": "started"}, "cba"),
        ({"sort": "project"}, "cab"),
        ({"sort": "metrics.val/loss"}, "acb"),
        ({"sort": "-metrics.val/loss"}, "bca"),
        ({"sort": "ended", "status": "over"}, "ba"),
        ({"sort": "metrics.nothing"}, "cba"),
        ({"archived": "1"}, ""),
    ],
)
def test_a_part_of_the_list_can_be_asked_for(
    served: Served, runs: dict[str, Writer], query: dict[str, Any], found: str
) -> None:
    assert asked(served, **query) == found


def test_pages_follow_each_other_though_new_runs_come(
    served: Served, runs: dict[str, Writer], store: Store
) -> None:
    first = served.get("api/runs", limit=2)
    assert [row["run"][-1] for row in first["runs"]] == ["c", "b"]
    assert first["total"] == 3
    Writer(store, "20270101-000000-d").start()
    second = served.get("api/runs", limit=2, after=first["next"])
    assert [row["run"][-1] for row in second["runs"]] == ["a"]
    assert second["next"] is None


@pytest.mark.parametrize(
    "query", [{"status": "done"}, {"sort": "loss"}, {"limit": "0"}, {"limit": "x"}, {"archived": "yes"}]
)
def test_a_word_that_means_nothing_is_named(served: Served, query: dict[str, str]) -> None:
    response = served.client.get("api/runs", params=query)
    assert response.status_code == 400
    assert repr(next(iter(query.values()))) in response.json()["detail"]


def test_a_page_after_a_run_that_is_gone_says_to_begin_again(served: Served, runs: dict[str, Writer]) -> None:
    response = served.client.get("api/runs", params={"after": "gone"})
    assert response.status_code == 404
    assert "begin" in response.json()["detail"]


def test_the_stream_shows_what_is_meant_and_takes_back_what_is_no_more(
    served: Served, runs: dict[str, Writer]
) -> None:
    with served.stream("api/runs", project="digits") as stream:
        first = take(stream, 1, "runs")[0].json["runs"]
        assert [row["run"][-1] for row in first] == ["c", "a"]
        runs["c"].run.label(archived=True)
        assert take(stream, 1, "gone")[0].json == {"run": runs["c"].run.id}
        runs["c"].run.label(archived=False)
        assert take(stream, 1, "runs")[0].json["runs"][0]["run"] == runs["c"].run.id


def test_an_archived_run_is_listed_only_when_it_is_asked_for(served: Served, runs: dict[str, Writer]) -> None:
    runs["a"].run.label(archived=True)
    assert asked(served) == "cb"
    assert asked(served, archived="1") == "a"
    assert asked(served, archived="all") == "cba"
    assert served.get(f"api/runs/{runs['a'].run.id}")["archived"] is True
