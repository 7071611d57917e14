"""What may stand among metrics and is none."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy
import pytest
from PIL import Image as Pillow

import livecb
from livecb import Audio, Histogram, Image, Table, events
from livecb.errors import LivecbWarning
from livecb.run import Run

Read = Callable[[Run], list[Any]]


def of(kind: type[Any], run: Run, recorded: Read) -> list[Any]:
    return [event for event in recorded(run) if isinstance(event, kind)]


def test_each_is_recorded_by_its_verb_at_the_step_of_the_metrics(run: Run, recorded: Read) -> None:
    run.log(
        {
            "loss": 0.5,
            "image": Image(numpy.zeros((4, 6, 3), "uint8"), caption="black"),
            "audio": Audio([0.0, 0.5], sample_rate=2, caption="short"),
            "histogram": Histogram(np_histogram=(numpy.array([1, 2]), numpy.array([0.0, 1.0, 2.0]))),
            "table": Table(columns=["a"], data=[[numpy.float32(0.5)], [None]]),
        },
        step=7,
        epoch=0.5,
    )
    (image,), (audio,) = of(events.Image, run, recorded), of(events.Audio, run, recorded)
    (histogram,), (table,) = of(events.Histogram, run, recorded), of(events.Table, run, recorded)
    (point,) = of(events.Metrics, run, recorded)
    assert point.values == {"loss": 0.5}
    assert (image.width, image.height, image.caption) == (6, 4, "black")
    assert (audio.seconds, audio.caption) == (1.0, "short")
    assert (histogram.counts, histogram.edges) == ([1, 2], [0.0, 1.0, 2.0])
    assert (table.columns, table.rows) == (["a"], [[0.5], [None]])
    assert {(event.step, event.epoch) for event in (image, audio, histogram, table, point)} == {(7, 0.5)}


def test_several_in_a_list_are_numbered(run: Run, recorded: Read) -> None:
    run.log({"examples": [Image(Pillow.new("L", (2, 2))), Image(Image(Pillow.new("L", (2, 2))))]})
    assert [event.name for event in of(events.Image, run, recorded)] == ["examples/0", "examples/1"]


def test_a_figure_goes_as_it_is(run: Run, recorded: Read) -> None:
    class Figure:
        def savefig(self, file: io.BytesIO, format: str) -> None:
            file.write(b"<svg/>")

    run.log({"chart": Figure()})
    assert [event.name for event in of(events.Figure, run, recorded)] == ["chart"]


def test_a_table_grows_and_takes_a_dataframe(run: Run, recorded: Read) -> None:
    class Frame:
        columns = ("x", "y")
        values = numpy.array([[1.0, 2.0]])

    table = Table(columns=["name", "image"])
    table.add_data("one", Image(b""))
    run.log({"grown": table, "frame": Table(dataframe=Frame()), "bare": Table(data=[[1, 2]])})
    assert [(event.columns, event.rows) for event in of(events.Table, run, recorded)] == [
        (["name", "image"], [["one", "(Image)"]]), (["x", "y"], [[1.0, 2.0]]), (["0", "1"], [[1, 2]]),
    ]  # fmt: skip


def test_a_picture_that_is_none_is_told_and_the_rest_recorded(run: Run, recorded: Read) -> None:
    with pytest.warns(LivecbWarning, match="Image 'bad' was not recorded"):
        run.log({"bad": Image("no/such/file.png"), "loss": 1.0})
    assert [event.values for event in of(events.Metrics, run, recorded)] == [{"loss": 1.0}]


def test_pictures_alone_make_no_empty_metrics(run: Run, recorded: Read) -> None:
    run.log({"h": Histogram([1, 2, 3], num_bins=3)})
    assert of(events.Metrics, run, recorded) == []
    assert [event.counts for event in of(events.Histogram, run, recorded)] == [[1, 1, 1]]


def test_a_run_that_does_nothing_takes_them_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVECB_MODE", "disabled")
    livecb.init().log({"image": Image("no/such/file.png")})
