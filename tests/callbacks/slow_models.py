"""Models for tests of searches: importable, as worker processes need them."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin


class Slow(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Takes its time, and is right as often as `share` says."""

    def __init__(self, share: float = 0.5, seconds: float = 0.0, fails: bool = False) -> None:
        self.share = share
        self.seconds = seconds
        self.fails = fails

    def fit(self, x: Any, y: Any) -> Slow:
        time.sleep(self.seconds)
        if self.fails:
            raise ValueError("cannot learn that")
        self.classes_ = np.unique(y)
        return self

    def predict(self, x: Any) -> Any:
        return (np.arange(len(x)) >= self.share * len(x)).astype(int)


class Interrupted(Slow):
    """Is stopped by the keyboard."""

    def fit(self, x: Any, y: Any) -> Slow:
        raise KeyboardInterrupt
