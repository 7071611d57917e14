"""What is drawn: the right pixels, at the right place, and nothing of the training touched."""

from __future__ import annotations

import io
import random
import warnings
from typing import Any

import numpy
import pytest
import torch
from PIL import Image
from torch import nn

import livecb
from livecb import events
from livecb.callbacks import gan_samples
from livecb.callbacks.gan import scores
from livecb.callbacks.gan_samples import Filmstrip, diversity, draw, grid
from livecb.errors import ValueRefused
from livecb.testing import Recorded
from syncs import Syncs


def picture(value: float, colours: int = 1, size: int = 32) -> torch.Tensor:
    return torch.full((1, colours, size, size), value)


def test_pictures_stand_beside_and_below_each_other_in_their_order() -> None:
    pixels = grid(torch.cat([picture(n / 255) for n in (10, 20, 30, 40, 50)]))
    assert (pixels.dtype, tuple(pixels.shape)) == (torch.uint8, (2 * 34 - 2, 3 * 34 - 2))
    middles = [[int(pixels[16 + 34 * row, 16 + 34 * column]) for column in range(3)] for row in range(2)]
    assert middles == [[10, 20, 30], [40, 50, 0]]
    assert int(pixels[32, 0]) == int(pixels[0, 33]) == 0  # the gap


@pytest.mark.parametrize(
    ("low", "high", "value_range"), [(0.0, 1.0, None), (-1.0, 1.0, None), (-2.0, 6.0, (-2.0, 6.0))]
)
def test_black_is_black_and_white_is_white_in_any_range(low: float, high: float, value_range: Any) -> None:
    pixels = grid(torch.cat([picture(low), picture((low + high) / 2), picture(high)]), value_range)
    assert [int(pixels[16, 16]), int(pixels[16, 50]), int(pixels[50, 16])] == [0, 128, 255]


def test_colours_stay_what_they_are_and_small_pictures_grow() -> None:
    red_and_blue = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])[:, :, None, None].expand(2, 3, 8, 8)
    pixels = grid(red_and_blue)
    assert tuple(pixels.shape) == (32, 66, 3)
    assert pixels[5, 5].tolist() == [255, 0, 0]
    assert pixels[5, 60].tolist() == [0, 0, 255]


def test_what_is_no_number_is_black_and_more_than_64_are_left_out() -> None:
    pictures = torch.rand(80, 1, 32, 32)
    pictures[0] = float("nan")
    pixels = grid(pictures)
    assert tuple(pixels.shape) == (8 * 34 - 2, 8 * 34 - 2)
    assert int(pixels[:32, :32].max()) == 0
    assert int(pixels[:32, 34:].max()) > 200


def test_diversity_is_the_mean_distance_of_two_pictures_per_pixel() -> None:
    assert diversity(torch.cat([picture(0.0), picture(1.0), picture(1.0)])).item() == pytest.approx(2 / 3)
    assert diversity(picture(0.5).expand(10, -1, -1, -1)).item() == 0
    pictures = torch.rand(20, 3, 8, 8)
    pairs = [(pictures[i] - pictures[j]).pow(2).mean().sqrt() for i in range(20) for j in range(i)]
    assert diversity(pictures).item() == pytest.approx(torch.stack(pairs).mean().item(), rel=1e-5)


def test_nothing_is_asked_of_the_device_before_a_grid_is_finished() -> None:
    pictures = torch.rand(9, 3, 16, 16)
    with Syncs() as syncs:
        grid(pictures)
        diversity(pictures)
        scores(torch.rand(4, 1), torch.rand(4, 1))
    assert syncs.found == []


def test_what_is_kept_is_the_grid_to_the_last_pixel(recorded: Recorded) -> None:
    pictures = torch.rand(9, 3, 32, 32)
    film = Filmstrip("samples", None)
    with livecb.init(sinks=[], capture=None, system_interval=0) as run:
        run.at(step=99)
        film.take(pictures, step=7, batch=3)
        film.tell(run)
        assert run.folder is not None
        (image,) = recorded.of(events.Image)
        kept = (run.folder / "files" / image.file.hash).read_bytes()
    assert numpy.array_equal(numpy.asarray(Image.open(io.BytesIO(kept))), grid(pictures).numpy())
    assert (image.name, image.step, image.batch, image.width, image.height) == ("samples", 7, 3, 100, 100)


def test_a_grid_is_recorded_when_it_has_come_and_where_it_was_taken(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    come: list[bool] = []
    monkeypatch.setattr(gan_samples, "_to_host", lambda pixels: (pixels, lambda: bool(come)))
    film = Filmstrip("samples", None)
    with livecb.init(sinks=[], capture=None, system_interval=0) as run:
        for batch in (1, 2):
            film.take(picture(0.5), batch=batch)
            film.tell(run)
        assert recorded.of(events.Image) == []
        film.tell(run, 0.01)  # an end that does not wait for ever
        come.append(True)
        film.tell(run)
    assert [image.batch for image in recorded.of(events.Image)] == [1, 2]


def test_drawing_leaves_every_random_state_as_it_was() -> None:
    def states() -> list[Any]:
        return [random.getstate(), repr(numpy.random.get_state()), torch.get_rng_state().tolist()]

    def samples() -> torch.Tensor:
        random.random()
        numpy.random.rand()
        return torch.rand(2, 1, 8, 8)

    before = states()
    draw(samples)
    assert states() == before
    with pytest.raises(ZeroDivisionError):
        draw(lambda: (samples(), 1 / 0))
    assert states() == before


def test_drawing_leaves_what_layers_remember_and_their_mode() -> None:
    net = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.utils.parametrizations.spectral_norm(nn.Conv2d(2, 1, 3))
    )
    before = {name: value.clone() for name, value in net.state_dict().items()}
    with_gradients = []

    def samples() -> Any:
        with_gradients.append(torch.is_grad_enabled())
        return net(torch.rand(4, 1, 12, 12))

    draw(samples)
    assert with_gradients == [False]
    assert torch.is_grad_enabled()
    assert net.training
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert not nn.modules.module._global_forward_pre_hooks


def test_a_module_that_waits_for_other_ranks_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 2)
    net = nn.SyncBatchNorm(1)
    with pytest.raises(ValueRefused, match="SyncBatchNorm, which waits for other ranks"):
        draw(lambda: net(torch.rand(4, 1, 8, 8)))
    net.eval()
    assert draw(lambda: net(torch.rand(4, 1, 8, 8))).shape == (4, 1, 8, 8)


@pytest.mark.parametrize("shape", [(64,), (4, 64), (4, 2, 8, 8), (0, 1, 8, 8), (1, 4, 1, 8, 8)])
def test_what_is_no_batch_of_pictures_is_refused_with_the_cure(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueRefused, match=r"expected pictures N×C×H×W .*view\(-1, 1, 28, 28\)"):
        draw(lambda: torch.zeros(shape))


def test_pictures_without_an_axis_of_colours_are_grey() -> None:
    assert draw(lambda: torch.zeros(5, 8, 8)).shape == (5, 1, 8, 8)


def test_a_compiled_module_is_not_compiled_anew_by_drawing() -> None:
    from torch._dynamo.utils import counters

    torch._dynamo.reset()
    counters.clear()
    net = torch.compile(
        nn.Sequential(nn.Linear(4, 64), nn.BatchNorm1d(64), nn.Unflatten(1, (1, 8, 8))), backend="eager"
    )
    graphs = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(4):
            net(torch.randn(8, 4)).sum().backward()
            before = [each.clone() for each in net.buffers()]
            draw(lambda: net(torch.randn(3, 4)))
            assert all(torch.equal(*pair) for pair in zip(net.buffers(), before, strict=True))
            graphs.append(counters["stats"]["unique_graphs"])
    assert graphs == [1, 1, 1, 1]
