from __future__ import annotations

import pytest

from livecb import meter
from livecb.meter import Meter


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands until the test moves it."""
    now = [1000.0]
    monkeypatch.setattr(meter, "monotonic", lambda: now[0])
    return now


def test_rate_and_time_left_are_those_of_the_last_half_minute(clock: list[float]) -> None:
    m = Meter("step", total=1000)
    clock[0] += 600  # ten minutes for the first step: compiling
    m.read(1)
    for done in range(2, 102):
        clock[0] += 0.5
        read = m.read(done)
    assert read["rate"] == pytest.approx(2.0, rel=0.05)
    assert read["left"] == pytest.approx((1000 - 101) / 2, rel=0.05)
    assert read["elapsed"] == 650


def test_what_is_not_known_is_not_invented(clock: list[float]) -> None:
    m = Meter("step", start=50)
    assert m.read(50)["rate"] is None
    clock[0] += 10
    assert m.read(100)["rate"] == 5.0
    assert m.read(100)["left"] is None


def test_four_events_a_second_at_most_are_due(clock: list[float]) -> None:
    m = Meter()
    due = 0
    for _ in range(1000):
        clock[0] += 0.01
        if m.is_due():
            due += 1
            m.read(due)
    assert 36 <= due <= 41
