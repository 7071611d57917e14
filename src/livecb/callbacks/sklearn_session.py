"""What is known of a fit while it goes on, in the process it was begun in or one that works for it."""

from __future__ import annotations

import os
import sys
from typing import Any
from weakref import WeakKeyDictionary

from livecb.callbacks.base import Session
from livecb.callbacks.sklearn_search import Search
from livecb.meter import Meter
from livecb.run import Run

__all__ = ["FitSession", "leave_others", "name_of_fit"]


class FitSession(Session):
    """What is known of a fit.

    Attributes:
        roots: The fits that are under way.
        before: The exception that was being handled when the fit began.
        bars: By the task whose parts they count, with how many have begun.
        search: The outermost search.
        stopping: Why it should stop, once somebody said so.
        asked: The tasks that were asked to begin no further part.
        ignored: Whether one did.
    """

    def __init__(self, run: Run, owned: bool) -> None:
        super().__init__(run, owned)
        self.roots: set[Any] = set()
        self.before = sys.exc_info()[1]
        self.bars: dict[tuple[Any, ...], tuple[Meter, int]] = {}
        self.search: Search | None = None
        self.stopping: str | None = None
        self.asked: set[tuple[Any, ...]] = set()
        self.ignored = False

    @property
    def stopped(self) -> bool:
        """Whether it ended before its time because somebody wanted that."""
        skipped = self.search is not None and self.search.count("skipped") > 0
        return skipped or (bool(self.asked) and not self.ignored)


_fits: WeakKeyDictionary[Run, dict[Any, int]] = WeakKeyDictionary()


def name_of_fit(run: Run, root: Any) -> str | None:
    """Return what tells a fit from others in the same run: `fit 2`; None for the first.

    Those in another process than the run's own do not know of each other: `fit 4711.1`, by the process.

    Args:
        run: Where the fits are recorded.
        root: The fit, as scikit-learn tells it from others.
    """
    fits = _fits.setdefault(run, {})
    number = fits.setdefault(root, len(fits) + 1)
    if not run._leads:
        return f"fit {os.getpid()}.{number}"
    return f"fit {number}" if number > 1 else None


_worked_for: Run | None = None


def leave_others(run: Run) -> None:
    """Close the run that this process worked for before: a pool of processes serves many searches."""
    global _worked_for
    if run._leads or run is _worked_for:
        return
    if _worked_for is not None:
        _worked_for.finish()
    _worked_for = run
