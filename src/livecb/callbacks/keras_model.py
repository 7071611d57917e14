"""What a Keras model says of itself when it is asked: nothing here changes it. Imports no framework."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["hyperparameters", "rates"]


def rates(optimizer: Any) -> dict[str, Any]:
    """Return the learning rates of the step that is about to be made, without waiting for a device."""
    several = getattr(optimizer, "optimizers", None)  # of a MultiOptimizer, which has none itself
    if several is None:
        return {"learning_rate": _rate(optimizer)}
    return {f"learning_rate/{each.name}": _rate(each) for each in several}


def _rate(optimizer: Any) -> Any:
    now = optimizer.learning_rate
    now = getattr(now, "value", now)  # Keras's variables hold the backend's
    if getattr(now, "is_cpu", False):
        return now.item()
    return now.detach().clone() if hasattr(now, "detach") else now


def hyperparameters(model: Any, params: Any) -> dict[str, Any]:
    """Return what model, optimizer and loss say of themselves."""
    found: dict[str, Any] = {"model": _model_card(model)}
    if (optimizer := getattr(model, "optimizer", None)) is not None:
        found["optimizer"] = {"class": type(optimizer).__name__, **_settings(optimizer)}
    if (loss := getattr(model, "loss", None)) is not None:
        found["loss"] = getattr(loss, "name", loss)
    if params.get("epochs"):
        found["epochs"] = params["epochs"]
    return found


def _settings(optimizer: Any) -> dict[str, Any]:
    try:
        config = optimizer.get_config()
    except Exception:  # a schedule of the user's own need not say its settings
        config = {"learning_rate": type(getattr(optimizer, "_learning_rate", None)).__name__}
    return {name: value for name, value in config.items() if value is not None}


def _model_card(model: Any) -> dict[str, Any]:
    return {
        "class": type(model).__name__,
        "name": model.name,
        "parameters": sum(math.prod(each.shape) for each in model.weights),
        "trainable_parameters": sum(math.prod(each.shape) for each in model.trainable_weights),
    }
