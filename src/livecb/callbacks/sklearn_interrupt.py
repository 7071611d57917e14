"""Where an estimator looks up while it is fitted: the hooks that some have, and most have not.

Gradient boosting of scikit-learn, XGBoost, LightGBM and CatBoost call a function after each of their
rounds. Whatever else is fitted cannot be interrupted without harm.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import Any

import sklearn

__all__ = ["Abandoned", "hooked"]


class Abandoned(Exception):
    """A fit is given up, because readers asked for that."""


def hooked(model: Any, look: Callable[[], None]) -> dict[str, Any] | None:
    """Have a model call a function between its rounds while it is fitted.

    Args:
        model: The estimator, ours to change: a clone. Of a pipeline the last step counts.
        look: The function; it may wait, or raise `Abandoned`.

    Returns:
        What to hand to `fit`; None where the model cannot be interrupted.
    """
    try:
        return _hooked(model, look)
    except Exception:  # of a model that is unlike what it seems
        return None


def _hooked(model: Any, look: Callable[[], None]) -> dict[str, Any] | None:
    steps = getattr(model, "steps", None)
    name, last = steps[-1] if steps else ("", model)
    prefix = f"{name}__" if steps else ""
    if steps and sklearn.get_config().get("enable_metadata_routing"):
        return None  # scikit-learn then wants to be asked first which step gets what
    package = type(last).__module__.partition(".")[0]
    accepted = inspect.signature(last.fit).parameters
    if package == "xgboost" and "callbacks" in last.get_params(deep=False):
        last.set_params(callbacks=[*(last.get_params(deep=False)["callbacks"] or []), _of_xgboost(look)])
        return {}
    if package == "sklearn" and "monitor" in accepted:
        return {f"{prefix}monitor": lambda *said: look()}
    if package == "lightgbm" and "callbacks" in accepted:
        return {f"{prefix}callbacks": [lambda env: look()]}
    if package == "catboost" and "callbacks" in accepted:
        return {f"{prefix}callbacks": [_OfCatBoost(look)]}
    return None


def _of_xgboost(look: Callable[[], None]) -> Any:
    base = sys.modules["xgboost.callback"].TrainingCallback

    class Look(base):  # type: ignore[misc, valid-type]
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            look()
            return False

    return Look()


class _OfCatBoost:
    def __init__(self, look: Callable[[], None]) -> None:
        self._look = look

    def after_iteration(self, info: Any) -> bool:
        self._look()
        return True
