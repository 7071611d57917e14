"""What a fitted scikit-learn model says of itself."""

from __future__ import annotations

from typing import Any

import numpy

__all__ = ["importances"]

_MOST = 100


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
