"""A stopping criterion: a metric that is good enough, said as `val/acc > 0.98`."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from livecb.errors import CriterionError

__all__ = ["Criterion"]

_SIGNS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}
_GRAMMAR = re.compile(r"\s*(\S(?:.*?\S)?)\s*(>=|<=|>|<)\s*(\S+)\s*")


class Criterion(NamedTuple):
    """A name, a sign and a number.

    Attributes:
        name: The metric's, as it is recorded.
        sign: `>`, `>=`, `<` or `<=`.
        bound: What it is compared with; finite.
    """

    name: str
    sign: str
    bound: float

    @classmethod
    def parse(cls, text: str | Criterion) -> Criterion:
        """Return what a text says.

        Args:
            text: NAME SIGN NUMBER, such as `val/acc > 0.98`; names may hold spaces.

        Raises:
            CriterionError: It is none; the message says what was expected.
        """
        if isinstance(text, Criterion):
            return text
        found = _GRAMMAR.fullmatch(text) if isinstance(text, str) else None
        if found is None:
            raise CriterionError(
                f"expected NAME > NUMBER (or >=, <, <=), such as 'val/acc > 0.98', got {text!r:.200}"
            )
        name, sign, number = found.groups()
        if name[-1] in "<>=":
            raise CriterionError(
                f"expected one of >, >=, < and <= between name and number, got {text!r:.200}: "
                f"the metric's name would be {name!r:.100}"
            )
        try:
            bound = float(number)
        except ValueError:
            bound = math.nan
        if not math.isfinite(bound):
            raise CriterionError(
                f"expected a finite number after {sign}, got {number!r:.100} in {text!r:.200}"
            )
        return cls(name, sign, bound)

    def __str__(self) -> str:
        return f"{self.name} {self.sign} {self.bound:.12g}"

    def met(self, values: Mapping[str, Any]) -> str | None:
        """Return how values meet it, in words; None if they do not. A value that is no number never does."""
        value = values.get(self.name)
        if not isinstance(value, int | float) or not _SIGNS[self.sign](value, self.bound):
            return None
        return f"{self.name} {_short(value, self.bound)} {self.sign} {self.bound:.12g}"


def _short(value: float, bound: float) -> str:
    """Return a value with as few digits as still tell it from the bound."""
    for digits in (4, 6, 9, 12):
        if float(text := f"{value:.{digits}g}") != bound or value == bound:
            return text
    return repr(value)
