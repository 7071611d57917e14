"""Where lines stand in a log, by time: also where that is in several parts, of which each has its own clock."""

from __future__ import annotations

import random

import pytest

from livecb import events as ev
from livecb.server.lines import Lines


def lines_of(*said: tuple[float, str]) -> Lines:
    lines = Lines()
    for number, (time, level) in enumerate(said):
        lines.add(0, number, 1, ev.Log(seq=number, time=time, message="x", level=level))
    return lines


@pytest.mark.parametrize(("time", "place"), [(0, 0), (2.5, 2), (11.5, 5), (12, 5), (12.5, 9)])
def test_a_time_is_found_where_ranks_were_folded_one_after_the_other(time: float, place: int) -> None:
    lines = lines_of(*[(each, "INFO") for each in (1, 2, 3, 10, 11, 12, 1.5, 2.5, 3.5)])
    assert lines.at_time(time, 10) == place


def test_among_lines_of_a_level_only_their_own_times_count() -> None:
    lines = lines_of((1, "ERROR"), (9, "INFO"), (2, "ERROR"), (3, "INFO"), (4, "ERROR"))
    assert [lines.of(40)[lines.at_time(time, 40)] for time in (0.5, 1.5, 3.5)] == [0, 2, 4]
    assert lines.at_time(5, 40) == 3


def test_in_many_lines_the_first_that_is_late_enough_is_found_whatever_their_order() -> None:
    chance = random.Random(3)
    levels = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
    times = [part * 700 + number / 2 + chance.random() for part in range(3) for number in range(1700)]
    lines = lines_of(*[(time, chance.choice(levels)) for time in times])
    for least in (10, 20, 30, 40, 50):
        own = [times[number] for number in lines.of(least)]
        for time in [-1, *chance.sample(times, 40), 1e9]:
            first = next((at for at, each in enumerate(own) if each >= time), len(own))
            assert lines.at_time(time, least) == first


def test_that_costs_hardly_any_memory() -> None:
    lines = lines_of(*[(float(number), "ERROR") for number in range(10_000)])
    assert lines.nbytes < 10_000 * 44
