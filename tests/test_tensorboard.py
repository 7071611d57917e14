"""A SummaryWriter with TensorBoard's methods."""

from __future__ import annotations

import inspect
import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from matplotlib import pyplot
from PIL import Image as Pillow
from torch.utils.tensorboard import SummaryWriter as Original

from livecb import events
from livecb.errors import LivecbWarning
from livecb.tensorboard import SummaryWriter
from livecb.testing import Recorded, record


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorded]:
    monkeypatch.chdir(tmp_path)
    with record() as found:
        yield found
    assert list(tmp_path.iterdir()) == []


def pixels(recorded: Recorded, event: events.Image) -> Any:
    return numpy.asarray(Pillow.open(recorded.run.file_path(event.file.hash)))


def test_numbers_become_curves_of_a_run_that_is_named_by_its_folder(recorded: Recorded) -> None:
    with SummaryWriter("runs/mnist", comment="_a") as writer:
        for step in range(1, 4):
            writer.add_scalar("Loss/train", torch.tensor([1 / step]), step)
            writer.add_scalars("acc", {"val": step / 4, "test": numpy.float32(0.5)}, global_step=step)
        writer.flush()
    (started,) = recorded.of(events.RunStarted)
    assert started.name == "runs/mnist_a"
    assert writer.get_logdir() == "runs/mnist"
    found = [(event.step, dict(event.values)) for event in recorded.of(events.Metrics)]
    assert found == [
        each
        for step in range(1, 4)
        for each in (
            (step, {"Loss/train": float(torch.tensor(1 / step))}),
            (step, {"acc/val": step / 4, "acc/test": 0.5}),
        )
    ]
    assert [event.status for event in recorded.of(events.RunEnded)] == ["completed"]


def test_pictures_are_read_as_their_axes_are_said_to_be(recorded: Recorded) -> None:
    picture = numpy.arange(3 * 4 * 5, dtype="uint8").reshape(4, 5, 3)
    writer = SummaryWriter()
    writer.add_image("chw", torch.tensor(picture).permute(2, 0, 1), 1)
    writer.add_image("hwc", picture, 1, dataformats="HWC")
    writer.add_image("hw", picture[:, :, 0], 1, dataformats="HW")
    writer.add_images("several", picture.transpose(2, 0, 1)[None].repeat(2, 0), 1)
    writer.close()
    events_ = recorded.of(events.Image)
    assert [event.name for event in events_] == ["chw", "hwc", "hw", "several/0", "several/1"]
    for event, wanted in zip(events_, [picture, picture, picture[:, :, 0], picture, picture], strict=True):
        assert numpy.array_equal(pixels(recorded, event), wanted), event.name
        assert event.step == 1


def test_the_rest_has_its_events(recorded: Recorded) -> None:
    class Figure:
        def savefig(self, file: io.BytesIO, format: str) -> None:
            file.write(b"<svg/>")

    writer = SummaryWriter("x")
    writer.add_histogram("weights", torch.tensor([0.0, 1.0, 1.0]), 2, bins="auto")
    writer.add_text("note", "went **well**", 2)
    writer.add_figure("chart", Figure(), 2)
    writer.add_figure("charts", [Figure(), Figure()], 2)
    writer.add_audio("beep", torch.zeros(1, 10), 2, sample_rate=10)
    writer.add_hparams({"lr": 0.1}, {"hparam/acc": 0.9})
    writer.close()
    (histogram,), (text,) = recorded.of(events.Histogram), recorded.of(events.Log)
    assert (histogram.name, histogram.step, sum(histogram.counts)) == ("weights", 2, 3)
    assert (text.logger, text.message, text.step) == ("note", "went **well**", 2)
    assert [event.name for event in recorded.of(events.Figure)] == ["chart", "charts/0", "charts/1"]
    assert [event.seconds for event in recorded.of(events.Audio)] == [1.0]
    assert [event.config for event in recorded.of(events.Config)] == [{"lr": 0.1}]
    assert [dict(event.values) for event in recorded.of(events.Metrics)] == [{"hparam/acc": 0.9}]
    assert [event.summary for event in recorded.of(events.RunEnded)] == [{"hparam/acc": 0.9}]


def test_figures_are_closed_and_what_only_draws_like_one_is_let_be(recorded: Recorded) -> None:
    class Drawing:
        def savefig(self, file: io.BytesIO, format: str) -> None:
            file.write(b"<svg/>")

    figure = pyplot.figure()
    with SummaryWriter() as writer:
        writer.add_figure("kept", figure, close=False)
        assert pyplot.fignum_exists(figure.number)
        writer.add_figure("mixed", [Drawing(), figure], 2)
    assert not pyplot.fignum_exists(figure.number)
    assert [event.name for event in recorded.of(events.Figure)] == ["kept", "mixed/0", "mixed/1"]


def test_what_has_no_counterpart_records_nothing_and_says_so_once(recorded: Recorded) -> None:
    with SummaryWriter() as writer:
        with pytest.warns(LivecbWarning, match=r"SummaryWriter.add_graph records nothing"):
            writer.add_graph(torch.nn.Linear(1, 1), torch.zeros(1, 1))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            writer.add_graph(torch.nn.Linear(1, 1))
        with pytest.warns(LivecbWarning, match=r"SummaryWriter.add_embedding records nothing"):
            writer.add_embedding(torch.zeros(2, 2))
    with pytest.raises(AttributeError, match="SummaryWriter has no 'ad_scalar'"):
        _ = writer.ad_scalar


def test_what_is_wrong_is_told_with_the_cure_and_training_goes_on(recorded: Recorded) -> None:
    with SummaryWriter() as writer:
        with pytest.warns(LivecbWarning, match="the string 'high': expected a number"):
            writer.add_scalar("a", "high", 1)
        with pytest.warns(
            LivecbWarning, match=r"its shape is \(4, 5\), and dataformats='CHW': say with dataformats="
        ):
            writer.add_image("b", numpy.zeros((4, 5)), 1)
        with pytest.warns(LivecbWarning, match="image 'c' was not recorded"):
            writer.add_images("c", object(), 1)
        with pytest.warns(
            LivecbWarning, match="SummaryWriter.add_scalars could not record .* no attribute 'items'"
        ):
            writer.add_scalars("e", [1.0, 2.0], 1)
        with pytest.warns(LivecbWarning, match="SummaryWriter.add_hparams could not record"):
            writer.add_hparams({"lr": 0.1}, None)
        writer.add_scalar("d", 1.0, 2)
    assert [(event.step, dict(event.values)) for event in recorded.of(events.Metrics)] == [(2, {"d": 1.0})]


def test_an_error_in_the_block_is_the_runs(recorded: Recorded) -> None:
    with pytest.raises(ValueError, match="boom"), SummaryWriter():
        raise ValueError("boom")
    assert [(event.status, event.error) for event in recorded.of(events.RunEnded)] == [
        ("failed", "ValueError: boom")
    ]


@pytest.mark.parametrize("name", [name for name in vars(SummaryWriter) if name.startswith("add_")])
def test_a_method_takes_the_arguments_of_tensorboards(name: str) -> None:
    ours = inspect.signature(getattr(SummaryWriter, name)).parameters
    theirs = inspect.signature(getattr(Original, name)).parameters
    assert list(ours) == list(theirs)
