"""GANs in loops written by hand: both players on one honest axis, pictures, and alerts that are true."""

from __future__ import annotations

from typing import Any

import gans
import pytest
from gans import Gan

from livecb import events
from livecb.callbacks.gan import LiveStream
from livecb.testing import Recorded

QUIET: dict[str, Any] = {"sinks": [], "capture": None, "system_interval": 0}


def of(recorded: Recorded, name: str) -> list[events.Metrics]:
    """Return the metrics events that hold a value of this name."""
    return [event for event in recorded.of(events.Metrics) if name in event.values]


def test_both_players_stand_on_the_same_batches_with_the_losses_they_had(recorded: Recorded) -> None:
    gan, told = Gan(), []
    with LiveStream(**QUIET) as live:
        for real in live.track(gans.loader(), epochs=2):
            d, g = gan.turn_of_d(real), None
            live.d_step(**d)
            g = gan.turn_of_g()
            live.g_step(**g)
            told.append((d["loss"].item(), g["loss"].item()))
    both = of(recorded, "loss/D"), of(recorded, "loss/G")
    assert [[event.batch for event in player] for player in both] == [list(range(1, 17))] * 2
    assert [[event.step for event in player] for player in both] == [
        list(range(1, 33, 2)),
        list(range(2, 33, 2)),
    ]
    assert [event.epoch for event in both[0]] == [batch / 8 for batch in range(1, 17)]
    assert [event.samples for event in both[0]] == [32 * batch for batch in range(1, 17)]
    assert [(d.values["loss/D"], g.values["loss/G"]) for d, g in zip(*both, strict=True)] == [
        pytest.approx(pair) for pair in told
    ]
