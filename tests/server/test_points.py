"""Every value of a metric, page by page, exactly as it was logged."""

from __future__ import annotations

import math
from typing import Any

import pytest
from watching import Served, Writer

from livecb import events as ev


def all_of(served: Served, run: str, **query: Any) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    after: int | None = 0
    while after is not None:
        page = served.get(f"api/runs/{run}/metrics", after=after, **query)
        for name, column in page.items():
            if isinstance(column, list):
                found.setdefault(name, []).extend(column)
        after = page["next"]
    return found


def test_all_values_come_page_by_page_as_they_were_logged(served: Served, writer: Writer) -> None:
    writer.metrics(2500)
    found = all_of(served, writer.run.id, name="train/loss", limit=700)
    assert found["value"] == [1 / (1 + seq) for seq in range(1, 2501)]
    assert found["step"] == list(range(1, 2501))
    assert found["time"] == [1_795_230_000.0 + seq for seq in range(1, 2501)]
    assert set(found["attempt"]) == {1}


def test_a_range_of_steps_is_cut_at_both_ends(served: Served, writer: Writer) -> None:
    writer.metrics(100)
    page = served.get(
        f"api/runs/{writer.run.id}/metrics", **{"name": "train/loss", "from": 10, "to": 19, "limit": 4}
    )
    assert (page["count"], page["step"], page["next"]) == (10, [10, 11, 12, 13], 4)


def test_values_of_several_sets_of_names_and_attempts_stay_in_order(served: Served, writer: Writer) -> None:
    for at in range(10):
        more = {"other": 1.0} if at % 3 == 0 else {}
        writer.say(ev.Metrics, values={"loss": float(at), **more}, step=at)
    writer.end().start(attempt=2)
    writer.say(ev.Metrics, values={"loss": 10.0}, step=3)
    writer.say(ev.Metrics, values={"loss": math.nan}, step=4)
    found = all_of(served, writer.run.id, name="loss", limit=3)
    assert found["value"] == [*map(float, range(11)), "NaN"]
    assert found["attempt"] == [1] * 10 + [2] * 2
    assert found["step"][-2:] == [3, 4]


def test_without_a_name_every_metric_says_what_it_comes_to(served: Served, writer: Writer) -> None:
    writer.metrics(3)
    metrics = served.get(f"api/runs/{writer.run.id}/metrics")["metrics"]
    assert metrics == served.get(f"api/runs/{writer.run.id}")["metrics"]


@pytest.mark.parametrize(
    ("query", "status", "told"),
    [
        ({"name": "los"}, 404, "train/loss"),
        ({"name": "train/loss", "x": "seconds"}, 400, "'seconds'"),
        ({"name": "train/loss", "from": "here"}, 400, "'here'"),
        ({"name": "train/loss", "limit": "0"}, 400, "limit"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(
    served: Served, writer: Writer, query: dict[str, str], status: int, told: str
) -> None:
    writer.metrics(1)
    answer = served.client.get(f"api/runs/{writer.run.id}/metrics", params=query)
    assert answer.status_code == status
    assert told in answer.json()["detail"]
