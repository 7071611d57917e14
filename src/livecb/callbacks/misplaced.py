"""A callback that was given to another framework than its own.

All are called `LiveStream`, and an import line is soon copied. The framework then asks the callback for
hooks that it has not: it is told what to import instead, and trains on without being watched.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from livecb.errors import warn

__all__ = ["answer", "tell"]

_FRAMEWORKS = {
    "catboost": "catboost",
    "keras": "keras",
    "lightgbm": "lightgbm",
    "lightning": "lightning",
    "optuna": "optuna",
    "pytorch_lightning": "lightning",
    "skorch": "skorch",
    "transformers": "transformers",
}

_WITHOUT = ("before_iteration", "order")  # LightGBM does without


def answer(stream: object, name: str) -> Callable[..., Any]:
    """Return a hook that does nothing, if it is another framework that asks for one.

    Args:
        stream: The callback, in whose `__getattr__` this is called.
        name: What it has not.

    Raises:
        AttributeError: Somebody else asks, or nothing that a framework calls.
    """
    asking, kind = _asking(), type(stream)
    if asking not in _FRAMEWORKS or name.startswith("_") or name in _WITHOUT:
        raise AttributeError(f"{kind.__name__!r} object has no attribute {name!r}")
    if tell(stream, asking):
        # Frameworks have hooks of the same name which are called with something else.
        vars(stream).update({hook: _nothing for hook in dir(kind) if hook.startswith("on_")})
        vars(stream).update(set_params=_nothing)
    if name == "after_iteration":
        return _go_on
    return _nothing if name.startswith("on_") else _no_settings


def tell(stream: object, asking: str = "") -> bool:
    """Say what to import instead; false if it has been said.

    Args:
        stream: The callback, by whose method this is called.
        asking: The framework that calls it, or whoever calls that method.
    """
    asking, kind = asking or _asking(), type(stream)
    right = _FRAMEWORKS.get(asking)
    if right in (asked := vars(stream).setdefault("_asked_by", [])):
        return False
    asked.append(right)
    warn(
        f"{asking} was given the {kind.__name__} of {kind.__module__}, and trains without being watched: "
        f"use {'that of livecb.callbacks.' + right if right else 'run.log in a callback of its own'}"
    )
    return True


def _asking() -> str:
    """Return the framework that called what called us."""
    return str(sys._getframe(3).f_globals.get("__name__", "")).partition(".")[0]


def _go_on(*args: Any, **kwargs: Any) -> bool:
    """A hook that does nothing, where to return nothing would end the training."""
    return True


def _nothing(*args: Any, **kwargs: Any) -> None:
    """A hook that does nothing."""


def _no_settings(*args: Any, **kwargs: Any) -> dict[str, Any]:
    """What gives out settings or state, of one who has none."""
    return {}
