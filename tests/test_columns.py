"""Columns and frames."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from livecb.columns import AXES, Column, Frame

VALUES = st.lists(st.floats(width=16) | st.integers(-3, 3), max_size=400)


@settings(max_examples=200, deadline=None)
@given(st.lists(VALUES, max_size=4), st.data())
def test_the_extremes_of_any_range_are_those_that_looking_at_every_value_finds(pieces, data):
    column, values = Column(), [value for piece in pieces for value in piece]
    for piece in pieces:
        column.extend(piece)
    start = data.draw(st.integers(0, len(values)))
    end = data.draw(st.integers(start, len(values)))
    finite = [row for row in range(start, end) if math.isfinite(values[row])]
    if finite:
        expected = min(finite, key=values.__getitem__), max(finite, key=values.__getitem__)
        assert column.extremes(start, end) == expected
    else:
        assert column.extremes(start, end) is None
    assert list(column.odd_in(start, end)) == sorted(set(range(start, end)) - set(finite))


def rows(frame, attempt, steps, first=0):
    unknown = [None] * len(steps)
    axes = [steps if name == "step" else unknown for name in AXES]
    frame.extend(attempt, range(first, first + len(steps)), axes, ([0.0] * len(steps),))


def test_an_axis_that_nothing_says_is_not_kept():
    frame = Frame(("loss",))
    rows(frame, 1, [1, 2])
    assert frame.axis("epoch") is None
    assert frame.at("epoch", 0) is None
    assert frame.latest("epoch") is None


def test_an_axis_may_come_late_and_go_again():
    frame = Frame(("loss",))
    rows(frame, 1, [None, None])
    rows(frame, 1, [3, None], first=2)
    rows(frame, 1, [None], first=4)
    assert [frame.at("step", row) for row in range(5)] == [None, None, 3, None, None]
    assert frame.latest("step") == (2, 3)
    assert not frame.is_full("step")


def test_an_axis_rises_until_it_falls():
    frame = Frame(("loss",))
    rows(frame, 1, [1, 2, 2])
    assert frame.rises("step", frame.segments[0])
    rows(frame, 1, [3], first=3)
    assert frame.rises("step", frame.segments[0])
    rows(frame, 1, [1], first=4)
    assert not frame.rises("step", frame.segments[0])
    rows(frame, 2, [1, 2], first=5)
    assert frame.rises("step", frame.segments[1])


def test_a_cut_gives_up_the_end_of_an_attempt_and_what_still_comes_of_it():
    frame = Frame(("loss",))
    rows(frame, 1, [1, 2, 3, 4])
    assert frame.first_beyond(frame.segments[0], 2) == 2
    assert frame.first_beyond(frame.segments[0], 4) is None
    frame.cut(1, 2)
    rows(frame, 1, [5], first=4)
    assert frame.segments == [(1, 0, 2, 5)]


def test_a_place_beyond_a_double_is_no_place_and_spoils_nothing():
    frame = Frame(("loss",))
    steps = [1, 10**400, None, 4]
    axes = [steps if name == "step" else [None] * 4 for name in AXES]
    frame.extend(1, range(4), axes, [[0.5] * 4])
    assert [frame.at("step", row) for row in range(4)] == [1.0, None, None, 4.0]
    assert frame.latest("step") == (3, 4.0)
    frame.extend(1, [4], [[-(10**400)] if name == "step" else [None] for name in AXES], [[0.5]])
    assert frame.latest("step") == (3, 4.0)
    assert len(frame) == len(frame.axis("step")) == 5
