"""A callback that was given to another framework than its own.

All are called `LiveStream`, and an import line is soon copied. The framework then asks the callback for
hooks that it has not: it is told what to import instead, and trains on without being watched.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from livecb.errors import warn

__all__ = ["answer"]

_FRAMEWORKS = {
    "keras": "keras",
    "lightning": "lightning",
    "pytorch_lightning": "lightning",
    "skorch": "skorch",
    "transformers": "transformers",
}


def answer(stream: object, name: str) -> Callable[..., Any]:
    """Return a hook that does nothing, if it is another framework that asks for one.

    Args:
        stream: The callback, in whose `__getattr__` this is called.
        name: What it has not.

    Raises:
        AttributeError: Somebody else asks, or nothing that a framework calls.
    """
    asking = str(sys._getframe(2).f_globals.get("__name__", "")).partition(".")[0]
    kind = type(stream)
    if asking not in _FRAMEWORKS or name.startswith("_"):
        raise AttributeError(f"{kind.__name__!r} object has no attribute {name!r}")
    if _FRAMEWORKS[asking] not in (asked := vars(stream).setdefault("_asked_by", [])):
        asked.append(_FRAMEWORKS[asking])
        warn(
            f"{asking} was given the {kind.__name__} of {kind.__module__}, and trains without being "
            f"watched: use that of livecb.callbacks.{_FRAMEWORKS[asking]}"
        )
        # Frameworks have hooks of the same name which are called with something else.
        vars(stream).update({hook: _nothing for hook in dir(kind) if hook.startswith("on_")})
        vars(stream).update(set_params=_nothing)
    return _nothing if name.startswith("on_") else _no_settings


def _nothing(*args: Any, **kwargs: Any) -> None:
    """A hook that does nothing."""


def _no_settings(*args: Any, **kwargs: Any) -> dict[str, Any]:
    """What gives out settings or state, of one who has none."""
    return {}
