"""The leaderboard."""

import math

from livecb.events import ModelCompleted
from livecb.leaderboard import MOST, Leaderboard


def board(*rows):
    leaderboard = Leaderboard()
    for at, (name, scores, ok) in enumerate(rows):
        leaderboard.rows.append(ModelCompleted(seq=at, time=at, name=name, ok=ok, scores=scores))
    return leaderboard


def names(leaderboard):
    return [row["name"] for row in leaderboard.to_list()]


def test_the_best_score_is_first_and_failures_are_last():
    rows = [
        ("a", {"acc": 0.5}, True),
        ("x", {}, False),
        ("b", {"acc": 0.9}, True),
        ("n", {"acc": math.nan}, True),
    ]
    leaderboard = board(*rows)
    assert names(leaderboard) == ["b", "a", "n", "x"]
    assert [row["place"] for row in leaderboard.to_list()] == [1, 2, 3, None]
    assert leaderboard.to_list()[2]["scores"] == {"acc": "NaN"}


def test_less_is_better_for_an_error():
    assert names(board(("a", {"rmse": 2.0, "r2": 1.0}, True), ("b", {"rmse": 1.0, "r2": 0.0}, True))) == [
        "b",
        "a",
    ]


def test_of_a_score_that_does_not_tell_more_is_better():
    assert names(board(("a", {"mean_test_x": 1.0}, True), ("b", {"mean_test_x": 2.0}, True))) == ["b", "a"]


def test_candidates_without_scores_stay_in_order():
    assert names(board(("a", {}, True), ("b", {}, True))) == ["a", "b"]


def test_a_long_board_shows_its_best():
    leaderboard = board(*((str(at), {"acc": at / 1000}, True) for at in range(MOST + 20)))
    assert len(leaderboard.to_list()) == MOST
    assert names(leaderboard)[0] == str(MOST + 19)
