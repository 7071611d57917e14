"""LightGBM: what only it has."""

from __future__ import annotations

from typing import Any

import lightgbm as lgb
import pytest
from boosters import TRAIN, VAL, X, Y, live_stream

from livecb import events
from livecb.errors import LivecbWarning
from livecb.testing import Recorded

PARAMS = {"objective": "binary", "metric": ["auc"], "num_threads": 1, "verbose": -1}


@pytest.mark.parametrize("patience", [None, 3])
def test_a_cross_validation_is_means_beside_their_deviations(
    patience: int | None, recorded: Recorded
) -> None:
    stop = [lgb.early_stopping(patience, verbose=False)] if patience else []
    stream = live_stream("lightgbm")
    history: dict[str, list[float]] = {}

    def keep(env: lgb.callback.CallbackEnv) -> None:
        for row in env.evaluation_result_list:
            history.setdefault("mean", []).append(row[2])
            history.setdefault("std", []).append(row[4])

    lgb.cv(PARAMS, lgb.Dataset(X, Y), 60, nfold=3, callbacks=[*stop, stream, keep])
    del stream
    logged = recorded.of(events.Metrics)
    assert [event.values["valid/auc"] for event in logged] == history["mean"]
    assert [event.values["valid/auc_std"] for event in logged] == history["std"]
    assert (len(logged) < 60) == bool(patience)
    assert recorded.of(events.RunEnded)[0].reason == ("early_stopped" if patience else None)


def test_gains_and_the_way_that_is_better_are_those_of_the_model(recorded: Recorded) -> None:
    data = lgb.Dataset(*TRAIN)
    model = lgb.train(
        PARAMS, data, 3, valid_sets=[lgb.Dataset(*VAL, reference=data)], callbacks=[live_stream("lightgbm")]
    )
    (row,) = recorded.of(events.ModelCompleted)
    gains = dict(zip(model.feature_name(), model.feature_importance(importance_type="gain"), strict=True))
    assert row.importances == pytest.approx(gains, rel=1e-4)  # the model is rounded when it is returned
    assert (list(row.scores), row.goal, row.fit_seconds) == (["valid_0/auc"], "max", None)


@pytest.mark.filterwarnings("ignore:The argument 'eval_set' is deprecated")
def test_a_classifier_is_told_with_its_own_names(recorded: Recorded) -> None:
    model = lgb.LGBMClassifier(n_estimators=3, n_jobs=1, verbose=-1)
    model.fit(*TRAIN, eval_set=[VAL], callbacks=[live_stream("lightgbm")])
    logged = [event.values["valid_0/binary_logloss"] for event in recorded.of(events.Metrics)]
    assert logged == model.evals_result_["valid_0"]["binary_logloss"]
    assert recorded.of(events.RunStarted)[0].config["num_leaves"] == 31


@pytest.mark.parametrize(
    ("value", "said"),
    [("high", "the string 'high'"), ([0.5] * 1_000_000, "a list of 1000000")],
    ids=["string", "list"],
)
def test_what_is_no_number_is_named_and_the_training_goes_on(
    value: Any, said: str, recorded: Recorded
) -> None:
    def odd(predicted: Any, data: Any) -> list[tuple[str, Any, bool]]:
        return [("a/odd 🌲", value, True), ("b/odd 🌲", 0.25, True)]

    data = lgb.Dataset(*TRAIN)
    sets = [lgb.Dataset(*VAL, reference=data)]
    with pytest.warns(
        LivecbWarning, match=f"metric 'valid_0/a/odd 🌲' was not recorded: it is {said}"
    ) as warned:
        model = lgb.train(PARAMS, data, 3, valid_sets=sets, feval=odd, callbacks=[live_stream("lightgbm")])
    assert len([each for each in warned if each.category is LivecbWarning]) == 1
    assert model.num_trees() == 3
    assert [event.values.get("valid_0/b/odd 🌲") for event in recorded.of(events.Metrics)] == [0.25] * 3
    assert recorded.of(events.RunEnded)[0].status == "completed"
