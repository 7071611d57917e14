"""Samples and pictures in pages: newest first, each once, whatever comes meanwhile."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from watching import Served, Writer

from livecb import events as ev
from livecb.server.catalogue import Catalogue
from livecb.server.index import Index


def say_samples(writer: Writer, numbers: range) -> None:
    for number in numbers:
        scores = {"exact": number % 2}
        writer.say(ev.Sample, prediction=f"answer {number}", epoch=1 + number // 10, scores=scores)


def answers(answer: dict[str, Any]) -> list[int]:
    return [int(sample["prediction"].removeprefix("answer ")) for sample in answer["samples"]]


def test_a_page_holds_the_newest_lines_as_they_stand_in_the_log(served: Served, writer: Writer) -> None:
    writer.metrics(3)
    say_samples(writer, range(3))
    path = f"api/runs/{writer.run.id}/samples"
    assert served.get(path) == {
        "cursor": str(writer.path.stat().st_size),
        "total": 3,
        "epochs": [{"epoch": 1, "count": 3, "scores": {"exact": {"mean": 1 / 3, "count": 3}}}],
        "trends": {
            "exact": {"epochs": [1], "means": [1 / 3], "change": None, "best": None, "best_epoch": None}
        },
        "count": 3,
        "before": 3,
        "attempts": [1, 1, 1],
        "abandoned": [False, False, False],
        "samples": [json.loads(line) for line in reversed(writer.lines()[-3:])],
    }


@pytest.mark.parametrize("epoch", [None, 2])
def test_pages_join_without_gap_or_overlap_while_more_comes(
    served: Served, writer: Writer, epoch: int | None
) -> None:
    say_samples(writer, range(45))
    path = f"api/runs/{writer.run.id}/samples"
    query: dict[str, Any] = {"limit": 4} if epoch is None else {"limit": 4, "epoch": epoch}
    wanted = range(45) if epoch is None else range(10, 20)
    seen: list[int] = []
    while len(seen) < len(wanted):
        answer = served.get(path, **query)
        assert answer["count"] == len([n for n in range(answer["total"]) if epoch in (None, 1 + n // 10)])
        seen += answers(answer)
        query["before"] = answer["before"] - len(answer["samples"])
        say_samples(writer, range(answer["total"], answer["total"] + 1))
    assert seen == [*reversed(wanted)]
    assert served.get(path, **query)["samples"] == []


def test_samples_without_an_epoch_can_be_asked_for(served: Served, writer: Writer) -> None:
    say_samples(writer, range(2))
    writer.say(ev.Sample, prediction="answer 2")
    answer = served.get(f"api/runs/{writer.run.id}/samples", epoch="none")
    assert (answers(answer), answer["count"], answer["total"]) == ([2], 1, 3)


def test_pictures_come_by_name(served: Served, writer: Writer) -> None:
    for number in range(6):
        file = ev.FileRef(hash=f"{number:064}", name="a.png", size=1)
        writer.say(ev.Image, name="real" if number % 3 else "fake, or not", file=file, step=number)
    path = f"api/runs/{writer.run.id}/images"
    answer = served.get(path, name="fake, or not")
    assert answer["names"] == [{"name": "fake, or not", "count": 2}, {"name": "real", "count": 4}]
    assert [image.get("step", 0) for image in answer["images"]] == [3, 0]
    assert (answer["total"], answer["count"], answer["before"]) == (6, 2, 2)
    assert served.get(path, name="fake, or not", limit=0)["images"] == []
    assert served.get(path, name="no such", limit=1)["count"] == 0
    assert len(served.get(path)["images"]) == 6


@pytest.mark.parametrize("query", [{"epoch": "first"}, {"before": "-1"}, {"limit": "all"}])
def test_a_page_that_makes_no_sense_is_told_so(served: Served, writer: Writer, query: dict[str, str]) -> None:
    response = served.client.get(f"api/runs/{writer.run.id}/samples", params=query)
    assert response.status_code == 400
    assert next(iter(query)) in response.json()["error"]["detail"]


def test_nothing_is_folded_again_for_a_later_page(
    served: Served, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    say_samples(writer, range(2000))
    path = f"api/runs/{writer.run.id}/samples"
    served.get(path)
    fed: list[int] = []
    feed = Catalogue.feed
    monkeypatch.setattr(
        Catalogue, "feed", lambda self, stretch: (fed.append(len(stretch.lines)), feed(self, stretch))
    )
    assert answers(served.get(path, before=1000, limit=2)) == [999, 998]
    assert fed == []
    say_samples(writer, range(2000, 2001))
    assert served.get(path, limit=1)["total"] == 2001
    assert fed == [1]


def test_the_samples_of_all_ranks_are_one_list(served: Served, writer: Writer) -> None:
    say_samples(writer, range(2))
    beside = Writer(served_store(writer), part="1")
    beside.say(ev.Sample, prediction="answer 2", rank=1)
    answer = served.get(f"api/runs/{writer.run.id}/samples")
    assert sorted(answers(answer)) == [0, 1, 2]


def served_store(writer: Writer) -> Any:
    from livecb.store import Store

    return Store(writer.run.folder.parent)


def test_a_log_that_was_replaced_is_told_anew(writer: Writer) -> None:
    say_samples(writer, range(5))
    index = Index(writer.run)
    assert index.page("samples", None, every=True, before=9, limit=9).total == 5
    os.truncate(writer.path, len(writer.lines()[0]) + 1)
    assert index.page("samples", None, every=True, before=9, limit=9).total == 0


def test_a_long_page_is_cut_and_goes_on(served: Served, writer: Writer) -> None:
    for number in range(5):
        writer.say(ev.Sample, input="x" * (3 << 20), prediction=f"answer {number}")
    path = f"api/runs/{writer.run.id}/samples"
    first = served.get(path)
    assert answers(first) == [4, 3, 2]
    assert answers(served.get(path, before=first["before"] - 3)) == [1, 0]


def say_histograms(writer: Writer, steps: range) -> None:
    for step in steps:
        writer.say(ev.Histogram, name="weights", counts=[step, 1], edges=[0.0, 1.0, 2.0], step=step)


def test_sounds_histograms_and_tables_come_by_type_and_name(served: Served, writer: Writer) -> None:
    say_histograms(writer, range(2))
    file = ev.FileRef(hash=f"{7:064}", name="a.wav", size=1, mime="audio/wav")
    writer.say(ev.Audio, name="voice", file=file, seconds=1.5)
    writer.say(ev.Table, name="errors", columns=["id", "loss"], rows=[[1, 0.5], ["b", None]])
    path = f"api/runs/{writer.run.id}/media"
    sounds = served.get(path, type="audio")
    assert (sounds["names"], sounds["total"]) == ([{"name": "voice", "count": 1}], 1)
    assert [sound["seconds"] for sound in sounds["media"]] == [1.5]
    tables = served.get(path, type="table", name="errors")
    assert [table["rows"] for table in tables["media"]] == [[[1, 0.5], ["b", None]]]
    histograms = served.get(path, type="histogram")
    assert [each["counts"] for each in histograms["media"]] == [[1, 1], [0, 1]]


@pytest.mark.parametrize(("said", "limit", "steps"), [(9, 3, [8, 4, 0]), (2, 5, [1, 0]), (3, 1, [2])])
def test_histograms_are_spread_over_all_that_were_said(
    served: Served, writer: Writer, said: int, limit: int, steps: list[int]
) -> None:
    say_histograms(writer, range(said))
    path = f"api/runs/{writer.run.id}/media"
    answer = served.get(path, type="histogram", name="weights", limit=limit, spread="true")
    assert [each.get("step", 0) for each in answer["media"]] == steps


def test_lines_that_a_later_attempt_gave_up_say_so(served: Served, writer: Writer) -> None:
    for attempt, steps in ((1, (1, 2, 3)), (2, (3,))):
        if attempt > 1:
            writer.start(attempt=2, resumed_step=2)
        for step in steps:
            writer.say(ev.Sample, prediction=f"answer {step}", step=step)
            writer.metrics(1)
    answer = served.get(f"api/runs/{writer.run.id}/samples")
    assert answers(answer) == [3, 3, 2, 1]
    assert answer["attempts"] == [2, 1, 1, 1]
    assert answer["abandoned"] == [False, True, False, False]
