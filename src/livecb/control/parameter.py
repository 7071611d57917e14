"""A parameter that readers may set while the run goes on."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from livecb.errors import CommandRefused

__all__ = ["Control"]


class Control:
    """A value that follows what readers set: what `run.control` gives back.

    Attributes:
        name: What readers call it.
        value: What it is now; changes between two steps, never within one.
        min: The smallest value it takes, if there is one.
        max: The largest.
    """

    def __init__(
        self,
        name: str,
        value: Any,
        *,
        min: float | None = None,
        max: float | None = None,
        on_change: Callable[[Any], object] | None = None,
        read: Callable[[], Any] | None = None,
        reason: str | None = None,
    ) -> None:
        self.name = name
        self.value = value
        self.min = min
        self.max = max
        self.reason = reason
        self._on_change = on_change
        self._read = read

    def __float__(self) -> float:
        return float(self.value)

    def __repr__(self) -> str:
        return f"<Control {self.name}={self.value!r}>"

    def now(self) -> Any:
        """Return the value now, which others may have changed."""
        if self._read is not None:
            self.value = self._read()
        return self.value

    def set(self, asked: Any) -> str | None:
        """Take another value.

        Returns:
            What to know of how that was done, if anything.

        Raises:
            CommandRefused: It cannot; the message says why.
        """
        if self.reason:
            raise CommandRefused(self.reason)
        value = self._checked(asked)
        before, self.value = self.value, value
        try:
            said = self._on_change(value) if self._on_change is not None else None
        except BaseException:
            self.value = before
            raise
        return said if isinstance(said, str) else None

    def _checked(self, asked: Any) -> Any:
        if isinstance(self.value, bool):
            if not isinstance(asked, bool):
                raise CommandRefused(f"expected {self.name} to be true or false, got {asked!r}")
            return asked
        if isinstance(self.value, str):
            if not isinstance(asked, str):
                raise CommandRefused(f"expected {self.name} to be a string, got {asked!r}")
            return asked
        if isinstance(asked, bool | str) or not math.isfinite(asked):
            raise CommandRefused(f"expected {self.name} to be a number, got {asked!r}")
        if isinstance(self.value, int):
            if asked != int(asked):
                raise CommandRefused(f"expected {self.name} to be a whole number, got {asked!r}")
            asked = int(asked)
        if (self.min is not None and asked < self.min) or (self.max is not None and asked > self.max):
            low = "-∞" if self.min is None else f"{self.min:g}"
            high = "∞" if self.max is None else f"{self.max:g}"
            raise CommandRefused(f"expected {self.name} to be between {low} and {high}, got {asked!r}")
        return asked
