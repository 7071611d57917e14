"""GANs in loops written by hand: both players on one honest axis, whatever the ratio, and no harm done."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

import gans
import pytest
import torch
from gans import Gan
from torch import nn

import livecb
from livecb import events
from livecb.callbacks import gan_monitor, gan_samples
from livecb.callbacks.gan import Divergence, LiveStream, scores
from livecb.control.commands import wish
from livecb.errors import LivecbWarning
from livecb.testing import Recorded
from wishes import answered, tell

QUIET: dict[str, Any] = {"sinks": [], "capture": None, "system_interval": 0}


def of(recorded: Recorded, name: str) -> list[events.Metrics]:
    """Return the metrics events that hold a value of this name."""
    return [event for event in recorded.of(events.Metrics) if name in event.values]


def values(recorded: Recorded, name: str) -> list[Any]:
    return [event.values[name] for event in of(recorded, name)]


def train(gan: Gan, live: LiveStream | None, epochs: int = 1) -> None:
    """One turn each a batch, told or not."""
    loader = gans.loader()
    batches = (
        (batch for _ in range(epochs) for batch in loader) if live is None else live.track(loader, epochs)
    )
    for real in batches:
        d = gan.turn_of_d(real)
        g = gan.turn_of_g()
        if live is not None:
            live.d_step(**d)
            live.g_step(**g)


def test_both_players_stand_on_the_same_batches_with_the_losses_they_had(recorded: Recorded) -> None:
    gan, told = Gan(), []
    with LiveStream(**QUIET) as live:
        for real in live.track(gans.loader(), epochs=2):
            d = gan.turn_of_d(real)
            live.d_step(**d)
            g = gan.turn_of_g()
            live.g_step(**g)
            told.append((d["loss"].item(), g["loss"].item()))
    d_events, g_events = of(recorded, "loss/D"), of(recorded, "loss/G")
    for player, first in ((d_events, 1), (g_events, 2)):
        assert [event.batch for event in player] == list(range(1, 17))
        assert [event.step for event in player] == list(range(first, 33, 2))
        assert [event.epoch for event in player] == [batch / 8 for batch in range(1, 17)]
        assert [event.samples for event in player] == [32 * batch for batch in range(1, 17)]
    assert [(d.values["loss/D"], g.values["loss/G"]) for d, g in zip(d_events, g_events, strict=True)] == told


def test_five_turns_of_the_critic_for_one_of_the_generator_share_the_axis_of_batches(
    recorded: Recorded,
) -> None:
    gan = Gan()
    with LiveStream(**QUIET) as live:
        for number, real in enumerate(live.track(gans.loader(320), epochs=2), 1):
            live.d_step(gan.turn_of_d(real)["loss"], gp=torch.tensor(0.5))
            if number % 5 == 0:
                live.g_step(gan.turn_of_g()["loss"])
    assert [event.batch for event in of(recorded, "loss/D")] == list(range(1, 21))
    assert [event.batch for event in of(recorded, "loss/G")] == [5, 10, 15, 20]
    assert [event.step for event in of(recorded, "loss/G")] == [6, 12, 18, 24]
    assert values(recorded, "gp/D") == [0.5] * 20


def test_five_turns_within_one_batch_all_stand_at_it(recorded: Recorded) -> None:
    gan, real = Gan(), gans.digits(32)
    with LiveStream(**QUIET).fit(batches=3) as live:
        for _ in range(3):
            for _ in range(5):
                live.d_step(gan.turn_of_d(real)["loss"])
            live.g_step(gan.turn_of_g()["loss"])
            live.batch_end()
    assert [event.batch for event in of(recorded, "loss/D")] == [1] * 5 + [2] * 5 + [3] * 5
    assert [(event.batch, event.step) for event in of(recorded, "loss/G")] == [(1, 6), (2, 12), (3, 18)]
    assert recorded.of(events.RunStarted)[0].totals == events.Totals(batches=3)


def test_a_loop_that_says_its_batches_itself_has_its_epochs_and_its_bar(recorded: Recorded) -> None:
    gan, loader = Gan(), gans.loader()
    with LiveStream(**QUIET).fit(epochs=2, batches=len(loader)) as live:
        for _ in range(2):
            for real in loader:
                live.d_step(**gan.turn_of_d(real))
                live.g_step(**gan.turn_of_g())
                live.batch_end()
    assert recorded.of(events.RunStarted)[0].totals == events.Totals(
        epochs=2, batches=16, batches_per_epoch=8
    )
    assert [event.epoch for event in of(recorded, "loss/G")] == [batch / 8 for batch in range(1, 17)]
    bars = recorded.of(events.Progress)
    assert [(bar.done, bar.total, bar.unit) for bar in (bars[0], bars[-1])] == [
        (0, 16, "batch"),
        (16, 16, "batch"),
    ]
    assert recorded.events[-1].status == "completed"


def test_scores_are_the_means_of_the_outputs_and_how_well_they_are_told_apart(recorded: Recorded) -> None:
    gan, told = Gan(), []
    with LiveStream(**QUIET) as live:
        for real in live.track(gans.loader()):
            d = gan.turn_of_d(real)
            live.d_step(**d)
            told.append((d["real"].mean().item(), d["fake"].mean().item()))
    assert list(zip(values(recorded, "scores/real"), values(recorded, "scores/fake"), strict=True)) == told
    assert all(0 <= value <= 1 for value in values(recorded, "separation"))


def test_separation_is_the_share_of_pairs_in_the_right_order_whatever_the_shape() -> None:
    real, fake = torch.tensor([3.0, 1.0]), torch.tensor([0.0, 2.0])
    for shape in ((2,), (2, 1), (2, 1, 1, 1)):
        assert scores(real.view(shape), fake.view(shape))["separation"].item() == 0.75
    patches = scores(torch.ones(4, 1, 3, 3), torch.zeros(2, 1, 3, 3))
    assert {name: value.item() for name, value in patches.items()} == {
        "scores/real": 1, "scores/fake": 0, "separation": 1,
    }  # fmt: skip
    assert scores(real, real)["separation"].item() == 0.5
    assert set(scores(None, fake)) == {"scores/fake"}


def test_rates_and_gradient_norms_stand_with_the_step_they_belong_to(recorded: Recorded) -> None:
    gan, norms = Gan((1e-3, 2e-3)), []
    with LiveStream(optimizers=gan.optimizers, **QUIET) as live:
        for real in live.track(gans.loader()):
            d = gan.turn_of_d(real)
            norms.append([gans.norm(gan.opt_d)])
            g = gan.turn_of_g()  # its backward adds to the discriminator's gradients
            norms[-1].append(gans.norm(gan.opt_g))
            live.d_step(**d)
            live.g_step(**g)
    assert values(recorded, "grad_norm/D") == [pytest.approx(of_d) for of_d, _ in norms]
    assert values(recorded, "grad_norm/G") == [pytest.approx(of_g) for _, of_g in norms]
    assert (values(recorded, "lr/D"), values(recorded, "lr/G")) == ([1e-3] * 8, [2e-3] * 8)
    assert recorded.of(events.RunStarted)[0].config["optimizer/G"]["lr"] == 2e-3
    train(gan, None)  # the hooks are gone with the run
    assert not gan.opt_d._optimizer_step_post_hooks


def test_samples_are_drawn_every_n_batches_from_the_noise_that_stays(recorded: Recorded) -> None:
    gan = Gan()
    with LiveStream(samples=gan.samples, every_n_batches=4, **QUIET) as live:
        train(gan, live, epochs=2)
    images = recorded.of(events.Image)
    assert [(image.name, image.batch, image.step, image.epoch) for image in images] == [
        ("samples", 4, 8, 0.5), ("samples", 8, 16, 1.0), ("samples", 12, 24, 1.5), ("samples", 16, 32, 2.0),
    ]  # fmt: skip
    assert len({image.file.hash for image in images}) == 4
    assert [event.batch for event in of(recorded, "diversity")] == [4, 8, 12, 16]


def test_a_grid_that_is_on_its_way_at_the_end_is_recorded_before_it(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def to_host(pixels: Any) -> Any:
        return pixels, lambda: len(asked) > 20 or asked.append(1)

    monkeypatch.setattr(gan_samples, "_to_host", to_host)
    gan = Gan()
    with LiveStream(samples=gan.samples, every_n_batches=8, **QUIET) as live:
        train(gan, live)
        assert recorded.of(events.Image) == []
    assert [image.batch for image in recorded.of(events.Image)] == [8]


class OnAccelerator:
    """A number on a device that is slow to tell it."""

    shape = ()
    device = "slow:0"

    def __init__(self, number: float, readers: set[threading.Thread]) -> None:
        self.number = number
        self.readers = readers

    def item(self) -> float:
        self.readers.add(threading.current_thread())
        time.sleep(0.001)
        return self.number


def test_numbers_on_a_device_are_recorded_and_alerted_of_and_never_waited_for(recorded: Recorded) -> None:
    readers: set[threading.Thread] = set()
    with LiveStream(alerts=[Divergence(patience=20)], **QUIET) as live:
        for number in live.track(range(30)):
            live.g_step(OnAccelerator(float(number), readers))
            live.d_step(OnAccelerator(0.01, readers))
    assert len(readers) == 1
    assert threading.current_thread() not in readers
    assert values(recorded, "loss/G") == list(range(30))
    assert [event.batch for event in of(recorded, "loss/D")] == list(range(1, 31))
    assert [(alert.title, alert.batch) for alert in recorded.of(events.Alert)] == [
        ("The discriminator has won", 20)
    ]


def test_each_run_has_rules_of_its_own(recorded: Recorded) -> None:
    live = LiveStream(alerts=[Divergence(patience=4)], **QUIET)
    for _ in range(2):
        with live:
            for _ in live.track(range(6)):
                live.g_step(1.0)
                live.d_step(0.01)
    alerts = [recorded.of(events.Alert, run) for run in recorded.runs]
    assert [[alert.batch for alert in each] for each in alerts] == [[4], [4]]


def test_the_training_is_the_one_without_it_to_the_last_bit(recorded: Recorded) -> None:
    ends = []
    for watched in (True, False):
        gan = Gan()
        gan.G.append(nn.Dropout(0.1))  # type: ignore[operator]
        gan.D[1] = nn.utils.parametrizations.spectral_norm(gan.D[1])  # type: ignore[index,operator]
        gan.opt_d = torch.optim.Adam(gan.D.parameters(), 1e-3)
        noise = torch.randn(4, gans.NOISE)

        def draw(gan: Gan = gan, noise: torch.Tensor = noise) -> torch.Tensor:
            gan.D(gan.G(noise))  # whatever remembers its inputs, forgets these
            return gan.G(torch.randn(4, gans.NOISE))

        live = LiveStream(samples=draw, every_n_batches=1, optimizers=gan.optimizers, **QUIET)
        if watched:
            with live:
                train(gan, live, 2)
        else:
            train(gan, None, 2)
        ends.append([*gan.G.state_dict().values(), *gan.D.state_dict().values(), torch.get_rng_state()])
        assert all(module.training for net in (gan.G, gan.D) for module in net.modules())
    assert len(recorded.of(events.Image)) == 16
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(*ends, strict=True))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"samples": lambda: 1 / 0}, "no samples are drawn any more: ZeroDivisionError"),
        ({"samples": lambda: torch.zeros(4, 64)}, r"got a tensor of shape \(4, 64\): reshape them"),
        ({"samples": lambda: "a"}, "got a str"),
        ({"samples": torch.zeros(4, 1, 8, 8)}, "expected a function that draws, .* got a Tensor"),
        ({"optimizers": {"D": "adam"}}, r"optimizers\['D'\]: expected a torch optimizer or module"),
        ({"alerts": ["collapse"]}, "expected alerts to be rules"),
        ({"samples": lambda: torch.rand(2, 1, 8, 8), "real_samples": 3}, "real_samples are left out: .* got a int"),
    ],
)  # fmt: skip
def test_what_is_no_use_is_said_once_and_the_rest_goes_on(
    recorded: Recorded, settings: dict[str, Any], message: str
) -> None:
    gan = Gan()
    with pytest.warns(LivecbWarning, match=message) as said:
        with LiveStream(every_n_batches=2, **settings, **QUIET) as live:
            train(gan, live)
    assert len(said) == 1
    assert len(of(recorded, "loss/G")) == 8
    assert recorded.events[-1].status == "completed"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"loss": torch.ones(3)}, r"'loss/D' was not recorded: it is a torch Tensor of shape \(3,\)"),
        ({"loss": "low"}, "'loss/D' was not recorded: it is the string 'low'"),
        ({"loss": 1.0, "real": 0.3, "fake": torch.ones(2)}, "expected real= and fake= to be"),
    ],
)
def test_what_is_no_number_is_named_once_and_the_training_goes_on(
    recorded: Recorded, said: dict[str, Any], message: str
) -> None:
    with pytest.warns(LivecbWarning, match=message) as warned:
        with LiveStream(**QUIET) as live:
            for _ in live.track(range(3)):
                live.d_step(**said)
                live.g_step(0.5)
    assert len(warned) == 1
    assert values(recorded, "loss/G") == [0.5] * 3


def test_a_loss_that_is_no_number_any_more_is_alerted_of(recorded: Recorded) -> None:
    with LiveStream(**QUIET) as live:
        for batch in live.track(range(1, 4)):
            live.d_step(torch.tensor(float("nan") if batch == 2 else 0.5))
            live.g_step(0.5)
    (alert,) = recorded.of(events.Alert)
    assert (alert.title, alert.text, alert.batch) == ("Non-finite loss", "loss/D is nan", 2)


def test_an_error_in_the_loop_is_how_the_run_ends_and_reaches_who_trains(recorded: Recorded) -> None:
    gan = Gan()

    def loop() -> None:
        with LiveStream(samples=gan.samples, every_n_batches=1, **QUIET) as live:
            for _ in live.track(gans.loader()):
                live.g_step(gan.turn_of_g()["loss"])
                if live.run.batch == 3:
                    1 / 0  # noqa: B018

    with pytest.raises(ZeroDivisionError):
        loop()
    end = recorded.events[-1]
    assert (end.status, end.error) == ("failed", "ZeroDivisionError: division by zero")
    assert [image.batch for image in recorded.of(events.Image)] == [1, 2]


def test_a_loop_that_is_left_early_is_completed(recorded: Recorded) -> None:
    with LiveStream(**QUIET) as live:
        for batch in live.track(range(10)):
            live.g_step(1.0)
            if batch == 3:
                break
    assert recorded.events[-1].status == "completed"
    assert recorded.of(events.Progress)[-1].done == 3


def test_what_is_said_outside_of_the_block_is_warned_of_once() -> None:
    live = LiveStream(**QUIET)
    with pytest.warns(LivecbWarning, match=r"live.d_step\(\) outside of `with live:`") as said:
        for _ in range(2):
            live.d_step(0.5)
            live.batch_end()
    assert len(said) == 1


@pytest.mark.parametrize("variables", [{"LIVECB_MODE": "disabled"}, {"RANK": "1", "WORLD_SIZE": "2"}])
def test_where_nothing_is_recorded_nothing_is_drawn_nor_hooked(
    recorded: Recorded, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    gan, drawn = Gan(), []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with LiveStream(
            samples=lambda: drawn.append(1), every_n_batches=1, optimizers=gan.optimizers
        ) as live:
            assert not gan.opt_d._optimizer_step_post_hooks
            train(gan, live)
    assert (drawn, recorded.runs) == ([], [])


def test_a_run_that_is_given_is_recorded_into_and_left_open(recorded: Recorded) -> None:
    with livecb.init(**QUIET) as run:
        with LiveStream(run=run) as live:
            train(Gan(), live)
        assert run.active
        run.log({"fid": 31.0}, context="val")
    assert [(event.batch, event.step) for event in of(recorded, "fid")] == [(8, 16)]
    assert recorded.of(events.Config)[0].framework == "torch"


def test_values_of_every_nth_batch_alone_are_recorded_if_wanted(recorded: Recorded) -> None:
    with LiveStream(every_n_steps=3, **QUIET) as live:
        train(Gan(), live)
    for name in ("loss/D", "loss/G"):
        assert [event.batch for event in of(recorded, name)] == [3, 6]


def test_several_discriminators_are_told_apart(recorded: Recorded) -> None:
    with LiveStream(**QUIET) as live:
        for _ in live.track(range(2)):
            for name in ("D_A", "D_B"):
                live.d_step(0.5, name=name)
            live.g_step(0.7, name="G_AB", cycle=0.1)
    assert values(recorded, "loss/D_A") == values(recorded, "loss/D_B") == [0.5] * 2
    assert values(recorded, "cycle/G_AB") == [0.1] * 2


def test_batches_of_a_stream_without_end_are_counted_all_the_same(recorded: Recorded) -> None:
    with LiveStream(**QUIET) as live:
        for _ in live.track(iter([torch.zeros(2, 1), torch.zeros(2, 1)])):
            live.g_step(0.5)
    assert [(event.batch, event.epoch, event.samples) for event in of(recorded, "loss/G")] == [
        (1, 0.0, 2), (2, 0.0, 4),
    ]  # fmt: skip
    assert recorded.of(events.Progress)[-1].total is None


@pytest.mark.parametrize("spoil", ["_end_batch", "_tell_step"])
def test_a_mistake_of_ours_is_said_once_and_the_training_goes_on(recorded: Recorded, spoil: str) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise ValueError("a bug of ours")

    live = LiveStream(**QUIET)
    target: Callable[..., Any] = fail
    with pytest.warns(LivecbWarning, match="failed: ValueError: a bug of ours") as said, live:
        if spoil == "_end_batch":
            live._session.monitor.end_batch = target
        else:
            live._scores = target  # type: ignore[method-assign]
        train(Gan(), live)
    assert len(said) == 1
    assert [alert.title for alert in recorded.of(events.Alert)] == ["livecb stopped recording"]
    assert recorded.events[-1].status == "completed"


def test_rules_are_shown_what_is_recorded_where_numbers_come_from_a_device(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, float]] = []

    class Notes:
        def __deepcopy__(self, memo: Any) -> Any:
            return self

        def see(self, values: Any) -> None:
            seen.append(dict(values))

    def pictures() -> torch.Tensor:
        return torch.rand(4, 1, 8, 8)

    monkeypatch.setattr(gan_monitor, "diversity", lambda pictures: OnAccelerator(0.5, set()))
    given = {"samples": pictures, "real_samples": pictures(), "every_n_batches": 3, "alerts": [Notes()]}
    with LiveStream(every_n_steps=2, **given, **QUIET) as live:
        for _ in live.track(range(6)):
            live.d_step(OnAccelerator(0.5, set()))
    losses, grid = {"loss/D": 0.5}, {"diversity": 0.5, "diversity/real": 0.5}
    assert [said for said in seen if said] == [losses, grid, losses, losses, grid]
    assert [event.batch for event in of(recorded, "diversity/real")] == [3]


def test_loops_that_follow_one_another_count_on(recorded: Recorded) -> None:
    with LiveStream(**QUIET) as live:
        for size in (4, 5):
            for _ in live.track(range(size)):
                live.g_step(0.5)
    said = recorded.of(events.Config)[-1].totals, recorded.of(events.Progress)[-1]
    assert said[0] == events.Totals(epochs=2, batches=9, batches_per_epoch=5)
    assert (said[1].done, said[1].total, said[1].left) == (9, 9, 0.0)
    assert [event.epoch for event in of(recorded, "loss/G")] == [
        0.25,
        0.5,
        0.75,
        1.0,
        1.2,
        1.4,
        1.6,
        1.8,
        2.0,
    ]


def test_readers_ask_for_a_grid_and_get_it_at_once(recorded: Recorded) -> None:
    gan = Gan()
    with LiveStream(samples=gan.samples, every_n_batches=4, alerts=[], **QUIET) as live:
        for batch, _ in enumerate(live.track(gans.loader()), start=1):
            if batch in (3, 4):
                tell(live.run, wish("sample", by="ada"))
    assert [event.batch for event in recorded.of(events.Image)] == [3, 4, 8]
    assert [phase for _, phase, _ in answered(recorded.events)] == ["applied", "applied"]
    assert "already" in recorded.of(events.Command)[-1].reason


def test_what_a_loop_cannot_do_is_refused_until_it_can(recorded: Recorded) -> None:
    gan = Gan()
    torch.optim.lr_scheduler.ExponentialLR(gan.opt_d, 0.5)
    wishes = [wish("sample"), wish("stop"), wish("save"), wish("set", 0.1, parameter="lr/D")]
    with LiveStream(optimizers=gan.optimizers, **QUIET).fit(batches=8) as live:
        tell(live.run, *wishes)
        live.batch_end()
    refused = [event for event in recorded.of(events.Command) if event.phase == "refused"]
    said = ["samples= was not given", "live.should_stop", "live.run.offer", "schedulers="]
    assert [any(words in event.reason for words in said) for event in refused] == [True] * 4


def test_a_loop_that_counts_itself_is_stopped_where_it_looks(recorded: Recorded) -> None:
    done = 0
    with LiveStream(**QUIET).fit(batches=8) as live:
        while not live.should_stop and done < 8:
            done += 1
            if done == 3:
                tell(live.run, wish("stop", by="ada"))
            live.batch_end()
    assert done == 3
    assert (recorded.events[-1].status, recorded.events[-1].by) == ("stopped", "ada")
