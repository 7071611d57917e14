"""Baselines, and runs compared with them, over HTTP."""

from __future__ import annotations

import math
from typing import Any

import pytest
from watching import Served, Writer

from livecb import events as ev
from livecb.store import Store


@pytest.fixture
def old(store: Store) -> Writer:
    return trained(
        store, "old", {"lr": 0.01, "seed": 1}, [{"val/loss": 0.5, "acc": 0.8, "lr": 1.0}, {"val/loss": 0.7}]
    )


@pytest.fixture
def new(store: Store) -> Writer:
    return trained(
        store, "new", {"lr": 0.02, "seed": 1, "wd": 0}, [{"val/loss": 0.25, "acc": 0.7, "lr": 2.0, "f1": 0.5}]
    )


def trained(store: Store, name: str, config: dict[str, Any], values: list[dict[str, float]]) -> Writer:
    writer = Writer(store, name).start(config=config)
    for step, row in enumerate(values, 1):
        writer.say(ev.Metrics, values=row, step=step)
    return writer.end()


def make(served: Served, name: str = "best", run: str = "old") -> Any:
    return served.client.post("api/baselines", json={"name": name, "run": run})


def test_a_baseline_is_made_listed_changed_and_forgotten(served: Served, old: Writer, new: Writer) -> None:
    answer = make(served)
    assert answer.status_code == 201
    made = answer.json()
    assert made["metrics"]["val/loss"] == {"value": 0.7, "best": 0.5, "goal": "min"}
    assert served.get("api/baselines") == {"baselines": [made]}
    assert served.get("api/baselines/best") == made
    assert make(served).status_code == 409
    changed = served.client.patch(
        "api/baselines/best", json={"run": "new", "description": "the new one"}
    ).json()
    assert (changed["run"], changed["description"]) == ("new", "the new one")
    assert changed["metrics"]["val/loss"]["best"] == 0.25
    assert served.client.delete("api/baselines/best").status_code == 200
    assert served.client.delete("api/baselines/best").status_code == 404
    assert served.get("api/baselines") == {"baselines": []}


def test_a_run_is_compared_with_it_metric_by_metric(served: Served, old: Writer, new: Writer) -> None:
    make(served)
    answer = served.get("api/runs/new/compare", baseline="best")
    loss, acc, lr, f1 = (answer["metrics"][key] for key in ("val/loss", "acc", "lr", "f1"))
    assert (loss["run"], loss["baseline"], loss["difference"], loss["relative"]) == (0.25, 0.5, -0.25, -0.5)
    assert (loss["verdict"], acc["verdict"]) == ("better", "worse")
    assert (lr["difference"], lr["verdict"]) == (1.0, None)  # neither way is better
    assert (f1["run"], f1["baseline"], f1["verdict"]) == (0.5, None, None)
    assert (answer["better"], answer["worse"], answer["equal"]) == (1, 1, 0)
    assert answer["config"] == {"lr": {"run": 0.02, "baseline": 0.01}, "wd": {"run": 0, "baseline": None}}


def test_a_baseline_outlives_its_run(served: Served, old: Writer, new: Writer) -> None:
    make(served)
    before = served.get("api/runs/new/compare", baseline="best")
    served.client.delete("api/runs/old")
    served.client.delete("api/trash")
    assert served.get("api/runs/new/compare", baseline="best") == before


def test_two_runs_are_compared_without_one(served: Served, old: Writer, new: Writer) -> None:
    answer = served.get("api/runs/old/compare", **{"with": "old"})
    assert (answer["baseline"], answer["with"], answer["equal"], answer["config"]) == (None, "old", 2, {})


def test_what_is_no_number_has_no_verdict(served: Served, store: Store, old: Writer) -> None:
    trained(store, "nan", {}, [{"val/loss": math.nan, "acc": math.inf, "lr": math.nan}])
    rows = served.get("api/runs/nan/compare", **{"with": "old"})["metrics"]
    assert {row["verdict"] for row in rows.values()} == {None}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "api/baselines", {"name": "../x", "run": "old"}, 400),
        ("POST", "api/baselines", {"name": "x", "run": "nothing"}, 404),
        ("POST", "api/baselines", {"name": "x"}, 400),
        ("PATCH", "api/baselines/none", {}, 404),
        ("GET", "api/baselines/%2e%2e", None, 400),
        ("GET", "api/runs/old/compare", None, 400),
        ("GET", "api/runs/old/compare?baseline=none", None, 404),
        ("GET", "api/runs/old/compare?with=none", None, 404),
        ("GET", "api/runs/none/compare?with=old", None, 404),
    ],
)
def test_what_is_not_there_is_told(
    served: Served,
    old: Writer,
    store: Store,
    method: str,
    path: str,
    body: dict[str, str] | None,
    status: int,
) -> None:
    answer = served.client.request(method, path, json=body)
    assert answer.status_code == status
    assert answer.json()["detail"]
    assert not (store.root / ".baselines").exists()
