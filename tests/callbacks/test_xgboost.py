"""XGBoost: what only it has."""

from __future__ import annotations

import importlib
import sys

import boosters
import pytest
import xgboost as xgb
from boosters import TRAIN, VAL, X, Y, live_stream, train
from joblib.externals.loky import get_reusable_executor
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from livecb import events
from livecb.errors import LivecbWarning
from livecb.testing import Recorded

PARAMS = {"objective": "binary:logistic", "nthread": 1, "max_depth": 2}


def test_a_cross_validation_is_means_beside_their_deviations(recorded: Recorded) -> None:
    table = xgb.cv(PARAMS, xgb.DMatrix(X, Y), 3, nfold=3, metrics=["auc"], callbacks=[live_stream("xgboost")])
    logged = recorded.of(events.Metrics)
    assert [event.values["test/auc"] for event in logged] == list(table["test-auc-mean"])
    assert [event.values["test/auc_std"] for event in logged] == list(table["test-auc-std"])
    assert [event.step for event in logged] == [1, 2, 3]
    (row,) = recorded.of(events.ModelCompleted)
    assert set(row.scores) == {"test/auc", "train/auc"}
    assert recorded.of(events.RunEnded)[0].status == "completed"


def test_the_round_that_another_callback_hides_is_told_at_the_end(recorded: Recorded) -> None:
    history: dict[str, dict[str, list[float]]] = {}
    stop = xgb.callback.EarlyStopping(rounds=2)
    data, val = xgb.DMatrix(*TRAIN), xgb.DMatrix(*VAL)
    xgb.train(
        {**PARAMS, "eta": 2.0}, data, 300, evals=[(val, "val")], evals_result=history, verbose_eval=False,
        callbacks=[stop, live_stream("xgboost")],
    )  # fmt: skip
    assert [event.values["val/logloss"] for event in recorded.of(events.Metrics)] == history["val"]["logloss"]
    assert recorded.of(events.RunEnded)[0].reason == "early_stopped"


def test_the_best_round_of_an_earlier_training_is_not_this_one_s(recorded: Recorded) -> None:
    before = train("xgboost", rounds=300, patience=3, rate=2.0).model
    outcome = train("xgboost", live_stream("xgboost"), before=before, rounds=2)
    (row,) = recorded.of(events.ModelCompleted)
    assert row.scores == {name: values[-1] for name, values in outcome.reported.items()}
    assert row.step == before.num_boosted_rounds() + 2


def test_a_run_that_must_be_there_and_is_named_nowhere_is_said_and_begins(recorded: Recorded) -> None:
    with pytest.warns(LivecbWarning, match="resume=True names no run, and a new one begins: .* run_id="):
        train("xgboost", live_stream("xgboost", resume=True), rounds=1)
    assert len(recorded.of(events.RunEnded)) == 1


def test_gains_are_those_of_the_model(recorded: Recorded) -> None:
    model = train("xgboost", live_stream("xgboost")).model
    (row,) = recorded.of(events.ModelCompleted)
    assert row.importances == model.get_score(importance_type="gain") != {}
    assert row.fit_seconds > 0


@pytest.mark.parametrize("params", [{"booster": "gblinear"}, {"booster": "dart"}])
def test_other_boosters_are_told_as_well(params: dict[str, str], recorded: Recorded) -> None:
    xgb.train(params | {"nthread": 1}, xgb.DMatrix(*TRAIN), 3, callbacks=[live_stream("xgboost")])
    (row,) = recorded.of(events.ModelCompleted)
    assert bool(row.importances) == (params["booster"] == "dart")
    assert recorded.of(events.RunEnded)[0].status == "completed"


def test_a_classifier_and_its_clone_are_a_run_each(recorded: Recorded) -> None:
    model = xgb.XGBClassifier(n_estimators=3, n_jobs=1, callbacks=[live_stream("xgboost", name="one")])
    for each in (model, clone(model)):
        each.fit(*TRAIN, eval_set=[VAL], verbose=False)
        run = recorded.runs[-1]
        logged = [event.values["validation_0/logloss"] for event in recorded.of(events.Metrics, run)]
        assert logged == each.evals_result()["validation_0"]["logloss"]
        (started,) = recorded.of(events.RunStarted, run)
        assert (started.name, started.totals.steps) == ("one", 3)
        assert started.config["objective"] == "binary:logistic"
    assert len(recorded.runs) == 2


@pytest.mark.filterwarnings("ignore:A worker stopped")
def test_each_fit_of_a_search_in_other_processes_is_a_run(recorded: Recorded) -> None:
    get_reusable_executor().shutdown()  # those of another test write where that did
    model = xgb.XGBClassifier(n_estimators=2, n_jobs=1, callbacks=[live_stream("xgboost")])
    GridSearchCV(model, {"max_depth": [2, 3]}, cv=2, n_jobs=2, refit=False).fit(boosters.X, boosters.Y)
    ends = [recorded.of(events.RunEnded, run)[0].status for run in recorded.runs]
    depths = sorted(recorded.of(events.RunStarted, run)[0].config["max_depth"] for run in recorded.runs)
    assert (ends, depths) == (["completed"] * 4, [2, 2, 3, 3])


def test_without_xgboost_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xgboost", None)
    monkeypatch.delitem(sys.modules, "livecb.callbacks.xgboost")
    with pytest.raises(ModuleNotFoundError, match=r"needs XGBoost: pip install 'livecb\[xgboost\]'"):
        importlib.import_module("livecb.callbacks.xgboost")
