"""Extras: what a callback's framework is installed with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["needed"]


@contextmanager
def needed(extra: str, name: str, package: str | None = None) -> Iterator[None]:
    """Say what to install where the imports of the block find no framework.

    What is missing beneath the framework (a backend of it) is left to the framework's own words.

    Args:
        extra: The extra of livecb, which is its callback's module, too.
        name: What the framework is called.
        package: What is imported; the extra's name if left out.

    Raises:
        ModuleNotFoundError: It is not installed; the message names the cure.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != (package or extra):
            raise
        raise ModuleNotFoundError(
            f"livecb.callbacks.{extra} needs {name}: pip install 'livecb[{extra}]'"
        ) from None
