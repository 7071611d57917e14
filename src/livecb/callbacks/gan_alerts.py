"""When a GAN goes wrong: rules over the numbers it says, each with thresholds of its own.

A rule is told numbers as they become known and never waits for one. It speaks once, and again only
after things were well in between. A loss that is no number is not their business: every run alerts
of that by itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, Protocol

from livecb.errors import warn
from livecb.values import Deferred

__all__ = ["Alerts", "Collapse", "Divergence", "Rule"]

_FIRST = 10
_MOST_WAITING = 10_000


class Rule(Protocol):
    """What `alerts=[...]` takes."""

    def see(self, values: Mapping[str, float]) -> tuple[str, str] | None:
        """Look at the numbers of one batch, or at those of one grid; return title and text of an alert."""


@dataclass
class Divergence:
    """The discriminator has won: what it tells the generator is no help any more.

    Alerts when over the last `patience` batches the discriminator's mean loss was at most `loss`, its
    mean separation of real from fake at least `separation` (where it is known), and the generator's
    mean loss no lower than over its first ten batches. A loss that goes below zero, as that of a
    Wasserstein critic does, raises nothing.

    Args:
        patience: Batches looked back on, of those that are recorded (`every_n_steps`).
        loss: Largest mean loss of the discriminator, of all its terms together.
        separation: Smallest mean share of pairs that it tells apart.
    """

    patience: int = 200
    loss: float = 0.05
    separation: float = 0.99
    _first: list[float] = field(default_factory=list, init=False, repr=False)
    _window: deque[tuple[float, float, float]] = field(default_factory=deque, init=False, repr=False)
    _generator: float | None = field(default=None, init=False, repr=False)
    _said: bool = field(default=False, init=False, repr=False)

    def see(self, values: Mapping[str, float]) -> tuple[str, str] | None:
        """Look at the numbers of one batch."""
        if (generator := values.get("loss/G")) is not None:
            self._generator = generator
            if len(self._first) < _FIRST:
                self._first.append(generator)
        if (loss := values.get("loss/D")) is None or self._generator is None:
            return None
        self._window.append((loss, values.get("separation", 1.0), self._generator))
        if len(self._window) < self.patience:
            return None
        while len(self._window) > self.patience:
            self._window.popleft()
        discriminator, separation, now = (fmean(column) for column in zip(*self._window, strict=True))
        lost = min(column[0] for column in self._window) >= 0 and discriminator <= self.loss
        lost = lost and separation >= self.separation and now >= fmean(self._first)
        before, self._said = self._said, lost
        if before or not lost:
            return None
        return (
            "The discriminator has won",
            f"Over {self.patience} batches its loss was {discriminator:.3g} and the generator's {now:.3g}, "
            f"after {fmean(self._first):.3g} at first: give it fewer steps or a lower rate",
        )


@dataclass
class Collapse:
    """Mode collapse: whatever the noise, the generator draws nearly the same picture.

    Alerts when `patience` grids in a row have a `diversity` (the mean distance of two of their pictures)
    below `share` of that of real ones, or, where these are not given, of the largest seen so far. Modes
    that are missing while the others stay apart are not noticed.

    Args:
        patience: Grids in a row.
        share: What is left of diversity, at most.
        grace: Grids in a row before that share was ever reached: pictures are much alike at first.
    """

    patience: int = 3
    share: float = 0.25
    grace: int = 10
    _largest: float = field(default=0.0, init=False, repr=False)
    _low: int = field(default=0, init=False, repr=False)
    _reached: bool = field(default=False, init=False, repr=False)

    def see(self, values: Mapping[str, float]) -> tuple[str, str] | None:
        """Look at the numbers of one grid."""
        if (diversity := values.get("diversity")) is None:
            return None
        self._largest = max(self._largest, diversity)
        against = values.get("diversity/real")
        bar = self.share * (self._largest if against is None else against)
        self._low = self._low + 1 if diversity < bar else 0
        self._reached = self._reached or diversity >= bar
        if self._low != (self.patience if self._reached else self.grace):
            return None
        what = "real ones have" if against is not None else "they had"
        return (
            "Mode collapse",
            f"In {self._low} grids they differ by {diversity:.3g}, and {what} {bar / self.share:.3g}: "
            "the generator draws nearly the same picture from any noise",
        )


class Alerts:
    """Shows rules the numbers of a run, in order, as they become known."""

    def __init__(self, rules: list[Rule]) -> None:
        self.rules = rules
        # Bounded: a number that cannot be read from its device never comes.
        self._waiting: deque[tuple[dict[str, Any], dict[str, Any]]] = deque(maxlen=_MOST_WAITING)

    @property
    def waits(self) -> bool:
        """Whether numbers are on their way yet."""
        return bool(self._waiting)

    def see(self, values: Mapping[str, Any], **axes: Any) -> None:
        """Take numbers, known ones and those on their way, with the place they belong to."""
        known = {name: each for name, each in values.items() if isinstance(each, (int, float, Deferred))}
        if self.rules and known:
            self._waiting.append((axes, known))

    def tell(self, run: Any) -> None:
        """Show the rules what is known by now, and record what they have to say."""
        while self._waiting:
            axes, values = self._waiting[0]
            if any(isinstance(each, Deferred) and each.value is None for each in values.values()):
                return
            numbers: dict[str, Any] = {
                n: each.value if isinstance(each, Deferred) else each for n, each in values.items()
            }
            self._waiting.popleft()
            for rule in list(self.rules):
                try:
                    if said := rule.see(numbers):
                        run.alert(*said, **axes)
                except Exception as error:  # of a rule that somebody else wrote
                    self.rules.remove(rule)
                    warn(f"{type(rule).__name__} is turned off: {error!r}")
