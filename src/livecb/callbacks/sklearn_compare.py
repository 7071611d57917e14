"""`compare`: models trained one by one, and a leaderboard that fills while they are.

For any scikit-learn, and for every estimator that follows its interface: no callbacks are needed. Since
1.7 that takes more than methods: scikit-learn refuses what is no `BaseEstimator` of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import sklearn
from sklearn.base import clone, is_classifier
from sklearn.metrics import check_scoring, get_scorer
from sklearn.model_selection import check_cv
from sklearn.utils import indexable
from sklearn.utils.metaestimators import _safe_split  # knows of kernels, sparse matrices, data frames

from livecb.callbacks.sklearn_curves import curves
from livecb.callbacks.sklearn_models import chosen, importances, named
from livecb.meter import Meter
from livecb.run import Run
from livecb.start import init

__all__ = ["Candidate", "Comparison", "compare"]


@dataclass
class Candidate:
    """A model, and what came of it.

    Attributes:
        name: Its name.
        params: Its parameters that differ from the defaults.
        folds: Scores of each fold that is done, by name; greater is better.
        fit_seconds: What fitting took on the average, None if none was done.
        error: Why it failed, None if it did not.
        importances: How much each feature counts, in the last fold's model.
    """

    name: str
    params: dict[str, Any]
    folds: list[dict[str, float]] = field(default_factory=list)
    fit_seconds: float | None = None
    error: str | None = None
    importances: dict[str, float] = field(default_factory=dict)

    @property
    def scores(self) -> dict[str, float]:
        """Means of the scores over the folds that are done."""
        names = self.folds[0] if self.folds else ()
        return {name: sum(fold[name] for fold in self.folds) / len(self.folds) for name in names}

    @property
    def score(self) -> float:
        """The score that candidates are ranked by; NaN if there is none."""
        return next(iter(self.scores.values()), math.nan) if self.error is None else math.nan


@dataclass(repr=False)
class Comparison:
    """What a comparison came to; printed, it is a table.

    Attributes:
        candidates: The best first, those without a score and the failed ones last.
        model: The best one, fitted on all data; None if there is none or it was not asked for.
        interrupted: Whether it was stopped from the keyboard before all models were done.
    """

    candidates: list[Candidate] = field(default_factory=list)
    model: Any = None
    interrupted: bool = False

    @property
    def best(self) -> Candidate | None:
        """The best candidate, None if no model has a score."""
        return next((each for each in self.candidates if not math.isnan(each.score)), None)

    def add(self, candidate: Candidate) -> None:
        """Take in one more."""
        self.candidates.append(candidate)
        self.candidates.sort(key=lambda each: (each.error is not None, math.isnan(each.score), -each.score))

    def __repr__(self) -> str:
        width = max((len(each.name) for each in self.candidates), default=0)
        return "\n".join(f"{each.name:{width}}  {_said(each)}" for each in self.candidates)


def compare(
    models: Mapping[str, Any] | Sequence[Any],
    X: Any,
    y: Any = None,
    *,
    cv: Any = None,
    scoring: Any = None,
    groups: Any = None,
    refit: bool = True,
    run: Run | None = None,
    **settings: Any,
) -> Comparison:
    """Cross-validate models one by one, and show how they compare while they are trained.

    A model that fails is listed with its reason, and the next one is taken up. Ctrl-C keeps what is
    there: the comparison that is returned holds the models that are done.

    Args:
        models: Estimators by name, or a list of estimators or of `(name, estimator)`.
        X: Data, samples in rows, as scikit-learn takes it.
        y: Targets.
        cv: How to split, as scikit-learn takes it; 5 folds if left out.
        scoring: What to measure: a name, a scorer, or several as a list or a dict, of which the first
            decides; the model's own `score` if left out.
        groups: Groups of samples, for splitters that want them.
        refit: Whether to fit the best model on all data at the end.
        run: A run to record into, instead of one of its own. Who made it ends it.
        **settings: For `livecb.init`: `name`, `project`, `config`, `tags`, `dir`, `sinks` ...

    Returns:
        What it came to.

    Raises:
        TypeError: A model is none.
        ValueError: No model, two of one name, an unknown scoring, or data that do not fit together.
    """
    known = named(models)
    X, y, groups = indexable(X, y, groups)
    splitter = check_cv(cv, y, classifier=all(is_classifier(model) for model in known.values()))
    splits = list(splitter.split(X, y, groups))
    scorers = {name: _scorer(model, scoring) for name, model in known.items()}
    given = run is not None
    if run is None:
        config = {"models": {name: repr(model) for name, model in known.items()}, "cv": str(splitter)}
        settings["config"] = {**config, "scoring": scoring, **dict(settings.get("config") or {})}
        versions = {"scikit-learn": sklearn.__version__}
        run = init(**{"framework": "scikit-learn", "versions": versions, **settings})
    board = _Board(run, X, y, splits, len(known))
    try:
        for name, model in known.items():
            board.evaluate(name, model, scorers[name])
        if refit and board.found.best is not None:
            board.refit(known[board.found.best.name])
    except KeyboardInterrupt:
        board.found.interrupted = True
    except BaseException as error:
        if not given:
            run.finish_with(error)
        raise
    board.tell_end(ends=not given)
    return board.found


class _Board:
    """Evaluates models on the same splits, and tells of each."""

    def __init__(self, run: Run, X: Any, y: Any, splits: list[Any], models: int) -> None:
        self.found = Comparison()
        self._run = run
        self._data = (X, y)
        self._splits = splits
        self._meter = Meter("fold", models * len(splits), "compare")
        self._begun = 0

    def evaluate(self, name: str, model: Any, scorer: Callable[..., Mapping[str, float]]) -> None:
        """Fit and score a model on each split; whatever it raises is its own failure."""
        run, candidate, seconds = self._run, Candidate(name, chosen(model)), 0.0
        run.status("running", name)
        try:
            for fold, (train, test) in enumerate(self._splits):
                self._tell_progress(self._begun * len(self._splits) + fold, name)
                fitted, took = self._fit(model, train, name if fold == 0 else None)
                seconds += took
                candidate.folds.append(dict(scorer(fitted, *_safe_split(fitted, *self._data, test, train))))
                candidate.fit_seconds = seconds / len(candidate.folds)
                run.model_completed(
                    name,
                    params=candidate.params,
                    scores=candidate.folds[-1],
                    fit_seconds=took,
                    fold=fold,
                    **self._shared(),
                )
            candidate.importances = importances(fitted)
        except Exception as error:
            candidate.error = f"{type(error).__name__}: {error}"
        self._begun += 1
        self.found.add(candidate)
        self._tell_candidate(candidate)
        self._tell_progress(self._begun * len(self._splits), name)

    def refit(self, model: Any) -> None:
        """Fit the best model on all data."""
        self._run.status("running", "refit")
        try:
            self.found.model = self._fit(model, None, None)[0]
        except Exception as error:
            self._run.alert("The best model could not be fitted on all data", repr(error), "ERROR")

    def tell_end(self, ends: bool) -> None:
        """Tell what it came to, and end the run if `ends`."""
        best, run = self.found.best, self._run
        result = None if best is None else {"best": best.name, "params": best.params, "scores": best.scores}
        if best is not None:
            run.summary.update(best=best.name, best_score=best.score)
        if not ends:
            return
        if self.found.interrupted:
            run.finish("stopped", reason="KeyboardInterrupt", by="keyboard", result=result)
        elif best is None:
            run.finish("failed", reason="no model has a score")
        else:
            run.finish(result=result)

    def _fit(self, model: Any, rows: Any, curve: str | None) -> tuple[Any, float]:
        fitted = clone(model)
        X, y = self._data if rows is None else _safe_split(fitted, *self._data, rows)
        began = perf_counter()
        with nullcontext() if curve is None else curves(fitted, self._run, curve):
            fitted.fit(X) if y is None else fitted.fit(X, y)
        return fitted, perf_counter() - began

    def _shared(self) -> dict[str, Any]:
        return {"folds": len(self._splits), "goal": "max"}  # scikit-learn's scores are better when greater

    def _tell_candidate(self, candidate: Candidate) -> None:
        self._run.model_completed(
            candidate.name,
            ok=candidate.error is None,
            params=candidate.params,
            scores=candidate.scores,
            fit_seconds=candidate.fit_seconds,
            place=None if candidate.error else self.found.candidates.index(candidate) + 1,
            reason=candidate.error,
            importances=candidate.importances,
            **self._shared(),
        )
        if (best := self.found.best) is not None:
            self._run.log({f"best/{next(iter(best.scores))}": best.score}, step=self._begun)

    def _tell_progress(self, done: int, name: str) -> None:
        failed = sum(each.error is not None for each in self.found.candidates)
        best = self.found.best
        self._run.progress(
            **self._meter.read(done),
            counters={"failed": failed} if failed else None,
            model=name,
            best=None if best is None else f"{best.name} {best.score:.4g}",
        )


def _scorer(model: Any, scoring: Any) -> Callable[..., Mapping[str, float]]:
    """Return a function that measures a fitted model on data: scores by name."""
    for name in [scoring] if isinstance(scoring, str) else scoring if isinstance(scoring, list) else ():
        get_scorer(name)  # what it says of a name that is none can be read
    score = check_scoring(model, scoring=scoring)
    name = scoring if isinstance(scoring, str) else "score"

    def measure(fitted: Any, X: Any, y: Any) -> Mapping[str, float]:
        found = score(fitted, X, y)
        scores = found if isinstance(found, Mapping) else {name: found}
        return {name: float(value) for name, value in scores.items()}

    return measure


def _said(candidate: Candidate) -> str:
    if candidate.error is not None:
        return f"failed: {candidate.error}"
    return "  ".join(f"{name} {score:.4g}" for name, score in candidate.scores.items())
