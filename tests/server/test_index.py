"""State and columns of a run, and that history and live join without a gap or an overlap."""

from __future__ import annotations

import itertools
import os
import threading
import time
from typing import Any

import pytest
from watching import Served, Writer, take, until

from livecb import events as ev
from livecb.server.index import Index
from livecb.state import State
from livecb.store import Store


def test_state_is_what_the_log_says(served: Served, writer: Writer) -> None:
    writer.metrics(10)
    state = served.get(f"api/runs/{writer.run.id}")
    assert state["status"] == "running"
    assert state["events"] == 11
    assert state["cursor"] == str(writer.path.stat().st_size)
    assert state["metrics"]["train/loss"]["count"] == 10
    writer.end()
    assert served.get(f"api/runs/{writer.run.id}")["status"] == "completed"


def test_broken_lines_are_counted_and_newer_ones_are_not_broken(served: Served, writer: Writer) -> None:
    writer.append(b'oops\n{"type":"metrics","seq":"no"}\n{"type":"hologram","seq":1,"time":1.0}\n')
    assert served.get(f"api/runs/{writer.run.id}")["broken"] == 2


def test_columns_hold_every_metric(served: Served, writer: Writer) -> None:
    writer.metrics(100)
    answer = served.get(f"api/runs/{writer.run.id}/series")
    column = answer["series"]["train/loss"]
    assert column["x"] == list(range(1, 101))
    assert column["y"] == [1 / (1 + step) for step in range(1, 101)]
    assert answer["x"] == "step"


def test_columns_can_be_chosen_thinned_and_cut(served: Served, writer: Writer) -> None:
    writer.metrics(5000)
    writer.say(ev.Metrics, values={"val/loss": 1.0, "top1,top5": 0.5}, step=5001)
    path = f"api/runs/{writer.run.id}/series"
    assert served.get(path, names="val/loss,none")["series"].keys() == {"val/loss"}
    assert served.get(path, names="")["series"] == {}
    assert served.get(path, name="top1,top5")["series"].keys() == {"top1,top5"}
    thin = served.get(path, names="train/loss", points=100)["series"]["train/loss"]
    assert thin["thinned"] is True
    assert thin["count"] == 5000
    assert 50 <= len(thin["x"]) <= 400
    piece = {"names": "train/loss", "from": 100, "to": 110}
    assert served.get(path, **piece)["series"]["train/loss"]["x"] == list(range(100, 111))


@pytest.mark.parametrize("query", [{"x": "colour"}, {"points": "0"}, {"points": "all"}, {"from": "start"}])
def test_a_question_that_makes_no_sense_is_told_so(
    served: Served, writer: Writer, query: dict[str, str]
) -> None:
    response = served.client.get(f"api/runs/{writer.run.id}/series", params=query)
    assert response.status_code == 400
    assert next(iter(query)) in response.json()["error"]["detail"]


def test_history_and_live_join_without_gap_or_overlap(served: Served, writer: Writer) -> None:
    stop = threading.Event()

    def train() -> None:
        while not stop.wait(0.001):
            writer.metrics(3)

    training = threading.Thread(target=train)
    training.start()
    try:
        for _ in range(8):
            answer = served.get(f"api/runs/{writer.run.id}/series", points=100_000)
            steps = answer["series"].get("train/loss", {"x": []})["x"]
            with served.stream(
                served.events(writer.run.id), cursor=answer["cursor"], types="metrics"
            ) as stream:
                live = [message.json["step"] for message in take(stream, 30)]
            assert steps + live == list(range(1, len(steps) + 31))
    finally:
        stop.set()
        training.join()


def row_of(index: Index) -> dict[str, Any]:
    row, whole = index.row(True)
    assert row is not None
    assert whole
    return row


def test_an_index_goes_on_where_it_stood(store: Store, writer: Writer) -> None:
    index = Index(writer.run)
    assert row_of(index)["metrics"] == {}
    writer.metrics(3)
    assert row_of(index)["metrics"]["train/loss"]["step"] == 3
    place = index.place
    writer.metrics(3)
    row_of(index)
    assert index.place > place


def test_an_index_forgets_a_log_that_was_replaced(writer: Writer) -> None:
    writer.metrics(50)
    index = Index(writer.run)
    assert json_of(index)["events"] == 51
    os.truncate(writer.path, len(writer.lines()[0]) + 1)
    assert json_of(index)["events"] == 1


def test_the_same_state_is_made_once(writer: Writer) -> None:
    index = Index(writer.run)
    assert index.state_json(True) is index.state_json(True)
    assert index.state_json(False) is not index.state_json(True)


def test_states_of_many_sizes_do_not_pile_up(writer: Writer) -> None:
    index = Index(writer.run)
    before = index.nbytes
    sizes = [len(index.state_json(True, rows=rows)) for rows in range(100)]
    assert sum(sizes[-4:]) - 100 <= index.nbytes - before <= 5 * max(sizes)
    last = index.state_json(True, rows=99)
    assert index.state_json(True, rows=99) is last
    os.truncate(writer.path, 0)
    index.row(True)
    assert index.nbytes <= before


def json_of(index: Index) -> Any:
    import json

    return json.loads(index.state_json(True))


def test_the_parts_of_a_run_are_folded_together(served: Served, writer: Writer, store: Store) -> None:
    writer.metrics(5)
    served.get(f"api/runs/{writer.run.id}")
    Writer(store, part="1").say(ev.System, cpu=50.0, rank=1)
    state = served.get(f"api/runs/{writer.run.id}")
    assert state["events"] == 7
    with served.stream(served.events(writer.run.id), cursor=state["cursor"]) as stream:
        writer.metrics(1)
        assert take(stream, 1)[0].json["seq"] == 6


def test_who_waits_for_a_long_fold_keeps_nobody_else_from_theirs(
    served: Served, store: Store, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Writer(store, "20250101-000000-other").start().metrics(3).end()
    begun, go_on = threading.Event(), threading.Event()
    fold = Index._fold_some

    def slow(self: Index) -> bool:
        if self.run.id == writer.run.id:
            begun.set()
            assert go_on.wait(30)
        return fold(self)

    monkeypatch.setattr(Index, "_fold_some", slow)
    path = f"api/runs/{writer.run.id}"
    states: list[str] = []
    askers = [
        threading.Thread(target=lambda: states.append(served.get(path)["status"]), daemon=True)
        for _ in range(4)
    ]
    for asker in askers:
        asker.start()
    try:
        assert begun.wait(10)
        assert served.get(f"api/runs/{other.run.id}")["status"] == "completed"
        assert {row["status"] for row in served.get("api/runs")["runs"]} == {"running", "completed"}
        assert states == []
    finally:
        go_on.set()
    for asker in askers:
        asker.join(10)
    assert states == ["running"] * 4


@pytest.mark.parametrize("value", [b"1" + b"0" * 400, b"[" * 100_000 + b"]" * 100_000])
def test_a_line_that_nobody_would_write_spoils_neither_the_state_nor_the_list(
    served: Served, writer: Writer, value: bytes
) -> None:
    writer.append(b'{"type":"metrics","seq":1,"time":1.0,"step":%b,"values":{"a":0.5}}\n' % value)
    writer.metrics(2)
    assert served.get(f"api/runs/{writer.run.id}")["metrics"]["train/loss"]["count"] == 2
    assert "train/loss" in served.get(f"api/runs/{writer.run.id}/series")["series"]
    assert served.get("api/runs")["runs"][0]["status"] == "running"


def test_a_log_that_cannot_be_folded_is_tried_again_ever_more_seldom(
    served: Served, writer: Writer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tries: list[float] = []

    def fail(self: State, *args: Any, **kwargs: Any) -> None:
        tries.append(time.monotonic())
        raise OverflowError("too large")

    monkeypatch.setattr(State, "feed", fail)
    monkeypatch.setattr("livecb.server.index._PAUSE", 0.2)
    path = f"api/runs/{writer.run.id}"
    begun = time.monotonic()
    while time.monotonic() < begun + 2.0:
        response = served.client.get(path)
        assert response.status_code == 500
        assert "OverflowError: too large" in response.json()["error"]["detail"]
    gaps = [round(later - sooner, 1) for sooner, later in itertools.pairwise(tries)]
    assert gaps == sorted(gaps)
    assert 2 <= len(gaps) <= 3, "after 0.2, 0.4 and 0.8 s"
    assert caplog.text.count("cannot fold the log") == 1
    monkeypatch.undo()
    assert until(lambda: served.client.get(path).json().get("status") == "running")
