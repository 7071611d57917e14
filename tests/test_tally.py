"""Who said how much."""

from livecb import events as ev
from livecb.tally import Tally
from script import BEGAN, Script


def tally_of(*scripts):
    tally = Tally()
    for script in scripts:
        tally.feed(script.events, [type(event) for event in script.events])
    return tally


def test_events_are_counted_by_type():
    tally = tally_of(Script().start().steps(1, 3).end())
    assert tally.counts == {"run_started": 1, "metrics": 3, "run_ended": 1}
    assert (tally.events, tally.seq, tally.updated) == (5, 4, BEGAN + 4)


def test_other_ranks_are_told_apart():
    other = Script(rank=1).start().steps(1, 3).say(ev.System, cpu=5.0)
    tally = tally_of(Script().start(), other)
    assert tally.seq == 0
    assert tally.ranks()["1"]["events"] == 5
    assert tally.ranks()["1"]["step"] == 3
    assert tally.ranks()["1"]["system"]["cpu"] == 5.0


def test_of_holes_and_what_the_writer_counted_the_larger_holds():
    script = Script().start()
    script.seq += 3
    tally = tally_of(script.steps(1, 1))
    assert [tally.lost(said) for said in (0, 3, 5)] == [3, 3, 5]
    tally.close_attempt(4)
    assert tally.lost(1) == 5


def test_a_rank_that_is_no_number_is_the_first():
    tally = Tally()
    tally.feed([ev.Unknown({"type": "odd", "rank": "x", "seq": 7})], [ev.Unknown])
    assert tally.ranks() == {}
    assert tally.seq == 7
