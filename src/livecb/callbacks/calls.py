"""What a framework was asked for, where it does not tell its callbacks.

How many rounds or trials there will be is often known only to the call that is under way. It is read
from there, and nothing depends on it but how much can be shown: progress, time left, settings.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

__all__ = ["asked", "asked_anywhere"]


def asked(module: str, *functions: str) -> dict[str, Any]:
    """Return the arguments and variables of the call that called us, by name; nothing if there is none.

    Args:
        module: The module of the function that was called.
        functions: Its name, or several of which one was called.
    """
    return next(_found(sys._getframe(1), module, functions), {})


def asked_anywhere(module: str, function: str, **known: Any) -> dict[str, Any]:
    """Return what `asked` does, of a call that may have been made in another thread.

    Args:
        module: The module of the function that was called.
        function: Its name.
        known: What tells the call from others: variables, and the objects that they are.
    """
    # Not our own frame: whatever holds it would be held by itself, and what it knows with it.
    ours = {threading.get_ident(): sys._getframe(1)}
    for frame in (sys._current_frames() | ours).values():
        for found in _found(frame, module, (function,)):
            if all(found.get(name) is value for name, value in known.items()):
                return found
    return {}


def _found(frame: FrameType | None, module: str, functions: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    while frame is not None:
        if frame.f_code.co_name in functions and frame.f_globals.get("__name__") == module:
            yield dict(frame.f_locals)
        frame = frame.f_back
