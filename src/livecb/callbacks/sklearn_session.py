"""What is known of a fit while it goes on, in the process it was begun in or one that works for it."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Any
from weakref import WeakKeyDictionary

import sklearn

from livecb.callbacks.base import Session
from livecb.callbacks.helm import Helm
from livecb.callbacks.sklearn_search import Search
from livecb.control.steering import Offer
from livecb.meter import Meter
from livecb.run import Run

__all__ = ["FitSession", "leave_others", "name_of_fit"]


_LOOK_SECONDS = 0.1
_ALIVE_SECONDS = 1.0
_SEARCHES = "scikit-learn's search chooses its candidates: use livecb.callbacks.sklearn.compare"
_OFFERS: dict[str, Offer] = {
    "stop": f"of scikit-learn {sklearn.__version__} only searches stop and keep what they have",
    "save": "scikit-learn saves nothing: the estimator is yours when its fit is done",
    "evaluate": "scikit-learn evaluates where a search does, or LiveStream(scoring=...) asks for it",
    "sample": "scikit-learn has no samples",
    "skip": _SEARCHES,
    "drop": _SEARCHES,
    "add": _SEARCHES,
}


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

    def take_helm(self) -> Helm:
        """Return what obeys for this fit."""
        return Helm(self.run, True, 1, _OFFERS, [], phase="fit")

    def begin_search(self, search: Search, helm: Helm | None) -> None:
        """Take in that the outermost search begins."""
        self.search = search
        if self.stopping:
            search.stop()
        if helm is None:
            return
        no = "a search stops only where error_score is NaN: what it skips must not win"
        self.run._steer().offer({"stop": self._obey_stop if search.skips else no})
        threading.Thread(target=self._obey_beside, args=(search,), name="livecb-search", daemon=True).start()

    def stop(self, reason: str) -> None:
        """Ask the fit to stop."""
        self.stopping = reason
        self.run.text(f"Asked to stop: {reason}", "WARNING", logger="livecb")
        if self.search is not None:
            self.search.stop()
            if not self.search.skips:
                self.say_ignored("a search stops only where error_score is NaN")

    def say_ignored(self, why: str) -> None:
        """Tell that the fit goes on all the same."""
        self.ignored = True
        self.run.alert(
            "The fit goes on",
            f"it was asked to stop, and {why}. To end it, interrupt the program: what is recorded stays",
        )

    def wait(self, helm: Helm | None) -> None:
        """Obey readers, in a process that works for a search by waiting while that is paused."""
        if helm is not None and (helm.run._asked or helm.run._steer().paused):
            helm.step()
        elif helm is None and self.search is not None and self.search.is_paused():
            self._wait_elsewhere(self.search)

    def _wait_elsewhere(self, search: Search) -> None:
        stored, checked = self.run._stored, time.monotonic()
        while search.is_paused():
            time.sleep(_LOOK_SECONDS)
            if time.monotonic() - checked > _ALIVE_SECONDS:
                checked = time.monotonic()
                if stored is None or not stored.alive():  # nobody is left to end the pause
                    return

    def _obey_stop(self) -> str:
        self.stop("a reader asked for it")
        return "once a candidate has all its folds; the best so far is then gone on with"

    def _obey_beside(self, search: Search) -> None:
        """Obey while the main thread waits for the processes that work for a search."""
        steering = self.run._steer()
        while search.is_open():
            time.sleep(_LOOK_SECONDS)
            if self.run._asked or steering.paused is not None:
                search.pause() if steering.look() else search.go_on()

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
