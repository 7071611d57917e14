"""Which points are kept."""

from livecb import thinning
from livecb.state import State
from script import Script


def strands_of(script, **query):
    state = State("r")
    state.feed(script.events)
    asked = {"axis": "step", "start": None, "end": None, **query}
    return thinning.strands(state.series.metrics["loss"], **asked)


def test_each_attempt_is_a_strand():
    script = Script().start().steps(1, 9, loss=1.0).start(2, resumed_step=5).steps(6, 7, loss=1.0)
    assert [(strand.attempt, list(strand.rows)) for strand in strands_of(script)] == [
        (1, list(range(9))),
        (2, [9, 10]),
    ]


def test_a_strand_without_a_point_in_the_range_is_none():
    script = Script().start().steps(1, 9, loss=1.0).start(2, resumed_step=5).steps(6, 7, loss=1.0)
    assert [strand.attempt for strand in strands_of(script, start=8)] == [1]


def test_strands_share_the_points_by_their_length():
    script = Script().start().steps(1, 3000, loss=1.0).start(2, resumed_step=2999).steps(3000, 3999, loss=1.0)
    kept = thinning.thin(strands_of(script), 400)
    share = [strand.attempt for strand, _ in kept].count(1)
    assert 2 <= share / (len(kept) - share) <= 4
    assert len(kept) <= 400


def test_however_few_points_are_asked_for_the_ends_stay():
    kept = thinning.thin(strands_of(Script().start().steps(1, 100, loss=1.0)), 1)
    assert [row for _, row in kept] == [0, 99]
