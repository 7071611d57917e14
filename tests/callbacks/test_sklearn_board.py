"""Readers steer a comparison: models are skipped, dropped and added, and nobody is taken for a failure."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import catboost
import lightgbm
import pytest
import xgboost
from sklearn.datasets import load_iris
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from slow_models import Slow

import livecb
from livecb import events
from livecb.callbacks.sklearn import Comparison, compare
from livecb.callbacks.sklearn_interrupt import hooked
from livecb.control.commands import Asked, wish
from livecb.errors import CriterionError, LivecbWarning
from livecb.testing import Recorded
from wishes import answered, tell

X, Y = load_iris(return_X_y=True)
QUIET = {"sinks": [], "system_interval": 0, "capture": None}


class Asking(Slow):
    """Asks while it is fitted the given time: fits are counted from 1."""

    wishes: Mapping[int, list[Asked]] = {}
    run: livecb.Run
    fits = 0

    def fit(self, x: Any, y: Any) -> Asking:
        Asking.fits += 1
        tell(Asking.run, *Asking.wishes.get(Asking.fits, []))
        super().fit(x, y)
        return self


def board(models: Any, at: Mapping[int, list[Asked]] | None = None, **settings: Any) -> Comparison:
    """Compare on three folds; `at` says what is asked in which fit of an `Asking`."""
    Asking.fits, Asking.wishes = 0, at or {}
    with livecb.init(**QUIET) as run:
        Asking.run = run
        return compare(models, X, Y, **{"cv": 3, "run": run} | settings)


def rows(recorded: Recorded) -> dict[str, dict[str, Any]]:
    told = recorded.state().to_dict(alive=False, now=time.time())["leaderboard"]
    return {row["name"]: row for row in told}


def refused(recorded: Recorded) -> list[str]:
    return [each.reason or "" for each in recorded.of(events.Command) if each.phase == "refused"]


def end(recorded: Recorded) -> events.RunEnded:
    (ended,) = recorded.of(events.RunEnded)
    return ended


def test_the_model_under_way_is_skipped_before_its_next_fold_and_is_no_failure(recorded: Recorded) -> None:
    found = board(
        {"slow": Asking(0.1), "bayes": GaussianNB()},
        {2: [wish("skip", "slow", by="ada")]},
        scoring="accuracy",
    )
    assert [(each.name, each.ok, str(each)) for each in found.candidates][1:] == [
        ("slow", False, "skipped by ada")
    ]
    assert found.best.name == "bayes"
    row = rows(recorded)["slow"]
    assert (row["ok"], row["outcome"], row["by"], row["reason"], row["place"]) == (
        False, "skipped", "ada", "skipped by ada", None,
    )  # fmt: skip
    assert row["scores"] == {"accuracy": pytest.approx(found.candidates[1].scores["accuracy"])}
    (applied,) = [each for each in recorded.of(events.Command) if each.phase == "applied"]
    assert (applied.name, applied.new, applied.by) == ("skip", "slow", "ada")
    assert "with 2 of 3 folds done: Asking cannot be interrupted while it is fitted" in applied.reason
    last = recorded.of(events.Progress)[-1]
    assert (last.done, last.total, last.counters) == (5, 5, {"skipped": 1})
    assert end(recorded).status == "completed"


def test_what_is_done_by_then_is_not_skipped_nor_is_the_next_model(recorded: Recorded) -> None:
    found = board({"slow": Asking(0.1), "bayes": GaussianNB()}, {3: [wish("skip", by="ada")]})
    assert [each.ok for each in found.candidates] == [True, True]
    assert "it was done by then" in [each.reason for each in recorded.of(events.Command)][-1]


def test_a_model_that_waits_is_dropped_and_one_that_was_dropped_is_added_again(recorded: Recorded) -> None:
    at = {
        1: [wish("drop", "bayes", by="ada"), wish("drop", "dummy", by="bob")],
        2: [wish("add", "bayes", by="bob")],
    }
    found = board({"slow": Asking(0.1), "bayes": GaussianNB(), "dummy": DummyClassifier()}, at)
    assert {each.name: each.left_out for each in found.candidates} == {
        "bayes": None, "slow": None, "dummy": "dropped by bob",
    }  # fmt: skip
    told = rows(recorded)
    assert [(name, row["ok"], row.get("outcome")) for name, row in told.items()] == [
        ("bayes", True, None), ("slow", True, None), ("dummy", False, "dropped"),
    ]  # fmt: skip
    assert told["dummy"]["reason"] == "dropped by bob"
    assert [phase for _, phase, _ in answered(recorded.events)] == ["applied"] * 3
    assert recorded.of(events.Progress)[-1].total == 6


def test_a_spare_model_is_evaluated_only_if_it_is_added(recorded: Recorded) -> None:
    spare = {"bayes": GaussianNB(), "never": DummyClassifier()}
    found = board({"slow": Asking(0.1)}, {1: [wish("add", "bayes")]}, spare=spare)
    assert [each.name for each in found.candidates] == ["bayes", "slow"]
    assert len(found.best.folds) == 3


def test_what_can_be_skipped_dropped_and_added_is_said_as_it_changes(recorded: Recorded) -> None:
    models = {"slow": Asking(0.1), "bayes": GaussianNB(), "dummy": DummyClassifier()}
    board(models, {1: [wish("drop", "dummy")]}, spare={"spare": GaussianNB()})
    said = [each.candidates for each in recorded.of(events.Controls) if each.candidates]
    assert said[0] == {"skip": [], "drop": ["slow", "bayes", "dummy"], "add": ["spare"]}
    assert said[1] == {"skip": ["slow"], "drop": ["bayes", "dummy"], "add": ["spare"]}
    assert {"skip": ["slow"], "drop": ["bayes"], "add": ["dummy", "spare"]} in said
    assert said[-1] == {"skip": ["bayes"], "drop": [], "add": ["dummy", "spare"]}
    able = recorded.of(events.Controls)
    assert able[-1].commands["stop"] == "the training is over"
    assert "fitted on all data" in able[-2].commands["skip"]


def test_a_candidate_that_is_none_is_refused_with_those_there_are(recorded: Recorded) -> None:
    models = {"slow": Asking(0.1), "bayes": GaussianNB()}
    board(models, {1: [wish("drop", "forest"), wish("add", "bayes"), wish("skip", "bayes"), wish("save")]})
    drop, add, skip, save = refused(recorded)
    assert drop == "expected a candidate to drop (bayes), got 'forest'"
    assert "compare(spare={...})" in add
    assert skip == "expected a candidate to skip (slow), got 'bayes'"
    assert "keeps scores, not models" in save


def test_a_stop_keeps_what_is_done_and_fits_the_best_on_all_data(recorded: Recorded) -> None:
    models = {"bayes": GaussianNB(), "slow": Asking(0.1), "never": GaussianNB()}
    found = board(models, {2: [wish("stop", by="ada")]})
    assert found.stopped == "stopped by ada"
    assert [(each.name, each.left_out) for each in found.candidates] == [
        ("bayes", None), ("slow", "skipped by ada"),
    ]  # fmt: skip
    assert found.model.predict(X).shape == Y.shape
    assert (end(recorded).status, end(recorded).by) == ("stopped", "ada")


def test_a_comparison_pauses_between_folds_and_its_seconds_do_not_count(recorded: Recorded) -> None:
    found = board({"slow": Asking(0.1)}, {1: [wish("pause", 0.5)]})
    assert [name for name, _, _ in answered(recorded.events)] == ["pause", "resume"]
    assert found.best.fit_seconds < 0.4


def test_it_ends_when_a_score_is_good_enough_and_says_by_what(recorded: Recorded) -> None:
    found = compare(
        {"dummy": DummyClassifier(), "bayes": GaussianNB(), "never": Slow()}, X, Y,
        scoring=["accuracy", "neg_log_loss"], stop_when="accuracy > 0.9", **QUIET,
    )  # fmt: skip
    assert [each.name for each in found.candidates] == ["bayes", "dummy"]
    assert found.stopped == "accuracy 0.9533 > 0.9"
    assert found.model is not None
    ended = end(recorded)
    assert (ended.status, ended.by, ended.reason) == ("stopped", "livecb", "accuracy 0.9533 > 0.9")
    assert ended.result["best"] == "bayes"


def test_a_criterion_that_is_none_is_refused_and_an_unknown_score_is_named(recorded: Recorded) -> None:
    with pytest.raises(CriterionError, match="NAME > NUMBER"):
        compare([GaussianNB()], X, Y, stop_when="good", **QUIET)
    assert recorded.runs == []
    with pytest.warns(LivecbWarning, match="no score has that name; there are score, best/score"):
        compare([GaussianNB()], X, Y, stop_when="accuracy > 0.5", **QUIET)
    assert end(recorded).status == "completed"


def test_a_spare_model_has_a_name_of_its_own(recorded: Recorded) -> None:
    with pytest.raises(ValueError, match="'bayes' is in models and in spare"):
        board({"bayes": GaussianNB()}, spare={"bayes": GaussianNB()})


class Silent(GaussianNB):  # type: ignore[misc]
    """Says nothing of itself."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        raise RuntimeError("no words")


def test_a_model_that_does_not_tell_its_parameters_is_a_failed_row_and_blocks_nobody(
    recorded: Recorded,
) -> None:
    with pytest.warns(LivecbWarning, match="Silent does not tell its parameters"):
        found = compare({"silent": Silent(), "bayes": GaussianNB()}, X, Y, cv=3, **QUIET)
    assert [(each.name, each.error) for each in found.candidates] == [
        ("bayes", None), ("silent", "RuntimeError: no words"),
    ]  # fmt: skip
    assert end(recorded).status == "completed"


def test_readers_are_kept_out_where_the_user_says_so(recorded: Recorded) -> None:
    board([GaussianNB()], control=False)
    assert recorded.of(events.Controls) == []


INTERRUPTED: dict[str, Callable[[], Any]] = {
    "sklearn": lambda: GradientBoostingClassifier(n_estimators=2000),
    "pipeline": lambda: make_pipeline(StandardScaler(), GradientBoostingClassifier(n_estimators=2000)),
    "xgboost": lambda: xgboost.XGBClassifier(n_estimators=20_000, n_jobs=1),
    "lightgbm": lambda: lightgbm.LGBMClassifier(n_estimators=20_000, n_jobs=1, verbose=-1),
    "catboost": lambda: catboost.CatBoostClassifier(
        iterations=20_000, thread_count=1, verbose=0, allow_writing_files=False
    ),
}


@pytest.mark.parametrize("kind", INTERRUPTED)
def test_a_boosting_is_given_up_between_two_rounds(kind: str, recorded: Recorded) -> None:
    with livecb.init(**QUIET) as run:

        def ask(name: str, *args: Any, **more: Any) -> None:
            status(name, *args, **more)
            if args and args[0] == kind:
                tell(run, wish("skip", kind, by="ada"))

        status, run.status = run.status, ask  # type: ignore[method-assign]
        run._begin_looking()
        found = compare({kind: INTERRUPTED[kind](), "bayes": GaussianNB()}, X, Y, cv=3, run=run)
    assert [(each.name, each.left_out) for each in found.candidates] == [
        ("bayes", None), (kind, "skipped by ada"),
    ]  # fmt: skip
    assert found.candidates[1].folds == []
    (applied,) = [each for each in recorded.of(events.Command) if each.phase == "applied"]
    assert applied.reason == "with 0 of 3 folds done"


def test_a_model_that_is_hooked_learns_what_it_learns_without(recorded: Recorded) -> None:
    model = GradientBoostingClassifier(n_estimators=3, random_state=0)
    looked: list[int] = []
    alone = GradientBoostingClassifier(n_estimators=3, random_state=0).fit(X, Y)
    more = hooked(model, lambda: looked.append(1))
    assert more is not None
    model.fit(X, Y, **more)
    assert len(looked) == 3
    assert (model.predict_proba(X) == alone.predict_proba(X)).all()
    assert hooked(GaussianNB(), lambda: None) is None
