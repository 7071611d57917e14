"""Boosters on the same small table, each through its own call, and what it says of itself."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer

NAMES = ["xgboost", "lightgbm", "catboost"]

X, Y = load_breast_cancer(return_X_y=True)
X, Y = X[:200, :8], Y[:200]
TRAIN, VAL = (X[:140], Y[:140]), (X[140:], Y[140:])
QUIET = {"sinks": [], "system_interval": 0, "capture": None}


@dataclass
class Outcome:
    """What a training came to: its values by name, one a round, the model and what it predicts."""

    reported: dict[str, list[float]]
    model: Any
    predicted: Any


def live_stream(booster: str, **settings: Any) -> Any:
    return importlib.import_module(f"livecb.callbacks.{booster}").LiveStream(**QUIET | settings)


def train(name: str, *callbacks: Any, rounds: int = 6, **settings: Any) -> Outcome:
    """Train for some rounds.

    Args:
        name: The framework.
        callbacks: Its callbacks.
        rounds: How many.
        settings: `rate`, `patience` (rounds without progress after which it stops), `before` (a model to
            go on from), `sets` (whether values are reported), and `fail` (the round that raises).
    """
    options = {"rate": 0.3, "patience": None, "before": None, "sets": True, "fail": None} | settings
    trained: Outcome = _BY_NAME[name](list(callbacks), rounds, **options)
    return trained


def _by_name(history: Any) -> dict[str, list[float]]:
    return {f"{data}/{metric}": list(rows) for data, each in history.items() for metric, rows in each.items()}


def _xgboost(
    callbacks: Any, rounds: int, rate: float, patience: Any, before: Any, sets: bool, fail: Any
) -> Outcome:
    import xgboost as xgb

    class Fail(xgb.callback.TrainingCallback):
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            if epoch + 1 == fail:
                raise ValueError("a bug of yours")
            return False

    history: dict[str, Any] = {}
    train, val = xgb.DMatrix(*TRAIN), xgb.DMatrix(*VAL)
    model = xgb.train(
        {"objective": "binary:logistic", "nthread": 1, "max_depth": 2, "eta": rate}, train, rounds,
        evals=[(train, "train"), (val, "val")] if sets else [], early_stopping_rounds=patience,
        evals_result=history, verbose_eval=False, xgb_model=before, callbacks=[*callbacks, Fail()],
    )  # fmt: skip
    return Outcome(_by_name(history), model, model.predict(val))


def _lightgbm(
    callbacks: Any, rounds: int, rate: float, patience: Any, before: Any, sets: bool, fail: Any
) -> Outcome:
    import lightgbm as lgb

    def fail_late(env: Any) -> None:
        if env.iteration + 1 == fail:
            raise ValueError("a bug of yours")

    history: dict[str, Any] = {}
    fail_late.order = 99  # type: ignore[attr-defined]
    more = [lgb.record_evaluation(history), fail_late] if sets else [fail_late]
    more += [lgb.early_stopping(patience, verbose=False)] if patience else []
    train = lgb.Dataset(*TRAIN, free_raw_data=False)
    model = lgb.train(
        {"objective": "binary", "num_threads": 1, "num_leaves": 4, "learning_rate": rate, "verbose": -1},
        train, rounds, init_model=before, callbacks=[*more, *callbacks],
        valid_sets=[train, lgb.Dataset(*VAL, reference=train)] if sets else None,
        valid_names=["train", "val"] if sets else None,
    )  # fmt: skip
    return Outcome(_by_name(history), model, model.predict(VAL[0]))


def _catboost(
    callbacks: Any, rounds: int, rate: float, patience: Any, before: Any, sets: bool, fail: Any
) -> Outcome:
    import catboost

    class Fail:
        def after_iteration(self, info: Any) -> bool:
            if info.iteration == fail:
                raise ValueError("a bug of yours")
            return True

    model = catboost.CatBoostClassifier(
        iterations=rounds, learning_rate=rate, depth=2, thread_count=1, verbose=0,
        allow_writing_files=False, early_stopping_rounds=patience,
    )  # fmt: skip
    model.fit(*TRAIN, eval_set=VAL if sets else None, init_model=before, callbacks=[*callbacks, Fail()])
    return Outcome(_by_name(model.get_evals_result()), model, model.predict_proba(VAL[0]))


_BY_NAME = {"xgboost": _xgboost, "lightgbm": _lightgbm, "catboost": _catboost}


def same(one: Outcome, other: Outcome) -> bool:
    return bool(np.array_equal(one.predicted, other.predicted))
