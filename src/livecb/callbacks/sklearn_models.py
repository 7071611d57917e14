"""What scikit-learn's models say of themselves."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

import numpy

from livecb.values import plain

__all__ = ["chosen", "importances", "named", "settings"]

_MOST = 100
_LONGEST = 2_000


def importances(model: Any) -> dict[str, float]:
    """Return how much each feature counts, the most important first; empty where the model does not say.

    That is `feature_importances_`, or else the mean size of each feature's coefficients. Features
    without a name are called `x0`, `x1` ... as scikit-learn does.

    Args:
        model: A fitted estimator, or a pipeline that ends with one.
    """
    last = model.steps[-1][1] if hasattr(model, "steps") else model
    weights: Any = getattr(last, "feature_importances_", None)
    if weights is None and hasattr(last, "coef_"):
        weights = last.coef_.toarray() if hasattr(last.coef_, "toarray") else numpy.asarray(last.coef_)
        weights = numpy.abs(weights).mean(axis=0) if weights.ndim > 1 else numpy.abs(weights)
    if weights is None or not len(weights):
        return {}
    names = _names(model, last, len(weights))
    order = numpy.argsort(-numpy.asarray(weights, dtype=float), kind="stable")[:_MOST]
    return {names[at]: float(weights[at]) for at in order}


def _names(model: Any, last: Any, count: int) -> list[str]:
    try:
        known = model[:-1].get_feature_names_out() if last is not model and len(model.steps) > 1 else None
    except Exception:  # a transformer that does not know its features' names
        known = None
    known = getattr(last, "feature_names_in_", None) if known is None else known
    if known is None or len(known) != count:
        return [f"x{at}" for at in range(count)]
    return [str(name) for name in known]


def settings(model: Any) -> dict[str, Any]:
    """Return the parameters of an estimator; in words where they are long, as indices of splits are."""
    return {name: _short(value) for name, value in model.get_params(deep=False).items()}


def chosen(model: Any) -> dict[str, Any]:
    """Return the parameters of an estimator that differ from its defaults."""
    known = inspect.signature(type(model).__init__).parameters
    defaults = {name: repr(parameter.default) for name, parameter in known.items()}
    return {
        name: _short(value)
        for name, value in model.get_params(deep=False).items()
        if repr(value) != defaults.get(name)
    }


def _short(value: Any) -> Any:
    told = plain(value)
    return told if len(str(told)) <= _LONGEST else repr(value)[:_LONGEST]


def named(models: Any) -> dict[str, Any]:
    """Return estimators by name.

    Args:
        models: Estimators by name, or a list of estimators or of `(name, estimator)`. Estimators
            without a name have that of their class, and a number where it occurs again.

    Raises:
        TypeError: Something is no estimator; the message names it and the cure.
        ValueError: There is none, or two have the same name.
    """
    if isinstance(models, Mapping):
        pairs = list(models.items())
    elif isinstance(models, Iterable) and not isinstance(models, str) and not hasattr(models, "fit"):
        pairs = [each if isinstance(each, tuple) and len(each) == 2 else (None, each) for each in models]
    else:
        raise TypeError(f"expected a dict or a list of models, got {models!r}: write [{models!r}]")
    found: dict[str, Any] = {}
    for given, model in pairs:
        _check(given, model)
        name, count = given or type(model).__name__, 1
        while given is None and name in found:
            count += 1
            name = f"{type(model).__name__} {count}"
        if not isinstance(name, str) or name in found:
            what = "is given to two models" if name in found else "is no string"
            raise ValueError(f"expected a name of its own for each model: {name!r} {what}")
        found[name] = model
    if not found:
        raise ValueError("expected at least one model, got none")
    return found


def _check(name: str | None, model: Any) -> None:
    called = "a model" if name is None else f"model {name!r}"
    if isinstance(model, type):
        raise TypeError(f"{called} is the class {model.__name__}: write {model.__name__}()")
    if not hasattr(model, "fit") or not hasattr(model, "get_params"):
        raise TypeError(f"{called} is {model!r}: expected an estimator with fit and get_params")
