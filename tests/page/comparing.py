"""A comparison that obeys: models one by one, each of which takes its time.

python comparing.py STORE
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from sklearn.datasets import load_iris
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

from livecb.callbacks.sklearn import compare


class Patient(DummyClassifier):  # type: ignore[misc]
    """Fits when a file says that it may, and never sooner."""

    def __init__(self, go: str = "") -> None:
        super().__init__()
        self.go = go

    def fit(self, X: object, y: object, sample_weight: object = None) -> Patient:  # noqa: N803
        while not Path(self.go).exists():
            time.sleep(0.01)
        super().fit(X, y)
        return self


def main(store: str, go: str) -> None:
    """Compare four models, of which the first waits; a fifth may be added."""
    inputs, targets = load_iris(return_X_y=True)
    models = {"patient": Patient(go), "bayes": GaussianNB(), "logistic": LogisticRegression(max_iter=300)}
    compare(
        models,
        inputs,
        targets,
        cv=3,
        spare={"guess": DummyClassifier()},
        dir=store,
        sinks=[],
        name="iris",
        refit=False,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
