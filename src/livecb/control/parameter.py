"""A parameter that readers may set while the run goes on."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

from livecb.errors import CommandRefused, ValueRefused

__all__ = ["Control", "declared"]

_LONGEST = 200
_LARGEST = 2**53
"""Beyond it a page, whose numbers are doubles, cannot tell a whole number from the next."""


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
            if abs(asked) > _LARGEST:
                raise CommandRefused(
                    f"expected {self.name} to be a whole number of at most 2^53 ({_LARGEST}), got {asked!r}"
                )
            asked = int(asked)
        if not _is_between(asked, self.min, self.max):
            raise CommandRefused(f"expected {self.name} to be {_bounds(self.min, self.max)}, got {asked!r}")
        return asked


def declared(name: Any, value: Any, low: Any, high: Any, on_change: Any) -> tuple[Any, ...]:
    """Return what `run.control` was given, fit for a `Control`.

    Numbers are Python's then, and an infinite bound is none.

    Raises:
        ValueRefused: It does not fit; the message says what was expected.
    """
    if not isinstance(name, str) or not name.strip() or len(name) > _LONGEST:
        raise ValueRefused(f"expected a name of 1 to {_LONGEST} characters, got {name!r:.250}")
    if on_change is not None and not callable(on_change):
        raise ValueRefused(f"expected a function as on_change, got {on_change!r:.200}")
    if isinstance(value, bool | str):
        if low is not None or high is not None:
            raise ValueRefused(f"min and max are for numbers: leave them out for {value!r:.200}")
        return name, value, None, None
    number = _number("a number, a string or a bool as the value", value)
    low = None if low is None else _number("a number as min", low, infinite=-math.inf)
    high = None if high is None else _number("a number as max", high, infinite=math.inf)
    if low is not None and high is not None and low > high:
        raise ValueRefused(f"expected min to be at most max, got min={low!r} and max={high!r}")
    if not _is_between(number, low, high):
        raise ValueRefused(f"expected a value {_bounds(low, high)}, as min and max say, got {number!r}")
    return name, number, low, high


def _number(expected: str, given: Any, infinite: float | None = None) -> Any:
    """Return a number as one of Python's; None for the one infinite bound that is none."""
    number: float | None = None
    if isinstance(given, bool):
        pass
    elif isinstance(given, Integral):
        number = int(given)
    elif isinstance(given, Real):  # NumPy's are, of any width
        number = float(given)
    if infinite is not None and number == infinite:
        return None
    if number is None or not math.isfinite(number):
        raise ValueRefused(f"expected {expected}, and a finite one, got {given!r:.200}")
    return number


def _is_between(number: float, low: float | None, high: float | None) -> bool:
    return (low is None or number >= low) and (high is None or number <= high)


def _bounds(low: float | None, high: float | None) -> str:
    if high is None:
        return f"at least {low:g}"
    return f"at most {high:g}" if low is None else f"between {low:g} and {high:g}"
