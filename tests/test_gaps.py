"""Holes in numbers."""

from livecb.gaps import Gaps


def lost(*pieces):
    gaps = Gaps()
    for rank, seqs in pieces:
        gaps.feed([rank] * len(seqs), seqs)
    return gaps.lost


def test_numbers_without_a_hole_lose_nothing():
    assert lost((0, [0, 1, 2]), (0, [3, 4])) == 0


def test_a_hole_is_as_large_as_it_is():
    assert lost((0, [0, 1, 4, 5, 9])) == 5
    assert lost((0, [0, 1]), (0, [4])) == 2


def test_the_first_events_may_be_missing_too():
    assert lost((0, [3, 4])) == 3


def test_ranks_have_their_own_numbers():
    assert lost((0, [0, 1]), (1, [0, 1]), (0, [2]), (1, [2, 4])) == 1


def test_two_writers_of_a_rank_have_their_own_numbers():
    assert lost((0, [0, 1, 2]), (0, [0, 1]), (0, [3, 4]), (0, [2, 3]), (0, [7]), (0, [4])) == 2


def test_a_rank_that_starts_again_counts_anew():
    assert lost((1, list(range(50))), (1, [0, 1]), (1, [60])) == 58


def test_the_first_rank_that_starts_again_counts_anew():
    gaps = Gaps()
    gaps.feed([0, 0], [0, 5])
    assert gaps.restart() == 4
    gaps.feed([0, 0], [0, 7])
    assert gaps.lost == 6


def test_events_without_a_number_lose_nothing():
    assert lost((0, [-1, -1]), (0, [0])) == 0
