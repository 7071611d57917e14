"""The packages that Lightning comes as, either of which may train: `lightning` and `pytorch_lightning`."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
from typing import Any

__all__ = ["callback_class", "package"]

_PACKAGES = ("lightning.pytorch", "pytorch_lightning")


def callback_class() -> Any:
    """Return the base class by which trainers, and their command lines, know a callback.

    `lightning` brings `pytorch_lightning` along, and either's Trainer may be the one in use: what is
    installed of the two is what the callback is derived from (the second costs some 60 ms).
    """
    known = sorted(_PACKAGES, key=lambda name: name not in sys.modules)
    names = [name for name in known if importlib.util.find_spec(name.partition(".")[0])]
    if not names:
        raise ModuleNotFoundError(
            "livecb.callbacks.lightning needs Lightning: pip install 'livecb[lightning]'"
        )
    bases = [importlib.import_module(names[0]).Callback]
    with contextlib.suppress(ImportError):  # left over from another age than the one in use
        bases += [importlib.import_module(name).Callback for name in names[1:]]
    return type("Callback", tuple(bases), {})


def package(trainer: Any) -> str:
    """Return the package whose Trainer this is, also when a user's class is derived from it."""
    roots = [cls.__module__.partition(".")[0] for cls in type(trainer).__mro__]
    return next(root for root in roots if root in ("lightning", "pytorch_lightning"))
