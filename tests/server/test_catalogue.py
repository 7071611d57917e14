"""The catalogue: what it keeps of a log, and how it groups it."""

from __future__ import annotations

import math

import pytest

from livecb import events as ev
from livecb.server.catalogue import Catalogue, Spot, epoch_of
from livecb.server.tail import Stretch

FILE = ev.FileRef(hash="0" * 64, name="a.png", size=1, mime="image/png")


def stretch_of(*lines: bytes) -> Stretch:
    ends: list[str] = []
    for line in lines:
        ends.append(str(len(line) + 1 + int(ends[-1] if ends else 100)))
    return Stretch(0, lines, tuple(ends), int(ends[-1]))


def sample(seq: int, epoch: float | None = None, **scores: float) -> bytes:
    return ev.encode(ev.Sample(seq=seq, time=1.0, epoch=epoch, prediction="x", scores=scores))


def test_it_knows_where_each_line_stands() -> None:
    lines = [sample(0, 1.0), ev.encode(ev.Metrics(seq=1, time=1.0, values={"a": 1})), sample(2, 1.0)]
    catalogue = Catalogue()
    catalogue.feed(stretch_of(*lines))
    first, second = (catalogue.samples.spot(number) for number in catalogue.samples.all())
    assert first == Spot(0, 100, len(lines[0]))
    assert second == Spot(0, 100 + len(lines[0]) + 1 + len(lines[1]) + 1, len(lines[2]))


def test_the_means_of_an_epoch_are_those_of_its_finite_scores() -> None:
    catalogue = Catalogue()
    catalogue.feed(stretch_of(sample(0, 0.5, bleu=0.25), sample(1, 1.0, bleu=0.75, exact=True)))
    catalogue.feed(stretch_of(sample(2, 1.2, bleu=0.5), sample(3, 2.0, bleu=math.nan), sample(4)))
    assert catalogue.samples.groups(9) == [
        (1, 2, {"bleu": {"mean": 0.5, "count": 2}, "exact": {"mean": 1.0, "count": 1}}),
        (2, 2, {"bleu": {"mean": 0.5, "count": 1}}),
        (None, 1, {}),
    ]
    assert [key for key, *_ in catalogue.samples.groups(2)] == [2, None]
    assert list(catalogue.samples.of(2)) == [2, 3]
    assert list(catalogue.samples.of(7)) == []


def test_pictures_and_drawings_go_by_their_names() -> None:
    catalogue = Catalogue()
    picture = ev.encode(ev.Image(seq=0, time=1.0, name="fake", file=FILE))
    drawing = ev.encode(ev.Figure(seq=1, time=1.0, name="confusion", file=FILE))
    catalogue.feed(stretch_of(picture, drawing, picture))
    assert [(key, count) for key, count, _ in catalogue.images.groups(9)] == [("fake", 2), ("confusion", 1)]


@pytest.mark.parametrize("line", [b'{"type":"sample"', b'{"type":"sample","seq":"no"}', b'{"type":"image"}'])
def test_what_is_no_event_is_not_in_it(line: bytes) -> None:
    catalogue = Catalogue()
    catalogue.feed(stretch_of(line, sample(1)))
    assert len(catalogue.samples) == 1
    assert len(catalogue.images) == 0


@pytest.mark.parametrize(
    ("done", "epoch"), [(0, 0), (0.01, 1), (1.0, 1), (1.0000000001, 1), (1.5, 2), (None, None), (1e300, None)]
)
def test_an_epoch_is_the_one_under_way_or_just_done(done: float | None, epoch: int | None) -> None:
    assert epoch_of(done) == epoch
