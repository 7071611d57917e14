"""Alerts of GANs: of loops that really go wrong, once; of those that do not, never."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gans
import pytest
import torch
from gans import Gan

from livecb import events
from livecb.callbacks.gan import Collapse, Divergence, LiveStream
from livecb.callbacks.gan_alerts import Alerts, Rule
from livecb.errors import LivecbWarning
from livecb.testing import Recorded
from livecb.values import Deferred

QUIET: dict[str, Any] = {"sinks": [], "capture": None, "system_interval": 0}

# Rates of discriminator and generator.
HEALTHY, DIVERGING, COLLAPSING = (1e-3, 1e-3), (1e-2, 1e-5), (1e-5, 1e-2)


def alerts_of(
    recorded: Recorded,
    rates: tuple[float, float],
    *,
    epochs: int,
    reals: bool,
    rules: Sequence[Rule] | None = None,
) -> list[tuple[str, int | None]]:
    """Train a GAN on digits and return what it was alerted of, and at which batch."""
    gan = Gan(rates)
    real_samples = gans.digits(16) if reals else None
    live = LiveStream(
        samples=gan.samples, every_n_batches=10, real_samples=real_samples, alerts=rules, **QUIET
    )
    with live:
        for real in live.track(gans.loader(1024), epochs):
            live.d_step(**gan.turn_of_d(real))
            live.g_step(**gan.turn_of_g())
    return [(alert.title, alert.batch) for alert in recorded.of(events.Alert)]


@pytest.mark.parametrize("reals", [True, False])
def test_of_a_gan_that_learns_there_is_nothing_to_say(recorded: Recorded, reals: bool) -> None:
    rules = [Divergence(patience=50), Collapse(patience=2)]  # quicker to speak than by default
    assert alerts_of(recorded, HEALTHY, epochs=12, reals=reals, rules=rules) == []
    diversity = [
        event.values["diversity"] for event in recorded.of(events.Metrics) if "diversity" in event.values
    ]
    assert diversity[-1] > 1.4 * min(diversity)  # it did learn


def test_a_discriminator_that_has_won_is_alerted_of_once(recorded: Recorded) -> None:
    ((title, batch),) = alerts_of(recorded, DIVERGING, epochs=12, reals=True)
    assert title == "The discriminator has won"
    assert 200 <= batch < 250
    (alert,) = recorded.of(events.Alert)
    assert alert.level == "WARN"
    assert alert.text.startswith("Over 200 batches its loss was 0.0")


def test_a_generator_that_draws_one_picture_is_alerted_of(recorded: Recorded) -> None:
    ((title, batch),) = alerts_of(recorded, COLLAPSING, epochs=4, reals=True)
    assert title == "Mode collapse"
    assert batch <= 60


def test_a_collapse_is_noticed_without_real_pictures_too(recorded: Recorded) -> None:
    rules = [Collapse(share=0.5)]
    alerts = alerts_of(recorded, COLLAPSING, epochs=4, reals=False, rules=rules)
    assert {title for title, _ in alerts} == {"Mode collapse"}


@pytest.mark.parametrize("off", [[], False, [Divergence()]])
def test_each_alert_can_be_turned_off(recorded: Recorded, off: Any) -> None:
    assert alerts_of(recorded, COLLAPSING, epochs=2, reals=True, rules=off) == []


def test_a_critic_that_tells_real_from_fake_is_as_it_should_be(recorded: Recorded) -> None:
    gan = Gan((5e-4, 5e-5))
    rules = [Divergence(patience=20, separation=0.9)]
    with LiveStream(alerts=rules, **QUIET) as live:
        for number, real in enumerate(live.track(gans.loader(1024), 6), 1):
            on_real, on_fake = gan.D(real), gan.D(gan.G(torch.randn(len(real), gans.NOISE)).detach())
            loss = on_fake.mean() - on_real.mean()
            gans.step(gan.opt_d, loss)
            for each in gan.D.parameters():
                each.data.clamp_(-0.03, 0.03)
            live.d_step(loss, real=on_real, fake=on_fake)
            if number % 5 == 0:
                loss = -gan.D(gan.G(torch.randn(32, gans.NOISE))).mean()
                gans.step(gan.opt_g, loss)
                live.g_step(loss)
    told = [event.values for event in recorded.of(events.Metrics) if "separation" in event.values][-20:]
    assert all(values["loss/D"] < 0 for values in told)  # less than that of one that has won
    assert sum(values["separation"] for values in told) / 20 > 0.9
    assert recorded.of(events.Alert) == []


def told(rule: Rule, name: str, values: Sequence[float], **always: float) -> list[int]:
    """Return after which of the values a rule speaks, counted from 1."""
    return [n for n, value in enumerate(values, 1) if rule.see({name: value, **always})]


def test_divergence_needs_all_three_signs_over_all_its_patience() -> None:
    first = [{"loss/D": 1.4, "loss/G": 0.7, "separation": 0.5}] * 10
    won = {"loss/D": 0.01, "loss/G": 5.0, "separation": 1.0}
    signs = {
        "all": {},
        "loss": {"loss/D": 0.3},
        "separation": {"separation": 0.9},
        "generator": {"loss/G": 0.6},
    }
    spoken = {}
    for name, but in signs.items():
        rule = Divergence(patience=5)
        spoken[name] = [n for n, values in enumerate(first + [{**won, **but}] * 20) if rule.see(values)]
    assert spoken == {"all": [14], "loss": [], "separation": [], "generator": []}


def test_it_speaks_again_only_after_things_were_well() -> None:
    lost, well = [0.01] * 3, [1.0] * 3
    assert told(Divergence(patience=3), "loss/D", lost + lost + well + lost, **{"loss/G": 1.0}) == [3, 12]
    assert told(Collapse(patience=2), "diversity", [1, 0.1, 0.1, 0.1, 1, 0.1, 0.1]) == [3, 7]


def test_pictures_that_are_alike_at_first_have_time() -> None:
    low = [0.1] * 12
    assert told(Collapse(), "diversity", low, **{"diversity/real": 1.0}) == [10]
    assert told(Collapse(), "diversity", [*low[:9], 0.5, *low[:3]], **{"diversity/real": 1.0}) == [13]


def test_numbers_on_their_way_are_shown_in_order_and_not_waited_for() -> None:
    seen: list[dict[str, float]] = []

    class Notes:
        def see(self, values: Any) -> None:
            seen.append(dict(values))

    late = Deferred(lambda: 7.0)
    alerts = Alerts([Notes()])
    for values in ({"a": 1}, {"a": late}, {"a": 3, "word": "no number"}):
        alerts.see(values, batch=1)
    alerts.tell(None)
    assert (seen, alerts.waits) == ([{"a": 1}], True)
    late.read()
    alerts.tell(None)
    assert (seen, alerts.waits) == ([{"a": 1}, {"a": 7.0}, {"a": 3}], False)


def test_a_rule_of_somebody_elses_that_fails_is_turned_off(recorded: Recorded) -> None:
    class Broken:
        def see(self, values: Any) -> None:
            raise KeyError("loss")

    with pytest.warns(LivecbWarning, match="Broken is turned off: KeyError"):
        assert alerts_of(recorded, HEALTHY, epochs=1, reals=False, rules=[Broken()]) == []
    assert recorded.events[-1].status == "completed"
