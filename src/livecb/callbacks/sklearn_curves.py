"""Curves that an estimator keeps while it is fitted, seen while they grow.

Neither neural networks nor gradient boosting tell callbacks of their iterations; but both append to
an attribute, which another thread may read: nothing of the fit is changed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from livecb.run import Run

__all__ = ["curves"]

_EVERY_SECONDS = 0.2
_LISTS = {"loss_curve_": "train/loss", "validation_scores_": "val/score"}
_STAGES = {"train_score_": "train/loss", "oob_scores_": "oob/loss"}


@contextmanager
def curves(model: Any, run: Run, name: str | None = None) -> Iterator[None]:
    """Record the curves of a model while the block fits it, a point an iteration.

    That is the loss, and the validation score with early stopping, of `MLPClassifier` and
    `MLPRegressor`; the training and out-of-bag loss of gradient boosting. Of a pipeline its last step
    is looked at. A fit that goes on (`warm_start`, `partial_fit`) goes on with its curve.

    Args:
        model: The estimator that the block fits.
        run: Where to record.
        name: What to put before the curves' names.
    """
    watch = _Watch(model, run, name)
    stopped = threading.Event()

    def follow() -> None:
        while not stopped.wait(_EVERY_SECONDS):
            watch.tell(growing=True)

    thread = threading.Thread(target=follow, name="livecb-curves", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
        watch.tell(growing=False)


class _Watch:
    """Knows which points of a model's curves have been told."""

    def __init__(self, model: Any, run: Run, name: str | None) -> None:
        self._model = model.steps[-1][1] if hasattr(model, "steps") else model
        self._run = run
        self._prefix = f"{name}/" if name else ""
        self._goes_on = bool(getattr(self._model, "warm_start", False))
        # What an earlier fit left behind: it is told of only where this fit goes on from there.
        self._before = {at: getattr(self._model, at, None) for at in (*_LISTS, *_STAGES)}
        self._told = {at: len(curve) for at, curve in self._before.items() if curve is not None}

    def tell(self, growing: bool) -> None:
        """Record the points that are new; the fit is under way if `growing`."""
        try:
            for at, name in (_LISTS | _STAGES).items():
                self._tell_curve(at, name, growing)
        except Exception as error:
            # An array that is replaced while it is read: at the end nothing moves any more.
            if not growing:
                self._run.warn_once("curves", f"curves of {self._model!r} were not recorded: {error!r}")

    def _tell_curve(self, at: str, name: str, growing: bool) -> None:
        curve = getattr(self._model, at, None)
        if curve is None:
            return
        if curve is not self._before[at] and not self._goes_on:
            self._before[at], self._told[at] = curve, 0
        done = self._done(curve) if growing and at in _STAGES else len(curve)
        for step in range(self._told.get(at, 0), done):
            self._run.log({f"{self._prefix}{name}": float(curve[step])}, step=step + 1)
        self._told[at] = max(done, self._told.get(at, 0))

    def _done(self, curve: Sequence[float]) -> int:
        """Return how many stages of a boosting are done: its arrays have room for all from the start."""
        trees = getattr(self._model, "estimators_", None)
        if trees is None or len(trees) != len(curve):
            return 0
        # The stage fitted last may not have its loss yet.
        return max(0, sum(stage[0] is not None for stage in trees) - 1)
