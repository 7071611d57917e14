"""The leaderboard."""

import math

import pytest

from livecb.events import ModelCompleted
from livecb.leaderboard import MOST, Leaderboard


def board(*rows):
    leaderboard = Leaderboard()
    for at, (name, scores, ok) in enumerate(rows):
        leaderboard.feed(ModelCompleted(seq=at, time=at, name=name, ok=ok, scores=scores))
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


def fold(name, number, score, time=0.0, *, of=2, rung=None, **more):
    fields = {"ok": True, "scores": {"acc": score}, "folds": of, "rung": rung} | more
    return ModelCompleted(seq=0, time=time, name=name, fold=number, **fields)


def fed(*events):
    leaderboard = Leaderboard()
    for event in events:
        leaderboard.feed(event)
    return leaderboard


def test_a_candidate_told_of_by_folds_has_the_means_of_those_that_are_done():
    rows = fed(
        fold("a", 0, 0.5, 1.0, fit_seconds=1.0), fold("b", 0, 0.6), fold("a", 1, 0.9, 2.0, fit_seconds=3.0)
    )
    best, other = rows.to_list()
    assert (best["name"], best["scores"], best["fit_seconds"]) == ("a", {"acc": pytest.approx(0.7)}, 2.0)
    assert (best["folds"], best["folds_done"], other["folds_done"]) == (2, 2, 1)
    assert "fold" not in best


def test_a_fold_told_of_again_counts_once_and_the_later_one_holds():
    for order in (1, -1):
        rows = fed(*[fold("a", 0, 0.5, 1.0), fold("a", 0, 0.8, 2.0)][::order])
        assert rows.to_list()[0]["scores"] == {"acc": 0.8}


def test_a_candidate_as_a_whole_takes_the_place_of_its_folds_also_when_they_are_read_later():
    whole = ModelCompleted(
        seq=0, time=9.0, name="a", ok=True, folds=2, scores={"acc": 0.75}, importances={"x0": 1.0}
    )
    for order in (1, -1):
        (row,) = fed(*[fold("a", 0, 0.5, 1.0), fold("a", 1, 0.9, 2.0), whole][::order]).to_list()
        assert (row["scores"], row["importances"], row["folds_done"]) == ({"acc": 0.75}, {"x0": 1.0}, 2)


def test_one_failed_fold_fails_a_candidate_and_says_which():
    (row,) = fed(fold("a", 0, 0.9), fold("a", 1, math.nan, ok=False, reason="ValueError: no")).to_list()
    assert (row["ok"], row["place"], row["reason"]) == (False, None, "fold 2: ValueError: no")


def test_a_later_rung_outranks_an_earlier_one_and_starts_the_candidate_anew():
    rows = [
        fold("a", 0, 0.9, 1.0, rung=0), fold("b", 0, 0.8, 1.0, rung=0), fold("c", 0, 0.7, 1.0, rung=0),
        fold("b", 0, 0.5, 2.0, rung=1), fold("c", 0, 0.6, 2.0, rung=1),
    ]  # fmt: skip
    for order in (1, -1):
        board = fed(*rows[::order]).to_list()
        assert [(row["name"], row["scores"]["acc"]) for row in board] == [("c", 0.6), ("b", 0.5), ("a", 0.9)]


def test_a_row_may_say_which_way_its_score_is_better():
    rows = [
        ModelCompleted(seq=0, time=0.0, name=name, ok=True, scores={"value": score}, goal="min")
        for name, score in [("a", 2.0), ("b", 1.0)]
    ]
    assert names(fed(*rows)) == ["b", "a"]


def test_candidates_of_one_name_are_told_apart_by_their_parameters_and_repeated_ones_are_not_doubled():
    rows = [
        ModelCompleted(seq=0, time=at, name="rf", ok=True, params={"depth": depth}, scores={"acc": score})
        for at, (depth, score) in enumerate([(1, 0.5), (2, 0.6), (1, 0.7)])
    ]
    assert [(row["params"], row["scores"]) for row in fed(*rows).to_list()] == [
        ({"depth": 1}, {"acc": 0.7}),
        ({"depth": 2}, {"acc": 0.6}),
    ]


def row(name, *scores, goals=("min", "max"), **more):
    return ModelCompleted(
        seq=0,
        time=0.0,
        name=name,
        ok=True,
        goals=list(goals),
        scores=dict(zip("ab", scores, strict=False)),
        **more,
    )


def test_where_scores_count_alike_the_best_are_those_that_no_other_one_is_better_than():
    leaderboard = Leaderboard()
    for each in (
        row("worse", 2.0, 2.0),
        row("small", 1.0, 3.0),
        row("large", 3.0, 9.0),
        row("worst", 4.0, 1.0),
    ):
        leaderboard.feed(each)
    leaderboard.feed(row("nan", math.nan, 99.0))
    leaderboard.feed(row("half", 0.0))
    told = leaderboard.to_list()
    assert [(each["name"], each["place"]) for each in told[:2]] == [("small", 1), ("large", 1)]
    assert {each["place"] for each in told[2:]} == {None}
    leaderboard.feed(row("small", 5.0, 0.0))
    assert {each.name for each in leaderboard.front()} == {"worse", "large"}


def test_equals_are_all_on_the_front():
    leaderboard = Leaderboard()
    for each in (row("one", 1.0, 1.0), row("other", 1.0, 1.0)):
        leaderboard.feed(each)
    assert [each["place"] for each in leaderboard.to_list()] == [1, 1]


def test_what_was_left_out_stands_before_what_failed():
    leaderboard = Leaderboard()
    for name, outcome in (("failed", None), ("dropped", "dropped"), ("pruned", "pruned")):
        leaderboard.feed(ModelCompleted(seq=0, time=0.0, name=name, ok=False, outcome=outcome, by="ada"))
    leaderboard.feed(ModelCompleted(seq=0, time=0.0, name="good", ok=True, scores={"acc": 0.1}))
    assert names(leaderboard) == ["good", "dropped", "pruned", "failed"]
    assert leaderboard.to_list()[1]["by"] == "ada"


def test_those_without_a_score_are_counted_by_how_they_ended() -> None:
    board = Leaderboard()
    for seq, outcome in enumerate(["pruned", "pruned", "dropped", None]):
        board.feed(ModelCompleted(seq=seq, time=float(seq), name=str(seq), ok=False, outcome=outcome))
    board.feed(ModelCompleted(seq=9, time=9.0, name="good", ok=True))
    assert board.tally() == {"total": 5, "failed": 1, "pruned": 2, "skipped": 0, "dropped": 1}
