"""CatBoost: what only it has."""

from __future__ import annotations

import catboost
import pytest
from boosters import TRAIN, VAL, live_stream

from livecb import events
from livecb.testing import Recorded


def classifier(rounds: int = 6, **settings: object) -> catboost.CatBoostClassifier:
    return catboost.CatBoostClassifier(
        rounds, depth=2, thread_count=1, verbose=0, allow_writing_files=False, **settings
    )


class Fail:
    def after_iteration(self, info: object) -> bool:
        raise ValueError("a bug of yours")


def test_values_that_come_every_few_rounds_stand_at_the_rounds_they_are_of(recorded: Recorded) -> None:
    model = classifier(7, metric_period=3, custom_metric=["AUC"])
    model.fit(*TRAIN, eval_set=[VAL, TRAIN], callbacks=[live_stream("catboost")])
    found = [(event.step, event.values["validation_0/AUC"]) for event in recorded.of(events.Metrics)]
    assert [step for step, _ in found] == [1, 4, 7]
    assert [value for _, value in found] == model.get_evals_result()["validation_0"]["AUC"]


def test_a_model_that_fails_when_it_is_trained_again_has_not_stopped_early(recorded: Recorded) -> None:
    model = classifier().fit(*TRAIN)
    stream = live_stream("catboost")
    with pytest.raises(catboost.CatBoostError, match="a bug of yours"):
        model.fit(*VAL, callbacks=[stream, Fail()])
    stream._give_up("another training began")
    (ended,) = recorded.of(events.RunEnded)
    assert (ended.status, ended.reason) == ("failed", "another training began before the training had ended")


def test_a_model_that_stops_early_when_it_is_trained_again_says_so(recorded: Recorded) -> None:
    model = classifier(300, learning_rate=1).fit(*TRAIN)
    model.fit(*TRAIN, eval_set=VAL, early_stopping_rounds=3, callbacks=[live_stream("catboost")])
    assert recorded.of(events.RunEnded)[0].reason == "early_stopped"
    (row,) = recorded.of(events.ModelCompleted)
    assert row.scores["validation/Logloss"] == model.get_best_score()["validation"]["Logloss"]


def test_it_is_told_with_the_booster_s_own_words_for_its_settings(recorded: Recorded) -> None:
    catboost.CatBoostRegressor(n_estimators=3, thread_count=1, verbose=0, allow_writing_files=False).fit(
        *TRAIN, callbacks=[live_stream("catboost")]
    )
    (started,) = recorded.of(events.RunStarted)
    assert (started.config["iterations"], started.config["loss_function"]) == (3, "RMSE")
    assert "callbacks" not in started.config
