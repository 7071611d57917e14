"""Models compared one by one, as on an AutoML board."""

from __future__ import annotations

import math
import time
import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import GroupKFold, KFold, cross_val_score, cross_validate
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from slow_models import Interrupted, Slow

import livecb
from livecb import events
from livecb.callbacks.sklearn import Comparison, compare, curves
from livecb.errors import LivecbWarning
from livecb.testing import Recorded

X, Y = load_iris(return_X_y=True)
QUIET = {"sinks": [], "system_interval": 0, "capture": None}


def told(recorded: Recorded) -> dict[str, Any]:
    return recorded.state().to_dict(alive=False, now=time.time())


def board(models: Any, **settings: Any) -> Comparison:
    return compare(models, X, Y, **{"cv": 3} | settings, **QUIET)


MODELS = {
    "tree": DecisionTreeClassifier(random_state=0),
    "bayes": GaussianNB(),
    "dummy": DummyClassifier(),
    "line": make_pipeline(StandardScaler(), LogisticRegression()),
}


def test_scores_are_those_of_a_cross_validation_and_the_best_comes_first(recorded: Recorded) -> None:
    found = board(MODELS, scoring=["accuracy", "neg_log_loss"])
    expected = {
        name: cross_validate(model, X, Y, cv=3, scoring=["accuracy", "neg_log_loss"])
        for name, model in MODELS.items()
    }
    for candidate in found.candidates:
        for name in ("accuracy", "neg_log_loss"):
            assert [fold[name] for fold in candidate.folds] == list(expected[candidate.name][f"test_{name}"])
    ranked = sorted(MODELS, key=lambda name: -expected[name]["test_accuracy"].mean())
    assert [candidate.name for candidate in found.candidates] == ranked
    rows = told(recorded)["leaderboard"]
    assert [row["name"] for row in rows] == ranked
    assert [row["place"] for row in rows] == [1, 2, 3, 4]
    assert [row["scores"] for row in rows] == [pytest.approx(each.scores) for each in found.candidates]
    assert all(row["fit_seconds"] > 0 and row["folds_done"] == 3 for row in rows)


def test_each_fold_is_told_of_at_once_and_what_is_trained_is_shown(recorded: Recorded) -> None:
    found = board({"a": Slow(0.1), "b": Slow(0.2)}, cv=2)
    kinds = (events.ModelCompleted, events.Progress)
    story = [
        (event.name, event.fold) if isinstance(event, events.ModelCompleted) else event.done
        for event in recorded.events
        if isinstance(event, kinds)
    ]
    assert story == [0, ("a", 0), 1, ("a", 1), ("a", None), 2, 2, ("b", 0), 3, ("b", 1), ("b", None), 4]
    bars = recorded.of(events.Progress)
    assert [bar.fields["model"] for bar in bars] == ["a", "a", "a", "b", "b", "b"]
    assert {bar.total for bar in bars} == {4}
    assert bars[3].left > 0
    assert bars[0].fields["best"] is None
    assert bars[3].fields["best"].startswith("a ")
    assert bars[-1].fields["best"] == f"{found.best.name} {found.best.score:.4g}"


def test_a_model_that_fails_is_listed_last_with_its_reason_and_blocks_nobody(recorded: Recorded) -> None:
    found = board({"bad": Slow(fails=True), "good": GaussianNB(), "worse": MLPClassifier(alpha=-1)})
    assert [(each.name, each.error is None) for each in found.candidates] == [
        ("good", True), ("bad", False), ("worse", False),
    ]  # fmt: skip
    good, bad, worse = told(recorded)["leaderboard"]
    assert (good["name"], good["place"]) == ("good", 1)
    assert (bad["ok"], bad["place"], bad["reason"]) == (False, None, "ValueError: cannot learn that")
    assert "alpha" in worse["reason"]
    assert recorded.of(events.Progress)[-1].counters == {"failed": 2}
    assert recorded.of(events.RunEnded)[0].status == "completed"


def test_when_all_fail_the_run_has_failed(recorded: Recorded) -> None:
    found = board([Slow(fails=True)])
    assert (found.best, found.model) == (None, None)
    (end,) = recorded.of(events.RunEnded)
    assert (end.status, end.reason) == ("failed", "no model has a score")


def test_the_best_model_is_fitted_on_all_data_and_is_the_result(recorded: Recorded) -> None:
    found = board(MODELS)
    assert found.best is not None
    assert (found.model.predict(X) == MODELS[found.best.name].fit(X, Y).predict(X)).all()
    (end,) = recorded.of(events.RunEnded)
    assert end.result["best"] == found.best.name
    assert end.result["scores"] == found.best.scores
    assert end.summary["best_score"] == found.best.score
    best = [event.values["best/score"] for event in recorded.of(events.Metrics)]
    assert best == sorted(best)
    assert best[-1] == found.best.score
    assert str(found).splitlines()[0].startswith(found.best.name)


def test_a_model_is_not_fitted_on_all_data_if_that_is_not_wanted(recorded: Recorded) -> None:
    assert board([GaussianNB()], refit=False).model is None


def test_what_counts_in_a_model_is_told_where_it_says_so(recorded: Recorded) -> None:
    forest = RandomForestClassifier(5, random_state=0)
    board({"forest": forest, "line": MODELS["line"], "bayes": GaussianNB()})
    rows = {row["name"]: row for row in told(recorded)["leaderboard"]}
    assert sum(rows["forest"]["importances"].values()) == pytest.approx(1)
    assert set(rows["line"]["importances"]) == {"x0", "x1", "x2", "x3"}
    assert "importances" not in rows["bayes"]
    assert rows["forest"]["params"] == {"n_estimators": 5, "random_state": 0}


def test_a_regression_is_ranked_by_its_error_the_smaller_the_better(recorded: Recorded) -> None:
    x, y = load_diabetes(return_X_y=True)
    models = {"tree": DecisionTreeRegressor(random_state=0), "ridge": Ridge(0.1)}
    found = compare(models, x, y, scoring="neg_mean_absolute_error", **QUIET)
    assert [each.name for each in found.candidates] == ["ridge", "tree"]
    expected = cross_val_score(Ridge(0.1), x, y, scoring="neg_mean_absolute_error").mean()
    assert told(recorded)["leaderboard"][0]["scores"] == {"neg_mean_absolute_error": pytest.approx(expected)}


def test_groups_splitters_and_own_scorers_are_taken_as_scikit_learn_takes_them(recorded: Recorded) -> None:
    groups = np.arange(len(X)) % 5
    found = board(
        {"bayes": GaussianNB()}, cv=GroupKFold(5), groups=groups, scoring=lambda model, x, y: len(x)
    )
    assert [fold["score"] for fold in found.candidates[0].folds] == [30.0] * 5
    assert len(board([GaussianNB()], cv=KFold(2)).candidates[0].folds) == 2


def test_models_in_a_list_are_called_by_their_class(recorded: Recorded) -> None:
    found = board(
        [GaussianNB(), DummyClassifier(), DummyClassifier(strategy="uniform"), ("mine", GaussianNB())]
    )
    assert {each.name for each in found.candidates} == {
        "GaussianNB", "DummyClassifier", "DummyClassifier 2", "mine",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("models", "settings", "error"),
    [
        ({}, {}, "at least one model"),
        (GaussianNB(), {}, r"write \[GaussianNB\(\)\]"),
        ({"a": None}, {}, "model 'a' is None: expected an estimator"),
        ([GaussianNB], {}, r"is the class GaussianNB: write GaussianNB\(\)"),
        ([("a", GaussianNB()), ("a", GaussianNB())], {}, "'a' is given to two models"),
        ({1: GaussianNB()}, {}, "1 is no string"),
        ([GaussianNB()], {"scoring": "speed"}, "'speed' is not a valid scoring value"),
        ([GaussianNB()], {"cv": 1}, "at least one"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anything_is_trained(
    models: Any, settings: Any, error: str, recorded: Recorded
) -> None:
    with pytest.raises((TypeError, ValueError), match=error):
        board(models, **settings)
    assert recorded.runs == []


def test_data_that_do_not_fit_together_are_refused(recorded: Recorded) -> None:
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        compare([GaussianNB()], X, Y[:10], **QUIET)


def test_ctrl_c_keeps_what_is_there(recorded: Recorded) -> None:
    found = board({"bayes": GaussianNB(), "slow": Interrupted(), "never": GaussianNB()})
    assert found.interrupted
    assert [each.name for each in found.candidates] == ["bayes"]
    (end,) = recorded.of(events.RunEnded)
    assert (end.status, end.by, end.result["best"]) == ("stopped", "keyboard", "bayes")


def test_a_run_that_is_given_is_gone_on_with(recorded: Recorded) -> None:
    with livecb.init(**QUIET) as run:
        compare([GaussianNB()], X, Y, run=run)
        compare({"tree": DecisionTreeClassifier(max_depth=2)}, X, Y, run=run)
        assert run.active
        run.log({"more": 1.0})
    state = told(recorded)
    assert len(state["leaderboard"]) == 2
    models = {"GaussianNB": "GaussianNB()", "tree": "DecisionTreeClassifier(max_depth=2)"}
    assert (state["framework"], state["config"]["models"]) == ("scikit-learn", models)


def test_a_score_that_is_no_number_is_ranked_behind_those_that_are(recorded: Recorded) -> None:
    def score(model: Any, x: Any, y: Any) -> float:
        return math.nan if isinstance(model, DummyClassifier) else model.score(x, y)

    found = board([DummyClassifier(), GaussianNB()], scoring=score)
    assert [each.name for each in found.candidates] == ["GaussianNB", "DummyClassifier"]
    assert [row["name"] for row in told(recorded)["leaderboard"]] == ["GaussianNB", "DummyClassifier"]


# Curves


def values_of(recorded: Recorded, name: str) -> list[tuple[int | None, float]]:
    return [(each.step, each.values[name]) for each in recorded.of(events.Metrics) if name in each.values]


def test_the_loss_of_a_network_is_its_curve(recorded: Recorded) -> None:
    model = make_pipeline(
        StandardScaler(), MLPClassifier((5,), max_iter=20, random_state=0, early_stopping=True)
    )
    with livecb.init(**QUIET) as run, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with curves(model, run):
            model.fit(X, Y)
    network = model[-1]
    assert values_of(recorded, "train/loss") == list(enumerate(network.loss_curve_, 1))
    assert values_of(recorded, "val/score") == list(enumerate(network.validation_scores_, 1))


@pytest.mark.parametrize("subsample", [1.0, 0.5])
def test_the_loss_of_each_stage_of_a_boosting_is_its_curve(subsample: float, recorded: Recorded) -> None:
    model = GradientBoostingClassifier(n_estimators=10, random_state=0, subsample=subsample)
    with livecb.init(**QUIET) as run, curves(model, run, "boosting"):
        model.fit(X, Y)
    assert values_of(recorded, "boosting/train/loss") == list(enumerate(model.train_score_, 1))
    out_of_bag = list(enumerate(model.oob_scores_, 1)) if subsample < 1 else []
    assert values_of(recorded, "boosting/oob/loss") == out_of_bag


class SlowNetwork(MLPClassifier):  # type: ignore[misc]
    def _update_no_improvement_count(self, *args: Any) -> None:
        time.sleep(0.05)
        super()._update_no_improvement_count(*args)


@pytest.mark.parametrize(
    ("model", "more"),
    [
        (SlowNetwork((5,), max_iter=20, random_state=0), {}),
        (GradientBoostingClassifier(n_estimators=20), {"monitor": lambda *_: time.sleep(0.05)}),
    ],
    ids=["network", "boosting"],
)
def test_a_curve_is_told_while_it_grows(model: Any, more: dict[str, Any], recorded: Recorded) -> None:
    with livecb.init(**QUIET) as run, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with curves(model, run):
            model.fit(X, Y, **more)
            ended = time.time()
    points = recorded.of(events.Metrics)
    curve = getattr(model, "loss_curve_", None) or list(model.train_score_)
    assert [point.values["train/loss"] for point in points] == curve
    assert points[0].time < ended


def test_a_fit_that_goes_on_goes_on_with_its_curve(recorded: Recorded) -> None:
    network = MLPClassifier((5,), random_state=0)
    boosting = GradientBoostingClassifier(n_estimators=3, warm_start=True, random_state=0)
    with livecb.init(**QUIET) as run:
        for _ in range(3):
            with curves(network, run, "network"):
                network.partial_fit(X, Y, classes=[0, 1, 2])
        for stages in (3, 5):
            with curves(boosting, run, "boosting"):
                boosting.set_params(n_estimators=stages).fit(X, Y)
    assert values_of(recorded, "network/train/loss") == list(enumerate(network.loss_curve_, 1))
    assert values_of(recorded, "boosting/train/loss") == list(enumerate(boosting.train_score_, 1))


def test_a_fit_that_begins_anew_begins_a_new_curve(recorded: Recorded) -> None:
    model = GradientBoostingClassifier(n_estimators=4, random_state=0)
    with livecb.init(**QUIET) as run:
        for _ in range(2):
            with curves(model, run):
                model.fit(X, Y)
    assert values_of(recorded, "train/loss") == list(enumerate(model.train_score_, 1)) * 2


def test_the_curves_of_compared_models_bear_their_names(recorded: Recorded) -> None:
    board({"boosting": GradientBoostingClassifier(n_estimators=5), "bayes": GaussianNB()})
    assert [step for step, _ in values_of(recorded, "boosting/train/loss")] == [1, 2, 3, 4, 5]


def test_a_model_without_curves_and_one_that_fails_are_left_alone(recorded: Recorded) -> None:
    with livecb.init(**QUIET) as run, warnings.catch_warnings():
        warnings.simplefilter("error", LivecbWarning)
        with curves(GaussianNB(), run):
            pass
        with pytest.raises(ValueError, match="cannot learn"), curves(Slow(fails=True), run):
            Slow(fails=True).fit(X, Y)
    assert recorded.of(events.Metrics) == []


def test_a_loop_over_partial_fit_is_tracked(recorded: Recorded) -> None:
    model = SGDClassifier(random_state=0)
    with livecb.init(**QUIET) as run:
        for _ in run.track(range(4), unit="epoch"):
            model.partial_fit(X, Y, classes=[0, 1, 2])
            run.log({"train/score": model.score(X, Y)})
    scores = values_of(recorded, "train/score")
    assert [step for step, _ in scores] == [1, 2, 3, 4]
    assert scores[-1][1] == model.score(X, Y)
